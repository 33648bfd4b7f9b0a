// What is broken on purpose, until when.
#include "faults/faults.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/date.h"
#include "base/text.h"

namespace faults {
namespace {

constexpr KindRow kKinds[] = {
    {Kind::Down, "down", "connections are refused, open ones are cut"},
    {Kind::Latency, "latency", "each answer comes later by `latency`, plus or minus `jitter`"},
    {Kind::Reset, "reset", "connections are reset as soon as something is asked"},
    {Kind::Hang, "hang", "connections are accepted and nothing is answered"},
    {Kind::Error, "error", "each request is answered with an error of the server"},
    {Kind::ReadOnly, "readonly", "writes are refused as a replica refuses them"},
};
constexpr std::string_view kTargets[] = {"db", "redis"};
constexpr auto kDefaultLease = std::chrono::minutes(5);
constexpr auto kLongestLease = std::chrono::hours(24);

std::expected<base::milliseconds, std::string> duration(const base::Node& input,
                                                        std::string_view key,
                                                        base::milliseconds fallback) {
    const base::Node* value = input.find(key);
    if (!value) return fallback;
    auto parsed = base::parse_duration(value->as_string());
    if (!parsed)
        return std::unexpected(fmt::format("\"{}\" takes a duration such as \"250ms\"", key));
    return std::chrono::duration_cast<base::milliseconds>(*parsed);
}

}  // namespace

std::span<const KindRow> kinds() {
    return kKinds;
}

std::string_view name_of(Kind kind) {
    for (const KindRow& row : kKinds)
        if (row.kind == kind) return row.name;
    return "";
}

std::expected<Fault, std::string> Faults::set(const base::Node& input) {
    Fault fault;
    fault.target = input["target"].as_string();
    if (std::find(std::begin(kTargets), std::end(kTargets), fault.target) == std::end(kTargets))
        return std::unexpected(
            fmt::format("no fault can be set on \"{}\"; targets: db, redis", fault.target));
    const std::string& name = input["kind"].as_string();
    auto row = std::find_if(std::begin(kKinds), std::end(kKinds),
                            [&](const KindRow& kind) { return kind.name == name; });
    if (row == std::end(kKinds)) {
        std::vector<std::string> names;
        for (const KindRow& kind : kKinds)
            names.emplace_back(kind.name);
        return std::unexpected(
            fmt::format("there is no fault \"{}\"; kinds: {}", name, base::join(names, ", ")));
    }
    fault.kind = row->kind;
    auto latency = duration(input, "latency", base::milliseconds(0));
    auto jitter = duration(input, "jitter", base::milliseconds(0));
    auto lease = duration(input, "lease", kDefaultLease);
    for (const auto* part : {&latency, &jitter, &lease})
        if (!*part) return std::unexpected(part->error());
    fault.latency = *latency;
    fault.jitter = std::min(*jitter, *latency);
    fault.ends = clock_.now() + std::min<base::milliseconds>(*lease, kLongestLease);

    std::lock_guard lock(mutex_);
    fault.id = next_++;
    faults_.push_back(fault);
    any_ = true;
    return fault;
}

bool Faults::clear(uint64_t id) {
    std::lock_guard lock(mutex_);
    bool found = std::erase_if(faults_, [&](const Fault& fault) { return fault.id == id; }) > 0;
    any_ = !faults_.empty();
    return found;
}

void Faults::clear_all() {
    std::lock_guard lock(mutex_);
    faults_.clear();
    any_ = false;
}

std::vector<Fault> Faults::list() const {
    std::lock_guard lock(mutex_);
    std::vector<Fault> running;
    for (const Fault& fault : faults_)
        if (fault.ends > clock_.now()) running.push_back(fault);
    return running;
}

std::optional<Fault> Faults::active(std::string_view target) const {
    if (!any_) return std::nullopt;
    std::lock_guard lock(mutex_);
    for (auto fault = faults_.rbegin(); fault != faults_.rend(); ++fault)
        if (fault->target == target && fault->ends > clock_.now()) return *fault;
    return std::nullopt;
}

base::Node to_node(const Fault& fault) {
    base::Node node = base::Node::object();
    node.set("id", fault.id);
    node.set("target", fault.target);
    node.set("kind", name_of(fault.kind));
    if (fault.latency.count()) node.set("latency_ms", static_cast<int64_t>(fault.latency.count()));
    node.set("ends", base::iso_date(fault.ends));
    return node;
}

}  // namespace faults

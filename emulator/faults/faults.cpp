// What is broken on purpose, until when.
#include "faults/faults.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

#include "base/date.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/text.h"

namespace faults {
namespace {

constexpr auto kDefaultLease = std::chrono::minutes(5);
constexpr auto kLongestLease = std::chrono::hours(24);
constexpr base::milliseconds kHoldSlice{20};  // how late a wait notices that its fault is over

std::expected<base::microseconds, std::string> lease_of(const base::Node& input) {
    const base::Node* value = input.find("lease");
    if (value == nullptr) return kDefaultLease;
    const auto parsed = base::parse_duration(value->as_string());
    if (!parsed) return std::unexpected("\"lease\" takes a duration such as \"30s\"");
    return std::min<base::microseconds>(*parsed, kLongestLease);
}

}  // namespace

base::milliseconds Fault::delay() const {
    return latency - jitter +
           base::milliseconds(base::random_below(2 * static_cast<uint64_t>(jitter.count()) + 1));
}

std::expected<base::FaultSpec, std::string> read_fault(const base::Node& input) {
    const std::string& target = input["target"].as_string();
    if (const base::Node* how = input.find("fault")) return base::parse_fault(target, *how);
    const std::string& kind = input["kind"].as_string();
    if (kind.empty()) return base::parse_fault(target, base::Node());
    base::Node how = base::Node::object();
    how.set(kind, input[kind]);
    if (const base::Node* jitter = input.find("jitter")) how.set("jitter", *jitter);
    return base::parse_fault(target, how);
}

std::expected<Fault, std::string> Faults::set(const base::Node& input,
                                              std::vector<std::string> keys) {
    Fault fault;
    static_cast<base::FaultSpec&>(fault) = TRY(read_fault(input));
    fault.ends = clock_.real_now() + TRY(lease_of(input));
    fault.keys = std::move(keys);
    if (fault.keys.empty()) fault.keys.push_back(fault.target);

    std::lock_guard lock(mutex_);
    // Those whose lease is over are gone for good.
    std::erase_if(faults_, [&](const Fault& each) { return each.ends <= clock_.real_now(); });
    fault.id = next_++;
    faults_.push_back(fault);
    any_ = true;
    return fault;
}

std::expected<Fault, std::string> Faults::renew(uint64_t id, const base::Node& input) {
    const auto lease = TRY(lease_of(input));
    std::lock_guard lock(mutex_);
    for (Fault& fault : faults_) {
        if (fault.id != id || fault.ends <= clock_.real_now()) continue;
        fault.ends = clock_.real_now() + lease;
        return fault;
    }
    return std::unexpected("there is no such fault; it may have ended by itself");
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
        if (fault.ends > clock_.real_now()) running.push_back(fault);
    return running;
}

std::optional<Fault> Faults::find(std::string_view prefix, std::string_view name) const {
    const auto fits = [&](const std::string& key) {
        return key.size() == prefix.size() + name.size() && key.starts_with(prefix) &&
               key.ends_with(name);
    };
    std::lock_guard lock(mutex_);
    for (auto fault = faults_.rbegin(); fault != faults_.rend(); ++fault)
        if (fault->ends > clock_.real_now() &&
            std::any_of(fault->keys.begin(), fault->keys.end(), fits))
            return *fault;
    return std::nullopt;
}

bool Faults::hold(const Fault& fault, base::milliseconds time) const {
    while (time.count() > 0) {
        const base::milliseconds slice = std::min(time, kHoldSlice);
        ::poll(nullptr, 0, static_cast<int>(slice.count()));
        time -= slice;
        std::lock_guard lock(mutex_);
        const bool there = std::any_of(faults_.begin(), faults_.end(), [&](const Fault& each) {
            return each.id == fault.id && each.ends > clock_.real_now();
        });
        if (!there) return false;
    }
    return true;
}

base::Node to_node(const Fault& fault) {
    base::Node node = base::Node::object();
    node.set("id", fault.id);
    node.set("target", fault.target);
    node.set("kind", base::row_of(fault.kind).name);
    node.set("fault", base::fault_node(fault));
    node.set("shown", base::show_fault(fault));
    if (fault.latency.count()) node.set("latency_ms", static_cast<int64_t>(fault.latency.count()));
    node.set("ends", base::iso_date(fault.ends));
    return node;
}

}  // namespace faults

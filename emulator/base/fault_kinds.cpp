// The table of faults and its readers.
#include "base/fault_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/date.h"
#include "base/result.h"
#include "base/text.h"

namespace base {
namespace {

using enum FaultKind;

constexpr FaultKindRow kKinds[] = {
    {Down, "down", FaultParameter::None, "connections are refused, open ones are cut"},
    {Latency, "latency", FaultParameter::Duration,
     "each answer comes later by so much, plus or minus `jitter`"},
    {Reset, "reset", FaultParameter::None, "connections are reset as soon as something is asked"},
    {Hang, "hang", FaultParameter::None, "connections are accepted and nothing is answered"},
    {Error, "error", FaultParameter::Status,
     "each request is answered with an error: of an origin the status (503), of the database and "
     "the cache their own"},
    {ReadOnly, "readonly", FaultParameter::None, "writes are refused as a replica refuses them"},
    {Deny, "deny", FaultParameter::None, "every request is answered 403 AccessDenied"},
    {Slow, "slow", FaultParameter::Rate, "so many bytes per second (1 KiB)"},
    {Full, "full", FaultParameter::None, "what is written finds no space"},
    {Cold, "cold", FaultParameter::None, "nothing that is held is used: every request is a miss"},
    {Kill, "kill", FaultParameter::Signal, "its containers get SIGKILL, or TERM, once"},
    {Missing, "missing", FaultParameter::None, "the image is not there"},
};

constexpr FaultKind kEdge[] = {Cold};
constexpr FaultKind kOrigin[] = {Latency, Reset, Hang, Error};
constexpr FaultKind kTarget[] = {Kill, Hang, Latency};
constexpr FaultKind kServers[] = {Down, Latency, Reset, Hang, Error, ReadOnly};
constexpr FaultKind kS3[] = {Deny, Slow};
constexpr FaultKind kDisk[] = {Slow, Full};
constexpr FaultKind kRegistry[] = {Missing, Latency};

constexpr FaultTargetRow kTargets[] = {
    {"edge", "the distributions' cache", kEdge},
    {"origin:", "an origin by its Id, as the edge asks it", kOrigin},
    {"target:",
     "the tasks of a service (target:backend), or one of them (target:backend[0], or "
     "its id), as the load balancer asks them",
     kTarget},
    {"db", "MariaDB, as the tasks reach it", kServers},
    {"redis", "Redis, as the tasks reach it", kServers},
    {"s3", "every request to S3", kS3},
    {"disk", "what S3 writes its objects to", kDisk},
    {"registry", "images, as tasks pull them", kRegistry},
};

std::vector<std::string> names_of(std::span<const FaultKind> kinds) {
    std::vector<std::string> names;
    for (FaultKind kind : kinds)
        names.emplace_back(row_of(kind).name);
    return names;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& names,
                         std::string_view what) {
    const std::string near = closest(word, names);
    return near.empty() ? fmt::format("{} are {}", what, join(names, ", "))
                        : fmt::format("did you mean \"{}\"?", near);
}

std::expected<const FaultTargetRow*, std::string> target_row(std::string_view target) {
    const FaultTargetRow* row = find_fault_target(target);
    if (row != nullptr) return row;
    std::vector<std::string> names;
    for (const FaultTargetRow& each : kTargets)
        names.push_back(std::string(each.name) + (each.name.ends_with(':') ? "NAME" : ""));
    return std::unexpected(fmt::format("no fault can be set on \"{}\"; {}", target,
                                       did_you_mean(target, names, "targets")));
}

std::expected<std::chrono::milliseconds, std::string> duration(std::string_view what,
                                                               const Node& value) {
    const auto parsed =
        value.is_string() ? parse_duration(value.as_string()) : std::optional<microseconds>();
    if (!parsed)
        return std::unexpected(fmt::format("\"{}\" takes a duration such as \"250ms\"", what));
    return std::chrono::duration_cast<std::chrono::milliseconds>(*parsed);
}

std::expected<void, std::string> set_parameter(FaultSpec& spec, const FaultKindRow& row,
                                               const Node& value) {
    switch (row.parameter) {
        case FaultParameter::None:
            if (!value.is_null() && !value.as_bool())
                return std::unexpected(fmt::format("\"{}\" takes nothing beside it", row.name));
            return {};
        case FaultParameter::Duration: spec.latency = TRY(duration(row.name, value)); return {};
        case FaultParameter::Status: {
            if (value.is_null() || value.as_bool()) return {};
            const auto status =
                value.is_number() ? value.as_int() : parse_signed(value.as_string()).value_or(0);
            if (status < 400 || status > 599)
                return std::unexpected(
                    fmt::format("\"{}\" takes a status from 400 to 599", row.name));
            spec.status = static_cast<int>(status);
            return {};
        }
        case FaultParameter::Rate:
            if (value.is_null() || value.as_bool()) return {};
            spec.bytes_per_second =
                TRY(parse_rate(value.is_number() ? value.number_text() : value.as_string()));
            return {};
        case FaultParameter::Signal:
            if (value.is_null() || value.as_bool()) return {};
            spec.signal = value.as_string();
            if (spec.signal != "KILL" && spec.signal != "TERM")
                return std::unexpected("\"kill\" takes KILL or TERM");
            return {};
    }
    return {};
}

}  // namespace

bool FaultTargetRow::takes(FaultKind kind) const {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

std::span<const FaultKindRow> fault_kinds() {
    return kKinds;
}
std::span<const FaultTargetRow> fault_targets() {
    return kTargets;
}

const FaultKindRow& row_of(FaultKind kind) {
    return *std::find_if(std::begin(kKinds), std::end(kKinds),
                         [&](const FaultKindRow& row) { return row.kind == kind; });
}

const FaultKindRow* find_fault_kind(std::string_view name) {
    const auto* row = std::find_if(std::begin(kKinds), std::end(kKinds),
                                   [&](const FaultKindRow& each) { return each.name == name; });
    return row == std::end(kKinds) ? nullptr : row;
}

const FaultTargetRow* find_fault_target(std::string_view target) {
    for (const FaultTargetRow& row : kTargets)
        if (row.name.ends_with(':')
                ? target.starts_with(row.name) && target.size() > row.name.size()
                : target == row.name)
            return &row;
    return nullptr;
}

std::expected<FaultSpec, std::string> parse_fault(std::string_view target, const Node& how) {
    const FaultTargetRow* row = TRY(target_row(target));
    FaultSpec spec;
    spec.target = target;
    const FaultKindRow* kind = nullptr;
    Node jitter;
    auto take = [&](std::string_view name, const Node& value) -> std::expected<void, std::string> {
        const FaultKindRow* found = find_fault_kind(name);
        if (found == nullptr || !row->takes(found->kind))
            return std::unexpected(
                fmt::format("{} has no fault \"{}\"; {}", target, name,
                            did_you_mean(name, names_of(row->kinds), "its faults")));
        if (kind != nullptr)
            return std::unexpected(fmt::format("\"{}\" and \"{}\" at once: make it two faults",
                                               kind->name, found->name));
        kind = found;
        return set_parameter(spec, *found, value);
    };
    if (how.is_string()) {
        TRY(take(how.as_string(), Node()));
    } else if (how.is_object()) {
        for (const auto& [name, value] : how.members()) {
            if (name == "jitter")
                jitter = value;
            else
                TRY(take(name, value));
        }
    }
    if (kind == nullptr)
        return std::unexpected(
            fmt::format("{} needs a fault: {}", target, join(names_of(row->kinds), ", ")));
    spec.kind = kind->kind;
    if (!jitter.is_null()) {
        if (spec.kind != Latency) return std::unexpected("\"jitter\" belongs to \"latency\"");
        spec.jitter = std::min(TRY(duration("jitter", jitter)), spec.latency);
    }
    return spec;
}

std::expected<FaultSpec, std::string> parse_fault(std::string_view target,
                                                  const std::vector<std::string>& words) {
    Node how = Node::object();
    if (!words.empty()) how.set(words[0], words.size() > 1 ? Node(words[1]) : Node());
    if (words.size() > 2) how.set("jitter", words[2]);
    if (words.size() > 3) return std::unexpected("a fault is a kind, its value and a jitter");
    return parse_fault(target, how);
}

Node fault_node(const FaultSpec& spec) {
    Node how = Node::object();
    const FaultKindRow& row = row_of(spec.kind);
    Node value = true;
    switch (row.parameter) {
        case FaultParameter::None: break;
        case FaultParameter::Duration: value = fmt::format("{}ms", spec.latency.count()); break;
        case FaultParameter::Status: value = spec.status; break;
        case FaultParameter::Rate: value = spec.bytes_per_second; break;
        case FaultParameter::Signal: value = spec.signal; break;
    }
    how.set(std::string(row.name), std::move(value));
    if (spec.jitter.count() > 0) how.set("jitter", fmt::format("{}ms", spec.jitter.count()));
    return how;
}

std::string show_fault(const FaultSpec& spec) {
    const FaultKindRow& row = row_of(spec.kind);
    std::string out = fmt::format("{} {}", spec.target, row.name);
    switch (row.parameter) {
        case FaultParameter::None: break;
        case FaultParameter::Duration:
            out += fmt::format(" {}ms", spec.latency.count());
            if (spec.jitter.count() > 0) out += fmt::format(" ± {}ms", spec.jitter.count());
            break;
        case FaultParameter::Status:
            if (spec.target.starts_with("origin:")) out += fmt::format(" {}", spec.status);
            break;
        case FaultParameter::Rate: out += fmt::format(" {} bytes/s", spec.bytes_per_second); break;
        case FaultParameter::Signal: out += " " + spec.signal; break;
    }
    return out;
}

std::expected<uint64_t, std::string> parse_rate(std::string_view text) {
    struct Unit {
        std::string_view name;
        uint64_t bytes;
    };
    constexpr Unit kUnits[] = {
        {"KiB", 1024}, {"MiB", 1024 * 1024}, {"KB", 1000}, {"MB", 1000 * 1000}, {"B", 1}, {"", 1}};
    text = trim(text);
    if (text.ends_with("/s")) text.remove_suffix(2);
    for (const Unit& unit : kUnits) {
        if (!text.ends_with(unit.name)) continue;
        const auto number = parse_unsigned(trim(text.substr(0, text.size() - unit.name.size())));
        if (number && *number > 0 && *number <= UINT32_MAX) return *number * unit.bytes;
        break;
    }
    return std::unexpected("\"slow\" takes bytes per second such as \"64KiB\"");
}

}  // namespace base

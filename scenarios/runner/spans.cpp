// Spans: joining.
#include "scenarios/runner/spans.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/date.h"
#include "base/text.h"

namespace scenarios {
namespace {

using base::Node;

struct Window {
    base::Time begin, end;
    bool overlaps(const Window& other) const { return begin < other.end && other.begin < end; }
    bool holds(const Window& other) const { return begin <= other.begin && other.end <= end; }
};

std::optional<Window> window_of(const Node& span) {
    auto begin = base::parse_iso_date(span["started"].as_string());
    if (!begin) return std::nullopt;
    return Window{*begin, *begin + base::microseconds(span["took_us"].as_int())};
}

bool is_store(const Node& span) {
    const std::string& hop = span["hop"].as_string();
    return hop == "db" || hop == "redis";
}

// "10.0.0.5:3000: the fewest …" and "10.0.0.5:40412" have the task's address in common.
std::string_view address_in(std::string_view text) {
    return text.substr(0, text.find(':'));
}

// Spans that carry the id, then those that carry theirs.
void follow(const std::vector<Node>& all, const std::string& first, std::vector<Node>& out) {
    std::set<std::string> followed;
    std::set<int64_t> taken;
    std::vector<std::string> next{first};
    while (!next.empty()) {
        const std::string id = std::move(next.back());
        next.pop_back();
        if (id.empty() || !followed.insert(id).second) continue;
        for (const Node& span : all) {
            if (span["id"].as_string() != id && span["parent"].as_string() != id) continue;
            if (!taken.insert(span["sequence"].as_int()).second) continue;
            out.push_back(span);
            next.push_back(span["id"].as_string());
            next.push_back(decision(span, "s3"));  // S3 is told by its own request id
        }
    }
}

void add_stores(const std::vector<Node>& all, std::vector<Node>& found) {
    std::vector<Node> added;
    for (const Node& hop : found) {
        if (hop["hop"].as_string() != "alb") continue;
        const std::string target = decision(hop, "target");
        const auto at_task = window_of(hop);
        if (target.empty() || !at_task) continue;
        auto same_task = [&](const Node& other) {
            return other["hop"].as_string() == "alb" &&
                   address_in(decision(other, "target")) == address_in(target);
        };
        for (const Node& span : all) {
            if (!is_store(span) || address_in(span["peer"].as_string()) != address_in(target))
                continue;
            const auto when = window_of(span);
            if (!when || !at_task->holds(*when)) continue;
            const bool shared = std::any_of(all.begin(), all.end(), [&](const Node& other) {
                if (!same_task(other) || other["sequence"] == hop["sequence"]) return false;
                const auto theirs = window_of(other);
                return theirs && theirs->overlaps(*when);
            });
            added.push_back(span);
            if (shared) added.back().set("approximate", true);
        }
    }
    found.insert(found.end(), added.begin(), added.end());
}

// The last attempt brought an answer, and it was a load balancer's.
bool answered_by_balancer(const Node& edge) {
    return origin_status(edge) != 0 &&
           decision(edge, "origin").find(".elb.amazonaws.com") != std::string::npos;
}

}  // namespace

bool lacks_a_hop(const std::vector<Node>& spans) {
    return std::any_of(spans.begin(), spans.end(), [&](const Node& edge) {
        if (edge["hop"].as_string() != "edge") return false;
        const std::string at_s3 = decision(edge, "s3");
        auto there = [&](auto&& is) { return std::any_of(spans.begin(), spans.end(), is); };
        if (!at_s3.empty() &&
            !there([&](const Node& span) { return span["id"].as_string() == at_s3; }))
            return true;
        return answered_by_balancer(edge) &&
               !there([&](const Node& span) { return span["parent"] == edge["id"]; });
    });
}

std::string decision(const Node& span, std::string_view key) {
    std::string last;
    for (const Node& each : span["decisions"].items())
        if (each["key"].as_string() == key) last = each["text"].as_string();
    return last;
}

int origin_status(const Node& edge) {
    const std::string attempt = decision(edge, "attempt");
    const size_t colon = attempt.find(": ");
    if (colon == std::string::npos) return 0;
    const std::string_view rest = std::string_view(attempt).substr(colon + 2, 3);
    return static_cast<int>(base::parse_signed(rest).value_or(0));
}

std::vector<Node> in_order(std::vector<Node> spans) {
    std::stable_sort(spans.begin(), spans.end(), [](const Node& a, const Node& b) {
        return a["started"].as_string() < b["started"].as_string();
    });
    auto asked_by = [](const Node& child, const Node& parent) {
        if (is_store(child)) return parent["hop"].as_string() == "alb";
        const std::string& id = parent["id"].as_string();
        return !id.empty() && &child != &parent &&
               (child["parent"].as_string() == id ||
                decision(parent, "s3") == child["id"].as_string());
    };
    std::vector<Node> out;
    while (!spans.empty()) {
        auto next = std::find_if(spans.begin(), spans.end(), [&](const Node& span) {
            return std::none_of(spans.begin(), spans.end(),
                                [&](const Node& other) { return asked_by(span, other); });
        });
        if (next == spans.end()) next = spans.begin();
        out.push_back(std::move(*next));
        spans.erase(next);
    }
    return out;
}

std::vector<Node> spans_of_request(const std::vector<Node>& all, const std::string& id,
                                   const std::string& peer, const std::string& method,
                                   const std::string& target) {
    std::vector<Node> found;
    follow(all, id, found);
    if (found.empty() && !peer.empty())
        for (auto span = all.rbegin(); span != all.rend() && found.empty(); ++span)
            if ((*span)["peer"].as_string() == peer && (*span)["method"].as_string() == method &&
                (*span)["target"].as_string() == target) {
                if ((*span)["id"].as_string().empty())
                    found.push_back(*span);
                else
                    follow(all, (*span)["id"].as_string(), found);
            }
    add_stores(all, found);
    return in_order(std::move(found));
}

}  // namespace scenarios

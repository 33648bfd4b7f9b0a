// The edge seen from console and CLI: what the cache holds, why a URL would hit or miss, and a
// hit's short span told in full.
#include <fmt/format.h>

#include "base/date.h"
#include "base/text.h"
#include "cloudfront/behavior_match.h"
#include "cloudfront/edge.h"

namespace cloudfront {

using base::Node;

Node Edge::list_cache(std::string_view distribution_id, size_t limit) const {
    Node all = Node::array();
    for (const EntryPtr& entry : parts_.cache.list(distribution_id, limit))
        all.push_back(to_node(*entry, parts_.clock.now()));
    return all;
}

Node Edge::cache_figures() const {
    return Node::object(
        {{"entries", static_cast<int64_t>(parts_.cache.entries())},
         {"memoryBytes", static_cast<int64_t>(parts_.cache.memory_bytes())},
         {"memoryBudgetBytes", static_cast<int64_t>(parts_.cache.budget().memory_bytes)},
         {"diskBytes", static_cast<int64_t>(parts_.cache.disk_bytes())},
         {"diskBudgetBytes", static_cast<int64_t>(parts_.cache.budget().disk_bytes)},
         {"evicted", static_cast<int64_t>(parts_.cache.evicted())}});
}

Node Edge::explain_url(std::string_view url, const http::HeaderList& headers) const {
    size_t scheme = url.find("://");
    std::string_view rest = scheme == std::string_view::npos ? url : url.substr(scheme + 3);
    size_t slash = rest.find('/');
    http::RequestHead head;
    head.method = "GET";
    head.target = slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
    head.headers = headers;
    std::string host(rest.substr(0, slash));
    auto snapshot = parts_.snapshot.get();
    const auto* found = snapshot->hosts.find(host);
    if (found == nullptr)
        return Node::object(
            {{"error", fmt::format("no enabled distribution has the name {}", host)}});
    const Distribution& distribution = **found;
    std::string path(head.path());
    if (path == "/" && !distribution.default_root_object.empty())
        path += distribution.default_root_object;
    ViewerRequest request;
    request.head = &head;
    request.host = host;
    request.path = path;
    request.query = head.query();
    request.https = url.starts_with("https:");
    request.ip = "127.0.0.1";
    const CacheBehavior& behavior = match_behavior(distribution, path);
    Node parts = Node::array();
    for (const KeyPart& part : explain_cache_key(distribution, behavior, request))
        parts.push_back(
            Node::object({{"name", part.name}, {"value", part.value}, {"why", part.why}}));
    Node answer = Node::object({{"distribution", distribution.id},
                                {"behavior", explain_behavior(distribution, behavior, path)},
                                {"key", parts}});
    if (behavior.caching_disabled) {
        answer.set("cache", "never asked: caching is disabled by " + behavior.key_source);
        return answer;
    }
    CacheKey key;
    build_cache_key(distribution, behavior, request, key);
    EntryPtr entry = parts_.cache.find(key.text);
    if (entry) {
        base::Time now = parts_.clock.now();
        answer.set("entry", to_node(*entry, now));
        switch (usable(*entry, now)) {
            case Usable::Fresh: answer.set("cache", "hit: " + entry->why); break;
            case Usable::StaleWhileRevalidating:
                answer.set("cache", "hit: stale, within stale-while-revalidate");
                break;
            case Usable::StaleAfterError:
                answer.set("cache", "hit: stale, the origin failed a moment ago");
                break;
            case Usable::Expired:
                answer.set("cache",
                           fmt::format("expired {} ago ({}): the origin is asked{}",
                                       base::show_duration(now - entry->fresh_until), entry->why,
                                       entry->etag.empty() && entry->last_modified.empty()
                                           ? ""
                                           : " whether it changed"));
        }
        return answer;
    }
    // Other variants of the same path: the usual reason for a miss that surprises.
    Node variants = Node::array();
    for (const EntryPtr& other : parts_.cache.list(distribution.id, 10'000))
        if (base::cut(other->key.path(), '?').first == path && variants.size() < 20)
            variants.push_back(to_node(*other, parts_.clock.now()));
    answer.set("cache", variants.size() == 0
                            ? "miss: nothing of this path is held"
                            : "miss: the path is held under other key values only");
    if (variants.size() > 0) answer.set("variants", variants);
    return answer;
}

void Edge::expand(base::Span& span) const {
    if (span.hop != "edge" || span.decisions.size() < 2 || span.decisions[0].key != "behavior" ||
        span.decisions[1].key != "key" || span.decisions[1].text.find('\n') == std::string::npos)
        return;
    auto snapshot = parts_.snapshot.get();
    auto found = snapshot->by_id.find(span.resource);
    if (found == snapshot->by_id.end()) return;
    const Distribution& distribution = *found->second;
    const CacheBehavior* behavior = nullptr;
    for (const CacheBehavior& candidate : distribution.behaviors)
        if (candidate.pattern == span.decisions[0].text) behavior = &candidate;
    if (behavior == nullptr) return;
    std::vector<std::string_view> lines = base::split(span.decisions[1].text, '\n');
    std::string path(base::cut(lines.size() > 1 ? lines[1] : "", '?').first);
    std::vector<base::Decision> full;
    full.push_back({"behavior", explain_behavior(distribution, *behavior, path), {}});
    full.push_back({"key",
                    fmt::format("distribution = {} (always; the viewer's Host plays no part)",
                                distribution.id),
                    {}});
    for (size_t i = 1; i < lines.size(); ++i) {
        if (lines[i].empty()) continue;
        if (i == 1) {
            full.push_back({"key",
                            fmt::format("path and query = {} (query parameters as {} names them)",
                                        lines[i], behavior->key_source),
                            {}});
            continue;
        }
        std::string_view kind = lines[i].starts_with("h:")   ? "header "
                                : lines[i].starts_with("c:") ? "cookie "
                                : lines[i].starts_with("e:") ? "accept-encoding = "
                                                             : "method = ";
        full.push_back(
            {"key",
             fmt::format("{}{} (named by {})", kind, lines[i].substr(2), behavior->key_source),
             {}});
    }
    for (size_t i = 2; i < span.decisions.size(); ++i)
        full.push_back(std::move(span.decisions[i]));
    span.decisions = std::move(full);
}

}  // namespace cloudfront

#include "http/conditional.h"

#include "base/date.h"
#include "base/text.h"

namespace http {

namespace {

// Dates on the wire have seconds.
bool modified_after(const Validators& current, base::Time date) {
    return std::chrono::floor<std::chrono::seconds>(*current.last_modified) > date;
}

std::optional<base::Time> date_of(const HeaderList& request, std::string_view name) {
    const std::string* value = request.find(name);
    return value ? base::parse_http_date(*value) : std::nullopt;
}

}  // namespace

std::optional<EntityTag> parse_etag(std::string_view text) {
    EntityTag tag;
    tag.weak = text.starts_with("W/");
    if (tag.weak) text.remove_prefix(2);
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
    tag.opaque = text.substr(1, text.size() - 2);
    if (tag.opaque.find('"') != tag.opaque.npos) return std::nullopt;
    return tag;
}

bool etag_list_matches(std::string_view list, std::string_view etag, Comparison comparison) {
    if (base::trim(list) == "*") return true;
    const auto ours = parse_etag(etag);
    if (!ours || (comparison == Comparison::Strong && ours->weak)) return false;
    // Commas may stand within the quotes, so tags are taken one after the other.
    while (true) {
        const size_t begin = list.find_first_not_of(" \t,");
        if (begin == list.npos) return false;
        list.remove_prefix(begin);
        const size_t open = list.find('"');
        const size_t close = open == list.npos ? list.npos : list.find('"', open + 1);
        if (close == list.npos) return false;
        const auto theirs = parse_etag(list.substr(0, close + 1));
        list.remove_prefix(close + 1);
        if (!theirs || (comparison == Comparison::Strong && theirs->weak)) continue;
        if (theirs->opaque == ours->opaque) return true;
    }
}

Condition evaluate_conditions(std::string_view method, const HeaderList& request,
                              const Validators& current) {
    const bool reads = method == "GET" || method == "HEAD";
    if (request.has("if-match")) {
        const std::string list = request.joined("if-match");
        if (!current.exists || !etag_list_matches(list, current.etag, Comparison::Strong))
            return Condition::Failed;
    } else if (const auto date = date_of(request, "if-unmodified-since");
               date && current.last_modified) {
        if (modified_after(current, *date)) return Condition::Failed;
    }
    if (request.has("if-none-match")) {
        const std::string list = request.joined("if-none-match");
        const bool matches =
            current.exists && etag_list_matches(list, current.etag, Comparison::Weak);
        if (matches) return reads ? Condition::NotModified : Condition::Failed;
    } else if (const auto date = date_of(request, "if-modified-since");
               reads && date && current.last_modified) {
        if (!modified_after(current, *date)) return Condition::NotModified;
    }
    return Condition::Holds;
}

bool if_range_holds(const HeaderList& request, const Validators& current) {
    const std::string* value = request.find("if-range");
    if (!value) return true;
    if (parse_etag(*value)) return etag_list_matches(*value, current.etag, Comparison::Strong);
    const auto date = base::parse_http_date(*value);
    return date && current.last_modified &&
           std::chrono::floor<std::chrono::seconds>(*current.last_modified) == *date;
}

}  // namespace http

#include "http/cache_control.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace http {

namespace {

constexpr uint64_t kMostSeconds = uint64_t(1) << 31;

CacheControl::Seconds read_seconds(std::string_view text) {
    if (text.empty() || text.find_first_not_of("0123456789") != text.npos)
        return CacheControl::Seconds(0);
    return CacheControl::Seconds(
        std::min(base::parse_unsigned(text).value_or(kMostSeconds), kMostSeconds));
}

// False: it names none, which is as good as no list (what forbids more is safe).
bool read_fields(std::string_view value, std::vector<std::string>& fields) {
    const size_t before = fields.size();
    for (const std::string_view part : base::split(value, ',')) {
        if (const auto name = base::trim(part); !name.empty()) fields.push_back(base::lower(name));
    }
    return fields.size() > before;
}

// Each line by itself: an open quote in one must not swallow the next one's no-store.
std::vector<CacheDirective> parse_lines(const HeaderList& headers) {
    std::vector<CacheDirective> all;
    for (const std::string_view line : headers.all("cache-control"))
        std::ranges::move(parse_directives(line), std::back_inserter(all));
    return all;
}

}  // namespace

std::vector<CacheDirective> parse_directives(std::string_view value) {
    std::vector<CacheDirective> directives;
    size_t at = 0;
    const auto skip_to = [&](std::string_view stops) {
        const size_t begin = at;
        at = std::min(value.find_first_of(stops, at), value.size());
        return base::trim(value.substr(begin, at - begin));
    };
    while (at < value.size()) {
        CacheDirective directive;
        directive.name = base::lower(skip_to("=,"));
        if (at < value.size() && value[at] == '=') {
            ++at;
            directive.has_value = true;
            at = std::min(value.find_first_not_of(" \t", at), value.size());
            if (at < value.size() && value[at] == '"') {
                // A quoted string may hold commas and escapes; an unfinished one reaches to the
                // end.
                for (++at; at < value.size() && value[at] != '"'; ++at) {
                    if (value[at] == '\\' && at + 1 < value.size()) ++at;
                    directive.value += value[at];
                }
                skip_to(",");
            } else {
                directive.value = skip_to(",");
            }
        }
        ++at;  // the comma
        if (!directive.name.empty()) directives.push_back(std::move(directive));
    }
    return directives;
}

CacheControl parse_cache_control(const HeaderList& headers) {
    CacheControl control;
    struct Flag {
        std::string_view name;
        bool CacheControl::* member;
    };
    constexpr Flag kFlags[] = {
        {"no-store", &CacheControl::no_store},
        {"no-transform", &CacheControl::no_transform},
        {"only-if-cached", &CacheControl::only_if_cached},
        {"public", &CacheControl::is_public},
        {"must-revalidate", &CacheControl::must_revalidate},
        {"proxy-revalidate", &CacheControl::proxy_revalidate},
        {"immutable", &CacheControl::immutable},
        {"must-understand", &CacheControl::must_understand},
    };
    struct Span {
        std::string_view name;
        std::optional<CacheControl::Seconds> CacheControl::* member;
    };
    constexpr Span kSpans[] = {
        {"max-age", &CacheControl::max_age},
        {"s-maxage", &CacheControl::s_maxage},
        {"min-fresh", &CacheControl::min_fresh},
        {"stale-while-revalidate", &CacheControl::stale_while_revalidate},
        {"stale-if-error", &CacheControl::stale_if_error},
        {"max-stale", &CacheControl::max_stale},
    };
    for (const auto& directive : parse_lines(headers)) {
        for (const auto& flag : kFlags) {
            if (directive.name == flag.name) control.*flag.member = true;
        }
        for (const auto& span : kSpans) {
            if (directive.name != span.name || control.*span.member) continue;
            const bool any = directive.name == "max-stale" && !directive.has_value;
            control.*span.member =
                any ? CacheControl::Seconds(kMostSeconds) : read_seconds(directive.value);
        }
        if (directive.name == "no-cache") {
            if (!directive.has_value || !read_fields(directive.value, control.no_cache_fields))
                control.no_cache = true;
        }
        if (directive.name == "private") {
            if (!directive.has_value || !read_fields(directive.value, control.private_fields))
                control.is_private = true;
        }
    }
    return control;
}

}  // namespace http

// See rule_match.h. alb.md §7.
#include "elbv2/rule_match.h"

#include <arpa/inet.h>
#include <regex.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "http/query.h"

namespace elbv2 {

// GUESS: the flavour of RegexValues is not published beyond examples. POSIX extended expressions
// with
// \d, \D and (?: understood cover those, run without recursion, and search anywhere in the text.
class Regex {
  public:
    Regex(const std::string& pattern, Letters letters) {
        std::string posix = to_posix(pattern);
        int flags = REG_EXTENDED | REG_NOSUB | (letters == Letters::AnyCase ? REG_ICASE : 0);
        valid_ = ::regcomp(&compiled_, posix.c_str(), flags) == 0;
    }
    ~Regex() {
        if (valid_) ::regfree(&compiled_);
    }
    Regex(const Regex&) = delete;
    Regex& operator=(const Regex&) = delete;

    bool valid() const { return valid_; }
    bool found_in(std::string_view text) const {
        std::string terminated(text);
        return ::regexec(&compiled_, terminated.c_str(), 0, nullptr, 0) == 0;
    }

  private:
    static std::string to_posix(const std::string& pattern) {
        std::string out = base::replace_all(pattern, "(?:", "(");
        out = base::replace_all(out, "\\d", "[0-9]");
        return base::replace_all(out, "\\D", "[^0-9]");
    }
    regex_t compiled_{};
    bool valid_ = false;
};

namespace {

using Field = RuleCondition::Field;

char folded(char c, Letters letters) {
    return letters == Letters::AnyCase && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool parse_ip(std::string_view text, std::array<uint8_t, 16>& bytes, bool& is_v4) {
    char buffer[64];
    if (text.size() >= sizeof buffer) return false;
    std::memcpy(buffer, text.data(), text.size());
    buffer[text.size()] = 0;
    in_addr v4{};
    if (::inet_pton(AF_INET, buffer, &v4) == 1) {
        bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        std::memcpy(bytes.data() + 12, &v4, 4);
        is_v4 = true;
        return true;
    }
    in6_addr v6{};
    if (::inet_pton(AF_INET6, buffer, &v6) != 1) return false;
    std::memcpy(bytes.data(), &v6, 16);
    is_v4 = false;
    return true;
}

bool any_value(const RuleCondition& condition, std::string_view text, Letters letters) {
    return std::ranges::any_of(condition.values, [&](const std::string& value) {
        return glob_match(value, text, letters);
    });
}

bool any_regex(const CompiledCondition& condition, std::string_view text) {
    return std::ranges::any_of(condition.regexes,
                               [&](const auto& regex) { return regex->found_in(text); });
}

bool header_matches(const CompiledCondition& condition, const RequestFacts& facts) {
    // A repeated header: each instance is tested, in order.
    for (const http::Header& header : *facts.headers) {
        if (!base::equals_ignoring_case(header.name, condition.condition.header_name)) continue;
        if (any_value(condition.condition, header.value, Letters::AnyCase)) return true;
        if (any_regex(condition, header.value)) return true;
    }
    return false;
}

// GUESS: keys and values are compared as they stand on the wire, not percent-decoded.
bool query_matches(const RuleCondition& condition, std::string_view query) {
    for (const http::QueryPair& pair : http::split_query(query)) {
        for (const QueryValue& wanted : condition.query) {
            if (!wanted.key.empty() && !glob_match(wanted.key, pair.name, Letters::AnyCase))
                continue;
            if (glob_match(wanted.value, pair.value, Letters::AnyCase)) return true;
        }
    }
    return false;
}

std::string listed(const RuleCondition& condition) {
    if (condition.field == Field::QueryString) {
        std::vector<std::string> pairs;
        for (const QueryValue& value : condition.query)
            pairs.push_back(value.key.empty() ? value.value : value.key + "=" + value.value);
        return base::join(pairs, " or ");
    }
    std::vector<std::string> all = condition.values;
    for (const std::string& regex : condition.regex_values)
        all.push_back("~" + regex);
    return base::join(all, " or ");
}

std::string subject(const RuleCondition& condition, const RequestFacts& facts) {
    switch (condition.field) {
        case Field::HostHeader: return "host " + facts.host;
        case Field::PathPattern: return "path " + facts.path;
        case Field::HttpRequestMethod: return "method " + std::string(facts.method);
        case Field::SourceIp: return "source " + std::string(facts.peer_ip);
        case Field::QueryString:
            return "query " + (facts.query.empty() ? "(none)" : std::string(facts.query));
        case Field::HttpHeader: {
            std::string value = facts.headers->joined(condition.header_name);
            return "header " + condition.header_name + (value.empty() ? " (absent)" : " " + value);
        }
    }
    return {};
}

}  // namespace

std::string normalise_path(std::string_view raw_path) {
    if (raw_path.empty()) return "/";
    bool plain = raw_path.find("//") == std::string_view::npos &&
                 raw_path.find("/.") == std::string_view::npos;
    if (plain) return std::string(raw_path);
    std::vector<std::string_view> kept;
    auto parts = base::split(raw_path, '/');
    for (std::string_view part : parts) {
        if (part == "..") {
            if (!kept.empty()) kept.pop_back();
        } else if (!part.empty() && part != ".") {
            kept.push_back(part);
        }
    }
    std::string out;
    for (std::string_view part : kept)
        out.append("/").append(part);
    bool ends_as_folder = parts.back().empty() || parts.back() == "." || parts.back() == "..";
    if (ends_as_folder || out.empty()) out += "/";
    return out;
}

std::string_view host_without_port(std::string_view host) {
    if (host.starts_with('[')) {
        size_t end = host.find(']');
        return end == std::string_view::npos ? host : host.substr(0, end + 1);
    }
    return host.substr(0, host.find(':'));
}

bool glob_match(std::string_view pattern, std::string_view text, Letters letters) {
    constexpr size_t kNone = std::string_view::npos;
    size_t p = 0, t = 0, star = kNone, star_text = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_text = t;
            continue;
        }
        bool escaped = p + 1 < pattern.size() && pattern[p] == '\\';
        size_t width = escaped ? 2 : 1;
        bool same = p < pattern.size() &&
                    ((!escaped && pattern[p] == '?') ||
                     folded(pattern[p + width - 1], letters) == folded(text[t], letters));
        if (same) {
            p += width;
            ++t;
        } else if (star != kNone) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

bool parse_cidr(std::string_view text, Cidr& into) {
    auto [ip, length] = base::cut(text, '/');
    bool is_v4 = false;
    if (!parse_ip(ip, into.bytes, is_v4)) return false;
    int width = is_v4 ? 32 : 128;
    if (text.find('/') == std::string_view::npos) {
        into.prefix = 128;
        return true;
    }
    auto bits = base::parse_unsigned(length);
    if (!bits || *bits > static_cast<uint64_t>(width)) return false;
    into.prefix = 128 - width + static_cast<int>(*bits);
    return true;
}

bool contains(const Cidr& range, std::string_view ip) {
    std::array<uint8_t, 16> bytes{};
    bool is_v4 = false;
    if (!parse_ip(ip, bytes, is_v4)) return false;
    for (int bit = 0; bit < range.prefix; bit += 8) {
        int left = std::min(8, range.prefix - bit);
        uint8_t mask = static_cast<uint8_t>(0xff00 >> left);
        size_t at = static_cast<size_t>(bit / 8);
        if ((bytes[at] & mask) != (range.bytes[at] & mask)) return false;
    }
    return true;
}

bool compile(const RuleCondition& condition, CompiledCondition& into) {
    into.condition = condition;
    // Paths and methods keep their case; hosts and header values do not.
    bool exact = condition.field == Field::PathPattern;
    for (const std::string& pattern : condition.regex_values) {
        auto regex = std::make_shared<Regex>(pattern, exact ? Letters::Exact : Letters::AnyCase);
        if (!regex->valid()) return false;
        into.regexes.push_back(std::move(regex));
    }
    if (condition.field == Field::SourceIp) {
        for (const std::string& value : condition.values) {
            Cidr range;
            if (parse_cidr(value, range)) into.ranges.push_back(range);
        }
    }
    return true;
}

bool matches(const CompiledCondition& compiled, const RequestFacts& facts) {
    const RuleCondition& condition = compiled.condition;
    switch (condition.field) {
        case Field::HostHeader:
            return any_value(condition, facts.host, Letters::AnyCase) ||
                   any_regex(compiled, facts.host);
        case Field::PathPattern:
            return any_value(condition, facts.path, Letters::Exact) ||
                   any_regex(compiled, facts.path);
        case Field::HttpRequestMethod:
            return std::ranges::find(condition.values, facts.method) != condition.values.end();
        case Field::SourceIp:
            return std::ranges::any_of(
                compiled.ranges, [&](const Cidr& range) { return contains(range, facts.peer_ip); });
        case Field::HttpHeader: return header_matches(compiled, facts);
        case Field::QueryString: return query_matches(condition, facts.query);
    }
    return false;
}

const CompiledCondition* first_mismatch(const std::vector<CompiledCondition>& conditions,
                                        const RequestFacts& facts) {
    for (const CompiledCondition& condition : conditions)
        if (!matches(condition, facts)) return &condition;
    return nullptr;
}

std::string explain_mismatch(const RuleCondition& condition, const RequestFacts& facts) {
    return subject(condition, facts) + " is not " + listed(condition);
}

std::string explain_match(const RuleCondition& condition, const RequestFacts& facts) {
    return subject(condition, facts) + " is like " + listed(condition);
}

}  // namespace elbv2

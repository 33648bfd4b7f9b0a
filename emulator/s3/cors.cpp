// See cors.h.
#include "s3/cors.h"

#include <algorithm>

#include "base/text.h"
#include "s3/errors.h"

namespace s3 {
namespace {

constexpr size_t kMaxRules = 100;
constexpr std::string_view kMethods[] = {"GET", "PUT", "POST", "DELETE", "HEAD"};
constexpr std::string_view kVary =
    "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

void check_wildcards(std::string_view kind, std::string_view value) {
    if (std::ranges::count(value, '*') > 1)
        throw invalid_request(std::string(kind) + " \"" + std::string(value) +
                              "\" can not have more than one wildcard.");
}

std::vector<std::string> texts(const Element& rule, std::string_view name) {
    std::vector<std::string> values;
    for (const Element* element : rule.all(name))
        values.push_back(element->text);
    return values;
}

CorsRule parse_rule(const Element& element) {
    CorsRule rule;
    rule.id = element.child_text("ID");
    rule.origins = texts(element, "AllowedOrigin");
    rule.methods = texts(element, "AllowedMethod");
    rule.headers = texts(element, "AllowedHeader");
    rule.exposed = texts(element, "ExposeHeader");
    if (rule.origins.empty() || rule.methods.empty()) throw malformed_xml();
    for (const std::string& method : rule.methods)
        if (std::ranges::find(kMethods, method) == std::end(kMethods))
            throw invalid_request(
                "Found unsupported HTTP method in CORS config. Unsupported method is " + method);
    for (const std::string& origin : rule.origins)
        check_wildcards("AllowedOrigin", origin);
    for (const std::string& header : rule.headers)
        check_wildcards("AllowedHeader", header);
    for (const std::string& header : rule.exposed)
        if (header.find('*') != std::string::npos)
            throw invalid_request(
                "ExposeHeader \"" + header +
                "\" contains wildcard. We currently do not support wildcard for ExposeHeader.");
    if (const Element* age = element.child("MaxAgeSeconds")) {
        rule.max_age_seconds = base::parse_signed(base::trim(age->text));
        if (!rule.max_age_seconds) throw malformed_xml();
    }
    return rule;
}

// One `*` stands for any run of characters; no other character is special.
bool pattern_matches(std::string_view pattern, std::string_view text) {
    size_t star = pattern.find('*');
    if (star == std::string_view::npos) return pattern == text;
    std::string_view head = pattern.substr(0, star), tail = pattern.substr(star + 1);
    return text.size() >= head.size() + tail.size() && text.starts_with(head) &&
           text.ends_with(tail);
}

bool headers_allowed(const CorsRule& rule, const std::vector<std::string>& requested) {
    return std::ranges::all_of(requested, [&](const std::string& name) {
        return std::ranges::any_of(rule.headers, [&](const std::string& allowed) {
            return pattern_matches(base::lower(allowed), name);
        });
    });
}

}  // namespace

std::vector<CorsRule> parse_cors(const Element& document) {
    if (document.name != "CORSConfiguration") throw malformed_xml();
    std::vector<CorsRule> rules;
    for (const Element* element : document.all("CORSRule"))
        rules.push_back(parse_rule(*element));
    if (rules.empty()) throw malformed_xml();
    if (rules.size() > kMaxRules)
        throw invalid_request(
            "The number of CORS rules should not exceed allowed limit of 100 rules.");
    return rules;
}

std::vector<std::string> requested_headers(std::string_view list) {
    std::vector<std::string> names;
    for (std::string_view part : base::split(list, ','))
        if (std::string_view name = base::trim(part); !name.empty())
            names.push_back(base::lower(name));
    return names;
}

std::optional<CorsMatch> match_cors(const std::vector<CorsRule>& rules,
                                    const CorsRequest& request) {
    for (const CorsRule& rule : rules) {
        auto origin = std::ranges::find_if(rule.origins, [&](const std::string& pattern) {
            return pattern_matches(pattern, request.origin);
        });
        if (origin == rule.origins.end()) continue;
        if (std::ranges::find(rule.methods, request.method) == rule.methods.end()) continue;
        if (!headers_allowed(rule, request.headers)) continue;
        return CorsMatch{&rule, *origin == "*"};
    }
    return std::nullopt;
}

void add_cors_headers(http::HeaderList& to, const CorsMatch& match, const CorsRequest& request,
                      CorsAnswer answer) {
    const CorsRule& rule = *match.rule;
    to.set("Access-Control-Allow-Origin", match.any_origin ? "*" : request.origin);
    to.set("Access-Control-Allow-Methods", base::join(rule.methods, ", "));
    if (answer == CorsAnswer::Preflight && !request.headers.empty())
        to.set("Access-Control-Allow-Headers", base::join(request.headers, ", "));
    if (!rule.exposed.empty())
        to.set("Access-Control-Expose-Headers", base::join(rule.exposed, ", "));
    if (rule.max_age_seconds)
        to.set("Access-Control-Max-Age", std::to_string(*rule.max_age_seconds));
    // S3 sends credentials only with an origin that a pattern other than "*" let in.
    if (!match.any_origin) to.set("Access-Control-Allow-Credentials", "true");
    to.set("Vary", kVary);
}

}  // namespace s3

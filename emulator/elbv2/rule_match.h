// Rule conditions, compiled, against one request. All conditions of a rule hold, any value of a
// condition does. Guide: "Condition types for listener rules". Pure.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "elbv2/model.h"
#include "http/message.h"

namespace elbv2 {

// What conditions look at, prepared once per request.
struct RequestFacts {
    std::string host;  // lower case, without port
    std::string path;  // normalised
    std::string_view method, query;
    const http::HeaderList* headers = nullptr;
    std::string_view peer_ip;
};

// Duplicate slashes and dot segments resolved; an empty path is "/".
std::string normalise_path(std::string_view raw_path);
// Without the port; "[::1]:80" gives "[::1]".
std::string_view host_without_port(std::string_view host);

// `*` any run, `?` one character, `\` takes the next literally; anchored at both ends.
enum class Letters : uint8_t { Exact, AnyCase };
bool glob_match(std::string_view pattern, std::string_view text, Letters letters);

struct Cidr {
    std::array<uint8_t, 16> bytes{};  // IPv4 as ::ffff:a.b.c.d
    int prefix = 128;
};
// False when `text` is no address with an optional prefix length.
bool parse_cidr(std::string_view text, Cidr& into);
bool contains(const Cidr& range, std::string_view ip);

class Regex;  // POSIX, in rule_match.cpp

struct CompiledCondition {
    RuleCondition condition;
    std::vector<std::shared_ptr<const Regex>> regexes;
    std::vector<Cidr> ranges;
};

// False for a regular expression that cannot be compiled.
bool compile(const RuleCondition& condition, CompiledCondition& into);

bool matches(const CompiledCondition& condition, const RequestFacts& facts);
// The first condition that does not hold, or null: the rule matches.
const CompiledCondition* first_mismatch(const std::vector<CompiledCondition>& conditions,
                                        const RequestFacts& facts);
// "path /a is not /api/*": for traces.
std::string explain_mismatch(const RuleCondition& condition, const RequestFacts& facts);
// "path /api/x is like /api/*".
std::string explain_match(const RuleCondition& condition, const RequestFacts& facts);

}  // namespace elbv2

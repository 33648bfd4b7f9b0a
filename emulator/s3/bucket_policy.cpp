// See bucket_policy.h.
#include "s3/bucket_policy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/date.h"
#include "base/text.h"
#include "s3/errors.h"

namespace s3 {
namespace {

constexpr size_t kMaxPolicyBytes = 20 * 1024;

std::vector<std::string> one_or_many(const base::Node& node) {
    std::vector<std::string> values;
    auto add = [&](const base::Node& item) {
        if (item.is_string())
            values.push_back(item.as_string());
        else if (item.is_bool())
            values.push_back(item.as_bool() ? "true" : "false");
        else if (item.is_number())
            values.push_back(item.number_text());
        else
            throw malformed_policy("Invalid policy syntax.");
    };
    if (node.is_array()) {
        for (const base::Node& item : node.items())
            add(item);
    } else {
        add(node);
    }
    return values;
}

bool is_action(std::string_view action) {
    return action == "*" ||
           (action.size() > 3 && base::equals_ignoring_case(action.substr(0, 3), "s3:"));
}

// Account id, ARN of an IAM principal, "*", or a unique id (AIDA…).
bool is_aws_principal(std::string_view value) {
    if (value == "*") return true;
    if (value.find('*') != std::string_view::npos) return false;
    if (value.starts_with("arn:"))
        return value.starts_with("arn:aws:iam::") || value.starts_with("arn:aws:sts::");
    return !value.empty() && std::ranges::all_of(value, [](char c) {
        return std::isalnum(static_cast<unsigned char>(c));
    });
}

void parse_principal(const base::Node& node, BucketPolicy::Statement& statement) {
    if (node.is_string()) {
        if (node.as_string() != "*") throw malformed_policy("Invalid principal in policy");
        statement.principals.emplace_back("AWS", "*");
        return;
    }
    if (!node.is_object() || node.size() == 0)
        throw malformed_policy("Invalid principal in policy");
    for (const auto& [kind, value] : node.members()) {
        if (kind != "AWS" && kind != "Service" && kind != "CanonicalUser" && kind != "Federated")
            throw malformed_policy("Invalid principal in policy");
        for (std::string& text : one_or_many(value)) {
            if (kind == "AWS" && !is_aws_principal(text))
                throw malformed_policy("Invalid principal in policy");
            statement.principals.emplace_back(kind, std::move(text));
        }
    }
}

constexpr std::string_view kOperators[] = {"stringequals",
                                           "stringnotequals",
                                           "stringequalsignorecase",
                                           "stringnotequalsignorecase",
                                           "stringlike",
                                           "stringnotlike",
                                           "arnequals",
                                           "arnlike",
                                           "arnnotequals",
                                           "arnnotlike",
                                           "ipaddress",
                                           "notipaddress",
                                           "bool",
                                           "null",
                                           "numericequals",
                                           "numericnotequals",
                                           "numericlessthan",
                                           "numericlessthanequals",
                                           "numericgreaterthan",
                                           "numericgreaterthanequals",
                                           "dateequals",
                                           "datenotequals",
                                           "datelessthan",
                                           "datelessthanequals",
                                           "dategreaterthan",
                                           "dategreaterthanequals",
                                           "binaryequals"};

void parse_conditions(const base::Node& node, BucketPolicy::Statement& statement) {
    if (!node.is_object()) throw malformed_policy("Invalid policy syntax.");
    for (const auto& [operation, keys] : node.members()) {
        std::string name = base::lower(operation);
        // Every key we supply has one value, so both set prefixes come down to the plain operator;
        // ForAllValues also holds when the key is absent.
        bool for_all = name.starts_with("forallvalues:");
        if (for_all || name.starts_with("foranyvalue:")) name = name.substr(name.find(':') + 1);
        bool if_exists = for_all;
        if (name.ends_with("ifexists")) {
            if_exists = true;
            name.resize(name.size() - std::strlen("ifexists"));
        }
        if (std::ranges::find(kOperators, name) == std::end(kOperators) || !keys.is_object())
            throw malformed_policy("Invalid policy syntax.");
        for (const auto& [key, value] : keys.members()) {
            std::string lower = base::lower(key);
            if (!lower.starts_with("aws:") && !lower.starts_with("s3:"))
                throw malformed_policy("Policy has an invalid condition key");
            statement.conditions.push_back({name, if_exists, lower, key, one_or_many(value)});
        }
    }
}

void check_resources(const BucketPolicy::Statement& statement, std::string_view bucket) {
    std::string arn = "arn:aws:s3:::" + std::string(bucket);
    for (const std::string& resource : statement.resources) {
        // A pattern may stand for the bucket's name ("arn:aws:s3:::*"); its bucket part must match
        // ours.
        std::string_view bucket_part = std::string_view(resource).substr(0, resource.find('/'));
        if (!base::wildcard_match(bucket_part, arn))
            throw malformed_policy("Policy has invalid resource");
    }
}

// Bucket actions work on the bucket's ARN, object actions on keys; one that fits nothing is
// refused.
bool is_object_action(std::string_view action) {
    std::string name = base::lower(action);
    return name.find("object") != std::string::npos && name.find("objectlock") == std::string::npos;
}

void check_actions(const BucketPolicy::Statement& statement) {
    if (statement.not_action || statement.not_resource) return;
    bool has_keys = std::ranges::any_of(statement.resources, [](const std::string& r) {
        return r.find('/') != std::string::npos || r.ends_with('*');
    });
    bool has_bucket = std::ranges::any_of(statement.resources, [](const std::string& r) {
        return r.find('/') == std::string::npos || r.ends_with('*');
    });
    for (const std::string& action : statement.actions) {
        if (action.find('*') != std::string::npos || action.find('?') != std::string::npos)
            continue;
        std::string name = base::lower(action);
        bool on_uploads =
            name == "s3:abortmultipartupload" || name == "s3:listmultipartuploadparts";
        bool fits = is_object_action(action) || on_uploads ? has_keys : has_bucket;
        if (!fits) throw malformed_policy("Action does not apply to any resource(s) in statement");
    }
}

BucketPolicy::Statement parse_statement(const base::Node& node, size_t index,
                                        std::string_view bucket) {
    if (!node.is_object()) throw malformed_policy("Invalid policy syntax.");
    BucketPolicy::Statement statement;
    statement.name =
        node["Sid"].as_string().empty() ? "#" + std::to_string(index + 1) : node["Sid"].as_string();
    for (const auto& [name, value] : node.members()) {
        if (name == "Sid") continue;
        if (name == "Effect") {
            if (value.as_string() != "Allow" && value.as_string() != "Deny")
                throw malformed_policy("Invalid effect: " + value.as_string());
            statement.allow = value.as_string() == "Allow";
        } else if (name == "Principal" || name == "NotPrincipal") {
            statement.not_principal = name == "NotPrincipal";
            parse_principal(value, statement);
        } else if (name == "Action" || name == "NotAction") {
            statement.not_action = name == "NotAction";
            statement.actions = one_or_many(value);
            if (!std::ranges::all_of(statement.actions, is_action))
                throw malformed_policy("Policy has invalid action");
        } else if (name == "Resource" || name == "NotResource") {
            statement.not_resource = name == "NotResource";
            statement.resources = one_or_many(value);
        } else if (name == "Condition") {
            parse_conditions(value, statement);
        } else {
            throw malformed_policy("Invalid policy syntax.");
        }
    }
    if (node["Effect"].is_null()) throw malformed_policy("Missing required field Effect");
    if (statement.principals.empty()) throw malformed_policy("Missing required field Principal");
    if (statement.actions.empty()) throw malformed_policy("Missing required field Action");
    if (statement.resources.empty()) throw malformed_policy("Missing required field Resource");
    check_resources(statement, bucket);
    check_actions(statement);
    return statement;
}

bool is_any(const std::pair<std::string, std::string>& principal) {
    return principal.first == "AWS" && principal.second == "*";
}

bool principal_matches(const std::pair<std::string, std::string>& principal, const Principal& who) {
    const auto& [kind, value] = principal;
    if (is_any(principal)) return true;  // anonymous included
    if (who.is_anonymous()) return false;
    if (kind == "Service") return who.kind == Principal::Kind::Service && value == who.service;
    if (kind == "CanonicalUser") return !who.canonical_user.empty() && value == who.canonical_user;
    if (kind != "AWS" || who.kind == Principal::Kind::Service) return false;
    if (value == who.arn) return true;
    // An account id and the ARN of its root both mean the whole account.
    return !who.account.empty() &&
           (value == who.account || value == "arn:aws:iam::" + who.account + ":root");
}

// Policy variables. Unknown ones stay as they are and so match nothing.
std::string substitute(std::string_view pattern, const ConditionValues& values) {
    std::string out;
    for (size_t i = 0; i < pattern.size(); ++i) {
        size_t end =
            pattern.substr(i).starts_with("${") ? pattern.find('}', i) : std::string_view::npos;
        if (end == std::string_view::npos) {
            out += pattern[i];
            continue;
        }
        std::string name = base::lower(pattern.substr(i + 2, end - i - 2));
        if (auto found = values.find(name); found != values.end())
            out += found->second;
        else
            out += pattern.substr(i, end - i + 1);
        i = end;
    }
    return out;
}

bool any_matches(const std::vector<std::string>& patterns, std::string_view text,
                 base::Case letter_case, const ConditionValues& values) {
    return std::ranges::any_of(patterns, [&](const std::string& pattern) {
        return pattern.find("${") == std::string::npos
                   ? base::wildcard_match(pattern, text, letter_case)
                   : base::wildcard_match(substitute(pattern, values), text, letter_case);
    });
}

// Six fields, wildcards within each.
bool arn_matches(std::string_view pattern, std::string_view arn) {
    for (int field = 0; field < 5; ++field) {
        auto [pattern_field, pattern_rest] = base::cut(pattern, ':');
        auto [arn_field, arn_rest] = base::cut(arn, ':');
        if (!base::wildcard_match(pattern_field, arn_field)) return false;
        pattern = pattern_rest;
        arn = arn_rest;
    }
    return base::wildcard_match(pattern, arn);
}

struct IpRange {
    std::array<unsigned char, 16> bytes{};
    int family = 0;
    int bits = 0;
};

std::optional<IpRange> parse_cidr(std::string_view text) {
    auto [address, mask] = base::cut(text, '/');
    IpRange range;
    std::string literal(address);
    if (inet_pton(AF_INET, literal.c_str(), range.bytes.data()) == 1)
        range.family = AF_INET;
    else if (inet_pton(AF_INET6, literal.c_str(), range.bytes.data()) == 1)
        range.family = AF_INET6;
    else
        return std::nullopt;
    int full = range.family == AF_INET ? 32 : 128;
    range.bits = full;
    if (text.find('/') != std::string_view::npos) {
        auto bits = base::parse_unsigned(mask);
        if (!bits || *bits > static_cast<uint64_t>(full)) return std::nullopt;
        range.bits = static_cast<int>(*bits);
    }
    return range;
}

bool ip_in(std::string_view range_text, std::string_view ip_text) {
    auto range = parse_cidr(range_text);
    auto ip = parse_cidr(ip_text);
    if (!range || !ip || range->family != ip->family) return false;
    for (int bit = 0; bit < range->bits; ++bit) {
        unsigned char mask = static_cast<unsigned char>(0x80 >> (bit % 8));
        if ((range->bytes[bit / 8] & mask) != (ip->bytes[bit / 8] & mask)) return false;
    }
    return true;
}

bool compare(std::string_view relation, double a, double b) {
    if (relation == "equals") return a == b;
    if (relation == "notequals") return a != b;
    if (relation == "lessthan") return a < b;
    if (relation == "lessthanequals") return a <= b;
    if (relation == "greaterthan") return a > b;
    return a >= b;
}

std::optional<double> date_number(std::string_view text) {
    if (auto date = base::parse_iso_date(text)) return base::epoch_seconds(*date);
    return base::parse_double(text);
}

bool value_matches(std::string_view operation, std::string_view expected, std::string_view actual) {
    if (operation == "stringequals" || operation == "stringnotequals" ||
        operation == "binaryequals")
        return expected == actual;
    if (operation == "stringequalsignorecase" || operation == "stringnotequalsignorecase")
        return base::equals_ignoring_case(expected, actual);
    if (operation == "stringlike" || operation == "stringnotlike")
        return base::wildcard_match(expected, actual);
    if (operation.starts_with("arn")) return arn_matches(expected, actual);
    if (operation == "ipaddress" || operation == "notipaddress") return ip_in(expected, actual);
    if (operation == "bool") return base::equals_ignoring_case(expected, actual);
    bool is_date = operation.starts_with("date");
    auto a = is_date ? date_number(actual) : base::parse_double(actual);
    auto b = is_date ? date_number(expected) : base::parse_double(expected);
    return a && b && compare(operation.substr(is_date ? 4 : 7), *a, *b);
}

bool is_negated(std::string_view operation) {
    return operation.find("not") != std::string_view::npos;
}

std::string describe(const BucketPolicy::Condition& condition, const std::string* actual) {
    std::string wanted = base::join(condition.values, " or ");
    return condition.operation + " " + condition.key_as_written + " wants " + wanted +
           ", the request has " + (actual ? *actual : "none");
}

// Keys whose fixed value makes an Allow for everyone not public.
constexpr std::string_view kPinningKeys[] = {"aws:sourceip",
                                             "aws:sourcearn",
                                             "aws:sourcevpc",
                                             "aws:sourcevpce",
                                             "aws:sourceowner",
                                             "aws:sourceaccount",
                                             "aws:userid",
                                             "aws:principalorgid",
                                             "aws:principalorgpaths",
                                             "s3:dataaccesspointarn",
                                             "s3:dataaccesspointaccount",
                                             "s3:x-amz-server-side-encryption-aws-kms-key-id"};

bool pins_caller(const BucketPolicy::Condition& condition) {
    if (condition.if_exists || is_negated(condition.operation)) return false;
    if (std::ranges::find(kPinningKeys, condition.key) == std::end(kPinningKeys)) return false;
    return std::ranges::all_of(condition.values, [&](const std::string& value) {
        if (condition.key == "aws:sourceip") {
            auto range = parse_cidr(value);
            return range && range->bits >= (range->family == AF_INET ? 8 : 32);
        }
        return value.find('*') == std::string::npos && value.find('?') == std::string::npos &&
               value.find("${") == std::string::npos;
    });
}

}  // namespace

bool condition_holds(const BucketPolicy::Condition& condition, const std::string* actual) {
    if (condition.operation == "null") {
        bool wants_absent =
            !condition.values.empty() && base::equals_ignoring_case(condition.values[0], "true");
        return wants_absent == (actual == nullptr);
    }
    bool negated = is_negated(condition.operation);
    if (!actual) return negated || condition.if_exists;
    if (negated && condition.operation != "numericnotequals" &&
        condition.operation != "datenotequals")
        return std::ranges::none_of(condition.values, [&](const std::string& value) {
            return value_matches(condition.operation, value, *actual);
        });
    if (negated)
        return std::ranges::all_of(condition.values, [&](const std::string& value) {
            return value_matches(condition.operation, value, *actual);
        });
    return std::ranges::any_of(condition.values, [&](const std::string& value) {
        return value_matches(condition.operation, value, *actual);
    });
}

BucketPolicy BucketPolicy::parse(std::string_view json, std::string_view bucket) {
    auto node = base::parse_json(json);
    if (!node || !node->is_object())
        throw malformed_policy("Policies must be valid JSON and the first byte must be '{'");
    if (json.size() > kMaxPolicyBytes)
        throw malformed_policy("Your policy exceeds the maximum allowed size of 20480 bytes");
    for (const auto& [name, value] : node->members()) {
        if (name != "Version" && name != "Id" && name != "Statement")
            throw malformed_policy("Invalid policy syntax.");
        if (name == "Version" && value.as_string() != "2012-10-17" &&
            value.as_string() != "2008-10-17")
            throw malformed_policy("The policy must contain a valid version string");
    }
    const base::Node& statements = (*node)["Statement"];
    if (statements.is_null()) throw malformed_policy("Missing required field Statement");
    BucketPolicy policy;
    if (statements.is_object())
        policy.statements_.push_back(parse_statement(statements, 0, bucket));
    for (size_t i = 0; i < statements.items().size(); ++i)
        policy.statements_.push_back(parse_statement(statements.items()[i], i, bucket));
    if (policy.statements_.empty())
        throw malformed_policy("Could not parse the policy: Statement is empty!");
    return policy;
}

// IAM: an explicit Deny ends it; else one Allow is enough; else nothing was said.
PolicyVerdict BucketPolicy::evaluate(const PolicyQuestion& question) const {
    PolicyVerdict verdict;
    for (const Statement& statement : statements_) {
        if (any_matches(statement.actions, question.action, base::Case::Insensitive, {}) ==
            statement.not_action)
            continue;
        if (any_matches(statement.resources, question.resource, base::Case::Sensitive,
                        question.values) == statement.not_resource)
            continue;
        bool named = std::ranges::any_of(statement.principals, [&](const auto& principal) {
            return principal_matches(principal, question.who);
        });
        if (named == statement.not_principal) {
            verdict.near_misses.push_back("statement " + statement.name +
                                          ": its principal is not " + question.who.to_string());
            continue;
        }
        std::string miss;
        for (const Condition& condition : statement.conditions) {
            auto found = question.values.find(condition.key);
            const std::string* actual = found == question.values.end() ? nullptr : &found->second;
            if (!condition_holds(condition, actual)) {
                miss = "statement " + statement.name + ": " + describe(condition, actual);
                break;
            }
        }
        if (!miss.empty()) {
            verdict.near_misses.push_back(std::move(miss));
            continue;
        }
        if (!statement.allow) return {PolicyVerdict::Effect::Deny, statement.name, false, {}};
        if (verdict.effect == PolicyVerdict::Effect::Allow) continue;
        verdict.effect = PolicyVerdict::Effect::Allow;
        verdict.statement = statement.name;
        verdict.through_public_principal = std::ranges::any_of(statement.principals, is_any);
    }
    return verdict;
}

bool BucketPolicy::is_public() const {
    return std::ranges::any_of(statements_, [](const Statement& statement) {
        return statement.allow &&
               (statement.not_principal || std::ranges::any_of(statement.principals, is_any)) &&
               std::ranges::none_of(statement.conditions, pins_caller);
    });
}

}  // namespace s3

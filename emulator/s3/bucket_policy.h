// BucketPolicy: a parsed policy document, its evaluation against one question, and whether it is
// public. Pure. IAM guide, "Policy evaluation logic", "Condition operators"; S3 guide, "The meaning
// of public"; s3.md §2.7 and §2.8.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "s3/principal.h"

namespace s3 {

// Condition keys of one request, names in lower case ("aws:sourcearn").
using ConditionValues = std::map<std::string, std::string, std::less<>>;

struct PolicyQuestion {
    const Principal& who;
    std::string_view action;    // "s3:GetObject"
    std::string_view resource;  // arn:aws:s3:::bucket[/key]
    const ConditionValues& values;
};

struct PolicyVerdict {
    enum class Effect : uint8_t { NoMatch, Allow, Deny };
    Effect effect = Effect::NoMatch;
    std::string statement;                  // that decided: its Sid or "#2"
    bool through_public_principal = false;  // allowed by Principal "*"
    // Statements that speak of this action and resource and do not match, each with the reason.
    std::vector<std::string> near_misses;
};

class BucketPolicy {
  public:
    // Throws aws::Error MalformedPolicy with S3's texts.
    static BucketPolicy parse(std::string_view json, std::string_view bucket);

    PolicyVerdict evaluate(const PolicyQuestion& question) const;
    bool is_public() const;

    struct Condition {
        std::string operation;  // lower case, without prefix and suffix
        bool if_exists = false;
        std::string key;  // lower case
        std::string key_as_written;
        std::vector<std::string> values;
    };
    struct Statement {
        std::string name;
        bool allow = true;
        bool not_principal = false, not_action = false, not_resource = false;
        // kind ("AWS", "Service", "CanonicalUser", "Federated") and value.
        std::vector<std::pair<std::string, std::string>> principals;
        std::vector<std::string> actions, resources;
        std::vector<Condition> conditions;
    };

  private:
    std::vector<Statement> statements_;
};

// One operator on one key; `actual` nullptr = the request has no such key. Exposed for its table
// test.
bool condition_holds(const BucketPolicy::Condition& condition, const std::string* actual);

}  // namespace s3

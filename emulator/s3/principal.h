// Principal: who asks, as bucket policies name callers.
#pragma once
#include <cstdint>
#include <string>

#include "aws/call.h"

namespace s3 {

struct Principal {
    // Account: a user or role of some account. Service: CloudFront with origin access control.
    // OriginAccessIdentity: CloudFront's older way.
    enum class Kind : uint8_t { Anonymous, Account, Service, OriginAccessIdentity };

    Kind kind = Kind::Anonymous;
    std::string access_key;
    std::string account;  // of the user or role; of the distribution for a Service
    std::string
        arn;  // an identity's: "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E…"
    std::string canonical_user;  // hex id, for {"CanonicalUser": …}
    std::string service;         // "cloudfront.amazonaws.com"
    std::string source_arn;      // of a Service: arn:aws:cloudfront::ACCOUNT:distribution/ID

    bool is_anonymous() const { return kind == Kind::Anonymous; }
    bool is_account_root() const { return kind == Kind::Account && arn.ends_with(":root"); }
    std::string to_string()
        const;  // for traces: "CloudFront distribution arn:…", "an anonymous caller", "arn:…"
};

Principal principal_of(const aws::Caller& caller);

}  // namespace s3

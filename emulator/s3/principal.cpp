// See principal.h.
#include "s3/principal.h"

#include "base/text.h"
#include "s3/authorize.h"

namespace s3 {
namespace {

constexpr std::string_view kIdentityArn = "arn:aws:iam::cloudfront:user/";

}  // namespace

std::string Principal::to_string() const {
    switch (kind) {
        case Kind::Anonymous: return "an anonymous caller";
        case Kind::Account: return arn.empty() ? "account " + account : arn;
        case Kind::Service:
            return service == "cloudfront.amazonaws.com" ? "CloudFront distribution " + source_arn
                                                         : service + " for " + source_arn;
        case Kind::OriginAccessIdentity:
            return "origin access identity " + arn.substr(arn.rfind(' ') + 1);
    }
    return {};
}

Principal principal_of(const aws::Caller& caller) {
    Principal principal;
    if (caller.is_anonymous()) return principal;
    principal.access_key = caller.access_key;
    principal.account = caller.account;
    principal.arn = caller.arn;
    principal.service = caller.service_principal;
    principal.source_arn = caller.source_arn;
    principal.canonical_user = canonical_id(caller.account);
    principal.kind = Principal::Kind::Account;
    if (!caller.service_principal.empty()) principal.kind = Principal::Kind::Service;
    if (caller.arn.starts_with(kIdentityArn)) {
        principal.kind = Principal::Kind::OriginAccessIdentity;
        principal.canonical_user = caller.user_id;
    }
    return principal;
}

}  // namespace s3

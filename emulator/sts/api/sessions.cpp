// GetCallerIdentity, AssumeRole, AssumeRoleWithWebIdentity, GetSessionToken. STS API reference, one
// page each. GAP: there are no roles and no trust policies here: any role ARN can be assumed.
#include <algorithm>

#include "aws/arn.h"
#include "base/date.h"
#include "base/text.h"
#include "sts/control_plane.h"

namespace sts {

namespace {

using base::Node;

struct DurationLimits {
    int64_t least, most, fallback;
};
constexpr DurationLimits kRoleSession = {900, 43'200, 3'600};
constexpr DurationLimits kUserSession = {900, 129'600, 43'200};

[[noreturn]] void invalid(const std::string& message) {
    throw aws::Error(400, "ValidationError", message);
}

std::string required(const aws::Call& call, std::string_view name) {
    const std::string& value = call.input[name].as_string();
    if (value.empty()) {
        std::string member(name);
        member[0] = static_cast<char>(member[0] + ('a' - 'A'));
        invalid("1 validation error detected: Value null at '" + member +
                "' failed to satisfy constraint: Member must not be null");
    }
    return value;
}

base::seconds duration(const aws::Call& call, DurationLimits limits) {
    const std::string& text = call.input["DurationSeconds"].as_string();
    if (text.empty()) return base::seconds(limits.fallback);
    auto value = base::parse_signed(text);
    if (!value) throw aws::Error(400, "MalformedInput", "");
    if (*value < limits.least)
        invalid("1 validation error detected: Value '" + text +
                "' at 'durationSeconds' failed to satisfy constraint: Member must have value "
                "greater than or equal to " +
                std::to_string(limits.least));
    if (*value > limits.most)
        invalid("1 validation error detected: Value '" + text +
                "' at 'durationSeconds' failed to satisfy constraint: Member must have value less "
                "than or equal to " +
                std::to_string(limits.most));
    return base::seconds(*value);
}

std::string role_arn(const aws::Call& call) {
    std::string text = required(call, "RoleArn");
    auto arn = aws::parse_arn(text);
    if (!arn || arn->service != "iam" || !arn->resource.starts_with("role/") ||
        arn->resource.size() < 6)
        invalid(text + " is invalid");
    return text;
}

std::string session_name(const aws::Call& call) {
    constexpr std::string_view kAllowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-";
    std::string name = required(call, "RoleSessionName");
    if (name.size() < 2 || name.size() > 64 ||
        name.find_first_not_of(kAllowed) != std::string::npos)
        invalid("1 validation error detected: Value '" + name +
                "' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular "
                "expression pattern: "
                "[\\w+=,.@-]*, and have a length of 2 to 64");
    return name;
}

Node credentials_node(const aws::AccessKeys::Session& session) {
    return Node::object({{"AccessKeyId", session.credentials.access_key},
                         {"SecretAccessKey", session.credentials.secret_key},
                         {"SessionToken", session.credentials.session_token},
                         {"Expiration", base::iso_date(session.expires)}});
}

Node role_user_node(const aws::AccessKeys::Session& session) {
    return Node::object({{"AssumedRoleId", session.caller.user_id}, {"Arn", session.caller.arn}});
}

aws::Reply reply_with(std::vector<Node::Member> members) {
    aws::Reply reply;
    reply.output = Node::object(std::move(members));
    return reply;
}

[[noreturn]] void bad_identity(const std::string& message) {
    throw aws::Error(400, "InvalidIdentityToken", message);
}

bool has_audience(const Node& claims, std::string_view wanted) {
    const Node& audience = claims["aud"];
    if (!audience.is_array()) return audience.as_string() == wanted;
    return std::ranges::any_of(audience.items(),
                               [&](const Node& one) { return one.as_string() == wanted; });
}

// The token's claims, once it is known to be one for us: shape and signature, provider, audience,
// time. STS API reference, AssumeRoleWithWebIdentity, "Errors"; IAM guide, "Create an OpenID
// Connect (OIDC) identity provider in IAM".
Node accepted_claims(ControlPlane& sts, const std::string& token) {
    auto claims = sts.issuer().read(token);
    if (!claims && claims.error() == Issuer::Problem::NotAToken)
        bad_identity(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an "
            "Access Token)");
    // GUESS: the words; the code is the documented one for a token that cannot be validated.
    if (!claims) bad_identity("The signature of the ID Token provided is not valid");
    const std::string& provider = (*claims)["iss"].as_string();
    if (provider != kIssuerUrl)
        bad_identity("No OpenIDConnect provider found in your account for " + provider);
    if (!has_audience(*claims, kAudience)) bad_identity("Incorrect token audience");
    const int64_t now =
        std::chrono::floor<base::seconds>(sts.clock().now().time_since_epoch()).count();
    if (const int64_t expires = (*claims)["exp"].as_int(0); now >= expires)
        throw aws::Error(400, "ExpiredTokenException",
                         "Token expired: current date/time " + std::to_string(now) +
                             " must be before the expiration date/time " + std::to_string(expires));
    return std::move(*claims);
}

aws::Reply get_caller_identity(ControlPlane&, const aws::Call& call) {
    return reply_with({{"UserId", call.caller.user_id},
                       {"Account", call.caller.account},
                       {"Arn", call.caller.arn}});
}

aws::Reply assume_role(ControlPlane& sts, const aws::Call& call) {
    std::string role = role_arn(call), name = session_name(call);
    auto session = sts.keys().add_session(role, name, duration(call, kRoleSession));
    return reply_with(
        {{"Credentials", credentials_node(session)}, {"AssumedRoleUser", role_user_node(session)}});
}

// GAP: the role's trust policy, which would look at the token's subject, is not emulated.
aws::Reply assume_role_with_web_identity(ControlPlane& sts, const aws::Call& call) {
    std::string role = role_arn(call), name = session_name(call);
    Node claims = accepted_claims(sts, required(call, "WebIdentityToken"));
    auto session = sts.keys().add_session(role, name, duration(call, kRoleSession));
    const std::string provider = aws::make_arn("iam", "", session.caller.account,
                                               "oidc-provider/" + std::string(kIssuerName));
    return reply_with({{"Credentials", credentials_node(session)},
                       {"SubjectFromWebIdentityToken", claims["sub"].as_string()},
                       {"AssumedRoleUser", role_user_node(session)},
                       {"Provider", provider},
                       {"Audience", std::string(kAudience)}});
}

aws::Reply get_session_token(ControlPlane& sts, const aws::Call& call) {
    if (call.caller.access_key.starts_with("ASIA"))
        throw aws::Error(403, "AccessDenied",
                         "Cannot call GetSessionToken with session credentials");
    auto session = sts.keys().add_user_session(call.caller, duration(call, kUserSession));
    return reply_with({{"Credentials", credentials_node(session)}});
}

constexpr Operation kOperations[] = {
    {"AssumeRole", assume_role},
    {"AssumeRoleWithWebIdentity", assume_role_with_web_identity},
    {"GetCallerIdentity", get_caller_identity},
    {"GetSessionToken", get_session_token},
};

}  // namespace

const std::span<const Operation> session_operations = kOperations;

}  // namespace sts

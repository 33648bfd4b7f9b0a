// GetCallerIdentity, AssumeRole, AssumeRoleWithWebIdentity, GetSessionToken. STS API reference, one
// page each. GAP: there are no roles and no trust policies here: any role ARN can be assumed.
#include "aws/arn.h"
#include "base/date.h"
#include "base/encoding.h"
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

// The claims of a JSON Web Token (RFC 7519), its second part.
Node claims_of(const std::string& token) {
    auto parts = base::split(token, '.');
    std::string payload(parts.size() == 3 ? parts[1] : "");
    payload = base::replace_all(base::replace_all(payload, "-", "+"), "_", "/");
    payload.resize((payload.size() + 3) / 4 * 4, '=');
    auto text = base::from_base64(payload);
    auto claims = base::parse_json(text.value_or(""));
    if (!claims || !claims->is_object())
        throw aws::Error(400, "InvalidIdentityToken",
                         "The ID Token provided is not a valid JWT. (You may see this error if you "
                         "sent an Access Token)");
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

// GAP: the token's signature is not checked; its issuer is a stub of this instance, or none at all.
aws::Reply assume_role_with_web_identity(ControlPlane& sts, const aws::Call& call) {
    std::string role = role_arn(call), name = session_name(call);
    Node claims = claims_of(required(call, "WebIdentityToken"));
    base::Time expires = base::Time(base::seconds(claims["exp"].as_int(0)));
    if (claims["exp"].is_number() && std::max(sts.clock().now(), sts.clock().real_now()) >= expires)
        throw aws::Error(
            400, "ExpiredTokenException",
            "Token expired: current date/time must be before the expiration date/time");
    auto session = sts.keys().add_session(role, name, duration(call, kRoleSession));
    const Node& audience = claims["aud"].is_array() && claims["aud"].size() > 0
                               ? claims["aud"].items()[0]
                               : claims["aud"];
    return reply_with({{"Credentials", credentials_node(session)},
                       {"SubjectFromWebIdentityToken", claims["sub"].as_string()},
                       {"AssumedRoleUser", role_user_node(session)},
                       {"Provider", claims["iss"].as_string()},
                       {"Audience", audience.as_string()}});
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

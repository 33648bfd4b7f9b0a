// See rules.h. Distributions; the policies' rules are in policy_rules.cpp.
#include "cloudfront/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "aws/error.h"
#include "base/text.h"
#include "cloudfront/limits.h"
#include "http/http1.h"

namespace cloudfront {

using base::Node;

void invalid(std::string code, std::string message) {
    throw aws::Error(400, std::move(code), std::move(message));
}
void invalid_argument(std::string message) {
    invalid("InvalidArgument", std::move(message));
}
bool has_control_characters(std::string_view text) {
    return std::ranges::any_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

namespace {

template <size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& choices) {
    return std::ranges::find(choices, text) != choices.end();
}

// Origins
// -------------------------------------------------------------------------------------------

constexpr std::array<std::string_view, 23> kForbiddenCustomHeaders = {"cache-control",
                                                                      "connection",
                                                                      "content-length",
                                                                      "cookie",
                                                                      "host",
                                                                      "if-match",
                                                                      "if-modified-since",
                                                                      "if-none-match",
                                                                      "if-range",
                                                                      "if-unmodified-since",
                                                                      "max-forwards",
                                                                      "pragma",
                                                                      "proxy-authorization",
                                                                      "proxy-connection",
                                                                      "range",
                                                                      "request-range",
                                                                      "te",
                                                                      "trailer",
                                                                      "transfer-encoding",
                                                                      "upgrade",
                                                                      "via",
                                                                      "x-real-ip",
                                                                      "accept-encoding"};

void check_custom_headers(const Node& origin) {
    const auto& headers = origin["CustomHeaders"]["Items"].items();
    size_t bytes = 0;
    if (headers.size() > 10)
        invalid("TooManyOriginCustomHeaders",
                "Your request contains too many origin custom headers.");
    for (const Node& header : headers) {
        std::string name = base::lower(header["HeaderName"].as_string());
        const std::string& value = header["HeaderValue"].as_string();
        bytes += name.size() + value.size();
        if (!http::http1::is_token(name) || is_one_of(name, kForbiddenCustomHeaders) ||
            name.starts_with("x-amz-") || name.starts_with("x-edge-"))
            invalid_argument(
                fmt::format("The parameter CustomHeaders contains {} that is not allowed.",
                            header["HeaderName"].as_string()));
        if (has_control_characters(value))
            invalid_argument(
                fmt::format("The parameter CustomHeaders contains a value of {} that "
                            "is not allowed.",
                            header["HeaderName"].as_string()));
        if (name.size() > kMaxCustomHeaderNameBytes || value.size() > kMaxCustomHeaderValueBytes)
            invalid_argument("The parameter CustomHeaders contains a header that is too long.");
    }
    if (bytes > kMaxCustomHeadersBytes)
        invalid_argument(
            "The parameter CustomHeaders contains headers that are too long together.");
}

void check_between(const Node& holder, std::string_view name, int64_t low, int64_t high,
                   std::string code) {
    const Node* value = holder.find(name);
    if (value != nullptr && (value->as_int() < low || value->as_int() > high))
        invalid(std::move(code),
                fmt::format("The parameter {} must be between {} and {}.", name, low, high));
}

void check_custom_origin(const Node& custom) {
    constexpr std::array<std::string_view, 3> kProtocols = {"http-only", "https-only",
                                                            "match-viewer"};
    if (!is_one_of(custom["OriginProtocolPolicy"].as_string(), kProtocols))
        invalid_argument("The parameter OriginProtocolPolicy is invalid.");
    for (std::string_view name : {"HTTPPort", "HTTPSPort"}) {
        int64_t port = custom[name].as_int();
        if (port != 80 && port != 443 && (port < 1024 || port > 65535))
            invalid_argument(
                fmt::format("The parameter {} must be 80, 443 or between 1024 and 65535.", name));
    }
    check_between(custom, "OriginReadTimeout", 1, 120, "InvalidOriginReadTimeout");
    check_between(custom, "OriginKeepaliveTimeout", 1, 120, "InvalidOriginKeepaliveTimeout");
    for (const std::string& protocol : texts(custom["OriginSslProtocols"]))
        if (constexpr std::array<std::string_view, 4> kVersions = {"SSLv3", "TLSv1", "TLSv1.1",
                                                                   "TLSv1.2"};
            !is_one_of(protocol, kVersions))
            invalid_argument("The parameter OriginSslProtocols is invalid.");
}

void check_access_control(const Node& origin, const ResourceLookup& lookup) {
    const std::string& control = origin["OriginAccessControlId"].as_string();
    const std::string& identity = origin["S3OriginConfig"]["OriginAccessIdentity"].as_string();
    if (!control.empty() && !identity.empty())
        invalid("IllegalOriginAccessConfiguration",
                "An origin cannot contain both an origin access control (OAC) and an origin access "
                "identity (OAI).");
    if (!control.empty()) {
        if (!lookup(kOriginAccessControlKind, control))
            invalid("InvalidOriginAccessControl",
                    "The specified origin access control does not exist or is not valid.");
        if (!s3_host_region(origin["DomainName"].as_string()))
            invalid("InvalidDomainNameForOriginAccessControl",
                    "An origin access control is associated with an origin whose domain name is "
                    "not supported.");
    }
    constexpr std::string_view kPrefix = "origin-access-identity/cloudfront/";
    if (!identity.empty() &&
        (!identity.starts_with(kPrefix) ||
         !lookup(kOriginAccessIdentityKind, std::string_view(identity).substr(kPrefix.size()))))
        invalid("InvalidOriginAccessIdentity",
                "The parameter Origin Access Identity does not refer to a valid origin access "
                "identity.");
}

void check_origin(const Node& origin, const ResourceLookup& lookup) {
    const std::string& domain = origin["DomainName"].as_string();
    if (domain.empty() || domain.find_first_of("/ :?#") != std::string::npos || domain.size() > 253)
        invalid_argument("The parameter Origin DomainName is invalid.");
    const std::string& path = origin["OriginPath"].as_string();
    if (!path.empty() && (!path.starts_with('/') || path.ends_with('/')))
        invalid("InvalidRelativePath",
                "The parameter OriginPath must begin with a forward slash (/) and must not end "
                "with one.");
    bool custom = origin.find("CustomOriginConfig") != nullptr,
         s3 = origin.find("S3OriginConfig") != nullptr;
    if (custom && s3)
        invalid_argument(
            "You must specify either a CustomOrigin or an S3Origin. You cannot specify both.");
    if (!custom && !s3_host_region(domain))
        invalid_argument("The parameter Origin DomainName does not refer to a valid S3 bucket.");
    if (custom) check_custom_origin(origin["CustomOriginConfig"]);
    check_access_control(origin, lookup);
    check_between(origin, "ConnectionAttempts", 1, 3, "InvalidArgument");
    check_between(origin, "ConnectionTimeout", 1, 10, "InvalidArgument");
    // "Greater than or equal to the origin response timeout".
    const Node& read_timeout =
        origin[custom ? "CustomOriginConfig" : "S3OriginConfig"]["OriginReadTimeout"];
    if (const Node* completion = origin.find("ResponseCompletionTimeout");
        completion != nullptr && completion->as_int() < read_timeout.as_int(30))
        invalid_argument(
            "The parameter ResponseCompletionTimeout must not be less than OriginReadTimeout.");
    check_custom_headers(origin);
}

std::set<std::string, std::less<>> check_origins(const Node& config, const ResourceLookup& lookup) {
    std::set<std::string, std::less<>> ids;
    const auto& origins = config["Origins"]["Items"].items();
    if (origins.empty())
        invalid_argument("The parameter Origins must contain at least one origin.");
    if (origins.size() > 100)
        invalid("TooManyOrigins", "You cannot create more origins for the distribution.");
    for (const Node& origin : origins) {
        check_origin(origin, lookup);
        if (!ids.insert(origin["Id"].as_string()).second)
            invalid_argument("The parameter Origins contains two origins with the same Id.");
    }
    std::set<std::string, std::less<>> targets = ids;
    for (const Node& group : config["OriginGroups"]["Items"].items()) {
        const auto& members = group["Members"]["Items"].items();
        if (members.size() != 2) invalid_argument("An origin group must have exactly two members.");
        for (const Node& member : members)
            if (!ids.contains(member["OriginId"].as_string()))
                throw aws::Error(404, "NoSuchOrigin",
                                 "One or more of your origins or origin groups do not exist.");
        constexpr std::array<std::string_view, 8> kCodes = {"400", "403", "404", "416",
                                                            "500", "502", "503", "504"};
        for (const std::string& code : texts(group["FailoverCriteria"]["StatusCodes"]))
            if (!is_one_of(code, kCodes))
                invalid_argument(fmt::format(
                    "The parameter StatusCodes contains {} that is not allowed.", code));
        if (group["SelectionCriteria"].as_string() != "default")
            invalid_argument(
                "SelectionCriteria other than default is not part of what this emulator supports.");
        targets.insert(group["Id"].as_string());
    }
    return targets;
}

// Behaviours
// ----------------------------------------------------------------------------------------

void check_methods(const Node& methods) {
    std::vector<std::string> allowed = texts(methods), cached = texts(methods["CachedMethods"]);
    std::set<std::string> set(allowed.begin(), allowed.end()),
        cached_set(cached.begin(), cached.end());
    const std::set<std::string> two = {"GET", "HEAD"}, three = {"GET", "HEAD", "OPTIONS"};
    const std::set<std::string> seven = {"GET",  "HEAD",  "OPTIONS", "PUT",
                                         "POST", "PATCH", "DELETE"};
    if (set != two && set != three && set != seven)
        invalid_argument("The parameter AllowedMethods is invalid.");
    if ((cached_set != two && cached_set != three) || !std::ranges::includes(set, cached_set))
        invalid_argument("The parameter CachedMethods is invalid.");
}

void check_forwarded_values(const Node& behavior, const Node& config) {
    const Node& forwarded = behavior["ForwardedValues"];
    std::vector<std::string> headers = texts(forwarded["Headers"]);
    if (headers.size() > 10)
        invalid("TooManyHeadersInForwardedValues",
                "Your request contains too many headers in forwarded values.");
    std::string target = behavior["TargetOriginId"].as_string();
    for (const std::string& header : headers) {
        std::string name = base::lower(header);
        constexpr std::array<std::string_view, 5> kNever = {"connection", "cookie",
                                                            "proxy-authorization", "te", "upgrade"};
        if (is_one_of(name, kNever))
            invalid_argument(
                fmt::format("The parameter Headers contains {} that is not allowed.", header));
        for (const Node& origin : config["Origins"]["Items"].items())
            if (origin["Id"].as_string() == target &&
                origin.find("CustomOriginConfig") == nullptr && (name == "host" || name == "*"))
                invalid("InvalidHeadersForS3Origin",
                        "The headers specified are not valid for an Amazon S3 origin.");
        if (name == "*" && behavior["MinTTL"].as_int() != 0)
            invalid_argument("The parameter MinTTL must be 0 when all headers are forwarded.");
    }
    const std::string& forward = forwarded["Cookies"]["Forward"].as_string();
    constexpr std::array<std::string_view, 3> kForward = {"none", "whitelist", "all"};
    if (!is_one_of(forward, kForward))
        invalid("InvalidForwardCookies", "The parameter Forward is invalid.");
    if (texts(forwarded["Cookies"]["WhitelistedNames"]).size() > 10)
        invalid("TooManyCookieNamesInWhiteList",
                "Your request contains more cookie names in the whitelist than are allowed per "
                "cache behavior.");
    if (texts(forwarded["QueryStringCacheKeys"]).size() > 10)
        invalid("TooManyQueryStringParameters",
                "Your request contains too many query string parameters.");
    int64_t low = behavior["MinTTL"].as_int(), middle = behavior["DefaultTTL"].as_int(),
            high = behavior["MaxTTL"].as_int();
    if (low < 0 || low > middle || middle > high)
        // GUESS: the text.
        invalid("InvalidTTLOrder",
                "The order of the TTL values must be MinTTL, DefaultTTL, MaxTTL.");
}

void check_behavior_policies(const Node& behavior, const ResourceLookup& lookup) {
    bool legacy = behavior.find("ForwardedValues") != nullptr;
    const std::string& cache = behavior["CachePolicyId"].as_string();
    const std::string& origin_request = behavior["OriginRequestPolicyId"].as_string();
    const std::string& response_headers = behavior["ResponseHeadersPolicyId"].as_string();
    // GUESS: the texts of the first three.
    if (legacy && !cache.empty())
        invalid_argument(
            "The parameter ForwardedValues cannot be used when a cache policy is associated with "
            "the cache behavior.");
    if (!legacy && cache.empty())
        invalid_argument(
            "The parameter CachePolicyId is required, or ForwardedValues must be given.");
    if (legacy && !origin_request.empty())
        invalid_argument("The parameter OriginRequestPolicyId requires a cache policy.");
    if (!cache.empty() && !lookup(kCachePolicyKind, cache))
        throw aws::Error(404, "NoSuchCachePolicy", "The specified cache policy does not exist.");
    if (!origin_request.empty() && !lookup(kOriginRequestPolicyKind, origin_request))
        throw aws::Error(404, "NoSuchOriginRequestPolicy",
                         "The specified origin request policy does not exist.");
    if (!response_headers.empty() && !lookup(kResponseHeadersPolicyKind, response_headers))
        throw aws::Error(404, "NoSuchResponseHeadersPolicy",
                         "The specified response headers policy does not exist.");
}

void check_unbuilt_parts(const Node& behavior) {
    if (behavior["FunctionAssociations"]["Items"].size() > 0)
        invalid("InvalidFunctionAssociation",
                "CloudFront Functions are not part of what this emulator supports.");
    if (behavior["LambdaFunctionAssociations"]["Items"].size() > 0)
        invalid("InvalidLambdaFunctionAssociation",
                "Lambda@Edge is not part of what this emulator supports.");
    if (!behavior["FieldLevelEncryptionId"].as_string().empty())
        invalid_argument("Field-level encryption is not part of what this emulator supports.");
    if (!behavior["RealtimeLogConfigArn"].as_string().empty())
        invalid_argument("Real-time logs are not part of what this emulator supports.");
    if (behavior["TrustedSigners"]["Enabled"].as_bool())
        invalid_argument(
            "Trusted signers (key pairs of accounts) are not part of what this emulator supports: "
            "name key groups in TrustedKeyGroups.");
    if (behavior["GrpcConfig"]["Enabled"].as_bool())
        invalid_argument("gRPC is not part of what this emulator supports.");
}

void check_behavior(const Node& behavior, const Node& config,
                    const std::set<std::string, std::less<>>& targets,
                    const ResourceLookup& lookup) {
    if (!targets.contains(behavior["TargetOriginId"].as_string()))
        throw aws::Error(404, "NoSuchOrigin",
                         "One or more of your origins or origin groups do not exist.");
    constexpr std::array<std::string_view, 3> kPolicies = {"allow-all", "https-only",
                                                           "redirect-to-https"};
    if (!is_one_of(behavior["ViewerProtocolPolicy"].as_string(), kPolicies))
        invalid_argument("The parameter ViewerProtocolPolicy is invalid.");
    check_methods(behavior["AllowedMethods"]);
    check_behavior_policies(behavior, lookup);
    if (behavior.find("ForwardedValues") != nullptr) check_forwarded_values(behavior, config);
    check_unbuilt_parts(behavior);
    if (behavior["TrustedKeyGroups"]["Enabled"].as_bool()) {
        std::vector<std::string> groups = texts(behavior["TrustedKeyGroups"]);
        if (groups.empty())
            invalid_argument(
                "The parameter TrustedKeyGroups must contain at least one key group when it is "
                "enabled.");
        for (const std::string& group : groups)
            if (!lookup(kKeyGroupKind, group))
                invalid("TrustedKeyGroupDoesNotExist", "The specified key group does not exist.");
    }
    if (const Node* pattern = behavior.find("PathPattern")) {
        constexpr std::string_view kAllowed =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.*$/"
            "~\"'@:+&?%=,;!()[]";
        if (pattern->as_string().empty() || pattern->as_string().size() > 255 ||
            pattern->as_string().find_first_not_of(kAllowed) != std::string::npos)
            invalid_argument("The parameter PathPattern is invalid.");
    }
}

void check_behaviors(const Node& config, const std::set<std::string, std::less<>>& targets,
                     const ResourceLookup& lookup) {
    check_behavior(config["DefaultCacheBehavior"], config, targets, lookup);
    const auto& behaviors = config["CacheBehaviors"]["Items"].items();
    if (behaviors.size() > 75)
        invalid("TooManyCacheBehaviors",
                "You cannot create more cache behaviors for the distribution.");
    std::set<std::string> patterns;
    for (const Node& behavior : behaviors) {
        check_behavior(behavior, config, targets, lookup);
        std::string pattern = behavior["PathPattern"].as_string();
        if (pattern.starts_with('/')) pattern.erase(0, 1);
        if (!patterns.insert(pattern).second)
            invalid_argument(
                fmt::format("The parameter PathPattern {} is used by two cache behaviors.",
                            behavior["PathPattern"].as_string()));
    }
}

// The rest
// ------------------------------------------------------------------------------------------

void check_errors(const Node& config) {
    constexpr std::array<int64_t, 11> kCodes = {400, 403, 404, 405, 414, 416,
                                                500, 501, 502, 503, 504};
    constexpr std::array<std::string_view, 12> kResponses = {
        "200", "400", "403", "404", "405", "414", "416", "500", "501", "502", "503", "504"};
    std::set<int64_t> seen;
    for (const Node& error : config["CustomErrorResponses"]["Items"].items()) {
        if (!seen.insert(error["ErrorCode"].as_int()).second)
            invalid_argument(
                fmt::format("The parameter CustomErrorResponses contains ErrorCode {} twice.",
                            error["ErrorCode"].as_int()));
        if (error["ErrorCachingMinTTL"].as_int() < 0)
            invalid_argument("The parameter ErrorCachingMinTTL is invalid.");
        if (std::ranges::find(kCodes, error["ErrorCode"].as_int()) == kCodes.end())
            invalid("InvalidErrorCode", fmt::format("The parameter ErrorCode {} is invalid.",
                                                    error["ErrorCode"].as_int()));
        const std::string& page = error["ResponsePagePath"].as_string();
        const std::string& code = error["ResponseCode"].as_string();
        if (page.empty() != code.empty())
            invalid("InvalidResponseCode",
                    "ResponsePagePath and ResponseCode must be given together.");
        if (!code.empty() && !is_one_of(code, kResponses))
            invalid("InvalidResponseCode",
                    fmt::format("The parameter ResponseCode {} is invalid.", code));
        if (!page.empty() && !page.starts_with('/'))
            invalid_argument("The parameter ResponsePagePath must begin with a forward slash (/).");
    }
}

void check_geo(const Node& config) {
    const Node& geo = config["Restrictions"]["GeoRestriction"];
    constexpr std::array<std::string_view, 3> kModes = {"none", "whitelist", "blacklist"};
    if (!is_one_of(geo["RestrictionType"].as_string(), kModes) ||
        ((geo["RestrictionType"].as_string() == "none") != texts(geo).empty()))
        invalid("InvalidGeoRestrictionParameter",
                "The specified geo restriction parameter is not valid.");
    for (const std::string& code : texts(geo))
        if (code.size() != 2 ||
            !std::ranges::all_of(code, [](char c) { return c >= 'A' && c <= 'Z'; }))
            invalid("InvalidLocationCode", fmt::format("The location code {} is not valid.", code));
}

void check_aliases(const Node& config) {
    std::vector<std::string> aliases = texts(config["Aliases"]);
    if (aliases.size() > 100)
        invalid("TooManyDistributionCNAMEs",
                "Your request contains more CNAMEs than are allowed per distribution.");
    for (const std::string& alias : aliases) {
        std::string_view rest = alias;
        if (rest.starts_with("*.")) rest.remove_prefix(2);
        if (rest.empty() || rest.size() > 253 ||
            rest.find_first_of("*/: ") != std::string_view::npos)
            invalid_argument(fmt::format(
                "The parameter CNAME contains {} that is not a valid domain name.", alias));
    }
    const Node& certificate = config["ViewerCertificate"];
    if (!aliases.empty() && certificate["CloudFrontDefaultCertificate"].as_bool())
        invalid("InvalidViewerCertificate",
                "To add an alternate domain name (CNAME) to a CloudFront distribution, you must "
                "attach a trusted certificate "
                "that validates your authorization to use the domain name. For more details, see: "
                "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
                "CNAMEs.html#alternate-domain-names-requirements");
    const std::string& arn = certificate["ACMCertificateArn"].as_string();
    if (!arn.empty() && !arn.starts_with("arn:aws:acm:us-east-1:"))
        invalid(
            "InvalidViewerCertificate",
            "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, "
            "or doesn't include a valid certificate chain.");
}

void check_certificate(const Node& certificate) {
    constexpr std::array<std::string_view, 3> kMethods = {"sni-only", "vip", "static-ip"};
    constexpr std::array<std::string_view, 9> kVersions = {
        "SSLv3",        "TLSv1",        "TLSv1_2016",   "TLSv1.1_2016", "TLSv1.2_2018",
        "TLSv1.2_2019", "TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"};
    if (!is_one_of(certificate["SSLSupportMethod"].as_string(), kMethods))
        invalid_argument("The parameter SSLSupportMethod is invalid.");
    if (!is_one_of(certificate["MinimumProtocolVersion"].as_string(), kVersions))
        invalid("InvalidMinimumProtocolVersion", "The minimum protocol version is not valid.");
}

void check_logging(const Node& logging) {
    if (logging["Enabled"].as_bool() && !s3_host_region(logging["Bucket"].as_string()))
        invalid_argument("The parameter Logging Bucket does not refer to a valid S3 bucket.");
}

void check_general(const Node& config) {
    if (config["CallerReference"].as_string().empty())
        invalid_argument("The parameter CallerReference is required.");
    const std::string& root = config["DefaultRootObject"].as_string();
    if (root.starts_with('/') || root.size() > 255)
        invalid("InvalidDefaultRootObject",
                "The default root object file name is too big or contains an invalid character.");
    if (config["Comment"].as_string().size() > 128)
        invalid_argument("The parameter Comment is too long.");
    constexpr std::array<std::string_view, 4> kClasses = {"PriceClass_100", "PriceClass_200",
                                                          "PriceClass_All", "None"};
    if (!is_one_of(config["PriceClass"].as_string(), kClasses))
        invalid_argument("The parameter PriceClass is invalid.");
    constexpr std::array<std::string_view, 4> kVersions = {"http1.1", "http2", "http3",
                                                           "http2and3"};
    if (!is_one_of(base::lower(config["HttpVersion"].as_string()), kVersions))
        invalid_argument("The parameter HttpVersion is invalid.");
    if (!config["WebACLId"].as_string().empty())
        invalid("InvalidWebACLId", "AWS WAF is not part of what this emulator supports.");
    if (config["Staging"].as_bool() || !config["ContinuousDeploymentPolicyId"].as_string().empty())
        invalid_argument("Continuous deployment is not part of what this emulator supports.");
}

// Completion
// ----------------------------------------------------------------------------------------

Node method_list() {
    return Node::array({"HEAD", "GET"});
}

void complete_behavior(Node& behavior) {
    Node& methods = *behavior.find("AllowedMethods");
    if (methods["Items"].size() == 0) {
        methods.set("Quantity", 2);
        methods.set("Items", method_list());
        if (Node* cached = methods.find("CachedMethods")) {
            Node kept = *cached;  // stays last, as the model orders it
            methods.erase("CachedMethods");
            methods.set("CachedMethods", kept);
        }
    }
    if (methods["CachedMethods"]["Items"].size() == 0)
        methods.set("CachedMethods", Node::object({{"Quantity", 2}, {"Items", method_list()}}));
    if (behavior.find("ForwardedValues") == nullptr) {
        // A behaviour with a cache policy shows no TTLs of its own.
        for (std::string_view name : {"MinTTL", "DefaultTTL", "MaxTTL"})
            behavior.erase(name);
        return;
    }
    int64_t low = behavior["MinTTL"].as_int(0);
    int64_t middle = behavior["DefaultTTL"].as_int(std::max<int64_t>(86400, low));
    int64_t high = behavior["MaxTTL"].as_int(std::max<int64_t>(31536000, middle));
    for (std::string_view name : {"MinTTL", "DefaultTTL", "MaxTTL"})
        behavior.erase(name);
    behavior.set("MinTTL", low);
    behavior.set("DefaultTTL", middle);
    behavior.set("MaxTTL", high);
}

void complete_certificate(Node& certificate) {
    const std::string acm = certificate["ACMCertificateArn"].as_string(),
                      iam = certificate["IAMCertificateId"].as_string();
    Node full = Node::object();
    std::string own = acm.empty() ? iam : acm;
    full.set("CloudFrontDefaultCertificate", own.empty());
    if (!iam.empty()) full.set("IAMCertificateId", iam);
    if (!acm.empty()) full.set("ACMCertificateArn", acm);
    const Node* method = certificate.find("SSLSupportMethod");
    const Node* version = certificate.find("MinimumProtocolVersion");
    full.set("SSLSupportMethod", own.empty() ? Node("vip") : method ? *method : Node("sni-only"));
    full.set("MinimumProtocolVersion",
             own.empty() || version == nullptr ? Node("TLSv1") : *version);
    if (!own.empty()) full.set("Certificate", own);
    full.set("CertificateSource", own.empty() ? "cloudfront" : acm.empty() ? "iam" : "acm");
    certificate = std::move(full);
}

}  // namespace

void complete_distribution(Node& config) {
    complete_behavior(*config.find("DefaultCacheBehavior"));
    if (Node* list = config.find("CacheBehaviors"))
        if (Node* items = list->find("Items"))
            for (Node& behavior : items->items())
                complete_behavior(behavior);
    complete_certificate(*config.find("ViewerCertificate"));
    if (Node* list = config.find("Origins"))
        if (Node* items = list->find("Items"))
            for (Node& origin : items->items())
                if (Node* custom = origin.find("CustomOriginConfig");
                    custom && (*custom)["OriginSslProtocols"].is_null()) {
                    // The model's order: after OriginProtocolPolicy.
                    Node read = (*custom)["OriginReadTimeout"],
                         keep = (*custom)["OriginKeepaliveTimeout"];
                    custom->erase("OriginReadTimeout");
                    custom->erase("OriginKeepaliveTimeout");
                    custom->set(
                        "OriginSslProtocols",
                        Node::object({{"Quantity", 3},
                                      {"Items", Node::array({"TLSv1", "TLSv1.1", "TLSv1.2"})}}));
                    custom->set("OriginReadTimeout", read);
                    custom->set("OriginKeepaliveTimeout", keep);
                }
}

void check_distribution(const Node& config, const ResourceLookup& lookup) {
    check_general(config);
    std::set<std::string, std::less<>> targets = check_origins(config, lookup);
    check_behaviors(config, targets, lookup);
    check_errors(config);
    check_geo(config);
    check_aliases(config);
    check_certificate(config["ViewerCertificate"]);
    check_logging(config["Logging"]);
}

}  // namespace cloudfront

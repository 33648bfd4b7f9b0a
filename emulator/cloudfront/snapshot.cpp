// See snapshot.h: documents (base::Node in the API's shapes) to the model.
#include "cloudfront/snapshot.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "cloudfront/limits.h"

namespace cloudfront {

using base::Node;

std::vector<std::string> texts(const Node& list) {
    std::vector<std::string> found;
    for (const Node& item : list["Items"].items())
        found.push_back(item.as_string());
    return found;
}

namespace {

enum class Names : uint8_t { AsTheyAre, LowerCase };

// {HeaderBehavior: whitelist, Headers: {…}} and its two brothers.
Selection selection(const Node& config, std::string_view behavior_name, std::string_view list_name,
                    Names names) {
    const std::string& mode = config[behavior_name].as_string();
    Selection selection;
    if (mode == "whitelist")
        selection.mode = Selection::Mode::Listed;
    else if (mode == "allExcept")
        selection.mode = Selection::Mode::AllExcept;
    else if (mode == "all" || mode == "allViewer" || mode == "allViewerAndWhitelistCloudFront")
        selection.mode = Selection::Mode::All;
    for (const std::string& name : texts(config[list_name]))
        selection.names.push_back(names == Names::LowerCase ? base::lower(name) : name);
    if (names == Names::LowerCase)
        std::ranges::sort(selection.names);  // the key does not depend on their order
    return selection;
}

MethodSet methods(const Node& list) {
    MethodSet set;
    for (const std::string& name : texts(list))
        set.add(method_of(name));
    return set;
}

void apply_policies(CacheBehavior& behavior, const Node& config, const ResourceLookup& lookup) {
    if (auto found = lookup(kCachePolicyKind, config["CachePolicyId"].as_string())) {
        CachePolicy policy = compile_cache_policy(*found);
        behavior.key_source = "cache policy " + policy.name;
        behavior.key_headers = std::move(policy.headers);
        behavior.key_cookies = std::move(policy.cookies);
        behavior.key_query = std::move(policy.query);
        behavior.gzip = policy.gzip;
        behavior.brotli = policy.brotli;
        behavior.min_ttl = policy.min_ttl;
        behavior.default_ttl = policy.default_ttl;
        behavior.max_ttl = policy.max_ttl;
        behavior.caching_disabled = policy.max_ttl == seconds(0);
    }
    if (auto found =
            lookup(kOriginRequestPolicyKind, config["OriginRequestPolicyId"].as_string())) {
        OriginRequestPolicy policy = compile_origin_request_policy(*found);
        behavior.forward_source = "origin request policy " + policy.name;
        behavior.also_headers = std::move(policy.headers);
        behavior.also_cookies = std::move(policy.cookies);
        behavior.also_query = std::move(policy.query);
    }
    behavior.keys_accept_encoding_itself = behavior.key_headers.lists("accept-encoding");
}

Selection legacy_cookies(const Node& cookies) {
    Selection selection;
    const std::string& forward = cookies["Forward"].as_string();
    if (forward == "all") selection.mode = Selection::Mode::All;
    if (forward == "whitelist") selection.mode = Selection::Mode::Listed;
    selection.names = texts(cookies["WhitelistedNames"]);
    selection.wildcards = true;
    return selection;
}

void apply_forwarded_values(CacheBehavior& behavior, const Node& config) {
    const Node& forwarded = config["ForwardedValues"];
    behavior.legacy = true;
    behavior.key_source = "ForwardedValues";
    behavior.key_cookies = legacy_cookies(forwarded["Cookies"]);
    if (forwarded["QueryString"].as_bool()) {
        std::vector<std::string> keys = texts(forwarded["QueryStringCacheKeys"]);
        behavior.key_query.mode = keys.empty() ? Selection::Mode::All : Selection::Mode::Listed;
        behavior.key_query.names = std::move(keys);
        // With keys listed the origin still gets the full query string.
        behavior.also_query.mode = Selection::Mode::All;
    }
    for (const std::string& name : texts(forwarded["Headers"])) {
        if (name == "*")
            behavior.forwards_all_headers = true;
        else
            behavior.key_headers.names.push_back(base::lower(name));
    }
    std::ranges::sort(behavior.key_headers.names);
    if (!behavior.key_headers.names.empty()) behavior.key_headers.mode = Selection::Mode::Listed;
    behavior.keys_accept_encoding_itself = behavior.key_headers.lists("accept-encoding");
    behavior.min_ttl = seconds(config["MinTTL"].as_int(0));
    behavior.default_ttl = seconds(config["DefaultTTL"].as_int(86400));
    behavior.max_ttl = seconds(config["MaxTTL"].as_int(31536000));
    // "Whitelist all headers": every request goes to the origin.
    behavior.caching_disabled = behavior.forwards_all_headers || behavior.max_ttl == seconds(0);
    // A normalized Accept-Encoding (gzip only) is forwarded and keyed by itself. GUESS: without
    // Compress, too: "a request without gzip gets uncompressed content", whoever compresses.
    behavior.gzip = !behavior.keys_accept_encoding_itself && !behavior.forwards_all_headers;
}

void add_trusted_keys(CacheBehavior& behavior, const Node& config, const ResourceLookup& lookup) {
    behavior.needs_signature = config["TrustedKeyGroups"]["Enabled"].as_bool();
    if (!behavior.needs_signature) return;
    for (const std::string& group_id : texts(config["TrustedKeyGroups"])) {
        auto group = lookup(kKeyGroupKind, group_id);
        if (!group) continue;
        for (const std::string& key_id : texts(group->config))
            if (auto key = lookup(kPublicKeyKind, key_id))
                behavior.trusted_keys.push_back({key_id, key->config["EncodedKey"].as_string()});
    }
}

CacheBehavior compile_behavior(const Node& config, const ResourceLookup& lookup) {
    CacheBehavior behavior;
    behavior.is_default = config.find("PathPattern") == nullptr;
    behavior.pattern = behavior.is_default ? "*" : config["PathPattern"].as_string();
    if (behavior.pattern.size() > 1 && behavior.pattern.starts_with('*') == false &&
        !behavior.pattern.starts_with('/'))
        behavior.pattern.insert(0, 1, '/');  // "images/*" means "/images/*"
    behavior.target_id = config["TargetOriginId"].as_string();
    const std::string& protocol = config["ViewerProtocolPolicy"].as_string();
    if (protocol == "https-only") behavior.protocol_policy = ViewerProtocolPolicy::HttpsOnly;
    if (protocol == "redirect-to-https")
        behavior.protocol_policy = ViewerProtocolPolicy::RedirectToHttps;
    behavior.allowed = methods(config["AllowedMethods"]);
    behavior.cached = methods(config["AllowedMethods"]["CachedMethods"]);
    behavior.compress = config["Compress"].as_bool();
    if (config.find("ForwardedValues") != nullptr)
        apply_forwarded_values(behavior, config);
    else
        apply_policies(behavior, config, lookup);
    if (auto found =
            lookup(kResponseHeadersPolicyKind, config["ResponseHeadersPolicyId"].as_string()))
        behavior.response_headers =
            std::make_shared<const ResponseHeadersPolicy>(compile_response_headers_policy(*found));
    add_trusted_keys(behavior, config, lookup);
    return behavior;
}

SigningBehavior signing_of(const Node& config, const ResourceLookup& lookup) {
    // An origin access identity signs as an access control that always signs does.
    if (!config["S3OriginConfig"]["OriginAccessIdentity"].as_string().empty())
        return SigningBehavior::Always;
    auto control = lookup(kOriginAccessControlKind, config["OriginAccessControlId"].as_string());
    if (!control) return SigningBehavior::None;
    const std::string& behavior = control->config["SigningBehavior"].as_string();
    if (behavior == "always") return SigningBehavior::Always;
    return behavior == "no-override" ? SigningBehavior::NoOverride : SigningBehavior::Never;
}

Origin compile_origin(const Node& config, const ResourceLookup& lookup) {
    Origin origin;
    origin.id = config["Id"].as_string();
    origin.domain_name = config["DomainName"].as_string();
    origin.path = config["OriginPath"].as_string();
    for (const Node& header : config["CustomHeaders"]["Items"].items())
        origin.custom_headers.push_back(
            {header["HeaderName"].as_string(), header["HeaderValue"].as_string()});
    origin.connection_attempts = static_cast<int>(config["ConnectionAttempts"].as_int(3));
    origin.connection_timeout = seconds(config["ConnectionTimeout"].as_int(10));
    if (const Node* completion = config.find("ResponseCompletionTimeout"))
        origin.completion_timeout = seconds(completion->as_int());
    origin.signing = signing_of(config, lookup);
    // "origin-access-identity/cloudfront/ID"
    const std::string& identity = config["S3OriginConfig"]["OriginAccessIdentity"].as_string();
    origin.identity_id = identity.substr(identity.rfind('/') + 1);
    origin.region = s3_host_region(origin.domain_name).value_or("");
    if (const Node* custom = config.find("CustomOriginConfig")) {
        const std::string& protocol = (*custom)["OriginProtocolPolicy"].as_string();
        origin.protocol_policy = protocol == "https-only"     ? OriginProtocolPolicy::HttpsOnly
                                 : protocol == "match-viewer" ? OriginProtocolPolicy::MatchViewer
                                                              : OriginProtocolPolicy::HttpOnly;
        origin.http_port = static_cast<uint16_t>((*custom)["HTTPPort"].as_int(80));
        origin.https_port = static_cast<uint16_t>((*custom)["HTTPSPort"].as_int(443));
        origin.read_timeout = seconds((*custom)["OriginReadTimeout"].as_int(30));
        origin.keepalive_timeout = seconds((*custom)["OriginKeepaliveTimeout"].as_int(5));
    } else {
        origin.kind = Origin::Kind::S3;
        origin.read_timeout = seconds(config["S3OriginConfig"]["OriginReadTimeout"].as_int(30));
    }
    return origin;
}

OriginGroup compile_group(const Node& config) {
    OriginGroup group;
    group.id = config["Id"].as_string();
    const auto& members = config["Members"]["Items"].items();
    for (size_t i = 0; i < 2 && i < members.size(); ++i)
        group.members[i] = members[i]["OriginId"].as_string();
    for (const Node& code : config["FailoverCriteria"]["StatusCodes"]["Items"].items())
        if (auto status = base::parse_unsigned(code.as_string()))
            group.failover_statuses.push_back(static_cast<int>(*status));
    return group;
}

CustomErrorResponse compile_error(const Node& config) {
    CustomErrorResponse error;
    error.error_code = static_cast<int>(config["ErrorCode"].as_int());
    error.page_path = config["ResponsePagePath"].as_string();
    error.response_code = static_cast<int>(
        base::parse_unsigned(config["ResponseCode"].as_string()).value_or(error.error_code));
    error.caching_min_ttl =
        seconds(config["ErrorCachingMinTTL"].as_int(kDefaultErrorCachingMinTtl.count()));
    return error;
}

GeoRestriction compile_geo(const Node& config) {
    GeoRestriction geo;
    const std::string& mode = config["RestrictionType"].as_string();
    if (mode == "whitelist") geo.mode = GeoRestriction::Mode::Whitelist;
    if (mode == "blacklist") geo.mode = GeoRestriction::Mode::Blacklist;
    geo.countries = texts(config);
    return geo;
}

void add_security_headers(ResponseHeadersPolicy& policy, const Node& security) {
    auto add = [&](std::string_view name, const Node& entry, std::string value) {
        policy.headers.push_back(
            {std::string(name), std::move(value), entry["Override"].as_bool()});
    };
    if (const Node* entry = security.find("XSSProtection")) {
        std::string value = (*entry)["Protection"].as_bool() ? "1" : "0";
        if (value == "1" && (*entry)["ModeBlock"].as_bool())
            value += "; mode=block";
        else if (value == "1" && !(*entry)["ReportUri"].as_string().empty())
            value += "; report=" + (*entry)["ReportUri"].as_string();
        add("X-XSS-Protection", *entry, value);
    }
    if (const Node* entry = security.find("FrameOptions"))
        add("X-Frame-Options", *entry, (*entry)["FrameOption"].as_string());
    if (const Node* entry = security.find("ReferrerPolicy"))
        add("Referrer-Policy", *entry, (*entry)["ReferrerPolicy"].as_string());
    if (const Node* entry = security.find("ContentSecurityPolicy"))
        add("Content-Security-Policy", *entry, (*entry)["ContentSecurityPolicy"].as_string());
    if (const Node* entry = security.find("ContentTypeOptions"))
        add("X-Content-Type-Options", *entry, "nosniff");
    if (const Node* entry = security.find("StrictTransportSecurity")) {
        std::string value = fmt::format("max-age={}", (*entry)["AccessControlMaxAgeSec"].as_int());
        if ((*entry)["IncludeSubdomains"].as_bool()) value += "; includeSubDomains";
        if ((*entry)["Preload"].as_bool()) value += "; preload";
        add("Strict-Transport-Security", *entry, value);
    }
}

ResponseHeadersPolicy::Cors compile_cors(const Node& config) {
    ResponseHeadersPolicy::Cors cors;
    cors.allow_origins = texts(config["AccessControlAllowOrigins"]);
    cors.allow_headers = texts(config["AccessControlAllowHeaders"]);
    cors.allow_methods = texts(config["AccessControlAllowMethods"]);
    if (std::ranges::find(cors.allow_methods, "ALL") != cors.allow_methods.end())
        cors.allow_methods = {"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"};
    cors.expose_headers = texts(config["AccessControlExposeHeaders"]);
    cors.allow_credentials = config["AccessControlAllowCredentials"].as_bool();
    if (const Node* age = config.find("AccessControlMaxAgeSec")) cors.max_age = age->as_int();
    cors.override_origin = config["OriginOverride"].as_bool();
    return cors;
}

}  // namespace

std::optional<std::string> s3_host_region(std::string_view domain_name) {
    std::string host = base::lower(domain_name);
    constexpr std::string_view kSuffix = ".amazonaws.com";
    if (!host.ends_with(kSuffix)) return std::nullopt;
    host.resize(host.size() - kSuffix.size());
    // A dot belongs to bucket names too: the service label is the last ".s3".
    size_t service = host.rfind(".s3");
    if (service == std::string::npos || service == 0) return std::nullopt;
    std::string_view rest = std::string_view(host).substr(service + 3);
    if (rest.starts_with("-website") || rest.starts_with("-accesspoint")) return std::nullopt;
    if (rest.empty()) return "";
    if (rest.starts_with(".dualstack."))
        rest.remove_prefix(11);
    else if (rest[0] == '.' || rest[0] == '-')
        rest.remove_prefix(1);
    else
        return std::nullopt;
    return std::string(rest);
}

CachePolicy compile_cache_policy(const Resource& resource) {
    const Node& config = resource.config;
    const Node& parameters = config["ParametersInCacheKeyAndForwardedToOrigin"];
    CachePolicy policy;
    policy.id = resource.id;
    policy.name = resource.name;
    policy.min_ttl = seconds(config["MinTTL"].as_int());
    policy.default_ttl = seconds(config["DefaultTTL"].as_int());
    policy.max_ttl = seconds(config["MaxTTL"].as_int());
    policy.gzip = parameters["EnableAcceptEncodingGzip"].as_bool();
    policy.brotli = parameters["EnableAcceptEncodingBrotli"].as_bool();
    policy.headers =
        selection(parameters["HeadersConfig"], "HeaderBehavior", "Headers", Names::LowerCase);
    policy.cookies =
        selection(parameters["CookiesConfig"], "CookieBehavior", "Cookies", Names::AsTheyAre);
    policy.query = selection(parameters["QueryStringsConfig"], "QueryStringBehavior",
                             "QueryStrings", Names::AsTheyAre);
    return policy;
}

OriginRequestPolicy compile_origin_request_policy(const Resource& resource) {
    const Node& config = resource.config;
    return {resource.id, resource.name,
            selection(config["HeadersConfig"], "HeaderBehavior", "Headers", Names::LowerCase),
            selection(config["CookiesConfig"], "CookieBehavior", "Cookies", Names::AsTheyAre),
            selection(config["QueryStringsConfig"], "QueryStringBehavior", "QueryStrings",
                      Names::AsTheyAre)};
}

ResponseHeadersPolicy compile_response_headers_policy(const Resource& resource) {
    const Node& config = resource.config;
    ResponseHeadersPolicy policy;
    policy.id = resource.id;
    policy.name = resource.name;
    if (const Node* cors = config.find("CorsConfig")) policy.cors = compile_cors(*cors);
    if (const Node* security = config.find("SecurityHeadersConfig"))
        add_security_headers(policy, *security);
    for (const Node& header : config["CustomHeadersConfig"]["Items"].items())
        policy.headers.push_back({header["Header"].as_string(), header["Value"].as_string(),
                                  header["Override"].as_bool()});
    for (const Node& header : config["RemoveHeadersConfig"]["Items"].items())
        policy.removed.push_back(base::lower(header["Header"].as_string()));
    const Node& timing = config["ServerTimingHeadersConfig"];
    if (timing["Enabled"].as_bool())
        policy.server_timing_rate = timing["SamplingRate"].as_double(0);
    return policy;
}

Distribution compile_distribution(const Resource& resource, std::string_view arn,
                                  std::string_view domain_name, std::string_view name,
                                  const ResourceLookup& lookup) {
    const Node& config = resource.config;
    Distribution distribution;
    distribution.id = resource.id;
    distribution.arn = arn;
    distribution.domain_name = domain_name;
    distribution.name = name;
    distribution.comment = config["Comment"].as_string();
    distribution.enabled = config["Enabled"].as_bool();
    for (const std::string& alias : texts(config["Aliases"]))
        distribution.aliases.push_back(base::lower(alias));
    distribution.default_root_object = config["DefaultRootObject"].as_string();
    for (const Node& origin : config["Origins"]["Items"].items())
        distribution.origins.push_back(compile_origin(origin, lookup));
    for (const Node& group : config["OriginGroups"]["Items"].items())
        distribution.groups.push_back(compile_group(group));
    for (const Node& behavior : config["CacheBehaviors"]["Items"].items())
        distribution.behaviors.push_back(compile_behavior(behavior, lookup));
    distribution.behaviors.push_back(compile_behavior(config["DefaultCacheBehavior"], lookup));
    for (const Node& error : config["CustomErrorResponses"]["Items"].items())
        distribution.errors.push_back(compile_error(error));
    distribution.geo = compile_geo(config["Restrictions"]["GeoRestriction"]);
    const Node& logging = config["Logging"];
    distribution.logging = {logging["Enabled"].as_bool(), logging["IncludeCookies"].as_bool(),
                            logging["Bucket"].as_string(), logging["Prefix"].as_string()};
    return distribution;
}

}  // namespace cloudfront

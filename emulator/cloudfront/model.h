// Model: a distribution as the request path sees it, compiled once from its stored configuration
// (snapshot.cpp) and immutable afterwards. Names are CloudFront's: API reference,
// DistributionConfig.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "http/message.h"

namespace cloudfront {

using base::seconds;
using base::Time;

enum class Method : uint8_t {
    Get = 1,
    Head = 2,
    Options = 4,
    Put = 8,
    Post = 16,
    Patch = 32,
    Delete = 64,
    Other = 128
};
Method method_of(std::string_view name);

class MethodSet {
  public:
    void add(Method method) { bits_ |= static_cast<uint8_t>(method); }
    bool has(Method method) const { return (bits_ & static_cast<uint8_t>(method)) != 0; }
    uint8_t bits() const { return bits_; }

  private:
    uint8_t bits_ = 0;
};

// Which members of one family (headers, cookies, query parameters) a policy selects.
// Header names are kept in lower case; `All` may list further generated headers (CloudFront-*).
struct Selection {
    enum class Mode : uint8_t { None, Listed, AllExcept, All };
    Mode mode = Mode::None;
    std::vector<std::string> names;
    bool wildcards = false;  // legacy cookie names may contain * and ?

    bool lists(std::string_view name) const;
    bool selects(std::string_view name) const;
};

struct CachePolicy {
    std::string id, name;
    seconds min_ttl{0}, default_ttl{86400}, max_ttl{31536000};
    bool gzip = false, brotli = false;
    Selection headers, cookies, query;
};

struct OriginRequestPolicy {
    std::string id, name;
    Selection headers, cookies, query;
};

struct PolicyHeader {
    std::string name, value;
    bool override_origin = false;
};

struct ResponseHeadersPolicy {
    std::string id, name;
    struct Cors {
        std::vector<std::string> allow_origins, allow_headers, allow_methods, expose_headers;
        bool allow_credentials = false;
        std::optional<int64_t> max_age;
        bool override_origin = false;
    };
    std::optional<Cors> cors;
    std::vector<PolicyHeader> headers;         // security headers, then custom ones
    std::vector<std::string> removed;          // lower case
    std::optional<double> server_timing_rate;  // percent
};

struct TrustedKey {
    std::string id, pem;
};

enum class ViewerProtocolPolicy : uint8_t { AllowAll, HttpsOnly, RedirectToHttps };

struct CacheBehavior {
    std::string pattern;  // "*" for the default one
    bool is_default = false;
    std::string target_id;  // an origin's or an origin group's Id
    ViewerProtocolPolicy protocol_policy = ViewerProtocolPolicy::AllowAll;
    MethodSet allowed, cached;
    bool compress = false;

    bool legacy = false;                // ForwardedValues instead of policies
    bool forwards_all_headers = false;  // legacy Headers = *
    std::string key_source;      // "cache policy Managed-CachingOptimized", "ForwardedValues"
    std::string forward_source;  // "origin request policy X", "" if none
    Selection key_headers, key_cookies, key_query;
    Selection also_headers, also_cookies, also_query;  // forwarded beyond the key
    bool gzip = false, brotli = false;
    seconds min_ttl{0}, default_ttl{86400}, max_ttl{31536000};
    bool caching_disabled = false;
    bool keys_accept_encoding_itself =
        false;  // Accept-Encoding listed by hand: no edge compression
    std::shared_ptr<const ResponseHeadersPolicy> response_headers;

    bool needs_signature = false;
    std::vector<TrustedKey> trusted_keys;

    bool forwards_cookies() const {
        return key_cookies.mode != Selection::Mode::None ||
               also_cookies.mode != Selection::Mode::None;
    }
};

enum class OriginProtocolPolicy : uint8_t { HttpOnly, HttpsOnly, MatchViewer };
enum class SigningBehavior : uint8_t { None, Never, Always, NoOverride };

struct Origin {
    enum class Kind : uint8_t { S3, Custom };
    std::string id, domain_name, path;
    Kind kind = Kind::Custom;
    std::vector<http::Header> custom_headers;
    uint16_t http_port = 80, https_port = 443;
    OriginProtocolPolicy protocol_policy = OriginProtocolPolicy::HttpOnly;
    int connection_attempts = 3;
    seconds connection_timeout{10}, read_timeout{30}, keepalive_timeout{5};
    std::optional<seconds> completion_timeout;
    SigningBehavior signing = SigningBehavior::None;
    std::string
        identity_id;     // of the origin access identity that signs, "" = the distribution does
    std::string region;  // of an S3 host, for signing
};

struct OriginGroup {
    std::string id;
    std::array<std::string, 2> members;
    std::vector<int> failover_statuses;
};

struct CustomErrorResponse {
    int error_code = 0;
    std::string page_path;  // "" = only the caching time is set
    int response_code = 0;
    seconds caching_min_ttl{10};
};

struct GeoRestriction {
    enum class Mode : uint8_t { None, Whitelist, Blacklist };
    Mode mode = Mode::None;
    std::vector<std::string> countries;
};

struct Logging {
    bool enabled = false, include_cookies = false;
    std::string bucket, prefix;
};

struct Distribution {
    std::string id, arn, domain_name, name, comment;
    bool enabled = true;
    std::vector<std::string> aliases;  // lower case
    std::string default_root_object;
    std::vector<Origin> origins;
    std::vector<OriginGroup> groups;
    std::vector<CacheBehavior> behaviors;  // in listed order, the default one last
    std::vector<CustomErrorResponse> errors;
    GeoRestriction geo;
    Logging logging;

    const Origin* origin(std::string_view id) const;
    const OriginGroup* group(std::string_view id) const;
    const CustomErrorResponse* error_response(int status) const;
};

// What one viewer request is, for the decisions: views into the head, which outlives them.
struct ViewerRequest {
    const http::RequestHead* head = nullptr;
    Method method = Method::Get;
    std::string_view host;         // as sent
    std::string_view path, query;  // raw; the default root object already applied
    std::string ip;                // of the viewer's socket
    uint16_t port = 0;
    bool https = false;
    std::string country;  // two letters, "" = unknown
    std::string tls;      // CloudFront-Viewer-TLS, "" on plain connections

    const http::HeaderList& headers() const { return head->headers; }
    bool http10() const { return head->major == 1 && head->minor == 0; }
};

}  // namespace cloudfront

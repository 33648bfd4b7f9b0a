// Website configuration: what PutBucketWebsite accepts, and which redirect its rules give. Pure.
// S3 guide, "Hosting a static website using Amazon S3", "Configuring advanced conditional
// redirects"; s3.md §5.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3/xml.h"

namespace s3 {

struct RoutingRule {
    std::optional<std::string> key_prefix;
    std::optional<int> error_code;
    std::string protocol, host;  // "" = the request's
    std::optional<std::string> replace_prefix, replace_key;
    int redirect_code = 301;
};

struct Website {
    std::string index_suffix;
    std::string error_key;
    std::optional<std::pair<std::string, std::string>>
        redirect_all;  // host, protocol ("" = the request's)
    std::vector<RoutingRule> rules;
};

// Throws aws::Error with S3's texts.
Website parse_website(const Element& document);

struct WebsiteRequest {
    std::string_view key;     // original, before an index suffix
    std::string_view scheme;  // "http"
    std::string_view host;    // with its port
    std::string_view query;   // raw, without '?'
};
struct Redirect {
    int status = 301;
    std::string location;
    std::string rule;  // for traces: "routing rule #2"
};

// Rules without an error code, before the object is looked up; with one, after it failed.
std::optional<Redirect> redirect_before(const Website& website, const WebsiteRequest& request);
std::optional<Redirect> redirect_on_error(const Website& website, const WebsiteRequest& request,
                                          int status);
Redirect redirect_everything(const Website& website, const WebsiteRequest& request,
                             std::string_view raw_path);

}  // namespace s3

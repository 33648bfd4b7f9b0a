// Viewer access: what stops a request before the cache is asked: country, protocol policy, method,
// body on GET, signature. CloudFront guide, "Restricting content", "Requiring HTTPS", "Allowed
// methods". Pure.
#pragma once
#include <string>
#include <string_view>

#include "cloudfront/model.h"

namespace cloudfront {

enum class Access : uint8_t {
    Admitted,
    CountryBlocked,
    RedirectToHttps,        // 301
    RedirectKeepingMethod,  // 307
    HttpsOnly,
    MethodNotAllowed,
    BodyOnGet,
    SignatureRefused,
};

struct AccessDecision {
    Access outcome = Access::Admitted;
    int status = 0;
    std::string_view sentence;  // of the generated page
    std::string_view log_type;  // x-edge-detailed-result-type
    // SignatureRefused: the XML error, and why in our words.
    std::string_view code, message;
    std::string why;
};

// Order of the checks: GUESS (country, protocol, method, body, signature); nobody documents it.
AccessDecision check_country(const Distribution& distribution, const ViewerRequest& request);
AccessDecision check_access(const CacheBehavior& behavior, const ViewerRequest& request,
                            bool has_body, Time now);
std::string explain_access(const AccessDecision& decision, const CacheBehavior& behavior,
                           const ViewerRequest& request);

}  // namespace cloudfront

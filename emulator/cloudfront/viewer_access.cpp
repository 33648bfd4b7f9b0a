// See viewer_access.h.
#include "cloudfront/viewer_access.h"

#include <fmt/format.h>

#include <algorithm>

#include "cloudfront/guesses.h"
#include "cloudfront/signed_request.h"

namespace cloudfront {

namespace {

constexpr std::string_view kMethodSentence =
    "This distribution is not configured to allow the HTTP request method that was used for this "
    "request. "
    "The distribution supports only cachable requests.";
constexpr std::string_view kCountrySentence =
    "The Amazon CloudFront distribution is configured to block access from your country.";

AccessDecision check_protocol(const CacheBehavior& behavior, const ViewerRequest& request) {
    if (request.https || behavior.protocol_policy == ViewerProtocolPolicy::AllowAll) return {};
    if (behavior.protocol_policy == ViewerProtocolPolicy::HttpsOnly)
        return {Access::HttpsOnly, 403, guesses::kPlainSentence, "InvalidRequest", {}, {}, {}};
    if (request.method == Method::Get || request.method == Method::Head)
        return {Access::RedirectToHttps, 301, {}, {}, {}, {}, {}};
    // "CloudFront returns 307 for DELETE, OPTIONS, PATCH, POST, PUT over HTTP/1.1 or later, and 403
    // over HTTP/1.0".
    if (request.http10())
        return {Access::HttpsOnly, 403, guesses::kPlainSentence, "InvalidRequest", {}, {}, {}};
    return {Access::RedirectKeepingMethod, 307, {}, {}, {}, {}, {}};
}

}  // namespace

AccessDecision check_country(const Distribution& distribution, const ViewerRequest& request) {
    const GeoRestriction& geo = distribution.geo;
    // A viewer whose country is unknown is served.
    if (geo.mode == GeoRestriction::Mode::None || request.country.empty()) return {};
    bool listed = std::ranges::find(geo.countries, request.country) != geo.countries.end();
    if (listed == (geo.mode == GeoRestriction::Mode::Whitelist)) return {};
    return {Access::CountryBlocked, 403, kCountrySentence, "ClientGeoBlocked", {}, {}, {}};
}

AccessDecision check_access(const CacheBehavior& behavior, const ViewerRequest& request,
                            bool has_body, Time now) {
    if (AccessDecision decision = check_protocol(behavior, request);
        decision.outcome != Access::Admitted)
        return decision;
    if (!behavior.allowed.has(request.method))
        return {Access::MethodNotAllowed, 403, kMethodSentence, "InvalidRequestMethod", {}, {}, {}};
    // "If a viewer GET request includes a body, CloudFront returns 403". GUESS: HEAD likewise.
    if (has_body && (request.method == Method::Get || request.method == Method::Head))
        return {Access::BodyOnGet, 403, guesses::kPlainSentence, "InvalidRequest", {}, {}, {}};
    if (behavior.needs_signature) {
        SignatureCheck check = check_signature(behavior, request, now);
        if (!check.admitted)
            return {Access::SignatureRefused, 403, {}, "InvalidRequest", check.code, check.message,
                    std::move(check.why)};
    }
    return {};
}

std::string explain_access(const AccessDecision& decision, const CacheBehavior& behavior,
                           const ViewerRequest& request) {
    switch (decision.outcome) {
        case Access::Admitted: return {};
        case Access::CountryBlocked:
            return fmt::format("403: country {} is blocked by the distribution's geo restriction",
                               request.country);
        case Access::RedirectToHttps:
        case Access::RedirectKeepingMethod:
            return fmt::format("{}: the viewer used http and the behavior says redirect-to-https",
                               decision.status);
        case Access::HttpsOnly:
            return behavior.protocol_policy == ViewerProtocolPolicy::HttpsOnly
                       ? "403: the viewer used http and the behavior says https-only"
                       : "403: an HTTP/1.0 request other than GET and HEAD cannot be redirected to "
                         "https";
        case Access::MethodNotAllowed:
            return fmt::format("403: AllowedMethods of behavior {} does not include {}",
                               behavior.pattern, request.head->method);
        case Access::BodyOnGet:
            return fmt::format("403: a {} request with a body", request.head->method);
        case Access::SignatureRefused:
            return fmt::format("403 {}: {}", decision.code, decision.why);
    }
    return {};
}

}  // namespace cloudfront

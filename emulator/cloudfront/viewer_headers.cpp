// See viewer_headers.h. Device detection reads the User-Agent for the words that all vendors put
// there.
#include "cloudfront/viewer_headers.h"

#include <fmt/format.h>

#include "base/text.h"

namespace cloudfront {

namespace {

struct Device {
    bool mobile = false, tablet = false, tv = false, ios = false, android = false;
};

bool contains(std::string_view text, std::string_view word) {
    return text.find(word) != std::string_view::npos;
}

Device device_of(std::string_view agent) {
    Device device;
    device.android = contains(agent, "Android");
    device.ios = contains(agent, "iPhone") || contains(agent, "iPad") || contains(agent, "iPod");
    device.tv = contains(agent, "SmartTV") || contains(agent, "SMART-TV") ||
                contains(agent, "AppleTV") || contains(agent, "GoogleTV") ||
                contains(agent, "HbbTV") || contains(agent, "BRAVIA");
    device.tablet = contains(agent, "iPad") || contains(agent, "Tablet") ||
                    contains(agent, "Kindle") ||
                    (device.android && !contains(agent, "Mobile") && !device.tv);
    device.mobile =
        !device.tablet && !device.tv &&
        (contains(agent, "Mobile") || contains(agent, "iPhone") || contains(agent, "iPod"));
    return device;
}

struct Generated {
    std::string_view name;  // lower case
    std::string_view spelling;
};

constexpr Generated kGenerated[] = {
    {"cloudfront-forwarded-proto", "CloudFront-Forwarded-Proto"},
    {"cloudfront-is-android-viewer", "CloudFront-Is-Android-Viewer"},
    {"cloudfront-is-desktop-viewer", "CloudFront-Is-Desktop-Viewer"},
    {"cloudfront-is-ios-viewer", "CloudFront-Is-IOS-Viewer"},
    {"cloudfront-is-mobile-viewer", "CloudFront-Is-Mobile-Viewer"},
    {"cloudfront-is-smarttv-viewer", "CloudFront-Is-SmartTV-Viewer"},
    {"cloudfront-is-tablet-viewer", "CloudFront-Is-Tablet-Viewer"},
    {"cloudfront-viewer-address", "CloudFront-Viewer-Address"},
    {"cloudfront-viewer-country", "CloudFront-Viewer-Country"},
    {"cloudfront-viewer-http-version", "CloudFront-Viewer-Http-Version"},
    {"cloudfront-viewer-tls", "CloudFront-Viewer-TLS"},
    {"cloudfront-viewer-header-count", "CloudFront-Viewer-Header-Count"},
    {"cloudfront-viewer-header-order", "CloudFront-Viewer-Header-Order"},
    // GAP: a local viewer has no city, region, coordinates, metro code, postal code, time zone or
    // ASN; these are absent, as AWS leaves them out when it does not know.
    {"cloudfront-viewer-asn", "CloudFront-Viewer-ASN"},
    {"cloudfront-viewer-city", "CloudFront-Viewer-City"},
    {"cloudfront-viewer-country-name", "CloudFront-Viewer-Country-Name"},
    {"cloudfront-viewer-country-region", "CloudFront-Viewer-Country-Region"},
    {"cloudfront-viewer-country-region-name", "CloudFront-Viewer-Country-Region-Name"},
    {"cloudfront-viewer-latitude", "CloudFront-Viewer-Latitude"},
    {"cloudfront-viewer-longitude", "CloudFront-Viewer-Longitude"},
    {"cloudfront-viewer-metro-code", "CloudFront-Viewer-Metro-Code"},
    {"cloudfront-viewer-postal-code", "CloudFront-Viewer-Postal-Code"},
    {"cloudfront-viewer-time-zone", "CloudFront-Viewer-Time-Zone"},
    {"cloudfront-viewer-ja3-fingerprint", "CloudFront-Viewer-JA3-Fingerprint"},
};

std::string text_of(bool value) {
    return value ? "true" : "false";
}

std::string header_order(const ViewerRequest& request) {
    std::string order;
    for (const http::Header& header : request.headers()) {
        if (!order.empty()) order += ':';
        order += header.name;
    }
    // The guide cuts the list at 7,680 characters.
    if (order.size() > 7680) order.resize(7680);
    return order;
}

}  // namespace

bool is_generated_header(std::string_view lower_name) {
    return lower_name.starts_with("cloudfront-");
}

std::string generated_header_spelling(std::string_view lower_name) {
    for (const Generated& generated : kGenerated)
        if (generated.name == lower_name) return std::string(generated.spelling);
    return std::string(lower_name);
}

std::optional<std::string> generated_header(std::string_view lower_name,
                                            const ViewerRequest& request) {
    std::string_view name = lower_name.substr(std::string_view("cloudfront-").size());
    if (name.starts_with("is-")) {
        Device device = device_of(request.headers().get("User-Agent"));
        if (name == "is-android-viewer") return text_of(device.android);
        if (name == "is-ios-viewer") return text_of(device.ios);
        if (name == "is-mobile-viewer") return text_of(device.mobile);
        if (name == "is-tablet-viewer") return text_of(device.tablet);
        if (name == "is-smarttv-viewer") return text_of(device.tv);
        if (name == "is-desktop-viewer")
            return text_of(!device.mobile && !device.tablet && !device.tv);
        return std::nullopt;
    }
    if (name == "forwarded-proto") return request.https ? "https" : "http";
    if (name == "viewer-address") return fmt::format("{}:{}", request.ip, request.port);
    if (name == "viewer-country" && !request.country.empty()) return request.country;
    // GUESS: "1.1", "2.0".
    if (name == "viewer-http-version")
        return fmt::format("{}.{}", request.head->major, request.head->minor);
    if (name == "viewer-tls" && !request.tls.empty()) return request.tls;
    if (name == "viewer-header-count") return fmt::format("{}", request.headers().size());
    if (name == "viewer-header-order") return header_order(request);
    return std::nullopt;
}

}  // namespace cloudfront

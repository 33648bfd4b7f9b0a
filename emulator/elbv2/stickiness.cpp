// See stickiness.h. alb.md §15.
#include "elbv2/stickiness.h"

#include "base/date.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/text.h"

namespace elbv2 {
namespace {

constexpr size_t kPayloadBytes = 64;  // with the MAC's 32: 128 characters
constexpr size_t kMacBytes = 32;
constexpr base::seconds kCookieLifetime{7 * 24 * 3600};

std::string mac(std::string_view scope, std::string_view payload) {
    return base::hmac_sha256("stickiness " + std::string(scope), payload);
}

}  // namespace

std::string make_sticky_value(std::string_view scope, std::string_view subject,
                              base::Time expires) {
    auto epoch = std::chrono::duration_cast<base::seconds>(expires.time_since_epoch()).count();
    std::string payload = std::to_string(epoch) + "|" + std::string(subject) + "|";
    if (payload.size() < kPayloadBytes) payload.resize(kPayloadBytes, ' ');
    return base::to_base64(payload + mac(scope, payload));
}

std::optional<std::string> read_sticky_value(std::string_view scope, std::string_view value,
                                             base::Time now) {
    auto bytes = base::from_base64(value);
    if (!bytes || bytes->size() < kPayloadBytes + kMacBytes) return std::nullopt;
    std::string_view payload = std::string_view(*bytes).substr(0, bytes->size() - kMacBytes);
    if (mac(scope, payload) != std::string_view(*bytes).substr(payload.size())) return std::nullopt;
    auto parts = base::split(payload, '|');
    auto expires = base::parse_unsigned(parts[0]);
    if (parts.size() < 3 || !expires || base::Time(base::seconds(*expires)) <= now)
        return std::nullopt;
    return std::string(parts[1]);
}

std::string_view find_cookie(const http::HeaderList& headers, std::string_view name) {
    for (std::string_view line : headers.all("cookie")) {
        for (std::string_view pair : base::split(line, ';')) {
            auto [key, value] = base::cut(base::trim(pair), '=');
            if (key == name) return value;
        }
    }
    return {};
}

bool sets_cookie(const http::HeaderList& headers, std::string_view name) {
    for (std::string_view line : headers.all("set-cookie"))
        if (base::trim(base::cut(line, '=').first) == name) return true;
    return false;
}

std::string sticky_cookie(std::string_view name, std::string_view value, base::Time now) {
    std::string out(name);
    out.append("=").append(value);
    return out.append("; Expires=")
        .append(base::http_date(now + kCookieLifetime))
        .append("; Path=/");
}

std::string sticky_cors_cookie(std::string_view name, std::string_view value, base::Time now) {
    return sticky_cookie(name, value, now).append("; SameSite=None; Secure");
}

}  // namespace elbv2

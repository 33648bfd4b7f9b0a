// Stickiness cookies: their value names a target (or group) and an expiry under a MAC; to clients
// it is opaque, 128 base64 characters, as the real one. Guide: "Sticky sessions". Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/message.h"

namespace elbv2 {

// `scope` is the ARN the cookie belongs to; a value of another scope is not valid here.
std::string make_sticky_value(std::string_view scope, std::string_view subject, base::Time expires);
std::optional<std::string> read_sticky_value(std::string_view scope, std::string_view value,
                                             base::Time now);

// The value of one cookie of the request, "" if absent.
std::string_view find_cookie(const http::HeaderList& headers, std::string_view name);
// Whether the target's response sets the cookie `name`.
bool sets_cookie(const http::HeaderList& headers, std::string_view name);

// Set-Cookie values: Expires is always seven days away, whatever the duration.
std::string sticky_cookie(std::string_view name, std::string_view value, base::Time now);
std::string sticky_cors_cookie(std::string_view name, std::string_view value, base::Time now);

}  // namespace elbv2

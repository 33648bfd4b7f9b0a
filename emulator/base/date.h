// Dates as HTTP, SigV4, ISO 8601 and logs write them. UTC, no locale.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace base {

std::string http_date(Time time);  // Sun, 06 Nov 1994 08:49:37 GMT (cached per second)
std::optional<Time> parse_http_date(std::string_view text);  // the three forms of RFC 9110 §5.6.7
std::string iso_date(Time time);                             // 2026-11-24T15:02:07Z
std::string iso_date_millis(Time time);                      // 2026-11-24T15:02:07.123Z
std::string iso_date_micros(Time time);
std::optional<Time> parse_iso_date(std::string_view text);  // with or without fraction, Z or ±hh:mm
std::string sigv4_date(Time time);                          // 20261124T150207Z
std::optional<Time> parse_sigv4_date(std::string_view text);
double epoch_seconds(Time time);  // AWS JSON protocols' timestamps

// "1.1s", "250ms", "5m", "1d12h": one or more number+unit; nothing for anything else.
std::optional<microseconds> parse_duration(std::string_view text);
std::string show_duration(microseconds duration);  // 340 µs, 12.3 ms, 4.2 s, 3 m 10 s

}  // namespace base

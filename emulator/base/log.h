// Log: the emulator's own log, one line per event on stderr. Levels by name; secrets are masked at
// the writer.
#pragma once
#include <string>
#include <string_view>

namespace base {

enum class LogLevel { Debug, Info, Warning, Error };

void set_log_level(LogLevel level);
void log(LogLevel level, std::string_view part,
         std::string_view message);  // thread-safe, one write per line
inline void log_info(std::string_view part, std::string_view message) {
    log(LogLevel::Info, part, message);
}
inline void log_warning(std::string_view part, std::string_view message) {
    log(LogLevel::Warning, part, message);
}
inline void log_error(std::string_view part, std::string_view message) {
    log(LogLevel::Error, part, message);
}

// Values never written in clear anywhere: at least kMaskedMinimum characters. Also their base64 and
// URL-encoded forms.
inline constexpr size_t kMaskedMinimum = 6;
void mask(std::string_view secret);
std::string masked(std::string_view text);

}  // namespace base

// Dates as text and back. Civil dates by std::chrono's calendar; no locale, no time zone database.
#include "base/date.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>

#include "base/text.h"

namespace base {

namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Civil {
    int year, month, day, hour, minute, second;
    unsigned weekday;
    int microsecond;
};

Civil civil_of(Time time) {
    auto day = std::chrono::floor<days>(time);
    std::chrono::year_month_day date(day);
    std::chrono::hh_mm_ss clock(time - day);
    return {static_cast<int>(date.year()),
            static_cast<int>(static_cast<unsigned>(date.month())),
            static_cast<int>(static_cast<unsigned>(date.day())),
            static_cast<int>(clock.hours().count()),
            static_cast<int>(clock.minutes().count()),
            static_cast<int>(clock.seconds().count()),
            std::chrono::weekday(day).c_encoding(),
            static_cast<int>(clock.subseconds().count())};
}

// 60 in the seconds is a leap second (RFC 9110 §5.6.7); it becomes the next minute's first.
std::optional<Time> time_of(int year, int month, int day, int hour, int minute, int second) {
    std::chrono::year_month_day date{std::chrono::year(year),
                                     std::chrono::month(static_cast<unsigned>(month)),
                                     std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
    return Time(std::chrono::sys_days(date)) + hours(hour) + minutes(minute) + seconds(second);
}

// Reads a text from left to right; every step that does not fit makes the whole reader fail.
class Reader {
  public:
    explicit Reader(std::string_view text) : rest_(text) {}

    int digits(size_t count) {
        int value = 0;
        if (rest_.size() < count) return fail();
        for (size_t i = 0; i < count; ++i) {
            if (rest_[i] < '0' || rest_[i] > '9') return fail();
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(count);
        return value;
    }
    void literal(std::string_view text) {
        if (!rest_.starts_with(text))
            fail();
        else
            rest_.remove_prefix(text.size());
    }
    bool skip(std::string_view text) {
        if (!ok_ || !rest_.starts_with(text)) return false;
        rest_.remove_prefix(text.size());
        return true;
    }
    template <size_t N>
    int one_of(const std::array<std::string_view, N>& names) {
        for (size_t i = 0; i < N; ++i)
            if (skip(names[i])) return static_cast<int>(i);
        return fail();
    }
    std::string_view run_of_digits() {
        size_t end = rest_.find_first_not_of("0123456789");
        std::string_view run = rest_.substr(0, end);
        rest_.remove_prefix(run.size());
        return run;
    }
    bool finished() const { return ok_ && rest_.empty(); }
    bool ok() const { return ok_; }
    // hh:mm:ss
    std::array<int, 3> time_of_day() {
        const int hour = digits(2);
        literal(":");
        const int minute = digits(2);
        literal(":");
        return {hour, minute, digits(2)};
    }
    int fail() {
        ok_ = false;
        return 0;
    }

  private:
    std::string_view rest_;
    bool ok_ = true;
};

std::optional<Time> parse_imf_fixdate(std::string_view text) {
    Reader in(text);
    in.one_of(kDays);
    in.literal(", ");
    int day = in.digits(2);
    in.literal(" ");
    int month = in.one_of(kMonths) + 1;
    in.literal(" ");
    int year = in.digits(4);
    in.literal(" ");
    auto [hour, minute, second] = in.time_of_day();
    in.literal(" GMT");
    if (!in.finished()) return std::nullopt;
    return time_of(year, month, day, hour, minute, second);
}

std::optional<Time> parse_rfc850(std::string_view text) {
    Reader in(text);
    in.one_of(kLongDays);
    in.literal(", ");
    int day = in.digits(2);
    in.literal("-");
    int month = in.one_of(kMonths) + 1;
    in.literal("-");
    int year = in.digits(2);
    in.literal(" ");
    auto [hour, minute, second] = in.time_of_day();
    in.literal(" GMT");
    if (!in.finished()) return std::nullopt;
    // Two digits: POSIX's pivot, which the 50-year rule of RFC 9110 §5.6.7 agrees with until 2038.
    return time_of(year + (year < 69 ? 2000 : 1900), month, day, hour, minute, second);
}

std::optional<Time> parse_asctime(std::string_view text) {
    Reader in(text);
    in.one_of(kDays);
    in.literal(" ");
    int month = in.one_of(kMonths) + 1;
    in.literal(" ");
    int day = in.skip(" ") ? in.digits(1) : in.digits(2);
    in.literal(" ");
    auto [hour, minute, second] = in.time_of_day();
    in.literal(" ");
    int year = in.digits(4);
    if (!in.finished()) return std::nullopt;
    return time_of(year, month, day, hour, minute, second);
}

microseconds fraction_of(std::string_view digits) {
    int64_t value = 0;
    for (size_t i = 0; i < 6; ++i)
        value = value * 10 + (i < digits.size() ? digits[i] - '0' : 0);
    return microseconds(value);
}

struct Unit {
    std::string_view name;
    double microseconds;
};
// Longer names first, so that "ms" is not "m".
constexpr Unit kUnits[] = {{"us", 1},  {"µs", 1},   {"ms", 1e3}, {"s", 1e6},
                           {"m", 6e7}, {"h", 36e8}, {"d", 864e8}};

}  // namespace

std::string http_date(Time time) {
    // Every response carries a date and most fall into the second of the one before.
    struct Cached {
        int64_t second = INT64_MIN;
        std::string text;
    };
    thread_local Cached cached;
    int64_t second = std::chrono::floor<seconds>(time).time_since_epoch().count();
    if (second != cached.second) {
        Civil c = civil_of(time);
        cached.text = fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[c.weekday],
                                  c.day, kMonths[static_cast<size_t>(c.month - 1)], c.year, c.hour,
                                  c.minute, c.second);
        cached.second = second;
    }
    return cached.text;
}

std::optional<Time> parse_http_date(std::string_view text) {
    if (auto time = parse_imf_fixdate(text)) return time;
    if (auto time = parse_rfc850(text)) return time;
    return parse_asctime(text);
}

std::string iso_date(Time time) {
    Civil c = civil_of(time);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month, c.day, c.hour,
                       c.minute, c.second);
}

std::string iso_date_millis(Time time) {
    std::string text = iso_date(time);
    text.pop_back();
    return text + fmt::format(".{:03}Z", civil_of(time).microsecond / 1000);
}

std::string iso_date_micros(Time time) {
    std::string text = iso_date(time);
    text.pop_back();
    return text + fmt::format(".{:06}Z", civil_of(time).microsecond);
}

std::optional<Time> parse_iso_date(std::string_view text) {
    Reader in(text);
    int year = in.digits(4);
    in.literal("-");
    int month = in.digits(2);
    in.literal("-");
    int day = in.digits(2);
    in.literal("T");
    auto [hour, minute, second] = in.time_of_day();
    microseconds fraction{0};
    if (in.skip(".")) {
        std::string_view digits = in.run_of_digits();
        if (digits.empty()) return std::nullopt;
        fraction = fraction_of(digits);
    }
    microseconds zone{0};
    if (!in.skip("Z")) {
        int sign = in.skip("+") ? 1 : in.skip("-") ? -1 : in.fail();
        int zone_hours = in.digits(2);
        in.skip(":");
        int zone_minutes = in.digits(2);
        if (zone_hours > 23 || zone_minutes > 59) return std::nullopt;
        zone = sign * (hours(zone_hours) + minutes(zone_minutes));
    }
    if (!in.finished()) return std::nullopt;
    auto time = time_of(year, month, day, hour, minute, second);
    if (!time) return std::nullopt;
    return *time + fraction - zone;
}

std::string sigv4_date(Time time) {
    Civil c = civil_of(time);
    return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", c.year, c.month, c.day, c.hour, c.minute,
                       c.second);
}

std::optional<Time> parse_sigv4_date(std::string_view text) {
    Reader in(text);
    int year = in.digits(4), month = in.digits(2), day = in.digits(2);
    in.literal("T");
    int hour = in.digits(2), minute = in.digits(2), second = in.digits(2);
    in.literal("Z");
    if (!in.finished()) return std::nullopt;
    return time_of(year, month, day, hour, minute, second);
}

double epoch_seconds(Time time) {
    return static_cast<double>(time.time_since_epoch().count()) / 1e6;
}

std::optional<microseconds> parse_duration(std::string_view text) {
    constexpr double kMost = 9e18;
    if (text.empty()) return std::nullopt;
    double total = 0;
    while (!text.empty()) {
        size_t end = text.find_first_not_of("0123456789.");
        if (end == 0 || end == std::string_view::npos) return std::nullopt;
        auto value = parse_double(text.substr(0, end));
        text.remove_prefix(end);
        const Unit* found = nullptr;
        for (const Unit& unit : kUnits)
            if (text.starts_with(unit.name)) {
                found = &unit;
                break;
            }
        if (!value || found == nullptr) return std::nullopt;
        text.remove_prefix(found->name.size());
        total += *value * found->microseconds;
        if (total > kMost) return std::nullopt;
    }
    return microseconds(std::llround(total));
}

std::string show_duration(microseconds duration) {
    int64_t us = duration.count();
    if (us < 0) return "-" + show_duration(-duration);
    if (us < 1000) return fmt::format("{} µs", us);
    if (us < 999'950) return fmt::format("{:.1f} ms", static_cast<double>(us) / 1e3);
    if (us < 59'950'000) return fmt::format("{:.1f} s", static_cast<double>(us) / 1e6);
    int64_t s = (us + 500'000) / 1'000'000;
    if (s < 3600) return fmt::format("{} m {} s", s / 60, s % 60);
    if (s < 86400) return fmt::format("{} h {} m", s / 3600, s % 3600 / 60);
    return fmt::format("{} d {} h", s / 86400, s % 86400 / 3600);
}

}  // namespace base

// The awslogs driver (see awslogs.h).
#include "ecs/awslogs.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "ecs/limits.h"

namespace ecs {
namespace {

using base::Node;

// ECS guide, "Log driver options": what awslogs takes, besides the two of every driver.
constexpr std::string_view kOptions[] = {"awslogs-group",
                                         "awslogs-region",
                                         "awslogs-stream-prefix",
                                         "awslogs-create-group",
                                         "awslogs-datetime-format",
                                         "awslogs-multiline-pattern",
                                         "awslogs-endpoint",
                                         "awslogs-stream",
                                         "awslogs-force-flush-interval-seconds",
                                         "awslogs-max-buffered-events",
                                         "awslogs-format",
                                         "tag",
                                         "mode",
                                         "max-buffer-size"};

const std::string* option(const std::map<std::string, std::string>& options, const char* name) {
    auto found = options.find(name);
    return found == options.end() ? nullptr : &found->second;
}

// "25m": bytes, or powers of 1,024 with k, m or g and an optional b.
std::optional<uint64_t> byte_count(std::string_view text) {
    uint64_t unit = 1;
    std::string lower = base::lower(text);
    if (lower.ends_with('b')) lower.pop_back();
    if (!lower.empty()) switch (lower.back()) {
            case 'k': unit = 1ull << 10; break;
            case 'm': unit = 1ull << 20; break;
            case 'g': unit = 1ull << 30; break;
            default: break;
        }
    if (unit > 1) lower.pop_back();
    auto number = base::parse_unsigned(lower);
    if (!number || *number > (1ull << 40) / unit) return std::nullopt;
    return *number * unit;
}

std::expected<std::optional<base::Pattern>, std::string> first_line(const std::string* format,
                                                                    const std::string* pattern) {
    if (format && pattern)
        return std::unexpected(
            "you cannot configure log opt 'awslogs-datetime-format' and "
            "'awslogs-multiline-pattern' at the same time");
    if (!format && !pattern) return std::nullopt;
    std::string text = pattern ? *pattern : datetime_pattern(*format).value_or("(");
    auto compiled = base::Pattern::compile(text);
    if (!compiled)
        return std::unexpected(fmt::format("awslogs could not parse {} key {}: {}",
                                           pattern ? "multiline pattern" : "datetime format",
                                           pattern ? *pattern : *format, compiled.error().message));
    return *compiled;
}

}  // namespace

std::optional<std::string> refused_log_configuration(const Node& configuration) {
    if (configuration["logDriver"].as_string() != "awslogs") return std::nullopt;
    const Node& options = configuration["options"];
    // As AWS lists them, in this order.
    std::string missing, unknown;
    for (const char* name : {"awslogs-region", "awslogs-group"})
        if (options[name].as_string().empty())
            missing += (missing.empty() ? "" : ", ") + std::string(name);
    if (!missing.empty()) return "Log driver awslogs requires options: " + missing;
    for (const auto& [name, value] : options.members())
        if (std::ranges::find(kOptions, name) == std::end(kOptions))
            unknown += (unknown.empty() ? "" : ", ") + name;
    if (!unknown.empty()) return "Log driver awslogs disallows options: " + unknown;
    if (options["awslogs-stream-prefix"].as_string().empty())
        return "Fargate requires log configuration options to include awslogs-stream-prefix to "
               "support log driver awslogs.";
    return std::nullopt;
}

std::expected<AwslogsOptions, std::string> read_awslogs(
    const std::map<std::string, std::string>& options) {
    AwslogsOptions read;
    auto text = [&](const char* name) {
        const std::string* found = option(options, name);
        return found ? *found : std::string();
    };
    read.group = text("awslogs-group");
    if (read.group.empty())
        return std::unexpected("missing value for awslogs log option: awslogs-group");
    read.region = text("awslogs-region");
    read.stream_prefix = text("awslogs-stream-prefix");
    if (const std::string* create = option(options, "awslogs-create-group")) {
        if (*create != "true" && *create != "false")
            return std::unexpected(fmt::format(
                "must specify valid value for log opt 'awslogs-create-group': {}", *create));
        read.create_group = *create == "true";
    }
    auto pattern = first_line(option(options, "awslogs-datetime-format"),
                              option(options, "awslogs-multiline-pattern"));
    if (!pattern) return std::unexpected(pattern.error());
    read.first_line = std::move(*pattern);

    // Since June 2025 lines that cannot be delivered do not stop the program, unless it is asked
    // for.
    const std::string mode = text("mode");
    if (!mode.empty() && mode != "blocking" && mode != "non-blocking")
        return std::unexpected(fmt::format("logger: logging mode not supported: {}", mode));
    read.blocking = mode == "blocking";
    read.buffer_bytes = kDefaultLogBufferBytes;
    if (const std::string* size = option(options, "max-buffer-size")) {
        if (read.blocking)
            return std::unexpected(
                "logger: 'max-buffer-size' option is only supported with 'mode=non-blocking'");
        auto bytes = byte_count(*size);
        if (!bytes)
            return std::unexpected(
                fmt::format("error parsing option max-buffer-size: invalid size: '{}'", *size));
        read.buffer_bytes = *bytes;
    }
    return read;
}

std::optional<std::string> datetime_pattern(std::string_view format) {
    struct Row {
        char letter;
        std::string_view pattern;
    };
    constexpr Row kRows[] = {
        {'a', "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"},
        {'A', "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"},
        {'b', "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"},
        {'B',
         "(?:January|February|March|April|May|June|July|August|September|October|November|"
         "December)"},
        {'d', "(?:0[1-9]|[12][0-9]|3[01])"},
        {'f', "[0-9]{6}"},
        {'H', "(?:[01][0-9]|2[0-3])"},
        {'I', "(?:0[0-9]|1[0-2])"},
        {'j', "(?:[0-2][0-9]{2}|3[0-5][0-9]|36[0-6])"},
        {'L', "\\.[0-9]{3}"},
        {'m', "(?:0[1-9]|1[0-2])"},
        {'M', "[0-5][0-9]"},
        {'p', "[AP]M"},
        {'S', "[0-5][0-9]"},
        {'w', "[0-6]"},
        {'y', "[0-9]{2}"},
        {'Y', "[0-9]{4}"},
        {'z', "[+-][0-9]{4}"},
        {'Z', "[A-Z]{1,4}T"},
        {'%', "%"}};
    std::string pattern;
    for (size_t i = 0; i < format.size(); ++i) {
        if (format[i] == '%') {
            const char letter = i + 1 < format.size() ? format[++i] : '\0';
            auto row = std::ranges::find(kRows, letter, &Row::letter);
            if (row == std::end(kRows)) return std::nullopt;
            pattern += row->pattern;
        } else {
            if (std::string_view("\\^$.|?*+()[]{}").find(format[i]) != std::string_view::npos)
                pattern += '\\';
            pattern += format[i];
        }
    }
    return pattern;
}

std::vector<LogEvent> EventJoiner::add(std::string_view line, base::Time at) {
    std::vector<LogEvent> done;
    if (!first_line_) {
        done.push_back({at, std::string(line)});
        return done;
    }
    // A line that would need too much work to judge begins no event.
    auto found = first_line_->find(line);
    const bool begins = found && *found;
    if (!event_.text.empty() && (begins || event_.text.size() + line.size() >= kMaxLogEventBytes))
        done.push_back(std::exchange(event_, {}));
    if (event_.text.empty()) event_.at = at;
    event_.text.append(line) += '\n';
    return done;
}

std::optional<LogEvent> EventJoiner::take(base::Time now, base::microseconds age) {
    if (event_.text.empty() || now < event_.at + age) return std::nullopt;
    return std::exchange(event_, {});
}

}  // namespace ecs

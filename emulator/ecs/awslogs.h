// The awslogs driver: its options, and which lines make one event. Pure. Sources: ECS guide, "Send
// Amazon ECS logs to CloudWatch"; Docker's awslogs driver, which Fargate runs.
#pragma once
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/pattern.h"

namespace ecs {

// What RegisterTaskDefinition says against a container's logConfiguration for Fargate.
std::optional<std::string> refused_log_configuration(const base::Node& configuration);

struct AwslogsOptions {
    std::string group, region, stream_prefix;
    bool create_group = false;
    std::optional<base::Pattern> first_line;  // of an event of several lines
    // Blocking: the program waits for the delivery. Otherwise lines wait in a buffer, and what
    // finds it full is lost.
    bool blocking = false;
    uint64_t buffer_bytes = 0;
};
// As the driver reads them when a container starts; the error is its sentence.
std::expected<AwslogsOptions, std::string> read_awslogs(
    const std::map<std::string, std::string>& options);

// strftime's letters as a regular expression; nothing for a letter that the driver does not know.
std::optional<std::string> datetime_pattern(std::string_view format);

struct LogEvent {
    base::Time at;
    std::string text;
};

// Joins the lines of one event: an event begins with a line that matches, and ends before the next
// one, when it is full, or when nothing was added for a while.
class EventJoiner {
  public:
    explicit EventJoiner(std::optional<base::Pattern> first_line)
        : first_line_(std::move(first_line)) {}
    // The events that are complete now.
    std::vector<LogEvent> add(std::string_view line, base::Time at);
    // The unfinished one, when it began that long ago.
    std::optional<LogEvent> take(base::Time now, base::microseconds age);

  private:
    std::optional<base::Pattern> first_line_;
    LogEvent event_;
};

}  // namespace ecs

// CloudWatch Logs: groups, streams, events. Log groups of tasks are ordinary ones.
#pragma once
#include <expected>
#include <string>
#include <string_view>

#include "aws/operation.h"
#include "aws/service.h"
#include "base/clock.h"
#include "base/ids.h"
#include "logs/store.h"

namespace logs {

enum class MissingGroup : uint8_t { Refuse, Create };

class ControlPlane final : public aws::Service {
  public:
    ControlPlane(state::Database& database, base::Clock& clock, const base::Ids& ids)
        : clock_(clock), ids_(ids), store_(database, clock) {}

    const aws::ServiceInfo& info() const override;
    std::optional<aws::Reply> serve(aws::Call& call) override;

    // For the runtime's output, as the awslogs driver does it: the stream is made (and the group,
    // when allowed); an error is AWS's own sentence, with its code in front.
    std::expected<void, std::string> open_stream(std::string_view group, std::string_view stream,
                                                 MissingGroup missing);
    // One line; a stream that is gone meanwhile loses it.
    void append(std::string_view group, std::string_view stream, base::Time at,
                std::string_view line);
    void flush() { store_.flush(); }
    // Retention: to be called now and then.
    void expire() { store_.expire(); }

    // For the console, `dodam logs` and scenarios: events of the group (streams that start with the
    // prefix), from a time on, whose message matches the filter pattern; newest last.
    std::vector<Event> find(std::string_view group, std::string_view stream_prefix, base::Time from,
                            std::string_view pattern, size_t limit);

    Group group_named(std::string_view name_or_arn);  // throws ResourceNotFoundException
    Stream stream_named(const Group& group, std::string_view name);
    std::string arn(const Group& group) const;  // without :*
    Store& store() { return store_; }
    base::Clock& clock() { return clock_; }
    int64_t now_ms() const;

  private:
    base::Clock& clock_;
    const base::Ids& ids_;
    Store store_;
    std::mutex mutex_;
    // Streams that tasks write to, found once: (group, stream) → (group id, stream id).
    std::map<std::pair<std::string, std::string>, std::pair<int64_t, int64_t>> open_;
};

using Operation = aws::Operation<ControlPlane>;
extern const std::span<const Operation> group_operations;
extern const std::span<const Operation> stream_operations;
extern const std::span<const Operation> event_operations;

// Input readers that every operation uses.
const std::string& required(const aws::Call& call, std::string_view member);
size_t limit_of(const aws::Call& call, size_t fallback, size_t most);
[[noreturn]] void invalid(std::string message);

}  // namespace logs

// LiveTask: what a task holds while it runs: its network, what is attached to it, its containers'
// options and output. Made on a worker's thread; from then on touched under ECS's lock, or after it
// left the map.
#pragma once
#include <deque>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "containers/runtime.h"
#include "ecs/awslogs.h"
#include "ecs/model.h"
#include "ecs/ports.h"
#include "net/listener.h"
#include "net/resolver.h"
#include "oci/source.h"

namespace ecs {

// One container's output: to its log stream as the awslogs driver does it, and the last lines kept
// for stopped tasks.
class ContainerLog final : public containers::LogSink {
  public:
    ContainerLog(ecs::LogSink& sink, base::Clock& clock, std::string stream, AwslogsOptions options)
        : sink_(sink),
          clock_(clock),
          stream_(std::move(stream)),
          options_(std::move(options)),
          joiner_(options_.first_line) {}
    void line(containers::Stream stream, std::string_view text) override;
    std::vector<std::string> last_lines() const;
    // What waits is delivered, with an event of several lines that had its time.
    void deliver(base::Time now);
    // The container has ended: nothing will be added to what waits.
    void finish();

  private:
    void enqueue(LogEvent event);
    ecs::LogSink& sink_;
    base::Clock& clock_;
    const std::string stream_;
    const AwslogsOptions options_;
    std::mutex delivery_;  // events leave in order; taken before the other
    mutable std::mutex mutex_;
    EventJoiner joiner_;
    std::deque<LogEvent> waiting_;
    uint64_t waiting_bytes_ = 0, lost_ = 0;
    std::deque<std::string> last_;
};

// Where a container's output goes: of awslogs, else a group that AWS does not have.
struct LogPlace {
    std::string group;
    std::string stream_prefix;  // the task's id follows
    bool operator==(const LogPlace&) const = default;
};
LogPlace log_place(const TaskDefinition& definition, const ContainerDefinition& container);

// What stopped a task before it ran.
struct SetupFailure {
    std::string reason;     // the task's stoppedReason
    std::string container;  // whose reason it is too, "" = none
};

struct LiveTask {
    std::shared_ptr<containers::TaskNetwork> network;
    std::unique_ptr<TaskNames::Attachment> names;
    std::unique_ptr<net::Listener> metadata;
    std::map<std::string, containers::ContainerOptions> containers;
    std::map<std::string, std::shared_ptr<ContainerLog>> logs;
    std::vector<int> ports;  // dialled by the balancers
};

// Digests already resolved for the deployment, by container; "" = ask by what was written.
using Digests = std::map<std::string, std::string>;

class TaskSetup {
  public:
    struct Parts {
        containers::Runtime& runtime;
        oci::ImageSource& images;
        Ports& ports;
        base::Clock& clock;
        std::string region;
    };
    explicit TaskSetup(Parts parts) : parts_(std::move(parts)) {}

    // PROVISIONING: the empty network.
    std::expected<std::shared_ptr<LiveTask>, SetupFailure> provision(
        const Task& task, const TaskDefinition& definition);
    // PENDING: images, secrets, log streams.
    std::expected<void, SetupFailure> prepare(LiveTask& live, const Task& task,
                                              const TaskDefinition& definition,
                                              const Digests& digests);

  private:
    std::expected<containers::Image, SetupFailure> pull(const ContainerDefinition& container,
                                                        const std::string& digest);
    std::expected<std::shared_ptr<ContainerLog>, SetupFailure> open_log(
        const Task& task, const TaskDefinition& definition, const ContainerDefinition& container);
    Parts parts_;
};

// Docker's name for a container, in metadata.
std::string docker_name(const TaskDefinition& definition, const Task& task,
                        const Container& container);

}  // namespace ecs

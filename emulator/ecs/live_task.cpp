// Setting up tasks (see live_task.h). Words of failures: ECS guide, "Amazon ECS stopped task error
// messages".
#include "ecs/live_task.h"

#include <fmt/format.h>

#include "base/log.h"
#include "base/text.h"
#include "ecs/environment.h"
#include "ecs/limits.h"

namespace ecs {
namespace {

constexpr uint64_t kMiB = 1024 * 1024;

std::string cannot_pull(const std::string& image, const containers::Error& error) {
    constexpr std::string_view kRetried =
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to "
        "resolve ref";
    switch (error.kind) {
        case containers::Error::Kind::ImageNotFound:
            return fmt::format("{} {}: not found", kRetried, image);
        case containers::Error::Kind::ImageDenied:
            return fmt::format("{} {}: unexpected status code 403 Forbidden", kRetried, image);
        case containers::Error::Kind::ImageUnreachable:
            return fmt::format("{} {}: i/o timeout ({})", kRetried, image, error.text);
        case containers::Error::Kind::ImageMalformed:
            if (error.text.find("platform") != std::string::npos)
                return "CannotPullContainerError: image Manifest does not contain descriptor "
                       "matching platform 'linux/amd64'";
            return "CannotPullContainerError: " + error.text;
        default: return "CannotPullContainerError: " + error.text;
    }
}

SetupFailure bad_logger(const std::string& why) {
    return {"ResourceInitializationError: failed to validate logger args: " + why, ""};
}

}  // namespace

void ContainerLog::line(containers::Stream, std::string_view text) {
    const base::Time now = clock_.now();
    {
        std::lock_guard lock(mutex_);
        last_.emplace_back(text.substr(0, kLastOutputLineBytes));
        if (last_.size() > kLastOutputLines) last_.pop_front();
        for (LogEvent& event : joiner_.add(text, now))
            enqueue(std::move(event));
    }
    // The program writes into a pipe that is read here: it waits while this does.
    if (options_.blocking) deliver(now);
}

// Docker's ring buffer: what does not fit is lost, but for a single event, whatever its size.
void ContainerLog::enqueue(LogEvent event) {
    if (event.text.empty()) return;  // an event has at least one byte
    if (!options_.blocking && !waiting_.empty() &&
        waiting_bytes_ + event.text.size() > options_.buffer_bytes) {
        ++lost_;
        return;
    }
    waiting_bytes_ += event.text.size();
    waiting_.push_back(std::move(event));
}

void ContainerLog::deliver(base::Time now) {
    std::lock_guard in_order(delivery_);
    std::deque<LogEvent> events;
    uint64_t lost = 0;
    {
        std::lock_guard lock(mutex_);
        if (auto event = joiner_.take(now, kLogEventAge)) enqueue(std::move(*event));
        events.swap(waiting_);
        waiting_bytes_ = 0;
        lost = std::exchange(lost_, 0);
    }
    for (const LogEvent& event : events)
        sink_.append(options_.group, stream_, event.at, event.text);
    if (lost > 0)
        base::log_warning(
            "ecs", fmt::format("{}: {} log events are lost: the buffer of {} bytes was full (mode "
                               "non-blocking; \"mode\": \"blocking\" makes the program wait)",
                               stream_, lost, options_.buffer_bytes));
}

void ContainerLog::finish() {
    std::lock_guard lock(mutex_);
    if (auto event = joiner_.take(base::Time::max(), base::microseconds(0)))
        enqueue(std::move(*event));
}

std::vector<std::string> ContainerLog::last_lines() const {
    std::lock_guard lock(mutex_);
    return {last_.begin(), last_.end()};
}

std::string docker_name(const TaskDefinition& definition, const Task& task,
                        const Container& container) {
    return fmt::format("ecs-{}-{}-{}-{}", definition.family, definition.revision, container.name,
                       task.id.substr(0, 20));
}

std::expected<std::shared_ptr<LiveTask>, SetupFailure> TaskSetup::provision(
    const Task& task, const TaskDefinition& definition) {
    containers::TaskOptions options;
    options.id = task.id;
    options.address = task.address;
    options.memory_bytes = base::parse_unsigned(definition.memory).value_or(0) * kMiB;
    auto live = std::make_shared<LiveTask>();
    auto network = parts_.runtime.create_task(options);
    if (!network)
        return std::unexpected(
            SetupFailure{"ResourceInitializationError: " + network.error().text, ""});
    live->network = std::move(*network);
    auto names = parts_.ports.names.attach(task.id, *live->network);
    if (!names)
        return std::unexpected(SetupFailure{"ResourceInitializationError: " + names.error(), ""});
    live->names = std::move(*names);
    for (const ContainerDefinition& container : definition.containers)
        for (const PortMapping& port : container.ports)
            if (port.protocol == "tcp") live->ports.push_back(port.container_port);
    return live;
}

// With a digest the tag is not asked again: all tasks of a deployment run the same image.
std::expected<containers::Image, SetupFailure> TaskSetup::pull(const ContainerDefinition& container,
                                                               const std::string& digest) {
    auto reference = oci::Reference::parse(container.image);
    if (!reference)
        return std::unexpected(
            SetupFailure{"CannotPullContainerError: " + reference.error(), container.name});
    if (reference->digest.empty() && !digest.empty())
        if (auto parsed = oci::Digest::parse(digest)) reference->digest = *parsed;
    auto image = parts_.runtime.pull(*reference, parts_.images);
    if (!image)
        return std::unexpected(
            SetupFailure{cannot_pull(container.image, image.error()), container.name});
    return *image;
}

// Output without a driver is kept too, where `dodam logs` finds it (GAP: a group that AWS does not
// have).
LogPlace log_place(const TaskDefinition& definition, const ContainerDefinition& container) {
    auto option = [&](const char* name) {
        auto found = container.log_options.find(name);
        return found == container.log_options.end() ? std::string() : found->second;
    };
    if (container.log_driver != "awslogs")
        return {"/dodam/ecs/" + definition.family, container.name + "/"};
    const std::string prefix = option("awslogs-stream-prefix");
    return {option("awslogs-group"), (prefix.empty() ? "" : prefix + "/") + container.name + "/"};
}

std::expected<std::shared_ptr<ContainerLog>, SetupFailure> TaskSetup::open_log(
    const Task& task, const TaskDefinition& definition, const ContainerDefinition& container) {
    const LogPlace place = log_place(definition, container);
    AwslogsOptions options{.group = place.group,
                           .region = parts_.region,
                           .create_group = true,
                           .buffer_bytes = kDefaultLogBufferBytes};
    if (container.log_driver == "awslogs") {
        auto read = read_awslogs(container.log_options);
        if (!read) return std::unexpected(bad_logger(read.error()));
        options = std::move(*read);
    }
    constexpr std::string_view kNoStream =
        "create stream has been retried 1 times: failed to create Cloudwatch log stream: ";
    // A stack has one region; another's names do not resolve.
    if (options.region != parts_.region)
        return std::unexpected(bad_logger(fmt::format(
            "{}RequestError: send request failed caused by: Post "
            "\"https://logs.{}.amazonaws.com/\": dial tcp: lookup logs.{}.amazonaws.com: no such "
            "host (the region of this stack is {})",
            kNoStream, options.region, options.region, parts_.region)));
    const std::string stream = place.stream_prefix + task.id;
    if (auto opened = parts_.ports.logs.open(
            options.group, stream, options.create_group ? CreateGroup::Yes : CreateGroup::No);
        !opened)
        return std::unexpected(bad_logger(fmt::format("{}{}", kNoStream, opened.error())));
    return std::make_shared<ContainerLog>(parts_.ports.logs, parts_.clock, stream,
                                          std::move(options));
}

std::expected<void, SetupFailure> TaskSetup::prepare(LiveTask& live, const Task& task,
                                                     const TaskDefinition& definition,
                                                     const Digests& digests) {
    for (const ContainerDefinition& container : definition.containers) {
        containers::ContainerOptions options;
        auto digest = digests.find(container.name);
        const bool pinned = container.keeps_digest && digest != digests.end();
        auto image = pull(container, pinned ? digest->second : "");
        if (!image) return std::unexpected(image.error());
        options.image = std::move(*image);
        auto environment = resolve_environment(container, parts_.ports.secrets);
        if (!environment) return std::unexpected(SetupFailure{environment.error(), ""});
        auto log = open_log(task, definition, container);
        if (!log) return std::unexpected(log.error());

        options.name = container.name;
        options.entrypoint = container.entry_point;
        options.command = container.command;
        std::string metadata = "http://169.254.170.2/v4/" + task.metadata_id;
        options.environment = {
            {"AWS_EXECUTION_ENV", "AWS_ECS_FARGATE"},
            {"AWS_REGION", parts_.region},
            {"AWS_DEFAULT_REGION", parts_.region},
            {"ECS_CONTAINER_METADATA_URI_V4", metadata + "/" + container.name},
            {"ECS_CONTAINER_METADATA_URI",
             "http://169.254.170.2/v3/" + task.metadata_id + "/" + container.name},
            {"ECS_AGENT_URI", "http://169.254.170.2/api/" + task.metadata_id}};
        if (!task.credentials_id.empty())
            options.environment.emplace_back("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                             "/v2/credentials/" + task.credentials_id);
        for (auto& variable : parts_.ports.names.environment())
            options.environment.push_back(std::move(variable));
        for (auto& variable : *environment)
            options.environment.push_back(std::move(variable));
        options.files = parts_.ports.names.files();
        for (const auto& mount : container.mounts)
            options.volumes.push_back({mount.volume, mount.path, mount.read_only});
        options.working_directory = container.working_directory;
        options.user = container.user;
        options.memory_bytes = static_cast<uint64_t>(container.memory_mib) * kMiB;
        options.cpu_shares = static_cast<uint64_t>(container.cpu);
        options.open_files = container.open_files;
        options.most_open_files = container.most_open_files;
        options.read_only_root = container.read_only_root;
        options.init_process = container.init_process;
        options.add_capabilities = container.add_capabilities;
        options.drop_capabilities = container.drop_capabilities;
        options.labels = container.labels;
        options.log = *log;
        live.logs[container.name] = std::move(*log);
        live.containers[container.name] = std::move(options);
    }
    return {};
}

}  // namespace ecs

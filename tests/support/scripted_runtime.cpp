// ScriptedRuntime (see scripted_runtime.h).
#include "support/scripted_runtime.h"

namespace support {
namespace {

using containers::Error;

class NoNetwork final : public containers::TaskNetwork {
  public:
    explicit NoNetwork(std::string address) : address_(std::move(address)) {}
    const std::string& address() const override { return address_; }
    net::Result<int> listen(const net::Address&) override { return std::unexpected(refused()); }
    net::Result<int> udp(const net::Address&) override { return std::unexpected(refused()); }
    net::Result<int> socket(const net::Address&) override { return std::unexpected(refused()); }

  private:
    static net::Error refused() {
        return {net::ErrorKind::Refused, 0, "a scripted task has no sockets"};
    }
    std::string address_;
};

std::unexpected<Error> no_container() {
    return std::unexpected(Error{Error::Kind::NoSuchContainer, "no such container"});
}

}  // namespace

void ScriptedRuntime::publish(const std::string& name, char fill) {
    digests[name] = "sha256:" + std::string(64, fill);
}

std::set<std::string> ScriptedRuntime::tasks() const {
    std::set<std::string> ids;
    for (const auto& [id, containers] : tasks_)
        ids.insert(id);
    return ids;
}

void ScriptedRuntime::exit(const std::string& task, const std::string& container, int code,
                           bool out_of_memory) {
    if (Running* running = find(task, container))
        end(task, container, *running, code, {}, out_of_memory);
}

ScriptedRuntime::Running* ScriptedRuntime::find(const std::string& task,
                                                const std::string& container) {
    auto found = tasks_.find(task);
    if (found == tasks_.end()) return nullptr;
    auto running = found->second.find(container);
    return running == found->second.end() ? nullptr : &running->second;
}

void ScriptedRuntime::end(const std::string& task, const std::string& container, Running& running,
                          int code, std::string reason, bool out_of_memory) {
    if (running.state.status == containers::ContainerStatus::Exited) return;
    running.state.status = containers::ContainerStatus::Exited;
    running.state.exit_code = code;
    running.state.reason = std::move(reason);
    running.state.out_of_memory = out_of_memory;
    running.killed_at.reset();
    events_.push_back({containers::Event::Kind::Exited, task, container, running.state});
}

const Program& ScriptedRuntime::program_of(const Running& running) const {
    static const Program kPlain;
    std::string repository = running.options.image.reference.substr(
        0, running.options.image.reference.find_first_of(":@"));
    auto found = programs.find(repository);
    return found == programs.end() ? kPlain : found->second;
}

containers::Result<containers::Image> ScriptedRuntime::pull(const oci::Reference& reference,
                                                            oci::ImageSource&) {
    pulled.push_back(reference.digest.empty()
                         ? reference.short_name()
                         : reference.repository + "@" + reference.digest.to_string());
    containers::Image image;
    image.reference = reference.written;
    if (!reference.digest.empty()) {
        image.digest = reference.digest.to_string();
    } else {
        auto found = digests.find(reference.repository + ":" + reference.tag);
        if (found == digests.end())
            return std::unexpected(
                Error{Error::Kind::ImageNotFound, reference.written + ": not found"});
        image.digest = found->second;
    }
    image.manifest_digest = image.digest;
    return image;
}

containers::Result<std::shared_ptr<containers::TaskNetwork>> ScriptedRuntime::create_task(
    const containers::TaskOptions& options) {
    if (!tasks_.try_emplace(options.id).second)
        return std::unexpected(Error{Error::Kind::AlreadyExists, "the task exists"});
    journal.push_back("create_task " + options.id);
    return std::make_shared<NoNetwork>(options.address);
}

containers::Result<void> ScriptedRuntime::create(const std::string& task,
                                                 containers::ContainerOptions options) {
    auto found = tasks_.find(task);
    if (found == tasks_.end())
        return std::unexpected(Error{Error::Kind::NoSuchTask, "no such task"});
    std::string name = options.name;
    found->second[name].options = std::move(options);
    return {};
}

containers::Result<void> ScriptedRuntime::start(const std::string& task,
                                                const std::string& container) {
    Running* running = find(task, container);
    if (!running) return no_container();
    const Program& program = program_of(*running);
    journal.push_back("start " + task + " " + container);
    if (program.cannot_start)
        return std::unexpected(Error{Error::Kind::CannotStart, "exec: no such file"});
    running->state = {.status = containers::ContainerStatus::Running,
                      .runtime_id = task + "-" + container};
    environment[container] = running->options.environment;
    started[container] = running->options;
    for (const std::string& line : program.output)
        if (running->options.log) running->options.log->line(containers::Stream::Output, line);
    if (program.exits_at_once) end(task, container, *running, *program.exits_at_once);
    return {};
}

containers::Result<void> ScriptedRuntime::stop(const std::string& task,
                                               const std::string& container,
                                               std::chrono::milliseconds grace) {
    Running* running = find(task, container);
    if (!running) return no_container();
    journal.push_back("stop " + task + " " + container);
    if (program_of(*running).ignores_stop)
        running->killed_at = clock_.now() + grace;
    else
        end(task, container, *running, program_of(*running).exit_on_stop);
    return {};
}

containers::Result<void> ScriptedRuntime::kill(const std::string& task,
                                               const std::string& container, int signal) {
    Running* running = find(task, container);
    if (!running) return no_container();
    end(task, container, *running, 128 + signal);
    return {};
}

containers::Result<containers::ContainerState> ScriptedRuntime::inspect(
    const std::string& task, const std::string& container) {
    Running* running = find(task, container);
    if (!running) return no_container();
    return running->state;
}

containers::Result<containers::ContainerStats> ScriptedRuntime::stats(
    const std::string& task, const std::string& container) {
    Running* running = find(task, container);
    if (!running || running->state.status != containers::ContainerStatus::Running)
        return no_container();
    return used[container];
}

containers::Result<containers::ExecResult> ScriptedRuntime::exec(const std::string& task,
                                                                 const std::string& container,
                                                                 const containers::ExecOptions&) {
    Running* running = find(task, container);
    if (!running) return no_container();
    return containers::ExecResult{program_of(*running).health_exit, false, "probed"};
}

containers::Result<std::unique_ptr<containers::Session>> ScriptedRuntime::open_session(
    const std::string&, const std::string&, const containers::SessionOptions&) {
    return std::unexpected(Error{Error::Kind::CannotStart, "a scripted task has no programs"});
}

void ScriptedRuntime::remove_task(const std::string& task) {
    if (tasks_.erase(task)) journal.push_back("remove " + task);
}

std::vector<containers::Event> ScriptedRuntime::take_events(std::chrono::milliseconds) {
    for (auto& [task, containers] : tasks_)
        for (auto& [name, running] : containers)
            if (running.killed_at && clock_.now() >= *running.killed_at)
                end(task, name, running, 137);
    return std::exchange(events_, {});
}

}  // namespace support

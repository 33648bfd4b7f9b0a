#include "containers/closed_space.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "base/result.h"
#include "base/text.h"
#include "containers/container_plan.h"
#include "containers/holder/wire.h"

namespace containers {
namespace {

constexpr const char* kAddress = "10.0.0.11";
constexpr const char* kName = "job";  // the program that holds the space open
constexpr const char* kHostName = "runner";

void put_pair(std::string& out, std::string_view key, std::string_view value) {
    holder::put(out, key);
    holder::put(out, value);
}

// What every program in it has in common.
std::string begin_description(const std::vector<std::string>& command) {
    std::string out;
    for (const std::string& word : command)
        put_pair(out, "arg", word);
    ContainerOptions defaults;
    defaults.name = kName;
    defaults.command = command;
    if (auto plan = plan_container(defaults))
        for (const std::string& name : plan->capabilities)
            put_pair(out, "capability", name);
    put_pair(out, "identities", "one");
    return out;
}

// The process behind a pidfd, as this process numbers it; 0 when it is gone.
pid_t process_of(int pidfd) {
    std::ifstream facts("/proc/self/fdinfo/" + std::to_string(pidfd));
    for (std::string line; std::getline(facts, line);)
        if (line.starts_with("Pid:")) {
            const auto number = base::parse_signed(base::trim(std::string_view(line).substr(4)));
            return number && *number > 0 ? static_cast<pid_t>(*number) : 0;
        }
    return 0;
}

}  // namespace

std::expected<std::unique_ptr<ClosedSpace>, std::string> ClosedSpace::open(
    base::Spawner& spawner, const ClosedSpaceOptions& options) {
    std::unique_ptr<ClosedSpace> space(new ClosedSpace);
    const std::string program = options.holder.empty() ? find_holder() : options.holder;
    if (program.empty())
        return std::unexpected("dodam-holder is not beside dodam, and not in PATH");
    space->client_ = TRY(HolderClient::start(
        spawner,
        {.program = program, .directory = "/", .address = kAddress, .one_identity = true}));
    space->hearing_ = base::Thread("space", [self = space.get()] { self->hear(); });
    TRY(space->network_.open(*space->client_, options.relays));

    std::string description = begin_description({"/bin/sleep", "infinity"});
    put_pair(description, "root", "host");
    put_pair(description, "init", "yes");
    put_pair(description, "cwd", "/");
    put_pair(description, "hostname", kHostName);
    for (const auto& [list, access] :
         {std::pair{&options.readable, "read"}, std::pair{&options.writable, "write"}})
        for (const std::string& directory : *list) {
            put_pair(description, "volume", directory);
            put_pair(description, "source", directory);
            put_pair(description, "access", access);
        }
    for (const auto& [path, content] :
         {std::pair<const char*, std::string>{"/etc/hosts", space->network_.hosts_file(kHostName)},
          {"/etc/resolv.conf", ClosedNetwork::resolver_file()}}) {
        put_pair(description, "file", path);
        put_pair(description, "mode", "644");
        put_pair(description, "content", content);
    }
    HolderClient::Reply reply = space->client_->run(kName, description, {});
    if (reply.code) return std::unexpected(reply.text);
    for (int descriptor : reply.descriptors)
        ::close(descriptor);
    return space;
}

ClosedSpace::~ClosedSpace() {
    if (client_) client_->close();
    stopping_ = true;
    hearing_.join();
}

void ClosedSpace::hear() {
    while (!stopping_) {
        pollfd wait{client_->descriptor(), POLLIN, 0};
        if (::poll(&wait, 1, 200) <= 0) continue;
        auto event = client_->receive();
        if (!event) continue;
        std::lock_guard lock(mutex_);
        if (event->kind == HolderEvent::Kind::Gone || event->name == kName)
            gone_ = true;
        else
            ended_[event->name] = WIFSIGNALED(event->wait_status)
                                      ? 128 + WTERMSIG(event->wait_status)
                                      : WEXITSTATUS(event->wait_status);
        changed_.notify_all();
        if (event->kind == HolderEvent::Kind::Gone) return;
    }
}

std::expected<ClosedSpace::Program, std::string> ClosedSpace::start(
    const std::vector<std::string>& command, const std::map<std::string, std::string>& environment,
    const std::string& directory) {
    std::string description = begin_description(command);
    for (const auto& [name, value] : environment)
        put_pair(description, "env", name + "=" + value);
    put_pair(description, "cwd", directory);
    Program program;
    {
        std::lock_guard lock(mutex_);
        program.name = "step" + std::to_string(++next_);
    }
    HolderClient::Reply reply = client_->run_inside(program.name, kName, description, {});
    if (reply.code) return std::unexpected(reply.text);
    program.pidfd = reply.descriptors[0];
    program.outputs = {reply.descriptors[1], reply.descriptors[2]};
    return program;
}

std::optional<int> ClosedSpace::wait(const std::string& name, std::chrono::milliseconds at_most) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, at_most, [&] { return gone_ || ended_.contains(name); });
    if (const auto found = ended_.find(name); found != ended_.end()) return found->second;
    if (gone_) return 128 + SIGKILL;
    return std::nullopt;
}

void ClosedSpace::signal(const Program& program, int number) {
    // The process that is known entered the space; its child leads the program's session.
    const pid_t outer = process_of(program.pidfd);
    if (outer == 0) return;
    std::ifstream children("/proc/" + std::to_string(outer) + "/task/" + std::to_string(outer) +
                           "/children");
    for (pid_t child = 0; children >> child;)
        ::kill(-child, number);
    if (number == SIGKILL) ::syscall(SYS_pidfd_send_signal, program.pidfd, SIGKILL, nullptr, 0);
}

}  // namespace containers

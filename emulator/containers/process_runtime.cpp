#include "containers/process_runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "base/thread.h"
#include "containers/container_plan.h"
#include "containers/holder/wire.h"
#include "containers/holder_client.h"
#include "containers/line_splitter.h"
#include "containers/memory_limit.h"
#include "oci/layer_store.h"

namespace containers {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr milliseconds kSampleInterval{100};
constexpr size_t kMaxExecOutputBytes = 1 << 20;
constexpr size_t kMaxDrainBytes =
    64 << 20;  // what an ended program may still have in its pipe, and more
constexpr int kReadsPerTurn = 8;
constexpr const char* kOutOfMemory = "OutOfMemoryError: Container killed due to memory usage";

void close_all(std::vector<int>& descriptors) {
    for (int descriptor : descriptors)
        ::close(descriptor);
    descriptors.clear();
}

int send_signal(int pidfd, int number) {
    return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0));
}

// The process number that a pidfd means to us, not to the namespace that made it.
pid_t pid_of(int pidfd) {
    std::ifstream in("/proc/self/fdinfo/" + std::to_string(pidfd));
    for (std::string word; in >> word;)
        if (word == "Pid:") {
            pid_t pid = -1;
            in >> pid;
            return pid;
        }
    return -1;
}

int exit_code_of(int wait_status) {
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

// One of a container's two outputs.
struct Output {
    int descriptor = -1;
    Stream stream = Stream::Output;
    std::shared_ptr<LogSink> sink;
    LineSplitter lines;
};

struct Container {
    ContainerOptions options;
    ContainerPlan plan;
    ContainerState state;
    SteadyTime started{};
    int pidfd = -1;
    bool killed_for_memory = false;
    std::optional<SteadyTime> kill_at;
    std::vector<uint64_t> outputs;  // keys of the runtime's outputs_
};

struct Task {
    TaskOptions options;
    std::string directory;  // below the store's tasks/
    std::shared_ptr<HolderClient> holder;
    uint64_t key = 0;  // of the holder among the watched
    std::map<std::string, Container> containers;
};

// An exit that was heard before start() had stored what it started.
struct EarlyExit {
    std::string task, container;
    int wait_status;
};

class ProcessRuntime final : public Runtime {
  public:
    ProcessRuntime(base::Spawner& spawner, const ProcessRuntimeOptions& options)
        : spawner_(spawner),
          options_(options),
          store_(options.directory, oci::native_ownership()),
          limits_(options.instance) {}

    std::expected<void, std::string> open() {
        TRY(store_.prepare());
        remove_leftovers();
        epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
        wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (epoll_ < 0 || wake_ < 0)
            return std::unexpected(std::string("epoll is refused: ") + strerror(errno));
        watch(wake_, 0);
        thread_ = base::Thread("containers", [this] { serve(); });
        return {};
    }

    ~ProcessRuntime() override {
        std::vector<std::string> names;
        {
            std::lock_guard lock(mutex_);
            for (const auto& [name, task] : tasks_)
                names.push_back(name);
        }
        for (const std::string& name : names)
            remove_task(name);
        stopping_ = true;
        wake();
        thread_.join();
        for (auto& [key, output] : outputs_)
            ::close(output.descriptor);
        for (int descriptor : {epoll_, wake_})
            if (descriptor >= 0) ::close(descriptor);
    }

    Facilities facilities() const override {
        return {"process", limits_.facility(),
                store_.ownership() == oci::Ownership::Shifted ? "65536 ids from 100000" : "one id"};
    }

    Result<Image> pull(const oci::Reference& reference, oci::ImageSource& source) override {
        auto stored = store_.pull(reference, source);
        if (!stored) {
            using From = oci::SourceError::Kind;
            auto kind = stored.error().kind == From::NotFound      ? Error::Kind::ImageNotFound
                        : stored.error().kind == From::Denied      ? Error::Kind::ImageDenied
                        : stored.error().kind == From::Unreachable ? Error::Kind::ImageUnreachable
                                                                   : Error::Kind::ImageMalformed;
            return std::unexpected(Error{kind, stored.error().text});
        }
        Image image{reference.written, stored->digest.to_string(),
                    stored->manifest_digest.to_string(), stored->manifest.config.digest.to_string(),
                    std::move(stored->config)};
        for (const oci::Descriptor& layer : stored->manifest.layers)
            image.size_bytes += layer.size_bytes;
        return image;
    }

    Result<std::shared_ptr<TaskNetwork>> create_task(const TaskOptions& options) override {
        if (!is_container_name(options.id))
            return fail(Error::Kind::CannotCreate, "\"" + options.id + "\" cannot be a task's id");
        {
            std::lock_guard lock(mutex_);
            if (tasks_.contains(options.id))
                return fail(Error::Kind::AlreadyExists, "task " + options.id + " exists already");
        }
        auto holder = HolderClient::start(spawner_, {.program = options_.holder,
                                                     .directory = store_.layers_directory(),
                                                     .address = options.address,
                                                     .one_identity = one_identity()});
        if (!holder) return fail(Error::Kind::RuntimeUnavailable, holder.error());
        Task task;
        task.options = options;
        task.directory = store_.directory() + "/tasks/" + options_.instance + "." + options.id;
        if (auto made = make_directory(task.directory, 0711); !made)
            return fail(Error::Kind::CannotCreate, made.error());
        task.holder = *holder;

        std::lock_guard lock(mutex_);
        task.key = next_key_++;
        holders_[task.key] = options.id;
        watch(task.holder->descriptor(), task.key);
        std::shared_ptr<TaskNetwork> network = task.holder;
        tasks_[options.id] = std::move(task);
        return network;
    }

    Result<void> create(const std::string& task_id, ContainerOptions options) override {
        ContainerPlan plan = TRY(plan_container(options));
        std::lock_guard lock(mutex_);
        Task* task = find(task_id);
        if (!task) return no_task(task_id);
        if (task->containers.contains(options.name))
            return fail(Error::Kind::AlreadyExists,
                        "container " + options.name + " exists already");
        for (const oci::Digest& diff_id : options.image.config.diff_ids)
            if (!store_.has(diff_id))
                return fail(Error::Kind::CannotCreate,
                            "layer " + diff_id.to_string() + " was removed since the pull");
        std::string at = task->directory + "/" + options.name;
        for (const std::string& path : {at, at + "/upper", at + "/work"})
            if (auto made = make_directory(path, 0755); !made)
                return fail(Error::Kind::CannotCreate, made.error());
        for (const Volume& volume : options.volumes) {
            if (!is_container_name(volume.name))
                return fail(Error::Kind::CannotCreate,
                            "\"" + volume.name + "\" cannot be a volume's name");
            for (const std::string& path :
                 {task->directory + "/volumes.d", task->directory + "/volumes.d/" + volume.name})
                if (auto made = make_directory(path, 0755); !made)
                    return fail(Error::Kind::CannotCreate, made.error());
        }
        Container container;
        container.plan = std::move(plan);
        container.state.runtime_id =
            base::random_hex(32) + "-" + std::to_string(base::random_below(4'000'000'000));
        std::string name = options.name;
        container.options = std::move(options);
        task->containers.emplace(name, std::move(container));
        return {};
    }

    Result<void> start(const std::string& task_id, const std::string& name) override {
        std::shared_ptr<HolderClient> holder;
        std::string description;
        std::vector<int> cgroups;
        {
            std::lock_guard lock(mutex_);
            Container* container = TRY(find(task_id, name));
            if (container->state.status == ContainerStatus::Running ||
                container->pidfd == kStarting)
                return fail(Error::Kind::AlreadyExists, "container " + name + " runs already");
            const Task& task = *find(task_id);
            if (container->state.status == ContainerStatus::Exited)
                if (auto renewed = renew_work(task.directory + "/" + name); !renewed)
                    return fail(Error::Kind::CannotStart, renewed.error());
            holder = task.holder;
            description = describe(task, *container);
            cgroups = limits_.make(task_id, task.options.memory_bytes, name,
                                   container->options.memory_bytes, container->options.cpu_shares);
            container->pidfd = kStarting;
        }
        HolderClient::Reply reply = holder->run(name, description, cgroups);
        close_all(cgroups);

        std::lock_guard lock(mutex_);
        auto found = find(task_id, name);
        if (!found || reply.code) {
            if (found) (*found)->pidfd = -1;
            close_all(reply.descriptors);
            if (!found) return std::unexpected(found.error());
            auto kind = reply.text.starts_with("exec: ") ? Error::Kind::CannotStart
                                                         : Error::Kind::CannotCreate;
            (*found)->state.reason = reply.text;
            return fail(kind, reply.text);
        }
        Container& container = **found;
        container.pidfd = reply.descriptors[0];
        container.state = {.status = ContainerStatus::Running,
                           .runtime_id = container.state.runtime_id};
        container.started = std::chrono::steady_clock::now();
        container.killed_for_memory = false;
        container.kill_at.reset();
        add_output(container, reply.descriptors[1], Stream::Output);
        add_output(container, reply.descriptors[2], Stream::Error);
        push({Event::Kind::Started, task_id, name, container.state});
        wake();
        return {};
    }

    Result<void> stop(const std::string& task_id, const std::string& name,
                      milliseconds grace) override {
        std::lock_guard lock(mutex_);
        Container* container = TRY(find(task_id, name));
        if (container->state.status != ContainerStatus::Running) return {};
        send_signal(container->pidfd, container->plan.stop_signal);
        auto at = std::chrono::steady_clock::now() + grace;
        if (!container->kill_at || at < *container->kill_at) container->kill_at = at;
        wake();
        return {};
    }

    Result<void> kill(const std::string& task_id, const std::string& name, int signal) override {
        std::lock_guard lock(mutex_);
        Container* container = TRY(find(task_id, name));
        if (container->state.status == ContainerStatus::Running)
            send_signal(container->pidfd, signal);
        return {};
    }

    Result<ContainerState> inspect(const std::string& task_id, const std::string& name) override {
        std::lock_guard lock(mutex_);
        return TRY(find(task_id, name))->state;
    }

    Result<ContainerStats> stats(const std::string& task_id, const std::string& name) override;
    Result<ExecResult> exec(const std::string& task_id, const std::string& name,
                            const ExecOptions& options) override;
    Result<std::unique_ptr<Session>> open_session(const std::string& task_id,
                                                  const std::string& name,
                                                  const SessionOptions& options) override;
    void remove_task(const std::string& task_id) override;
    std::vector<Event> take_events(milliseconds at_most) override;

    // Of a program started in a container: its wait status, waited for until then.
    std::optional<int> wait_for_exec(const std::string& exec_name, SteadyTime until) {
        std::unique_lock lock(mutex_);
        exec_ended_.wait_until(lock, until, [&] {
            return !execs_.contains(exec_name) || execs_[exec_name].has_value();
        });
        auto found = execs_.find(exec_name);
        return found == execs_.end() ? std::nullopt : found->second;
    }
    bool has_ended(const std::string& exec_name) {
        std::lock_guard lock(mutex_);
        auto found = execs_.find(exec_name);
        return found == execs_.end() || found->second.has_value();
    }
    void forget_exec(const std::string& exec_name) {
        std::lock_guard lock(mutex_);
        execs_.erase(exec_name);
    }

  private:
    static constexpr int kStarting = -2;

    // A program that is started in a running container: what to say to the holder.
    struct Visit {
        std::shared_ptr<HolderClient> holder;
        std::string name, description;
        std::vector<int> cgroups;
    };
    Result<Visit> plan_visit(const std::string& task_id, const std::string& name,
                             const std::vector<std::string>& command, const std::string& user);

    static std::unexpected<Error> fail(Error::Kind kind, const std::string& text) {
        return std::unexpected(Error{kind, text});
    }
    static std::unexpected<Error> no_task(const std::string& id) {
        return fail(Error::Kind::NoSuchTask, "there is no task " + id);
    }
    bool one_identity() const { return store_.ownership() == oci::Ownership::Own; }

    Task* find(const std::string& id) {
        auto found = tasks_.find(id);
        return found == tasks_.end() ? nullptr : &found->second;
    }
    Result<Container*> find(const std::string& id, const std::string& name) {
        Task* task = find(id);
        if (!task) return no_task(id);
        auto found = task->containers.find(name);
        if (found == task->containers.end())
            return fail(Error::Kind::NoSuchContainer,
                        "there is no container " + name + " in task " + id);
        return &found->second;
    }

    // Belongs to the root of the task's users.
    std::expected<void, std::string> make_directory(const std::string& path, unsigned mode) const {
        if (::mkdir(path.c_str(), mode) < 0 && errno != EEXIST)
            return std::unexpected(path + " cannot be made: " + strerror(errno));
        if (!one_identity())
            (void)!::chown(path.c_str(), holder::kFirstIdentity, holder::kFirstIdentity);
        return {};
    }

    // Of a container that starts again. Overlayfs marks the work directory of a volatile mount, and
    // refuses it to the next one: after a crash the upper directory may be incomplete. This kernel
    // has not crashed since.
    std::expected<void, std::string> renew_work(const std::string& container) const {
        oci::remove_tree(container + "/work");
        return make_directory(container + "/work", 0755);
    }

    void remove_leftovers() {
        std::error_code ignored;
        std::vector<std::string> old;
        for (const auto& entry : fs::directory_iterator(store_.directory() + "/tasks", ignored))
            if (entry.path().filename().string().starts_with(options_.instance + "."))
                old.push_back(entry.path());
        for (const std::string& path : old)
            oci::remove_tree(path);
    }

    std::string describe(const Task& task, const Container& container) const;
    std::string describe_program(const Container& container,
                                 const std::vector<std::string>& arguments,
                                 const std::string& user) const;

    // ---- the one thread ----

    void watch(int descriptor, uint64_t key) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = key;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
    }
    void forget(int descriptor) { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr); }
    void wake() { (void)!::write(wake_, "\1\0\0\0\0\0\0", 8); }
    void push(Event event) {
        events_.push_back(std::move(event));
        arrived_.notify_all();
    }

    void add_output(Container& container, int descriptor, Stream stream) {
        uint64_t key = next_key_++;
        ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
        Output& output = outputs_[key];
        output.descriptor = descriptor;
        output.stream = stream;
        output.sink = container.options.log;
        container.outputs.push_back(key);
        watch(descriptor, key);
    }

    // Nothing more will be heard of programs started in this task.
    void end_execs(const std::string& task_id) {
        std::erase_if(execs_, [&](const auto& exec) {
            return exec.first.starts_with("exec:" + task_id + ":");
        });
        exec_ended_.notify_all();
    }

    void serve();
    void hear(uint64_t key);
    void read_output(uint64_t key, int reads);
    bool read_once(Output& output, std::string& bytes);
    static void deliver(Output& output, std::string_view bytes);
    void exited(const std::string& task_id, const std::string& name, int wait_status);
    void finish_exit(const std::string& task_id, const std::string& name, Container& container,
                     int wait_status);
    void lost(const std::string& task_id);
    int milliseconds_until_work();
    void work();

    base::Spawner& spawner_;
    ProcessRuntimeOptions options_;
    oci::LayerStore store_;
    MemoryLimits limits_;
    int epoll_ = -1, wake_ = -1;
    std::atomic<bool> stopping_{false};

    std::mutex mutex_;
    std::condition_variable arrived_, exec_ended_;
    std::map<std::string, Task> tasks_;
    std::map<uint64_t, std::string> holders_;  // key → task
    std::map<uint64_t, Output> outputs_;  // nodes are removed by the thread and by remove_task only
    std::vector<EarlyExit> early_;
    std::map<std::string, std::optional<int>> execs_;  // name → wait status
    std::deque<Event> events_;
    uint64_t next_key_ = 1;
    SteadyTime sampled_{};
    base::Thread thread_;
};

// ---- descriptions
// -------------------------------------------------------------------------------------------

void put_pair(std::string& out, std::string_view key, std::string_view value) {
    holder::put(out, key);
    holder::put(out, value);
}

std::string ProcessRuntime::describe_program(const Container& container,
                                             const std::vector<std::string>& arguments,
                                             const std::string& user) const {
    std::string out;
    for (const std::string& argument : arguments)
        put_pair(out, "arg", argument);
    for (const std::string& entry : container.plan.environment)
        put_pair(out, "env", entry);
    for (const std::string& name : container.plan.capabilities)
        put_pair(out, "capability", name);
    put_pair(out, "cwd", container.plan.working_directory);
    put_pair(out, "user", user);
    put_pair(out, "open_files", std::to_string(container.options.open_files));
    put_pair(out, "most_open_files", std::to_string(container.options.most_open_files));
    put_pair(out, "identities", one_identity() ? "one" : "range");
    return out;
}

std::string ProcessRuntime::describe(const Task& task, const Container& container) const {
    const ContainerOptions& options = container.options;
    std::string out = describe_program(container, container.plan.arguments, container.plan.user);
    const auto& diff_ids = options.image.config.diff_ids;
    for (auto layer = diff_ids.rbegin(); layer != diff_ids.rend(); ++layer) {
        std::string name = oci::LayerStore::name_of(*layer);
        // overlayfs refuses the same directory twice; an empty layer may well occur twice.
        if (std::find(diff_ids.rbegin(), layer, *layer) == layer) put_pair(out, "layer", name);
    }
    std::string relative = "../tasks/" + options_.instance + "." + task.options.id + "/";
    put_pair(out, "upper", relative + options.name + "/upper");
    put_pair(out, "work", relative + options.name + "/work");
    std::string hostname = task.options.hostname.empty() ? default_hostname(task.options.address)
                                                         : task.options.hostname;
    put_pair(out, "hostname", hostname.substr(0, 63));
    uint64_t memory = options.memory_bytes ? options.memory_bytes : task.options.memory_bytes;
    if (memory) put_pair(out, "memory", std::to_string(memory));
    if (options.read_only_root) put_pair(out, "read_only", "yes");
    if (options.init_process) put_pair(out, "init", "yes");
    auto file = [&](const std::string& path, const std::string& content, unsigned mode) {
        char octal[16];
        snprintf(octal, sizeof octal, "%o", mode & 0777);
        put_pair(out, "file", path);
        put_pair(out, "mode", octal);
        put_pair(out, "content", content);
    };
    file("/etc/hosts", hosts_file(task.options), 0644);
    file("/etc/hostname", hostname + "\n", 0644);
    file("/etc/resolv.conf", resolv_conf(task.options), 0644);
    for (const MountedFile& mounted : options.files)
        file(mounted.path, *mounted.content, mounted.mode);
    for (const Volume& volume : options.volumes) {
        put_pair(out, "volume", volume.path);
        put_pair(out, "source", relative + "volumes.d/" + volume.name);
        put_pair(out, "access", volume.read_only ? "read" : "write");
    }
    return out;
}

// ---- statistics
// ----------------------------------------------------------------------------------------------

// GAP: nothing counts what is read from and written to devices.
Result<ContainerStats> ProcessRuntime::stats(const std::string& task_id, const std::string& name) {
    ContainerStats stats;
    SteadyTime started;
    pid_t pid = -1;
    std::shared_ptr<HolderClient> holder;
    {
        std::lock_guard lock(mutex_);
        const Container* container = TRY(find(task_id, name));
        if (container->state.status != ContainerStatus::Running)
            return fail(Error::Kind::CannotStart, "container " + name + " does not run");
        const Task& task = *find(task_id);
        holder = task.holder;
        started = container->started;
        pid = pid_of(container->pidfd);
        stats.memory_limit_bytes = memory_limit_bytes(task.options, container->options);
    }
    read_proc(pid, stats);
    stats.running_for = std::chrono::steady_clock::now() - started;
    limits_.count(task_id, name, stats);
    stats.interfaces = parse_interfaces(holder->interfaces());
    return stats;
}

// ---- programs in running containers
// --------------------------------------------------------------------------

Result<ProcessRuntime::Visit> ProcessRuntime::plan_visit(const std::string& task_id,
                                                         const std::string& name,
                                                         const std::vector<std::string>& command,
                                                         const std::string& user) {
    if (command.empty() || command[0].empty())
        return fail(Error::Kind::CannotStart, "there is no command to execute");
    Visit visit;
    visit.name = "exec:" + task_id + ":" + base::random_hex(16);
    std::lock_guard lock(mutex_);
    Container* container = TRY(find(task_id, name));
    if (container->state.status != ContainerStatus::Running)
        return fail(Error::Kind::CannotStart, "container " + name + " does not run");
    visit.holder = find(task_id)->holder;
    visit.description =
        describe_program(*container, command, user.empty() ? container->plan.user : user);
    visit.cgroups = limits_.enter(task_id, name);
    execs_[visit.name];
    return visit;
}

Result<ExecResult> ProcessRuntime::exec(const std::string& task_id, const std::string& name,
                                        const ExecOptions& options) {
    auto until = std::chrono::steady_clock::now() + options.timeout;
    Visit visit = TRY(plan_visit(task_id, name, options.command, options.user));
    const std::string& exec_name = visit.name;
    HolderClient::Reply reply =
        visit.holder->run_inside(exec_name, name, visit.description, visit.cgroups);
    close_all(visit.cgroups);
    if (reply.code) {
        forget_exec(exec_name);
        return fail(Error::Kind::CannotStart, reply.text);
    }
    ExecResult result;
    int pidfd = reply.descriptors[0];
    pollfd waits[2] = {{reply.descriptors[1], POLLIN, 0}, {reply.descriptors[2], POLLIN, 0}};
    while (waits[0].fd >= 0 || waits[1].fd >= 0) {
        auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
        if (left.count() <= 0) {
            result.timed_out = true;
            break;
        }
        if (::poll(waits, 2, static_cast<int>(std::min<int64_t>(left.count(), 1 << 30))) < 0)
            continue;
        for (pollfd& wait : waits) {
            if (wait.fd < 0 || !wait.revents) continue;
            char bytes[16 * 1024];
            ssize_t got = ::read(wait.fd, bytes, sizeof bytes);
            if (got <= 0)
                wait.fd = -1;
            else
                result.output.append(bytes,
                                     std::min<size_t>(static_cast<size_t>(got),
                                                      kMaxExecOutputBytes - result.output.size()));
        }
    }
    if (result.timed_out) send_signal(pidfd, SIGKILL);
    std::unique_lock lock(mutex_);
    bool ended = exec_ended_.wait_until(
        lock, result.timed_out ? std::chrono::steady_clock::now() + milliseconds(5000) : until,
        [&] { return !execs_.contains(exec_name) || execs_[exec_name].has_value(); });
    if (!ended) {
        // It closed its outputs and went on.
        result.timed_out = true;
        send_signal(pidfd, SIGKILL);
    } else if (auto found = execs_.find(exec_name); found != execs_.end() && !result.timed_out) {
        result.exit_code = exit_code_of(*found->second);
    }
    execs_.erase(exec_name);
    close_all(reply.descriptors);
    return result;
}

// The master of the terminal comes as the one message on the socket that stands for the output.
int receive_descriptor(int socket) {
    char byte;
    iovec vector{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    int descriptor = -1;
    if (::recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != 1) return -1;
    if (cmsghdr* part = CMSG_FIRSTHDR(&header); part && part->cmsg_type == SCM_RIGHTS)
        memcpy(&descriptor, CMSG_DATA(part), sizeof descriptor);
    return descriptor;
}

// A program of a container with its streams here: pipes, or the master of its terminal.
class ProcessSession final : public Session {
  public:
    ProcessSession(ProcessRuntime& runtime, std::string name, int pidfd, std::array<int, 2> outputs,
                   int input)
        : runtime_(runtime), name_(std::move(name)), pidfd_(pidfd), input_(input) {
        for (size_t i = 0; i < outputs.size(); ++i)
            outputs_[i] = {outputs[i], POLLIN, 0};
        terminal_ = outputs[0] == input;
        ::fcntl(input_, F_SETFL, O_NONBLOCK);
    }
    ~ProcessSession() override {
        end();
        (void)exit_code();
        runtime_.forget_exec(name_);
        if (terminal_) outputs_[0].fd = -1;
        for (int descriptor : {input_.load(), outputs_[0].fd, outputs_[1].fd, pidfd_})
            if (descriptor >= 0) ::close(descriptor);
    }

    std::optional<Chunk> read(milliseconds at_most) override {
        if (outputs_[0].fd < 0 && outputs_[1].fd < 0) return std::nullopt;
        // Whatever the program left behind may hold its outputs open for ever.
        const bool ended = runtime_.has_ended(name_);
        const int ready = ::poll(outputs_, 2, ended ? 0 : static_cast<int>(at_most.count()));
        if (ready <= 0) return ended ? std::nullopt : std::optional(Chunk{});
        for (pollfd& output : outputs_) {
            if (output.fd < 0 || !output.revents) continue;
            char bytes[16 * 1024];
            ssize_t got = ::read(output.fd, bytes, sizeof bytes);
            if (got > 0)
                return Chunk{&output == outputs_ ? Stream::Output : Stream::Error,
                             {bytes, static_cast<size_t>(got)}};
            // The end; EIO is a terminal's.
            if (got == 0 || errno != EAGAIN) close_output(output);
        }
        return Chunk{};
    }

    void write(std::string_view bytes) override {
        while (!bytes.empty() && !over_ && input_ >= 0) {
            pollfd wait{input_, POLLOUT, 0};
            if (::poll(&wait, 1, 500) <= 0) {
                if (runtime_.has_ended(name_)) return;
                continue;
            }
            ssize_t wrote = ::write(input_, bytes.data(), bytes.size());
            if (wrote > 0)
                bytes.remove_prefix(static_cast<size_t>(wrote));
            else if (errno != EAGAIN && errno != EINTR)
                return;
        }
    }

    void finish_input() override {
        if (terminal_) {
            write("\x04");
        } else if (input_ >= 0) {
            ::close(input_);
            input_ = -1;
        }
    }

    void resize(Window window) override {
        winsize size{window.rows, window.columns, 0, 0};
        if (terminal_) ::ioctl(input_, TIOCSWINSZ, &size);
    }

    void end() override {
        over_ = true;
        if (!runtime_.has_ended(name_)) send_signal(pidfd_, SIGKILL);
    }

    int exit_code() override {
        auto status = runtime_.wait_for_exec(
            name_, std::chrono::steady_clock::now() + std::chrono::seconds(5));
        return status ? exit_code_of(*status) : -1;
    }

  private:
    void close_output(pollfd& output) {
        if (!terminal_) ::close(output.fd);
        output.fd = -1;
    }

    ProcessRuntime& runtime_;
    std::string name_;
    int pidfd_;
    pollfd outputs_[2];
    std::atomic<int> input_;
    bool terminal_ = false;  // its one descriptor is read, written and resized
    std::atomic<bool> over_{false};
};

Result<std::unique_ptr<Session>> ProcessRuntime::open_session(const std::string& task_id,
                                                              const std::string& name,
                                                              const SessionOptions& options) {
    Visit visit = TRY(plan_visit(task_id, name, options.command, options.user));
    const bool terminal = options.streams == SessionStreams::Terminal;
    for (const auto& [variable, value] : options.environment)
        put_pair(visit.description, "env", variable + "=" + value);
    if (terminal)
        put_pair(visit.description, "terminal",
                 fmt::format("{} {}", options.window.rows, options.window.columns));
    else
        put_pair(visit.description, "input", "yes");
    HolderClient::Reply reply =
        visit.holder->run_inside(visit.name, name, visit.description, visit.cgroups);
    close_all(visit.cgroups);
    std::vector<int>& got = reply.descriptors;
    if (reply.code || got.size() != (terminal ? 3 : 4)) {
        forget_exec(visit.name);
        close_all(got);
        return fail(Error::Kind::CannotStart, reply.text);
    }
    if (!terminal)
        return std::make_unique<ProcessSession>(*this, visit.name, got[0],
                                                std::array{got[1], got[2]}, got[3]);
    const int master = receive_descriptor(got[1]);
    ::close(got[1]);
    ::close(got[2]);
    return std::make_unique<ProcessSession>(*this, visit.name, got[0], std::array{master, -1},
                                            master);
}

// ---- the end of a task
// ---------------------------------------------------------------------------------------

void ProcessRuntime::remove_task(const std::string& task_id) {
    Task task;
    {
        std::lock_guard lock(mutex_);
        auto found = tasks_.find(task_id);
        if (found == tasks_.end()) return;
        task = std::move(found->second);
        tasks_.erase(found);
        holders_.erase(task.key);
        forget(task.holder->descriptor());
    }
    // Everything in the task ends with its holder.
    task.holder->close();
    {
        std::lock_guard lock(mutex_);
        for (auto& [name, container] : task.containers) {
            if (container.pidfd >= 0) ::close(container.pidfd);
            for (uint64_t key : container.outputs) {
                auto output = outputs_.find(key);
                if (output == outputs_.end()) continue;
                forget(output->second.descriptor);
                ::close(output->second.descriptor);
                outputs_.erase(output);
            }
        }
        end_execs(task_id);
    }
    limits_.remove(task_id);
    oci::remove_tree(task.directory);
}

std::vector<Event> ProcessRuntime::take_events(milliseconds at_most) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, at_most, [&] { return !events_.empty() || stopping_; });
    std::vector<Event> out(std::make_move_iterator(events_.begin()),
                           std::make_move_iterator(events_.end()));
    events_.clear();
    return out;
}

// ---- the one thread
// ------------------------------------------------------------------------------------------

void ProcessRuntime::serve() {
    epoll_event events[32];
    while (!stopping_) {
        int count = ::epoll_wait(epoll_, events, 32, milliseconds_until_work());
        for (int i = 0; i < count; ++i) {
            if (events[i].data.u64 == 0) {
                char counter[8];
                (void)!::read(wake_, counter, sizeof counter);
            } else {
                hear(events[i].data.u64);
            }
        }
        work();
    }
}

void ProcessRuntime::hear(uint64_t key) {
    std::shared_ptr<HolderClient> holder;
    std::string task_id;
    {
        std::lock_guard lock(mutex_);
        if (auto found = holders_.find(key); found != holders_.end()) {
            task_id = found->second;
            holder = tasks_[task_id].holder;
        }
    }
    if (!holder) return read_output(key, kReadsPerTurn);
    auto event = holder->receive();
    if (!event) return;
    if (event->kind == HolderEvent::Kind::Gone) return lost(task_id);
    std::unique_lock lock(mutex_);
    if (event->name.starts_with("exec:")) {
        if (auto waiting = execs_.find(event->name); waiting != execs_.end())
            waiting->second = event->wait_status;
        exec_ended_.notify_all();
        return;
    }
    early_.push_back({task_id, event->name,
                      event->wait_status});  // work() takes it at once unless start() is not done
}

// False at the end of the stream, or when nothing is there now.
bool ProcessRuntime::read_once(Output& output, std::string& bytes) {
    bytes.resize(32 * 1024);
    ssize_t got = ::read(output.descriptor, bytes.data(), bytes.size());
    bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return got > 0;
}

void ProcessRuntime::deliver(Output& output, std::string_view bytes) {
    if (!output.sink) return;
    for (const std::string& line : output.lines.feed(bytes))
        output.sink->line(output.stream, line);
}

// Only this thread reads and feeds; the lock is not held while a sink is at work, but remove_task
// may take the output away between two turns.
void ProcessRuntime::read_output(uint64_t key, int reads) {
    std::string bytes;
    for (int i = 0; i < reads; ++i) {
        Output output;
        {
            std::lock_guard lock(mutex_);
            auto found = outputs_.find(key);
            if (found == outputs_.end()) return;
            bool more = read_once(found->second, bytes);
            int error = errno;
            if (!more && bytes.empty() && error != EAGAIN)
                forget(found->second.descriptor);  // the end; closed at exit
            if (!more) return;
            output = std::move(found->second);
            found->second.descriptor = output.descriptor;
            found->second.sink = output.sink;
            found->second.stream = output.stream;
        }
        deliver(output, bytes);
        std::lock_guard lock(mutex_);
        if (auto found = outputs_.find(key); found != outputs_.end())
            found->second.lines = std::move(output.lines);
    }
}

void ProcessRuntime::exited(const std::string& task_id, const std::string& name, int wait_status) {
    std::vector<uint64_t> keys;
    {
        std::lock_guard lock(mutex_);
        auto container = find(task_id, name);
        if (!container) return;
        keys = (*container)->outputs;
    }
    // PID 1 is gone and with it every process of the container, so the pipes end: the last output
    // comes before the event.
    for (uint64_t key : keys) {
        read_output(key, static_cast<int>(kMaxDrainBytes / (32 * 1024)));
        std::unique_lock lock(mutex_);
        auto node = outputs_.extract(key);
        if (node.empty()) continue;
        forget(node.mapped().descriptor);
        lock.unlock();
        ::close(node.mapped().descriptor);
        if (node.mapped().sink)
            for (const std::string& line : node.mapped().lines.finish())
                node.mapped().sink->line(node.mapped().stream, line);
    }
    std::lock_guard lock(mutex_);
    auto container = find(task_id, name);
    if (container) finish_exit(task_id, name, **container, wait_status);
}

void ProcessRuntime::finish_exit(const std::string& task_id, const std::string& name,
                                 Container& container, int wait_status) {
    container.state.status = ContainerStatus::Exited;
    container.state.exit_code = exit_code_of(wait_status);
    container.outputs.clear();
    if (container.pidfd >= 0) ::close(container.pidfd);
    container.pidfd = -1;
    // Only when the kernel says so or we did it: other SIGKILLs are not for memory.
    bool killed = *container.state.exit_code == 128 + SIGKILL;
    if (container.killed_for_memory || (killed && limits_.out_of_memory(task_id, name))) {
        container.state.out_of_memory = true;
        container.state.reason = kOutOfMemory;
    }
    push({Event::Kind::Exited, task_id, name, container.state});
}

void ProcessRuntime::lost(const std::string& task_id) {
    std::vector<std::string> running;
    {
        std::lock_guard lock(mutex_);
        Task* task = find(task_id);
        if (!task) return;
        forget(task->holder->descriptor());
        holders_.erase(task->key);
        for (auto& [name, container] : task->containers)
            if (container.state.status == ContainerStatus::Running) {
                container.state.reason = "the task's holder was killed";
                running.push_back(name);
            }
        end_execs(task_id);
    }
    for (const std::string& name : running)
        exited(task_id, name, SIGKILL);
}

int ProcessRuntime::milliseconds_until_work() {
    std::lock_guard lock(mutex_);
    auto now = std::chrono::steady_clock::now();
    std::optional<SteadyTime> next;
    auto at = [&](SteadyTime time) { next = next ? std::min(*next, time) : time; };
    for (const auto& [id, task] : tasks_)
        for (const auto& [name, container] : task.containers) {
            if (container.state.status != ContainerStatus::Running) continue;
            if (container.kill_at) at(*container.kill_at);
            if (limits_.kind() == LimitKind::Sampled &&
                (container.options.memory_bytes || task.options.memory_bytes))
                at(sampled_ + kSampleInterval);
        }
    if (!next) return -1;
    return static_cast<int>(
        std::clamp<int64_t>(std::chrono::ceil<milliseconds>(*next - now).count(), 0, 1 << 30));
}

void ProcessRuntime::work() {
    std::vector<EarlyExit> ended;
    auto now = std::chrono::steady_clock::now();
    bool sample = limits_.kind() == LimitKind::Sampled && now - sampled_ >= kSampleInterval;
    {
        std::lock_guard lock(mutex_);
        std::erase_if(early_, [&](EarlyExit& exit) {
            auto container = find(exit.task, exit.container);
            bool starting = container && (*container)->pidfd == kStarting;
            if (!starting) ended.push_back(std::move(exit));
            return !starting;
        });
        if (sample) sampled_ = now;
        for (auto& [id, task] : tasks_) {
            uint64_t sum = 0;
            for (auto& [name, container] : task.containers) {
                if (container.state.status != ContainerStatus::Running) continue;
                if (container.kill_at && *container.kill_at <= now) {
                    send_signal(container.pidfd, SIGKILL);
                    container.kill_at.reset();
                }
                if (!sample || (!container.options.memory_bytes && !task.options.memory_bytes))
                    continue;
                uint64_t used = read_process_tree(pid_of(container.pidfd)).resident_bytes;
                sum += used;
                bool over =
                    (container.options.memory_bytes && used > container.options.memory_bytes) ||
                    (task.options.memory_bytes && sum > task.options.memory_bytes);
                if (!over) continue;
                container.killed_for_memory = true;
                send_signal(container.pidfd, SIGKILL);
            }
        }
    }
    for (const EarlyExit& exit : ended)
        exited(exit.task, exit.container, exit.wait_status);
}

}  // namespace

std::expected<std::unique_ptr<Runtime>, std::string> make_process_runtime(
    base::Spawner& spawner, const ProcessRuntimeOptions& options) {
    ProcessRuntimeOptions complete = options;
    if (complete.holder.empty()) complete.holder = find_holder();
    if (complete.holder.empty())
        return std::unexpected("dodam-holder is missing: it belongs beside dodam");
    auto runtime = std::make_unique<ProcessRuntime>(spawner, complete);
    TRY(runtime->open());
    return runtime;
}

std::string why_no_sandbox(base::Spawner& spawner, const std::string& holder) {
    std::string program = holder.empty() ? find_holder() : holder;
    if (program.empty()) return "dodam-holder is missing: it belongs beside dodam";
    auto client = HolderClient::start(
        spawner, {.program = program,
                  .directory = "/",
                  .address = "10.0.0.2",
                  .one_identity = oci::native_ownership() == oci::Ownership::Own});
    return client ? "" : client.error();
}

}  // namespace containers

// Runtime: images become running containers. Two makers (process_runtime, docker_runtime) and the
// scripted one of the tests keep this contract, and pass the one suite in
// tests/support/runtime_suite.
//
// A task is a network of its own that one or more containers share (awsvpc). Life of a task, as ECS
// drives it:
//   create_task(id, address)                           PROVISIONING: an empty network, nothing runs
//   pull(reference, source)                            PENDING: by digest, every layer unpacked
//   once create(task, container), start(task, container)    one by one, in the order of dependsOn
//   take_events()                                      exits arrive here and only here
//   stop(task, container)                              signal now; SIGKILL when the grace is over;
//   exit is an event remove_task(id)                                    whatever still runs is
//   killed; nothing is left
// Every call is safe from any thread. Only pull, create_task, exec, open_session and remove_task
// may take longer than a few milliseconds; none holds a lock that the others need while it waits.
#pragma once
#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "containers/container_stats.h"
#include "containers/task_network.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "oci/source.h"

namespace containers {

struct [[nodiscard]] Error {
    enum class Kind {
        ImageNotFound,     // no such repository, tag or digest
        ImageDenied,       // the registry refused the credentials
        ImageUnreachable,  // the registry did not answer
        ImageMalformed,    // a digest that does not match, a hostile layer, no manifest for this
                           // platform
        CannotCreate,      // the container's description cannot be carried out (unknown user, …)
        CannotStart,       // the program does not exist or cannot be executed
        NoSuchTask,
        NoSuchContainer,
        AlreadyExists,
        RuntimeUnavailable,  // namespaces refused, engine gone: the text says what to change
    };
    Kind kind = Kind::CannotStart;
    std::string text;  // one sentence without a full stop
};

template <class T>
using Result = std::expected<T, Error>;

struct Image {
    std::string reference;  // as written
    std::string
        digest;  // "sha256:…" of the manifest that the reference named (the index, if it was one)
    std::string
        manifest_digest;  // of this platform's manifest; equal to `digest` unless that was an index
    std::string image_id;  // digest of the configuration
    oci::ImageConfig config;
    uint64_t size_bytes = 0;  // the layers as they were sent
};

struct TaskOptions {
    std::string
        id;  // [A-Za-z0-9_-]+, unique in the runtime; a name of files, never shown to the app
    std::string address;        // the task's private IPv4 address, e.g. 10.0.1.23
    std::string hostname;       // as `hostname` answers inside, "" = ip-10-0-1-23.ec2.internal
    std::string resolv_conf;    // contents of /etc/resolv.conf; "" = nameserver 169.254.169.253
                                // (Amazon's own)
    std::string hosts;          // lines added to /etc/hosts
    uint64_t memory_bytes = 0;  // limit over all containers, 0 = none
};

// A file laid read-only over the image: certificate bundles, for one. Their content (200 KB, at
// four paths) is shared by all containers that have it.
struct MountedFile {
    std::string path;  // absolute
    std::shared_ptr<const std::string> content;
    unsigned mode = 0444;
};

// A directory shared by the containers of the task; empty at first, gone with the task. GAP: ECS
// fills it from the image of its first container where that declares a VOLUME at the path (files,
// owner, mode).
struct Volume {
    std::string name;
    std::string path;  // absolute, in the container
    bool read_only = false;
};

enum class Stream : uint8_t { Output, Error };

// Receives a container's output, line by line, on a thread of the runtime. Lines have no end mark
// and at most kMaxLogLineBytes: longer ones come in pieces, as Docker's awslogs driver sends them.
// Must not block for long: the container's pipe fills meanwhile.
class LogSink {
  public:
    virtual ~LogSink() = default;
    virtual void line(Stream stream, std::string_view text) = 0;
};

// Unset fields take the image's.
struct ContainerOptions {
    std::string name;  // unique in the task
    Image image;
    // Docker's rule: an entry point given here also drops the image's command.
    std::optional<std::vector<std::string>> entrypoint, command;
    std::vector<std::pair<std::string, std::string>> environment;  // over the image's, by name
    std::string working_directory;
    std::string user;           // "node", "1000", "1000:1000", "node:staff"
    std::string stop_signal;    // "SIGTERM", "15"
    uint64_t memory_bytes = 0;  // hard limit, 0 = the task's alone
    uint64_t cpu_shares = 0;    // 1024 = one vCPU; carried out where a cgroup is writable
    uint64_t open_files = 65535, most_open_files = 65535;  // nofile: soft, hard
    bool read_only_root = false;
    bool init_process =
        false;  // a tiny init as PID 1 in front of the app (linuxParameters.initProcessEnabled)
    std::vector<std::string> add_capabilities, drop_capabilities;  // "SYS_PTRACE", "ALL"
    std::vector<MountedFile> files;
    std::vector<Volume> volumes;
    std::map<std::string, std::string> labels;
    std::shared_ptr<LogSink> log;  // none = thrown away
};

enum class ContainerStatus : uint8_t { Created, Running, Exited };

struct ContainerState {
    ContainerStatus status = ContainerStatus::Created;
    std::optional<int> exit_code;  // 128 + signal when killed; 137 after SIGKILL
    bool out_of_memory = false;    // killed by the limit, not by us or itself
    std::string runtime_id;        // of this container, for ECS's runtimeId
    std::string reason;            // one sentence when it did not end by itself
};

struct Event {
    enum class Kind : uint8_t { Started, Exited };
    Kind kind = Kind::Exited;
    std::string task, container;
    ContainerState state;  // as it is after the event
};

struct ExecOptions {
    std::vector<std::string> command;
    std::chrono::milliseconds timeout{60'000};
    std::string user;  // "" = the container's
};

struct ExecResult {
    int exit_code = -1;  // -1 when it timed out (and was killed)
    bool timed_out = false;
    std::string output;  // both streams in order of arrival, the first 1 MiB
};

// Size of a terminal, in characters.
struct Window {
    uint16_t rows = 24, columns = 80;
};

enum class SessionStreams : uint8_t { Pipes, Terminal };

struct SessionOptions {
    std::vector<std::string> command;
    std::string user;                                              // "" = the container's
    std::vector<std::pair<std::string, std::string>> environment;  // over the container's
    SessionStreams streams = SessionStreams::Pipes;
    Window window;
};

// A program in a running container whose streams somebody holds (`dodam exec`). One thread reads
// while another writes; the rest is safe from any. Destroying it ends the program.
class Session {
  public:
    struct Chunk {
        Stream stream = Stream::Output;
        std::string bytes;  // empty: nothing came for `at_most`
    };
    virtual ~Session() = default;
    // Nothing at all: the program has ended, and all that it wrote was read.
    virtual std::optional<Chunk> read(std::chrono::milliseconds at_most) = 0;
    virtual void write(std::string_view bytes) = 0;  // waits while the program does not read
    virtual void finish_input() = 0;
    virtual void resize(Window window) = 0;  // of a terminal
    virtual void end() = 0;                  // kills what still runs
    // After read() gave nothing; -1 when nobody knows.
    virtual int exit_code() = 0;
};

// How limits are carried out here, for `doctor` and `status`.
struct Facilities {
    std::string runtime;     // "process" or "docker 20.10.24"
    std::string memory;      // "cgroup v1", "cgroup v2", "sampled every 100 ms"
    std::string identities;  // "65536 ids from 100000" or "one id", process runtime only
};

inline constexpr size_t kMaxLogLineBytes = 16 * 1024;

class Runtime {
  public:
    virtual ~Runtime() = default;
    virtual Facilities facilities() const = 0;

    // Asks the source for the manifest every time, for layers only when they are not here yet.
    virtual Result<Image> pull(const oci::Reference& reference, oci::ImageSource& source) = 0;

    virtual Result<std::shared_ptr<TaskNetwork>> create_task(const TaskOptions& options) = 0;
    virtual Result<void> create(const std::string& task, ContainerOptions options) = 0;
    // A container that has exited starts again: the same one, with what it wrote to its disk.
    virtual Result<void> start(const std::string& task, const std::string& container) = 0;
    // The stop signal now, SIGKILL once `grace` (real time) is over. Nothing to do when it has
    // exited.
    virtual Result<void> stop(const std::string& task, const std::string& container,
                              std::chrono::milliseconds grace) = 0;
    virtual Result<void> kill(const std::string& task, const std::string& container,
                              int signal) = 0;
    virtual Result<ContainerState> inspect(const std::string& task,
                                           const std::string& container) = 0;
    // Of a container that runs.
    virtual Result<ContainerStats> stats(const std::string& task, const std::string& container) = 0;
    virtual Result<ExecResult> exec(const std::string& task, const std::string& container,
                                    const ExecOptions& options) = 0;
    virtual Result<std::unique_ptr<Session>> open_session(const std::string& task,
                                                          const std::string& container,
                                                          const SessionOptions& options) = 0;
    // Unknown tasks are fine: removing twice is removing.
    virtual void remove_task(const std::string& task) = 0;

    // Everything since the last call, oldest first; waits for the first one up to `at_most`. One
    // reader.
    virtual std::vector<Event> take_events(std::chrono::milliseconds at_most) = 0;
};

}  // namespace containers

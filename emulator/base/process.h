// Process: child processes, all started by one spawner thread that lives as long as the emulator.
// Nothing else forks. A child gets the descriptors named here and no others, default signals, and a
// soft limit of 1024 open files. (A child with die-with-parent that was started from a connection's
// thread is killed when that thread ends.) Over Boost.Process; its headers stay in process.cpp.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace base {

struct ProcessOptions {
    std::vector<std::string> command;  // [0] is an absolute path, or looked up in PATH
    std::string argv0;                 // when it differs from command[0]
    std::string directory;             // "" = ours
    std::optional<std::map<std::string, std::string>> environment;  // nothing = ours
    // Descriptors for 0, 1, 2; -1 = /dev/null. The child's copies; the caller keeps its own.
    int standard_input = -1, standard_output = -1, standard_error = -1;
    std::vector<std::pair<int, int>> descriptors;  // ours → the child's number
    bool die_with_parent = true;                   // SIGKILL when the spawner thread ends
    bool new_session = false;
};

class Process {
  public:
    virtual ~Process() = default;
    virtual pid_t pid() const = 0;
    // Exit code, 128 + signal when killed, nothing while it runs (or the wait ended first).
    virtual std::optional<int> wait(std::chrono::milliseconds at_most) = 0;
    virtual void signal(int number) = 0;  // to the child alone; nothing once it has been reaped
};

class Spawner {
  public:
    Spawner();
    ~Spawner();  // waits for nothing; children with die_with_parent die
    std::expected<std::unique_ptr<Process>, std::string> spawn(ProcessOptions options);

  private:
    struct Inside;
    friend std::expected<struct Finished, std::string> run(Spawner&, ProcessOptions,
                                                           std::chrono::milliseconds,
                                                           std::string_view);
    std::unique_ptr<Inside> inside_;
};

struct Finished {
    int exit_code = -1;
    bool timed_out = false;
    std::string output, error;  // each limited to 16 MiB
};
// Runs to the end, with both outputs collected.
std::expected<Finished, std::string> run(Spawner& spawner, ProcessOptions options,
                                         std::chrono::milliseconds at_most,
                                         std::string_view input = {});

// The program's file, looked up in `path` (directories with ':' between them) when its name has no
// '/'; "" when it is not there or may not be run.
std::string find_program(const std::string& name, std::string_view path);
// In our own PATH; the system's directories when there is none.
std::string find_program(const std::string& name);

// Raises our own soft limit of open files to the hard one (a connection is a descriptor).
void raise_descriptor_limit();

}  // namespace base

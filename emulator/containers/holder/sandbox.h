// A container's process: its own mounts, process ids, IPC and host name on the image's layers, in
// the task's network. Everything happens inside the task's user namespace, so the worst that a
// hostile image reaches is its own task.
#pragma once
#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace holder {

struct File {
    std::string path, content;
    unsigned mode = 0444;
};

struct SharedDirectory {
    std::string path, source;
    bool read_only = false;
};

// What wire.h calls a description.
struct Description {
    std::vector<std::string> layers;  // topmost first, below the holder's directory
    std::string upper, work;
    std::vector<std::string> arguments, environment;
    std::string directory = "/", user, hostname;
    std::vector<std::string> capabilities;
    unsigned long open_files = 65535, most_open_files = 65535;  // soft, hard
    std::string memory;  // the limit in bytes, as the app is shown it; "" = none
    std::vector<File> files;
    std::vector<SharedDirectory> volumes;
    bool read_only = false, init = false, one_identity = false;
    bool input = false;              // somebody writes to it; else it reads from /dev/null
    unsigned rows = 0, columns = 0;  // of its terminal, 0 = it has none
    bool host_root =
        false;  // this machine's own root, read-only but for the volumes, instead of layers
};

bool parse_description(std::string_view bytes, Description& description);

struct Started {
    pid_t pid = -1;
    int pidfd = -1, output = -1, error = -1;  // read ends of the program's outputs
    int input = -1;                           // write end of its input, if asked for
    int code = 0;                             // errno, 0 = runs
    std::string text;                         // why not
};

// Returns once the program runs or could not be executed. `cgroups` are open cgroup.procs files to
// enter.
Started start_container(const Description& description, const std::vector<int>& cgroups);
// Another program in a running container, named by its pidfd.
Started start_in_container(int container, const Description& description,
                           const std::vector<int>& cgroups);

}  // namespace holder

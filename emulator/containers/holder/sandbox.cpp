#include "containers/holder/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "containers/holder/wire.h"

namespace holder {
namespace {

// ---- the child's way of giving up
// --------------------------------------------------------------------------

int status_pipe = -1;

// "<errno> sentence" to whoever started us; nothing on the pipe means that the program runs.
[[noreturn]] void give_up(const std::string& what, int error) {
    std::string text = std::to_string(error ? error : EINVAL) + " " + what;
    if (error) text += std::string(": ") + strerror(error);
    (void)!write(status_pipe, text.data(), text.size());
    _exit(127);
}

void must(bool done, const std::string& what) {
    if (!done) give_up(what, errno);
}

// ---- paths inside an image
// ---------------------------------------------------------------------------------

// Resolved as the container will resolve it: a link in a hostile image leads nowhere but into the
// image.
int open_inside(int root, const std::string& path, unsigned long flags) {
    open_how how{};
    how.flags = flags | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT;
    return static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how));
}

int make_directory_inside(int root, const std::string& path) {
    int found = open_inside(root, path, O_PATH | O_DIRECTORY);
    if (found >= 0 || errno != ENOENT) return found;
    size_t slash = path.find_last_of('/');
    std::string parent = slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
    std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    if (name.empty()) return parent == path ? -1 : make_directory_inside(root, parent);
    int directory = make_directory_inside(root, parent);
    if (directory < 0) return -1;
    int made = mkdirat(directory, name.c_str(), 0755);
    close(directory);
    return made < 0 ? -1 : open_inside(root, path, O_PATH | O_DIRECTORY);
}

int make_file_inside(int root, const std::string& path) {
    int found = open_inside(root, path, O_PATH);
    if (found >= 0 || errno != ENOENT) return found;
    size_t slash = path.find_last_of('/');
    if (slash == std::string::npos) return -1;
    int directory = make_directory_inside(root, slash ? path.substr(0, slash) : "/");
    if (directory < 0) return -1;
    int made = openat(directory, path.substr(slash + 1).c_str(),
                      O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0644);
    close(directory);
    if (made < 0) return -1;
    close(made);
    return open_inside(root, path, O_PATH);
}

std::string by_descriptor(int descriptor) {
    return "/proc/self/fd/" + std::to_string(descriptor);
}

// Flags that the host's mount has are locked in a user namespace and must be repeated.
bool make_read_only(int root, const std::string& path) {
    int top = open_inside(root, path, O_PATH);
    struct statfs facts{};
    if (top < 0 || fstatfs(top, &facts) < 0) return false;
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY;
    if (facts.f_flags & ST_NOSUID) flags |= MS_NOSUID;
    if (facts.f_flags & ST_NODEV) flags |= MS_NODEV;
    if (facts.f_flags & ST_NOEXEC) flags |= MS_NOEXEC;
    bool done = mount(nullptr, by_descriptor(top).c_str(), nullptr, flags, nullptr) == 0;
    close(top);
    return done;
}

bool mount_inside(int root, const std::string& path, const char* type, unsigned long flags,
                  const char* options) {
    int target = make_directory_inside(root, path);
    if (target < 0) return false;
    bool done = mount(type, by_descriptor(target).c_str(), type, flags, options) == 0;
    close(target);
    return done;
}

bool bind_inside(int root, const std::string& source, const std::string& path, bool directory) {
    int target = directory ? make_directory_inside(root, path) : make_file_inside(root, path);
    if (target < 0) return false;
    bool done =
        mount(source.c_str(), by_descriptor(target).c_str(), nullptr, MS_BIND, nullptr) == 0;
    close(target);
    return done;
}

bool write_file(const std::string& path, std::string_view content, unsigned mode) {
    int file = open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return false;
    while (!content.empty()) {
        ssize_t wrote = write(file, content.data(), content.size());
        if (wrote <= 0) return false;
        content.remove_prefix(static_cast<size_t>(wrote));
    }
    fchmod(file, mode);
    close(file);
    return true;
}

// ---- the root file system
// ----------------------------------------------------------------------------------

std::string escaped(const std::string& path) {
    std::string out;
    for (char c : path) {
        if (c == ',' || c == ':' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

constexpr const char* kScratch = "/tmp";  // a tmpfs of this container alone
constexpr const char* kRoot = "/tmp/root";

void mount_layers(const Description& description) {
    // volatile: without it the unmount writes the whole upper file system to the disk (measured: 22
    // s after `npm ci` beside a busy disk), for files that go with the task anyway.
    std::string options = "volatile,userxattr,lowerdir=";
    for (size_t i = 0; i < description.layers.size(); ++i)
        options += (i ? ":" : "") + escaped(description.layers[i]);
    options += ",upperdir=" + escaped(description.upper) + ",workdir=" + escaped(description.work);
    must(options.size() < 4096, "the image has too many layers for one overlay");
    bool mounted = mount("overlay", kRoot, "overlay", 0, options.c_str()) == 0 ||
                   (errno == EINVAL && mount("overlay", kRoot, "overlay", 0,
                                             options.c_str() + strlen("volatile,")) == 0);
    must(mounted, "the image's layers cannot be mounted");
}

// /dev as the runtime specification lists it, from the host's nodes.
void mount_devices(int root, bool one_identity) {
    must(mount_inside(root, "/dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=64k"),
         "/dev cannot be mounted");
    for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"}) {
        std::string path = std::string("/dev/") + name;
        must(bind_inside(root, path, path, false), path + " cannot be bound");
    }
    must(mount_inside(root, "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
                      one_identity ? "newinstance,ptmxmode=0666,mode=0620"
                                   : "newinstance,ptmxmode=0666,mode=0620,gid=5"),
         "/dev/pts cannot be mounted");
    must(mount_inside(root, "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=64m"),
         "/dev/shm cannot be mounted");
    mount_inside(root, "/dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
    int devices = open_inside(root, "/dev", O_PATH | O_DIRECTORY);
    constexpr const char* kLinks[][2] = {
        {"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
        {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"},         {"/proc/kcore", "core"}};
    for (auto& [to, name] : kLinks)
        (void)!symlinkat(to, devices, name);
    close(devices);
}

// Node and the JVM size their heap from these files, so they show the task's limit whether or not a
// cgroup enforces it.
void mount_cgroup_files(int root, const std::string& memory) {
    if (!mount_inside(root, "/sys/fs/cgroup", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                      "mode=755,size=64k"))
        return;
    int directory = open_inside(root, "/sys/fs/cgroup", O_PATH | O_DIRECTORY);
    std::string base = by_descriptor(directory);
    if (!memory.empty()) {
        std::string line = memory + "\n";
        mkdir((base + "/memory").c_str(), 0755);
        write_file(base + "/memory/memory.limit_in_bytes", line, 0444);
        write_file(base + "/memory/memory.soft_limit_in_bytes", line, 0444);
        write_file(base + "/memory.max", line, 0444);
        write_file(base + "/memory.high", line, 0444);
    }
    close(directory);
    make_read_only(root, "/sys/fs/cgroup");
}

// ---- this machine's own root
// -------------------------------------------------------------------------------

// A detached copy of what is mounted there: what is mounted over the path later does not hide it.
int copy_mount(const char* path) {
    return static_cast<int>(
        syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
}

bool place_mount(int copy, int target) {
    return syscall(SYS_move_mount, copy, "", target, "",
                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0;
}

// The tools of the machine as they are, to be read; what may be written is named. /tmp is another
// one, so that nothing there is seen or left behind.
void mount_host(const Description& description) {
    std::vector<int> copies;
    int host = copy_mount("/");
    must(host >= 0, "this machine's root cannot be copied");
    for (const SharedDirectory& volume : description.volumes) {
        copies.push_back(copy_mount(volume.source.c_str()));
        must(copies.back() >= 0, volume.source + " cannot be copied");
    }
    must(mount("tmpfs", kScratch, "tmpfs", MS_NOSUID | MS_NODEV, "mode=700,size=64m") == 0,
         "a tmpfs is refused");
    must(mkdir(kRoot, 0755) == 0, "the root directory cannot be made");
    int target = open(kRoot, O_PATH | O_DIRECTORY | O_CLOEXEC);
    must(target >= 0 && place_mount(host, target), "this machine's root cannot be mounted");
    close(target);
    mount_attr read_only{};
    read_only.attr_set = MOUNT_ATTR_RDONLY;
    must(syscall(SYS_mount_setattr, AT_FDCWD, kRoot, AT_RECURSIVE, &read_only, sizeof read_only) ==
             0,
         "this machine's root cannot be made read-only");
    int root = open(kRoot, O_PATH | O_DIRECTORY | O_CLOEXEC);
    must(root >= 0, "the root directory cannot be opened");
    must(mount_inside(root, "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"),
         "/tmp cannot be mounted");
    must(mount_inside(root, "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=256m"),
         "/dev/shm cannot be mounted");
    must(mount_inside(root, "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr),
         "/proc cannot be mounted");
    for (size_t i = 0; i < copies.size(); ++i) {
        int place = make_directory_inside(root, description.volumes[i].path);
        must(place >= 0 && place_mount(copies[i], place),
             description.volumes[i].path + " cannot be mounted");
        close(place);
        close(copies[i]);
        if (description.volumes[i].read_only)
            must(make_read_only(root, description.volumes[i].path),
                 description.volumes[i].path + " cannot be made read-only");
    }
    size_t number = 0;
    for (const File& file : description.files) {
        std::string source = std::string(kScratch) + "/file" + std::to_string(number++);
        must(write_file(source, file.content, file.mode), file.path + " cannot be written");
        must(bind_inside(root, source, file.path, false), file.path + " cannot be laid over");
    }
    must(fchdir(root) == 0 && syscall(SYS_pivot_root, ".", ".") == 0, "the root cannot be changed");
    must(umount2(".", MNT_DETACH) == 0 && chdir("/") == 0, "the host's root cannot be left");
    close(host);
    close(root);
}

void mount_everything(const Description& description) {
    if (description.host_root) return mount_host(description);
    must(mount("tmpfs", kScratch, "tmpfs", MS_NOSUID | MS_NODEV, "mode=700,size=64m") == 0,
         "a tmpfs is refused");
    must(mkdir(kRoot, 0755) == 0, "the root directory cannot be made");
    mount_layers(description);
    int root = open(kRoot, O_PATH | O_DIRECTORY | O_CLOEXEC);
    must(root >= 0, "the root directory cannot be opened");

    must(mount_inside(root, "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr),
         "/proc cannot be mounted");
    if (!mount_inside(root, "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, nullptr))
        must(mount_inside(root, "/sys", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                          "mode=755,size=64k"),
             "/sys cannot be mounted");
    mount_cgroup_files(root, description.memory);
    mount_devices(root, description.one_identity);

    for (const SharedDirectory& volume : description.volumes) {
        must(bind_inside(root, volume.source, volume.path, true),
             "the volume at " + volume.path + " cannot be mounted");
        if (volume.read_only)
            must(make_read_only(root, volume.path),
                 "the volume at " + volume.path + " cannot be made read-only");
    }
    size_t number = 0;
    for (const File& file : description.files) {
        std::string source = std::string(kScratch) + "/file" + std::to_string(number++);
        must(write_file(source, file.content, file.mode), file.path + " cannot be written");
        must(bind_inside(root, source, file.path, false),
             file.path + " cannot be laid over the image");
    }
    // WORKDIR is made when the image lacks it, as Docker does; before the root may become
    // read-only.
    if (int made = make_directory_inside(root, description.directory); made >= 0) close(made);
    if (description.read_only) must(make_read_only(root, "/"), "the root cannot be made read-only");

    must(fchdir(root) == 0 && syscall(SYS_pivot_root, ".", ".") == 0, "the root cannot be changed");
    must(umount2(".", MNT_DETACH) == 0 && chdir("/") == 0, "the host's root cannot be left");
    close(root);
}

// ---- users
// -------------------------------------------------------------------------------------------------

struct Identity {
    uid_t user = 0;
    gid_t group = 0;
    std::vector<gid_t> groups;
    std::string home = "/";
};

std::vector<std::vector<std::string>> read_table(const char* path) {
    std::vector<std::vector<std::string>> rows;
    std::string text;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char bytes[4096];
    for (ssize_t got;
         file >= 0 && text.size() < (1 << 20) && (got = read(file, bytes, sizeof bytes)) > 0;)
        text.append(bytes, static_cast<size_t>(got));
    if (file >= 0) close(file);
    std::vector<std::string> row(1);
    for (char c : text) {
        if (c == '\n') {
            rows.push_back(std::move(row));
            row.assign(1, "");
        } else if (c == ':') {
            row.emplace_back();
        } else {
            row.back() += c;
        }
    }
    if (row.size() > 1) rows.push_back(std::move(row));
    return rows;
}

bool number(const std::string& text, unsigned& value) {
    if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos ||
        text.size() > 9)
        return false;
    value = static_cast<unsigned>(strtoul(text.c_str(), nullptr, 10));
    return true;
}

// "name", "uid", "name:group", "uid:gid", looked up in the image's own tables (Dockerfile
// reference, USER).
Identity look_up(const std::string& user) {
    Identity identity;
    std::string name = user.substr(0, user.find(':'));
    std::string group = user.find(':') == std::string::npos ? "" : user.substr(user.find(':') + 1);
    std::string login;
    bool numeric = number(name, identity.user), found = false;
    for (const auto& row : read_table("/etc/passwd")) {
        unsigned id = 0, own_group = 0;
        if (row.size() < 6 || !number(row[2], id) || !number(row[3], own_group)) continue;
        if (name.empty() ? id != 0 : (row[0] != name && !(numeric && id == identity.user)))
            continue;
        identity.user = id;
        identity.group = own_group;
        identity.home = row[5].empty() ? "/" : row[5];
        login = row[0];
        found = true;
        break;
    }
    if (!found && !numeric && !name.empty())
        give_up("unable to find user " + name + ": no matching entries in passwd file", 0);
    bool group_found = group.empty() || number(group, identity.group);
    for (const auto& row : read_table("/etc/group")) {
        unsigned id = 0;
        if (row.size() < 3 || !number(row[2], id)) continue;
        if (row[0] == group) identity.group = id, group_found = true;
        if (row.size() > 3 && !login.empty() &&
            ("," + row[3] + ",").find("," + login + ",") != std::string::npos)
            identity.groups.push_back(id);
    }
    // As Docker has it, the group itself is the first of the groups.
    identity.groups.insert(identity.groups.begin(), identity.group);
    if (!group_found)
        give_up("unable to find group " + group + ": no matching entries in group file", 0);
    return identity;
}

// ---- privileges
// --------------------------------------------------------------------------------------------

constexpr const char* kCapabilityNames[] = {"CHOWN",
                                            "DAC_OVERRIDE",
                                            "DAC_READ_SEARCH",
                                            "FOWNER",
                                            "FSETID",
                                            "KILL",
                                            "SETGID",
                                            "SETUID",
                                            "SETPCAP",
                                            "LINUX_IMMUTABLE",
                                            "NET_BIND_SERVICE",
                                            "NET_BROADCAST",
                                            "NET_ADMIN",
                                            "NET_RAW",
                                            "IPC_LOCK",
                                            "IPC_OWNER",
                                            "SYS_MODULE",
                                            "SYS_RAWIO",
                                            "SYS_CHROOT",
                                            "SYS_PTRACE",
                                            "SYS_PACCT",
                                            "SYS_ADMIN",
                                            "SYS_BOOT",
                                            "SYS_NICE",
                                            "SYS_RESOURCE",
                                            "SYS_TIME",
                                            "SYS_TTY_CONFIG",
                                            "MKNOD",
                                            "LEASE",
                                            "AUDIT_WRITE",
                                            "AUDIT_CONTROL",
                                            "SETFCAP"};

// Only what the description keeps, for good: the bounding set is what a set-user-id program could
// win back.
void become(const Description& description, const Identity& identity) {
    uint64_t keep = 0;
    for (const std::string& name : description.capabilities)
        for (unsigned i = 0; i < std::size(kCapabilityNames); ++i)
            if (name == kCapabilityNames[i]) keep |= uint64_t(1) << i;
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; ++capability)
        if (capability >= 64 || !(keep >> capability & 1)) prctl(PR_CAPBSET_DROP, capability);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    // GAP: with one identity (no range for this user) the image's user runs as the image's root.
    if (!description.one_identity) {
        must(setgroups(identity.groups.size(), identity.groups.data()) == 0,
             "the groups cannot be set");
        must(setresgid(identity.group, identity.group, identity.group) == 0,
             "the group cannot be set");
        must(setresuid(identity.user, identity.user, identity.user) == 0, "the user cannot be set");
    }
    if (identity.user == 0 || description.one_identity) {
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct data[2] = {
            {static_cast<uint32_t>(keep), static_cast<uint32_t>(keep), 0},
            {static_cast<uint32_t>(keep >> 32), static_cast<uint32_t>(keep >> 32), 0}};
        must(syscall(SYS_capset, &header, data) == 0, "capabilities cannot be dropped");
    }
    // After the change of user, which clears it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

// ---- the program
// -------------------------------------------------------------------------------------------

const std::string* variable(const std::vector<std::string>& environment, std::string_view prefix) {
    for (const std::string& entry : environment)
        if (entry.starts_with(prefix)) return &entry;
    return nullptr;
}

// As the engine's runtime words it.
std::string words_of(int error) {
    std::string words = strerror(error);
    words[0] = static_cast<char>(tolower(words[0]));
    return words;
}

[[noreturn]] void cannot_start(const std::string& program, const std::string& why) {
    give_up("exec: \"" + program + "\": " + why, 0);
}

// What is found and cannot be executed has started, for the engine's runtime: the container says
// why and ends. The image is for another processor, a script has no interpreter here.
// ecs-ecr.md §8: exit code 1 or 255.
constexpr int kCannotExecute = 1;
[[noreturn]] void end_unexecuted(const std::string& path, int error) {
    close(status_pipe);
    dprintf(2, "exec %s: %s\n", path.c_str(), words_of(error).c_str());
    _exit(kCannotExecute);
}

// Comes back when there is no such program, or when it may not be executed.
int try_to_execute(const std::string& path, char** arguments, char** variables) {
    execve(path.c_str(), arguments, variables);
    const int error = errno;
    if (error == ENOEXEC || (error == ENOENT && access(path.c_str(), X_OK) == 0))
        end_unexecuted(path, error);
    return error;
}

[[noreturn]] void execute(const Description& description, const Identity& identity) {
    std::vector<std::string> environment = description.environment;
    if (!variable(environment, "PATH="))
        environment.push_back("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    if (!variable(environment, "HOSTNAME=") && !description.hostname.empty())
        environment.push_back("HOSTNAME=" + description.hostname);
    if (!variable(environment, "HOME=")) environment.push_back("HOME=" + identity.home);

    std::vector<char*> arguments, variables;
    for (const std::string& argument : description.arguments)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    for (const std::string& entry : environment)
        variables.push_back(const_cast<char*>(entry.c_str()));
    arguments.push_back(nullptr);
    variables.push_back(nullptr);

    const std::string& program = description.arguments[0];
    if (program.find('/') != std::string::npos)
        cannot_start(program,
                     words_of(try_to_execute(program, arguments.data(), variables.data())));
    int error = ENOENT;
    std::string path = variable(environment, "PATH=")->substr(5) + ":";
    for (size_t at = 0, end; (end = path.find(':', at)) != std::string::npos; at = end + 1) {
        std::string candidate = (end == at ? "." : path.substr(at, end - at)) + "/" + program;
        const int failed = try_to_execute(candidate, arguments.data(), variables.data());
        if (failed != ENOENT && failed != ENOTDIR) error = failed;
    }
    cannot_start(program, error == ENOENT ? "executable file not found in $PATH" : words_of(error));
}

// linuxParameters.initProcessEnabled: PID 1 hands signals on, reaps what the app leaves, ends as
// the app ends.
void run_init() {
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t app = fork();
    must(app >= 0, "the app cannot be forked");
    if (app == 0) {
        sigprocmask(SIG_SETMASK, &before, nullptr);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        return;
    }
    close(status_pipe);
    for (int descriptor = 0; descriptor < 3; ++descriptor)
        close(descriptor);
    for (;;) {
        siginfo_t information{};
        int signal = sigwaitinfo(&all, &information);
        if (signal != SIGCHLD) {
            if (signal > 0) kill(app, signal);
            continue;
        }
        int status = 0;
        for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;)
            if (ended == app)
                _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
}

struct Pipes {
    int status[2] = {-1, -1}, output[2] = {-1, -1}, error[2] = {-1, -1}, input[2] = {-1, -1};
    bool open(const Description& description) {
        const bool outputs = description.rows
                                 ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, output) == 0
                                 : pipe2(output, O_CLOEXEC) == 0;
        return outputs && pipe2(status, O_CLOEXEC) == 0 && pipe2(error, O_CLOEXEC) == 0 &&
               (!description.input || pipe2(input, O_CLOEXEC) == 0);
    }
};

bool send_descriptor(int socket, int descriptor) {
    char byte = 0;
    iovec vector{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
    return sendmsg(socket, &header, MSG_NOSIGNAL) == 1;
}

// The container's own terminal, so that its name means something in there; the program's user owns
// it. Its master goes to whoever started us.
void take_terminal(const Pipes& pipes, const Description& description, const Identity& identity) {
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), unlocked = 0;
    must(master >= 0 && ioctl(master, TIOCSPTLCK, &unlocked) == 0, "a terminal is refused");
    int terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    must(terminal >= 0, "the terminal cannot be opened");
    winsize size{static_cast<unsigned short>(description.rows),
                 static_cast<unsigned short>(description.columns), 0, 0};
    ioctl(master, TIOCSWINSZ, &size);
    if (!description.one_identity) (void)!fchown(terminal, identity.user, static_cast<gid_t>(-1));
    must(ioctl(terminal, TIOCSCTTY, 0) == 0, "the terminal cannot be taken");
    must(send_descriptor(pipes.output[1], master), "the terminal cannot be handed over");
    must(dup2(terminal, 0) == 0 && dup2(terminal, 1) == 1 && dup2(terminal, 2) == 2,
         "the streams cannot be set");
    syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
}

// From here on only standard streams are open in the program. The pipes become the program's user's
// own, or opening /dev/stdout again would be refused.
void take_streams(const Pipes& pipes, const Description& description, const Identity& identity) {
    if (description.rows) return take_terminal(pipes, description, identity);
    int input = description.input ? pipes.input[0] : open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (!description.one_identity)
        for (int stream : {pipes.output[1], pipes.error[1], pipes.input[0]})
            if (stream >= 0) (void)!fchown(stream, identity.user, identity.group);
    must(dup2(input, 0) == 0 && dup2(pipes.output[1], 1) == 1 && dup2(pipes.error[1], 2) == 2,
         "the streams cannot be set");
    syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
}

void reset_signals() {
    for (int signal = 1; signal < 65; ++signal)
        ::signal(signal, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

// No more than this machine gives.
void limit_files(const Description& description) {
    rlimit current{};
    getrlimit(RLIMIT_NOFILE, &current);
    const rlimit limit{std::min<rlim_t>(description.open_files, current.rlim_max),
                       std::min<rlim_t>(description.most_open_files, current.rlim_max)};
    setrlimit(RLIMIT_NOFILE, &limit);
}

void enter_cgroups(const std::vector<int>& cgroups) {
    for (int procs : cgroups)
        must(write(procs, "0", 1) == 1, "the cgroup cannot be entered");
}

[[noreturn]] void become_container(const Description& description, const Pipes& pipes,
                                   const std::vector<int>& cgroups) {
    status_pipe = pipes.status[1];
    reset_signals();
    enter_cgroups(cgroups);
    unshare(CLONE_NEWCGROUP);
    setsid();
    umask(022);
    mount_everything(description);
    must(sethostname(description.hostname.c_str(), description.hostname.size()) == 0,
         "the host name cannot be set");
    limit_files(description);
    Identity identity = look_up(description.user);
    must(chdir(description.directory.c_str()) == 0,
         "the working directory " + description.directory + " cannot be entered");
    take_streams(pipes, description, identity);
    become(description, identity);
    if (description.init) run_init();
    execute(description, identity);
}

// A second fork, because only children are in the process namespace that was entered.
[[noreturn]] void become_visitor(int container, const Description& description, const Pipes& pipes,
                                 const std::vector<int>& cgroups) {
    status_pipe = pipes.status[1];
    reset_signals();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    enter_cgroups(cgroups);
    must(setns(container,
               CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) == 0,
         "the container cannot be entered");
    pid_t visitor = fork();
    must(visitor >= 0, "the program cannot be forked");
    if (visitor > 0) {
        syscall(SYS_close_range, 0, ~0U, 0);
        int status = 0;
        while (waitpid(visitor, &status, 0) < 0 && errno == EINTR)
            continue;
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
    setsid();
    umask(022);
    limit_files(description);
    Identity identity = look_up(description.user);
    must(chdir(description.directory.c_str()) == 0,
         "the working directory " + description.directory + " cannot be entered");
    take_streams(pipes, description, identity);
    become(description, identity);
    execute(description, identity);
}

pid_t clone_with(uint64_t flags, int& pidfd) {
    clone_args arguments{};
    arguments.flags = flags | CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<uint64_t>(&pidfd);
    arguments.exit_signal = SIGCHLD;
    return static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
}

// Reads what the child says: the end of the pipe without a word means that execve closed it.
void await_program(Started& started, Pipes& pipes) {
    for (int end : {pipes.status[1], pipes.output[1], pipes.error[1], pipes.input[0]})
        if (end >= 0) close(end);
    std::string said;
    char bytes[1024];
    for (ssize_t got; (got = read(pipes.status[0], bytes, sizeof bytes)) != 0;) {
        if (got > 0)
            said.append(bytes, static_cast<size_t>(got));
        else if (errno != EINTR)
            break;
    }
    close(pipes.status[0]);
    started.output = pipes.output[0];
    started.error = pipes.error[0];
    started.input = pipes.input[1];
    if (said.empty()) return;
    started.code = atoi(said.c_str());
    started.text = said.substr(said.find(' ') + 1);
    waitpid(started.pid, nullptr, 0);
    for (int end : {started.pidfd, started.output, started.error, started.input})
        if (end >= 0) close(end);
    started.pid = started.pidfd = started.output = started.error = started.input = -1;
}

Started refused(const char* what) {
    return {.code = errno ? errno : EINVAL, .text = std::string(what) + ": " + strerror(errno)};
}

}  // namespace

bool parse_description(std::string_view bytes, Description& description) {
    std::vector<std::string> fields = take_fields(bytes);
    if (fields.empty() || fields.size() % 2) return false;
    for (size_t i = 0; i < fields.size(); i += 2) {
        const std::string& key = fields[i];
        std::string& value = fields[i + 1];
        if (key == "layer")
            description.layers.push_back(std::move(value));
        else if (key == "upper")
            description.upper = value;
        else if (key == "work")
            description.work = value;
        else if (key == "arg")
            description.arguments.push_back(std::move(value));
        else if (key == "env")
            description.environment.push_back(std::move(value));
        else if (key == "cwd")
            description.directory = value;
        else if (key == "user")
            description.user = value;
        else if (key == "hostname")
            description.hostname = value;
        else if (key == "capability")
            description.capabilities.push_back(std::move(value));
        else if (key == "open_files")
            description.open_files = strtoul(value.c_str(), nullptr, 10);
        else if (key == "most_open_files")
            description.most_open_files = strtoul(value.c_str(), nullptr, 10);
        else if (key == "memory")
            description.memory = value;
        else if (key == "file")
            description.files.push_back({.path = value, .content = {}});
        else if (key == "mode" && !description.files.empty())
            description.files.back().mode =
                static_cast<unsigned>(strtoul(value.c_str(), nullptr, 8));
        else if (key == "content" && !description.files.empty())
            description.files.back().content = std::move(value);
        else if (key == "volume")
            description.volumes.push_back({.path = value, .source = {}});
        else if (key == "source" && !description.volumes.empty())
            description.volumes.back().source = value;
        else if (key == "access" && !description.volumes.empty())
            description.volumes.back().read_only = value == "read";
        else if (key == "read_only")
            description.read_only = true;
        else if (key == "init")
            description.init = true;
        else if (key == "root")
            description.host_root = value == "host";
        else if (key == "input")
            description.input = true;
        else if (key == "terminal") {
            description.rows = static_cast<unsigned>(strtoul(value.c_str(), nullptr, 10));
            size_t space = value.find(' ');
            description.columns =
                space == std::string::npos
                    ? 0
                    : static_cast<unsigned>(strtoul(value.c_str() + space, nullptr, 10));
        } else if (key == "identities")
            description.one_identity = value == "one";
        else
            return false;
    }
    return !description.arguments.empty();
}

Started start_container(const Description& description, const std::vector<int>& cgroups) {
    Pipes pipes;
    if (!pipes.open(description)) return refused("pipes are refused");
    Started started;
    started.pid =
        clone_with(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS, started.pidfd);
    if (started.pid < 0) return refused("a process is refused");
    if (started.pid == 0) become_container(description, pipes, cgroups);
    await_program(started, pipes);
    return started;
}

Started start_in_container(int container, const Description& description,
                           const std::vector<int>& cgroups) {
    Pipes pipes;
    if (!pipes.open(description)) return refused("pipes are refused");
    Started started;
    started.pid = clone_with(0, started.pidfd);
    if (started.pid < 0) return refused("a process is refused");
    if (started.pid == 0) become_visitor(container, description, pipes, cgroups);
    await_program(started, pipes);
    return started;
}

}  // namespace holder

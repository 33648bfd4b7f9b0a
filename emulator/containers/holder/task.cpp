// The holder of one task. The outer process stays outside to write the identity maps, and dies when
// the emulator's spawner does; the inner one is PID 1 of the task's own process namespace, so that
// its death takes everything along: containers, whatever they forked, mounts and namespaces.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "containers/holder/network.h"
#include "containers/holder/roles.h"
#include "containers/holder/sandbox.h"
#include "containers/holder/wire.h"

namespace holder {
namespace {

constexpr size_t kMaxDescriptors = 16;

struct Message {
    std::vector<std::string> fields;
    std::vector<int> descriptors;
};

void send_message(const std::vector<std::string>& fields,
                  const std::vector<int>& descriptors = {}) {
    std::string bytes;
    for (const std::string& field : fields)
        put(bytes, field);
    iovec vector{bytes.data(), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptors)];
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    if (!descriptors.empty()) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
        memcpy(CMSG_DATA(rights), descriptors.data(), sizeof(int) * descriptors.size());
    }
    while (sendmsg(kControlDescriptor, &header, MSG_NOSIGNAL) < 0 && errno == EINTR)
        continue;
}

// False at the end of the conversation.
bool receive_message(Message& message) {
    static char bytes[kMaxDatagramBytes];
    iovec vector{bytes, sizeof bytes};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptors)];
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    ssize_t size;
    while ((size = recvmsg(kControlDescriptor, &header, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        continue;
    if (size <= 0) return false;
    message.fields = take_fields({bytes, static_cast<size_t>(size)});
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part; part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; ++i) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof descriptor);
            message.descriptors.push_back(descriptor);
        }
    }
    return true;
}

std::string read_all(int file) {
    struct stat facts{};
    fstat(file, &facts);
    std::string text(static_cast<size_t>(facts.st_size), '\0');
    ssize_t got = pread(file, text.data(), text.size(), 0);
    return got == static_cast<ssize_t>(text.size()) ? text : "";
}

// Of the namespace that this thread is in, the task's.
std::string read_interfaces() {
    char text[8192];
    int file = open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, text, sizeof text);
    if (file >= 0) close(file);
    return {text, got > 0 ? static_cast<size_t>(got) : 0};
}

struct Child {
    std::string name;
    pid_t pid;
    int pidfd;
};

class Task {
  public:
    explicit Task(Network network) : network_(network) {}

    [[noreturn]] void serve() {
        sigset_t child;
        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        sigprocmask(SIG_BLOCK, &child, nullptr);
        int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
        send_message({"0", "ready", ""});
        for (;;) {
            pollfd waits[2] = {{kControlDescriptor, POLLIN, 0}, {signals, POLLIN, 0}};
            if (poll(waits, 2, -1) < 0) continue;
            if (waits[1].revents) {
                signalfd_siginfo information;
                while (read(signals, &information, sizeof information) > 0)
                    continue;
                reap();
            }
            if (waits[0].revents) {
                Message message;
                if (!receive_message(message)) _exit(0);
                handle(message);
                for (int descriptor : message.descriptors)
                    close(descriptor);
            }
        }
    }

  private:
    void reap() {
        int status = 0;
        for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;)
            for (size_t i = 0; i < children_.size(); ++i) {
                if (children_[i].pid != ended) continue;
                send_message({"0", "exited", children_[i].name, std::to_string(status)});
                close(children_[i].pidfd);
                children_.erase(children_.begin() + static_cast<long>(i));
                break;
            }
    }

    void handle(const Message& message) {
        const auto& fields = message.fields;
        if (fields.size() < 2) return;
        const std::string& verb = fields[1];
        if (verb == "listen" && fields.size() == 4)
            reply_socket(fields, SocketKind::Listener);
        else if (verb == "udp" && fields.size() == 4)
            reply_socket(fields, SocketKind::Datagram);
        else if (verb == "socket" && fields.size() == 4)
            reply_socket(fields, SocketKind::Stream);
        else if (verb == "interfaces")
            send_message({fields[0], "0", read_interfaces()});
        else if (verb == "start" && fields.size() == 3)
            start(message);
        else if (verb == "exec" && fields.size() == 4)
            start_inside(message);
        else
            send_message({fields[0], std::to_string(EPROTO), "unknown request " + verb});
    }

    void reply_socket(const std::vector<std::string>& fields, SocketKind kind) {
        int made = make_socket(network_, kind, fields[2], atoi(fields[3].c_str()));
        if (made < 0) return send_message({fields[0], std::to_string(-made), strerror(-made)});
        send_message({fields[0], "0", ""}, {made});
        close(made);
    }

    void start(const Message& message) {
        Description description;
        if (message.descriptors.empty() ||
            !parse_description(read_all(message.descriptors[0]), description))
            return send_message(
                {message.fields[0], std::to_string(EPROTO), "malformed description"});
        remember(message.fields, start_container(description, {message.descriptors.begin() + 1,
                                                               message.descriptors.end()}));
    }

    void start_inside(const Message& message) {
        Description description;
        if (message.descriptors.empty() ||
            !parse_description(read_all(message.descriptors[0]), description))
            return send_message(
                {message.fields[0], std::to_string(EPROTO), "malformed description"});
        for (const Child& child : children_)
            if (child.name == message.fields[3])
                return remember(message.fields, start_in_container(child.pidfd, description,
                                                                   {message.descriptors.begin() + 1,
                                                                    message.descriptors.end()}));
        send_message({message.fields[0], std::to_string(ESRCH), "the container does not run"});
    }

    void remember(const std::vector<std::string>& fields, Started started) {
        if (started.code)
            return send_message({fields[0], std::to_string(started.code), started.text});
        children_.push_back({fields[2], started.pid, started.pidfd});
        std::vector<int> descriptors{started.pidfd, started.output, started.error};
        if (started.input >= 0) descriptors.push_back(started.input);
        send_message({fields[0], "0", ""}, descriptors);
        for (size_t i = 1; i < descriptors.size(); ++i)
            close(descriptors[i]);
    }

    Network network_;
    std::vector<Child> children_;
};

[[noreturn]] void fail(const std::string& sentence) {
    send_message({"0", "failed", sentence});
    _exit(1);
}

[[noreturn]] void run_inside(const std::string& address, bool range, int wait_for_maps) {
    char byte = 0;
    if (read(wait_for_maps, &byte, 1) != 1) _exit(1);
    close(wait_for_maps);
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 || (range && setgroups(0, nullptr) < 0))
        fail(std::string("the task's root cannot be taken on: ") + strerror(errno));
    prctl(PR_SET_DUMPABLE, 1);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0)
        fail(std::string("mounts cannot be made private: ") + strerror(errno));
    Network network;
    if (std::string problem = make_network(network, address, Here::Gateway); !problem.empty())
        fail(problem);
    Task(network).serve();
}

bool write_map(pid_t pid, const char* name, unsigned outside, unsigned count) {
    std::string path = "/proc/" + std::to_string(pid) + "/" + name;
    std::string line = "0 " + std::to_string(outside) + " " + std::to_string(count) + "\n";
    int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    bool done =
        file >= 0 && write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    if (file >= 0) close(file);
    return done;
}

bool write_maps(pid_t pid, bool range) {
    if (range)
        return write_map(pid, "uid_map", kFirstIdentity, kIdentities) &&
               write_map(pid, "gid_map", kFirstIdentity, kIdentities);
    std::string path = "/proc/" + std::to_string(pid) + "/setgroups";
    int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file >= 0) {
        (void)!write(file, "deny", 4);
        close(file);
    }
    return write_map(pid, "uid_map", geteuid(), 1) && write_map(pid, "gid_map", getegid(), 1);
}

int setting(const char* path) {
    int file = open(path, O_RDONLY | O_CLOEXEC), value = -1;
    char text[32] = {};
    if (file >= 0 && read(file, text, sizeof text - 1) > 0) value = atoi(text);
    if (file >= 0) close(file);
    return value;
}

// The setting to change, in the order in which distributions are known to refuse.
std::string why_refused(int error) {
    std::string sentence =
        std::string("this machine refuses user namespaces (") + strerror(error) + "): ";
    if (setting("/proc/sys/kernel/unprivileged_userns_clone") == 0)
        return sentence + "set sysctl kernel.unprivileged_userns_clone=1, or use --runtime docker";
    if (setting("/proc/sys/user/max_user_namespaces") == 0)
        return sentence + "set sysctl user.max_user_namespaces=15000, or use --runtime docker";
    if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
        return sentence +
               "set sysctl kernel.apparmor_restrict_unprivileged_userns=0, or use --runtime docker";
    return sentence + "a container without the right to make namespaces needs --runtime docker";
}

// The emulator's end of the socket appears in the directory that both can see.
int accept_emulator(const std::string& path) {
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    if (path.size() >= sizeof at.sun_path) return -1;
    memcpy(at.sun_path, path.c_str(), path.size() + 1);
    unlink(path.c_str());
    if (bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) < 0) return -1;
    // The directory is the emulator's own; under an engine we are another user than it is.
    chmod(path.c_str(), 0666);
    if (listen(listener, 1) < 0) return -1;
    pollfd wait{listener, POLLIN, 0};
    if (poll(&wait, 1, 30'000) != 1) return -1;
    int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    close(listener);
    return connection;
}

}  // namespace

int run_pause(const std::string& address, const std::string& path) {
    // PID 1 of its container: an engine's stop must end it.
    signal(SIGTERM, [](int) { _exit(0); });
    int connection = accept_emulator(path);
    if (connection < 0) {
        fprintf(stderr, "pause: %s: %s\n", path.c_str(), strerror(errno));
        return 1;
    }
    if (connection != kControlDescriptor) {
        dup3(connection, kControlDescriptor, O_CLOEXEC);
        close(connection);
    }
    Network network;
    if (std::string problem = make_network(network, address, Here::Task); !problem.empty())
        fail(problem);
    Task(network).serve();
}

int run_task(const std::string& address, const std::string& identities) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bool range = identities == "range";
    int maps[2];
    if (pipe2(maps, O_CLOEXEC) < 0) fail(strerror(errno));
    clone_args arguments{};
    arguments.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID;
    arguments.exit_signal = SIGCHLD;
    pid_t inner = static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
    if (inner < 0) fail(why_refused(errno));
    if (inner == 0) {
        close(maps[1]);
        run_inside(address, range, maps[0]);
    }
    close(maps[0]);
    if (!write_maps(inner, range)) {
        int error = errno;
        kill(inner, SIGKILL);
        fail(why_refused(error));
    }
    (void)!write(maps[1], "x", 1);
    close(maps[1]);
    close(kControlDescriptor);
    int status = 0;
    while (waitpid(inner, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace holder

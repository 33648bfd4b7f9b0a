#include "containers/holder_client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "base/process.h"
#include "base/result.h"
#include "base/text.h"
#include "containers/holder/wire.h"

namespace containers {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kHolderStart{10'000};
constexpr milliseconds kHolderAnswer{30'000};
constexpr milliseconds kHolderEnd{5'000};
constexpr size_t kMaxDescriptors = 16;

net::Error error_of(int code, const std::string& text) {
    auto kind = net::ErrorKind::System;
    if (code == ENETUNREACH || code == EADDRNOTAVAIL) kind = net::ErrorKind::Unreachable;
    if (code == EPIPE) kind = net::ErrorKind::Closed;
    return {kind, code, text};
}

struct Datagram {
    bool end = false;
    std::vector<std::string> fields;
    std::vector<int> descriptors;
};

Datagram read_datagram(int control) {
    std::vector<char> bytes(holder::kMaxDatagramBytes);
    iovec vector{bytes.data(), bytes.size()};
    alignas(cmsghdr) char rights[CMSG_SPACE(sizeof(int) * kMaxDescriptors)];
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = rights;
    header.msg_controllen = sizeof rights;
    ssize_t size;
    while ((size = ::recvmsg(control, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT)) < 0 &&
           errno == EINTR)
        continue;
    Datagram datagram;
    if (size < 0 && errno == EAGAIN) return datagram;
    if (size <= 0) {
        datagram.end = true;
        return datagram;
    }
    datagram.fields = holder::take_fields({bytes.data(), static_cast<size_t>(size)});
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part; part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        size_t before = datagram.descriptors.size();
        datagram.descriptors.resize(before + count);
        memcpy(datagram.descriptors.data() + before, CMSG_DATA(part), count * sizeof(int));
    }
    return datagram;
}

bool send_datagram(int control, const std::vector<std::string>& fields,
                   const std::vector<int>& descriptors) {
    std::string bytes;
    for (const std::string& field : fields)
        holder::put(bytes, field);
    iovec vector{bytes.data(), bytes.size()};
    alignas(cmsghdr) char rights[CMSG_SPACE(sizeof(int) * kMaxDescriptors)];
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    if (!descriptors.empty()) {
        header.msg_control = rights;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
        cmsghdr* part = CMSG_FIRSTHDR(&header);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
        memcpy(CMSG_DATA(part), descriptors.data(), sizeof(int) * descriptors.size());
    }
    ssize_t sent;
    while ((sent = ::sendmsg(control, &header, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        continue;
    return sent >= 0;
}

// Waits for the first word: "ready", or why not.
std::expected<void, std::string> await_ready(int control, base::Process* process) {
    pollfd wait{control, POLLIN, 0};
    int ready;
    while ((ready = ::poll(&wait, 1, static_cast<int>(kHolderStart.count()))) < 0 && errno == EINTR)
        continue;
    if (ready == 0) return std::unexpected("the task's holder did not start within 10 seconds");
    Datagram first = read_datagram(control);
    if (first.fields.size() >= 3 && first.fields[1] == "ready") return {};
    if (first.fields.size() >= 3 && first.fields[1] == "failed")
        return std::unexpected(first.fields[2]);
    auto code = process ? process->wait(milliseconds(1000)) : std::nullopt;
    return std::unexpected("the task's holder ended at once" +
                           (code ? " with exit code " + std::to_string(*code) : std::string()));
}

}  // namespace

std::expected<std::shared_ptr<HolderClient>, std::string> HolderClient::start(
    base::Spawner& spawner, const HolderOptions& options) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return std::unexpected(std::string("a socket is refused: ") + strerror(errno));
    std::shared_ptr<HolderClient> client(new HolderClient(ends[0], options.address));
    base::ProcessOptions process;
    process.command = {options.program, "task", options.address,
                       options.one_identity ? "one" : "range"};
    process.directory = options.directory;
    process.environment.emplace();
    process.descriptors = {{ends[1], holder::kControlDescriptor}};
    auto started = spawner.spawn(std::move(process));
    ::close(ends[1]);
    if (!started) return std::unexpected(started.error());
    client->process_ = std::move(*started);
    TRY(await_ready(ends[0], client->process_.get()));
    return client;
}

std::expected<std::shared_ptr<HolderClient>, std::string> HolderClient::adopt(
    int control, const std::string& address) {
    std::shared_ptr<HolderClient> client(new HolderClient(control, address));
    TRY(await_ready(control, nullptr));
    return client;
}

HolderClient::~HolderClient() {
    close();
    ::close(control_);
}

void HolderClient::close() {
    {
        std::lock_guard lock(mutex_);
        gone_ = true;
        answered_.notify_all();
    }
    ::shutdown(control_, SHUT_RDWR);
    if (process_ && !process_->wait(kHolderEnd)) {
        process_->signal(SIGKILL);
        process_->wait(kHolderEnd);
    }
}

HolderClient::Reply HolderClient::request(std::vector<std::string> fields,
                                          const std::vector<int>& descriptors) {
    std::unique_lock lock(mutex_);
    if (gone_) return {EPIPE, "the task is gone", {}};
    std::string number = std::to_string(next_++);
    waiting_[number];
    fields.insert(fields.begin(), number);
    // Sent under the lock: the socket's buffer takes many requests, and the holder reads at once.
    if (!send_datagram(control_, fields, descriptors)) {
        waiting_.erase(number);
        return {EPIPE, "the task is gone", {}};
    }
    answered_.wait_for(lock, kHolderAnswer, [&] { return gone_ || waiting_[number].has_value(); });
    auto found = waiting_.extract(number);
    if (found.mapped()) return std::move(*found.mapped());
    if (gone_) return {EPIPE, "the task is gone", {}};
    return {ETIMEDOUT, "the task's holder does not answer", {}};
}

std::optional<HolderEvent> HolderClient::receive() {
    Datagram datagram = read_datagram(control_);
    if (datagram.end) {
        std::lock_guard lock(mutex_);
        gone_ = true;
        answered_.notify_all();
        return HolderEvent{};
    }
    if (datagram.fields.size() >= 4 && datagram.fields[1] == "exited")
        return HolderEvent{HolderEvent::Kind::Exited, datagram.fields[2],
                           static_cast<int>(base::parse_signed(datagram.fields[3]).value_or(-1))};
    if (datagram.fields.size() < 3) return std::nullopt;
    std::lock_guard lock(mutex_);
    auto waiting = waiting_.find(datagram.fields[0]);
    if (waiting == waiting_.end()) {
        for (int descriptor : datagram.descriptors)
            ::close(descriptor);
        return std::nullopt;
    }
    auto code = base::parse_signed(datagram.fields[1]);
    waiting->second = Reply{static_cast<int>(code.value_or(EPROTO)), datagram.fields[2],
                            std::move(datagram.descriptors)};
    answered_.notify_all();
    return std::nullopt;
}

net::Result<int> HolderClient::ask_socket(const char* verb, const net::Address& at) {
    Reply reply = request({verb, at.ip(), std::to_string(at.port())});
    if (!reply.code && reply.descriptors.size() == 1) return reply.descriptors[0];
    return std::unexpected(error_of(reply.code, std::string(verb) + " " + at.to_string() +
                                                    " in the task's network: " + reply.text));
}

net::Result<int> HolderClient::listen(const net::Address& at) {
    if (at.family() != net::Address::Family::IPv4 || at.port() == 0)
        return std::unexpected(
            error_of(EINVAL, "a task's network needs an IPv4 address and a port"));
    return ask_socket("listen", at);
}

net::Result<int> HolderClient::udp(const net::Address& at) {
    return ask_socket("udp", at);
}
net::Result<int> HolderClient::socket(const net::Address& from) {
    return ask_socket("socket", from);
}

std::string HolderClient::interfaces() {
    Reply reply = request({"interfaces"});
    return reply.code ? "" : reply.text;
}

HolderClient::Reply HolderClient::start_program(std::vector<std::string> fields,
                                                const std::string& description,
                                                const std::vector<int>& cgroups) {
    int file = ::memfd_create("description", MFD_CLOEXEC);
    if (file < 0 || ::write(file, description.data(), description.size()) !=
                        static_cast<ssize_t>(description.size())) {
        int code = errno;
        if (file >= 0) ::close(file);
        return {code, strerror(code), {}};
    }
    std::vector<int> descriptors = {file};
    descriptors.insert(descriptors.end(), cgroups.begin(), cgroups.end());
    Reply reply = request(std::move(fields), descriptors);
    ::close(file);
    if (!reply.code && reply.descriptors.size() < 3) {
        for (int descriptor : reply.descriptors)
            ::close(descriptor);
        return {EPROTO, "the task's holder answered without descriptors", {}};
    }
    return reply;
}

HolderClient::Reply HolderClient::run(const std::string& name, const std::string& description,
                                      const std::vector<int>& cgroups) {
    return start_program({"start", name}, description, cgroups);
}

HolderClient::Reply HolderClient::run_inside(const std::string& name, const std::string& container,
                                             const std::string& description,
                                             const std::vector<int>& cgroups) {
    return start_program({"exec", name, container}, description, cgroups);
}

std::string find_holder() {
    std::error_code error;
    std::string beside =
        std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string() +
        "/dodam-holder";
    if (::access(beside.c_str(), X_OK) == 0) return beside;
    return base::find_program("dodam-holder");
}

}  // namespace containers

#include "net/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "net/tls_session.h"

namespace net {

namespace {

constexpr int kBacklog = 4096;  // the kernel caps it at net.core.somaxconn
constexpr std::string_view kWithoutPacing = "reno";

std::string bind_failure(const Address& at, int code) {
    const std::string where = at.to_string();
    switch (code) {
        case EADDRINUSE: return where + " is in use by another program";
        case EACCES: return where + " may not be bound by this user";
        case EADDRNOTAVAIL: return where + " is not an address of this machine";
        default: return where + " cannot be listened on: " + std::strerror(code);
    }
}

// A socket file whose owner died refuses connections; a living one accepts them.
void remove_stale_socket(const Address& at) {
    struct stat status{};
    if (lstat(at.ip().c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
    const auto probe = Socket::connect(at, Deadline::after(std::chrono::milliseconds(200)));
    if (!probe && probe.error().kind == ErrorKind::Refused) unlink(at.ip().c_str());
}

}  // namespace

struct Listener::Connection {
    Socket socket;
    base::Thread thread;
};

std::expected<std::unique_ptr<Listener>, std::string> Listener::open(const Address& at,
                                                                     std::string name,
                                                                     Session session) {
    const int domain = at.family() == Address::Family::Unix   ? AF_UNIX
                       : at.family() == Address::Family::IPv6 ? AF_INET6
                                                              : AF_INET;
    const int descriptor = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return std::unexpected(bind_failure(at, errno));
    const int on = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (domain == AF_UNIX) remove_stale_socket(at);
    // A connection within the machine has no path to be careful of: BBR's pacing, where it is the
    // default, would only hold bodies back. Accepted sockets inherit it; Reno is in every Linux,
    // and open to everybody (tcp(7)).
    if (at.is_loopback())
        setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, kWithoutPacing.data(),
                   kWithoutPacing.size());

    sockaddr_storage storage;
    socklen_t size = at.to_sockaddr(&storage);
    if (bind(descriptor, reinterpret_cast<sockaddr*>(&storage), size) != 0 ||
        listen(descriptor, kBacklog) != 0) {
        const int code = errno;
        close(descriptor);
        return std::unexpected(bind_failure(at, code));
    }
    return adopt(descriptor, std::move(name), std::move(session));
}

std::unique_ptr<Listener> Listener::adopt(int descriptor, std::string name, Session session) {
    const int flags = fcntl(descriptor, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK)) fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK);
    sockaddr_storage storage;
    socklen_t size = sizeof storage;
    Address address;
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &size) == 0) {
        address = Address::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), size);
    }
    return std::unique_ptr<Listener>(
        new Listener(descriptor, std::move(address), std::move(name), std::move(session)));
}

Listener::Listener(int descriptor, Address address, std::string name, Session session)
    : descriptor_(descriptor),
      address_(std::move(address)),
      name_(std::move(name)),
      session_(std::move(session)),
      spare_descriptor_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

Listener::~Listener() {
    stop();
    if (descriptor_ >= 0) close(descriptor_);
    if (spare_descriptor_ >= 0) close(spare_descriptor_);
}

void Listener::set_limit(size_t max_connections, std::string refusal) {
    max_connections_ = max_connections;
    refusal_ = std::move(refusal);
}

void Listener::start() {
    acceptor_ = base::Thread(name_ + "-accept", [this] { accept_loop(); });
}

size_t Listener::open_connections() const {
    std::lock_guard lock(mutex_);
    return connections_.size();
}

void Listener::accept_loop() {
    while (!stopping_) {
        const int accepted = accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
        if (accepted >= 0) {
            start_connection(Socket(accepted));
            continue;
        }
        if (stopping_) return;
        switch (errno) {
            case EMFILE:
            case ENFILE:
            case ENOBUFS:
            case ENOMEM: {
                // accept(2) fails before anybody calls; by the time somebody does, there may be
                // room again.
                if (!wait_for(descriptor_, POLLIN, Deadline::never()) || stopping_) break;
                const int retried = accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
                if (retried >= 0) {
                    start_connection(Socket(retried));
                    break;
                }
                if (spare_descriptor_ >= 0) close(std::exchange(spare_descriptor_, -1));
                const int last =
                    accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
                if (last >= 0) refuse(Socket(last), "no descriptors are left");
                // Nothing to give up: let others finish instead of spinning.
                if (last < 0)
                    (void)wait_for(-1, POLLIN, Deadline::after(std::chrono::milliseconds(20)));
                spare_descriptor_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
                break;
            }
            case EBADF:
            case EINVAL:
            case ENOTSOCK: return;  // shut by stop()
            default: break;         // the peer went away between its SYN and our accept
        }
    }
}

void Listener::start_connection(Socket socket) {
    std::unique_lock lock(mutex_);
    if (connections_.size() >= max_connections_) {
        lock.unlock();
        return refuse(std::move(socket), "too many connections");
    }
    connections_.push_front(std::make_unique<Connection>());
    const auto connection = connections_.begin();
    (*connection)->socket = std::move(socket);
    try {
        if (loops_) return loops_->start([this, connection] { run(connection); });
        // Under the lock: the thread may end before its object is in place, and waits here.
        (*connection)->thread = base::Thread(name_, [this, connection] { run(connection); });
    } catch (const std::system_error&) {
        Socket unserved = std::move((*connection)->socket);
        connections_.erase(connection);
        lock.unlock();
        refuse(std::move(unserved), "no threads are left");
    }
}

void Listener::run(Connections::iterator connection) {
    Socket& socket = (*connection)->socket;
    try {
        session_(socket);
    } catch (const std::exception& error) {
        base::log_error(name_, std::string("a connection ended: ") + error.what());
    }
    // Earlier ones are joined here, so that at most one ended thread keeps its stack.
    Connections earlier;
    {
        std::lock_guard lock(mutex_);
        socket.close();  // under the lock: stop() may be shutting it
        earlier.swap(finished_);
        finished_.splice(finished_.begin(), connections_, connection);
        ended_.notify_all();
    }
}

void Listener::refuse(Socket socket, std::string_view why) {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::steady_clock::now().time_since_epoch())
                         .count();
    if (now - last_complaint_.exchange(now) >= 1) {
        base::log_warning(
            name_, "a connection to " + address_.to_string() + " was refused: " + std::string(why));
    }
    if (!refusal_.empty()) (void)socket.write_all(refusal_, Deadline::now());
    socket.finish_writing();
    // Unread bytes would turn the close into a reset that overtakes the answer.
    char unread[4096];
    for (int round = 0; round < 16; ++round) {
        const auto got = socket.read_some(unread, Deadline::now());
        if (!got || *got == 0) break;
    }
}

void Listener::wait_until_empty(Deadline deadline) {
    std::unique_lock lock(mutex_);
    const auto empty = [this] { return connections_.empty(); };
    if (deadline.is_never()) return ended_.wait(lock, empty);
    ended_.wait_for(lock, std::chrono::milliseconds(deadline.poll_milliseconds()), empty);
}

void Listener::stop(std::chrono::milliseconds grace) {
    stopping_ = true;
    if (descriptor_ >= 0) shutdown(descriptor_, SHUT_RDWR);
    acceptor_.join();
    if (descriptor_ >= 0) close(std::exchange(descriptor_, -1));
    if (grace.count() > 0) wait_until_empty(Deadline::after(grace));
    {
        std::lock_guard lock(mutex_);
        for (auto& connection : connections_)
            connection->socket.shut();
    }
    wait_until_empty(Deadline::never());
    Connections last;
    std::lock_guard lock(mutex_);
    last.swap(finished_);
    // `last` is destroyed first: the threads it joins are past their use of the lock.
}

}  // namespace net

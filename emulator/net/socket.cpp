#include "net/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/result.h"
#include "net/tls_session.h"

namespace net {

namespace {

void set_no_delay(int descriptor) {
    const int on = 1;
    // Fails on a UNIX socket, which has nothing to delay.
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

ErrorKind kind_of(int code) {
    switch (code) {
        case EAGAIN:
        case EINPROGRESS:
        case ETIMEDOUT: return ErrorKind::Timeout;
        case ECONNREFUSED:
        case ENOENT: return ErrorKind::Refused;  // ENOENT: a UNIX path nobody listens on
        case EHOSTUNREACH:
        case ENETUNREACH:
        case EADDRNOTAVAIL: return ErrorKind::Unreachable;
        case ECONNRESET:
        case ECONNABORTED:
        case EPIPE: return ErrorKind::Reset;
        default: return ErrorKind::System;
    }
}

Error closed_error() {
    return {ErrorKind::Closed, 0, "the connection is closed"};
}

}  // namespace

Error system_error(int code, std::string_view doing) {
    const bool timeout = kind_of(code) == ErrorKind::Timeout;
    return {kind_of(code), code,
            std::string(doing) + ": " + (timeout ? "timed out" : std::strerror(code))};
}

Result<void> wait_for(int descriptor, short events, Deadline deadline) {
    leave_loop();
    pollfd entry{descriptor, events, 0};
    while (true) {
        const int ready = poll(&entry, 1, deadline.poll_milliseconds());
        if (ready > 0) return {};
        if (ready == 0 && deadline.expired()) return std::unexpected(system_error(EAGAIN, "wait"));
        if (ready < 0 && errno != EINTR) return std::unexpected(system_error(errno, "wait"));
    }
}

Socket::Socket() = default;

Socket::Socket(int descriptor) : descriptor_(descriptor) {
    if (descriptor_ < 0) return;
    const int flags = fcntl(descriptor_, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK)) fcntl(descriptor_, F_SETFL, flags & ~O_NONBLOCK);
    set_no_delay(descriptor_);
}

Socket::~Socket() {
    close();
}

Socket::Socket(Socket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      blocking_(std::exchange(other.blocking_, true)),
      receive_timeout_ms_(other.receive_timeout_ms_),
      send_timeout_ms_(other.send_timeout_ms_),
      tls_(std::move(other.tls_)),
      watched_(std::exchange(other.watched_, {})) {}

Socket& Socket::operator=(Socket&& other) noexcept {
    if (this == &other) return *this;
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
    blocking_ = std::exchange(other.blocking_, true);
    receive_timeout_ms_ = other.receive_timeout_ms_;
    send_timeout_ms_ = other.send_timeout_ms_;
    tls_ = std::move(other.tls_);
    watched_ = std::exchange(other.watched_, {});
    return *this;
}

Result<Socket> Socket::connect(const Address& to, Deadline deadline) {
    return connect_from(Address(), to, deadline);
}

Result<Socket> Socket::connect_from(const Address& from, const Address& to, Deadline deadline) {
    const int domain = to.family() == Address::Family::Unix   ? AF_UNIX
                       : to.family() == Address::Family::IPv6 ? AF_INET6
                                                              : AF_INET;
    Socket socket;
    socket.descriptor_ = ::socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket.descriptor_ < 0) return std::unexpected(system_error(errno, "socket"));
    if (from.family() != Address::Family::None) {
        sockaddr_storage storage;
        const uint32_t size = from.to_sockaddr(&storage);
        const int on = 1;
        // Lets the kernel pick the port at connect time, so one source address serves many peers.
        if (from.port() == 0)
            setsockopt(socket.descriptor_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(socket.descriptor_, reinterpret_cast<sockaddr*>(&storage), size) != 0) {
            return std::unexpected(system_error(errno, "bind " + from.to_string()));
        }
    }
    set_no_delay(socket.descriptor_);
    TRY(socket.connect_to(to, deadline));
    return socket;
}

Result<Socket> Socket::connect(int descriptor, const Address& to, Deadline deadline) {
    Socket socket(descriptor);
    TRY(socket.connect_to(to, deadline));
    return socket;
}

Result<void> Socket::connect_to(const Address& to, Deadline deadline) {
    leave_loop();  // the kernel's own connect blocks; connections are kept, so this is rare
    sockaddr_storage storage;
    const uint32_t size = to.to_sockaddr(&storage);
    // connect(2) honours the send timeout.
    if (limit_wait(Direction::Send, deadline) & MSG_DONTWAIT) {
        return std::unexpected(system_error(EAGAIN, "connect " + to.to_string()));
    }
    int result = ::connect(descriptor_, reinterpret_cast<sockaddr*>(&storage), size);
    if (result != 0 && errno == EINTR) {
        // The attempt goes on by itself; wait for its end and ask how it went.
        TRY(wait_for(descriptor_, POLLOUT, deadline));
        int code = 0;
        socklen_t code_size = sizeof code;
        getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &code, &code_size);
        errno = code;
        result = code == 0 ? 0 : -1;
    }
    if (result != 0 && errno == EADDRNOTAVAIL && to.family() != Address::Family::Unix)
        return std::unexpected(Error{ErrorKind::Unreachable, EADDRNOTAVAIL,
                                     "connect " + to.to_string() +
                                         ": no free local port is left on this machine "
                                         "(net.ipv4.ip_local_port_range)"});
    if (result != 0) return std::unexpected(system_error(errno, "connect " + to.to_string()));
    return {};
}

void Socket::attach_tls(std::unique_ptr<TlsSession> session) {
    tls_ = std::move(session);
}

int Socket::release() {
    set_blocking(true);
    return std::exchange(descriptor_, -1);
}

void Socket::set_blocking(bool blocking) {
    if (blocking_ == blocking) return;
    const int flags = fcntl(descriptor_, F_GETFL);
    fcntl(descriptor_, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
    blocking_ = blocking;
}

int Socket::limit_wait(Direction direction, Deadline deadline) {
    set_blocking(true);
    int& current = direction == Direction::Receive ? receive_timeout_ms_ : send_timeout_ms_;
    int wanted = 0;
    if (!deadline.is_never()) {
        wanted = deadline.poll_milliseconds();
        if (wanted == 0) return MSG_DONTWAIT;
        // A timeout somewhat shorter than wanted only wakes us early, and we look again.
        if (current != 0 && current <= wanted && current >= wanted / 2) return 0;
    }
    if (current == wanted) return 0;
    const timeval value{wanted / 1000, (wanted % 1000) * 1000};
    setsockopt(descriptor_, SOL_SOCKET, direction == Direction::Receive ? SO_RCVTIMEO : SO_SNDTIMEO,
               &value, sizeof value);
    current = wanted;
    return 0;
}

Result<size_t> Socket::read_on_loop(std::span<char> into, Deadline deadline, int flags) {
    breathe();
    while (true) {
        ssize_t got = -1;
        errno = EAGAIN;
        if (may_be_readable(descriptor_, watched_)) {
            got = recv(descriptor_, into.data(), into.size(), flags | MSG_DONTWAIT);
            const bool all = got < static_cast<ssize_t>(into.size()) && !(flags & MSG_PEEK);
            if (all && (got > 0 || (got < 0 && errno == EAGAIN))) drained(descriptor_, watched_);
        }
        if (got >= 0) return static_cast<size_t>(got);
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return std::unexpected(system_error(errno, "read"));
        if (deadline.expired() || !park(descriptor_, watched_, POLLIN, deadline)) {
            return std::unexpected(system_error(EAGAIN, "read"));
        }
    }
}

Result<size_t> Socket::write_on_loop(std::string_view first, std::string_view second,
                                     Deadline deadline) {
    breathe();
    iovec parts[2] = {{const_cast<char*>(first.data()), first.size()},
                      {const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    while (true) {
        const ssize_t sent =
            second.empty()
                ? send(descriptor_, first.data(), first.size(), MSG_NOSIGNAL | MSG_DONTWAIT)
                : sendmsg(descriptor_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) return static_cast<size_t>(sent);
        if (errno != EINTR) TRY(wait_to_write(deadline));
    }
}

Result<size_t> Socket::read_some(std::span<char> into, Deadline deadline) {
    if (descriptor_ < 0) return std::unexpected(closed_error());
    if (tls_) return tls_->read_some(into, deadline);
    if (current_loop()) return read_on_loop(into, deadline, 0);
    while (true) {
        const int flags = limit_wait(Direction::Receive, deadline);
        const ssize_t got = recv(descriptor_, into.data(), into.size(), flags);
        if (got >= 0) return static_cast<size_t>(got);
        if (errno == EINTR) continue;
        if (errno == EAGAIN && !flags && !deadline.expired()) continue;
        return std::unexpected(system_error(errno, "read"));
    }
}

Result<size_t> Socket::peek(std::span<char> into, Deadline deadline) {
    if (descriptor_ < 0) return std::unexpected(closed_error());
    if (current_loop()) return read_on_loop(into, deadline, MSG_PEEK);
    while (true) {
        const int flags = limit_wait(Direction::Receive, deadline);
        const ssize_t got = recv(descriptor_, into.data(), into.size(), flags | MSG_PEEK);
        if (got >= 0) return static_cast<size_t>(got);
        if (errno == EINTR) continue;
        if (errno == EAGAIN && !flags && !deadline.expired()) continue;
        return std::unexpected(system_error(errno, "read"));
    }
}

Result<void> Socket::write_all(std::string_view bytes, Deadline deadline) {
    return write_all(bytes, {}, deadline);
}

Result<void> Socket::write_all(std::string_view first, std::string_view second, Deadline deadline) {
    if (descriptor_ < 0) return std::unexpected(closed_error());
    if (tls_) {
        // One record for a head and a small body.
        constexpr size_t kWorthCopying = 16 * 1024;
        if (second.empty()) return tls_->write_all(first, deadline);
        if (first.size() + second.size() <= kWorthCopying) {
            std::string both;
            both.reserve(first.size() + second.size());
            both.append(first).append(second);
            return tls_->write_all(both, deadline);
        }
        TRY(tls_->write_all(first, deadline));
        return tls_->write_all(second, deadline);
    }
    const bool on_loop = current_loop() != nullptr;
    while (!first.empty() || !second.empty()) {
        if (on_loop) {
            const size_t sent = TRY(write_on_loop(first, second, deadline));
            const size_t of_first = std::min(sent, first.size());
            first.remove_prefix(of_first);
            second.remove_prefix(sent - of_first);
            continue;
        }
        const int flags = limit_wait(Direction::Send, deadline);
        ssize_t sent;
        if (second.empty()) {
            sent = send(descriptor_, first.data(), first.size(), MSG_NOSIGNAL | flags);
        } else if (first.empty()) {
            sent = send(descriptor_, second.data(), second.size(), MSG_NOSIGNAL | flags);
        } else {
            iovec parts[2] = {{const_cast<char*>(first.data()), first.size()},
                              {const_cast<char*>(second.data()), second.size()}};
            msghdr message{};
            message.msg_iov = parts;
            message.msg_iovlen = 2;
            sent = sendmsg(descriptor_, &message, MSG_NOSIGNAL | flags);
        }
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN && !flags && !deadline.expired()) continue;
            return std::unexpected(system_error(errno, "write"));
        }
        const size_t of_first = std::min(static_cast<size_t>(sent), first.size());
        first.remove_prefix(of_first);
        second.remove_prefix(static_cast<size_t>(sent) - of_first);
    }
    return {};
}

Result<void> Socket::write_lent(std::string_view first, const LentBytes& lent, Deadline deadline) {
    Lender* lender = current_loop() && !tls_ ? Lender::of_this_thread() : nullptr;
    if (!lender || descriptor_ < 0) return write_all(first, lent.bytes, deadline);
    set_blocking(false);  // splice(2) has no flag for a socket
    breathe();
    while (!first.empty()) {
        const ssize_t sent =
            send(descriptor_, first.data(), first.size(), MSG_NOSIGNAL | MSG_MORE | MSG_DONTWAIT);
        if (sent >= 0)
            first.remove_prefix(static_cast<size_t>(sent));
        else if (errno != EINTR)
            TRY(wait_to_write(deadline));
    }
    for (size_t done = 0; done < lent.bytes.size();) {
        const ssize_t sent = lender->send(descriptor_, lent, done);
        if (sent >= 0)
            done += static_cast<size_t>(sent);
        else if (errno != EINTR)
            TRY(wait_to_write(deadline));
    }
    return {};
}

// After a call on a loop that failed: waits until writing is worth another, when that is all that
// was wrong.
Result<void> Socket::wait_to_write(Deadline deadline) {
    if (errno != EAGAIN) return std::unexpected(system_error(errno, "write"));
    if (deadline.expired() || !park(descriptor_, watched_, POLLOUT, deadline))
        return std::unexpected(system_error(EAGAIN, "write"));
    return {};
}

Result<size_t> Socket::write_some(std::string_view bytes, Deadline deadline) {
    if (descriptor_ < 0) return std::unexpected(closed_error());
    if (tls_) return tls_->write_some(bytes, deadline);
    if (current_loop()) return write_on_loop(bytes, {}, deadline);
    while (true) {
        const int flags = limit_wait(Direction::Send, deadline);
        const ssize_t sent = send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | flags);
        if (sent >= 0) return static_cast<size_t>(sent);
        if (errno == EINTR) continue;
        if (errno == EAGAIN && !flags && !deadline.expired()) continue;
        return std::unexpected(system_error(errno, "write"));
    }
}

bool Socket::readable_now() const {
    if (descriptor_ < 0) return true;
    if (tls_ && tls_->has_buffered()) return true;
    // What the loop has not heard of is not there; most often that saves the system call.
    if (watched_.loop && watched_.loop == current_loop() && !may_be_readable(descriptor_, watched_))
        return false;
    pollfd entry{descriptor_, POLLIN | POLLRDHUP, 0};
    return poll(&entry, 1, 0) != 0;
}

Result<void> Socket::wait_readable(Deadline deadline) {
    if (descriptor_ < 0) return std::unexpected(closed_error());
    if (tls_ && tls_->has_buffered()) return {};
    return wait_for(descriptor_, POLLIN, deadline);
}

void Socket::finish_writing() {
    if (descriptor_ < 0) return;
    if (tls_) tls_->close_notify();
    ::shutdown(descriptor_, SHUT_WR);
}

void Socket::stop_reading() {
    if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_RD);
}

void Socket::shut() {
    if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_RDWR);
}

void Socket::close() {
    if (descriptor_ < 0) return;
    if (tls_) {
        tls_->close_notify();
        tls_.reset();
    }
    ::close(std::exchange(descriptor_, -1));
}

void Socket::reset() {
    if (descriptor_ < 0) return;
    // Dissolving the association sends RST at once and keeps the descriptor, which another thread
    // may be about to shut.
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    const linger none{1, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    if (::connect(descriptor_, &nobody, sizeof nobody) != 0) ::shutdown(descriptor_, SHUT_RDWR);
}

Address Socket::peer() const {
    sockaddr_storage storage;
    socklen_t size = sizeof storage;
    if (getpeername(descriptor_, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
    return Address::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), size);
}

Address Socket::local() const {
    sockaddr_storage storage;
    socklen_t size = sizeof storage;
    if (getsockname(descriptor_, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
    return Address::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), size);
}

}  // namespace net

// Socket: one connected stream, plain or TLS, with a deadline on every wait. Move-only; closes
// itself. Descriptors block, with the kernel's own receive and send timeouts: in a thread per
// connection that is one system call per read where a poll before it would make three. Timeouts are
// set only when they change. Who polls a descriptor himself reads it with Deadline::now(). A
// session on a loop (net/loop) lets others run instead of blocking.
#pragma once
#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/address.h"
#include "net/deadline.h"
#include "net/lender.h"
#include "net/loop.h"

namespace net {

enum class ErrorKind : uint8_t { Timeout, Refused, Unreachable, Reset, Closed, Tls, System };

struct [[nodiscard]] Error {
    ErrorKind kind;
    int code = 0;      // errno
    std::string text;  // for people
};

template <class T>
using Result = std::expected<T, Error>;

class TlsSession;  // net/tls

class Socket {
  public:
    Socket();
    explicit Socket(int descriptor);  // takes it
    ~Socket();
    Socket(Socket&&) noexcept;
    Socket& operator=(Socket&&) noexcept;

    static Result<Socket> connect(const Address& to, Deadline deadline);
    // For a socket that was made elsewhere (a task's namespace): connects the descriptor it takes.
    static Result<Socket> connect(int descriptor, const Address& to, Deadline deadline);
    // `from` binds the local address first (port 0 = any).
    static Result<Socket> connect_from(const Address& from, const Address& to, Deadline deadline);

    // TLS on top, from here on. See net/tls.h for contexts.
    void attach_tls(std::unique_ptr<TlsSession> session);
    bool is_tls() const { return tls_ != nullptr; }
    TlsSession* tls() { return tls_.get(); }

    bool is_open() const { return descriptor_ >= 0; }
    int descriptor() const { return descriptor_; }
    int release();  // gives the descriptor away (plain sockets only)

    // 0 = the peer finished writing.
    Result<size_t> read_some(std::span<char> into, Deadline deadline);
    Result<void> write_all(std::string_view bytes, Deadline deadline);
    // Both parts in one system call where possible.
    Result<void> write_all(std::string_view first, std::string_view second, Deadline deadline);
    // As write_all; on a loop the kernel sends the lent pages themselves and copies nothing. Plain
    // sockets only; the process ignores SIGPIPE.
    Result<void> write_lent(std::string_view first, const LentBytes& lent, Deadline deadline);
    // As much as the kernel takes, at least one byte, or an error. After a Timeout offer the same
    // bytes again.
    Result<size_t> write_some(std::string_view bytes, Deadline deadline);
    // True: a read would not block (data, end or error). Used by pools before they reuse a
    // connection.
    bool readable_now() const;
    // Looks at bytes without taking them (plain sockets); 0 = the end.
    Result<size_t> peek(std::span<char> into, Deadline deadline);
    Result<void> wait_readable(Deadline deadline);

    void finish_writing();  // FIN (TLS: close_notify first)
    void stop_reading();    // from any thread: ends a blocked read; writing goes on
    void shut();            // both ways, from any thread: wakes whoever is blocked on it
    void close();           // by the owner only; a listener's session uses shut() or reset()
    void reset();           // the peer sees RST (a UNIX peer: the end)

    Address peer() const;
    Address local() const;

    // False: another loop than the caller's watches it.
    bool belongs_here() const { return !watched_.loop || watched_.loop == current_loop(); }

  private:
    enum class Direction { Receive, Send };
    // Arranges that the next call blocks no longer than until the deadline; gives the flag for it.
    int limit_wait(Direction direction, Deadline deadline);
    void set_blocking(bool blocking);
    Result<void> connect_to(const Address& to, Deadline deadline);
    Result<size_t> read_on_loop(std::span<char> into, Deadline deadline, int flags);
    Result<void> wait_to_write(Deadline deadline);
    Result<size_t> write_on_loop(std::string_view first, std::string_view second,
                                 Deadline deadline);

    int descriptor_ = -1;
    bool blocking_ = true;        // false only while a session on a loop lends pages
    int receive_timeout_ms_ = 0;  // as the kernel has it; 0 = none
    int send_timeout_ms_ = 0;
    std::unique_ptr<TlsSession> tls_;
    Watched watched_;
};

}  // namespace net

// Socket: one connected stream, plain or TLS, with a deadline on every wait. Move-only; closes itself.
#pragma once
#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/address.h"
#include "net/deadline.h"

namespace net {

enum class ErrorKind : uint8_t { Timeout, Refused, Unreachable, Reset, Closed, Tls, System };

struct [[nodiscard]] Error {
    ErrorKind kind;
    int code = 0;             // errno
    std::string text;         // for people
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
    // True: a read would not block (data, end or error). Used by pools before they reuse a connection.
    bool readable_now() const;
    Result<void> wait_readable(Deadline deadline);

    void finish_writing();   // FIN (TLS: close_notify first)
    void shut();             // both ways, from any thread: wakes whoever is blocked on it
    void close();
    void reset();            // SO_LINGER 0: the peer sees RST

    Address peer() const;
    Address local() const;

  private:
    int descriptor_ = -1;
    std::unique_ptr<TlsSession> tls_;
};

}  // namespace net

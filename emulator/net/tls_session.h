// TlsSession: what net/socket needs of TLS. Implemented in net/tls.cpp; nobody else includes this.
#pragma once
#include <string>

#include "net/socket.h"

namespace net {

class TlsSession {
  public:
    virtual ~TlsSession() = default;
    virtual Result<size_t> read_some(std::span<char> into, Deadline deadline) = 0;
    virtual Result<size_t> write_some(std::string_view bytes, Deadline deadline) = 0;
    virtual Result<void> write_all(std::string_view bytes, Deadline deadline) = 0;
    virtual bool has_buffered() const = 0;  // decrypted bytes that a read would give at once
    virtual void close_notify() = 0;        // never waits
    virtual std::string server_name() const = 0;
    virtual std::string protocol() const = 0;
    virtual std::string version() const = 0;
    virtual std::string cipher() const = 0;
};

// Waits with poll(2) until `events` or the deadline.
Result<void> wait_for(int descriptor, short events, Deadline deadline);
Error system_error(int code, std::string_view doing);

}  // namespace net

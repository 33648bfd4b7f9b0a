// Listener: an accept loop on one address, a thread per connection, and a drain at the end.
#pragma once
#include <atomic>
#include <chrono>
#include <expected>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "base/thread.h"
#include "net/socket.h"

namespace net {

class Listener {
  public:
    // Called on the connection's own thread; the socket is shut when the listener stops.
    using Session = std::function<void(Socket&)>;

    // Binds and listens at once; an error is one sentence ("127.0.0.1:8080 is in use by another program").
    static std::expected<std::unique_ptr<Listener>, std::string> open(const Address& at, std::string name,
                                                                      Session session);
    // The same on a listening socket that was made elsewhere.
    static std::unique_ptr<Listener> adopt(int descriptor, std::string name, Session session);
    ~Listener();  // stop()

    Address address() const { return address_; }  // with the real port
    void start();
    // No new connections; waits up to `grace` for sessions to end, then shuts their sockets; joins all.
    void stop(std::chrono::milliseconds grace = std::chrono::milliseconds(0));
    size_t open_connections() const;

  private:
    Listener(int descriptor, Address address, std::string name, Session session);
    struct Connection;
    void accept_loop();
    void reap();

    int descriptor_;
    Address address_;
    std::string name_;
    Session session_;
    std::atomic<bool> stopping_{false};
    base::Thread acceptor_;
    mutable std::mutex mutex_;
    std::list<std::unique_ptr<Connection>> connections_;
};

}  // namespace net

// Listener: an accept loop on one address, a thread per connection, and a drain at the end.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
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

    // Binds and listens at once; an error is one sentence ("127.0.0.1:8080 is in use by another
    // program").
    static std::expected<std::unique_ptr<Listener>, std::string> open(const Address& at,
                                                                      std::string name,
                                                                      Session session);
    // The same on a listening socket that was made elsewhere.
    static std::unique_ptr<Listener> adopt(int descriptor, std::string name, Session session);
    ~Listener();  // stop()

    Address address() const { return address_; }  // with the real port
    // Before start(): above `max_connections`, and when threads or descriptors run out, a
    // connection is answered with `refusal` (may be "") and closed.
    void set_limit(size_t max_connections, std::string refusal);
    // Before start(): sessions run on these loops, which outlive the listener; null = threads.
    void set_loops(Loops* loops) { loops_ = loops && Loops::built() ? loops : nullptr; }
    void start();
    // No new connections; waits up to `grace` for sessions to end, then shuts their sockets; joins
    // all.
    void stop(std::chrono::milliseconds grace = std::chrono::milliseconds(0));
    size_t open_connections() const;

  private:
    Listener(int descriptor, Address address, std::string name, Session session);
    struct Connection;
    using Connections = std::list<std::unique_ptr<Connection>>;
    void accept_loop();
    void start_connection(Socket socket);
    void run(Connections::iterator connection);
    void refuse(Socket socket, std::string_view why);
    void wait_until_empty(Deadline deadline);

    int descriptor_;
    Address address_;
    std::string name_;
    Session session_;
    std::atomic<bool> stopping_{false};
    base::Thread acceptor_;
    size_t max_connections_ = SIZE_MAX;
    std::string refusal_;
    Loops* loops_ = nullptr;
    int spare_descriptor_ =
        -1;  // given up for a moment to refuse politely when descriptors run out
    std::atomic<int64_t> last_complaint_{0};

    mutable std::mutex mutex_;
    std::condition_variable ended_;
    Connections connections_;
    Connections finished_;  // their threads are past their last step and wait to be joined
};

}  // namespace net

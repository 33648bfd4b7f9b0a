// ScriptedOrigin: a server on loopback that replies as told and remembers what it saw: well-formed
// answers, raw bytes, delays, resets. The other end of what the stack sends to origins. Its own
// reading of HTTP/1.1, not the emulator's.
#pragma once
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/thread.h"
#include "scenarios/runner/answer.h"

namespace scenarios {

class ScriptedOrigin {
  public:
    // On loopback; port 0 is any free one. Throws std::system_error.
    explicit ScriptedOrigin(base::Clock& clock, int port = 0);
    ~ScriptedOrigin();

    int port() const { return port_; }
    // "GET /a" (or "/a", any method) answers so; the newest that fits wins.
    void reply(const std::string& request_line, base::Node reply);
    void forget();

    // saw.* of the requests since the last call.
    void tell(Answer& answer);

  private:
    struct Rule {
        std::string method, path;
        base::Node reply;
        int64_t times;  // -1: for ever
    };
    struct Seen {
        std::string method, path, body;
        std::vector<std::pair<std::string, std::string>> headers;
    };
    struct Connection {
        int socket = -1;
        base::Thread thread;
    };

    void accept_loop();
    void serve(int socket);
    base::Node choose(const Seen& seen);
    bool answer(int socket, const Seen& seen, const base::Node& reply);  // false: close

    base::Clock& clock_;
    int listener_ = -1, port_ = 0;
    std::mutex mutex_;
    std::list<Rule> rules_;
    std::deque<Seen> seen_;
    std::list<Connection> connections_;
    bool stopping_ = false;
    base::Thread acceptor_;
};

}  // namespace scenarios

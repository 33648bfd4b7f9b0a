// ScriptedOrigin: an origin that replies as told and remembers what it saw. Replies are bytes, so
// that they can be malformed; requests are read by a reader of its own, not by the code under test.
#pragma once
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/listener.h"

namespace test {

struct SeenRequest {
    std::string head;   // as it came, the empty line included
    std::string body;   // without chunked framing
    size_t connection;  // 1 is the first
    // "" if absent; of the first with that name, in lower case.
    std::string header(std::string_view name) const;
    std::string first_line() const { return head.substr(0, head.find("\r\n")); }
};

// What is done about one request, in this order.
struct Script {
    std::string reply;  // bytes; more than one piece go out as separate writes
    std::vector<std::string> further = {};
    bool reads_body = true;  // false: answers before the body
    enum class Then { KeepAlive, Close, Reset, Silence } then = Then::KeepAlive;
};

// "HTTP/1.1 200 OK" with a Content-Length.
std::string reply_of(int status, std::string_view body, std::string_view headers = "");

class ScriptedOrigin {
  public:
    ScriptedOrigin();
    ~ScriptedOrigin();
    net::Address address() const { return listener_->address(); }
    uint16_t port() const { return listener_->address().port(); }

    void will(Script script);  // the next request; without one: 200 "default"
    void will(std::string reply) { will(Script{std::move(reply)}); }
    std::vector<SeenRequest> seen() const;
    size_t count() const { return seen().size(); }
    size_t connections() const;

  private:
    void serve(net::Socket& socket);
    bool read_body(net::Socket& socket, std::string& buffered, SeenRequest& request);

    mutable std::mutex mutex_;
    std::condition_variable stopped_;
    bool stopping_ = false;
    std::deque<Script> scripts_;
    std::vector<SeenRequest> seen_;
    size_t connections_ = 0;
    std::unique_ptr<net::Listener> listener_;
};

}  // namespace test

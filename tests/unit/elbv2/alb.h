// Alb: a whole balancer in this process, on free loopback ports, with a clock that stands still;
// raw targets that answer as told and remember what they saw; a raw client.
#pragma once
#include <catch2/catch.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "aws/error.h"
#include "base/json.h"
#include "elbv2/balancer.h"
#include "elbv2/control_plane.h"
#include "elbv2/health.h"
#include "elbv2/listeners.h"
#include "net/listener.h"
#include "net/tls.h"
#include "support/temporary_directory.h"

namespace alb {

using base::Node;

// A target on a loopback port. `answer` gets the request (head and body as bytes) and gives raw
// bytes;
// "" closes without an answer. Connections stay open unless the answer says `Connection: close`.
class Target {
  public:
    using Answer = std::function<std::string(const std::string& request)>;
    explicit Target(Answer answer = {});
    ~Target() { listener_->stop(); }

    uint16_t port() const { return listener_->address().port(); }
    std::vector<std::string> requests() const;
    std::string last() const;
    size_t connections() const;
    void set_answer(Answer answer);

  private:
    void serve(net::Socket& socket);
    mutable std::mutex mutex_;
    Answer answer_;
    std::vector<std::string> requests_;
    size_t connections_ = 0;
    std::unique_ptr<net::Listener> listener_;
};

std::string ok(std::string_view body = "ok", std::string_view headers = {});

struct Response {
    std::string head, body;  // head with its empty line
    int status() const { return head.size() > 12 ? std::atoi(head.c_str() + 9) : 0; }
    std::string header(std::string_view name) const;  // "" if absent; several joined with " | "
    bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
};

// One client connection.
class Client {
  public:
    explicit Client(const net::Address& to);
    void send(std::string_view bytes);
    Response read(bool is_head = false);
    Response ask(std::string_view bytes, bool is_head = false) {
        send(bytes);
        return read(is_head);
    }
    // Everything until the other side closes.
    std::string read_to_end();
    bool is_closed(std::chrono::milliseconds within = std::chrono::milliseconds(2000));
    net::Socket& socket() { return socket_; }

  private:
    bool fill();
    net::Socket socket_;
    std::string buffer_;
};

class Alb {
  public:
    Alb();
    ~Alb();

    // One API call; throws aws::Error. Input as JSON text or Node.
    Node call(const std::string& operation, const Node& input);
    Node call(const std::string& operation, const std::string& json);
    Node call(const std::string& operation, const char* json) {
        return call(operation, std::string(json));
    }
    // The error's code and message, "" if the call passes.
    std::string error_of(const std::string& operation, const std::string& json);

    // A load balancer "app", a group "tg" of IP targets, a listener on `port` that forwards to it.
    void set_up(uint16_t port = 80);
    std::string make_group(const std::string& name, const std::string& more = {});
    std::string make_listener(uint16_t port, const std::string& actions);
    std::string make_rule(int priority, const std::string& conditions, const std::string& actions);
    void register_target(const Target& target, const std::string& group_arn = {});
    void set_lb(const std::string& key, const std::string& value);
    void set_group(const std::string& key, const std::string& value);
    void set_listener(const std::string& key, const std::string& value);
    // One health round with its outcomes.
    void probe();
    // DescribeTargetHealth: "state reason description" of the first target.
    std::string health(const std::string& group_arn = {});

    net::Address at(uint16_t port = 80) const;  // where the listener with the declared port answers
    std::string get(std::string_view path = "/", std::string_view headers = {}) const;
    Response ask(std::string_view path = "/", std::string_view headers = {});
    // The last request's for `target`. Ends every connection first: a span is written after its
    // answer.
    base::Span span_of(std::string_view target);

    support::TemporaryDirectory directory;
    net::Authority authority{directory.path() + "/ca"};
    net::TlsServer tls{authority};
    base::ManualClock clock;
    base::Ids ids{"123456789012", "us-east-1"};
    std::unique_ptr<state::Database> database;
    std::unique_ptr<elbv2::ControlPlane> control_plane;
    net::Resolver resolver;
    http::Upstream upstream;
    base::TraceRing traces;
    std::vector<std::string> log_lines;
    std::vector<std::string> log_keys;  // bucket/key of each file that was delivered
    aws::LogFiles log_files{
        "elbv2", [this](const std::string& bucket, const std::string& key, const std::string&) {
            log_keys.push_back(bucket + "/" + key);
            return true;
        }};
    std::unique_ptr<elbv2::Balancer> balancer;
    net::Loops loops{"test", 2};  // as the emulator's
    std::unique_ptr<elbv2::Listeners> listeners;
    std::unique_ptr<elbv2::Health> health_loop;
    std::string lb_arn, group_arn, listener_arn;

  private:
    std::mutex log_mutex_;
};

}  // namespace alb

// A small stand-in for the stack, over real sockets, and scenarios carried out against it.
#pragma once
#include <httplib.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>

#include "base/text.h"
#include "base/thread.h"
#include "scenarios/runner/report.h"
#include "scenarios/runner/runner.h"
#include "scenarios/runner/scripted_origin.h"

using namespace scenarios;
using base::Node;

// A viewer port, a control API and an S3 in one server.
class FakeStack {
  public:
    FakeStack() {
        server_.set_tcp_nodelay(true);
        server_.set_keep_alive_max_count(1000);
        auto json = [](httplib::Response& r, int status, const std::string& text) {
            r.status = status;
            r.set_content(text, "application/json");
        };
        server_.Get("/hello", [](const httplib::Request&, httplib::Response& r) {
            r.set_header("X-Cache", "Hit from cloudfront");
            r.set_header("X-Amz-Cf-Id", "cf-1");
            r.set_header("Age", "30");
            r.set_content("<div id=\"root\">hi</div>", "text/html");
        });
        server_.Post("/login", [json](const httplib::Request& q, httplib::Response& r) {
            const auto body = base::parse_json(q.body);
            const bool right = body && (*body)["password"].as_string() == "Correct-horse-9";
            r.set_header("Set-Cookie", "sid=s1; Path=/; HttpOnly");
            json(r, right ? 200 : 401,
                 right ? R"({"id": 7, "token": "tok-secret-1", "roles": ["admin", "user"]})"
                       : R"({"message": "no"})");
        });
        server_.Get("/me", [json](const httplib::Request& q, httplib::Response& r) {
            json(r, 200,
                 Node::object({{"host", ""},
                               {"auth", q.get_header_value("Authorization")},
                               {"cookie", q.get_header_value("Cookie")},
                               {"port", q.remote_port}})
                         .is_object()
                     ? base::to_json(Node::object({{"host", q.get_header_value("Host")},
                                                   {"auth", q.get_header_value("Authorization")},
                                                   {"cookie", q.get_header_value("Cookie")},
                                                   {"from", q.remote_addr},
                                                   {"port", q.remote_port},
                                                   {"page", q.get_param_value("page")}}))
                     : "");
        });
        server_.Get("/counter", [this, json](const httplib::Request&, httplib::Response& r) {
            json(r, ++counter >= 3 ? 200 : 503, std::to_string(counter.load()));
        });
        server_.Get("/old", [](const httplib::Request&, httplib::Response& r) {
            r.set_redirect("/hello", 302);
        });
        server_.Get("/_dodam/v1/clock", [json](const httplib::Request&, httplib::Response& r) {
            json(r, 200, R"({"now": "2026-11-24T15:00:00.000Z"})");
        });
        server_.Post("/_dodam/v1/clock",
                     [this, json](const httplib::Request& q, httplib::Response& r) {
                         advanced = (*base::parse_json(q.body))["advance"].as_string() + " " +
                                    q.get_header_value("X-Dodam-Token");
                         json(r, 200, "{}");
                     });
        server_.Get("/_dodam/v1/logs", [json](const httplib::Request&, httplib::Response& r) {
            json(
                r, 200,
                R"({"events": [{"time": "t", "stream": "s", "message": "GET /me 200"}, {"time": "t", "stream": "s", "message": "started"}]})");
        });
        server_.Get("/_dodam/v1/traces", [json](const httplib::Request& q, httplib::Response& r) {
            const std::string id = q.get_param_value("id");
            if (id == "cf-1")
                return json(r, 200, R"({"spans": [
                    {"sequence": 1, "hop": "alb", "id": "Root=1", "parent": "cf-1", "method": "GET", "host": "h", "target": "/hello", "status": 200, "took_us": 500, "started": "2026-11-24T15:00:00.000200Z", "decisions": [{"key": "target", "text": "10.0.0.5:3000"}]},
                    {"sequence": 2, "hop": "edge", "id": "cf-1", "parent": "", "method": "GET", "host": "h", "target": "/hello", "status": 200, "took_us": 900, "started": "2026-11-24T15:00:00.000100Z", "decisions": [{"key": "attempt", "text": "1: 200"}]}]})");
            json(r, 200, R"({"spans": []})");
        });
        server_.Post("/_dodam/v1/faults",
                     [this, json](const httplib::Request& q, httplib::Response& r) {
                         const Node input = *base::parse_json(q.body);
                         std::lock_guard lock(mutex_);
                         if (input["target"].as_string() == "redis" && redis_refuses)
                             return json(r, 400, R"({"message": "no redis here"})");
                         faults.push_back(q.body);
                         if (input["fault"].find("kill"))
                             return json(r, 200, R"({"killed": ["t1"]})");
                         json(r, 200, "{\"id\": " + std::to_string(faults.size()) + "}");
                     });
        server_.Get("/broken", [this, json](const httplib::Request&, httplib::Response& r) {
            const int n = ++counter;
            json(r, n > 2 && n <= 5 ? 503 : 200, "{}");
        });
        server_.Get("/events", [](const httplib::Request&, httplib::Response& r) {
            r.set_chunked_content_provider(
                "text/event-stream", [](size_t, httplib::DataSink& sink) {
                    const std::string text =
                        ": hello\n\nevent: stock\nid: 7\ndata: {\"n\": 1}\n\ndata: two\ndata: "
                        "lines\n\n";
                    sink.write(text.data(), text.size());
                    sink.done();
                    return true;
                });
        });
        port_ = server_.bind_to_any_port("127.0.0.1");
        thread_ = base::Thread("fake-stack", [this] { server_.listen_after_bind(); });
    }
    ~FakeStack() {
        server_.stop();
        thread_.join();
    }

    World world() const {
        World world;
        world.aws_endpoint = world.viewer_endpoint = "http://127.0.0.1:" + std::to_string(port_);
        world.token = "tok";
        world.state = "/state";
        world.stack = *base::parse_json(
            R"({"distributions": {"app": {"id": "E1", "domain": "d1.cloudfront.net"}}, "services": {"backend": {"name": "backend"}}})");
        return world;
    }

    std::vector<std::string> asked_faults() const {
        std::lock_guard lock(mutex_);
        return faults;
    }

    std::atomic<int> counter{0};
    bool redis_refuses = false;
    std::vector<std::string> faults;  // bodies, under the lock
    std::string advanced;

  private:
    mutable std::mutex mutex_;
    httplib::Server server_;
    int port_ = 0;
    base::Thread thread_;
};

struct Ran {
    std::unique_ptr<Scenario> scenario;
    std::vector<ScenarioResult> results;
    const ScenarioResult& only() const { return results.front(); }
    std::string outcomes() const {
        std::string out;
        for (const StepResult& step : only().steps)
            out += step.outcome == Outcome::Passed    ? '.'
                   : step.outcome == Outcome::Failed  ? 'F'
                   : step.outcome == Outcome::Skipped ? 's'
                                                      : 'k';
        return out;
    }
    std::string message(size_t step) const {
        std::string out;
        for (const Failure& failure : only().steps.at(step).failures)
            out += failure.query + ": " + failure.message + "\n";
        return out;
    }
};

inline Ran run(const FakeStack& stack, const std::string& steps, const std::string& head = "",
               std::shared_ptr<ScriptedOrigin> origin = nullptr,
               const std::string& file = "x.scenario.json",
               const RunOptions& options = {.seed = "1"}) {
    const World world = stack.world();
    Loaded loaded = read_scenario(file,
                                  "{ \"version\": 1, \"scenario\": \"it works\",\n" + head +
                                      "\"steps\": [\n" + steps + "\n] }",
                                  {&world.stack, {}});
    for (const Problem& problem : loaded.problems)
        UNSCOPED_INFO(show(loaded.scenario.source, problem));
    REQUIRE(loaded.problems.empty());
    Ran ran;
    ran.scenario = std::make_unique<Scenario>(std::move(loaded.scenario));
    base::SystemClock clock;
    ran.results = run_scenario(*ran.scenario, world, clock, options, std::move(origin));
    return ran;
}

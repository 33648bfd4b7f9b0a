// Many scenarios in one run: order, locks, retries, budgets, exit codes. Over real sockets, against
// a server that counts.
#include "scenarios/runner/session.h"

#include <httplib.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <set>

#include "base/text.h"
#include "base/thread.h"
#include "scenarios/runner/record.h"
#include "scenarios/runner/report.h"

using namespace scenarios;
using base::Node;

namespace {

// "/ok"; "/third" is 200 from its third request on; "/slow" waits for stop(); "/one-at-a-time"
// remembers how many were there at once.
class Server {
  public:
    Server() {
        server_.set_tcp_nodelay(true);
        server_.Get("/ok", [](const httplib::Request&, httplib::Response& r) { r.status = 200; });
        server_.Get("/third", [this](const httplib::Request&, httplib::Response& r) {
            r.status = ++thirds >= 3 ? 200 : 500;
        });
        server_.Get("/one-at-a-time", [this](const httplib::Request&, httplib::Response& r) {
            most = std::max(most.load(), ++inside);
            // Long enough for another worker to come in, if it were let.
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, std::chrono::milliseconds(20));
            --inside;
            r.status = 200;
        });
        port_ = server_.bind_to_any_port("127.0.0.1");
        thread_ = base::Thread("server", [this] { server_.listen_after_bind(); });
        (void)httplib::Client("127.0.0.1", port_).Get("/ok");  // it runs: stop() ends it
    }
    ~Server() {
        server_.stop();
        thread_.join();
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

    std::atomic<int> thirds{0}, inside{0}, most{0};

  private:
    httplib::Server server_;
    std::mutex mutex_;
    std::condition_variable changed_;
    int port_ = 0;
    base::Thread thread_;
};

class OneWorld final : public WorldSource {
  public:
    explicit OneWorld(const Server& server) {
        place_.world.aws_endpoint = place_.world.viewer_endpoint = server.url();
        place_.name = "here";
    }
    std::string kind_of(const Scenario&) const override { return {}; }
    std::expected<Place, Problem> prepare(size_t, const Scenario&) override {
        ++prepared;
        if (!problem.empty()) return std::unexpected(Problem{problem});
        return place_;
    }
    void finished(size_t, const ScenarioResult&, After after) override {
        kept += after == After::Keep ? 1 : 0;
    }
    std::atomic<int> prepared{0}, kept{0};
    std::string problem;

  private:
    Place place_;
};

struct Files {
    std::vector<std::unique_ptr<Scenario>> all;
    std::vector<const Scenario*> chosen;
    void add(const std::string& id, const std::string& steps, const std::string& head = "") {
        Loaded loaded = read_scenario(id + ".scenario.json",
                                      "{ \"version\": 1, \"scenario\": \"it works\", " + head +
                                          " \"steps\": [ " + steps + " ] }",
                                      {});
        for (const Problem& problem : loaded.problems)
            UNSCOPED_INFO(show(loaded.scenario.source, problem));
        REQUIRE(loaded.problems.empty());
        all.push_back(std::make_unique<Scenario>(std::move(loaded.scenario)));
        chosen.push_back(all.back().get());
    }
};

std::string get(const Server& server, const std::string& path, int status = 200) {
    return "{ \"GET\": \"" + server.url() + path +
           "\", \"expect\": { \"status\": " + std::to_string(status) + " } }";
}

std::string outcomes(const SessionResult& session) {
    std::string out;
    for (const ScenarioResult& result : session.results)
        out += std::string(name_of(result.outcome)) + " ";
    return out;
}

SessionResult run(const Files& files, WorldSource& worlds, SessionOptions options = {}) {
    base::SystemClock clock;
    options.run.seed = "1";
    return run_session(files.chosen, worlds, clock, options);
}

}  // namespace

TEST_CASE("a shard is decided by the id alone, and the shards are everything once") {
    std::set<std::string> seen;
    for (size_t part = 1; part <= 3; ++part)
        for (int i = 0; i < 100; ++i) {
            const std::string id = "scenario-" + std::to_string(i);
            if (Shard{part, 3}.holds(id)) CHECK(seen.insert(id).second);
        }
    CHECK(seen.size() == 100);
    CHECK(Shard{2, 3}.holds("b-login") == Shard{2, 3}.holds("b-login"));
    for (const char* wrong : {"", "0/3", "4/3", "a/b", "1", "1/", "1/0"})
        CHECK(!parse_shard(wrong));
    CHECK(parse_shard("2/3")->index == 2);
}

TEST_CASE("a seed gives the same order, another seed another one") {
    CHECK(shuffled(50, "a") == shuffled(50, "a"));
    CHECK(shuffled(50, "a") != shuffled(50, "b"));
    auto order = shuffled(50, "a");
    std::sort(order.begin(), order.end());
    for (size_t i = 0; i < order.size(); ++i)
        CHECK(order[i] == i);
}

TEST_CASE("the queue gives what is free, and the same kind first") {
    Queue queue({{{"db"}, "x"}, {{"db"}, "x"}, {{}, "y"}, {{}, "x"}});
    CHECK(queue.take("x") == 0u);
    CHECK(queue.take("x") == 3u);  // 1 waits for the lock, 2 is of another kind
    CHECK(queue.take("x") == 2u);
    CHECK(queue.take("x") == std::nullopt);
    CHECK(!queue.empty());
    queue.done(0);
    CHECK(queue.take("x") == 1u);
    CHECK(queue.empty());
}

TEST_CASE("workers share the scenarios, results keep the files' order, locks are held") {
    Server server;
    OneWorld worlds(server);
    Files files;
    for (int i = 0; i < 12; ++i)
        files.add("s" + std::to_string(i), get(server, "/one-at-a-time"), "\"lock\": \"x\", ");
    const SessionResult session = run(files, worlds, {.workers = 4});
    CHECK(session.exit_code() == 0);
    CHECK(session.results.size() == 12);
    for (size_t i = 0; i < 12; ++i)
        CHECK(session.results[i].scenario == files.chosen[i]);
    CHECK(server.most == 1);
}

TEST_CASE("a pass after a retry is flaky: told, and red unless allowed") {
    Server server;
    OneWorld worlds(server);
    Files files;
    files.add("a", get(server, "/ok"));
    files.add("b", get(server, "/third"), "\"retries\": 3, ");
    SECTION("red") {
        const SessionResult session = run(files, worlds);
        CHECK(outcomes(session) == "passed flaky ");
        CHECK(session.exit_code() == 5);
        CHECK(session.results[1].earlier.size() == 2);
        CHECK(show_summary(session, {}).find("1 passed  0 failed  1 flaky") != std::string::npos);
        const std::string shown = show_result(session.results[1], {}, {});
        INFO(shown);
        CHECK(shown.find("FLAKY") == 0);
        CHECK(shown.find("attempt 1 failed  step 1") != std::string::npos);
        const Node record =
            whole_record(record_of(session, "1"), {record_of(session.results[1], {})});
        CHECK(junit_xml(record).find("<flakyFailure message=\"status: expected 200, got 500\"/>") !=
              std::string::npos);
        CHECK(github_annotations(record).find("::warning file=b.scenario.json,line=1,") == 0);
    }
    SECTION("allowed") {
        CHECK(run(files, worlds, {.flaky = FlakyPolicy::Pass}).exit_code() == 0);
    }
    SECTION("too few retries are a failure, and every attempt is kept") {
        Files stubborn;
        stubborn.add("c", get(server, "/ok", 404), "\"retries\": 2, ");
        const SessionResult session = run(stubborn, worlds);
        CHECK(outcomes(session) == "failed ");
        CHECK(session.exit_code() == 1);
        CHECK(session.results[0].earlier.size() == 2);
    }
}

TEST_CASE("stopping after failures, budgets and interruptions say what was not run") {
    Server server;
    OneWorld worlds(server);
    Files files;
    files.add("a", get(server, "/ok", 404));
    files.add("b", get(server, "/ok"));
    files.add("c", get(server, "/ok"));
    SECTION("max-fail") {
        const SessionResult session = run(files, worlds, {.max_fail = 1});
        CHECK(outcomes(session) == "failed ");
        CHECK(session.not_run.size() == 2);
        CHECK(session.exit_code() == 1);
        CHECK(show_summary(session, {}).find("not run  2 of 3: stopped after 1 failed scenario") !=
              std::string::npos);
    }
    SECTION("a budget that is over") {
        SessionOptions options;
        options.budget = base::microseconds(1);
        const SessionResult session = run(files, worlds, options);
        CHECK(session.not_run.size() == 3);
        CHECK(session.exit_code() == 7);
    }
    SECTION("a budget that ends within a scenario: it cleans up, and is not called failed") {
        Files waiting;
        waiting.add("w",
                    R"({ "GET": ")" + server.url() +
                        R"(/ok", "eventually": "60s", "expect": { "status": 404 } })",
                    R"("after": [ )" + get(server, "/third", 500) + " ], ");
        SessionOptions options;
        options.budget = base::milliseconds(300);
        const SessionResult session = run(waiting, worlds, options);
        CHECK(session.exit_code() == 7);
        CHECK(outcomes(session) == "skipped ");
        CHECK(server.thirds == 1);
    }
    SECTION("Ctrl-C") {
        std::atomic<bool> asked{true};
        SessionOptions options;
        options.interrupted = &asked;
        const SessionResult session = run(files, worlds, options);
        CHECK(session.exit_code() == 130);
        CHECK(session.not_run.size() == 3);
    }
    SECTION("a world that does not start") {
        worlds.problem = "no port is free";
        const SessionResult session = run(files, worlds);
        CHECK(session.exit_code() == 3);
        CHECK(show_summary(session, {}).find("no port is free") != std::string::npos);
    }
}

TEST_CASE("what looked at nothing is red") {
    Server server;
    OneWorld worlds(server);
    Files files;
    files.add("a", R"({ "if": "has.nothing-such", "GET": ")" + server.url() + R"(/ok" })");
    const SessionResult session = run(files, worlds);
    CHECK(outcomes(session) == "failed ");
    CHECK(session.exit_code() == 4);
    CHECK(run({}, worlds).exit_code() == 4);
}

TEST_CASE("a failed scenario's world can be kept, and then it is not run again there") {
    Server server;
    OneWorld worlds(server);
    Files files;
    files.add("a", get(server, "/ok", 404), "\"retries\": 2, ");
    SessionOptions options;
    options.keep_failed = true;
    CHECK(run(files, worlds, options).exit_code() == 1);
    CHECK(worlds.kept == 1);
    CHECK(worlds.prepared == 1);
}

TEST_CASE("reports of shards are merged: all scenarios, the worst exit, what was run elsewhere") {
    auto record = [](int exit, const std::string& ran, const std::string& not_run) {
        return *base::parse_json(base::replace_all(
            base::replace_all(
                base::replace_all(
                    R"({"exit": EXIT, "took_us": 5, "not_run": [NOT], "scenarios": [{"id": "RAN"}]})",
                    "EXIT", std::to_string(exit)),
                "RAN", ran),
            "NOT", not_run.empty() ? "" : R"({"id": ")" + not_run + R"("})"));
    };
    const Node all = merged({record(0, "a", ""), record(1, "b", "a"), record(7, "c", "d")});
    CHECK(all["exit"].as_int() == 1);
    CHECK(all["scenarios"].size() == 3);
    CHECK(all["not_run"].size() == 1);
    CHECK(all["not_run"].items()[0]["id"].as_string() == "d");
}

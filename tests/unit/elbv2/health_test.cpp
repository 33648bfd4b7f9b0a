// Health: transitions as tables, then the loop against real sockets. Numbers are those of alb.md
// §27.
#include "elbv2/health_state.h"
#include "unit/elbv2/alb.h"

using namespace std::chrono_literals;
using alb::Alb;
using alb::ok;
using alb::Target;
using elbv2::HealthRecord;
using elbv2::HealthState;
using elbv2::ProbeOutcome;

namespace {

std::string status_line(int status) {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 0\r\n\r\n";
}

// '+' passes, '-' is silence, 'x' is a wrong answer.
std::string letters_of(std::string_view outcomes, base::milliseconds every = 30s,
                       base::microseconds start = 0s) {
    elbv2::HealthCheck check;
    check.healthy_threshold = 5;
    check.unhealthy_threshold = 2;
    base::Time now{};
    HealthRecord record = elbv2::fresh_record(now);
    std::string states;
    for (char outcome : outcomes) {
        now += every;
        ProbeOutcome result;
        result.kind = outcome == '+'   ? ProbeOutcome::Kind::Passed
                      : outcome == 'x' ? ProbeOutcome::Kind::WrongCode
                                       : ProbeOutcome::Kind::TimedOut;
        record = elbv2::after_probe(record, check, result, now, start, elbv2::SlowStart::Off);
        states += record.shown.state == HealthState::Healthy     ? 'h'
                  : record.shown.state == HealthState::Unhealthy ? 'u'
                                                                 : 'i';
    }
    return states;
}

}  // namespace

TEST_CASE("transitions (#55, #56)") {
    struct Row {
        std::string_view outcomes, states;
    };
    const Row rows[] = {
        {"+", "h"},                        // one success is enough for a new target
        {"-+", "ih"},                      // also after a first failure
        {"--", "iu"},                      // from initial to unhealthy by the threshold
        {"+--", "hhu"},                    // two in a row
        {"+-+-+", "hhhhh"},                // never two in a row
        {"--+++++", "iuuuuuh"},            // back after five
        {"--++++-+++++", "iuuuuuuuuuuh"},  // and they must be in a row
    };
    for (const Row& row : rows) {
        INFO(row.outcomes);
        CHECK(letters_of(row.outcomes) == row.states);
    }
}

TEST_CASE("at speed a program keeps the time to start that production gives it") {
    struct Row {
        std::string_view outcomes, states;
    };
    const Row rows[] = {
        {"----+", "iiiih"},        // silent for four scaled intervals, then up
        {"-------+", "iiiiiuuu"},  // but not for ever
        {"xx", "iu"},              // what answers has started
        {"+--", "hhu"},            // and what was healthy once is given nothing
    };
    for (const Row& row : rows) {
        INFO(row.outcomes);
        CHECK(letters_of(row.outcomes, 1500ms, 9s) == row.states);
    }
    base::ManualClock clock;
    clock.set_speed(20);
    CHECK(clock.scaled_start(60s) == 15s);
    CHECK(clock.scaled_start(10s) == 10s);
    CHECK(clock.scaled_start(600s) == 30s);
    clock.set_speed(1);
    CHECK(clock.scaled_start(60s) == 60s);
}

TEST_CASE("matchers") {
    struct Row {
        std::string_view matcher;
        int code;
        bool accepted;
    };
    const Row rows[] = {{"200", 200, true},      {"200", 201, false},
                        {"200,202", 202, true},  {"200-299", 250, true},
                        {"200-299", 300, false}, {"200,300-302", 301, true}};
    for (const Row& row : rows)
        CHECK(elbv2::matcher_accepts(row.matcher, row.code) == row.accepted);
}

TEST_CASE("a target's life under probes (#55, #56, #57, #59, #60, #61, #62)") {
    Alb alb;
    Target target;
    alb.set_up();
    std::string unattached = alb.make_group("unattached");
    alb.register_target(target, unattached);
    alb.register_target(target);
    CHECK(alb.health(unattached) ==
          "unused Target.NotInUse Target group is not configured to receive traffic from the load "
          "balancer");
    CHECK(alb.health() == "initial Elb.RegistrationInProgress Target registration is in progress");
    alb.probe();
    CHECK(alb.health() == "healthy");
    std::string port = std::to_string(target.port());
    CHECK(target.requests().size() == 1);  // the unattached group is not probed
    CHECK(target.last() ==
          "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + port +
              "\r\nConnection: close\r\nUser-Agent: ELB-HealthChecker/2.0\r\nAccept-Encoding: "
              "gzip, compressed\r\n\r\n");
    alb.probe();
    CHECK(target.requests().size() == 1);  // not before the interval is over

    target.set_answer([](const std::string&) { return status_line(404); });
    alb.clock.advance(30s);
    alb.probe();
    CHECK(alb.health() == "healthy");
    alb.clock.advance(30s);
    alb.probe();
    CHECK(alb.health() ==
          "unhealthy Target.ResponseCodeMismatch Health checks failed with these codes: [404]");
    CHECK(alb.control_plane->describe_targets(alb.group_arn).at(0).detail ==
          "127.0.0.1:" + port + " answered 404 to GET /, wanted 200");
    // Nobody is healthy: the group fails open.
    target.set_answer([](const std::string&) { return ok("open"); });
    CHECK(alb.ask("/open").body == "open");
    CHECK(alb.span_of("/open").decisions[2].text.find("none is healthy, the group fails open") !=
          std::string::npos);
    for (int i = 0; i < 5; ++i) {
        CHECK(alb.health().starts_with("unhealthy"));
        alb.clock.advance(30s);
        alb.probe();
    }
    CHECK(alb.health() == "healthy");
    target.set_answer([](const std::string&) { return std::string("nonsense\r\n\r\n"); });
    for (int i = 0; i < 2; ++i)
        alb.clock.advance(30s), alb.probe();
    CHECK(alb.health() == "unhealthy Target.FailedHealthChecks Health checks failed");
}

TEST_CASE("a refused probe, and a silent one (#58, #59)", "[slow]") {
    Alb alb;
    alb.set_up();
    uint16_t closed;
    {
        Target gone;
        closed = gone.port();
    }
    alb.control_plane->register_targets(alb.group_arn, {{"127.0.0.1", closed}});
    alb.probe();
    CHECK(alb.health() == "initial Elb.InitialHealthChecking Initial health checks in progress");
    alb.clock.advance(30s);
    alb.probe();
    CHECK(alb.health() == "unhealthy Target.FailedHealthChecks Health checks failed");

    std::mutex mutex;
    std::condition_variable released;
    bool over = false;
    Target silent([&](const std::string&) {
        std::unique_lock lock(mutex);
        released.wait_for(lock, 10s, [&] { return over; });
        return std::string();
    });
    std::string group =
        alb.make_group("silent", R"(,"HealthCheckTimeoutSeconds":2,"UnhealthyThresholdCount":2)");
    alb.make_listener(81, R"([{"Type":"forward","TargetGroupArn":")" + group + R"("}])");
    alb.register_target(silent, group);
    alb.probe();
    alb.clock.advance(30s);
    alb.probe();
    CHECK(alb.health(group) == "unhealthy Target.Timeout Request timed out");
    {
        std::lock_guard lock(mutex);
        over = true;
    }
    released.notify_all();
}

TEST_CASE("deregistration drains for its whole delay (#63)") {
    Alb alb;
    Target target;
    alb.set_up();
    alb.set_group("deregistration_delay.timeout_seconds", "30");
    alb.register_target(target);
    alb.probe();
    alb.control_plane->deregister_targets(alb.group_arn, {{"127.0.0.1", target.port()}});
    CHECK(alb.health() ==
          "draining Target.DeregistrationInProgress Target deregistration is in progress");
    CHECK(alb.ask().status() == 503);
    alb.clock.advance(29s);
    alb.probe();
    CHECK(alb.health().starts_with("draining"));
    alb.clock.advance(1s);
    alb.probe();
    CHECK(alb.health() == "none");
    // Registered anew while draining: initial again.
    alb.register_target(target);
    alb.probe();
    alb.control_plane->deregister_targets(alb.group_arn, {{"127.0.0.1", target.port()}});
    alb.register_target(target);
    CHECK(alb.health().starts_with("initial"));
}

TEST_CASE("a request in flight longer than the delay ends with 502 (#64)") {
    Alb alb;
    alb.set_up();
    std::mutex mutex;
    std::condition_variable changed;
    bool arrived = false, over = false;
    Target target([&](const std::string&) {
        std::unique_lock lock(mutex);
        arrived = true;
        changed.notify_all();
        changed.wait_for(lock, 10s, [&] { return over; });
        return ok("late");
    });
    alb.register_target(target);
    alb::Client client(alb.at());
    client.send(alb.get("/slow"));
    {
        std::unique_lock lock(mutex);
        REQUIRE(changed.wait_for(lock, 5s, [&] { return arrived; }));
    }
    alb.control_plane->deregister_targets(alb.group_arn, {{"127.0.0.1", target.port()}});
    alb.clock.advance(299s);
    alb.control_plane->finish_draining(alb.clock.now());
    alb.clock.advance(1s);
    alb.control_plane->finish_draining(alb.clock.now());
    CHECK(client.read().status() == 502);
    CHECK(alb.span_of("/slow").decisions.back().text.find("deregistration delay was over") !=
          std::string::npos);
    std::lock_guard lock(mutex);
    over = true;
    changed.notify_all();
}

TEST_CASE("speed divides interval and delay") {
    Alb alb;
    Target target;
    alb.set_up();
    alb.clock.set_speed(10);
    alb.register_target(target);
    alb.probe();
    alb.clock.advance(3s);
    alb.probe();
    CHECK(target.requests().size() == 2);
    alb.control_plane->deregister_targets(alb.group_arn, {{"127.0.0.1", target.port()}});
    alb.clock.advance(30s);  // a tenth of 300 s
    alb.probe();
    CHECK(alb.health() == "none");
}

TEST_CASE("the loop runs by itself and stops at once") {
    Alb alb;
    Target target;
    alb.set_up();
    alb.register_target(target);
    alb.health_loop->start();
    alb.clock.advance(30s);
    alb.clock.stop();
    alb.health_loop->stop();
    alb.health_loop->wait();
    CHECK(alb.health() == "healthy");
}

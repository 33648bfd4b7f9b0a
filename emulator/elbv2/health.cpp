// See health.h. alb.md §13.
#include "elbv2/health.h"

#include <atomic>

#include "base/log.h"
#include "base/text.h"
#include "elbv2/limits.h"
#include "elbv2/target_fault.h"

namespace elbv2 {
namespace {

constexpr base::milliseconds kRound{100};  // between rounds; a jump of the clock starts one at once

ProbeOutcome judge(const http::Result<std::unique_ptr<http::UpstreamResponse>>& response,
                   const HealthCheck& check, const std::string& address) {
    using Kind = http::Error::Kind;
    if (response) {
        int code = (*response)->head().status;
        if (matcher_accepts(check.http_codes, code)) return {ProbeOutcome::Kind::Passed, code, {}};
        return {ProbeOutcome::Kind::WrongCode, code,
                address + " answered " + std::to_string(code) + " to GET " + check.path +
                    ", wanted " + check.http_codes};
    }
    const http::Error& error = response.error();
    bool waited = error.kind == Kind::ConnectTimeout || error.kind == Kind::ReadTimeout ||
                  error.kind == Kind::WriteTimeout;
    if (waited)
        return {ProbeOutcome::Kind::TimedOut, 0,
                address + " did not answer GET " + check.path + " within " +
                    std::to_string(check.timeout_seconds) + " s"};
    std::string text =
        error.kind == Kind::Refused
            ? address +
                  " refused the connection: nothing listens on the task's own address; an app "
                  "that binds 127.0.0.1 is not reachable"
            : address + ": " + error.text;
    return {ProbeOutcome::Kind::Failed, 0, std::move(text)};
}

// Slow start applies when another target is healthy and past its own.
SlowStart slow_start_for(const RoutedGroup& group, const RoutedTarget& self, base::Time now,
                         double speed) {
    if (group.settings.slow_start.count() == 0) return SlowStart::Off;
    auto ramp = std::chrono::duration_cast<base::microseconds>(
        std::chrono::duration<double>(group.settings.slow_start) / speed);
    for (const RoutedTarget& other : group.targets) {
        if (&other == &self || other.live->state() != HealthState::Healthy) continue;
        base::Time since = other.live->slow_start_since();
        if (since == base::Time{} || now >= since + ramp) return SlowStart::On;
    }
    return SlowStart::Off;
}

void log_change(const RoutedGroup& group, const RoutedTarget& target, const HealthRecord& record) {
    std::string text = "target " + target.address + " of " + group.group.name + " is " +
                       std::string(name_of(record.shown.state));
    if (!record.detail.empty()) text += ": " + record.detail;
    base::log_info("alb", text);
}

}  // namespace

struct Health::Probe {
    std::atomic<bool> done{false};
    base::Thread thread;
};

uint16_t probe_port(const HealthCheck& check, uint16_t target_port) {
    auto port = base::parse_unsigned(check.port);
    return port && *port <= 65535 ? static_cast<uint16_t>(*port) : target_port;
}

http::RequestHead probe_request(const HealthCheck& check, const std::string& ip, uint16_t port) {
    http::RequestHead head;
    head.method = "GET";
    head.target = check.path;
    bool is_v6 = ip.find(':') != std::string::npos;
    head.headers.add("Host", (is_v6 ? "[" + ip + "]" : ip) + ":" + std::to_string(port));
    head.headers.add("Connection", "close");
    head.headers.add("User-Agent", "ELB-HealthChecker/2.0");
    head.headers.add("Accept-Encoding", "gzip, compressed");
    return head;
}

Health::Health(HealthParts parts)
    : parts_(parts),
      upstream_(parts.resolver, {.max_response_head_bytes = kMaxResponseHeadBytes}) {}

Health::~Health() {
    stop();
    wait();
}

// `target` is one of `shared`'s, which lives as long as the probe.
void Health::start_probe(const std::shared_ptr<const RoutedGroup>& shared,
                         const RoutedTarget& target, base::Time now) {
    base::microseconds interval =
        parts_.clock.scaled(base::seconds(shared->group.health_check.interval_seconds));
    target.live->update([&](HealthRecord& record) {
        record.probing = true;
        record.next_probe = now + interval;
        if (record.shown.reason == "Elb.RegistrationInProgress") {
            record.shown.reason = "Elb.InitialHealthChecking";
            record.shown.description = "Initial health checks in progress";
        }
    });
    auto probe = std::make_unique<Probe>();
    Probe* self = probe.get();
    self->thread = base::Thread("alb-probe", [this, self, shared, &target] {
        const RoutedGroup& group = *shared;
        const HealthCheck& check = group.group.health_check;
        uint16_t port = probe_port(check, target.target.port);
        static net::TlsClient tls;
        http::Endpoint to{.host = target.target.id, .port = port};
        if (check.protocol == Protocol::Https) to.tls = &tls;
        base::seconds wait(check.timeout_seconds);
        http::AttemptTimeouts waits{wait, wait, wait, wait, wait};
        auto response = broken_attempt(parts_.faults, group.group.arn, target.target.id, wait, [&] {
            return upstream_.send_fresh(to, probe_request(check, target.target.id, port), nullptr,
                                        waits);
        });
        ProbeOutcome outcome =
            judge(response, check, target.target.id + ":" + std::to_string(port));
        base::Time at = parts_.clock.now();
        const bool passed = outcome.kind == ProbeOutcome::Kind::Passed;
        target.live->requests().add_probe(
            {at, passed, passed ? std::to_string(outcome.code) : outcome.text});
        base::microseconds start = parts_.clock.scaled_start(start_allowance(check));
        SlowStart slow = slow_start_for(group, target, at, parts_.clock.speed());
        target.live->update([&](HealthRecord& record) {
            HealthState before = record.shown.state;
            record = after_probe(std::move(record), check, outcome, at, start, slow);
            record.probing = false;
            if (record.shown.state != before) log_change(group, target, record);
        });
        self->done = true;
    });
    probes_.push_back(std::move(probe));
}

void Health::reap() {
    probes_.remove_if([](const std::unique_ptr<Probe>& probe) { return probe->done.load(); });
}

void Health::step(base::Time now) {
    reap();
    parts_.control_plane.finish_draining(now);
    auto snapshot = parts_.control_plane.snapshot().get();
    for (const auto& group : snapshot->groups) {
        bool in_use = !group->load_balancer_arn.empty();
        for (const RoutedTarget& target : group->targets) {
            if (target.target.is_draining()) continue;
            HealthRecord record = target.live->record();
            if (!in_use) {
                // Not probed while unused; starts anew when the group is attached.
                bool began = record.shown.reason != "Elb.RegistrationInProgress" && !record.probing;
                if (began) target.live->update([&](HealthRecord& r) { r = fresh_record(now); });
                continue;
            }
            bool due =
                !record.probing && record.next_probe <= now && probes_.size() < kMaxProbesInFlight;
            if (due) start_probe(group, target, now);
        }
    }
}

void Health::wait() {
    probes_.clear();
}

void Health::run() {
    do {
        step(parts_.clock.now());
    } while (!stopping_ && parts_.clock.wait_until(parts_.clock.now() + kRound));
}

void Health::start() {
    stopping_ = false;
    loop_ = base::Thread("alb-health", [this] { run(); });
}

void Health::stop() {
    stopping_ = true;
    loop_.join();
}

}  // namespace elbv2

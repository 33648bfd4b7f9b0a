// Visit: one request on its way through the balancer: what was received, what was decided so far,
// and what the trace and the access log will say of it.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/published.h"
#include "base/request_records.h"
#include "base/trace.h"
#include "elbv2/access_log.h"
#include "elbv2/rule_match.h"
#include "elbv2/snapshot.h"
#include "faults/faults.h"
#include "http/server.h"
#include "http/upstream.h"

namespace elbv2 {

struct BalancerParts {
    base::Clock& clock;
    base::TraceRing& traces;
    const base::Published<RoutingSnapshot>& snapshot;
    http::Upstream& upstream;
    // Gets each request of a load balancer whose access log is on; may be empty.
    std::function<void(const LoadBalancerSettings&, const AccessRecord&)> access_log = {};
    base::RequestFailures* failures = nullptr;  // learns of answers that are neither 2xx nor 3xx
    const faults::Faults* faults = nullptr;
};

class Visit {
  public:
    Visit(const BalancerParts& parts, http::Exchange& exchange, const RoutedListener& listener);

    const BalancerParts& parts;
    http::Exchange& exchange;
    const RoutedListener& listener;
    const RoutedLoadBalancer& balancer;
    const base::Time now;
    std::string host;  // effective, as sent
    std::string user_agent;
    std::string trace_header;  // X-Amzn-Trace-Id as it goes on
    std::string peer_ip;
    uint16_t peer_port = 0;
    LiveTarget* chosen = nullptr;  // the target, once there is one; the snapshot keeps it
    std::string group_arn;         // the target group, once there is one
    int target_status = 0;         // the app's own, 0 = it gave none
    bool broke_off = false;        // the target's body ended early
    bool closes_both = false;  // desync: this connection and the target's carry no further request
    base::Span span;
    AccessRecord log;

    const LoadBalancerSettings& settings() const { return balancer.settings; }
    std::chrono::milliseconds idle() const { return settings().idle_timeout; }
    bool wants_log() const { return settings().access_log == Toggle::On && parts.access_log; }
    base::microseconds elapsed() const;
    // A decision for the trace.
    void decide(std::string_view key, std::string text);
    // Answers with the balancer's own page of `status`, and says why in the trace.
    void answer(int status, std::string_view why);
    void answer(const struct GeneratedAnswer& answer);
    // The connection ends with this exchange.
    void close() { exchange.close_after(); }
    // Trace and log; once, at the end.
    void finish();

  private:
    void account();
    std::string why_failed() const;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace elbv2

// Health: the loop that probes targets and lets drained ones go. step() decides and starts what is
// due; outcomes are applied by pure transitions (health_state.h). Intervals are the clock's,
// scaled; a probe's own timeout is real time.
#pragma once
#include <atomic>
#include <list>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/thread.h"
#include "elbv2/control_plane.h"
#include "elbv2/health_state.h"
#include "faults/faults.h"
#include "http/upstream.h"
#include "net/resolver.h"

namespace elbv2 {

struct HealthParts {
    base::Clock& clock;
    ControlPlane& control_plane;
    const net::Resolver& resolver;
    const faults::Faults* faults = nullptr;
};

class Health {
  public:
    explicit Health(HealthParts parts);
    ~Health();

    // One round: starts due probes on threads of their own, finishes deregistrations.
    void step(base::Time now);
    // Until every probe under way has its outcome.
    void wait();

    void start();  // the loop
    void stop();

  private:
    struct Probe;
    void run();
    void start_probe(const std::shared_ptr<const RoutedGroup>& shared, const RoutedTarget& target,
                     base::Time now);
    void reap();

    HealthParts parts_;
    http::Upstream upstream_;
    std::list<std::unique_ptr<Probe>> probes_;
    std::atomic<bool> stopping_{false};
    base::Thread loop_;
};

// The probe's request, as a real target sees it.
http::RequestHead probe_request(const HealthCheck& check, const std::string& ip, uint16_t port);
uint16_t probe_port(const HealthCheck& check, uint16_t target_port);

}  // namespace elbv2

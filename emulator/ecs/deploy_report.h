// The report of one deploy: what ECS knows of it as a document, and the lines that people read.
// Both pure. Between the two the composition root adds what others know: the digest that was pushed
// ("digests.pushed") and the requests that failed ("requests.failures").
#pragma once
#include <string>
#include <vector>

#include "ecs/shapes.h"
#include "ecs/store.h"

namespace ecs {

// A deploy that was rolled back ends when the deployment that brings the old revision back does:
// the times, tasks and requests of both are in its record. `edge_hits` is what the edge has
// answered from its cache up to `now`.
Node deploy_record(const State& state, const Service& service, const Deployment& deployment,
                   Time now, uint64_t edge_hits);

// The deployment that was asked for last: not the one that a rollback began by itself.
const Deployment* last_asked_for(const Service& service);

// Why a task stopped, with what its containers said last and what its probes saw.
Node failure_of(const Task& task);
bool failed_by_itself(const Task& task);

// Did what was asked for arrive: completed, and every task runs what was pushed.
bool has_arrived(const Node& report);
// The first ten lines say what happened, why, and what to do; the rest is how.
std::vector<std::string> report_lines(const Node& report);

}  // namespace ecs

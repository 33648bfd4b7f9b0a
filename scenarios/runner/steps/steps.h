// The verbs of every step file, one family each, and what a step is given to work with.
#pragma once
#include <span>

#include "scenarios/runner/format.h"

namespace scenarios {

extern const std::span<const Verb> http_verbs;      // GET, POST …
extern const std::span<const Verb> data_verbs;      // sql, redis
extern const std::span<const Verb> aws_verbs;       // aws, logs, invalidate
extern const std::span<const Verb> deploy_verbs;    // deploy
extern const std::span<const Verb> workflow_verbs;  // workflow
extern const std::span<const Verb> time_verbs;      // wait, clock
extern const std::span<const Verb> flow_verbs;      // group, parallel, use, check, fault, load
extern const std::span<const Verb> stream_verbs;    // ws, sse
extern const std::span<const Verb> run_verbs;       // run
extern const std::span<const Verb> browser_verbs;   // browser
extern const std::span<const Verb> own_verbs;       // origin, raw

}  // namespace scenarios

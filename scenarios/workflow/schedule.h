// Schedule: which jobs of a run begin next. Pure. Source: GitHub docs, "Workflow syntax ›
// strategy.max-parallel" and "Control the concurrency of workflows and jobs": of a concurrency
// group one job runs and one waits; one that comes later takes the place of the one that waits.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace workflow {

// GitHub's Free plan runs so many jobs of an account at a time.
inline constexpr size_t kMostJobsAtOnce = 20;

// A job whose needs are over; of a matrix, one of its combinations.
struct JobState {
    enum class At { Waiting, Running, Over } at = At::Waiting;
    size_t job = 0;           // those of one matrix have the same
    size_t max_parallel = 0;  // of its matrix, 0 = no limit
    std::string group;        // in lower case, "" = none
    bool cancels_in_progress = false;
};

struct Moves {
    std::vector<size_t> begin;
    std::vector<size_t> stop;  // that run: their group wants them cancelled
    std::vector<size_t> drop;  // that wait: another one took their place
};
Moves next_moves(const std::vector<JobState>& jobs, size_t most_at_once = kMostJobsAtOnce);

}  // namespace workflow

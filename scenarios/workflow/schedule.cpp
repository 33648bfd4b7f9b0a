#include "scenarios/workflow/schedule.h"

#include <algorithm>
#include <map>

namespace workflow {

Moves next_moves(const std::vector<JobState>& jobs, size_t most_at_once) {
    using enum JobState::At;
    Moves moves;
    size_t running = 0;
    std::map<size_t, size_t> of_job;             // how many of it run
    std::map<std::string, size_t> holds, waits;  // a group's job that runs, and the one that waits
    const auto begins = [&](size_t i) {
        ++running;
        ++of_job[jobs[i].job];
        if (!jobs[i].group.empty()) holds.emplace(jobs[i].group, i);
    };
    for (size_t i = 0; i < jobs.size(); ++i)
        if (jobs[i].at == Running) begins(i);
    for (size_t i = 0; i < jobs.size(); ++i) {
        const JobState& one = jobs[i];
        if (one.at != Waiting || running >= most_at_once ||
            (one.max_parallel > 0 && of_job[one.job] >= one.max_parallel))
            continue;
        const auto holder = holds.find(one.group);
        if (holder == holds.end()) {
            moves.begin.push_back(i);
            begins(i);
            continue;
        }
        if (one.cancels_in_progress && jobs[holder->second].at == Running)
            moves.stop.push_back(holder->second);
        if (const auto before = waits.find(one.group); before != waits.end())
            moves.drop.push_back(before->second);
        waits[one.group] = i;
    }
    return moves;
}

}  // namespace workflow

// Load: the same request again and again in the background, at a rate (each is due at its own
// moment, and late ones count as slow) or by so many viewers at once, and what came of it.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/thread.h"
#include "scenarios/runner/answer.h"
#include "scenarios/runner/context.h"

namespace scenarios {

inline constexpr double kMaxLoadRate = 2000;  // requests per second
inline constexpr int64_t kMaxLoadViewers = 64;

struct LoadPlan {
    ViewerRequest request;
    double rate = 0;               // requests per second; 0: each viewer asks as soon as it may
    int viewers = 1;               // connections, each one request at a time
    base::microseconds warmup{0};  // what is asked before does not count
    bool watch_tasks = false;      // find out which tasks answered
};

// One request of the load.
struct LoadSample {
    base::microseconds due{0}, ended{0};  // since the load began
    int status = 0;                       // 0: no answer
    bool failed() const { return status == 0 || status >= 400; }
};

// requests, failed, failedRate (percent), status.N and status.Nxx, p50, p95, p99 (ms), rps, and
// recovers: ms from the first failure to the first answer after the last one; nothing when the
// load ended in failures. Pure.
void summarize(std::vector<LoadSample> samples, base::microseconds warmup, Answer& answer);

class Load {
  public:
    Load(const World& world, LoadPlan plan);
    ~Load() { stop(); }

    void start();
    void stop();  // waits for what is under way
    // After stop().
    Answer answer() const;

  private:
    void ask();
    void watch();
    bool wait_until(std::chrono::steady_clock::time_point time);

    const World& world_;
    LoadPlan plan_;
    std::chrono::steady_clock::time_point begun_;
    std::atomic<uint64_t> next_{0};
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool stopped_ = false;
    std::vector<LoadSample> samples_;
    std::set<std::string> tasks_;
    std::vector<base::Thread> threads_;
};

}  // namespace scenarios

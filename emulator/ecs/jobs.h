// Jobs: work that may take long (pulling, probing, removing), beside the reconciler's loop.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "base/thread.h"

namespace ecs {

class Jobs {
  public:
    virtual ~Jobs() = default;
    virtual void run(std::function<void()> job) = 0;
    virtual void finish() {}  // runs what is queued, takes no more
};

// On the caller's own thread, at once: what decisions are tested with.
class InlineJobs final : public Jobs {
  public:
    void run(std::function<void()> job) override { job(); }
};

// On threads that are started as needed, at most kMaxWorkers.
class WorkerJobs final : public Jobs {
  public:
    static constexpr size_t kMaxWorkers = 16;
    ~WorkerJobs() override { finish(); }
    void run(std::function<void()> job) override;
    void finish() override;

  private:
    void work();
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> queue_;
    size_t idle_ = 0;
    bool stopping_ = false;
    std::vector<base::Thread> workers_;
};

}  // namespace ecs

// Worker threads for jobs (see jobs.h).
#include "ecs/jobs.h"

namespace ecs {

void WorkerJobs::run(std::function<void()> job) {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    queue_.push_back(std::move(job));
    if (idle_ < queue_.size() && workers_.size() < kMaxWorkers)
        workers_.emplace_back("ecs-worker", [this] { work(); });
    changed_.notify_one();
}

void WorkerJobs::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        ++idle_;
        changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        --idle_;
        if (queue_.empty()) return;
        std::function<void()> job = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        job();
        lock.lock();
    }
}

void WorkerJobs::finish() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
    }
    for (base::Thread& worker : workers_)
        worker.join();
    workers_.clear();
}

}  // namespace ecs

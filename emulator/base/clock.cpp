// The only file that reads wall time. Waits run on the steady clock in slices, so that a step of
// the machine's own clock delays a wait by one slice at most.
#include "base/clock.h"

#include <algorithm>

namespace base {

namespace {

constexpr microseconds kLongestSlice = std::chrono::minutes(1);

}  // namespace

Time SystemClock::real_now() const {
    return std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
}

Time SystemClock::now() const {
    return real_now() + microseconds(offset_.load(std::memory_order_relaxed));
}

bool SystemClock::wait_until(Time time) {
    std::unique_lock lock(mutex_);
    while (!stopped_) {
        Time present = now();
        if (present >= time) return true;
        // Far times (Time::max()) would overflow as a difference.
        microseconds left = time > present + kLongestSlice ? kLongestSlice : time - present;
        changed_.wait_until(lock, std::chrono::steady_clock::now() + left);
    }
    return false;
}

void SystemClock::advance(microseconds by) {
    std::lock_guard lock(mutex_);
    offset_.fetch_add(std::max(by, microseconds(0)).count(), std::memory_order_relaxed);
    changed_.notify_all();
}

void SystemClock::stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
}

Time ManualClock::now() const {
    std::lock_guard lock(mutex_);
    return now_;
}

bool ManualClock::wait_until(Time time) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || now_ >= time; });
    return !stopped_;
}

void ManualClock::advance(microseconds by) {
    std::lock_guard lock(mutex_);
    now_ += std::max(by, microseconds(0));
    changed_.notify_all();
}

void ManualClock::stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
}

}  // namespace base

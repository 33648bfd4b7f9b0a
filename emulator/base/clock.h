// Clock: the stack's time, and the only reader of wall time. Real time plus an offset that
// scenarios move; it decides TTLs, ages, expiries, delays and schedules. Socket waits use
// net::Deadline, which is real time and never scaled.
#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace base {

using Time = std::chrono::sys_time<std::chrono::microseconds>;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Clock {
  public:
    virtual ~Clock() = default;

    virtual Time now() const = 0;
    // Real time, for SigV4's skew check: equal to now() unless the clock was moved.
    virtual Time real_now() const = 0;

    // The only sleep: returns true once now() >= time, false as soon as stop() was called.
    // A jump of the clock wakes it.
    virtual bool wait_until(Time time) = 0;
    // Moves stack time forward. Never back.
    virtual void advance(microseconds by) = 0;
    // Ends every wait, now and later.
    virtual void stop() = 0;

    // `--speed N`: divides the durations that control loops compare with the clock (health
    // interval, grace, deregistration, settling), never TTLs. 1 and up.
    double speed() const { return speed_; }
    void set_speed(double speed) { speed_ = speed < 1 ? 1 : speed; }
    microseconds scaled(microseconds duration) const {
        return microseconds(static_cast<microseconds::rep>(duration.count() / speed_));
    }
    // The same for a wait in which a program starts. Programs keep real time, so what production
    // forgives while one starts is forgiven here at any speed, up to kProgramStart.
    microseconds scaled_start(microseconds duration) const {
        return std::max(scaled(duration), std::min<microseconds>(duration, kProgramStart));
    }
    static constexpr seconds kProgramStart{15};

  private:
    double speed_ = 1;
};

class SystemClock final : public Clock {
  public:
    Time now() const override;
    Time real_now() const override;
    bool wait_until(Time time) override;
    void advance(microseconds by) override;
    void stop() override;

  private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::atomic<microseconds::rep> offset_{
        0};  // atomic: every request reads it, waits alone need the mutex
    bool stopped_ = false;
};

// Stands still until told; what every decision is tested with.
class ManualClock final : public Clock {
  public:
    explicit ManualClock(Time start = Time(seconds(1'790'000'000))) : now_(start) {}
    Time now() const override;
    Time real_now() const override { return now(); }
    bool wait_until(Time time) override;
    void advance(microseconds by) override;
    void stop() override;

  private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Time now_;
    bool stopped_ = false;
};

}  // namespace base

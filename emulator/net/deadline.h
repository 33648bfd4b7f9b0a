// Deadline: the real point in time at which a blocking call gives up.
#pragma once
#include <algorithm>
#include <chrono>

namespace net {

class Deadline {
  public:
    using SteadyTime = std::chrono::steady_clock::time_point;

    static Deadline never() { return Deadline(SteadyTime::max()); }
    // Already over: what is there is taken, nothing is waited for.
    static Deadline now() { return Deadline(SteadyTime::min()); }
    static Deadline after(std::chrono::microseconds wait) {
        return Deadline(std::chrono::steady_clock::now() + wait);
    }
    static Deadline earlier(Deadline a, Deadline b) { return Deadline(std::min(a.at_, b.at_)); }

    bool is_never() const { return at_ == SteadyTime::max(); }
    bool expired() const { return !is_never() && std::chrono::steady_clock::now() >= at_; }
    // For poll(2): -1 = never, rounded up.
    int poll_milliseconds() const {
        if (is_never()) return -1;
        if (at_ == SteadyTime::min()) return 0;
        auto left = at_ - std::chrono::steady_clock::now();
        auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
        return static_cast<int>(std::clamp<long long>(ms, 0, 1 << 30));
    }

  private:
    explicit Deadline(SteadyTime at) : at_(at) {}
    SteadyTime at_;
};

}  // namespace net

// FaultHold: faults that last as long as it lives. The emulator gives each a short lease that is
// renewed from here, so that it ends by itself when the runner is killed.
#pragma once
#include <condition_variable>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/thread.h"
#include "scenarios/runner/context.h"

namespace scenarios {

class FaultHold {
  public:
    // Sets every member of `faults` (target → how), or none of them.
    static std::expected<std::unique_ptr<FaultHold>, StepError> set(const World& world,
                                                                    const base::Node& faults);
    ~FaultHold();

    // One sentence when a fault ended before it was undone.
    std::string lost();

  private:
    explicit FaultHold(const World& world);
    void renew();

    Viewer viewer_;
    Control control_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool done_ = false;
    std::string lost_;
    struct Held {
        int64_t id;
        std::string target;
    };
    std::vector<Held> held_;
    base::Thread thread_;
};

}  // namespace scenarios

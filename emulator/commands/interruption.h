// Interruption: the first Ctrl-C (or SIGTERM) asks to stop and to tidy up, the second ends the
// program.
#pragma once
#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "base/thread.h"
#include "scenarios/runner/report.h"

namespace commands {

class Interruption {
  public:
    Interruption() {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
        thread_ = base::Thread("interruption", [this] {
            constexpr timespec kPoll{0, 20'000'000};
            while (!done_)
                if (sigtimedwait(&signals_, nullptr, &kPoll) > 0 && asked_.exchange(true))
                    _exit(scenarios::kInterrupted);
        });
    }
    ~Interruption() {
        done_ = true;
        thread_.join();
    }
    const std::atomic<bool>& asked() const { return asked_; }

  private:
    sigset_t signals_{};
    std::atomic<bool> asked_{false}, done_{false};
    base::Thread thread_;
};

}  // namespace commands

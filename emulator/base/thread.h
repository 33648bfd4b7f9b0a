// Thread: a named pthread with a small stack, joined by its owner. Never detached.
#pragma once
#include <pthread.h>

#include <functional>
#include <string>

namespace base {

inline constexpr size_t kThreadStackBytes = 256 * 1024;

class Thread {
  public:
    Thread() = default;
    // Throws std::system_error when the system refuses a thread.
    Thread(std::string name, std::function<void()> body);
    ~Thread() { join(); }
    Thread(Thread&& other) noexcept;
    Thread& operator=(Thread&& other) noexcept;

    void join();
    bool joinable() const { return running_; }

  private:
    pthread_t handle_{};
    bool running_ = false;
};

}  // namespace base

// pthreads directly: std::thread cannot set a stack size.
#include "base/thread.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>

#include "base/log.h"

namespace base {

namespace {

// Sanitizers widen every frame.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr size_t kStackFactor = 8;
#else
constexpr size_t kStackFactor = 1;
#endif

constexpr size_t kLongestName = 15;  // the kernel's limit

struct Start {
    Start(std::string name, std::function<void()> body)
        : name(std::move(name)), body(std::move(body)) {}
    std::string name;
    std::function<void()> body;
};

void* run_thread(void* argument) {
    std::unique_ptr<Start> start(static_cast<Start*>(argument));
    pthread_setname_np(pthread_self(), start->name.c_str());
    // The one catch of a thread: an escaped exception ends this thread, not the process.
    try {
        start->body();
    } catch (const std::exception& error) {
        log_error(start->name, std::string("thread ended by an exception: ") + error.what());
    }
    return nullptr;
}

}  // namespace

Thread::Thread(std::string name, std::function<void()> body) {
    name.resize(std::min(name.size(), kLongestName));
    auto start = std::make_unique<Start>(std::move(name), std::move(body));
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kThreadStackBytes * kStackFactor);
    int failure = pthread_create(&handle_, &attributes, run_thread, start.get());
    pthread_attr_destroy(&attributes);
    if (failure != 0) throw std::system_error(failure, std::generic_category(), "pthread_create");
    start.release();
    running_ = true;
}

Thread::Thread(Thread&& other) noexcept
    : handle_(other.handle_), running_(std::exchange(other.running_, false)) {}

Thread& Thread::operator=(Thread&& other) noexcept {
    if (this != &other) {
        join();
        handle_ = other.handle_;
        running_ = std::exchange(other.running_, false);
    }
    return *this;
}

void Thread::join() {
    if (!std::exchange(running_, false)) return;
    pthread_join(handle_, nullptr);
}

}  // namespace base

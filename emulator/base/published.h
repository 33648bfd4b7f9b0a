// Published<T>: a holder that swaps an immutable snapshot. Readers keep what they took to the end
// of their request. A mutex inside: gcc 12's atomic shared_ptr trips ThreadSanitizer.
#pragma once
#include <memory>
#include <mutex>

namespace base {

template <class T>
class Published {
  public:
    Published() : value_(std::make_shared<const T>()) {}

    std::shared_ptr<const T> get() const {
        std::lock_guard lock(mutex_);
        return value_;
    }
    void set(std::shared_ptr<const T> value) {
        std::lock_guard lock(mutex_);
        value_.swap(value);
    }

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const T> value_;
};

}  // namespace base

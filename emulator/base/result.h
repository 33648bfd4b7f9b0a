// Results: std::expected and the one way to propagate its error (gcc 12 has no and_then).
#pragma once
#include <expected>
#include <utility>

// Gives the value, or returns the error from the enclosing function.
//   Socket socket = TRY(connect(address, deadline));
#define TRY(expression)                                                           \
    ({                                                                            \
        auto&& try_result_ = (expression);                                        \
        if (!try_result_) return std::unexpected(std::move(try_result_).error()); \
        ::base::take_value(std::move(try_result_));                               \
    })

// Stays on in release builds. For our own mistakes, never for what a peer, a file or an API call
// sent.
#define ASSERT(condition)                   \
    (static_cast<bool>(condition) ? void(0) \
                                  : ::base::assertion_failed(#condition, __FILE__, __LINE__))

namespace base {

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

template <class T, class E>
T take_value(std::expected<T, E>&& result) {
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace base

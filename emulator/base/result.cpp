// Where a broken promise of our own ends: one line on stderr, then abort, so that a core or a
// sanitizer report shows the stack.
#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace base {

void assertion_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    std::abort();
}

}  // namespace base

// Limits: the edge's sizes, counts and waits, each where AWS documents it. What nobody has
// published is in guesses.h.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace cloudfront {

// Quotas page, "General quotas on web distributions".
inline constexpr size_t kMaxUrlBytes = 8192;
inline constexpr size_t kMaxRequestHeadBytes = 20480;
inline constexpr size_t kMaxResponseHeadBytes = 20480;
inline constexpr uint64_t kMaxCacheableBodyBytes = 50ull << 30;

// Distributions in a row, each the origin of the one before.
inline constexpr size_t kMaxChainedDistributions = 2;

// "Add custom headers to origin requests": of one header, and of all of an origin's together.
inline constexpr size_t kMaxCustomHeaderNameBytes = 256;
inline constexpr size_t kMaxCustomHeaderValueBytes = 1783;
inline constexpr size_t kMaxCustomHeadersBytes = 10240;

// "Serving compressed files": sizes that are compressed, both ends included.
inline constexpr uint64_t kMinCompressBytes = 1'000;
inline constexpr uint64_t kMaxCompressBytes = 10'000'000;

// "Error caching minimum TTL".
inline constexpr base::seconds kDefaultErrorCachingMinTtl{10};

// How long a change stays InProgress, in stack time. Long enough that a waiter's first look may see
// it, short enough that the CLI (which starts slower than this) never waits a whole polling
// interval.
inline constexpr base::milliseconds kPropagationDelay{300};

// Invalidation quotas per distribution, in progress at once; path length.
inline constexpr size_t kMaxInvalidationPaths = 3000;
inline constexpr size_t kMaxInvalidationWildcards = 15;
inline constexpr size_t kMaxInvalidationPathBytes = 4000;

// The cache's own: bodies beyond this are written to disk (unlinked files), budgets for both.
inline constexpr size_t kMemoryBodyBytes = 1 << 20;
// In memory, from here on, in pages of their own: below, copying is cheaper than lending page by
// page.
inline constexpr size_t kLentBodyBytes = 32 << 10;
inline constexpr size_t kMemoryBudgetBytes = 64 << 20;
inline constexpr uint64_t kDiskBudgetBytes = 2ull << 30;
inline constexpr size_t kMaxCacheEntries = 500'000;
inline constexpr size_t kRelayBytes = 32 * 1024;

// A collapsed request waits at most this long for the one that fills; then it asks the origin
// itself.
inline constexpr std::chrono::milliseconds kCollapseWait{130'000};
inline constexpr std::chrono::milliseconds kViewerWrite{60'000};
inline constexpr size_t kMaxBackgroundRefreshes = 64;

// The one point of presence.
inline constexpr const char* kPop = "LHR61-P1";

}  // namespace cloudfront

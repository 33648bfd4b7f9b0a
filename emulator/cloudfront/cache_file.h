// What the edge holds, as one file of a snapshot: each entry with its key, stored headers and body.
// Times are kept against the stack's clock, so that a loaded object is as old as it was, whatever
// time it is meanwhile. A file is read whole or not at all, and trusted in nothing.
#pragma once
#include <cstddef>
#include <expected>
#include <string>
#include <vector>

#include "cloudfront/cache.h"

namespace cloudfront {

// The entries that can be kept are written, in the order in which they would be evicted; gives how
// many. Answers still being received, and such as no cache would hold, are left out.
std::expected<size_t, std::string> write_cache_file(const std::string& file,
                                                    const std::vector<EntryPtr>& entries, Time now);

// Stores the file's entries in `into`, an empty cache, within its budget: the oldest go, as ever.
// An error is a sentence about the file; `into` is of no use then.
std::expected<void, std::string> read_cache_file(const std::string& file, Cache& into, Time now);

}  // namespace cloudfront

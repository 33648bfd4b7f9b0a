// Fuzz target: whatever a snapshot's edge cache holds under a checksum that is right, it is refused
// or becomes entries that a cache may hold, within its budget, and that can be saved again.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

#include "base/digest.h"
#include "cloudfront/cache_file.h"

namespace {

void must(bool condition) {
    if (!condition) std::abort();
}

struct TemporaryFile {
    std::string path = "/tmp/dodam-fuzz-" + std::to_string(::getpid());
    ~TemporaryFile() { ::unlink(path.c_str()); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const TemporaryFile file;
    const cloudfront::Time now{base::seconds(1'790'000'000)};
    const std::string text(reinterpret_cast<const char*>(data), size);
    std::ofstream(file.path, std::ios::binary | std::ios::trunc) << text << base::sha256(text);
    cloudfront::Cache cache({16 << 10, 1 << 20, ""});
    if (!cloudfront::read_cache_file(file.path, cache, now)) return 0;
    must(cache.memory_bytes() <= cache.budget().memory_bytes);
    for (const auto& entry : cache.held()) {
        must(cache.find(entry->key.text) || !entry->range.empty());
        must(!entry->body || entry->body->is_complete());
        (void)to_node(*entry, now);
    }
    const size_t entries = cache.entries();
    const auto written = cloudfront::write_cache_file(file.path, cache.held(), now);
    must(written && *written == entries);
    cloudfront::Cache again(cache.budget());
    must(cloudfront::read_cache_file(file.path, again, now).has_value());
    must(again.entries() == entries);
    return 0;
}

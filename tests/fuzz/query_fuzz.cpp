// Fuzz target: parameters of the Query protocol. Either a tree or an AWS error; indices as large as
// they like make no large tree.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "aws/error.h"
#include "aws/protocol.h"

namespace {

void must(bool condition) {
    if (!condition) std::abort();
}

size_t count(const base::Node& node, int depth) {
    size_t total = 1;
    if (depth > 200) return total;
    for (const auto& item : node.items())
        total += count(item, depth + 1);
    for (const auto& [name, value] : node.members())
        total += count(value, depth + 1);
    return total;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        must(count(aws::parse_query_input(text), 0) <= 4 * (size + 4));
    } catch (const aws::Error& error) {
        must(error.status >= 400 && error.status < 500);
    }
    return 0;
}

// The corpora of the fuzz targets as unit tests, with any compiler: each input must go through.
#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

// Each target's entry under its file's name (see CMakeLists.txt).
using Target = int(const uint8_t* data, size_t size);
extern "C" Target fuzz_http1, fuzz_range, fuzz_cache_control, fuzz_cookies, fuzz_paths, fuzz_xml,
    fuzz_query, fuzz_sigv4, fuzz_cache_file;

TEST_CASE("The corpora of the fuzz targets are replayed") {
    struct Row {
        const char* name;
        Target* target;
    };
    const Row row =
        GENERATE(Row{"http1", fuzz_http1}, Row{"range", fuzz_range},
                 Row{"cache_control", fuzz_cache_control}, Row{"cookies", fuzz_cookies},
                 Row{"paths", fuzz_paths}, Row{"xml", fuzz_xml}, Row{"query", fuzz_query},
                 Row{"sigv4", fuzz_sigv4}, Row{"cache_file", fuzz_cache_file});
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(
             std::string(SOURCE_DIR "/tests/fuzz/corpus/") + row.name)) {
        INFO(entry.path().string());
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string bytes(std::istreambuf_iterator<char>(file), {});
        CHECK(row.target(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) == 0);
        ++count;
    }
    INFO(row.name);
    CHECK(count >= 5);
}

// The edge's cache as a file: emulator/README.md, "Worlds and snapshots"; harness.md §2 row 26.
#include "cloudfront/cache_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/digest.h"
#include "cloudfront/limits.h"
#include "support/temporary_directory.h"

using namespace cloudfront;

namespace {

const Time kNow{base::seconds(1'790'000'000)};
const Time kLater = kNow + base::seconds(3 * 86'400);

EntryPtr make(const std::string& path, const std::string& body, const std::string& directory = "") {
    auto entry = std::make_shared<CacheEntry>();
    entry->key.text = "E1\n" + path + "\nh:accept-language=ko\n";
    entry->key.path_begin = 3;
    entry->key.path_end = 3 + path.size();
    entry->pattern = "*";
    entry->headers = {{"Content-Type", "text/html"},
                      {"Content-Length", std::to_string(body.size())},
                      {"X-Name", "caf\xe9"}};
    entry->body = std::make_shared<StoredBody>(directory);
    entry->body->append(body);
    entry->body->finish(StoredBody::State::Complete);
    entry->fetched = kNow - base::seconds(30);
    entry->fresh_until = entry->usable_until = kNow + base::seconds(60);
    entry->stale_while_revalidate_until = entry->fresh_until;
    entry->stale_if_error_until = Time::max();
    entry->etag = "\"e\"";
    entry->why = "max-age=90";
    entry->origin = "site";
    entry->hits = 7;
    return entry;
}

std::string all_of(const StoredBody& body) {
    std::string out(body.size_bytes(), '\0');
    for (size_t at = 0; at < out.size();) {
        const auto piece =
            body.read(at, {out.data() + at, out.size() - at}, net::Deadline::never());
        if (piece.bytes == 0) return "broken";
        at += piece.bytes;
    }
    return out;
}

std::string read(const std::string& file) {
    std::ostringstream out;
    out << std::ifstream(file, std::ios::binary).rdbuf();
    return out.str();
}

// As an attacker would write it: with a checksum that is right.
void write_signed(const std::string& file, std::string text) {
    text += base::sha256(text);
    std::ofstream(file, std::ios::binary) << text;
}

}  // namespace

TEST_CASE("what is loaded is what was saved, as old as it was", "[cloudfront]") {
    support::TemporaryDirectory home;
    const std::string file = home.path() + "/edge-cache", large(kMemoryBodyBytes + 77, 'l');
    auto part = make("/part", "0123456789");
    part->status = 206;
    part->range = "bytes 0-9/100";
    auto failure = make("/down", "");
    failure->status = 503;
    failure->headers.clear();
    failure->body = nullptr;
    failure->origin = "The request could not be satisfied.";
    auto growing = make("/growing", "");
    growing->headers.remove("Content-Length");
    growing->body = std::make_shared<StoredBody>("");
    growing->body->append("half");
    const std::vector<EntryPtr> entries = {make("/a?b=c", "hello"), part, failure, growing,
                                           make("/large", large, home.path())};
    REQUIRE(entries.back()->body->on_disk());
    const auto written = write_cache_file(file, entries, kNow);
    REQUIRE(written);
    CHECK(*written == 4);  // an answer still being received is nothing to keep

    Cache cache({64 << 20, 1 << 30, home.path()});
    const auto loaded = read_cache_file(file, cache, kLater);
    if (!loaded) FAIL(loaded.error());
    CHECK(cache.entries() == 4);
    const EntryPtr a = cache.find(entries[0]->key.text);
    REQUIRE(a);
    CHECK(a->key.path() == "/a?b=c");
    CHECK(a->key.distribution() == "E1");
    CHECK(kLater - a->fetched == base::seconds(30));
    CHECK(a->fresh_until - kLater == base::seconds(60));
    CHECK(a->stale_if_error_until == Time::max());
    CHECK(a->headers.get("X-Name") == "caf\xe9");
    CHECK(a->body->view() == "hello");
    CHECK(a->etag == "\"e\"");
    CHECK(a->why == "max-age=90");
    CHECK(a->hits == 7);
    CHECK_FALSE(a->prepared);
    CHECK(cache.parts(part->key.text).size() == 1);
    CHECK_FALSE(cache.find(failure->key.text)->body);
    const EntryPtr big = cache.find(entries[4]->key.text);
    CHECK(big->body->on_disk());
    CHECK(all_of(*big->body) == large);
    CHECK(cache.disk_bytes() == large.size());
}

TEST_CASE("a file that holds more than the budget fills it, with the last ones", "[cloudfront]") {
    support::TemporaryDirectory home;
    const std::string file = home.path() + "/edge-cache";
    std::vector<EntryPtr> entries;
    for (int i = 0; i < 50; ++i)
        entries.push_back(make("/" + std::to_string(i), std::string(10'000, 'x')));
    REQUIRE(write_cache_file(file, entries, kNow));
    Cache cache({100'000, 1 << 30, ""});
    REQUIRE(read_cache_file(file, cache, kNow));
    CHECK(cache.memory_bytes() <= 100'000);
    CHECK(cache.entries() > 5);
    CHECK(cache.find(entries.back()->key.text));
    CHECK_FALSE(cache.find(entries.front()->key.text));
}

TEST_CASE("a cache takes over what another holds", "[cloudfront]") {
    Cache cache({64 << 20, 1 << 30, ""}), other({64 << 20, 1 << 30, ""});
    cache.store(make("/old", "x"), cache.epoch());
    const uint64_t before = cache.epoch();
    const auto entry = make("/new", "y");
    other.store(entry, other.epoch());
    cache.replace_with(other);
    CHECK(cache.entries() == 1);
    CHECK(cache.holds(*entry));
    CHECK(other.entries() == 0);
    CHECK(other.memory_bytes() == 0);
    // An answer that was asked for before is of the world that is gone.
    CHECK_FALSE(cache.store(make("/late", "z"), before));
    CHECK(cache.invalidate("E1", {"/*"})[0].objects == 1);
    CHECK(cache.memory_bytes() == 0);
    CHECK_FALSE(cache.holds(*entry));
}

TEST_CASE("a damaged, foreign or hostile file is refused with its reason", "[cloudfront]") {
    support::TemporaryDirectory home;
    const std::string file = home.path() + "/edge-cache";
    REQUIRE(write_cache_file(file, {make("/a", "hello")}, kNow));
    const std::string good = read(file), body = good.substr(0, good.size() - 32);
    auto put = [](std::string text, size_t at, char byte) {
        text[at] = byte;
        return text;
    };
    struct Row {
        const char* what;
        std::string text;
        bool sign;
        const char* error;
    };
    const size_t key = body.find("E1\n/a");
    const size_t status = body.find("site") + 4, headers = status + 8;
    const size_t length = body.find("Content-Length") + std::string("Content-Length").size() + 8;
    const size_t times = body.find("caf\xe9") + 4;
    std::string other_version = good;
    other_version.replace(good.find(" 1\n"), 3, " 2\n");
    const Row rows[] = {
        {"nothing", "", false, "no edge cache"},
        {"another file", std::string(500, 'x'), false, "no edge cache"},
        {"a later format", other_version, false, "has format 2, this dodam reads 1"},
        {"cut short", good.substr(0, good.size() - 1), false, "damaged"},
        {"one bit", put(good, key + 4, 'b'), false, "damaged"},
        {"more behind it", good + "x", false, "damaged"},
        {"a key without a path", put(body, key + 3, 'x'), true, "no distribution and path"},
        {"a key that is too long", put(body, key - 5, '\x7f'), true, "cut short"},
        {"a status", put(body, status + 1, '\x7f'), true, "its status is"},
        {"endless headers", put(body, headers + 3, '\x7f'), true, "too many headers"},
        {"a header that splits", put(body, times - 2, '\n'), true, "a header is none"},
        {"a length that lies", put(body, length, '9'), true, "Content-Length"},
        {"a time beyond all", put(body, times + 7, '\x20'), true, "out of range"},
        {"a body beyond the file", put(body, body.find("hello") - 3, '\x7f'), true,
         "longer than the file"},
        {"another count", put(body, body.size() - 8, '\x02'), true, "says otherwise"},
        {"something after the count", body + "x", true, "says otherwise"},
        {"no end", body.substr(0, body.size() - 9), true, "says otherwise"},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        std::filesystem::remove(file);
        if (row.sign)
            write_signed(file, row.text);
        else
            std::ofstream(file, std::ios::binary) << row.text;
        Cache cache({64 << 20, 1 << 30, ""});
        const auto loaded = read_cache_file(file, cache, kNow);
        REQUIRE_FALSE(loaded);
        CHECK_THAT(loaded.error(), Catch::Matchers::Contains(row.error));
        CHECK_THAT(loaded.error(), Catch::Matchers::Contains(file));
    }
}

TEST_CASE("a file that is a link, a pipe or a directory is not read", "[cloudfront]") {
    support::TemporaryDirectory home;
    const std::string file = home.path() + "/edge-cache";
    Cache cache({64 << 20, 1 << 30, ""});
    CHECK_FALSE(read_cache_file(file, cache, kNow));
    std::filesystem::create_symlink("/dev/zero", file);
    CHECK_FALSE(read_cache_file(file, cache, kNow));
    std::filesystem::remove(file);
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    CHECK_FALSE(read_cache_file(file, cache, kNow));
    std::filesystem::remove(file);
    std::filesystem::create_directory(file);
    CHECK_FALSE(read_cache_file(file, cache, kNow));
}

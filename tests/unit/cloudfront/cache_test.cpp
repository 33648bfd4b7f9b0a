// The cache: invalidation, budgets, fills: cloudfront.md §7.2, §10 #110-#112.
#include "cloudfront/cache.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/thread.h"
#include "cloudfront/limits.h"

using namespace cloudfront;

namespace {

const Time kNow{base::seconds(1'790'000'000)};

EntryPtr make(std::string_view path, std::string_view variant = "", size_t bytes = 10) {
    auto entry = std::make_shared<CacheEntry>();
    entry->key.text = "E1\n" + std::string(path) + "\n" + std::string(variant);
    entry->key.path_begin = 3;
    entry->key.path_end = 3 + path.size();
    entry->body = StoredBody::of(std::string(bytes, 'x'));
    entry->fetched = kNow;
    entry->fresh_until = kNow + base::seconds(60);
    return entry;
}

Cache big() {
    return Cache({64 << 20, 1 << 30, ""});
}

}  // namespace

TEST_CASE("invalidation paths (#110, #111, #112)", "[cloudfront]") {
    struct Row {
        std::string_view pattern, path;
        bool matches;
    };
    const Row rows[] = {
        {"/a", "/a", true},
        {"/a", "/a/", false},
        {"/a/*", "/a/", true},
        {"/a/*", "/a/b/c?x", true},
        {"/a/*", "/a", false},
        {"/A", "/a", false},
        {"/a*b", "/axb", false},
        {"/", "/index.html", false},
        {"/index.html", "/index.html", true},
        {"/*", "/anything?q", true},
        {"/a", "/a?x=1", false},
        {"/a*", "/a?x=1", true},
        {"/a?x=1", "/a?x=1", true},
        {"/%C3%A9", "/%c3%a9", true},
    };
    for (const Row& row : rows) {
        INFO(row.pattern << " " << row.path);
        CHECK(invalidation_matches(row.pattern, row.path) == row.matches);
    }
}

TEST_CASE("an invalidation removes every variant and reports what it did", "[cloudfront]") {
    Cache cache = big();
    for (const char* variant : {"", "e:gzip\n", "h:x-lang=de\n"})
        cache.store(make("/index.html", variant), cache.epoch());
    cache.store(make("/b"), cache.epoch());
    auto reports = cache.invalidate("E1", {"/index.html", "/", "/B", "/x*y"});
    CHECK(reports[0].objects == 3);
    CHECK(reports[0].warning.empty());
    CHECK(reports[1].warning == "nothing under this path is held");
    CHECK(reports[2].warning.find("letter case") != std::string::npos);
    CHECK(reports[3].warning.find("stands for itself") != std::string::npos);
    CHECK(cache.find("E1\n/b\n") != nullptr);
    CHECK(cache.find("E1\n/index.html\n") == nullptr);
    CHECK(cache.invalidate("E2", {"/*"})[0].objects == 0);
    cache.store(make("/index.html"), cache.epoch());
    CHECK(cache.invalidate("E1", {"/"})[0].warning ==
          "the default root object is held as /index.html");
}

TEST_CASE("an answer asked for before an invalidation is not kept after it", "[cloudfront]") {
    Cache cache = big();
    EntryPtr entry = make("/a");
    auto joined = cache.join(entry->key);
    REQUIRE(joined.first);
    CHECK(cache.invalidate("E1", {"/a"})[0].filling == 1);
    CHECK_FALSE(cache.store(entry, joined.fill->epoch()));
    auto later = cache.join(entry->key);
    CHECK(later.first);  // whoever comes now asks anew
    CHECK(cache.store(entry, later.fill->epoch()));
    cache.finish(joined.fill);
    cache.finish(later.fill);
}

TEST_CASE("the byte budget holds, and what is used stays longer", "[cloudfront]") {
    Cache cache({200'000, 1 << 20, ""});
    EntryPtr hot = make("/hot");
    cache.store(hot, cache.epoch());
    for (int i = 0; i < 1000; ++i) {
        EntryPtr entry = make("/cold" + std::to_string(i), "", 500);
        entry->used = false;
        cache.store(entry, cache.epoch());
        if (auto found = cache.find("E1\n/hot\n")) found->used = true;
        REQUIRE(cache.memory_bytes() <= 200'000);
    }
    CHECK(cache.find("E1\n/hot\n") == hot);
    CHECK(cache.find("E1\n/cold0\n") == nullptr);
    CHECK(cache.evicted() > 0);
    cache.clear();
    CHECK(cache.memory_bytes() == 0);
}

TEST_CASE("those who wait see the entry grow, to its end or its breaking", "[cloudfront]") {
    Cache cache = big();
    EntryPtr entry = make("/a");
    entry->body = std::make_shared<StoredBody>("");
    auto first = cache.join(entry->key);
    auto second = cache.join(entry->key);
    REQUIRE(first.first);
    REQUIRE_FALSE(second.first);
    std::string got;
    base::Thread waiter("waiter", [&] {
        auto seen = second.fill->wait(net::Deadline::after(std::chrono::seconds(5)));
        if (seen.state != Fill::State::Streaming) return;
        char buffer[4];
        for (;;) {
            auto piece = seen.entry->body->read(got.size(), buffer,
                                                net::Deadline::after(std::chrono::seconds(5)));
            if (piece.bytes == 0) break;
            got.append(buffer, piece.bytes);
        }
    });
    first.fill->stream(entry);
    entry->body->append("hello ");
    entry->body->append("world");
    entry->body->finish(StoredBody::State::Complete);
    cache.finish(first.fill);
    waiter.join();
    CHECK(got == "hello world");
    auto third = cache.join(entry->key);
    auto fourth = cache.join(entry->key);
    cache.finish(third.fill);
    CHECK(fourth.fill->wait(net::Deadline::after(std::chrono::seconds(5))).state ==
          Fill::State::Individual);
}

TEST_CASE("large bodies go to disk and read the same", "[cloudfront]") {
    StoredBody body("/tmp");
    std::string piece(300'000, 'a');
    for (int i = 0; i < 5; ++i) {
        piece[0] = static_cast<char>('0' + i);
        REQUIRE(body.append(piece));
    }
    body.finish(StoredBody::State::Complete);
    CHECK(body.on_disk());
    CHECK(body.size_bytes() == 1'500'000);
    char at = 0;
    CHECK(body.read(600'000, {&at, 1}, net::Deadline::never()).bytes == 1);
    CHECK(at == '2');
    CHECK(body.read(1'500'000, {&at, 1}, net::Deadline::never()).state ==
          StoredBody::State::Complete);
    StoredBody nowhere("/nonexistent/directory");
    CHECK_FALSE(nowhere.append(std::string(2 << 20, 'x')));
}

TEST_CASE("a body that is worth it is held in pages of its own", "[cloudfront]") {
    CHECK(StoredBody::of(std::string(kLentBodyBytes - 1, 's'))->held().id == 0);
    std::string bytes(kLentBodyBytes, 'b');
    bytes.back() = 'e';
    const auto body = StoredBody::of(bytes);
    CHECK(body->held().id != 0);
    CHECK(body->view() == bytes);
    CHECK(reinterpret_cast<uintptr_t>(body->view().data()) %
              static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE)) ==
          0);
    char last = 0;
    CHECK(body->read(bytes.size() - 1, {&last, 1}, net::Deadline::never()).bytes == 1);
    CHECK(last == 'e');
    CHECK(body->read(bytes.size(), {&last, 1}, net::Deadline::never()).bytes == 0);
}

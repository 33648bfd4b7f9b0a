// A snapshot is loaded as it was saved or not at all: harness.md §2 row 26.
#include "snapshots/manifest.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>

#include "support/temporary_directory.h"

namespace fs = std::filesystem;

namespace {

void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << text;
}

void make(const std::string& home) {
    fs::remove_all(home);
    write(home + "/state.db", "rows");
    write(home + "/database/ibdata1", "pages");
    write(home + "/blobs/ab/cd", "an object");
    write(home + "/edge-cache", "");
}

}  // namespace

TEST_CASE("a snapshot that was not touched is whole") {
    support::TemporaryDirectory temporary;
    const std::string home = temporary / "one";
    make(home);
    REQUIRE(snapshots::write_manifest(home));
    const auto whole = snapshots::check_manifest(home);
    if (!whole) FAIL(whole.error());
    // Its name is no part of it.
    fs::rename(home, temporary / "two");
    CHECK(snapshots::check_manifest(temporary / "two"));
}

TEST_CASE("what was changed, added or taken away is named") {
    struct Row {
        const char* what;
        std::function<void(const std::string& home)> change;
        const char* error;
    };
    const Row rows[] = {
        {"another text", [](auto& home) { write(home + "/state.db", "wors"); },
         "state.db was changed"},
        {"a file less", [](auto& home) { fs::remove(home + "/database/ibdata1"); },
         "database/ibdata1 is gone"},
        {"a file more", [](auto& home) { write(home + "/database/evil", "x"); },
         "database/evil was added"},
        {"a link among the objects",
         [](auto& home) { fs::create_symlink("/etc/passwd", home + "/blobs/ab/ef"); },
         "blobs/ab/ef is neither a file nor a directory"},
        {"a link to a directory",
         [](auto& home) {
             fs::remove_all(home + "/database");
             fs::create_symlink("/tmp", home + "/database");
         },
         "database is neither a file nor a directory"},
        {"never finished", [](auto& home) { fs::remove(home + "/SNAPSHOT"); },
         "is no whole snapshot"},
        {"a later format", [](auto& home) { write(home + "/SNAPSHOT", "dodam snapshot 2\n"); },
         "has format 2, this dodam reads 1"},
        {"something else", [](auto& home) { write(home + "/SNAPSHOT", "hello"); },
         "is no whole snapshot"},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        support::TemporaryDirectory temporary;
        const std::string home = temporary / "one";
        make(home);
        REQUIRE(snapshots::write_manifest(home));
        row.change(home);
        const auto whole = snapshots::check_manifest(home);
        REQUIRE_FALSE(whole);
        CHECK_THAT(whole.error(), Catch::Matchers::Contains(row.error));
    }
}

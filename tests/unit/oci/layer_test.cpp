// Layers: what is packed and unpacked is the same, and a hostile layer reaches nothing outside (OCI
// layer.md).
#include "oci/layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "oci/image_tree.h"
#include "oci/layer_store.h"
#include "oci/layout.h"
#include "support/temporary_directory.h"

using namespace oci;
namespace fs = std::filesystem;

namespace {

struct Member {
    std::string name;
    mode_t type = AE_IFREG;
    std::string content;  // or the target of a link
    bool hard_link = false;
    mode_t mode = 0644;
};

enum class Filter { None, Gzip, Zstd };

std::string tar_of(const std::vector<Member>& members, Filter filter = Filter::None) {
    std::string out(1 << 20, '\0');
    size_t used = 0;
    archive* tar = archive_write_new();
    archive_write_set_format_pax_restricted(tar);
    if (filter == Filter::Gzip) archive_write_add_filter_gzip(tar);
    if (filter == Filter::Zstd) archive_write_add_filter_zstd(tar);
    archive_write_open_memory(tar, out.data(), out.size(), &used);
    for (const Member& member : members) {
        archive_entry* entry = archive_entry_new();
        archive_entry_set_pathname(entry, member.name.c_str());
        archive_entry_set_mode(entry, member.type | member.mode);
        bool data = member.type == AE_IFREG && !member.hard_link;
        archive_entry_set_size(entry, data ? static_cast<la_int64_t>(member.content.size()) : 0);
        if (member.type == AE_IFLNK) archive_entry_set_symlink(entry, member.content.c_str());
        if (member.hard_link) archive_entry_set_hardlink(entry, member.content.c_str());
        archive_write_header(tar, entry);
        if (data) archive_write_data(tar, member.content.data(), member.content.size());
        archive_entry_free(entry);
    }
    archive_write_close(tar);
    archive_write_free(tar);
    out.resize(used);
    return out;
}

struct Bench {
    support::TemporaryDirectory directory;
    std::string root = directory / "root";
    Bench() { fs::create_directory(root); }

    std::expected<UnpackedLayer, std::string> unpack(const std::string& bytes) {
        std::ofstream(directory / "blob", std::ios::binary) << bytes;
        int file = ::open((directory / "blob").c_str(), O_RDONLY | O_CLOEXEC);
        auto result = unpack_layer(file, root, native_ownership());
        ::close(file);
        return result;
    }
    std::string read(const std::string& path) {
        std::ifstream in(root + "/" + path);
        return {std::istreambuf_iterator<char>(in), {}};
    }
};

}  // namespace

TEST_CASE("layer: plain, gzip and zstd give the same tree and diff id") {
    std::vector<Member> members = {{"d/", AE_IFDIR, "", false, 0755},
                                   {"d/file", AE_IFREG, "content"},
                                   {"link", AE_IFLNK, "d/file"},
                                   {"hard", AE_IFREG, "d/file", true}};
    std::string plain = tar_of(members);
    for (Filter filter : {Filter::None, Filter::Gzip, Filter::Zstd}) {
        Bench bench;
        std::string blob = tar_of(members, filter);
        auto layer = bench.unpack(blob);
        REQUIRE(layer);
        CHECK(layer->blob == Digest::of(blob));
        CHECK(layer->entries == 4);
        CHECK(bench.read("d/file") == "content");
        CHECK(bench.read("hard") == "content");
        CHECK(fs::read_symlink(bench.root + "/link") == "d/file");
    }
    Bench bench;
    CHECK(bench.unpack(plain)->diff_id == Digest::of(plain));
}

TEST_CASE("layer: hostile names reach nothing outside") {
    struct Row {
        std::vector<Member> members;
        bool accepted;  // harmless after resolution inside the image
    };
    for (const Row& row : {
             Row{{{"../escaped", AE_IFREG, "x"}}, false},
             Row{{{"a/../../escaped", AE_IFREG, "x"}}, false},
             Row{{{"/escaped", AE_IFREG, "x"}}, true},
             Row{{{"l", AE_IFLNK, ".."}, {"l/escaped", AE_IFREG, "x"}}, true},
             Row{{{"l", AE_IFLNK, "/"}, {"l/escaped", AE_IFREG, "x"}}, true},
             Row{{{"l", AE_IFLNK, "../../../../../../tmp"}, {"l/escaped", AE_IFREG, "x"}}, false},
             Row{{{"l", AE_IFLNK, "escaped-target"}, {"l", AE_IFREG, "replaced"}}, true},
             Row{{{"h", AE_IFREG, "../outside", true}}, false},
             Row{{{"h", AE_IFREG, "/outside", true}}, false},
             Row{{{".wh...", AE_IFREG, ""}}, false},
             Row{{{".wh.", AE_IFREG, ""}}, false},
             Row{{{"dev", AE_IFBLK, ""}}, true},
         }) {
        Bench bench;
        std::ofstream(bench.directory / "outside") << "untouched";
        auto layer = bench.unpack(tar_of(row.members));
        INFO(row.members[0].name << " " << row.members[0].content);
        CHECK(layer.has_value() == row.accepted);
        CHECK_FALSE(fs::exists(bench.directory / "escaped"));
        CHECK_FALSE(fs::exists("/tmp/escaped"));
        CHECK_FALSE(fs::exists("/escaped"));
        std::ifstream in(bench.directory / "outside");
        CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == "untouched");
    }
}

TEST_CASE("layer: damaged input is an error") {
    std::string good = tar_of({{"file", AE_IFREG, std::string(5000, 'x')}}),
                zipped = tar_of({{"file", AE_IFREG, "x"}}, Filter::Gzip);
    for (const std::string& bytes :
         {std::string("not a tar at all, but long enough to be looked at"), good.substr(0, 2000),
          zipped.substr(0, zipped.size() / 2), std::string(1, '\x1f')}) {
        Bench bench;
        CHECK_FALSE(bench.unpack(bytes));
    }
}

TEST_CASE("layer: whiteouts become devices and opaque marks, and are packed as whiteouts again") {
    Bench bench;
    std::vector<Member> members = {{"d/", AE_IFDIR, "", false, 0755},
                                   {"d/.wh..wh..opq", AE_IFREG, ""},
                                   {"d/new", AE_IFREG, "n"},
                                   {".wh.gone", AE_IFREG, ""}};
    REQUIRE(bench.unpack(tar_of(members)));
    struct stat facts{};
    REQUIRE(::lstat((bench.root + "/gone").c_str(), &facts) == 0);
    CHECK(S_ISCHR(facts.st_mode));
    CHECK(facts.st_rdev == 0);
    char mark = 0;
    CHECK(::getxattr((bench.root + "/d").c_str(), "user.overlay.opaque", &mark, 1) == 1);

    std::string packed = bench.directory / "packed";
    int file = ::open(packed.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    auto layer = pack_layer(bench.root, file, native_ownership());
    ::close(file);
    REQUIRE(layer);
    CHECK(layer->entries == 4);

    Bench again;
    std::ifstream in(packed, std::ios::binary);
    auto unpacked = again.unpack({std::istreambuf_iterator<char>(in), {}});
    REQUIRE(unpacked);
    CHECK(unpacked->diff_id == layer->diff_id);
    CHECK(again.read("d/new") == "n");

    // What a reader of both layers sees.
    support::TemporaryDirectory below;
    for (const char* path : {"d", "e"})
        fs::create_directory(below / path);
    std::ofstream(below / "d/old") << "o";
    std::ofstream(below / "gone") << "g";
    std::ofstream(below / "e/kept") << "k";
    ImageTree tree({below.path(), bench.root});
    CHECK_FALSE(tree.find("/gone"));
    CHECK_FALSE(tree.find("/d/old"));
    CHECK(tree.read("/d/new") == "n");
    CHECK(tree.read("/e/../e/kept") == "k");
    CHECK(tree.children(*tree.find("/")).size() == 2);
}

TEST_CASE("layer: the same tree packs to the same bytes whatever its times") {
    Digest digests[2];
    for (Digest& digest : digests) {
        Bench bench;
        fs::create_directories(bench.root + "/b/c");
        std::ofstream(bench.root + "/b/c/file") << "text";
        std::ofstream(bench.root + "/a") << "text";
        if (!digests[0].empty())
            fs::last_write_time(bench.root + "/a",
                                fs::file_time_type::clock::now() - std::chrono::hours(100));
        int file = ::open((bench.directory / "t").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        digest = pack_layer(bench.root, file, native_ownership())->diff_id;
        ::close(file);
    }
    CHECK(digests[0] == digests[1]);
}

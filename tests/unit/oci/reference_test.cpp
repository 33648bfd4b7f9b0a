// Image references and the documents behind them.
#include "oci/reference.h"

#include <catch2/catch.hpp>

#include "oci/manifest.h"

using namespace oci;

TEST_CASE("reference: parts") {
    struct Row {
        const char *text, *registry, *repository, *tag;
        bool ecr;
    };
    // ecs-ecr.md §19 and decision 22: three spellings of our own registry.
    for (const Row& row :
         {Row{"node:20-slim", "", "node", "20-slim", false},
          Row{"node", "", "node", "latest", false},
          Row{"library/node", "", "library/node", "latest", false},
          Row{"127.0.0.1:4566/backend:v1", "127.0.0.1:4566", "backend", "v1", true},
          Row{"localhost:4566/team/backend", "localhost:4566", "team/backend", "latest", true},
          Row{"123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/b:1",
              "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com", "b", "1", true},
          Row{"public.ecr.aws/x/y:1", "public.ecr.aws", "x/y", "1", false},
          Row{"docker.io/library/node:20", "docker.io", "library/node", "20", false}}) {
        auto reference = Reference::parse(row.text);
        INFO(row.text);
        REQUIRE(reference);
        CHECK(reference->registry == row.registry);
        CHECK(reference->repository == row.repository);
        CHECK(reference->tag == row.tag);
        CHECK(reference->is_ecr() == row.ecr);
        CHECK(reference->written == row.text);
    }
    std::string digest = "sha256:" + std::string(64, 'a');
    auto pinned = Reference::parse("a/b:c@" + digest);
    REQUIRE(pinned);
    CHECK(pinned->tag_or_digest() == digest);
    CHECK(pinned->tag == "c");
}

TEST_CASE("reference: what is none") {
    for (const char* text :
         {"", "Node", "a//b", "../etc", "a/../b", "a:", "a:-x", "a@sha256:12", "a b", "/a", "a/",
          "-a", "a..b", "a___b", "host:99999/a", "127.0.0.1:x/a", "a:b:c/d", "a\n"}) {
        INFO(text);
        CHECK_FALSE(Reference::parse(text));
    }
}

TEST_CASE("manifest: read and written; hostile ones refused") {
    std::string digest = "sha256:" + std::string(64, 'b');
    std::string text = R"({"schemaVersion":2,"config":{"mediaType":"c","digest":")" + digest +
                       R"(","size":3},"layers":[{"mediaType":"l","digest":")" + digest +
                       R"(","size":4}]})";
    auto manifest = parse_manifest(text);
    REQUIRE(manifest);
    CHECK(manifest->media_type == kManifestType);
    CHECK(manifest->layers[0].size_bytes == 4);
    CHECK(parse_manifest(write_manifest(*manifest)));
    for (const char* bad :
         {"", "[]", "{}", R"({"config":{"digest":"sha256:../../x","size":1},"layers":[]})",
          R"({"config":{"digest":"sha256:00","size":-1},"layers":[]})"}) {
        INFO(bad);
        CHECK_FALSE(parse_manifest(bad));
    }
}

TEST_CASE("index: this platform, never an attestation") {
    std::string a(64, 'a'), b(64, 'b');
    auto index = parse_index(
        R"({"manifests":[{"digest":"sha256:)" + a +
        R"(","size":1,"platform":{"os":"unknown","architecture":"unknown"}},{"digest":"sha256:)" +
        b + R"(","size":1,"platform":{"os":"linux","architecture":"amd64"}}]})");
    REQUIRE(index);
    REQUIRE(index->for_platform("amd64"));
    CHECK(index->for_platform("amd64")->digest.hex() == b);
    CHECK_FALSE(index->for_platform("arm64"));
}

// Dockerfiles without an engine: what parses, what does not and where, and real builds on the
// probe's image.
#include "scenarios/workflow/image_builder.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "containers/build_runner.h"
#include "oci/image_tree.h"
#include "support/runtime_suite.h"
#include "support/temporary_directory.h"

using namespace scenarios;

TEST_CASE("Dockerfile: what is outside the subset names its line") {
    struct Row {
        const char* text;
        const char* error;
    };
    for (const Row& row : {
             Row{"FROM a\nONBUILD RUN true\n", "Dockerfile:2: ONBUILD is outside"},
             Row{"FROM a\nHEALTHCHECK true\n", "Dockerfile:2: HEALTHCHECK takes CMD"},
             Row{"FROM a\nHEALTHCHECK --every=1s CMD true\n",
                 "Dockerfile:2: HEALTHCHECK --every is outside"},
             Row{"FROM a\nLABEL only\n", "Dockerfile:2: LABEL only has no value"},
             Row{"FROM a\nVOLUME ['/a']\n", "Dockerfile:2: VOLUME: the list is not JSON"},
             Row{"FROM a\n\n# note\nADD x y\n", "Dockerfile:4: ADD is outside"},
             Row{"FROM a\nRUM true\n", "Dockerfile:2: unknown instruction RUM; did you mean RUN?"},
             Row{"RUN true\nFROM a\n", "Dockerfile:1: the first instruction must be FROM"},
             Row{"", "Dockerfile:1: there is no FROM"},
             Row{"FROM a\nRUN --mount=type=cache,target=/x npm ci\n",
                 "Dockerfile:2: RUN --mount is outside"},
             Row{"FROM a\nCOPY --chmod=755 a b\n", "Dockerfile:2: COPY --chmod is outside"},
             Row{"FROM a\nCOPY only\n", "Dockerfile:2: COPY needs a source and a destination"},
             Row{"FROM a\nCMD ['single']\n", "Dockerfile:2: CMD: the list is not JSON"},
             Row{"FROM a\nRUN <<EOF\necho\nEOF\n", "Dockerfile:2: a here-document"},
             Row{"FROM a b c d\n", "Dockerfile:1: FROM takes IMAGE or IMAGE AS NAME"},
             Row{"FROM a\nENV ONLY\n", "Dockerfile:2: ENV ONLY has no value"},
             Row{"FROM a\nRUN a \\\n  b\nUSER\n", "Dockerfile:4: USER needs an argument"},
         }) {
        auto parsed = parse_dockerfile("Dockerfile", row.text);
        INFO(row.text);
        REQUIRE_FALSE(parsed);
        CHECK_THAT(parsed.error().to_string(), Catch::StartsWith(row.error));
    }
}

TEST_CASE("Dockerfile: forms") {
    auto parsed =
        parse_dockerfile("Dockerfile",
                         "# syntax=docker/dockerfile:1\nARG V=20\nfrom node:${V}-slim as Build\n"
                         "RUN one && \\\n  # in between\n  two\nENV A=1 B=\"two words\" C=it\\ "
                         "is\nENV OLD form of it\n"
                         "COPY [\"a b\", \"/c/\"]\nCMD node server.js\n");
    REQUIRE(parsed);
    REQUIRE(parsed->size() == 7);
    CHECK((*parsed)[1].words == std::vector<std::string>{"node:${V}-slim", "as", "Build"});
    CHECK((*parsed)[2].rest == "one &&   two");
    CHECK((*parsed)[2].line == 4);
    CHECK((*parsed)[3].pairs == std::vector<std::pair<std::string, std::string>>{
                                    {"A", "1"}, {"B", "two words"}, {"C", "it is"}});
    CHECK((*parsed)[4].pairs ==
          std::vector<std::pair<std::string, std::string>>{{"OLD", "form of it"}});
    CHECK((*parsed)[5].words == std::vector<std::string>{"a b", "/c/"});
    CHECK_FALSE((*parsed)[6].exec_form);
}

// Dockerfile reference, "FROM", "Understand how ARG and FROM interact", "Here-documents";
// "Multi-stage builds".
TEST_CASE("Dockerfile: the images that a build begins with, whatever else stands there") {
    const std::string platform = "linux/" + std::string(oci::native_architecture());
    struct Row {
        const char* text;
        std::string expected;
        BaseImageOptions options = {};
    };
    for (const Row& row : std::vector<Row>{
             {"FROM node:20-slim\nHEALTHCHECK CMD x\nADD --link a b\nSHELL [x]\n",
              "1 node:20-slim"},
             {"# note\nARG V=20\nfrom --platform=$BUILDPLATFORM node:${V}-slim AS Build\nRUN x\n"
              "FROM scratch\nCOPY --link --from=build /a /b\n",
              "3 node:20-slim"},
             {"ARG V=20\nFROM node:$V\n", "2 node:22", {.arguments = {{"V", "22"}}}},
             {"ARG R\nFROM ${R:-a}/b:1\nARG R=later\n", "2 a/b:1"},
             {"FROM a AS one\nFROM b AS two\nFROM one\nCOPY --from=c:1 /x /x\n", "1 a, 4 c:1"},
             {"FROM a AS one\nFROM b AS two\n", "1 a", {.target = "ONE"}},
             {"FROM a\nFROM b\nFROM c\nCOPY --from=0 /x /x\n", "1 a, 3 c"},
             {"FROM a\nCOPY --from=tools /x /x\n", "1 a", {.contexts = {"tools"}}},
             {"FROM a\nRUN <<EOF cat <<'END'\nFROM x\nEOF\nFROM y\nEND\nFROM b\n", "7 b"},
             {"FROM a\nRUN cat <<< word\nFROM b\n", "3 b"},
             {"FROM a$TARGETPLATFORM\n", "1 alinux/arm64", {.platform = "linux/arm64"}},
             {"FROM a$BUILDPLATFORM\n", "1 a" + platform, {.platform = "linux/arm64"}},
             {"RUN x\nFROM a\n", ""},
             {"", ""},
         }) {
        std::string found;
        for (const auto& [name, line] : base_images(row.text, row.options))
            found += (found.empty() ? "" : ", ") + std::to_string(line) + " " + name;
        INFO(row.text);
        CHECK(found == row.expected);
    }
}

TEST_CASE("Dockerfile: substitution") {
    std::map<std::string, std::string> values = {{"A", "x"}, {"EMPTY", ""}};
    for (auto [text, expected] : {std::pair("$A/${A}b", "x/xb"),
                                  {"${EMPTY:-d}", "d"},
                                  {"${A:+yes}", "yes"},
                                  {"${B:+yes}", ""},
                                  {"\\$A", "$A"},
                                  {"$B", ""},
                                  {"5$", "5$"},
                                  {"${B:-$A}", "x"}})
        CHECK(substitute(text, values) == expected);
}

TEST_CASE(".dockerignore: the last match decides") {
    IgnoreRules rules(
        "node_modules\n# note\n*.log\n**/*.tmp\n/build/\n!keep.log\ndocs/*.md\n!docs/README.md\n");
    for (const char* path : {"node_modules", "node_modules/a/b.js", "x.log", "a/b/c.tmp", "c.tmp",
                             "build/x", "docs/a.md"}) {
        INFO(path);
        CHECK(rules.ignores(path));
    }
    for (const char* path :
         {"src/node_modules", "keep.log", "src/x.log", "docs/README.md", "docs/a.txt", "builder"}) {
        INFO(path);
        CHECK_FALSE(rules.ignores(path));
    }
}

namespace {

struct Lines final : oci::BuildLog {
    std::string text;
    void line(std::string_view line) override { text += std::string(line) + "\n"; }
};

struct Workshop {
    support::TemporaryDirectory directory;
    oci::ImageLayout bases{directory / "bases"};
    oci::LayerStore store{directory / "store", oci::native_ownership()};
    oci::ImageLayout layout{directory / "built"};
    base::Spawner spawner;
    containers::BuildRunner runner{
        spawner,
        store,
        {.holder = std::string(BINARY_DIR) + "/dodam-holder", .hosts = {"registry.example.test"}}};
    Lines log;

    Workshop() {
        support::make_probe_image(bases, std::string(BINARY_DIR) + "/dodam-probe");
        std::filesystem::create_directories(directory / "app");
    }
    void file(const std::string& path, const std::string& content) {
        std::filesystem::create_directories(
            std::filesystem::path(directory / "app/" + path).parent_path());
        std::ofstream(directory / "app/" + path) << content;
    }
    BuildResult<BuiltImage> build(const std::string& dockerfile, BuildOptions options = {}) {
        file("Dockerfile", dockerfile);
        options.context = directory / "app";
        return ImageBuilder(store, layout, bases, runner, log).build(options);
    }
    oci::ImageTree files(const BuiltImage& image) {
        std::vector<std::string> layers;
        for (const auto& diff_id : image.config.diff_ids)
            layers.push_back(store.layers_directory() + "/" + oci::LayerStore::name_of(diff_id));
        return oci::ImageTree(layers);
    }
};

}  // namespace

TEST_CASE("image builder: stages, files, owners and the configuration") {
    Workshop shop;
    shop.file("package.json", "{}");
    shop.file("src/a.js", "a");
    shop.file("src/deep/b.js", "b");
    shop.file("src/deep/b.tmp", "no");
    shop.file(".dockerignore", "**/*.tmp\nDockerfile\n");
    auto built = shop.build(
        "ARG TAG=latest\nFROM probe:${TAG} AS first\nWORKDIR /work\nCOPY package.json ./\nRUN "
        "[\"/probe\", \"touch\", \"made\", \"--\", \"touch\", \"/etc/new\"]\n"
        "FROM probe\nARG PORT=3000\nENV MODE=production NAME=$MODE-x\nWORKDIR /app\nCOPY "
        "--from=first /work/made ./copied\n"
        "COPY --chown=app:staff src ./src\nCOPY package.json src/a.js /data/\nUSER app\nEXPOSE "
        "$PORT 53/udp\nCMD [\"show\", \"src/a.js\"]\n");
    if (!built) FAIL(built.error().to_string());
    CHECK(built->config.env == std::vector<std::string>{"FROM_IMAGE=yes", "REPLACED=the image's",
                                                        "MODE=production", "NAME=-x"});
    CHECK(built->config.working_directory == "/app");
    CHECK(built->config.user == "app");
    CHECK(built->config.entrypoint == std::vector<std::string>{"/probe"});
    CHECK(built->config.command == std::vector<std::string>{"show", "src/a.js"});
    CHECK(built->config.exposed_ports == std::vector<std::string>{"3000/tcp", "53/udp"});

    oci::ImageTree files = shop.files(*built);
    CHECK(files.find("/app/copied"));
    CHECK(files.read("/app/src/deep/b.js") == "b");
    CHECK_FALSE(files.find("/app/src/deep/b.tmp"));
    CHECK(files.read("/data/package.json") == "{}");
    CHECK(files.read("/data/a.js") == "a");
    CHECK_FALSE(files.find("/etc/new"));
    if (shop.store.ownership() == oci::Ownership::Shifted) {
        CHECK(files.find("/app/src/a.js")->facts.st_uid == oci::kFirstShiftedId + 1000);
        CHECK(files.find("/app/src/a.js")->facts.st_gid == oci::kFirstShiftedId + 2000);
        CHECK(files.find("/data/a.js")->facts.st_uid == oci::kFirstShiftedId);
    }

    SECTION("again: all from the cache, the same digest") {
        Lines quiet;
        auto again =
            shop.build(std::string(std::istreambuf_iterator<char>(
                                       std::ifstream(shop.directory / "app/Dockerfile").rdbuf()),
                                   {}));
        REQUIRE(again);
        CHECK(again->digest == built->digest);
        CHECK(again->cached == 7);
    }
    SECTION("another content, another digest; the stage before is kept") {
        shop.file("src/a.js", "changed");
        auto again =
            shop.build(std::string(std::istreambuf_iterator<char>(
                                       std::ifstream(shop.directory / "app/Dockerfile").rdbuf()),
                                   {}));
        REQUIRE(again);
        CHECK(again->digest != built->digest);
        CHECK(again->cached == 5);
    }
    SECTION("an independent build gives the same digest") {
        Workshop other;
        for (const char* path :
             {"package.json", "src/a.js", "src/deep/b.js", ".dockerignore", "Dockerfile"}) {
            std::filesystem::create_directories(
                std::filesystem::path(other.directory / "app/" + path).parent_path());
            std::filesystem::copy_file(shop.directory / "app/" + path,
                                       other.directory / "app/" + path);
        }
        auto again =
            other.build(std::string(std::istreambuf_iterator<char>(
                                        std::ifstream(shop.directory / "app/Dockerfile").rdbuf()),
                                    {}));
        REQUIRE(again);
        CHECK(again->digest == built->digest);
    }
}

// Dockerfile reference, "LABEL", "VOLUME", "STOPSIGNAL", "HEALTHCHECK".
TEST_CASE("image builder: labels, volumes and the stop signal are in the configuration") {
    Workshop shop;
    auto built = shop.build(
        "FROM probe\nARG V=7\nLABEL version=\"1.$V\" com.example.name=two\\ words\nLABEL old form\n"
        "VOLUME /data /cache\nVOLUME [\"/data\", \"/with blank\"]\nSTOPSIGNAL SIGQUIT\n"
        "HEALTHCHECK --interval=5s CMD curl -f http://localhost/\n");
    if (!built) FAIL(built.error().to_string());
    CHECK(built->config.labels ==
          std::map<std::string, std::string>{
              {"version", "1.7"}, {"com.example.name", "two words"}, {"old", "form"}});
    CHECK(built->config.volumes == std::vector<std::string>{"/data", "/cache", "/with blank"});
    CHECK(built->config.stop_signal == "SIGQUIT");
}

TEST_CASE("image builder: failures name the line, the step and the cause") {
    Workshop shop;
    shop.file("a", "a");
    struct Row {
        const char* text;
        const char* error;
    };
    for (const Row& row : {
             Row{"FROM probe\nCOPY missing /x\n",
                 "Dockerfile:2: COPY missing: not in the build context"},
             Row{"FROM probe\nCOPY ../../etc/passwd /x\n",
                 "Dockerfile:2: COPY ../../etc/passwd leaves the build context"},
             Row{"FROM probe\nCOPY --from=nowhere /a /b\n", "Dockerfile:2: nowhere:latest"},
             Row{"FROM probe\nCOPY --from=0 /a /b\n", "Dockerfile:2: 0"},
             Row{"FROM nothing:here\n", "Dockerfile:1: nothing:here"},
             Row{"FROM No_Such^Name\n", "Dockerfile:1: \"No_Such^Name\" is not an image reference"},
             Row{"FROM probe\nCOPY --chown=ghost a /a\n",
                 "Dockerfile:2: COPY --chown: the image has no user ghost"},
             Row{"FROM probe\nRUN [\"/probe\", \"exit\", \"4\"]\n",
                 "Dockerfile:2: RUN /probe exit 4: exit code 4"},
             Row{"FROM probe\nRUN echo no shell here\n",
                 "Dockerfile:2: RUN echo no shell here: exec: \"/bin/sh\""},
             Row{"FROM probe\nEXPOSE 70000\n", "Dockerfile:2: EXPOSE 70000"},
             Row{"FROM --platform=linux/s390x probe\n",
                 "Dockerfile:1: FROM --platform=linux/s390x"},
         }) {
        auto built = shop.build(row.text);
        INFO(row.text);
        REQUIRE_FALSE(built);
        CHECK_THAT(built.error().to_string(), Catch::StartsWith(std::string(row.error).substr(
                                                  0, std::string(row.error).find(":latest"))));
    }
    CHECK(std::filesystem::is_empty(shop.directory / "store/tasks"));
    CHECK(std::filesystem::is_empty(shop.directory / "store/scratch"));
}

TEST_CASE("image builder: a step reaches only the allowed registries") {
    Workshop shop;
    auto built = shop.build(
        "FROM probe\nRUN [\"/probe\", \"connect\", \"93.184.216.34\", \"443\", \"--\", "
        "\"connect\", \"127.0.0.1\", \"4566\"]\n");
    REQUIRE(built);
    CHECK(shop.log.text.find("  ENETUNREACH\n  ECONNREFUSED\n") != std::string::npos);
}

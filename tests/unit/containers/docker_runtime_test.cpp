// The Docker runtime through the shared suite, wherever an engine answers (DOCKER_HOST or the usual
// socket).
#include "containers/docker_runtime.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "containers/docker_engine.h"
#include "support/runtime_suite.h"
#include "support/temporary_directory.h"

TEST_CASE("docker runtime: the shared suite", "[docker]") {
    if (containers::docker_engine_version().empty()) {
        WARN("no Docker engine answers: not tested");
        return;
    }
    support::TemporaryDirectory directory;
    oci::ImageLayout images(directory / "images");
    support::make_probe_image(images, std::string(BINARY_DIR) + "/dodam-probe");
    auto runtime =
        containers::make_docker_runtime({.instance = "test" + std::to_string(::getpid()),
                                         .run_directory = directory / "run",
                                         .socket_path = "",
                                         .holder = std::string(BINARY_DIR) + "/dodam-holder"});
    if (!runtime) FAIL(runtime.error());
    support::RuntimeUnderTest under_test{**runtime, images, *oci::Reference::parse("probe")};
    for (const support::RuntimeCase& one : support::runtime_suite())
        SECTION(one.name) {
            one.run(under_test);
        }
}

TEST_CASE("docker frames: whole, split and empty") {
    containers::FrameReader reader;
    containers::FrameReader::Frame frame;
    reader.feed(std::string_view("\1\0\0\0\0\0\0\2hi\2\0\0\0\0\0", 16));
    REQUIRE(reader.next(frame));
    CHECK(frame.bytes == "hi");
    CHECK_FALSE(frame.error_stream);
    CHECK_FALSE(reader.next(frame));
    reader.feed(std::string_view("\0\1!\1\0\0\0\0\0\0\0", 11));
    REQUIRE(reader.next(frame));
    CHECK(frame.bytes == "!");
    CHECK(frame.error_stream);
    REQUIRE(reader.next(frame));
    CHECK(frame.bytes.empty());
}

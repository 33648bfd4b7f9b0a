// The process runtime through the shared suite, and what only it promises: nothing is left, whoever
// is killed.
#include "containers/process_runtime.h"

#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "containers/placeholder.h"
#include "support/runtime_suite.h"
#include "support/temporary_directory.h"

namespace {

struct Fixture {
    support::TemporaryDirectory directory;
    oci::ImageLayout images{directory / "images"};
    base::Spawner spawner;
    std::unique_ptr<containers::Runtime> runtime;

    Fixture() {
        support::make_probe_image(images, std::string(BINARY_DIR) + "/dodam-probe");
        runtime = make();
    }
    std::unique_ptr<containers::Runtime> make() {
        auto made = containers::make_process_runtime(
            spawner, {.directory = directory / "store",
                      .instance = "test" + std::to_string(::getpid()),
                      .holder = std::string(BINARY_DIR) + "/dodam-holder"});
        if (!made) FAIL(made.error());
        return std::move(*made);
    }
};

}  // namespace

TEST_CASE("process runtime: the shared suite") {
    Fixture fixture;
    support::RuntimeUnderTest under_test{*fixture.runtime, fixture.images,
                                         *oci::Reference::parse("probe")};
    for (const support::RuntimeCase& one : support::runtime_suite())
        SECTION(one.name) {
            one.run(under_test);
        }
}

TEST_CASE("process runtime: leftovers of the same instance are removed at start, others are not") {
    Fixture fixture;
    std::string tasks = fixture.directory / "store/tasks/";
    std::filesystem::create_directories(tasks + "test" + std::to_string(::getpid()) +
                                        ".old/app/upper");
    std::filesystem::create_directories(tasks + "other.task/app");
    fixture.runtime.reset();
    fixture.runtime = fixture.make();
    CHECK_FALSE(std::filesystem::exists(tasks + "test" + std::to_string(::getpid()) + ".old"));
    CHECK(std::filesystem::exists(tasks + "other.task"));
}

TEST_CASE("process runtime: the placeholder answers 200 on the health path and 503 elsewhere") {
    Fixture fixture;
    containers::PlaceholderSource source(fixture.directory / "placeholder",
                                         std::string(BINARY_DIR) + "/dodam-holder");
    auto image =
        fixture.runtime->pull(*oci::Reference::parse(containers::kPlaceholderImage), source);
    if (!image) FAIL(image.error().text);
    auto network = fixture.runtime->create_task({.id = "p", .address = "10.0.4.5"});
    REQUIRE(network);
    containers::ContainerOptions options;
    options.name = "app";
    options.image = *image;
    options.environment = {{containers::kPlaceholderPortVariable, "3000"},
                           {containers::kPlaceholderHealthVariable, "/health"}};
    REQUIRE(fixture.runtime->create("p", options));
    REQUIRE(fixture.runtime->start("p", "app"));
    for (auto [path, status] : {std::pair("/health", "HTTP/1.1 200 OK"),
                                {"/health?x", "HTTP/1.1 200 OK"},
                                {"/", "HTTP/1.1 503 "}}) {
        auto until = net::Deadline::after(std::chrono::seconds(10));
        auto socket = (*network)->dial(3000, until);
        while (!socket && !until.expired())
            socket = (*network)->dial(3000, until);
        REQUIRE(socket);
        REQUIRE(
            socket->write_all(std::string("GET ") + path + " HTTP/1.1\r\nHost: x\r\n\r\n", until));
        std::string answer;
        char bytes[512];
        for (auto got = socket->read_some(bytes, until); got && *got;
             got = socket->read_some(bytes, until))
            answer.append(bytes, *got);
        CHECK_THAT(answer, Catch::StartsWith(status));
    }
    REQUIRE(fixture.runtime->stop("p", "app", std::chrono::seconds(10)));
    for (;;) {
        auto events = fixture.runtime->take_events(std::chrono::seconds(10));
        REQUIRE_FALSE(events.empty());
        if (events.back().kind != containers::Event::Kind::Exited) continue;
        CHECK(events.back().state.exit_code == 0);
        break;
    }
}

// The process runtime through the shared suite, and what only it promises: nothing is left, whoever is killed.
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "containers/process_runtime.h"
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
            spawner, {.directory = directory / "store", .instance = "test" + std::to_string(::getpid()),
                      .holder = std::string(BINARY_DIR) + "/dodam-holder"});
        if (!made) FAIL(made.error());
        return std::move(*made);
    }
};

}  // namespace

TEST_CASE("process runtime: the shared suite") {
    Fixture fixture;
    support::RuntimeUnderTest under_test{*fixture.runtime, fixture.images, *oci::Reference::parse("probe")};
    for (const support::RuntimeCase& one : support::runtime_suite())
        SECTION(one.name) { one.run(under_test); }
}

TEST_CASE("process runtime: leftovers of the same instance are removed at start, others are not") {
    Fixture fixture;
    std::string tasks = fixture.directory / "store/tasks/";
    std::filesystem::create_directories(tasks + "test" + std::to_string(::getpid()) + ".old/app/upper");
    std::filesystem::create_directories(tasks + "other.task/app");
    fixture.runtime.reset();
    fixture.runtime = fixture.make();
    CHECK_FALSE(std::filesystem::exists(tasks + "test" + std::to_string(::getpid()) + ".old"));
    CHECK(std::filesystem::exists(tasks + "other.task"));
}

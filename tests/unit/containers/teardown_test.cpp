// The emulator is killed with SIGKILL: its tasks end with it, and a later start removes the files
// (task-runtime.md §6). The emulator is this very test binary, started once more with a hidden
// case.
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/ids.h"
#include "containers/process_runtime.h"
#include "support/runtime_suite.h"
#include "support/temporary_directory.h"

namespace {

namespace fs = std::filesystem;

std::unique_ptr<containers::Runtime> make(base::Spawner& spawner, const std::string& directory) {
    auto made = containers::make_process_runtime(
        spawner, {.directory = directory + "/store",
                  .instance = "victim",
                  .holder = std::string(BINARY_DIR) + "/dodam-holder"});
    if (!made) FAIL(made.error());
    return std::move(*made);
}

// Processes with the word in their command line, zombies apart.
int count_processes(const std::string& word) {
    int count = 0;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        std::ifstream in(entry.path() / "cmdline", std::ios::binary);
        std::string line{std::istreambuf_iterator<char>(in), {}};
        if (line.find(word) != line.npos && entry.path().filename() != std::to_string(::getpid()))
            ++count;
    }
    return count;
}

// True once it holds; looks again whenever 20 ms passed in which nothing else could be waited for.
template <class Condition>
bool eventually(Condition condition) {
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        ::poll(nullptr, 0, 20);
    }
    return true;
}

}  // namespace

TEST_CASE("an emulator that is killed", "[.victim]") {
    if (!std::getenv("VICTIM_DIRECTORY")) return;  // asked for by a filter, not by the case below
    std::string directory = std::getenv("VICTIM_DIRECTORY"), word = std::getenv("VICTIM_WORD");
    base::Spawner spawner;
    oci::ImageLayout images(directory + "/images");
    auto runtime = make(spawner, directory);
    auto image = runtime->pull(*oci::Reference::parse("probe"), images);
    REQUIRE(image);
    for (std::string id : {"one", "two", "three"}) {
        REQUIRE(runtime->create_task({.id = id, .address = "10.0.1.5"}));
        containers::ContainerOptions options;
        options.name = "app";
        options.image = *image;
        options.command = {"fork", "--", "fork",   "--",      "say",
                           word,   "--", "listen", "0.0.0.0", "3000"};
        REQUIRE(runtime->create(id, options));
        REQUIRE(runtime->start(id, "app"));
    }
    for (;;)
        ::pause();
}

TEST_CASE("killing the emulator ends its tasks; the next start removes what they left") {
    support::TemporaryDirectory directory;
    oci::ImageLayout images(directory / "images");
    support::make_probe_image(images, std::string(BINARY_DIR) + "/dodam-probe");
    std::string word = "victim-" + base::random_hex(16);
    base::Spawner spawner;
    base::ProcessOptions victim;
    victim.command = {"/proc/self/exe", "[.victim]"};
    victim.command[0] = fs::read_symlink("/proc/self/exe");
    victim.environment = {
        {"VICTIM_DIRECTORY", directory.path()}, {"VICTIM_WORD", word}, {"PATH", "/usr/bin:/bin"}};
    auto process = spawner.spawn(victim);
    REQUIRE(process);
    // Three tasks of a program and two forks each.
    REQUIRE(eventually([&] { return count_processes(word) == 9; }));
    CHECK(count_processes(directory.path()) == 0);
    (*process)->signal(SIGKILL);
    CHECK(eventually([&] { return count_processes(word) == 0; }));

    std::string tasks = directory / "store/tasks";
    CHECK_FALSE(fs::is_empty(tasks));
    auto next = make(spawner, directory.path());
    CHECK(fs::is_empty(tasks));
}

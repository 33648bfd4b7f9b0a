// Child processes: codes, outputs, descriptors, limits, and what a child inherits.
#include "base/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "support/temporary_directory.h"

namespace {

using namespace std::chrono_literals;

base::Finished shell(base::Spawner& spawner, std::string script, std::string_view input = {}) {
    auto finished = base::run(spawner, {.command = {"sh", "-c", std::move(script)}}, 20s, input);
    REQUIRE(finished);
    return *finished;
}

}  // namespace

TEST_CASE("run collects both outputs and the exit code") {
    base::Spawner spawner;
    struct Row {
        std::string script;
        int code;
        std::string output, error;
    };
    auto row = GENERATE(values<Row>({
        {"echo out; echo err >&2; exit 3", 3, "out\n", "err\n"},
        {"kill -9 $$", 137, "", ""},
        {"exec 1>&- 2>&-; exit 0", 0, "", ""},
        {"cat", 0, "", ""},                           // input is /dev/null unless given
        {"sleep 30 & echo quick", 0, "quick\n", ""},  // a grandchild holds the pipe
        {"ulimit -Sn", 0, "1024\n", ""},
        {"trap", 0, "", ""},
    }));
    auto finished = shell(spawner, row.script);
    CHECK(finished.exit_code == row.code);
    CHECK(finished.output == row.output);
    CHECK(finished.error == row.error);
    CHECK(!finished.timed_out);
}

TEST_CASE("input reaches the child, however large, and one that does not read it is no trouble") {
    base::Spawner spawner;
    std::string input(3'000'000, 'x');
    CHECK(shell(spawner, "cat", input).output == input);
    CHECK(shell(spawner, "exec 0<&-; exit 0", input).exit_code == 0);
}

TEST_CASE("a child that takes too long is killed") {
    base::Spawner spawner;
    auto finished = base::run(spawner, {.command = {"sleep", "60"}}, 50ms);
    REQUIRE(finished);
    CHECK(finished->timed_out);
    CHECK(finished->exit_code == 137);
}

TEST_CASE("what cannot start is one sentence") {
    base::Spawner spawner;
    CHECK(spawner.spawn({.command = {"no-such-program-here"}}).error() ==
          "cannot start no-such-program-here: not found in PATH");
    CHECK(spawner.spawn({.command = {"/etc/passwd"}}).error() ==
          "cannot start /etc/passwd: Permission denied");
    CHECK(spawner.spawn({.command = {"/bin/true"}, .directory = "/nowhere"}).error() ==
          "cannot start /bin/true in /nowhere: No such file or directory");
    CHECK(spawner.spawn({}).error() == "no command to start");
}

TEST_CASE("a program is a file that may be run, in the first directory that has it") {
    const support::TemporaryDirectory directory_of_all;
    const std::string& top = directory_of_all.path();
    for (const char* directory : {"/one", "/two", "/three", "/one/tool"})
        std::filesystem::create_directory(top + directory);
    for (const char* file : {"/two/tool", "/three/tool", "/two/text"})
        std::ofstream(top + file) << "#!/bin/sh\n";
    for (const char* program : {"/two/tool", "/three/tool"})
        ::chmod((top + program).c_str(), 0755);
    const std::string path = top + "/one::" + top + "/two:" + top + "/three";
    CHECK(base::find_program("tool", path) == top + "/two/tool");
    CHECK(base::find_program("text", path).empty());
    CHECK(base::find_program("none", path).empty());
    CHECK(base::find_program("tool", "").empty());
    CHECK(base::find_program(top + "/three/tool", "") == top + "/three/tool");
    CHECK(base::find_program(top + "/two/text", path).empty());
}

TEST_CASE("a child has the named descriptors and no others") {
    base::Spawner spawner;
    int leaked = open("/dev/null", O_RDONLY);  // without close-on-exec, on purpose
    int first[2], second[2];
    REQUIRE(pipe(first) == 0);
    REQUIRE(pipe(second) == 0);
    REQUIRE(write(first[1], "one", 3) == 3);
    REQUIRE(write(second[1], "two", 3) == 3);
    close(first[1]);
    close(second[1]);
    // Crossed on purpose: each one's number is the other's target.
    const std::vector<std::pair<int, int>> crossed = {{first[0], second[0]}, {second[0], first[0]}};
    std::string script =
        "cat <&" + std::to_string(second[0]) + "; cat <&" + std::to_string(first[0]);
    auto finished =
        base::run(spawner, {.command = {"bash", "-c", script}, .descriptors = crossed}, 20s);
    REQUIRE(finished);
    CHECK(finished->output == "onetwo");
    finished =
        base::run(spawner, {.command = {"ls", "/proc/self/fd"}, .descriptors = crossed}, 20s);
    REQUIRE(finished);
    // 0 to 2, the two, and the directory that ls reads.
    CHECK(std::count(finished->output.begin(), finished->output.end(), '\n') == 6);
    for (int descriptor : {leaked, first[0], second[0]})
        close(descriptor);
}

TEST_CASE("environment, directory and argv0 are the ones asked for") {
    base::Spawner spawner;
    auto finished = base::run(
        spawner,
        {.command = {"sh", "-c", "echo $0 $A $(pwd) ${HOME-none}", "zero"},
         .directory = "/usr",
         .environment = std::map<std::string, std::string>{{"A", "1"}, {"PATH", "/usr/bin:/bin"}}},
        20s);
    REQUIRE(finished);
    CHECK(finished->output == "zero 1 /usr none\n");
    finished =
        base::run(spawner, {.command = {"cat", "/proc/self/cmdline"}, .argv0 = "other"}, 20s);
    REQUIRE(finished);
    CHECK(finished->output == std::string("other\0/proc/self/cmdline\0", 25));
}

TEST_CASE("wait and signal") {
    base::Spawner spawner;
    auto process = spawner.spawn({.command = {"sleep", "60"}, .new_session = true});
    REQUIRE(process);
    CHECK(getsid((*process)->pid()) == (*process)->pid());
    CHECK(!(*process)->wait(0ms));
    (*process)->signal(SIGTERM);
    CHECK((*process)->wait(20s) == 143);
    CHECK((*process)->wait(0ms) == 143);
    (*process)->signal(SIGTERM);  // after the end: nothing
}

TEST_CASE("children die with the spawner") {
    pid_t pid = 0;
    std::unique_ptr<base::Process> process;
    {
        base::Spawner spawner;
        process = std::move(*spawner.spawn({.command = {"sleep", "60"}}));
        pid = process->pid();
    }
    CHECK(process->wait(20s) == 137);
    CHECK(kill(pid, 0) != 0);
}

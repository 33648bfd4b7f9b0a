// The space of a workflow's steps: this machine's tools, no network but what is relayed.
#include "containers/closed_space.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/ids.h"
#include "net/listener.h"

using namespace containers;
namespace fs = std::filesystem;

namespace {

struct Fixture {
    std::string directory =
        (fs::temp_directory_path() / ("closed-test-" + base::random_hex(8))).string();
    base::Spawner spawner;
    std::unique_ptr<ClosedSpace> space;

    Fixture() { fs::create_directories(directory); }
    ~Fixture() {
        space.reset();
        fs::remove_all(directory);
    }
    void open(std::vector<Relay> relays = {}) {
        auto opened = ClosedSpace::open(spawner, {.holder = BINARY_DIR "/dodam-holder",
                                                  .writable = {directory},
                                                  .readable = {},
                                                  .relays = std::move(relays)});
        if (!opened) FAIL(opened.error());
        space = std::move(*opened);
    }
    std::string drain(const std::vector<int>& outputs) {
        std::string text;
        for (int output : outputs) {
            char bytes[4096];
            for (ssize_t got; (got = ::read(output, bytes, sizeof bytes)) > 0;)
                text.append(bytes, static_cast<size_t>(got));
            ::close(output);
        }
        return text;
    }
    // "code output" of a shell script.
    std::string run(const std::string& script) {
        auto program = space->start({"/bin/bash", "-c", script},
                                    {{"PATH", "/usr/bin:/bin"}, {"A", "1"}}, directory);
        if (!program) return program.error();
        std::string text = drain(program->outputs);
        auto code = space->wait(program->name, std::chrono::seconds(20));
        ::close(program->pidfd);
        return (code ? std::to_string(*code) : "none") + " " + text;
    }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a step's program has the machine's tools and writes where it may",
                 "[containers]") {
    open();
    CHECK(run("echo $A; pwd; exit 3") == "3 1\n" + directory + "\n");
    CHECK(run("touch " + directory + "/mine && echo yes") == "0 yes\n");
    CHECK(fs::exists(directory + "/mine"));
    CHECK(run("touch /usr/mine /etc/mine 2>/dev/null || echo no") == "0 no\n");
    CHECK(run("touch /tmp/mine && ls /tmp/mine") == "0 /tmp/mine\n");
    CHECK_FALSE(fs::exists("/tmp/mine"));
    CHECK(run("echo x > /dev/null; echo >&2 err") == "0 err\n");
    CHECK(run("kill -9 $$") == "137 ");
}

TEST_CASE_METHOD(Fixture, "what a step leaves running, the next one finds; it ends with the space",
                 "[containers]") {
    open();
    CHECK(run("sleep 1000 >/dev/null 2>&1 & echo $! > pid") == "0 ");
    CHECK(run("kill -0 $(cat pid) && echo there") == "0 there\n");
}

TEST_CASE_METHOD(Fixture, "nothing answers but what is relayed", "[containers]") {
    auto listener =
        net::Listener::open(*net::Address::tcp("127.0.0.1", 0), "test", [](net::Socket& socket) {
            (void)socket.write_all({"hello", 5}, net::Deadline::after(std::chrono::seconds(5)));
        });
    REQUIRE(listener);
    (*listener)->start();
    const uint16_t port = (*listener)->address().port();
    open({{"known.example", "198.18.0.9", 80, "127.0.0.1", port},
          {"*.wild.example", "198.18.0.8", 80, "127.0.0.1", port},
          {"", "127.0.0.1", port, "127.0.0.1", port}});
    const std::string number = std::to_string(port);
    CHECK(run("cat < /dev/tcp/127.0.0.1/" + number) == "0 hello");
    CHECK(run("cat < /dev/tcp/known.example/80") == "0 hello");
    CHECK(run("cat < /dev/tcp/a.wild.example/80") == "0 hello");
    CHECK(run("(cat < /dev/tcp/192.0.2.1/80) 2>/dev/null || echo refused") == "0 refused\n");
    CHECK(run("(cat < /dev/tcp/other.example/80) 2>/dev/null || echo refused") == "0 refused\n");
    CHECK(space->refused_names() == std::vector<std::string>{"other.example"});
    (*listener)->stop();
}

TEST_CASE_METHOD(Fixture, "a signal reaches what the program started", "[containers]") {
    open();
    auto program = space->start({"/bin/bash", "-c", "sleep 1000; echo woke"},
                                {{"PATH", "/usr/bin:/bin"}}, directory);
    REQUIRE(program);
    CHECK_FALSE(space->wait(program->name, std::chrono::milliseconds(1)));
    // Until the shell has its child, a signal may come too early for it: sent until it ends.
    std::optional<int> code;
    for (int i = 0; i < 200 && !code; ++i) {
        space->signal(*program, SIGTERM);
        code = space->wait(program->name, std::chrono::milliseconds(100));
    }
    CHECK(code == std::optional<int>(143));
    CHECK(drain(program->outputs).find("woke") == std::string::npos);
    ::close(program->pidfd);
}

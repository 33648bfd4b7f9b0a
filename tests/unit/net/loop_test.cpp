// Sessions on loops: what they may rely on, wherever they are carried.
#include "net/loop.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <mutex>
#include <set>

#include "net/listener.h"
#include "support/raw_viewer.h"

using namespace net;
using namespace std::chrono_literals;

namespace {

// Sends back lines; "leave" makes the session go on on a thread, "return" on the loop, "slow" waits
// longer than it may, "flood" sends more than any buffer takes, "lend" the same out of pages of its
// own, "end" ends it.
void echo(Socket& socket) {
    std::string line;
    char byte;
    while (true) {
        const auto got = socket.read_some({&byte, 1}, Deadline::after(10s));
        if (!got || *got == 0) return;
        if (byte != '\n') {
            line += byte;
            continue;
        }
        if (line == "end") return;
        if (line == "leave") leave_loop();
        if (line == "return") return_to_loop();
        if (line == "slow") {
            char none;
            const auto nothing = socket.read_some({&none, 1}, Deadline::after(30ms));
            line = nothing                                      ? "read"
                   : nothing.error().kind == ErrorKind::Timeout ? "timed out"
                                                                : "failed";
        }
        if (line == "lend") {
            constexpr size_t kBytes = 8 << 20;
            void* pages =
                ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            std::memset(pages, 'l', kBytes);
            const LentBytes lent{{static_cast<const char*>(pages), kBytes}, next_lent_id()};
            const bool sent = socket.write_lent("head ", lent, Deadline::after(10s)).has_value();
            // What comes into this memory next is not what the peer gets.
            ::munmap(pages, kBytes);
            pages =
                ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            std::memset(pages, '!', kBytes);
            ::munmap(pages, kBytes);
            if (!sent) return;
        }
        if (line == "flood") line.assign(8 << 20, 'x');
        line += current_loop() ? " on a loop\n" : " on a thread\n";
        if (!socket.write_all(line, Deadline::after(10s))) return;
        line.clear();
    }
}

struct Echo {
    Loops loops;
    std::unique_ptr<Listener> listener = *Listener::open(Address::loopback(0), "echo", echo);
    explicit Echo(size_t count = 2) : loops("test", count) {
        listener->set_loops(&loops);
        listener->start();
    }
};

std::string ask(test::RawViewer& viewer, std::string_view line) {
    viewer.send(line);
    return viewer.read_until("\n");
}

}  // namespace

TEST_CASE("A session waits on its loop, leaves it for a thread and returns") {
    if (!Loops::built()) return;
    Echo server;
    test::RawViewer viewer(server.listener->address());
    CHECK(ask(viewer, "one\n") == "one on a loop\n");
    CHECK(ask(viewer, "leave\n") == "leave on a thread\n");
    CHECK(ask(viewer, "two\n") == "two on a thread\n");
    CHECK(ask(viewer, "return\n") == "return on a loop\n");
    CHECK(ask(viewer, "slow\n") == "timed out on a loop\n");
    CHECK(ask(viewer, "three\nfour\n") == "three on a loop\n");
    CHECK(viewer.read_until("\n") == "four on a loop\n");
}

TEST_CASE("A session that cannot write lets others run") {
    if (!Loops::built()) return;
    Echo server(1);
    test::RawViewer slow(server.listener->address()), other(server.listener->address());
    slow.send("flood\n");
    for (int i = 0; i < 3; ++i)
        CHECK(ask(other, "still here\n") == "still here on a loop\n");
    CHECK(slow.read_until("\n").size() == (8 << 20) + std::string(" on a loop\n").size());
}

TEST_CASE("Lent pages reach a slow reader whole, on a loop and on a thread") {
    if (!Loops::built()) return;
    Echo server(1);
    test::RawViewer slow(server.listener->address()), other(server.listener->address());
    const std::string whole = "head " + std::string(8 << 20, 'l');
    for (const std::string where : {"on a loop", "on a thread"}) {
        slow.send("lend\n");
        CHECK(ask(other, "still here\n") == "still here on a loop\n");
        CHECK(slow.read_until("\n") == whole + "lend " + where + "\n");
        // What follows on the same socket may block again.
        CHECK(ask(slow, "slow\n") == "timed out " + where + "\n");
        if (where == "on a loop") CHECK(ask(slow, "leave\n") == "leave on a thread\n");
    }
}

TEST_CASE("What is lent again and again is held, and never mistaken for what lies there later") {
    if (!Loops::built()) return;
    constexpr size_t kBytes = 100 << 10;
    constexpr int kOften = 200;
    void* place =
        ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    LentBytes lent;
    const auto put = [&](char letter) {
        ::munmap(place, kBytes);
        place = ::mmap(place, kBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        std::memset(place, letter, kBytes);
        lent = {{static_cast<const char*>(place), kBytes}, next_lent_id()};
    };
    Loops loops("test", 1);
    auto listener = *Listener::open(Address::loopback(0), "lends", [&](Socket& socket) {
        char byte;
        while (socket.read_some({&byte, 1}, Deadline::after(10s)).value_or(0) == 1)
            if (!socket.write_lent("head ", lent, Deadline::after(10s)) ||
                !socket.write_all("\n", Deadline::after(10s)))
                return;
    });
    listener->set_loops(&loops);
    listener->start();
    {
        test::RawViewer viewer(listener->address());
        for (const char letter : {'a', 'b', 'c', 'd', 'e', 'f'}) {
            put(letter);
            const std::string whole = "head " + std::string(kBytes, letter) + "\n";
            for (int i = 0; i < kOften; ++i)
                REQUIRE(ask(viewer, ".") == whole);
            // Its pages are not looked up any more.
            ::mprotect(place, kBytes, PROT_NONE);
            CHECK(ask(viewer, ".") == whole);
        }
    }
    listener->stop();
    ::munmap(place, kBytes);
}

TEST_CASE("There are as many loops as processors that the process may run on") {
    if (!Loops::built()) return;
    cpu_set_t before, one;
    REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
        if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
    std::set<const void*> seen;
    std::mutex mutex;
    const auto count_with = [&](const cpu_set_t& allowed) {
        REQUIRE(::sched_setaffinity(0, sizeof allowed, &allowed) == 0);
        seen.clear();
        {
            std::atomic<int> ended = 0;
            constexpr int kSessions = 16;
            Loops loops("test");
            for (int i = 0; i < kSessions; ++i)
                loops.start([&] {
                    {
                        std::lock_guard lock(mutex);
                        seen.insert(current_loop());
                    }
                    if (++ended == kSessions) ended.notify_all();
                });
            for (int now = ended; now < kSessions; now = ended)
                ended.wait(now);
        }
        return seen.size();
    };
    const size_t of_one = count_with(one), of_all = count_with(before);
    CHECK(of_one == 1);
    CHECK(of_all == std::min<size_t>(static_cast<size_t>(CPU_COUNT(&before)), 4));
}

TEST_CASE("Many sessions at once, each with its own bytes") {
    if (!Loops::built()) return;
    Echo server;
    std::vector<std::unique_ptr<test::RawViewer>> viewers;
    for (int i = 0; i < 200; ++i)
        viewers.push_back(std::make_unique<test::RawViewer>(server.listener->address()));
    for (int round = 0; round < 3; ++round) {
        for (size_t i = 0; i < viewers.size(); ++i)
            viewers[i]->send((i % 7 == 0 ? "leave\n" : std::to_string(i) + "\n"));
        for (size_t i = 0; i < viewers.size(); ++i) {
            const std::string line = viewers[i]->read_until("\n");
            CHECK(line ==
                  (i % 7 == 0 ? "leave on a thread\n" : std::to_string(i) + " on a loop\n"));
        }
    }
    // Both ends: some say goodbye, the listener ends the others.
    for (size_t i = 0; i < viewers.size(); i += 2)
        viewers[i]->send("end\n");
    for (size_t i = 0; i < viewers.size(); i += 2)
        CHECK(viewers[i]->read_to_end().empty());
    server.listener->stop();
    for (size_t i = 1; i < viewers.size(); i += 2)
        CHECK(viewers[i]->read_to_end().empty());
    CHECK(server.listener->open_connections() == 0);
}

TEST_CASE("A peer's end and its last bytes are both seen") {
    if (!Loops::built()) return;
    Echo server;
    for (int i = 0; i < 50; ++i) {
        test::RawViewer viewer(server.listener->address());
        viewer.send("last\n");
        viewer.socket().finish_writing();
        CHECK(viewer.read_to_end() == "last on a loop\n");
    }
}

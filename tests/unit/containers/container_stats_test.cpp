// proc(5), cgroups(7): what the files that statistics are read from say.
#include "containers/container_stats.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace containers;

TEST_CASE("interfaces are read from the kernel's table, loopback left out") {
    auto interfaces = parse_interfaces(
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "
        "drop fifo colls carrier compressed\n"
        "    lo:     500       5    0    0    0     0          0         0      500       5    0   "
        " "
        "0    0     0       0          0\n"
        "  eth0:1234567      10    1    2    3     4          5         6     7654      20    7    "
        "8    9     0       0          0\n");
    REQUIRE(interfaces.size() == 1);
    CHECK(interfaces[0].name == "eth0");
    CHECK(interfaces[0].received.bytes == 1234567);
    CHECK(interfaces[0].received.packets == 10);
    CHECK(interfaces[0].received.errors == 1);
    CHECK(interfaces[0].received.dropped == 2);
    CHECK(interfaces[0].sent.bytes == 7654);
    CHECK(interfaces[0].sent.packets == 20);
    CHECK(interfaces[0].sent.errors == 7);
    CHECK(interfaces[0].sent.dropped == 8);
    CHECK(parse_interfaces("").empty());
}

TEST_CASE("counters of a cgroup are names and numbers, up to what is none") {
    using Counters = std::vector<std::pair<std::string, uint64_t>>;
    CHECK(parse_counters("anon 98304\nfile 0\n") == Counters{{"anon", 98304}, {"file", 0}});
    CHECK(parse_counters("").empty());
    CHECK(parse_counters("a 1\nb max\nc 2\n") == Counters{{"a", 1}});
}

TEST_CASE("a process tree is the process, its threads and who descends from it") {
    const ProcessTree before = read_process_tree(::getpid());
    CHECK(before.threads >= 1);
    CHECK(before.resident_bytes > 1 << 20);
    const pid_t child = ::fork();
    if (child == 0)
        for (;;)
            ::pause();
    const ProcessTree with_child = read_process_tree(::getpid());
    CHECK(with_child.threads == before.threads + 1);
    CHECK(with_child.resident_bytes > before.resident_bytes);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CHECK(read_process_tree(::getpid()).threads == before.threads);
    CHECK(read_process_tree(child).threads == 0);  // nobody
}

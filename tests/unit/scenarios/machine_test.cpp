// What a machine needs for a gate, and what for less. Source: harness.md §4.1; DECISIONS 27, 28.
#include "scenarios/push/machine.h"

#include <algorithm>
#include <catch2/catch.hpp>

namespace {

push::Machine complete() {
    return {.engine = "Docker 20.10.24",
            .mariadb = "/usr/sbin/mariadbd",
            .redis = "/usr/bin/redis-server",
            .git = "/usr/bin/git",
            .node = "/usr/bin/node",
            .npm = "/usr/bin/npm",
            .aws = "/usr/bin/aws",
            .browser = "/usr/bin/chromium",
            .node_version = "20.20.2",
            .memory = "cgroup v1",
            .images = {"node:20-slim"},
            .disk_free = 100ull << 30};
}

void without_engine(push::Machine& machine) {
    machine.engine = "";
    machine.engine_problem = "no Docker engine answers at /var/run/docker.sock";
}

}  // namespace

TEST_CASE("a gate needs git, room, and either the sandbox with both servers or an engine") {
    struct Row {
        const char* what;
        void (*change)(push::Machine&);
        bool can_run;
        std::vector<std::string> not_good;
    };
    const Row rows[] = {
        {"all of it", [](push::Machine&) {}, true, {}},
        {"no engine", [](push::Machine& m) { without_engine(m); }, true, {"engine"}},
        {"no sandbox",
         [](push::Machine& m) { m.sandbox_problem = "user namespaces are refused"; },
         true,
         {"sandbox"}},
        {"neither",
         [](push::Machine& m) {
             without_engine(m);
             m.sandbox_problem = "user namespaces are refused";
         },
         false,
         {"sandbox", "engine"}},
        {"no servers, an engine",
         [](push::Machine& m) { m.mariadb = m.redis = ""; },
         true,
         {"mariadb", "redis"}},
        {"no MariaDB, no engine",
         [](push::Machine& m) {
             m.mariadb = "";
             without_engine(m);
         },
         false,
         {"engine", "mariadb"}},
        {"no Redis, no engine",
         [](push::Machine& m) {
             m.redis = "";
             without_engine(m);
         },
         false,
         {"engine", "redis"}},
        {"no git", [](push::Machine& m) { m.git = ""; }, false, {"git"}},
        {"no room", [](push::Machine& m) { m.disk_free = 1 << 20; }, false, {"disk"}},
        {"little room", [](push::Machine& m) { m.disk_free = 2ull << 30; }, true, {"disk"}},
        {"an old Node", [](push::Machine& m) { m.node_version = "18.20.4"; }, true, {"node"}},
        {"programs of workflows and browser steps",
         [](push::Machine& m) { m.node = m.npm = m.aws = m.browser = ""; },
         true,
         {"node", "npm", "aws", "chromium"}},
        {"no base image", [](push::Machine& m) { m.images.clear(); }, true, {"images"}},
        {"a port in use", [](push::Machine& m) { m.busy_ports = {"8080"}; }, true, {"ports"}},
        {"no cgroup",
         [](push::Machine& m) { m.memory = "sampled every 100 ms"; },
         true,
         {"memory"}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.what);
        push::Machine machine = complete();
        row.change(machine);
        const auto lines = push::look(machine);
        CHECK(push::gate_can_run(lines) == row.can_run);
        std::vector<std::string> not_good;
        for (const push::Line& line : lines) {
            CAPTURE(line.part);
            CHECK_FALSE(line.text.empty());
            // What is not as it should be says what to do.
            CHECK((line.level == push::Level::Good) == line.next.empty());
            if (line.level != push::Level::Good) not_good.push_back(line.part);
        }
        CHECK(not_good == row.not_good);
    }
}

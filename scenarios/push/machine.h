// Machine: what a machine has and lacks, and whether a gate can run on it. Pure: from what was
// found. Source: harness.md §4.1; DECISIONS 27, 29.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace push {

struct Machine {
    std::string sandbox_problem;               // "" = tasks can run in our own sandbox
    std::string engine, engine_problem;        // "Docker 20.10.24"; why none answers
    std::string mariadb, redis;                // the server's binary; "" = not here
    std::string git, node, npm, aws, browser;  // likewise
    std::string node_version;                  // "20.20.2"
    std::string memory;                        // how limits are kept: "cgroup v1"
    std::vector<std::string> images;           // base images that were made: "node:20-slim"
    std::string images_directory;
    std::string disk_directory;
    uint64_t disk_free = 0;
    std::vector<std::string> busy_ports;  // of `dodam up`'s own: "8080"
};

enum class Level { Good, Note, Lacking };  // Note: some things cannot be done; Lacking: no gate

struct Line {
    std::string part;
    Level level = Level::Good;
    std::string text;
    std::string next;  // "" = nothing to do
};

std::vector<Line> look(const Machine& machine);
bool gate_can_run(const std::vector<Line>& lines);

}  // namespace push

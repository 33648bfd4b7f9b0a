// A line for each part of a machine.
#include "scenarios/push/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace push {
namespace {

constexpr int kOldestNode = 20;              // what the sample app and its tools ask for
constexpr uint64_t kLeastFree = 1ull << 30;  // a world: template, layers, a build
constexpr uint64_t kComfortablyFree = 5ull << 30;

Line program(std::string part, const std::string& path, std::string without, std::string next) {
    if (!path.empty()) return {std::move(part), Level::Good, path, ""};
    return {std::move(part), Level::Note, "not here: " + std::move(without), std::move(next)};
}

// A server of the stack: the engine can run it where the machine has none.
Line server(std::string part, const std::string& path, bool engine, const std::string& package) {
    if (!path.empty()) return {std::move(part), Level::Good, path, ""};
    return {std::move(part), engine ? Level::Note : Level::Lacking,
            engine ? "not here: the engine can run it" : "not here, and no engine runs it",
            "apt-get install " + package +
                (engine ? ", or --backing compose" : ", or start a Docker engine")};
}

}  // namespace

std::vector<Line> look(const Machine& machine) {
    const bool sandbox = machine.sandbox_problem.empty(), engine = !machine.engine.empty();
    std::vector<Line> lines;
    lines.push_back(
        sandbox ? Line{"sandbox", Level::Good, "namespaces are admitted: --runtime process", ""}
                : Line{"sandbox", engine ? Level::Note : Level::Lacking, machine.sandbox_problem,
                       engine ? "nothing: --runtime docker runs tasks"
                              : "admit user namespaces (above), or start a Docker engine"});
    lines.push_back(engine ? Line{"engine", Level::Good, machine.engine + ": --runtime docker", ""}
                           : Line{"engine", sandbox ? Level::Note : Level::Lacking,
                                  machine.engine_problem,
                                  sandbox ? "nothing: --runtime process runs tasks"
                                          : "apt-get install docker.io, and start it"});
    lines.push_back({"memory", machine.memory.starts_with("sampled") ? Level::Note : Level::Good,
                     machine.memory,
                     machine.memory.starts_with("sampled")
                         ? "nothing: a task above its limit is ended a little later than on Fargate"
                         : ""});
    lines.push_back(
        server("mariadb", machine.mariadb, engine, "mariadb-server-core mariadb-client"));
    lines.push_back(server("redis", machine.redis, engine, "redis-tools"));

    Line git = program("git", machine.git, "the gate judges a commit", "apt-get install git");
    if (machine.git.empty()) git.level = Level::Lacking;
    lines.push_back(std::move(git));

    Line node = program("node", machine.node, "setup-node in workflows and browser steps need it",
                        "install Node 20 or newer");
    int major = 0;
    std::from_chars(machine.node_version.data(),
                    machine.node_version.data() + machine.node_version.size(), major);
    if (!machine.node.empty()) node.text += " " + machine.node_version;
    if (!machine.node.empty() && major < kOldestNode) {
        node.level = Level::Note;
        node.next = "install Node 20 or newer";
    }
    lines.push_back(std::move(node));
    lines.push_back(program("npm", machine.npm, "workflows that build a frontend need it",
                            "install it with Node"));
    lines.push_back(program("aws", machine.aws, "workflows use the built-in aws s3, ecs and ecr",
                            "apt-get install awscli"));
    lines.push_back(
        program("chromium", machine.browser, "browser steps need it", "apt-get install chromium"));

    const bool images = !machine.images.empty();
    lines.push_back({"images", images ? Level::Good : Level::Note,
                     images ? base::join(machine.images, ", ") + " in " + machine.images_directory
                            : "none in " + machine.images_directory + ": a FROM needs its registry",
                     images ? "" : "script/offline-images makes them without a registry"});

    Line disk{"disk", Level::Good,
              fmt::format("{:.1f} GiB free in {}",
                          static_cast<double>(machine.disk_free) / static_cast<double>(1ull << 30),
                          machine.disk_directory),
              ""};
    if (machine.disk_free < kComfortablyFree) {
        disk.level = machine.disk_free < kLeastFree ? Level::Lacking : Level::Note;
        disk.next = "make room: a gate wants 1 GiB, several worlds 5 GiB";
    }
    lines.push_back(std::move(disk));

    const bool busy = !machine.busy_ports.empty();
    lines.push_back({"ports", busy ? Level::Note : Level::Good,
                     busy ? base::join(machine.busy_ports, ", ") + " in use on 127.0.0.1"
                          : "those of `dodam up` are free",
                     busy ? "nothing for the gate; `dodam up` takes others with --aws-port, "
                            "--http-port, --https-port"
                          : ""});
    return lines;
}

bool gate_can_run(const std::vector<Line>& lines) {
    return std::ranges::none_of(lines,
                                [](const Line& line) { return line.level == Level::Lacking; });
}

}  // namespace push

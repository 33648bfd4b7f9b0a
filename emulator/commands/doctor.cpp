// dodam doctor: what this machine has and lacks, a line each, with the next step.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "backing/mariadb.h"
#include "backing/redis.h"
#include "base/process.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "commands/version.h"
#include "containers/docker_engine.h"
#include "containers/memory_limit.h"
#include "containers/process_runtime.h"
#include "net/listener.h"
#include "oci/layout.h"
#include "scenarios/push/machine.h"
#include "scenarios/runner/browser.h"

namespace commands {
namespace {

namespace fs = std::filesystem;
using base::Node;

constexpr auto kEnginePatience = std::chrono::seconds(2);
constexpr auto kVersionPatience = std::chrono::seconds(10);

std::string node_version(base::Spawner& spawner, const std::string& node) {
    if (node.empty()) return "";
    auto said = base::run(spawner, {.command = {node, "--version"}}, kVersionPatience);
    if (!said || said->exit_code != 0) return "";
    std::string_view version = base::trim(said->output);
    if (version.starts_with('v')) version.remove_prefix(1);
    return std::string(version);
}

// "node:20-slim", from DIRECTORY/node/20-slim/oci-layout.
std::vector<std::string> base_images(const std::string& directory) {
    std::vector<std::string> out;
    std::error_code none;
    for (fs::recursive_directory_iterator walk(directory, none), end; walk != end;
         walk.increment(none)) {
        if (walk->path().filename() == "blobs") walk.disable_recursion_pending();
        if (walk->path().filename() != "oci-layout") continue;
        const fs::path at = walk->path().parent_path().lexically_relative(directory);
        out.push_back(at.parent_path().string() + ":" + at.filename().string());
    }
    std::ranges::sort(out);
    return out;
}

// Of the ports that `dodam up` binds when no others are given.
std::vector<std::string> busy_ports() {
    std::vector<std::string> out;
    for (const Flag& flag : kUp.flags) {
        if (!flag.name.ends_with("-port")) continue;
        const auto port = base::parse_unsigned(flag.fallback);
        if (port && !net::Listener::open(net::Address::loopback(static_cast<uint16_t>(*port)),
                                         "doctor", [](net::Socket&) {}))
            out.emplace_back(flag.fallback);
    }
    return out;
}

push::Machine find_out() {
    base::Spawner spawner;
    push::Machine machine;
    machine.sandbox_problem = containers::why_no_sandbox(spawner);
    if (auto engine = containers::DockerEngine::ask("", kEnginePatience))
        machine.engine = "Docker " + engine->version;
    else
        machine.engine_problem = engine.error();
    machine.mariadb = backing::mariadb_program();
    machine.redis = backing::redis_program();
    machine.git = base::find_program("git");
    machine.node = base::find_program("node");
    machine.npm = base::find_program("npm");
    machine.aws = base::find_program("aws");
    machine.browser = scenarios::find_browser(".").chromium;
    machine.node_version = node_version(spawner, machine.node);
    machine.memory = containers::MemoryLimits("doctor").facility();
    machine.images_directory = oci::OfflineImages::default_directory();
    machine.images = base_images(machine.images_directory);
    std::error_code none;
    machine.disk_directory = fs::temp_directory_path().string();
    machine.disk_free = fs::space(machine.disk_directory, none).available;
    machine.busy_ports = busy_ports();
    return machine;
}

std::string_view name_of(push::Level level) {
    switch (level) {
        case push::Level::Good: return "ok";
        case push::Level::Note: return "note";
        case push::Level::Lacking: return "LACKING";
    }
    return "";
}

int doctor(const Arguments& arguments) {
    const auto lines = push::look(find_out());
    const bool can_run = push::gate_can_run(lines);
    if (arguments.has("json")) {
        Node parts = Node::array();
        for (const push::Line& line : lines)
            parts.push_back(Node::object({{"part", line.part},
                                          {"level", base::lower(name_of(line.level))},
                                          {"text", line.text},
                                          {"next", line.next}}));
        fmt::print("{}\n", base::to_json(Node::object({{"version", std::string(kVersion)},
                                                       {"gate", can_run},
                                                       {"parts", std::move(parts)}}),
                                         2));
        return can_run ? kOk : kNotStarted;
    }
    for (const push::Line& line : lines)
        fmt::print("{:<8} {:<9} {}{}\n", name_of(line.level), line.part, line.text,
                   line.next.empty() ? "" : "; next: " + line.next);
    if (can_run) {
        fmt::print("the gate can run here\n");
        return kOk;
    }
    return fail(kNotStarted, "the gate cannot run here: see what is LACKING");
}

constexpr Flag kFlags[] = {kJsonFlag};

}  // namespace

const Command kDoctor{
    "doctor",
    "Say what this machine has and lacks for a gate, and what to do",
    "",
    kFlags,
    "  dodam doctor                    exit 0: the gate can run here, 3: it cannot\n"
    "  dodam doctor --json\n",
    doctor};

}  // namespace commands

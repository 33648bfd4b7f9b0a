// dodam snapshot: the whole world under a name: database, cache, buckets, edge, deployments.
// Loading is in place while the same thing is deployed; otherwise the emulator starts again on the
// saved state.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "base/clock.h"
#include "base/date.h"
#include "base/process.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "snapshots/state_copy.h"

namespace commands {
namespace {

namespace fs = std::filesystem;
using base::Node;

constexpr auto kStartWait = std::chrono::minutes(3);

std::string home_of(const std::string& state) {
    return fs::absolute(state).lexically_normal().string() + "/snapshots";
}
std::string home_of(const Arguments& arguments) {
    return home_of(state_directory(arguments));
}

std::expected<std::string, int> checked(const std::string& name) {
    const bool good = !name.empty() && name.size() <= 64 && name.front() != '.' &&
                      name.find_first_not_of(
                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "0123456789._-") == std::string::npos;
    if (!good)
        return std::unexpected(
            fail(kWrongInput, "a snapshot has a name of letters, digits, '.', '_' and '-'"));
    return name;
}
std::expected<std::string, int> name_of(const Arguments& arguments) {
    return checked(arguments.positional.empty() ? "" : arguments.positional[0]);
}

double seconds_since(base::Time begun, const base::Clock& clock) {
    return static_cast<double>((clock.real_now() - begun).count()) / 1e6;
}

uint64_t size_of(const std::string& directory) {
    uint64_t bytes = 0;
    std::error_code none;
    for (const auto& entry : fs::recursive_directory_iterator(directory, none))
        if (entry.is_regular_file(none)) bytes += entry.file_size(none);
    return bytes;
}

int save(const Arguments& arguments) {
    auto name = name_of(arguments);
    if (!name) return name.error();
    auto client = Client::find(arguments);
    if (!client) return client.error();
    base::SystemClock clock;
    const base::Time begun = clock.real_now();
    if (const int code = save_snapshot(*client, *name); code != kOk) return code;
    fmt::print("saved {}: {} bytes, {:.1f} s\n", *name, size_of(home_of(arguments) + "/" + *name),
               seconds_since(begun, clock));
    return kOk;
}

std::string port_of(const std::string& endpoint) {
    return endpoint.substr(endpoint.rfind(':') + 1);
}

// Stops, takes the saved state, starts with the same ports and settings, in the background.
int start_again(const Client& client, const std::string& place) {
    auto status = client.get("/status"), clock = client.get("/clock");
    if (!status) return fail(status.error());
    if (!clock) return fail(clock.error());
    const std::string self = fs::read_symlink("/proc/self/exe").string();
    const state::InstanceInfo info = client.info();
    base::Spawner spawner;
    // Worlds beside it stay: they may be what the saved state needs.
    if (const int code = stop_instance(client); code != kOk) return code;
    std::error_code error;
    for (const char* name : {"state.db", "state.db-wal", "state.db-shm", "applied.json"})
        fs::remove(client.directory() + "/" + name, error);
    if (auto copied = ::snapshots::copy_directory(place, client.directory()); !copied)
        return fail(kNotStarted, copied.error());
    std::vector<std::string> up = {
        self,
        "up",
        "--detach",
        "--state",
        client.directory(),
        "--aws-port",
        port_of(info.aws_endpoint),
        "--http-port",
        port_of(info.viewer_endpoint),
        "--https-port",
        port_of(info.viewer_tls_endpoint),
        "--speed",
        fmt::format("{}", (*clock)["speed"].as_double(1)),
        "--runtime",
        (*status)["runtime"].as_string().starts_with("docker") ? "docker" : "process"};
    if (!info.stack_file.empty()) up.insert(up.end(), {"-f", info.stack_file});
    auto started = base::run(spawner, {.command = std::move(up)}, kStartWait);
    if (!started || started->exit_code != 0)
        return fail(kNotStarted, "the emulator does not start on the saved state: " +
                                     (started ? started->error : started.error()));
    return kOk;
}

int load(const Arguments& arguments) {
    auto name = name_of(arguments);
    if (!name) return name.error();
    const std::string place = home_of(arguments) + "/" + *name;
    if (!fs::exists(place))
        return fail(kWrongInput, fmt::format("there is no snapshot \"{}\"; `dodam snapshot list` "
                                             "names them",
                                             *name));
    auto client = Client::find(arguments);
    if (!client) return client.error();
    base::SystemClock clock;
    const base::Time begun = clock.real_now();
    auto loaded = client->post("/snapshots", Node::object({{"load", place}}));
    std::string how = "in place";
    if (loaded && !(*loaded)["loaded"].as_bool()) {
        how = "started again, for something else was deployed; it runs in the background now";
        if (const int code = start_again(*client, place); code != kOk) return code;
        client = Client::find(arguments);
        if (!client) return client.error();
        loaded = client->post("/snapshots", Node::object({{"load", place}}));
    }
    if (!loaded) return fail(loaded.error());
    if (!(*loaded)["loaded"].as_bool())
        return fail(
            kNotStarted,
            fmt::format("the stack file differs from the snapshot in {}, so it does not fit",
                        base::to_json((*loaded)["differs"])));
    fmt::print("loaded {}: {}, {:.1f} s\n", *name, how, seconds_since(begun, clock));
    return kOk;
}

int list(const Arguments& arguments) {
    Node out = Node::array();
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(home_of(arguments), none)) {
        const std::string name = entry.path().filename().string();
        if (!entry.is_directory(none) || name.ends_with(".making")) continue;
        const uint64_t bytes = size_of(entry.path().string());
        out.push_back(Node::object({{"name", name}, {"bytes", bytes}}));
        if (!arguments.has("json")) fmt::print("{:<24} {} KiB\n", name, bytes / 1024);
    }
    if (arguments.has("json"))
        fmt::print("{}\n", base::to_json(out, 2));
    else if (out.size() == 0)
        fmt::print("there is no snapshot; `dodam snapshot save NAME` makes one\n");
    return kOk;
}

int remove(const Arguments& arguments) {
    auto name = name_of(arguments);
    if (!name) return name.error();
    std::error_code error;
    if (fs::remove_all(home_of(arguments) + "/" + *name, error) == 0 || error)
        return fail(kWrongInput, fmt::format("there is no snapshot \"{}\"", *name));
    fmt::print("removed {}\n", *name);
    return kOk;
}

constexpr Flag kFlags[] = {{"-f,--file", "FILE", "the stack file whose instance is meant"},
                           kStateFlag};
constexpr Flag kListFlags[] = {
    {"-f,--file", "FILE", "the stack file whose instance is meant"}, kStateFlag, kJsonFlag};

}  // namespace

int save_snapshot(const Client& client, const std::string& wanted) {
    auto name = checked(wanted);
    if (!name) return name.error();
    // A new one first, so that a save that fails leaves the old one.
    const std::string place = home_of(client.directory()) + "/" + *name, making = place + ".making";
    std::error_code error;
    fs::remove_all(making, error);
    fs::create_directories(making, error);
    if (error) return fail(kNotStarted, fmt::format("cannot make {}: {}", making, error.message()));
    auto saved = client.post("/snapshots", Node::object({{"save", making}}));
    if (!saved) {
        fs::remove_all(making, error);
        return fail(saved.error());
    }
    fs::remove_all(place, error);
    fs::rename(making, place, error);
    if (error) return fail(kNotStarted, fmt::format("cannot keep {}: {}", place, error.message()));
    return kOk;
}

const Command kSnapshotSave{
    "snapshot save",
    "Keep the whole world under a name",
    "NAME",
    kFlags,
    "  dodam snapshot save seeded-shop   database, cache, buckets, edge, what is "
    "deployed\n",
    save};
const Command kSnapshotLoad{"snapshot load", "Make the world what it was when it was saved", "NAME",
                            kFlags,          "  dodam snapshot load seeded-shop\n",          load};
const Command kSnapshotList{"snapshot list", "List snapshots",          "",
                            kListFlags,      "  dodam snapshot list\n", list};
const Command kSnapshotRemove{
    "snapshot rm", "Remove a snapshot", "NAME", kFlags, "  dodam snapshot rm seeded-shop\n",
    remove};

}  // namespace commands

// Worlds: the instance itself.
#include "commands/worlds.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>

#include "base/digest.h"
#include "base/result.h"
#include "base/text.h"
#include "scenarios/runner/overlay.h"
#include "scenarios/runner/scripted_origin.h"
#include "snapshots/state_copy.h"

namespace commands {
namespace {

namespace fs = std::filesystem;
using base::Node;

constexpr size_t kMostWorlds = 64;
constexpr const char* kKeptWarm = "30m";
constexpr auto kStartWait = std::chrono::minutes(3);
constexpr auto kStopWait = std::chrono::seconds(60);
constexpr auto kSteadyWait = base::seconds(60);
constexpr auto kSteadyLook = base::milliseconds(20);

// Names that only the running instance knows: a stack without a file, or things made by hand.
void add_from_status(const Node& status, Node& attributes) {
    auto add = [&](std::string_view from, const std::string& kind,
                   std::initializer_list<std::pair<std::string_view, std::string>> fields) {
        for (const auto& [name, thing] : status[from].members()) {
            if (attributes[kind].find(name)) continue;
            Node entry = Node::object();
            for (const auto& [source, attribute] : fields)
                if (const Node* value = thing.find(source)) entry.set(attribute, *value);
            if (!attributes.find(kind)) attributes.set(kind, Node::object());
            attributes.find(kind)->set(name, std::move(entry));
        }
    };
    add("distributions", "distributions", {{"id", "id"}, {"domain", "domain"}, {"arn", "arn"}});
    add("load_balancers", "loadBalancers",
        {{"name", "name"}, {"dns_name", "dnsName"}, {"arn", "arn"}});
    add("target_groups", "targetGroups", {{"arn", "arn"}});
    add("buckets", "buckets", {{"name", "name"}});
    add("services", "services", {{"name", "name"}, {"arn", "arn"}, {"cluster", "cluster"}});
    for (auto& [name, bucket] : attributes.members())
        if (name == "buckets")
            for (auto& [key, entry] : bucket.members())
                if (!entry.find("domain"))
                    entry.set("domain", entry["name"].as_string() + ".s3.amazonaws.com");
}

}  // namespace

std::vector<std::string> world_command(const std::string& self, const std::string& directory,
                                       const std::string& speed, const std::string& runtime) {
    return {self,         "up",      "--detach",    "--state",   directory,
            "--aws-port", "0",       "--http-port", "0",         "--https-port",
            "0",          "--speed", speed,         "--runtime", runtime};
}

std::expected<scenarios::WorldSource::Place, int> place_of(const state::InstanceInfo& info,
                                                           const std::string& directory) {
    auto status = Client(info, directory).get("/status");
    if (!status) return std::unexpected(fail(status.error()));
    scenarios::WorldSource::Place place;
    scenarios::World& world = place.world;
    world.aws_endpoint = info.aws_endpoint;
    world.viewer_endpoint = info.viewer_endpoint;
    world.viewer_tls_endpoint = info.viewer_tls_endpoint;
    world.token = info.token;
    world.state = fs::absolute(directory).string();
    world.stack_file = info.stack_file;
    world.ca_file = fs::absolute(directory + "/ca/ca.pem").string();
    if (!info.stack_file.empty()) {
        auto known = know_stack(info.stack_file, directory + "/secrets.env");
        if (!known)
            return std::unexpected(
                fail(kWrongInput,
                     "the stack file has changed since the stack came up, and is wrong now"));
        world.stack = std::move(known->attributes);
        world.account = known->account;
        world.region = known->region;
        place.secrets = std::move(known->secrets);
    }
    add_from_status(*status, world.stack);
    return place;
}

HereSource::HereSource(Place place, std::shared_ptr<scenarios::ScriptedOrigin> origin)
    : place_(std::move(place)) {
    place_.origin = std::move(origin);
    place_.name = "here";
}

std::expected<scenarios::WorldSource::Place, scenarios::WorldSource::Problem> HereSource::prepare(
    size_t, const scenarios::Scenario&) {
    // Scenarios undo their own; what was broken by hand would be taken for the code's fault.
    const auto info = state::StateDirectory::running(place_.world.state);
    if (!info) return std::unexpected(Problem{"the instance has ended"});
    auto faults = Client(*info, place_.world.state).get("/faults");
    if (!faults) return std::unexpected(Problem{faults.error().sentence});
    std::string left;
    for (const Node& fault : (*faults)["faults"].items())
        left += fmt::format("{}{} (until {})", left.empty() ? "" : ", ", fault["shown"].as_string(),
                            fault["ends"].as_string());
    if (!left.empty())
        return std::unexpected(
            Problem{fmt::format("something is broken on purpose already: {}; `dodam fault clear "
                                "--state {}` ends it",
                                left, place_.world.state)});
    return place_;
}

// --- Worlds of one's own

struct Worlds::World {
    std::string directory, name;
    int lock = -1;
    std::string fingerprint;  // of what it was made from, "" = not made
    std::optional<Place> place;

    ~World() {
        if (lock >= 0) ::close(lock);
    }
};

std::expected<Node, std::string> overlaid_stack(const std::string& stack_file,
                                                const Node& overlay) {
    const std::string text = TRY(state::read_file(stack_file));
    auto root = base::parse_json(text, base::JsonDialect::WithComments);
    if (!root)
        return std::unexpected(fmt::format("{}:{}:{}: {}", stack_file, root.error().position.line,
                                           root.error().position.column, root.error().message));
    if (!overlay.is_null()) {
        auto applied = scenarios::apply_overlay(*root, overlay);
        if (!applied) return std::unexpected("\"stack\": " + applied.error());
    }
    const fs::path home = fs::absolute(stack_file).parent_path();
    auto absolute = [&](Node* owner, std::string_view key) {
        Node* file = owner ? owner->find(key) : nullptr;
        if (file && file->is_string() && !file->as_string().empty())
            *file = Node((home / file->as_string()).lexically_normal().string());
    };
    absolute(root->find("database"), "init");
    if (Node* services = root->find("services"))
        for (auto& service : services->members())
            absolute(&service.second, "taskDefinition");
    return std::move(*root);
}

Worlds::Worlds(WorldOptions options, base::Clock& clock)
    : options_(std::move(options)), clock_(clock) {
    baseline_ = ::snapshots::digest_of(options_.instance);
    std::error_code ignored;
    fs::create_directories(options_.instance + "/worlds", ignored);
    // The directory may be ours alone: no instance has been started there yet.
    if (!fs::exists(options_.instance + "/.gitignore", ignored))
        (void)state::write_file(options_.instance + "/.gitignore", "*\n");
}

Worlds::~Worlds() = default;

std::string Worlds::kind_of(const scenarios::Scenario& scenario) const {
    return scenario.overlay.is_null() ? std::string() : base::to_json(scenario.overlay);
}

// What a world is made from: the same text, the same world.
std::string Worlds::fingerprint(const scenarios::Scenario& scenario) {
    std::error_code none;
    const fs::path self = fs::read_symlink("/proc/self/exe", none);
    std::string all = fmt::format(
        "{}\n{}\n{}\n{}\n{}\n{}\n", options_.runtime, options_.speed, kind_of(scenario), baseline_,
        fs::last_write_time(self, none).time_since_epoch().count(), fs::file_size(self, none));
    all += state::read_file(options_.instance + "/secrets.env").value_or("");
    if (options_.stack_file.empty()) return base::sha256_hex(all);
    all += state::read_file(options_.stack_file).value_or("");
    if (auto stack = overlaid_stack(options_.stack_file, Node())) {
        all += state::read_file((*stack)["database"]["init"].as_string()).value_or("");
        for (const auto& service : (*stack)["services"].members())
            all += state::read_file(service.second["taskDefinition"].as_string()).value_or("");
    }
    return base::sha256_hex(all);
}

// The worker's world for the overlay: the first of its kind that nobody else holds.
std::expected<Worlds::World*, std::string> Worlds::hold(size_t worker, const std::string& overlay) {
    std::lock_guard guard(mutex_);
    auto& slot = worlds_[{worker, overlay}];
    if (slot) return slot.get();
    const std::string kind = overlay.empty() ? "base" : base::sha256_hex(overlay).substr(0, 8);
    for (size_t number = 1; number <= kMostWorlds; ++number) {
        auto world = std::make_unique<World>();
        world->directory = fmt::format("{}/worlds/{}-{}", options_.instance, number, kind);
        // Somebody looks at it.
        if (fs::exists(world->directory + "/KEPT") &&
            state::StateDirectory::running(world->directory))
            continue;
        world->lock =
            ::open((world->directory + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (world->lock < 0)
            return std::unexpected(fmt::format("cannot write in {}/worlds", options_.instance));
        if (::flock(world->lock, LOCK_EX | LOCK_NB) != 0) continue;
        world->name = fmt::format("world {}", fs::path(world->directory).filename().string());
        world->fingerprint = state::read_file(world->directory + "/WORLD").value_or("");
        slot = std::move(world);
        return slot.get();
    }
    return std::unexpected(
        fmt::format("all {} worlds of {} are in use", kMostWorlds, options_.instance));
}

std::expected<scenarios::WorldSource::Place, scenarios::WorldSource::Problem> Worlds::prepare(
    size_t worker, const scenarios::Scenario& scenario) {
    auto held = hold(worker, kind_of(scenario));
    if (!held) return std::unexpected(Problem{held.error()});
    World* world = *held;
    in_use(worker, world);
    const std::string wanted = fingerprint(scenario);
    auto info = state::StateDirectory::running(world->directory);
    bool ready = info && world->fingerprint == wanted;
    if (ready && (scenario.world != "keep" || !world->place)) ready = go_back(*world);
    if (!ready) {
        if (auto built = build(*world, scenario); !built) return std::unexpected(built.error());
        world->fingerprint = wanted;
        (void)state::write_file(world->directory + "/WORLD", wanted);
        info = state::StateDirectory::running(world->directory);
    }
    if (!info) return std::unexpected(Problem{world->name + " is gone"});
    if (!world->place) {
        auto place = place_of(*info, world->directory);
        if (!place) return std::unexpected(Problem{world->name + " cannot be asked for its stack"});
        place->origin = options_.origin;
        place->name = world->name;
        world->place = std::move(*place);
    }
    if (scenario.world.starts_with("snapshot:")) {
        const std::string name = scenario.world.substr(std::string_view("snapshot:").size());
        auto loaded = Client(*info, world->directory)
                          .post("/snapshots",
                                Node::object({{"load", options_.instance + "/snapshots/" + name}}));
        if (!loaded) return std::unexpected(Problem{loaded.error().sentence});
        if (!(*loaded)["loaded"].as_bool())
            return std::unexpected(
                Problem{fmt::format("the snapshot {} has another deployment than the world ({})",
                                    name, base::to_json((*loaded)["differs"]))});
    }
    return *world->place;
}

void Worlds::in_use(size_t worker, World* world) {
    std::lock_guard guard(mutex_);
    in_use_[worker] = world;
}

// False: something is not as it was, and only a new world helps.
bool Worlds::go_back(World& world) {
    auto info = state::StateDirectory::running(world.directory);
    if (!info) return false;
    auto answer = Client(*info, world.directory).post("/baseline", Node::object());
    return answer && (*answer)["differs"].size() == 0;
}

std::expected<void, scenarios::WorldSource::Problem> Worlds::build(
    World& world, const scenarios::Scenario& scenario) {
    const base::Time begun = clock_.real_now();
    const std::string self = fs::read_symlink("/proc/self/exe").string();
    std::error_code error;
    world.place.reset();
    if (state::StateDirectory::running(world.directory))
        (void)base::run(spawner_, {.command = {self, "down", "--state", world.directory}},
                        kStopWait);
    fs::remove_all(world.directory, error);
    fs::create_directories(world.directory, error);
    if (error)
        return std::unexpected(
            Problem{fmt::format("cannot make {}: {}", world.directory, error.message())});
    if (auto copied = ::snapshots::copy_directory(options_.instance, world.directory); !copied)
        return std::unexpected(Problem{copied.error()});

    auto up =
        world_command(self, world.directory, fmt::format("{}", options_.speed), options_.runtime);
    up.insert(up.end(), {"--until-idle", kKeptWarm});
    if (!options_.stack_file.empty()) {
        std::string file = options_.stack_file;
        if (!scenario.overlay.is_null()) {
            auto stack = overlaid_stack(options_.stack_file, scenario.overlay);
            if (!stack)
                return std::unexpected(
                    Problem{scenario.source.file + ": " + stack.error(), kWrongInput});
            file = world.directory + "/dodam.json";
            if (auto written = state::write_file(file, base::to_json(*stack, 2)); !written)
                return std::unexpected(Problem{written.error()});
        }
        up.insert(up.end(), {"-f", file});
    }
    auto started =
        base::run(spawner_, {.command = std::move(up), .directory = world.directory}, kStartWait);
    if (!started)
        return std::unexpected(Problem{world.name + " does not start: " + started.error()});
    if (started->exit_code != 0)
        return std::unexpected(Problem{
            fmt::format("{}{} does not start:\n{}", world.name,
                        scenario.overlay.is_null() ? "" : ", with the overlay of " + scenario.id,
                        base::trim(started->error.empty() ? started->output : started->error)),
            started->exit_code == kWrongInput ? kWrongInput : kNotStarted});
    if (auto ready = steady(world); !ready) return std::unexpected(Problem{ready.error()});
    auto info = state::StateDirectory::running(world.directory);
    auto marked =
        info ? Client(*info, world.directory).post("/baseline", Node::object({{"mark", true}}))
             : std::unexpected(Refusal{"it is gone"});
    if (!marked) return std::unexpected(Problem{world.name + ": " + marked.error().sentence});
    options_.say(
        fmt::format("made    {}{}  {:.1f}s\n", world.name,
                    scenario.overlay.is_null() ? "" : fmt::format(" (overlay of {})", scenario.id),
                    static_cast<double>((clock_.real_now() - begun).count()) / 1e6));
    return {};
}

// Every service runs what it should, and every target that is not leaving is healthy.
std::expected<void, std::string> Worlds::steady(World& world) {
    auto info = state::StateDirectory::running(world.directory);
    if (!info) return std::unexpected(world.name + " ended at once");
    const Client client(*info, world.directory);
    const base::Time end = clock_.real_now() + kSteadyWait;
    std::string waiting;
    while (clock_.real_now() < end) {
        auto status = client.get("/status");
        if (!status) return std::unexpected(status.error().sentence);
        waiting.clear();
        for (const auto& [name, service] : (*status)["services"].members())
            if (service["running"].as_int() != service["desired"].as_int() ||
                service["rollout"].as_string() == "IN_PROGRESS")
                waiting += fmt::format(" service {} runs {} of {}", name,
                                       service["running"].as_int(), service["desired"].as_int());
        for (const auto& [name, group] : (*status)["target_groups"].members())
            for (const Node& target : group["targets"].items())
                if (target["state"].as_string() == "initial")
                    waiting += fmt::format(" target {} of {} is initial",
                                           target["address"].as_string(), name);
        if (waiting.empty()) return {};
        clock_.wait_until(clock_.now() + kSteadyLook);
    }
    return std::unexpected(fmt::format("{} is not steady after {} s:{}; dodam status --state {}",
                                       world.name, kSteadyWait.count(), waiting, world.directory));
}

void Worlds::finished(size_t worker, const scenarios::ScenarioResult& result, After after) {
    if (after == After::Reuse) return;
    std::lock_guard guard(mutex_);
    World* world = in_use_[worker];
    (void)state::write_file(world->directory + "/KEPT", result.scenario->id + "\n");
    kept_.emplace_back(world->directory, result.scenario->id);
    // The worker goes on in another one.
    std::erase_if(worlds_, [&](const auto& each) { return each.second.get() == world; });
}

}  // namespace commands

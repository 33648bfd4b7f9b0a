// Worlds: stack files written for a case, and the emulators on them.
#include "worlds.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>
#include <stdexcept>

#include "emulator.h"
#include "oci/registry_client.h"
#include "scenarios/runner/context.h"
#include "scenarios/runner/names.h"
#include "scenarios/runner/overlay.h"
#include "stack/attributes.h"
#include "stack/stack_file.h"
#include "support/probe_image.h"

namespace conformance {
namespace {

using base::Node;

std::string temporary_directory() {
    char pattern[] = "/tmp/dodam-conformance-XXXXXX";
    if (!mkdtemp(pattern)) throw std::runtime_error("no temporary directory can be made");
    return pattern;
}

// The stack of the case, its overlay applied, with the scripted origin's port in its place.
Node stack_of(const Node& given, int origin_port) {
    // A name of fixtures/stacks, or a file of the checkout.
    const std::string& name = given["stack"].as_string();
    const std::string file = name.find('/') == std::string::npos
                                 ? fmt::format("{}/fixtures/stacks/{}.json", SOURCE_DIR, name)
                                 : fmt::format("{}/{}", SOURCE_DIR, name);
    auto text = state::read_file(file);
    if (!text)
        throw std::runtime_error(
            fmt::format("\"given\" names a stack that is not there: {}", file));
    auto parsed = base::parse_json(*text, base::JsonDialect::WithComments);
    if (!parsed)
        throw std::runtime_error(
            fmt::format("{}:{}: {}", file, parsed.error().position.line, parsed.error().message));
    Node overlay = given;
    overlay.erase("stack");
    if (auto applied = scenarios::apply_overlay(*parsed, overlay); !applied)
        throw std::runtime_error("\"given\": " + applied.error());
    scenarios::Values values;
    values.set("origin", Node::object({{"port", origin_port}}));
    auto stack = values.expand(*parsed);
    if (!stack) throw std::runtime_error(file + ": " + stack.error());
    return std::move(*stack);
}

Node attributes_of(const stack::Stack& stack) {
    base::Ids ids(stack.account, stack.region);
    Node all = Node::object();
    for (const auto& [kind, things] : stack.root.members()) {
        if (!things.is_object()) continue;
        Node section = Node::object();
        for (const auto& [name, thing] : things.members()) {
            Node entry = Node::object();
            for (const auto& [attribute, value] : stack::attributes_of(ids, kind, name, thing))
                entry.set(attribute, value);
            section.set(name, std::move(entry));
        }
        all.set(kind, std::move(section));
    }
    return all;
}

// As `docker push` would, for the cases whose tasks run.
void push_probe(const scenarios::World& world, const std::string& directory) {
    base::SystemClock clock;
    scenarios::Context context(world, clock, ".");
    auto credentials = context.control.post("/credentials", Node::object());
    if (!credentials) throw std::runtime_error(credentials.error().message);
    oci::ImageLayout layout(directory + "/probe");
    support::make_probe_image(layout, BINARY_DIR "/dodam-probe");
    const std::string host = world.aws_endpoint.substr(std::string_view("http://").size());
    oci::RegistryClient registry(host, {"AWS", (*credentials)["ecr"]["password"].as_string()},
                                 directory);
    auto reference = oci::Reference::parse(host + "/probe:latest");
    auto pushed =
        registry.push(*reference, layout, *layout.manifest(*oci::Reference::parse("probe")));
    if (!pushed) throw std::runtime_error("the probe's image: " + pushed.error().text);
}

}  // namespace

struct Worlds::Running {
    std::string directory = temporary_directory();
    std::shared_ptr<scenarios::ScriptedOrigin> origin;
    std::unique_ptr<Emulator> emulator;
    scenarios::World world;

    ~Running() {
        emulator.reset();
        std::error_code ignored;
        std::filesystem::remove_all(directory, ignored);
    }
};

Worlds::Worlds() = default;

// Stopping is waiting: all at once.
Worlds::~Worlds() {
    std::vector<base::Thread> stopping;
    for (auto& [given, running] : running_)
        stopping.emplace_back(
            "world-stop",
            [one = std::shared_ptr<Running>(std::move(running))]() mutable { one.reset(); });
    for (base::Thread& thread : stopping)
        thread.join();
}

Worlds::Place Worlds::place(const Node& given) {
    auto& running = running_[base::to_json(given)];
    if (!running) {
        auto made = std::make_unique<Running>();
        made->origin = std::make_shared<scenarios::ScriptedOrigin>(clock_);
        const std::string file = made->directory + "/dodam.json";
        (void)state::write_file(file, base::to_json(stack_of(given, made->origin->port()), 2));
        EmulatorOptions options{.stack_file = file,
                                .state_directory = made->directory + "/state",
                                .runtime = "process",
                                .speed = 20,
                                .aws_port = 0,
                                .http_port = 0,
                                .https_port = 0};
        auto emulator = Emulator::start(options, [](const std::string&) {});
        if (!emulator)
            throw std::runtime_error("the stack does not start: " + emulator.error().text);
        made->emulator = std::move(*emulator);
        auto stack = stack::read_stack(
            file, [](const std::string&) -> std::expected<std::string, std::string> {
                return "unknown";
            });
        if (!stack) throw std::runtime_error("the stack file is wrong");
        const state::InstanceInfo& info = made->emulator->info();
        made->world = {.aws_endpoint = info.aws_endpoint,
                       .viewer_endpoint = info.viewer_endpoint,
                       .viewer_tls_endpoint = info.viewer_tls_endpoint,
                       .ca_file = made->directory + "/state/ca/ca.pem",
                       .token = info.token,
                       .account = stack->account,
                       .region = stack->region,
                       .stack = attributes_of(*stack)};
        // Plain http: what the edge decides is the same, and cases that want TLS name a URL.
        Node targets = Node::object();
        for (const auto& [name, distribution] : made->world.stack["distributions"].members())
            targets.set(name,
                        Node::object({{"url", "http://" + distribution["domain"].as_string()}}));
        made->world.stack.set("targets", std::move(targets));
        if (made->world.stack["repositories"].find("probe"))
            push_probe(made->world, made->directory);
        running = std::move(made);
    }
    running->origin->forget();
    base::SystemClock clock;
    scenarios::Context context(running->world, clock, ".");
    auto reset =
        context.control.post("/reset", Node::object({{"parts", Node::array({"edge", "faults"})}}));
    if (!reset) throw std::runtime_error("the world cannot be reset: " + reset.error().message);
    return {running->world, running->origin};
}

}  // namespace conformance

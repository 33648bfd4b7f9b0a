// Worlds: the instance itself.
#include "commands/worlds.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/text.h"
#include "scenarios/runner/scripted_origin.h"

namespace commands {
namespace {

namespace fs = std::filesystem;
using base::Node;

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

std::expected<scenarios::WorldSource::Place, std::string> HereSource::prepare(
    size_t, const scenarios::Scenario&) {
    return place_;
}

}  // namespace commands

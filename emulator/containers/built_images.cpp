#include "containers/built_images.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/text.h"
#include "oci/reference.h"

namespace containers {
namespace {

using base::Node;

constexpr const char* kLabel = "dodam.built-for";  // INSTANCE:HOST:STATE

BuiltFor read(std::string_view label) {
    const auto [instance, place] = base::cut(label, ':');
    const auto [host, state] = base::cut(place, ':');
    return {std::string(instance), std::string(host), std::string(state)};
}

Node images_that(DockerEngine& engine, const Node& filter) {
    const auto list =
        engine.call("GET", "/images/json?filters=" + base::percent_encode(base::to_json(filter)));
    return list && list->ok() ? list->json() : Node();
}

// Not its parents: they are the build cache.
void remove_name(DockerEngine& engine, const std::string& name) {
    (void)engine.call("DELETE", "/images/" + name + "?noprune=true");
}

}  // namespace

std::string label_of(const BuiltFor& stack) {
    return fmt::format("{}={}:{}:{}", kLabel, stack.instance, stack.host, stack.state);
}

void remove_built_images(DockerEngine& engine, const std::function<bool(const BuiltFor&)>& goes) {
    const Node found = images_that(engine, Node::object({{"label", Node::array({kLabel})}}));
    for (const Node& image : found.items()) {
        if (!goes(read(image["Labels"][kLabel].as_string()))) continue;
        bool named = false;
        for (const Node& tag : image["RepoTags"].items()) {
            const auto reference = oci::Reference::parse(tag.as_string());
            named = named || reference;
            if (reference && reference->is_ecr()) remove_name(engine, tag.as_string());
        }
        if (!named) remove_name(engine, image["Id"].as_string());
    }
}

void remove_names_of(DockerEngine& engine, const std::string& registry) {
    const Node names = Node::array({registry + "/*", registry + "/*/*"});
    const Node found = images_that(engine, Node::object({{"reference", names}}));
    for (const Node& image : found.items())
        for (const Node& tag : image["RepoTags"].items())
            if (tag.as_string().starts_with(registry + "/")) remove_name(engine, tag.as_string());
}

}  // namespace containers

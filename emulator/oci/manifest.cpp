#include "oci/manifest.h"

#include "base/result.h"

namespace oci {
namespace {

using base::Node;

std::string sentence(std::string_view what, const base::JsonError& error) {
    return std::string(what) + " is not JSON: " + error.message;
}

std::expected<Descriptor, std::string> read_descriptor(const Node& node, std::string_view what) {
    Descriptor descriptor;
    auto digest = Digest::parse(node["digest"].as_string());
    if (!digest) return std::unexpected(std::string(what) + " has no sha256 digest");
    if (!node["size"].is_integer() || node["size"].as_int() < 0)
        return std::unexpected(std::string(what) + " has no size");
    descriptor.media_type = node["mediaType"].as_string();
    descriptor.digest = *digest;
    descriptor.size_bytes = static_cast<uint64_t>(node["size"].as_int());
    descriptor.os = node["platform"]["os"].as_string();
    descriptor.architecture = node["platform"]["architecture"].as_string();
    descriptor.variant = node["platform"]["variant"].as_string();
    for (const auto& [name, value] : node["annotations"].members())
        descriptor.annotations[name] = value.as_string();
    return descriptor;
}

std::vector<std::string> read_strings(const Node& node) {
    std::vector<std::string> out;
    for (const Node& item : node.items())
        out.push_back(item.as_string());
    return out;
}

Node write_strings(const std::vector<std::string>& strings) {
    Node out = Node::array();
    for (const std::string& text : strings)
        out.push_back(text);
    return out;
}

Node write_descriptor(const Descriptor& descriptor) {
    return Node::object({{"mediaType", descriptor.media_type},
                         {"digest", descriptor.digest.to_string()},
                         {"size", Node(static_cast<int64_t>(descriptor.size_bytes))}});
}

}  // namespace

bool is_index_type(std::string_view media_type) {
    return media_type == kIndexType || media_type == kDockerListType;
}

std::expected<Manifest, std::string> parse_manifest(std::string_view bytes) {
    auto node = base::parse_json(bytes);
    if (!node) return std::unexpected(sentence("the manifest", node.error()));
    Manifest manifest;
    manifest.media_type = (*node)["mediaType"].as_string();
    if (manifest.media_type.empty()) manifest.media_type = kManifestType;
    manifest.config = TRY(read_descriptor((*node)["config"], "the manifest's config"));
    if (!(*node)["layers"].is_array()) return std::unexpected("the manifest has no layers");
    for (const Node& layer : (*node)["layers"].items())
        manifest.layers.push_back(TRY(read_descriptor(layer, "a layer of the manifest")));
    return manifest;
}

std::expected<Index, std::string> parse_index(std::string_view bytes) {
    auto node = base::parse_json(bytes);
    if (!node) return std::unexpected(sentence("the index", node.error()));
    Index index;
    index.media_type = (*node)["mediaType"].as_string();
    if (!(*node)["manifests"].is_array()) return std::unexpected("the index has no manifests");
    for (const Node& entry : (*node)["manifests"].items())
        index.manifests.push_back(TRY(read_descriptor(entry, "an entry of the index")));
    return index;
}

const Descriptor* Index::for_platform(std::string_view architecture) const {
    for (const Descriptor& entry : manifests)
        if (entry.os == "linux" && entry.architecture == architecture) return &entry;
    // A layout's own index names no platform.
    if (manifests.size() == 1 && manifests[0].os.empty()) return &manifests[0];
    return nullptr;
}

std::expected<ImageConfig, std::string> parse_config(std::string_view bytes) {
    auto node = base::parse_json(bytes);
    if (!node) return std::unexpected(sentence("the image configuration", node.error()));
    ImageConfig config;
    config.architecture = (*node)["architecture"].as_string();
    config.os = (*node)["os"].as_string();
    const Node& run = (*node)["config"];
    config.env = read_strings(run["Env"]);
    config.entrypoint = read_strings(run["Entrypoint"]);
    config.command = read_strings(run["Cmd"]);
    config.user = run["User"].as_string();
    config.working_directory = run["WorkingDir"].as_string();
    config.stop_signal = run["StopSignal"].as_string();
    for (const auto& [port, nothing] : run["ExposedPorts"].members())
        config.exposed_ports.push_back(port);
    for (const auto& [path, nothing] : run["Volumes"].members())
        config.volumes.push_back(path);
    for (const auto& [name, value] : run["Labels"].members())
        config.labels[name] = value.as_string();
    for (const Node& item : (*node)["rootfs"]["diff_ids"].items()) {
        auto digest = Digest::parse(item.as_string());
        if (!digest)
            return std::unexpected(
                "the image configuration has a diff id that is no sha256 digest");
        config.diff_ids.push_back(*digest);
    }
    return config;
}

std::string write_manifest(const Manifest& manifest) {
    Node layers = Node::array();
    for (const Descriptor& layer : manifest.layers)
        layers.push_back(write_descriptor(layer));
    return base::to_json(Node::object({{"schemaVersion", 2},
                                       {"mediaType", manifest.media_type},
                                       {"config", write_descriptor(manifest.config)},
                                       {"layers", std::move(layers)}}));
}

std::string write_config(const ImageConfig& config) {
    Node run = Node::object();
    if (!config.env.empty()) run.set("Env", write_strings(config.env));
    if (!config.entrypoint.empty()) run.set("Entrypoint", write_strings(config.entrypoint));
    if (!config.command.empty()) run.set("Cmd", write_strings(config.command));
    if (!config.user.empty()) run.set("User", config.user);
    if (!config.working_directory.empty()) run.set("WorkingDir", config.working_directory);
    if (!config.stop_signal.empty()) run.set("StopSignal", config.stop_signal);
    auto set_of = [](const std::vector<std::string>& names) {
        Node out = Node::object();
        for (const std::string& name : names)
            out.set(name, Node::object());
        return out;
    };
    if (!config.exposed_ports.empty()) run.set("ExposedPorts", set_of(config.exposed_ports));
    if (!config.volumes.empty()) run.set("Volumes", set_of(config.volumes));
    if (!config.labels.empty()) {
        Node labels = Node::object();
        for (const auto& [name, value] : config.labels)
            labels.set(name, value);
        run.set("Labels", std::move(labels));
    }
    Node diff_ids = Node::array();
    for (const Digest& digest : config.diff_ids)
        diff_ids.push_back(digest.to_string());
    return base::to_json(Node::object(
        {{"architecture", config.architecture},
         {"os", config.os},
         {"config", std::move(run)},
         {"rootfs", Node::object({{"type", "layers"}, {"diff_ids", std::move(diff_ids)}})}}));
}

std::string_view native_architecture() {
#if defined(__aarch64__)
    return "arm64";
#else
    return "amd64";
#endif
}

}  // namespace oci

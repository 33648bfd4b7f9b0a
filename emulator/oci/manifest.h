// Manifests, indexes and image configurations (OCI image-spec manifest.md, image-index.md,
// config.md; the Docker v2 schema 2 media types are read as their OCI equals). Bytes are kept by
// whoever received them: these are views.
#pragma once
#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "oci/digest.h"

namespace oci {

inline constexpr std::string_view kManifestType = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kIndexType = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kConfigType = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kLayerType = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view kDockerManifestType =
    "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kDockerListType =
    "application/vnd.docker.distribution.manifest.list.v2+json";

struct Descriptor {
    std::string media_type;
    Digest digest;
    uint64_t size_bytes = 0;
    std::string os, architecture, variant;  // of an index entry, "" when not given
    std::map<std::string, std::string> annotations;
};

struct Manifest {
    std::string media_type;
    Descriptor config;
    std::vector<Descriptor> layers;  // base first
};

struct Index {
    std::string media_type;
    std::vector<Descriptor> manifests;
    // The entry for linux on `architecture` ("amd64", "arm64"); attestations ("unknown") never
    // match. nullptr if none.
    const Descriptor* for_platform(std::string_view architecture) const;
};

// The runtime part of an image configuration.
struct ImageConfig {
    std::string architecture, os;
    std::vector<std::string> env;  // NAME=value, in order
    std::vector<std::string> entrypoint, command;
    std::string user, working_directory, stop_signal;
    std::vector<std::string> exposed_ports;  // "3000/tcp"
    std::map<std::string, std::string> labels;
    std::vector<std::string> volumes;
    std::vector<Digest> diff_ids;  // of the uncompressed layers, base first
};

bool is_index_type(std::string_view media_type);
std::expected<Manifest, std::string> parse_manifest(std::string_view bytes);
std::expected<Index, std::string> parse_index(std::string_view bytes);
std::expected<ImageConfig, std::string> parse_config(std::string_view bytes);

// The same value gives the same bytes.
std::string write_manifest(const Manifest& manifest);
std::string write_config(const ImageConfig& config);

// What this machine runs: "amd64" or "arm64".
std::string_view native_architecture();

}  // namespace oci

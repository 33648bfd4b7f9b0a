#include "containers/placeholder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/ids.h"
#include "base/result.h"
#include "containers/holder_client.h"
#include "oci/layer.h"

namespace containers {

namespace fs = std::filesystem;

bool is_placeholder(const oci::Reference& reference) {
    return reference.registry.empty() && reference.repository == "dodam/placeholder";
}

std::expected<void, std::string> PlaceholderSource::make() {
    std::string program = holder_.empty() ? find_holder() : holder_;
    if (program.empty()) return std::unexpected("dodam-holder is missing: it belongs beside dodam");
    TRY(layout_.put_blob(""));
    std::string tree = layout_.directory() + "/tree." + base::random_hex(8), tar = tree + ".tar";
    std::error_code failed;
    fs::create_directory(tree, failed);
    fs::copy_file(program, tree + "/placeholder", failed);
    ::chmod((tree + "/placeholder").c_str(), 0755);
    int file = ::open(tar.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    std::expected<oci::PackedLayer, std::string> layer =
        std::unexpected(tar + " cannot be written: " + strerror(errno));
    if (file >= 0 && !failed) layer = oci::pack_layer(tree, file, oci::native_ownership());
    if (file >= 0) ::close(file);
    oci::remove_tree(tree);
    if (!layer) return std::unexpected(layer.error());
    TRY(layout_.adopt_blob(tar, layer->diff_id));

    oci::ImageConfig config;
    config.architecture = oci::native_architecture();
    config.os = "linux";
    config.entrypoint = {"/placeholder", "placeholder"};
    config.user = "65534:65534";
    config.diff_ids = {layer->diff_id};
    std::string config_bytes = oci::write_config(config);
    oci::Manifest manifest;
    manifest.media_type = oci::kManifestType;
    manifest.config = {std::string(oci::kConfigType), TRY(layout_.put_blob(config_bytes)),
                       config_bytes.size()};
    manifest.layers = {{std::string(oci::kLayerType), layer->diff_id, layer->size_bytes}};
    std::string bytes = oci::write_manifest(manifest);
    return layout_.set_name(kPlaceholderImage,
                            {manifest.media_type, TRY(layout_.put_blob(bytes)), bytes.size()});
}

std::expected<oci::ManifestBytes, oci::SourceError> PlaceholderSource::manifest(
    const oci::Reference& reference) {
    std::lock_guard lock(mutex_);
    // Once by every emulator, whatever the layout has: the program may be newer.
    if (!made_) {
        if (auto made = make(); !made)
            return std::unexpected(
                oci::SourceError{oci::SourceError::Kind::Unreachable, made.error()});
        made_ = true;
    }
    return layout_.manifest(reference);
}

std::expected<int, oci::SourceError> PlaceholderSource::open_blob(const oci::Reference& reference,
                                                                  const oci::Digest& digest) {
    return layout_.open_blob(reference, digest);
}

}  // namespace containers

#include "oci/layer_store.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/ids.h"
#include "base/result.h"
#include "base/text.h"

namespace oci {
namespace {

constexpr size_t kMaxConfigBytes = 8 << 20;

SourceError malformed(const Reference& reference, const std::string& what) {
    return {SourceError::Kind::Malformed, reference.written + ": " + what};
}

std::expected<std::string, SourceError> read_blob(const Reference& reference, ImageSource& source,
                                                  const Digest& digest) {
    int file = TRY(source.open_blob(reference, digest));
    std::string bytes;
    char chunk[1 << 14];
    ssize_t got;
    while (bytes.size() <= kMaxConfigBytes && (got = ::read(file, chunk, sizeof chunk)) != 0) {
        if (got > 0)
            bytes.append(chunk, static_cast<size_t>(got));
        else if (errno != EINTR)
            break;
    }
    ::close(file);
    if (Digest::of(bytes) != digest)
        return std::unexpected(
            malformed(reference, "blob " + digest.to_string() + " has another digest"));
    return bytes;
}

// Made by temporary_name() of a process that is gone.
bool is_left_behind(const std::string& name) {
    if (!name.starts_with("tmp-")) return false;
    auto pid = base::parse_unsigned(base::split(name, '-')[1]);
    return pid && *pid != static_cast<uint64_t>(::getpid()) &&
           ::kill(static_cast<pid_t>(*pid), 0) < 0 && errno == ESRCH;
}

}  // namespace

bool LayerStore::has(const Digest& diff_id) const {
    return ::access((layers_directory() + "/" + name_of(diff_id)).c_str(), F_OK) == 0;
}

std::expected<void, std::string> LayerStore::prepare() const {
    for (const std::string& path :
         {directory_, layers_directory(), directory_ + "/tasks", directory_ + "/scratch"}) {
        std::error_code error;
        std::filesystem::create_directories(path, error);
        if (error) return std::unexpected(path + " cannot be made: " + error.message());
        // A task's root is another user on this machine: it may pass, and not list.
        if (ownership_ == Ownership::Shifted) ::chmod(path.c_str(), 0711);
    }
    for (const char* below : {"/scratch", "/tasks"}) {
        std::vector<std::string> left;
        std::error_code ignored;
        for (const auto& entry : std::filesystem::directory_iterator(directory_ + below, ignored))
            if (is_left_behind(entry.path().filename())) left.push_back(entry.path());
        for (const std::string& path : left)
            remove_tree(path);
    }
    return {};
}

std::string LayerStore::temporary_name() {
    return "tmp-" + std::to_string(::getpid()) + "-" + base::random_hex(16);
}
std::string LayerStore::scratch_path() const {
    return directory_ + "/scratch/" + temporary_name();
}

std::expected<StoredImage, SourceError> LayerStore::pull(const Reference& reference,
                                                         ImageSource& source) {
    if (auto ready = prepare(); !ready)
        return std::unexpected(SourceError{SourceError::Kind::Unreachable, ready.error()});
    ManifestBytes bytes = TRY(source.manifest(reference));
    StoredImage image;
    image.digest = bytes.digest;
    if (is_index_type(bytes.media_type)) {
        auto index = parse_index(bytes.bytes);
        if (!index) return std::unexpected(malformed(reference, index.error()));
        const Descriptor* entry = index->for_platform(native_architecture());
        // ecs-ecr.md §8: the words that Fargate shows for an index without this architecture.
        if (!entry)
            return std::unexpected(malformed(
                reference, "image Manifest does not contain descriptor matching platform 'linux/" +
                               std::string(native_architecture()) + "'"));
        Reference by_digest = reference;
        by_digest.digest = entry->digest;
        bytes = TRY(source.manifest(by_digest));
    }
    if (Digest::of(bytes.bytes) != bytes.digest)
        return std::unexpected(malformed(reference, "the manifest has another digest"));
    image.manifest_digest = bytes.digest;
    auto manifest = parse_manifest(bytes.bytes);
    if (!manifest) return std::unexpected(malformed(reference, manifest.error()));
    image.manifest = std::move(*manifest);

    auto config = parse_config(TRY(read_blob(reference, source, image.manifest.config.digest)));
    if (!config) return std::unexpected(malformed(reference, config.error()));
    image.config = std::move(*config);
    if (image.config.diff_ids.size() != image.manifest.layers.size())
        return std::unexpected(
            malformed(reference, "configuration and manifest disagree about the number of layers"));
    for (size_t i = 0; i < image.manifest.layers.size(); ++i) {
        const Digest &blob = image.manifest.layers[i].digest, &diff_id = image.config.diff_ids[i];
        if (has(diff_id)) continue;
        int file = TRY(source.open_blob(reference, blob));
        auto unpacked = unpack(file, blob, diff_id);
        ::close(file);
        if (!unpacked) return std::unexpected(malformed(reference, unpacked.error()));
    }
    return image;
}

std::expected<void, std::string> LayerStore::unpack(int descriptor, const Digest& blob,
                                                    const Digest& diff_id) {
    std::string temporary = scratch_path();
    if (::mkdir(temporary.c_str(), 0755) < 0)
        return std::unexpected(temporary + " cannot be made: " + strerror(errno));
    auto unpacked = unpack_layer(descriptor, temporary, ownership_);
    std::string problem;
    if (!unpacked)
        problem = "layer " + blob.to_string() + ": " + unpacked.error();
    else if (unpacked->blob != blob)
        problem = "layer " + blob.to_string() + " has another digest";
    else if (unpacked->diff_id != diff_id)
        problem = "layer " + blob.to_string() + " does not have the diff id of the configuration";
    else if (auto adopted = adopt(temporary, diff_id); !adopted)
        problem = adopted.error();
    if (problem.empty()) return {};
    remove_tree(temporary);
    return std::unexpected(problem);
}

// Loses to an equal one that is here: somebody else was faster.
std::expected<void, std::string> LayerStore::adopt(const std::string& directory,
                                                   const Digest& diff_id) {
    std::string at = layers_directory() + "/" + name_of(diff_id);
    if (::rename(directory.c_str(), at.c_str()) == 0) return {};
    int error = errno;
    if (!has(diff_id)) return std::unexpected(at + " cannot be made: " + strerror(error));
    remove_tree(directory);
    return {};
}

}  // namespace oci

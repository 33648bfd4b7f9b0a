#include "oci/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/result.h"

namespace oci {
namespace {

constexpr const char* kNameAnnotation = "org.opencontainers.image.ref.name";
constexpr size_t kMaxManifestBytes = 4 << 20;  // as registries limit it

std::expected<std::string, int> read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::unexpected(errno);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

// Seen whole or not at all.
std::expected<void, std::string> write_file(const std::string& path, std::string_view bytes) {
    std::string temporary = path + "." + base::random_hex(8);
    std::ofstream out(temporary, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out || ::rename(temporary.c_str(), path.c_str()) < 0) {
        std::string why = strerror(errno);
        ::unlink(temporary.c_str());
        return std::unexpected(path + " cannot be written: " + why);
    }
    return {};
}

SourceError not_found(const Reference& reference) {
    return {SourceError::Kind::NotFound, reference.written + ": not found"};
}

SourceError malformed(const std::string& text) {
    return {SourceError::Kind::Malformed, text};
}

}  // namespace

std::expected<Digest, std::string> digest_of_file(int descriptor) {
    base::Digest digest(base::DigestKind::Sha256);
    std::vector<char> chunk(1 << 17);
    ssize_t got;
    while ((got = ::read(descriptor, chunk.data(), chunk.size())) != 0) {
        if (got > 0)
            digest.update({chunk.data(), static_cast<size_t>(got)});
        else if (errno != EINTR)
            return std::unexpected(std::string(strerror(errno)));
    }
    return *Digest::parse("sha256:" + base::to_hex(digest.finish()));
}

int open_scratch(const std::string& directory) {
    std::error_code ignored;
    std::filesystem::create_directories(directory, ignored);
    int file = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0) return file;
    std::string path =
        directory + "/scratch." + base::random_hex(12);  // file systems without O_TMPFILE
    file = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0) ::unlink(path.c_str());
    return file;
}

bool ImageLayout::exists() const {
    return ::access((directory_ + "/index.json").c_str(), R_OK) == 0;
}
bool ImageLayout::has_blob(const Digest& digest) const {
    return ::access(blob_path(digest).c_str(), R_OK) == 0;
}

std::expected<std::vector<std::pair<std::string, Descriptor>>, std::string> ImageLayout::names()
    const {
    auto text = read_file(directory_ + "/index.json");
    if (!text) return std::vector<std::pair<std::string, Descriptor>>();
    Index index = TRY(parse_index(*text));
    std::vector<std::pair<std::string, Descriptor>> out;
    for (Descriptor& entry : index.manifests) {
        auto name = entry.annotations.find(kNameAnnotation);
        out.emplace_back(name == entry.annotations.end() ? "" : name->second, std::move(entry));
    }
    return out;
}

std::expected<ManifestBytes, SourceError> ImageLayout::manifest(const Reference& reference) {
    auto entries = names();
    if (!entries) return std::unexpected(malformed(directory_ + "/index.json: " + entries.error()));
    Digest digest = reference.digest;
    if (digest.empty())
        for (const auto& [name, entry] : *entries)
            if (name == reference.short_name() || name == reference.written ||
                name == reference.tag)
                digest = entry.digest;
    if (digest.empty()) return std::unexpected(not_found(reference));
    auto bytes = read_file(blob_path(digest));
    if (!bytes) return std::unexpected(not_found(reference));
    if (bytes->size() > kMaxManifestBytes || Digest::of(*bytes) != digest)
        return std::unexpected(malformed(blob_path(digest) + " does not have its digest"));
    auto node = base::parse_json(*bytes);
    if (!node) return std::unexpected(malformed(blob_path(digest) + " is not JSON"));
    std::string type = (*node)["mediaType"].as_string();
    return ManifestBytes{digest, type.empty() ? std::string(kManifestType) : type,
                         std::move(*bytes)};
}

std::expected<int, SourceError> ImageLayout::open_blob(const Reference& reference,
                                                       const Digest& digest) {
    int file = ::open(blob_path(digest).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return std::unexpected(
            SourceError{SourceError::Kind::NotFound,
                        reference.written + ": blob " + digest.to_string() + " is missing"});
    return file;
}

std::expected<void, std::string> ImageLayout::prepare() {
    std::error_code error;
    std::filesystem::create_directories(directory_ + "/blobs/sha256", error);
    if (error) return std::unexpected(directory_ + " cannot be made: " + error.message());
    if (::access((directory_ + "/oci-layout").c_str(), R_OK) == 0) return {};
    return write_file(directory_ + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
}

std::expected<Digest, std::string> ImageLayout::put_blob(std::string_view bytes) {
    TRY(prepare());
    Digest digest = Digest::of(bytes);
    if (!has_blob(digest)) TRY(write_file(blob_path(digest), bytes));
    return digest;
}

std::expected<void, std::string> ImageLayout::adopt_blob(const std::string& path,
                                                         const Digest& digest) {
    TRY(prepare());
    if (::rename(path.c_str(), blob_path(digest).c_str()) < 0)
        return std::unexpected(path + " cannot be moved into " + directory_ + ": " +
                               strerror(errno));
    return {};
}

std::expected<void, std::string> ImageLayout::set_name(const std::string& name,
                                                       const Descriptor& manifest) {
    TRY(prepare());
    std::lock_guard guard(mutex_);
    // Two builds may end at the same time.
    int lock = ::open((directory_ + "/.lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (lock >= 0) ::flock(lock, LOCK_EX);
    auto entries = names();
    std::expected<void, std::string> result;
    if (!entries) {
        result = std::unexpected(directory_ + "/index.json: " + entries.error());
    } else {
        std::erase_if(*entries, [&](const auto& entry) { return entry.first == name; });
        entries->emplace_back(name, manifest);
        base::Node list = base::Node::array();
        for (const auto& [entry_name, entry] : *entries)
            list.push_back(base::Node::object(
                {{"mediaType", entry.media_type},
                 {"digest", entry.digest.to_string()},
                 {"size", base::Node(static_cast<int64_t>(entry.size_bytes))},
                 {"annotations", base::Node::object({{kNameAnnotation, entry_name}})}}));
        result = write_file(directory_ + "/index.json",
                            base::to_json(base::Node::object(
                                {{"schemaVersion", 2}, {"manifests", std::move(list)}})));
    }
    if (lock >= 0) ::close(lock);
    return result;
}

std::string OfflineImages::default_directory() {
    if (const char* given = std::getenv("DODAM_IMAGES"); given && *given) return given;
    if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache)
        return std::string(cache) + "/dodam/images";
    const char* home = std::getenv("HOME");
    return std::string(home ? home : "") + "/.cache/dodam/images";
}

std::expected<std::string, SourceError> OfflineImages::find(const Reference& reference) const {
    bool docker = reference.registry.empty() || reference.registry == "docker.io" ||
                  reference.registry == "index.docker.io";
    std::string repository = reference.repository;
    if (repository.starts_with("library/")) repository = repository.substr(8);
    std::string at =
        directory_ + "/" + repository + "/" + (reference.tag.empty() ? "latest" : reference.tag);
    if (docker && ImageLayout(at).exists()) return at;
    return std::unexpected(SourceError{SourceError::Kind::NotFound,
                                       reference.written + " is not among the base images in " +
                                           directory_ + "; `script/offline-images NAME` makes " +
                                           std::string(kOfflineImages)});
}

std::expected<ManifestBytes, SourceError> OfflineImages::manifest(const Reference& reference) {
    ImageLayout layout(TRY(find(reference)));
    if (!reference.digest.empty()) return layout.manifest(reference);
    // The one image of the layout, whatever it was called when it was made.
    auto entries = layout.names();
    if (!entries || entries->size() != 1)
        return std::unexpected(malformed(layout.directory() + "/index.json is damaged"));
    Reference by_digest = reference;
    by_digest.digest = entries->front().second.digest;
    return layout.manifest(by_digest);
}

std::expected<int, SourceError> OfflineImages::open_blob(const Reference& reference,
                                                         const Digest& digest) {
    return ImageLayout(TRY(find(reference))).open_blob(reference, digest);
}

}  // namespace oci

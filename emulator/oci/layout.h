// ImageLayout: images in a directory (OCI image-spec, image-layout.md): blobs by digest, names in
// index.json. Where `dodam image build` leaves its result, and how base images are kept.
#pragma once
#include <expected>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "oci/manifest.h"
#include "oci/source.h"

namespace oci {

class ImageLayout final : public ImageSource {
  public:
    // Opens or, on the first write, makes it.
    explicit ImageLayout(std::string directory) : directory_(std::move(directory)) {}
    const std::string& directory() const { return directory_; }
    bool exists() const;

    std::expected<ManifestBytes, SourceError> manifest(const Reference& reference) override;
    std::expected<int, SourceError> open_blob(const Reference& reference,
                                              const Digest& digest) override;

    std::string blob_path(const Digest& digest) const {
        return directory_ + "/blobs/sha256/" + digest.hex();
    }
    bool has_blob(const Digest& digest) const;
    std::expected<Digest, std::string> put_blob(std::string_view bytes);
    // Moves a finished file of the same file system in, under a digest that the caller computed.
    std::expected<void, std::string> adopt_blob(const std::string& path, const Digest& digest);
    // A name for a manifest that is already a blob; replaces an earlier one.
    std::expected<void, std::string> set_name(const std::string& name, const Descriptor& manifest);
    std::expected<std::vector<std::pair<std::string, Descriptor>>, std::string> names() const;

  private:
    std::expected<void, std::string> prepare();
    std::string directory_;
    mutable std::mutex mutex_;
};

// What script/offline-images makes for Dockerfiles, as a sentence names it.
inline constexpr std::string_view kOfflineImages =
    "debian:bookworm-slim, node:20-slim, python:3.11-slim, eclipse-temurin:17-jre, mariadb:10.11 "
    "and redis:7";

// The base images that script/offline-images makes: a layout per name and tag, at
// DIRECTORY/NAME/TAG. Answers for names of Docker's own registry only (node:20-slim,
// docker.io/library/node:20-slim) and for dodam/….
class OfflineImages final : public ImageSource {
  public:
    explicit OfflineImages(std::string directory = default_directory())
        : directory_(std::move(directory)) {}
    // $DODAM_IMAGES, else $XDG_CACHE_HOME/dodam/images, else ~/.cache/dodam/images.
    static std::string default_directory();

    std::expected<ManifestBytes, SourceError> manifest(const Reference& reference) override;
    std::expected<int, SourceError> open_blob(const Reference& reference,
                                              const Digest& digest) override;

  private:
    std::expected<std::string, SourceError> find(const Reference& reference) const;
    std::string directory_;
};

// "sha256:…" computed while the file is read; the descriptor's position ends at its end.
std::expected<Digest, std::string> digest_of_file(int descriptor);
// A file without a name, in `directory`, readable and writable.
int open_scratch(const std::string& directory);

}  // namespace oci

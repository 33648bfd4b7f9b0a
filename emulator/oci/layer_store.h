// LayerStore: every layer unpacked once, under its diff id, as a directory that overlayfs only
// reads. Shared by all tasks, and by all worlds that are given the same directory.
//   DIRECTORY/layers/<32 hex of the diff id>/     DIRECTORY/tasks/     DIRECTORY/scratch/
#pragma once
#include <expected>
#include <string>
#include <vector>

#include "oci/layer.h"
#include "oci/manifest.h"
#include "oci/source.h"

namespace oci {

// An image that is here: everything a container needs to know of it.
struct StoredImage {
    Digest digest;           // what the reference named
    Digest manifest_digest;  // this platform's manifest
    Manifest manifest;
    ImageConfig config;
};

class LayerStore {
  public:
    LayerStore(std::string directory, Ownership ownership)
        : directory_(std::move(directory)), ownership_(ownership) {}

    const std::string& directory() const { return directory_; }
    Ownership ownership() const { return ownership_; }
    std::string layers_directory() const {
        return directory_ + (ownership_ == Ownership::Own ? "/layers-own" : "/layers");
    }
    // The directory's name below layers_directory(): short, because overlayfs takes all of them in
    // 4,096 bytes.
    static std::string name_of(const Digest& diff_id) { return diff_id.hex().substr(0, 32); }
    bool has(const Digest& diff_id) const;

    // Manifest, configuration and all layers; every digest is checked. Layers that are here are not
    // fetched.
    std::expected<StoredImage, SourceError> pull(const Reference& reference, ImageSource& source);
    // One layer from an open blob, checked against both digests.
    std::expected<void, std::string> unpack(int descriptor, const Digest& blob,
                                            const Digest& diff_id);

    // Makes the directories, lets a task's users reach the layers, and removes what killed
    // processes left half done.
    std::expected<void, std::string> prepare() const;
    // A fresh path below scratch/; and a name for one below tasks/. Both are recognised as left
    // behind later.
    std::string scratch_path() const;
    static std::string temporary_name();

  private:
    std::expected<void, std::string> adopt(const std::string& directory, const Digest& diff_id);
    std::string directory_;
    Ownership ownership_;
};

}  // namespace oci

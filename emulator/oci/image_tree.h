// ImageTree: an image's files seen through its unpacked layers, without a mount: what overlayfs
// would show, by its own rules (whiteouts, opaque directories). Links are followed inside the image
// only.
#pragma once
#include <sys/stat.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace oci {

class ImageTree {
  public:
    struct Entry {
        std::string path;     // in the image, absolute, without links on the way
        std::string on_disk;  // of the topmost layer that has it
        struct stat facts{};
        std::vector<std::string> layers;  // of a directory: where its parts lie, topmost first
    };
    enum class Last { Follow, Keep };  // what to do when the last component is a link

    // Directories of unpacked layers, base first.
    explicit ImageTree(const std::vector<std::string>& layers)
        : layers_(layers.rbegin(), layers.rend()) {}

    std::optional<Entry> find(const std::string& path, Last last = Last::Follow) const;
    // A directory's children by name.
    std::map<std::string, Entry> children(const Entry& directory) const;
    // The whole file, "" when there is none; at most 1 MiB.
    std::string read(const std::string& path) const;
    // Where `path` really lies: the links of its existing part followed, the rest appended.
    std::string resolve(const std::string& path) const;

  private:
    std::optional<Entry> root() const;
    std::optional<Entry> child(const Entry& directory, const std::string& name) const;
    std::vector<std::string> layers_;  // topmost first
};

}  // namespace oci

#include "oci/image_tree.h"

#include <dirent.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <deque>
#include <fstream>
#include <set>

#include "base/text.h"

namespace oci {
namespace {

constexpr int kMaxLinks = 40;
constexpr size_t kMaxReadBytes = 1 << 20;

bool is_whiteout(const struct stat& facts) {
    return S_ISCHR(facts.st_mode) && facts.st_rdev == 0;
}

bool is_opaque(const std::string& directory) {
    char value = 0;
    return ::getxattr(directory.c_str(), "user.overlay.opaque", &value, 1) == 1 && value == 'y';
}

std::string joined(const std::string& directory, const std::string& name) {
    return directory == "/" ? "/" + name : directory + "/" + name;
}

}  // namespace

std::optional<ImageTree::Entry> ImageTree::root() const {
    Entry entry;
    entry.path = "/";
    entry.layers = layers_;
    if (layers_.empty() || ::lstat(layers_[0].c_str(), &entry.facts) < 0) return std::nullopt;
    entry.on_disk = layers_[0];
    return entry;
}

std::optional<ImageTree::Entry> ImageTree::child(const Entry& directory,
                                                 const std::string& name) const {
    Entry entry;
    entry.path = joined(directory.path, name);
    for (const std::string& layer : directory.layers) {
        std::string at = layer + "/" + name;
        struct stat facts{};
        if (::lstat(at.c_str(), &facts) < 0) continue;
        if (is_whiteout(facts)) break;
        if (entry.on_disk.empty()) {
            entry.on_disk = at;
            entry.facts = facts;
            if (!S_ISDIR(facts.st_mode)) return entry;
        } else if (!S_ISDIR(facts.st_mode)) {
            break;  // a file below a directory is hidden by it
        }
        entry.layers.push_back(at);
        if (is_opaque(at)) break;
    }
    if (entry.on_disk.empty()) return std::nullopt;
    return entry;
}

std::optional<ImageTree::Entry> ImageTree::find(const std::string& path, Last last) const {
    auto start = root();
    if (!start) return std::nullopt;
    std::vector<Entry> at = {*start};
    std::deque<std::string> left;
    for (std::string_view part : base::split(path, '/'))
        left.emplace_back(part);
    int links = 0;
    while (!left.empty()) {
        std::string name = left.front();
        left.pop_front();
        if (name.empty() || name == ".") continue;
        if (name == "..") {
            if (at.size() > 1) at.pop_back();
            continue;
        }
        auto found = child(at.back(), name);
        if (!found) return std::nullopt;
        bool final = left.empty();
        if (S_ISLNK(found->facts.st_mode) && !(final && last == Last::Keep)) {
            if (++links > kMaxLinks) return std::nullopt;
            std::string target(4096, '\0');
            ssize_t size = ::readlink(found->on_disk.c_str(), target.data(), target.size());
            if (size < 0) return std::nullopt;
            target.resize(static_cast<size_t>(size));
            if (target.starts_with('/')) at.resize(1);
            auto parts = base::split(target, '/');
            left.insert(left.begin(), parts.begin(), parts.end());
            continue;
        }
        if (!final && !S_ISDIR(found->facts.st_mode)) return std::nullopt;
        at.push_back(std::move(*found));
    }
    return at.back();
}

std::map<std::string, ImageTree::Entry> ImageTree::children(const Entry& directory) const {
    std::set<std::string> names;
    for (const std::string& layer : directory.layers) {
        DIR* list = ::opendir(layer.c_str());
        if (!list) continue;
        while (dirent* item = ::readdir(list))
            if (::strcmp(item->d_name, ".") && ::strcmp(item->d_name, ".."))
                names.insert(item->d_name);
        ::closedir(list);
    }
    std::map<std::string, Entry> out;
    for (const std::string& name : names)
        if (auto found = child(directory, name)) out.emplace(name, std::move(*found));
    return out;
}

std::string ImageTree::read(const std::string& path) const {
    auto found = find(path);
    if (!found || !S_ISREG(found->facts.st_mode)) return "";
    std::ifstream in(found->on_disk, std::ios::binary);
    std::string text(std::min<size_t>(kMaxReadBytes, static_cast<size_t>(found->facts.st_size)),
                     '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(in.gcount()));
    return text;
}

std::string ImageTree::resolve(const std::string& path) const {
    std::vector<std::string> parts;
    for (std::string_view part : base::split(path, '/')) {
        if (part.empty() || part == ".") continue;
        if (part == "..") {
            if (!parts.empty()) parts.pop_back();
            continue;
        }
        parts.emplace_back(part);
    }
    std::string so_far = "/";
    for (size_t i = 0; i < parts.size(); ++i) {
        auto found = find(joined(so_far, parts[i]));
        if (found) {
            so_far = found->path;
            continue;
        }
        for (; i < parts.size(); ++i)
            so_far = joined(so_far, parts[i]);
    }
    return so_far;
}

}  // namespace oci

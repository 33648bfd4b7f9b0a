#include "oci/layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <vector>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/result.h"
#include "base/text.h"

namespace oci {
namespace {

constexpr std::string_view kWhiteoutPrefix = ".wh.";
constexpr std::string_view kOpaqueName = ".wh..wh..opq";
// In a user namespace overlayfs keeps its marks in user.* (mount option userxattr).
constexpr const char* kOpaqueAttribute = "user.overlay.opaque";
constexpr uint64_t kMaxLayerBytes = uint64_t(32) << 30;
constexpr uint64_t kMaxLayerEntries = 2'000'000;
constexpr size_t kChunkBytes = 128 * 1024;

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int get() const { return number_; }
    explicit operator bool() const { return number_ >= 0; }

  private:
    int number_;
};

std::string failed(std::string_view name, std::string_view what, int error = errno) {
    return "\"" + std::string(name) + "\" " + std::string(what) + ": " + strerror(error);
}

// ---- unpacking
// ---------------------------------------------------------------------------------------------

struct ArchiveFree {
    void operator()(archive* a) const { archive_read_free(a); }
};
using Reader = std::unique_ptr<archive, ArchiveFree>;

// The bytes as they come, hashed and counted, and after decompression hashed again: one pass over
// the blob.
class Source {
  public:
    explicit Source(int descriptor) : descriptor_(descriptor) {}

    std::expected<void, std::string> open() {
        raw_.reset(archive_read_new());
        archive_read_support_filter_gzip(raw_.get());
        archive_read_support_filter_zstd(raw_.get());
        archive_read_support_format_raw(raw_.get());
        archive_read_support_format_empty(raw_.get());
        if (archive_read_open(raw_.get(), this, nullptr, read_blob, nullptr) != ARCHIVE_OK)
            return std::unexpected(why(raw_));
        archive_entry* entry = nullptr;
        int result = archive_read_next_header(raw_.get(), &entry);
        empty_ = result == ARCHIVE_EOF;
        if (!empty_ && result != ARCHIVE_OK) return std::unexpected(why(raw_));

        tar_.reset(archive_read_new());
        archive_read_support_format_tar(tar_.get());
        archive_read_support_format_empty(tar_.get());
        if (archive_read_open(tar_.get(), this, nullptr, read_tar, nullptr) != ARCHIVE_OK)
            return std::unexpected(why(tar_));
        return {};
    }

    archive* tar() { return tar_.get(); }
    static std::string why(const Reader& reader) {
        const char* text = archive_error_string(reader.get());
        return "it is not a tar, gzip or zstd layer" +
               (text ? ": " + std::string(text) : std::string());
    }

    // What follows the tar's end mark belongs to the digests too.
    std::expected<void, std::string> finish(UnpackedLayer& layer) {
        const void* bytes = nullptr;
        while (read_tar(tar_.get(), this, &bytes) > 0)
            continue;
        char rest[kChunkBytes];
        for (ssize_t got; (got = ::read(descriptor_, rest, sizeof rest)) > 0;)
            blob_digest_.update({rest, size_t(got)});
        if (too_large_) return std::unexpected("it is larger than 32 GiB");
        if (bad_) return std::unexpected(why(raw_));
        layer.blob = *Digest::parse("sha256:" + base::to_hex(blob_digest_.finish()));
        layer.diff_id = *Digest::parse("sha256:" + base::to_hex(diff_digest_.finish()));
        return {};
    }

  private:
    static la_ssize_t read_blob(archive*, void* self, const void** bytes) {
        auto* source = static_cast<Source*>(self);
        ssize_t got;
        while ((got = ::read(source->descriptor_, source->chunk_.data(), source->chunk_.size())) <
                   0 &&
               errno == EINTR)
            continue;
        if (got > 0) source->blob_digest_.update({source->chunk_.data(), size_t(got)});
        *bytes = source->chunk_.data();
        return got;
    }
    static la_ssize_t read_tar(archive*, void* self, const void** bytes) {
        auto* source = static_cast<Source*>(self);
        if (source->empty_) return 0;
        size_t size = 0;
        la_int64_t offset = 0;
        int result = archive_read_data_block(source->raw_.get(), bytes, &size, &offset);
        if (result == ARCHIVE_EOF) return 0;
        source->bad_ |= result != ARCHIVE_OK;
        source->too_large_ |= (source->total_ += size) > kMaxLayerBytes;
        if (source->bad_ || source->too_large_) return -1;
        source->diff_digest_.update({static_cast<const char*>(*bytes), size});
        return static_cast<la_ssize_t>(size);
    }

    int descriptor_;
    std::vector<char> chunk_ = std::vector<char>(kChunkBytes);
    Reader raw_, tar_;
    base::Digest blob_digest_{base::DigestKind::Sha256}, diff_digest_{base::DigestKind::Sha256};
    uint64_t total_ = 0;
    bool empty_ = false, bad_ = false, too_large_ = false;
};

// A name of the archive as a path below the root, without "." and empty parts; nothing for one that
// climbs.
std::expected<std::vector<std::string>, std::string> components(std::string_view name) {
    std::vector<std::string> out;
    for (std::string_view part : base::split(name, '/')) {
        if (part.empty() || part == ".") continue;
        if (part == "..") return std::unexpected("\"" + std::string(name) + "\" leaves the image");
        out.emplace_back(part);
    }
    return out;
}

class Unpacker {
  public:
    Unpacker(int root, Ownership ownership) : root_(root), ownership_(ownership) {}

    std::expected<void, std::string> entry(archive* tar, archive_entry* entry) {
        const char* raw = archive_entry_pathname(entry);
        if (!raw) return std::unexpected("an entry has no readable name");
        std::string name = raw;
        auto parts = TRY(components(name));
        if (parts.empty()) return {};  // the root itself: its attributes are ours
        std::string last = parts.back();
        parts.pop_back();
        Descriptor parent = TRY(directory(parts, name));

        if (last == kOpaqueName) {
            std::string path = "/proc/self/fd/" + std::to_string(parent.get());
            if (setxattr(path.c_str(), kOpaqueAttribute, "y", 1, 0) < 0)
                return std::unexpected(failed(name, "cannot be marked"));
            return {};
        }
        if (last.starts_with(kWhiteoutPrefix))
            return whiteout(parent.get(), last.substr(kWhiteoutPrefix.size()), name);
        return make(tar, entry, parent.get(), last, name);
    }

  private:
    Descriptor open(const std::string& path, uint64_t flags) const {
        open_how how{};
        how.flags = flags | O_CLOEXEC;
        how.resolve = RESOLVE_IN_ROOT;
        return Descriptor(
            static_cast<int>(syscall(SYS_openat2, root_, path.c_str(), &how, sizeof how)));
    }

    // Parents that the archive never mentioned are made, as every extractor does. A link on the way
    // is followed inside the layer (lib → usr/lib), never out of it.
    std::expected<Descriptor, std::string> directory(const std::vector<std::string>& parts,
                                                     const std::string& name) {
        std::string path = ".";
        for (const std::string& part : parts)
            path += "/" + part;
        if (path == last_directory_)
            if (Descriptor again = open(path, O_PATH | O_DIRECTORY)) return again;
        if (Descriptor whole = open(path, O_PATH | O_DIRECTORY)) {
            last_directory_ = path;
            return whole;
        }
        std::string so_far = ".";
        for (const std::string& part : parts) {
            Descriptor parent = open(so_far, O_PATH | O_DIRECTORY);
            so_far += "/" + part;
            if (!parent) return std::unexpected(failed(name, "has no directory"));
            if (open(so_far, O_PATH | O_DIRECTORY)) continue;
            if (mkdirat(parent.get(), part.c_str(), 0755) < 0)
                return std::unexpected(failed(name, "has no directory"));
            own(parent.get(), part, 0, 0);
        }
        Descriptor made = open(so_far, O_PATH | O_DIRECTORY);
        if (!made) return std::unexpected(failed(name, "has no directory"));
        return made;
    }

    std::expected<void, std::string> whiteout(int parent, const std::string& hidden,
                                              const std::string& name) {
        if (hidden.empty() || hidden == "." || hidden == "..")
            return std::unexpected("\"" + name + "\" hides nothing");
        clear(parent, hidden, Keep::Nothing);
        if (mknodat(parent, hidden.c_str(), S_IFCHR, 0) < 0)
            return std::unexpected(failed(name, "cannot be hidden"));
        return {};
    }

    enum class Keep { Directory, Nothing };
    // A later entry of the same name replaces; a directory over a directory only changes its
    // attributes.
    bool clear(int parent, const std::string& name, Keep keep) {
        struct stat facts{};
        if (fstatat(parent, name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) < 0) return false;
        if (!S_ISDIR(facts.st_mode)) {
            unlinkat(parent, name.c_str(), 0);
            return false;
        }
        if (keep == Keep::Directory) return true;
        remove_tree("/proc/self/fd/" + std::to_string(parent) + "/" + name);
        last_directory_.clear();
        return false;
    }

    std::expected<void, std::string> make(archive* tar, archive_entry* entry, int parent,
                                          const std::string& last, const std::string& name) {
        if (const char* target = archive_entry_hardlink(entry))
            return hard_link(target, parent, last, name);
        mode_t type = archive_entry_filetype(entry), mode = archive_entry_perm(entry);
        bool kept = clear(parent, last, type == AE_IFDIR ? Keep::Directory : Keep::Nothing);
        switch (type) {
            case AE_IFDIR:
                if (!kept && mkdirat(parent, last.c_str(), 0700) < 0)
                    return std::unexpected(failed(name, "cannot be made"));
                break;
            case AE_IFLNK: {
                const char* target = archive_entry_symlink(entry);
                if (!target || symlinkat(target, parent, last.c_str()) < 0)
                    return std::unexpected(failed(name, "cannot be linked"));
                own(parent, last, archive_entry_uid(entry), archive_entry_gid(entry));
                return {};
            }
            case AE_IFREG: TRY(regular(tar, parent, last, name)); break;
            case AE_IFIFO:
                if (mknodat(parent, last.c_str(), S_IFIFO | 0600, 0) < 0)
                    return std::unexpected(failed(name, "cannot be made"));
                break;
            default:
                // GAP: device nodes are left out. A task has its own /dev and could not open
                // others.
                return {};
        }
        own(parent, last, archive_entry_uid(entry), archive_entry_gid(entry));
        // After the change of owner, which clears set-user-id. Without a range a directory stays
        // ours to enter.
        if (ownership_ == Ownership::Own) mode |= type == AE_IFDIR ? 0700 : 0600;
        if (fchmodat(parent, last.c_str(), mode, 0) < 0)
            return std::unexpected(failed(name, "cannot get its mode"));
        if (type == AE_IFREG) {
            timespec times[2] = {{archive_entry_mtime(entry), 0},
                                 {archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)}};
            utimensat(parent, last.c_str(), times, AT_SYMLINK_NOFOLLOW);
        }
        return {};
    }

    std::expected<void, std::string> regular(archive* tar, int parent, const std::string& last,
                                             const std::string& name) {
        Descriptor file(openat(parent, last.c_str(),
                               O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!file) return std::unexpected(failed(name, "cannot be made"));
        const void* bytes = nullptr;
        size_t size = 0;
        la_int64_t offset = 0;
        int result;
        while ((result = archive_read_data_block(tar, &bytes, &size, &offset)) == ARCHIVE_OK) {
            const char* at = static_cast<const char*>(bytes);
            while (size > 0) {
                ssize_t wrote = pwrite(file.get(), at, size, offset);
                if (wrote < 0 && errno == EINTR) continue;
                if (wrote <= 0) return std::unexpected(failed(name, "cannot be written"));
                at += wrote, offset += wrote, size -= static_cast<size_t>(wrote);
            }
        }
        if (result != ARCHIVE_EOF) return std::unexpected("\"" + name + "\" ends early");
        return {};
    }

    std::expected<void, std::string> hard_link(const char* target, int parent,
                                               const std::string& last, const std::string& name) {
        auto parts = TRY(components(target));
        if (parts.empty()) return std::unexpected("\"" + name + "\" links to nothing");
        std::string target_last = parts.back();
        parts.pop_back();
        Descriptor target_parent = TRY(directory(parts, name));
        clear(parent, last, Keep::Nothing);
        if (linkat(target_parent.get(), target_last.c_str(), parent, last.c_str(), 0) < 0)
            return std::unexpected(failed(name, "cannot be linked to " + std::string(target)));
        return {};
    }

    void own(int parent, const std::string& name, int64_t user, int64_t group) {
        if (ownership_ == Ownership::Own) return;
        auto shifted = [](int64_t id) {
            return kFirstShiftedId +
                   static_cast<unsigned>(std::clamp<int64_t>(id, 0, kShiftedIds - 1));
        };
        (void)!fchownat(parent, name.c_str(), shifted(user), shifted(group), AT_SYMLINK_NOFOLLOW);
    }

    int root_;
    Ownership ownership_;
    std::string last_directory_;
};

// ---- packing
// -----------------------------------------------------------------------------------------------

struct WriterFree {
    void operator()(archive* a) const { archive_write_free(a); }
};

class Packer {
  public:
    Packer(int descriptor, Ownership ownership) : descriptor_(descriptor), ownership_(ownership) {}

    std::expected<PackedLayer, std::string> pack(const std::string& directory) {
        tar_.reset(archive_write_new());
        archive_write_set_format_pax_restricted(tar_.get());
        archive_write_add_filter_none(tar_.get());
        archive_write_set_bytes_per_block(tar_.get(), kChunkBytes);
        archive_write_set_bytes_in_last_block(tar_.get(), 1);
        if (archive_write_open(tar_.get(), this, nullptr, write_out, nullptr) != ARCHIVE_OK)
            return std::unexpected(why());
        Descriptor root(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!root) return std::unexpected(failed(directory, "cannot be read"));
        TRY(children(root.get(), ""));
        if (archive_write_close(tar_.get()) != ARCHIVE_OK) return std::unexpected(why());
        layer_.diff_id = *Digest::parse("sha256:" + base::to_hex(digest_.finish()));
        return layer_;
    }

  private:
    static la_ssize_t write_out(archive*, void* self, const void* bytes, size_t size) {
        auto* packer = static_cast<Packer*>(self);
        ssize_t wrote;
        while ((wrote = ::write(packer->descriptor_, bytes, size)) < 0 && errno == EINTR)
            continue;
        if (wrote > 0) {
            packer->digest_.update({static_cast<const char*>(bytes), size_t(wrote)});
            packer->layer_.size_bytes += size_t(wrote);
        }
        return wrote;
    }

    std::string why() {
        const char* text = archive_error_string(tar_.get());
        return "the layer cannot be written: " + std::string(text ? text : strerror(errno));
    }

    std::expected<void, std::string> children(int directory, const std::string& prefix) {
        std::vector<std::string> names;
        Descriptor again(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        DIR* list = again ? fdopendir(dup(again.get())) : nullptr;
        if (!list) return std::unexpected(failed(prefix, "cannot be listed"));
        while (dirent* item = readdir(list))
            if (strcmp(item->d_name, ".") && strcmp(item->d_name, ".."))
                names.emplace_back(item->d_name);
        closedir(list);
        std::ranges::sort(names);
        for (const std::string& name : names)
            TRY(one(directory, name, prefix + name));
        return {};
    }

    std::expected<void, std::string> one(int directory, const std::string& name,
                                         const std::string& path) {
        struct stat facts{};
        if (fstatat(directory, name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) < 0)
            return std::unexpected(failed(path, "vanished"));
        if (S_ISCHR(facts.st_mode) && facts.st_rdev == 0) {
            size_t slash = path.rfind('/');
            size_t at = slash == path.npos ? 0 : slash + 1;
            return header(path.substr(0, at) + std::string(kWhiteoutPrefix) + path.substr(at),
                          mark());
        }
        if (S_ISSOCK(facts.st_mode) || S_ISCHR(facts.st_mode) || S_ISBLK(facts.st_mode)) return {};
        if (S_ISDIR(facts.st_mode)) {
            TRY(header(path + "/", facts));
            Descriptor inside(
                openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
            if (!inside) return std::unexpected(failed(path, "cannot be read"));
            char opaque = 0;
            if (fgetxattr(inside.get(), kOpaqueAttribute, &opaque, 1) == 1 && opaque == 'y')
                TRY(header(path + "/" + std::string(kOpaqueName), mark()));
            return children(inside.get(), path + "/");
        }
        if (S_ISLNK(facts.st_mode)) {
            std::string target(4096, '\0');
            ssize_t size = readlinkat(directory, name.c_str(), target.data(), target.size());
            if (size < 0) return std::unexpected(failed(path, "cannot be read"));
            target.resize(static_cast<size_t>(size));
            return header(path, facts, target);
        }
        if (S_ISREG(facts.st_mode) && facts.st_nlink > 1) {
            auto [first, fresh] = links_.try_emplace({facts.st_dev, facts.st_ino}, path);
            if (!fresh) return header(path, facts, "", first->second);
        }
        TRY(header(path, facts));
        return S_ISREG(facts.st_mode) ? content(directory, name, path, facts)
                                      : std::expected<void, std::string>();
    }

    static struct stat mark() {
        struct stat facts{};
        facts.st_mode = S_IFREG | 0600;
        facts.st_uid = facts.st_gid = 0;
        return facts;
    }

    std::expected<void, std::string> header(const std::string& path, const struct stat& facts,
                                            const std::string& link = "",
                                            const std::string& hard_link = "") {
        std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                            archive_entry_free);
        archive_entry_set_pathname(entry.get(), path.c_str());
        archive_entry_set_mode(entry.get(), facts.st_mode);
        archive_entry_set_size(entry.get(),
                               S_ISREG(facts.st_mode) && hard_link.empty() ? facts.st_size : 0);
        archive_entry_set_uid(entry.get(), unshifted(facts.st_uid));
        archive_entry_set_gid(entry.get(), unshifted(facts.st_gid));
        archive_entry_set_mtime(entry.get(), 0, 0);
        if (!link.empty()) archive_entry_set_symlink(entry.get(), link.c_str());
        if (!hard_link.empty()) archive_entry_set_hardlink(entry.get(), hard_link.c_str());
        ++layer_.entries;
        if (archive_write_header(tar_.get(), entry.get()) < ARCHIVE_WARN)
            return std::unexpected(why());
        return {};
    }

    std::expected<void, std::string> content(int directory, const std::string& name,
                                             const std::string& path, const struct stat& facts) {
        Descriptor file(openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
        if (!file) return std::unexpected(failed(path, "cannot be read"));
        off_t left = facts.st_size;
        while (left > 0) {
            ssize_t got = read(file.get(), chunk_.data(),
                               std::min<size_t>(chunk_.size(), static_cast<size_t>(left)));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0)
                return std::unexpected("\"" + path + "\" became shorter while it was read");
            if (archive_write_data(tar_.get(), chunk_.data(), static_cast<size_t>(got)) != got)
                return std::unexpected(why());
            left -= got;
        }
        return {};
    }

    int64_t unshifted(unsigned id) const {
        if (ownership_ == Ownership::Own) return 0;
        return id >= kFirstShiftedId && id < kFirstShiftedId + kShiftedIds ? id - kFirstShiftedId
                                                                           : 0;
    }

    int descriptor_;
    Ownership ownership_;
    std::unique_ptr<archive, WriterFree> tar_;
    base::Digest digest_{base::DigestKind::Sha256};
    std::vector<char> chunk_ = std::vector<char>(kChunkBytes);
    std::map<std::pair<dev_t, ino_t>, std::string> links_;
    PackedLayer layer_;
};

void remove_below(int parent, const char* name) {
    int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0)
        directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0) {
        unlinkat(parent, name, 0);
        return;
    }
    struct stat facts{};
    if (geteuid() != 0 && fstat(directory, &facts) == 0 && (facts.st_mode & 0700) != 0700)
        fchmod(directory, 0700);
    if (DIR* list = fdopendir(directory)) {
        while (dirent* item = readdir(list)) {
            if (!strcmp(item->d_name, ".") || !strcmp(item->d_name, "..")) continue;
            if (item->d_type == DT_DIR || unlinkat(directory, item->d_name, 0) < 0)
                remove_below(directory, item->d_name);
        }
        closedir(list);
    }
    unlinkat(parent, name, AT_REMOVEDIR);
}

}  // namespace

Ownership native_ownership() {
    if (geteuid() != 0) return Ownership::Own;
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    if (syscall(SYS_capget, &header, data) < 0) return Ownership::Own;
    for (int needed : {CAP_CHOWN, CAP_SETUID, CAP_SETGID, CAP_SYS_ADMIN, CAP_MKNOD})
        if (!(data[0].effective >> needed & 1)) return Ownership::Own;
    // Our own namespace must have the range to give away.
    std::ifstream map("/proc/self/uid_map");
    uint64_t inside = 0, outside = 0, count = 0;
    while (map >> inside >> outside >> count)
        if (inside <= kFirstShiftedId && inside + count >= kFirstShiftedId + kShiftedIds)
            return Ownership::Shifted;
    return Ownership::Own;
}

std::expected<UnpackedLayer, std::string> unpack_layer(int descriptor, const std::string& directory,
                                                       Ownership ownership) {
    Descriptor root(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) return std::unexpected(failed(directory, "cannot be opened"));
    if (ownership == Ownership::Shifted)
        (void)!fchown(root.get(), kFirstShiftedId, kFirstShiftedId);
    fchmod(root.get(), 0755);
    Source source(descriptor);
    TRY(source.open());
    Unpacker unpacker(root.get(), ownership);
    UnpackedLayer layer;
    archive_entry* entry = nullptr;
    int result;
    while ((result = archive_read_next_header(source.tar(), &entry)) == ARCHIVE_OK ||
           result == ARCHIVE_WARN) {
        if (++layer.entries > kMaxLayerEntries)
            return std::unexpected("it has more than two million entries");
        TRY(unpacker.entry(source.tar(), entry));
    }
    if (result != ARCHIVE_EOF) {
        const char* text = archive_error_string(source.tar());
        return std::unexpected("its tar is damaged: " + std::string(text ? text : "unknown"));
    }
    TRY(source.finish(layer));
    return layer;
}

std::expected<PackedLayer, std::string> pack_layer(const std::string& directory, int descriptor,
                                                   Ownership ownership) {
    return Packer(descriptor, ownership).pack(directory);
}

void remove_tree(const std::string& directory) {
    remove_below(AT_FDCWD, directory.c_str());
}

}  // namespace oci

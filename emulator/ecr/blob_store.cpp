// Blobs on disk (see blob_store.h).
#include "ecr/blob_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/log.h"
#include "ecr/limits.h"

namespace ecr {
namespace {

BlobError system_error(const std::string& what) {
    return {errno == ENOSPC || errno == EDQUOT ? BlobError::Kind::DiskFull : BlobError::Kind::Io,
            what + ": " + std::strerror(errno)};
}

}  // namespace

Upload::Upload(std::string id, std::string repository, std::string path, int descriptor)
    : id_(std::move(id)),
      repository_(std::move(repository)),
      path_(std::move(path)),
      descriptor_(descriptor) {}

Upload::~Upload() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!finished_) ::unlink(path_.c_str());
}

std::expected<void, BlobError> Upload::append(std::string_view bytes) {
    std::string_view rest = bytes;
    while (!rest.empty()) {
        ssize_t written = ::write(descriptor_, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return std::unexpected(system_error("cannot write a layer"));
        rest.remove_prefix(static_cast<size_t>(written));
    }
    digest_.update(bytes);
    size_bytes_ += bytes.size();
    return {};
}

BlobStore::BlobStore(std::string directory, base::Clock& clock)
    : directory_(std::move(directory)), clock_(clock) {
    std::error_code error;
    std::filesystem::remove_all(directory_ + "/uploads", error);
    for (const char* name : {"/sha256", "/uploads"}) {
        std::filesystem::create_directories(directory_ + name, error);
        if (error)
            base::log_error("ecr", "cannot create " + directory_ + name + ": " + error.message());
    }
}

std::expected<std::shared_ptr<Upload>, BlobError> BlobStore::start(const std::string& repository) {
    std::lock_guard lock(mutex_);
    forget_stale();
    std::string id = base::random_uuid();
    std::string path = directory_ + "/uploads/" + id;
    int descriptor = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (descriptor < 0) return std::unexpected(system_error("cannot create an upload"));
    auto upload = std::make_shared<Upload>(id, repository, path, descriptor);
    upload->last_used_ = clock_.now();
    uploads_[id] = upload;
    return upload;
}

// The oldest goes when there are too many; those without a byte for an hour go anyway.
void BlobStore::forget_stale() {
    std::erase_if(uploads_, [&](const auto& entry) {
        return entry.second->last_used_ + kUploadAge < clock_.now();
    });
    while (uploads_.size() >= kMaxUploads) {
        auto oldest = uploads_.begin();
        for (auto it = uploads_.begin(); it != uploads_.end(); ++it)
            if (it->second->last_used_ < oldest->second->last_used_) oldest = it;
        uploads_.erase(oldest);
    }
}

std::shared_ptr<Upload> BlobStore::find(std::string_view id, std::string_view repository) {
    std::lock_guard lock(mutex_);
    auto found = uploads_.find(id);
    if (found == uploads_.end() || found->second->repository() != repository) return nullptr;
    found->second->last_used_ = clock_.now();
    return found->second;
}

std::expected<oci::Digest, BlobError> BlobStore::finish(Upload& upload,
                                                        const oci::Digest& expected) {
    std::string actual = "sha256:" + base::to_hex(upload.digest_.finish());
    cancel(upload.id());
    if (actual != expected.to_string())
        return std::unexpected(
            BlobError{BlobError::Kind::DigestMismatch, "the content has the digest " + actual});
    if (::rename(upload.path_.c_str(), path_of(expected).c_str()) != 0)
        return std::unexpected(system_error("cannot keep a layer"));
    upload.finished_ = true;
    return expected;
}

void BlobStore::cancel(std::string_view id) {
    std::lock_guard lock(mutex_);
    if (auto found = uploads_.find(id); found != uploads_.end()) uploads_.erase(found);
}

bool BlobStore::has(const oci::Digest& digest) const {
    return size_bytes(digest).has_value();
}

std::optional<uint64_t> BlobStore::size_bytes(const oci::Digest& digest) const {
    struct stat status{};
    if (digest.empty() || ::stat(path_of(digest).c_str(), &status) != 0) return std::nullopt;
    return static_cast<uint64_t>(status.st_size);
}

int BlobStore::open(const oci::Digest& digest) const {
    if (digest.empty()) return -1;
    return ::open(path_of(digest).c_str(), O_RDONLY | O_CLOEXEC);
}

void BlobStore::remove(const oci::Digest& digest) {
    if (!digest.empty()) ::unlink(path_of(digest).c_str());
}

std::vector<oci::Digest> BlobStore::all() const {
    std::vector<oci::Digest> result;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(directory_ + "/sha256", error), end;
         !error && entry != end; entry.increment(error))
        if (auto digest = oci::Digest::parse("sha256:" + entry->path().filename().string()))
            result.push_back(*digest);
    return result;
}

size_t BlobStore::uploads() const {
    std::lock_guard lock(mutex_);
    return uploads_.size();
}

}  // namespace ecr

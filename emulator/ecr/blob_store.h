// Blobs on disk: written once, named by nothing but their digest, verified while they arrive.
//   DIRECTORY/sha256/<64 hex>     DIRECTORY/uploads/<32 hex>   (emptied at start)
#pragma once
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "oci/digest.h"

namespace ecr {

struct BlobError {
    enum class Kind : uint8_t { DigestMismatch, DiskFull, Io };
    Kind kind;
    std::string text;
};

// One upload in progress. Used by one request at a time (its own mutex).
class Upload {
  public:
    Upload(std::string id, std::string repository, std::string path, int descriptor);
    ~Upload();  // a file that was not finished goes

    const std::string& id() const { return id_; }
    const std::string& repository() const { return repository_; }
    uint64_t size_bytes() const { return size_bytes_; }
    std::mutex& mutex() { return mutex_; }
    std::expected<void, BlobError> append(std::string_view bytes);

  private:
    friend class BlobStore;
    std::string id_, repository_, path_;
    int descriptor_;
    uint64_t size_bytes_ = 0;
    base::Digest digest_{base::DigestKind::Sha256};
    std::mutex mutex_;
    base::Time last_used_{};
    bool finished_ = false;
};

class BlobStore {
  public:
    // Makes the directories and removes what unfinished uploads left.
    BlobStore(std::string directory, base::Clock& clock);

    std::expected<std::shared_ptr<Upload>, BlobError> start(const std::string& repository);
    // nullptr: unknown, or of another repository.
    std::shared_ptr<Upload> find(std::string_view id, std::string_view repository);
    // Under the digest it must have; the upload is over either way.
    std::expected<oci::Digest, BlobError> finish(Upload& upload, const oci::Digest& expected);
    void cancel(std::string_view id);

    bool has(const oci::Digest& digest) const;
    std::optional<uint64_t> size_bytes(const oci::Digest& digest) const;
    int open(const oci::Digest& digest) const;  // -1 = not here; the caller closes
    void remove(const oci::Digest& digest);
    std::vector<oci::Digest> all() const;
    size_t uploads() const;

  private:
    std::string path_of(const oci::Digest& digest) const {
        return directory_ + "/sha256/" + digest.hex();
    }
    void forget_stale();
    std::string directory_;
    base::Clock& clock_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Upload>, std::less<>> uploads_;
};

}  // namespace ecr

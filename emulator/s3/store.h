// Store: rows to nouns and back. Every change is one transaction; bytes that lost their last
// reference are handed back by name, for the caller to drop from the disk once the change is
// committed.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3/listing.h"
#include "s3/model.h"
#include "state/database.h"

namespace s3 {

using BlobIds = std::vector<std::string>;

// What must hold of the key at the moment of the change (s3.md §3.6); the store asks with the
// current version (nullptr: none, or a delete marker) and throws what the guard throws.
using WriteGuard = std::function<void(const ObjectVersion* current)>;

struct DeleteResult {
    std::string version;  // of the marker that was made, or of the version that went
    bool made_marker = false, removed_marker = false;
    bool removed = false;
    BlobIds dropped;
};

// A bucket's multipart upload as lists show it.
struct UploadLine {
    std::string key;
    MultipartUpload upload;
};

class Store {
  public:
    explicit Store(state::Database& database) : database_(database) {}

    std::vector<Bucket> buckets();
    std::optional<Bucket> bucket(std::string_view name);
    void insert(const Bucket& bucket);
    void update(const Bucket& bucket);  // versioning, ownership
    bool has_versions(std::string_view bucket);
    int64_t count_objects(std::string_view bucket);  // current versions, delete markers left out
    BlobIds remove_bucket(std::string_view name);    // with its documents and uploads

    std::optional<std::string> document(std::string_view bucket, std::string_view kind,
                                        std::string_view id = {});
    std::vector<std::pair<std::string, std::string>> documents(
        std::string_view bucket, std::string_view kind);  // id, document
    void set_document(std::string_view bucket, std::string_view kind, std::string_view id,
                      std::string_view document);
    void remove_document(std::string_view bucket, std::string_view kind, std::string_view id = {});

    // The current version, delete markers included.
    std::optional<ObjectVersion> latest(std::string_view bucket, std::string_view key);
    std::optional<ObjectVersion> version(std::string_view bucket, std::string_view key,
                                         std::string_view version);
    std::vector<Part> parts(int64_t row);
    // Puts `object` on top. Its version id is set by the bucket's versioning. The parts must be on
    // disk.
    BlobIds put(ObjectVersion& object, const std::vector<Part>& parts, const WriteGuard& guard);
    // The same with bytes of another version, which must still be there (false: it went away
    // meanwhile).
    bool put_copy(ObjectVersion& object, const std::vector<Part>& parts, int64_t source_row,
                  const WriteGuard& guard, BlobIds& dropped);
    DeleteResult remove(std::string_view bucket, std::string_view key, std::string_view version,
                        base::Time now, const WriteGuard& guard);
    void set_tags(int64_t row, const Tags& tags);
    void set_acl(int64_t row, std::string_view acl);

    ListPage<ObjectVersion> list(std::string_view bucket, const ListQuery& query);
    // `version_marker`: versions of the key `query.after` behind this one come first ("" = none of
    // them).
    ListPage<ObjectVersion> list_versions(std::string_view bucket, const ListQuery& query,
                                          std::string_view version_marker);
    ListPage<UploadLine> list_uploads(std::string_view bucket, const ListQuery& query,
                                      std::string_view upload_marker);

    void insert(const MultipartUpload& upload);
    std::optional<MultipartUpload> upload(std::string_view id);
    BlobIds put_part(std::string_view upload,
                     const Part& part);  // throws NoSuchUpload when it went away
    std::vector<Part> upload_parts(std::string_view upload, int after, int max);
    std::optional<Part> upload_part(std::string_view upload, int number);
    // The upload becomes `object`. `changed`: the key's current version is not the one of the
    // upload's start.
    BlobIds complete(const MultipartUpload& upload, ObjectVersion& object,
                     const std::vector<Part>& parts,
                     const std::function<void(const ObjectVersion* current, bool changed)>& guard);
    BlobIds remove_upload(std::string_view id);

    bool references(std::string_view blob);
    bool has_any_bucket();

  private:
    BlobIds put_on_top(ObjectVersion& object, const std::vector<Part>& parts);
    BlobIds remove_row(int64_t row);
    BlobIds unreferenced(BlobIds blobs);
    void insert_version(ObjectVersion& object, const std::vector<Part>& parts);
    BlobIds blobs_of(int64_t row);
    BlobIds upload_blobs(std::string_view upload);

    state::Database& database_;
};

std::string write_tags(const Tags& tags);  // a=b&c=d, form-encoded
Tags read_tags(std::string_view text);

}  // namespace s3

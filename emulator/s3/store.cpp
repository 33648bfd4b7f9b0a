// See store.h. Tables: the S3 section of state/schema.sql.
#include "s3/store.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/text.h"
#include "http/query.h"
#include "s3/errors.h"

namespace s3 {
namespace {

constexpr size_t kFirstBatch = 32, kLastBatch = 1024;  // rows read ahead by a cursor
constexpr size_t kVersionIdCharacters = 32;

int64_t to_number(base::Time time) {
    return time.time_since_epoch().count();
}
base::Time to_time(int64_t number) {
    return base::Time(base::microseconds(number));
}

// "Name:value" lines: header names have no colon, values no line end.
std::string write_headers(const http::HeaderList& headers) {
    std::string text;
    for (const http::Header& header : headers)
        (((text += header.name) += ':') += header.value) += '\n';
    return text;
}

http::HeaderList read_headers(std::string_view text) {
    http::HeaderList headers;
    while (!text.empty()) {
        auto [line, rest] = base::cut(text, '\n');
        auto [name, value] = base::cut(line, ':');
        headers.add(name, value);
        text = rest;
    }
    return headers;
}

constexpr std::string_view kVersionColumns =
    "row, bucket, key, version, latest, marker, size, etag, modified, headers, redirect, "
    "storage_class, acl, tags, "
    "checksum_algorithm, checksum_type, checksum, parts";

ObjectVersion read_version(const state::Statement& row) {
    ObjectVersion object;
    object.row = row.integer(0);
    object.bucket = row.text(1);
    object.key = row.text(2);
    object.version = row.text(3);
    object.is_latest = row.integer(4) != 0;
    object.is_delete_marker = row.integer(5) != 0;
    object.size_bytes = static_cast<uint64_t>(row.integer(6));
    object.etag = row.text(7);
    object.modified = to_time(row.integer(8));
    object.properties.headers = read_headers(row.text(9));
    object.properties.redirect = row.text(10);
    object.properties.storage_class = row.text(11);
    object.properties.acl = row.text(12);
    object.properties.tags = read_tags(row.text(13));
    if (!row.is_null(14))
        object.checksum = Checksum{static_cast<ChecksumAlgorithm>(row.integer(14)),
                                   static_cast<ChecksumType>(row.integer(15)), row.text(16)};
    object.part_count = static_cast<int>(row.integer(17));
    return object;
}

MultipartUpload read_upload(const state::Statement& row) {
    MultipartUpload upload;
    upload.id = row.text(0);
    upload.bucket = row.text(1);
    upload.key = row.text(2);
    upload.initiated = to_time(row.integer(3));
    upload.initiator = row.text(4);
    upload.properties.headers = read_headers(row.text(5));
    upload.properties.redirect = row.text(6);
    upload.properties.storage_class = row.text(7);
    upload.properties.acl = row.text(8);
    upload.properties.tags = read_tags(row.text(9));
    if (!row.is_null(10)) upload.algorithm = static_cast<ChecksumAlgorithm>(row.integer(10));
    upload.type = static_cast<ChecksumType>(row.integer(11));
    return upload;
}

constexpr std::string_view kUploadColumns =
    "id, bucket, key, initiated, initiator, headers, redirect, storage_class, acl, tags, "
    "checksum_algorithm, checksum_type";

Bucket read_bucket(const state::Statement& row) {
    Bucket bucket;
    bucket.name = row.text(0);
    bucket.region = row.text(1);
    bucket.location = row.text(2);
    bucket.owner = row.text(3);
    bucket.ownership = row.text(4);
    bucket.versioning = static_cast<Versioning>(row.integer(5));
    bucket.object_lock = row.integer(6) != 0;
    bucket.created = to_time(row.integer(7));
    return bucket;
}

// A cursor over an index, in batches: first few rows (a delimiter skips most), then more.
template <class Item, class Fetch>
class BatchCursor {
  public:
    explicit BatchCursor(Fetch fetch) : fetch_(std::move(fetch)) {}

    const Item* seek(const std::string& at_least) {
        batch_size_ = kFirstBatch;
        batch_ = fetch_(at_least, nullptr, batch_size_);
        position_ = 0;
        return current();
    }
    const Item* next() {
        if (++position_ == batch_.size() && batch_.size() == batch_size_) {
            Item last = std::move(batch_.back());
            batch_size_ = std::min(batch_size_ * 4, kLastBatch);
            batch_ = fetch_(last.key, &last, batch_size_);
            position_ = 0;
        }
        return current();
    }

  private:
    const Item* current() const { return position_ < batch_.size() ? &batch_[position_] : nullptr; }
    Fetch fetch_;
    std::vector<Item> batch_;
    size_t position_ = 0, batch_size_ = kFirstBatch;
};

template <class Item, class Fetch>
BatchCursor<Item, Fetch> make_cursor(Fetch fetch) {
    return BatchCursor<Item, Fetch>(std::move(fetch));
}

std::string select_versions(std::string_view condition) {
    return "SELECT " + std::string(kVersionColumns) + " FROM s3_versions WHERE " +
           std::string(condition);
}

}  // namespace

std::string write_tags(const Tags& tags) {
    std::string text;
    for (const auto& [name, value] : tags) {
        if (!text.empty()) text += '&';
        text += base::percent_encode(name) + "=" + base::percent_encode(value);
    }
    return text;
}

Tags read_tags(std::string_view text) {
    Tags tags;
    for (http::FormField& field : http::parse_form(text))
        tags.emplace_back(std::move(field.name), std::move(field.value));
    return tags;
}

// Buckets and their documents.

std::vector<Bucket> Store::buckets() {
    std::lock_guard lock(database_.mutex());
    auto rows = database_.prepare(
        "SELECT name, region, location, owner, ownership, versioning, object_lock, created FROM "
        "s3_buckets ORDER BY name");
    std::vector<Bucket> all;
    while (rows.step())
        all.push_back(read_bucket(rows));
    return all;
}

std::optional<Bucket> Store::bucket(std::string_view name) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(
        "SELECT name, region, location, owner, ownership, versioning, object_lock, created FROM "
        "s3_buckets WHERE name = ?");
    row.bind(1, name);
    if (!row.step()) return std::nullopt;
    return read_bucket(row);
}

bool Store::has_any_bucket() {
    std::lock_guard lock(database_.mutex());
    return database_.prepare("SELECT 1 FROM s3_buckets LIMIT 1").step();
}

void Store::insert(const Bucket& bucket) {
    std::lock_guard lock(database_.mutex());
    database_.prepare("INSERT INTO s3_buckets VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind_all(bucket.name, bucket.region, bucket.location, bucket.owner, bucket.ownership,
                  static_cast<int>(bucket.versioning), bucket.object_lock ? 1 : 0,
                  to_number(bucket.created))
        .run();
}

void Store::update(const Bucket& bucket) {
    std::lock_guard lock(database_.mutex());
    database_.prepare("UPDATE s3_buckets SET ownership = ?, versioning = ? WHERE name = ?")
        .bind_all(bucket.ownership, static_cast<int>(bucket.versioning), bucket.name)
        .run();
}

bool Store::has_versions(std::string_view bucket) {
    std::lock_guard lock(database_.mutex());
    return database_.prepare("SELECT 1 FROM s3_versions WHERE bucket = ? LIMIT 1")
        .bind(1, bucket)
        .step();
}

int64_t Store::count_objects(std::string_view bucket) {
    std::lock_guard lock(database_.mutex());
    auto count = database_.prepare(
        "SELECT count(*) FROM s3_versions WHERE bucket = ? AND latest = 1 AND marker = 0");
    return count.bind(1, bucket).step() ? count.integer(0) : 0;
}

BlobIds Store::remove_bucket(std::string_view name) {
    state::Transaction change(database_);
    BlobIds blobs;
    {
        auto parts = database_.prepare(
            "SELECT blob FROM s3_upload_parts WHERE upload IN (SELECT id FROM s3_uploads WHERE "
            "bucket = ?)");
        parts.bind(1, name);
        while (parts.step())
            blobs.push_back(parts.text(0));
    }
    for (std::string_view sql :
         {"DELETE FROM s3_upload_parts WHERE upload IN (SELECT id FROM s3_uploads WHERE bucket = "
          "?)",
          "DELETE FROM s3_uploads WHERE bucket = ?", "DELETE FROM s3_documents WHERE bucket = ?",
          "DELETE FROM s3_buckets WHERE name = ?"})
        database_.prepare(sql).bind(1, name).run();
    blobs = unreferenced(std::move(blobs));
    change.commit();
    return blobs;
}

std::optional<std::string> Store::document(std::string_view bucket, std::string_view kind,
                                           std::string_view id) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(
        "SELECT document FROM s3_documents WHERE bucket = ? AND kind = ? AND id = ?");
    row.bind_all(bucket, kind, id);
    if (!row.step()) return std::nullopt;
    return row.text(0);
}

std::vector<std::pair<std::string, std::string>> Store::documents(std::string_view bucket,
                                                                  std::string_view kind) {
    std::lock_guard lock(database_.mutex());
    auto rows = database_.prepare(
        "SELECT id, document FROM s3_documents WHERE bucket = ? AND kind = ? ORDER BY id");
    rows.bind_all(bucket, kind);
    std::vector<std::pair<std::string, std::string>> all;
    while (rows.step())
        all.emplace_back(rows.text(0), rows.text(1));
    return all;
}

void Store::set_document(std::string_view bucket, std::string_view kind, std::string_view id,
                         std::string_view document) {
    std::lock_guard lock(database_.mutex());
    database_.prepare("INSERT OR REPLACE INTO s3_documents VALUES (?, ?, ?, ?)")
        .bind_all(bucket, kind, id, document)
        .run();
}

void Store::remove_document(std::string_view bucket, std::string_view kind, std::string_view id) {
    std::lock_guard lock(database_.mutex());
    database_.prepare("DELETE FROM s3_documents WHERE bucket = ? AND kind = ? AND id = ?")
        .bind_all(bucket, kind, id)
        .run();
}

// Object versions.

std::optional<ObjectVersion> Store::latest(std::string_view bucket, std::string_view key) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(select_versions("bucket = ? AND key = ? AND latest = 1"));
    row.bind_all(bucket, key);
    if (!row.step()) return std::nullopt;
    return read_version(row);
}

std::optional<ObjectVersion> Store::version(std::string_view bucket, std::string_view key,
                                            std::string_view version) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(select_versions("bucket = ? AND key = ? AND version = ?"));
    row.bind_all(bucket, key, version);
    if (!row.step()) return std::nullopt;
    return read_version(row);
}

std::vector<Part> Store::parts(int64_t row) {
    std::lock_guard lock(database_.mutex());
    auto rows = database_.prepare(
        "SELECT number, blob, size, etag, checksum FROM s3_parts WHERE version = ? ORDER BY "
        "number");
    rows.bind(1, row);
    std::vector<Part> parts;
    while (rows.step())
        parts.push_back({static_cast<int>(rows.integer(0)),
                         rows.text(1),
                         static_cast<uint64_t>(rows.integer(2)),
                         rows.text(3),
                         rows.text(4),
                         {}});
    return parts;
}

void Store::insert_version(ObjectVersion& object, const std::vector<Part>& parts) {
    auto row = database_.prepare(
        "INSERT INTO s3_versions (bucket, key, version, latest, marker, size, etag, modified, "
        "headers, redirect, storage_class, acl, "
        "tags, checksum_algorithm, checksum_type, checksum, parts) VALUES (?, ?, ?, 1, ?, ?, ?, ?, "
        "?, ?, ?, ?, ?, ?, ?, ?, ?)");
    row.bind_all(object.bucket, object.key, object.version, object.is_delete_marker ? 1 : 0,
                 static_cast<int64_t>(object.size_bytes), object.etag, to_number(object.modified),
                 write_headers(object.properties.headers), object.properties.redirect,
                 object.properties.storage_class, object.properties.acl,
                 write_tags(object.properties.tags));
    if (object.checksum) {
        row.bind(13, static_cast<int>(object.checksum->algorithm));
        row.bind(14, static_cast<int>(object.checksum->type));
    } else {
        row.bind(13, nullptr);
        row.bind(14, nullptr);
    }
    row.bind(15, object.checksum ? std::string_view(object.checksum->value) : std::string_view());
    row.bind(16, object.part_count);
    row.run();
    object.row = database_.last_row_id();
    for (const Part& part : parts)
        database_.prepare("INSERT INTO s3_parts VALUES (?, ?, ?, ?, ?, ?)")
            .bind_all(object.row, part.number, part.blob, static_cast<int64_t>(part.size_bytes),
                      part.etag, part.checksum)
            .run();
}

BlobIds Store::blobs_of(int64_t row) {
    BlobIds blobs;
    for (Part& part : parts(row))
        blobs.push_back(std::move(part.blob));
    return blobs;
}

BlobIds Store::remove_row(int64_t row) {
    BlobIds blobs = blobs_of(row);
    database_.prepare("DELETE FROM s3_parts WHERE version = ?").bind(1, row).run();
    database_.prepare("DELETE FROM s3_versions WHERE row = ?").bind(1, row).run();
    return blobs;
}

// Takes the place at the top of its key. Enabled versioning keeps what was there; otherwise the
// `null` version is the one that is written, and the former one goes.
BlobIds Store::put_on_top(ObjectVersion& object, const std::vector<Part>& parts) {
    auto bucket = this->bucket(object.bucket);
    if (!bucket) throw no_such_bucket(object.bucket);
    BlobIds gone;
    if (bucket->versioning == Versioning::Enabled) {
        object.version = base::random_base64url(kVersionIdCharacters);
    } else {
        object.version = "null";
        if (auto old = version(object.bucket, object.key, "null")) gone = remove_row(old->row);
    }
    database_
        .prepare("UPDATE s3_versions SET latest = 0 WHERE bucket = ? AND key = ? AND latest = 1")
        .bind_all(object.bucket, object.key)
        .run();
    insert_version(object, parts);
    return unreferenced(std::move(gone));
}

BlobIds Store::put(ObjectVersion& object, const std::vector<Part>& parts, const WriteGuard& guard) {
    state::Transaction change(database_);
    if (guard) {
        auto current = latest(object.bucket, object.key);
        guard(current && !current->is_delete_marker ? &*current : nullptr);
    }
    BlobIds dropped = put_on_top(object, parts);
    change.commit();
    return dropped;
}

bool Store::put_copy(ObjectVersion& object, const std::vector<Part>& parts, int64_t source_row,
                     const WriteGuard& guard, BlobIds& dropped) {
    state::Transaction change(database_);
    if (!database_.prepare("SELECT 1 FROM s3_versions WHERE row = ?").bind(1, source_row).step())
        return false;
    if (guard) {
        auto current = latest(object.bucket, object.key);
        guard(current && !current->is_delete_marker ? &*current : nullptr);
    }
    dropped = put_on_top(object, parts);
    change.commit();
    return true;
}

// S3 guide, "Deleting object versions from a versioning-enabled bucket".
DeleteResult Store::remove(std::string_view bucket_name, std::string_view key,
                           std::string_view wanted, base::Time now, const WriteGuard& guard) {
    state::Transaction change(database_);
    auto bucket = this->bucket(bucket_name);
    if (!bucket) throw no_such_bucket(bucket_name);
    auto current = latest(bucket_name, key);
    if (guard) guard(current && !current->is_delete_marker ? &*current : nullptr);
    DeleteResult result;
    if (wanted.empty() && bucket->versioning != Versioning::Never) {
        ObjectVersion marker;
        marker.bucket = bucket_name;
        marker.key = key;
        marker.is_delete_marker = true;
        marker.modified = now;
        result.dropped = put_on_top(marker, {});
        result.version = marker.version;
        result.made_marker = true;
        change.commit();
        return result;
    }
    auto victim = wanted.empty() ? current : version(bucket_name, key, wanted);
    if (victim) {
        result.version = victim->version;
        result.removed = true;
        result.removed_marker = victim->is_delete_marker;
        BlobIds gone = remove_row(victim->row);
        if (victim->is_latest)
            database_
                .prepare(
                    "UPDATE s3_versions SET latest = 1 WHERE row = (SELECT max(row) FROM "
                    "s3_versions WHERE bucket = ? AND key = ?)")
                .bind_all(bucket_name, key)
                .run();
        result.dropped = unreferenced(std::move(gone));
    }
    change.commit();
    return result;
}

void Store::set_tags(int64_t row, const Tags& tags) {
    std::lock_guard lock(database_.mutex());
    database_.prepare("UPDATE s3_versions SET tags = ? WHERE row = ?")
        .bind_all(write_tags(tags), row)
        .run();
}

void Store::set_acl(int64_t row, std::string_view acl) {
    std::lock_guard lock(database_.mutex());
    database_.prepare("UPDATE s3_versions SET acl = ? WHERE row = ?").bind_all(acl, row).run();
}

// Lists.

ListPage<ObjectVersion> Store::list(std::string_view bucket, const ListQuery& query) {
    std::lock_guard lock(database_.mutex());
    auto cursor = make_cursor<ObjectVersion>([&](const std::string& key, const ObjectVersion* after,
                                                 size_t count) {
        auto rows = database_.prepare(select_versions(
            after ? "bucket = ? AND key > ? AND latest = 1 AND marker = 0 ORDER BY key LIMIT ?"
                  : "bucket = ? AND key >= ? AND latest = 1 AND marker = 0 ORDER BY key LIMIT ?"));
        rows.bind_all(bucket, key, static_cast<int64_t>(count));
        std::vector<ObjectVersion> batch;
        while (rows.step())
            batch.push_back(read_version(rows));
        return batch;
    });
    return list_page<ObjectVersion>(query, cursor);
}

ListPage<ObjectVersion> Store::list_versions(std::string_view bucket, const ListQuery& query,
                                             std::string_view version_marker) {
    std::lock_guard lock(database_.mutex());
    int64_t marker_row = 0;
    if (!version_marker.empty())
        if (auto marker = version(bucket, query.after, version_marker)) marker_row = marker->row;
    auto cursor = make_cursor<ObjectVersion>(
        [&](const std::string& key, const ObjectVersion* after, size_t count) {
            auto rows =
                database_.prepare(select_versions("bucket = ?1 AND (key > ?2 OR (key = ?2 AND row "
                                                  "< ?3)) ORDER BY key, row DESC LIMIT ?4"));
            // Within one key newest first: rows go down.
            rows.bind_all(bucket, key, after ? after->row : INT64_MAX, static_cast<int64_t>(count));
            std::vector<ObjectVersion> batch;
            while (rows.step())
                batch.push_back(read_version(rows));
            return batch;
        });
    if (marker_row == 0) return list_page<ObjectVersion>(query, cursor);
    // A page that begins within a key: its rest first, as if the key's newer versions were not
    // there.
    struct Resumed {
        decltype(cursor)& inner;
        const std::string& key;
        int64_t row;
        bool first = true;
        const ObjectVersion* seek(const std::string& at_least) {
            const ObjectVersion* item = inner.seek(first ? key : at_least);
            while (first && item && item->key == key && item->row >= row)
                item = inner.next();
            first = false;
            return item;
        }
        const ObjectVersion* next() { return inner.next(); }
    } resumed{cursor, query.after, marker_row};
    ListQuery from = query;
    from.after.clear();
    return list_page<ObjectVersion>(from, resumed);
}

ListPage<UploadLine> Store::list_uploads(std::string_view bucket, const ListQuery& query,
                                         std::string_view upload_marker) {
    std::lock_guard lock(database_.mutex());
    auto cursor =
        make_cursor<UploadLine>([&](const std::string& key, const UploadLine* after, size_t count) {
            auto rows = database_.prepare("SELECT " + std::string(kUploadColumns) +
                                          " FROM s3_uploads WHERE bucket = ?1 AND (key > ?2 OR "
                                          "(key = ?2 AND (initiated, id) > (?3, ?4))) "
                                          "ORDER BY key, initiated, id LIMIT ?5");
            rows.bind_all(bucket, key, after ? to_number(after->upload.initiated) : INT64_MIN,
                          after ? after->upload.id : std::string(), static_cast<int64_t>(count));
            std::vector<UploadLine> batch;
            while (rows.step()) {
                MultipartUpload upload = read_upload(rows);
                batch.push_back({upload.key, std::move(upload)});
            }
            return batch;
        });
    if (upload_marker.empty()) return list_page<UploadLine>(query, cursor);
    struct Resumed {
        decltype(cursor)& inner;
        const std::string& key;
        std::string_view id;
        bool first = true;
        const UploadLine* seek(const std::string& at_least) {
            if (!first) return inner.seek(at_least);
            first = false;
            const UploadLine* item = inner.seek(key);
            while (item && item->key == key && item->upload.id != id)
                item = inner.next();
            return item && item->key == key ? inner.next() : item;
        }
        const UploadLine* next() { return inner.next(); }
    } resumed{cursor, query.after, upload_marker};
    ListQuery from = query;
    from.after.clear();
    return list_page<UploadLine>(from, resumed);
}

// Multipart uploads.

void Store::insert(const MultipartUpload& upload) {
    state::Transaction change(database_);
    auto current = latest(upload.bucket, upload.key);
    auto row =
        database_.prepare("INSERT INTO s3_uploads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    row.bind_all(upload.id, upload.bucket, upload.key, to_number(upload.initiated),
                 upload.initiator, write_headers(upload.properties.headers),
                 upload.properties.redirect, upload.properties.storage_class, upload.properties.acl,
                 write_tags(upload.properties.tags));
    if (upload.algorithm)
        row.bind(11, static_cast<int>(*upload.algorithm));
    else
        row.bind(11, nullptr);
    row.bind(12, static_cast<int>(upload.type));
    row.bind(13, current ? current->row : int64_t{0});
    row.run();
    change.commit();
}

std::optional<MultipartUpload> Store::upload(std::string_view id) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("SELECT " + std::string(kUploadColumns) +
                                 " FROM s3_uploads WHERE id = ?");
    row.bind(1, id);
    if (!row.step()) return std::nullopt;
    return read_upload(row);
}

namespace {

Part read_upload_part(const state::Statement& row) {
    return {static_cast<int>(row.integer(0)),
            row.text(1),
            static_cast<uint64_t>(row.integer(2)),
            row.text(3),
            row.text(4),
            to_time(row.integer(5))};
}

}  // namespace

std::vector<Part> Store::upload_parts(std::string_view upload, int after, int max) {
    std::lock_guard lock(database_.mutex());
    auto rows = database_.prepare(
        "SELECT number, blob, size, etag, checksum, modified FROM s3_upload_parts WHERE upload = ? "
        "AND number > ? ORDER BY number LIMIT ?");
    rows.bind_all(upload, after, max);
    std::vector<Part> parts;
    while (rows.step())
        parts.push_back(read_upload_part(rows));
    return parts;
}

std::optional<Part> Store::upload_part(std::string_view upload, int number) {
    auto parts = upload_parts(upload, number - 1, 1);
    if (parts.empty() || parts[0].number != number) return std::nullopt;
    return parts[0];
}

BlobIds Store::put_part(std::string_view upload, const Part& part) {
    state::Transaction change(database_);
    if (!this->upload(upload)) throw no_such_upload(upload);
    BlobIds gone;
    if (auto old = upload_part(upload, part.number)) gone.push_back(old->blob);
    database_.prepare("INSERT OR REPLACE INTO s3_upload_parts VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind_all(upload, part.number, part.blob, static_cast<int64_t>(part.size_bytes), part.etag,
                  part.checksum, to_number(part.modified))
        .run();
    gone = unreferenced(std::move(gone));
    change.commit();
    return gone;
}

BlobIds Store::upload_blobs(std::string_view upload) {
    BlobIds blobs;
    for (Part& part : upload_parts(upload, 0, kMaxParts))
        blobs.push_back(std::move(part.blob));
    return blobs;
}

BlobIds Store::complete(const MultipartUpload& upload, ObjectVersion& object,
                        const std::vector<Part>& parts,
                        const std::function<void(const ObjectVersion*, bool)>& guard) {
    state::Transaction change(database_);
    int64_t at_start = 0;
    {
        auto row = database_.prepare("SELECT current FROM s3_uploads WHERE id = ?");
        row.bind(1, upload.id);
        if (!row.step()) throw no_such_upload(upload.id);
        at_start = row.integer(0);
    }
    auto current = latest(object.bucket, object.key);
    guard(current && !current->is_delete_marker ? &*current : nullptr,
          (current ? current->row : 0) != at_start);
    BlobIds gone = upload_blobs(upload.id);
    database_.prepare("DELETE FROM s3_upload_parts WHERE upload = ?").bind(1, upload.id).run();
    database_.prepare("DELETE FROM s3_uploads WHERE id = ?").bind(1, upload.id).run();
    BlobIds dropped = put_on_top(object, parts);
    gone = unreferenced(std::move(gone));
    dropped.insert(dropped.end(), gone.begin(), gone.end());
    change.commit();
    return dropped;
}

BlobIds Store::remove_upload(std::string_view id) {
    state::Transaction change(database_);
    BlobIds gone = upload_blobs(id);
    database_.prepare("DELETE FROM s3_upload_parts WHERE upload = ?").bind(1, id).run();
    database_.prepare("DELETE FROM s3_uploads WHERE id = ?").bind(1, id).run();
    gone = unreferenced(std::move(gone));
    change.commit();
    return gone;
}

// References.

bool Store::references(std::string_view blob) {
    std::lock_guard lock(database_.mutex());
    return database_.prepare("SELECT 1 FROM s3_parts WHERE blob = ? LIMIT 1")
               .bind(1, blob)
               .step() ||
           database_.prepare("SELECT 1 FROM s3_upload_parts WHERE blob = ? LIMIT 1")
               .bind(1, blob)
               .step();
}

BlobIds Store::unreferenced(BlobIds blobs) {
    std::erase_if(blobs, [&](const std::string& blob) { return references(blob); });
    return blobs;
}

}  // namespace s3

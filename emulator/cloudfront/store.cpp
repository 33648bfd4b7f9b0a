// See store.h.
#include "cloudfront/store.h"

#include <algorithm>
#include <array>

#include "base/digest.h"

namespace cloudfront {

using base::Node;
using base::Time;

namespace {

// Captured from the real service for revisions 1 to 4.
constexpr std::array<std::string_view, 4> kFirstEtags = {"ETVPDKIKX0DER", "E3UN6WX5RRO2AG",
                                                         "E1F83G8C2ARO7P", "E1PA6795UKMFR9"};

int64_t micros(Time time) {
    return time.time_since_epoch().count();
}
Time time_of(int64_t micros) {
    return Time(base::microseconds(micros));
}

constexpr std::string_view kColumns =
    "kind, id, name, caller_reference, revision, created_at, modified_at, config";

Resource read(const state::Statement& row) {
    Resource resource;
    resource.kind = row.text(0);
    resource.id = row.text(1);
    resource.name = row.text(2);
    resource.caller_reference = row.text(3);
    resource.revision = row.integer(4);
    resource.created = time_of(row.integer(5));
    resource.modified = time_of(row.integer(6));
    if (auto config = base::parse_json(row.text(7))) resource.config = std::move(*config);
    return resource;
}

}  // namespace

std::string canonical_user_of_identity(std::string_view id) {
    const std::string text(id);
    return (base::sha256_hex(text) + base::sha256_hex("canonical" + text)).substr(0, 96);
}

std::string etag_of_revision(int64_t revision) {
    if (revision >= 1 && revision <= static_cast<int64_t>(kFirstEtags.size()))
        return std::string(kFirstEtags[revision - 1]);
    // Injective: multiplication by an odd number modulo 2^64, written in base 36.
    uint64_t mixed = static_cast<uint64_t>(revision) * 0x9E3779B97F4A7C15ull;
    std::string text = "E";
    for (int digit = 0; digit < 13; ++digit, mixed /= 36)
        text += "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[mixed % 36];
    return text;
}

bool looks_like_etag(std::string_view text) {
    return text.size() >= 13 && text.size() <= 14 && text[0] == 'E' &&
           std::ranges::all_of(
               text, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

std::string Resource::etag() const {
    return etag_of_revision(revision);
}

void Store::insert(const Resource& r) {
    database_
        .prepare(
            "INSERT INTO cloudfront_resources (kind, id, name, caller_reference, revision, "
            "created_at, "
            "modified_at, config) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind_all(std::string_view(r.kind), std::string_view(r.id), std::string_view(r.name),
                  std::string_view(r.caller_reference), r.revision, micros(r.created),
                  micros(r.modified), std::string_view(base::to_json(r.config)))
        .run();
}

void Store::update(const Resource& r) {
    database_
        .prepare(
            "UPDATE cloudfront_resources SET name = ?, revision = ?, modified_at = ?, config = ? "
            "WHERE kind = ? AND id = ?")
        .bind_all(std::string_view(r.name), r.revision, micros(r.modified),
                  std::string_view(base::to_json(r.config)), std::string_view(r.kind),
                  std::string_view(r.id))
        .run();
}

void Store::remove(std::string_view kind, std::string_view id) {
    database_.prepare("DELETE FROM cloudfront_resources WHERE kind = ? AND id = ?")
        .bind_all(kind, id)
        .run();
}

std::optional<Resource> Store::find_where(std::string_view column, std::string_view kind,
                                          std::string_view value) const {
    std::string sql = "SELECT " + std::string(kColumns) +
                      " FROM cloudfront_resources WHERE kind = ? AND " + std::string(column) +
                      " = ?";
    auto statement = database_.prepare(sql);
    statement.bind_all(kind, value);
    if (!statement.step()) return std::nullopt;
    return read(statement);
}

std::optional<Resource> Store::find(std::string_view kind, std::string_view id) const {
    return find_where("id", kind, id);
}
std::optional<Resource> Store::find_by_name(std::string_view kind, std::string_view name) const {
    return find_where("name", kind, name);
}
std::optional<Resource> Store::find_by_caller_reference(std::string_view kind,
                                                        std::string_view reference) const {
    return find_where("caller_reference", kind, reference);
}

std::vector<Resource> Store::list(std::string_view kind) const {
    auto statement =
        database_.prepare("SELECT " + std::string(kColumns) +
                          " FROM cloudfront_resources WHERE kind = ? ORDER BY created_at, id");
    statement.bind_all(kind);
    std::vector<Resource> found;
    while (statement.step())
        found.push_back(read(statement));
    return found;
}

std::vector<std::pair<std::string, std::string>> Store::tags(std::string_view arn) const {
    auto statement =
        database_.prepare("SELECT key, value FROM cloudfront_tags WHERE arn = ? ORDER BY key");
    statement.bind_all(arn);
    std::vector<std::pair<std::string, std::string>> found;
    while (statement.step())
        found.emplace_back(statement.text(0), statement.text(1));
    return found;
}

void Store::set_tag(std::string_view arn, std::string_view key, std::string_view value) {
    database_.prepare("INSERT OR REPLACE INTO cloudfront_tags (arn, key, value) VALUES (?, ?, ?)")
        .bind_all(arn, key, value)
        .run();
}

void Store::remove_tag(std::string_view arn, std::string_view key) {
    database_.prepare("DELETE FROM cloudfront_tags WHERE arn = ? AND key = ?")
        .bind_all(arn, key)
        .run();
}

void Store::remove_tags(std::string_view arn) {
    database_.prepare("DELETE FROM cloudfront_tags WHERE arn = ?").bind_all(arn).run();
}

void Store::insert(const StoredInvalidation& invalidation) {
    Node paths = Node::array();
    for (const std::string& path : invalidation.paths)
        paths.push_back(path);
    database_
        .prepare(
            "INSERT INTO cloudfront_invalidations (distribution_id, id, caller_reference, "
            "created_at, paths, report) "
            "VALUES (?, ?, ?, ?, ?, ?)")
        .bind_all(std::string_view(invalidation.distribution_id), std::string_view(invalidation.id),
                  std::string_view(invalidation.caller_reference), micros(invalidation.created),
                  std::string_view(base::to_json(paths)),
                  std::string_view(base::to_json(invalidation.report)))
        .run();
}

std::vector<StoredInvalidation> Store::invalidations(std::string_view distribution_id) const {
    auto statement = database_.prepare(
        "SELECT distribution_id, id, caller_reference, created_at, paths, report FROM "
        "cloudfront_invalidations WHERE distribution_id = ? ORDER BY created_at DESC, id");
    statement.bind_all(distribution_id);
    std::vector<StoredInvalidation> found;
    while (statement.step()) {
        StoredInvalidation invalidation{statement.text(0),
                                        statement.text(1),
                                        statement.text(2),
                                        time_of(statement.integer(3)),
                                        {},
                                        {}};
        if (auto paths = base::parse_json(statement.text(4)))
            for (const Node& path : paths->items())
                invalidation.paths.push_back(path.as_string());
        if (auto report = base::parse_json(statement.text(5)))
            invalidation.report = std::move(*report);
        found.push_back(std::move(invalidation));
    }
    return found;
}

void Store::remove_invalidations(std::string_view distribution_id) {
    database_.prepare("DELETE FROM cloudfront_invalidations WHERE distribution_id = ?")
        .bind_all(distribution_id)
        .run();
}

}  // namespace cloudfront

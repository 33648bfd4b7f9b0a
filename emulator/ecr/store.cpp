// Rows of ECR (see store.h).
#include "ecr/store.h"

#include "base/encoding.h"
#include "base/ids.h"

namespace ecr {
namespace {

using base::Node;

int64_t ticks(base::Time time) {
    return time.time_since_epoch().count();
}
base::Time time_of(int64_t ticks) {
    return base::Time(base::microseconds(ticks));
}

std::string document_of(const Repository& repository) {
    Node node = Node::object({{"createdAt", ticks(repository.created_at)},
                              {"tagMutability", repository.tag_mutability},
                              {"mutabilityExclusions", repository.mutability_exclusions},
                              {"scanOnPush", repository.scan_on_push},
                              {"encryption", repository.encryption},
                              {"tags", repository.tags},
                              {"lifecyclePolicy", repository.lifecycle_policy},
                              {"policy", repository.policy}});
    if (repository.lifecycle_evaluated_at)
        node.set("lifecycleEvaluatedAt", ticks(*repository.lifecycle_evaluated_at));
    return base::to_json(node);
}

Repository read_repository(state::Statement& row) {
    Repository repository;
    repository.name = row.text(0);
    Node node = base::parse_json(row.text(1)).value_or(Node());
    repository.created_at = time_of(node["createdAt"].as_int());
    repository.tag_mutability = node["tagMutability"].as_string();
    repository.mutability_exclusions = node["mutabilityExclusions"];
    repository.scan_on_push = node["scanOnPush"].as_bool();
    repository.encryption = node["encryption"];
    repository.tags = node["tags"];
    repository.lifecycle_policy = node["lifecyclePolicy"].as_string();
    repository.policy = node["policy"].as_string();
    if (const Node& at = node["lifecycleEvaluatedAt"]; at.is_number())
        repository.lifecycle_evaluated_at = time_of(at.as_int());
    return repository;
}

constexpr std::string_view kImageColumns =
    "SELECT repository, digest, media_type, artifact_type, size_bytes, pushed_at, pulled_at, "
    "subject FROM ecr_images ";

Image read_image(state::Database& database, state::Statement& row) {
    Image image;
    image.repository = row.text(0);
    image.digest = oci::Digest::parse(row.text(1)).value_or(oci::Digest());
    image.media_type = row.text(2);
    image.artifact_type = row.text(3);
    image.size_bytes = static_cast<uint64_t>(row.integer(4));
    image.pushed_at = time_of(row.integer(5));
    if (!row.is_null(6)) image.pulled_at = time_of(row.integer(6));
    image.subject = oci::Digest::parse(row.text(7)).value_or(oci::Digest());
    auto tag = database.prepare(
        "SELECT tag FROM ecr_tags WHERE repository = ?1 AND digest = ?2 ORDER BY tag");
    tag.bind_all(std::string_view(image.repository), std::string_view(image.digest.to_string()));
    while (tag.step())
        image.tags.push_back(tag.text(0));
    return image;
}

}  // namespace

std::optional<Repository> Store::repository(std::string_view name) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("SELECT name, document FROM ecr_repositories WHERE name = ?1");
    row.bind(1, name);
    if (!row.step()) return std::nullopt;
    return read_repository(row);
}

std::vector<Repository> Store::repositories() {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("SELECT name, document FROM ecr_repositories ORDER BY name");
    std::vector<Repository> result;
    while (row.step())
        result.push_back(read_repository(row));
    return result;
}

void Store::save(const Repository& repository) {
    std::lock_guard lock(database_.mutex());
    auto row =
        database_.prepare("INSERT OR REPLACE INTO ecr_repositories(name, document) VALUES(?1, ?2)");
    row.bind_all(std::string_view(repository.name), std::string_view(document_of(repository)));
    row.run();
}

void Store::remove_repository(const std::string& name) {
    state::Transaction transaction(database_);
    for (const char* sql : {"DELETE FROM ecr_tags WHERE repository = ?1",
                            "DELETE FROM ecr_scans WHERE repository = ?1",
                            "DELETE FROM ecr_images WHERE repository = ?1",
                            "DELETE FROM ecr_layers WHERE repository = ?1",
                            "DELETE FROM ecr_repositories WHERE name = ?1"}) {
        auto row = database_.prepare(sql);
        row.bind(1, std::string_view(name));
        row.run();
    }
    transaction.commit();
}

std::optional<Image> Store::image(std::string_view repository, const oci::Digest& digest) {
    std::lock_guard lock(database_.mutex());
    auto row =
        database_.prepare(std::string(kImageColumns) + "WHERE repository = ?1 AND digest = ?2");
    row.bind_all(repository, std::string_view(digest.to_string()));
    if (!row.step()) return std::nullopt;
    return read_image(database_, row);
}

std::optional<oci::Digest> Store::digest_of_tag(std::string_view repository, std::string_view tag) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("SELECT digest FROM ecr_tags WHERE repository = ?1 AND tag = ?2");
    row.bind_all(repository, tag);
    if (!row.step()) return std::nullopt;
    return oci::Digest::parse(row.text(0));
}

std::vector<Image> Store::images(std::string_view repository) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(std::string(kImageColumns) +
                                 "WHERE repository = ?1 ORDER BY pushed_at, rowid");
    row.bind(1, repository);
    std::vector<Image> result;
    while (row.step())
        result.push_back(read_image(database_, row));
    return result;
}

std::vector<std::string> Store::tags(std::string_view repository) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("SELECT tag FROM ecr_tags WHERE repository = ?1 ORDER BY tag");
    row.bind(1, repository);
    std::vector<std::string> result;
    while (row.step())
        result.push_back(row.text(0));
    return result;
}

std::string Store::manifest(std::string_view repository, const oci::Digest& digest) {
    std::lock_guard lock(database_.mutex());
    auto row =
        database_.prepare("SELECT manifest FROM ecr_images WHERE repository = ?1 AND digest = ?2");
    row.bind_all(repository, std::string_view(digest.to_string()));
    return row.step() ? row.text(0) : std::string();
}

void Store::add_image(const Image& image, std::string_view manifest) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(
        "INSERT OR IGNORE INTO ecr_images(repository, digest, media_type, artifact_type, "
        "size_bytes, pushed_at, subject, manifest) "
        "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    row.bind_all(std::string_view(image.repository), std::string_view(image.digest.to_string()),
                 std::string_view(image.media_type), std::string_view(image.artifact_type),
                 static_cast<int64_t>(image.size_bytes), ticks(image.pushed_at),
                 std::string_view(image.subject.empty() ? "" : image.subject.to_string()));
    row.bind_blob(8, manifest);
    row.run();
}

void Store::set_pulled(const Image& image, base::Time at) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(
        "UPDATE ecr_images SET pulled_at = ?3 WHERE repository = ?1 AND digest = ?2");
    row.bind_all(std::string_view(image.repository), std::string_view(image.digest.to_string()),
                 ticks(at));
    row.run();
}

void Store::set_scanned(std::string_view repository, const oci::Digest& digest, base::Time at) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(
        "INSERT OR REPLACE INTO ecr_scans(repository, digest, at) VALUES(?1, ?2, ?3)");
    row.bind_all(repository, std::string_view(digest.to_string()), ticks(at));
    row.run();
}

std::optional<base::Time> Store::scanned_at(std::string_view repository,
                                            const oci::Digest& digest) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("SELECT at FROM ecr_scans WHERE repository = ?1 AND digest = ?2");
    row.bind_all(repository, std::string_view(digest.to_string()));
    if (!row.step()) return std::nullopt;
    return time_of(row.integer(0));
}

void Store::remove_image(std::string_view repository, const oci::Digest& digest) {
    state::Transaction transaction(database_);
    for (const char* sql : {"DELETE FROM ecr_tags WHERE repository = ?1 AND digest = ?2",
                            "DELETE FROM ecr_scans WHERE repository = ?1 AND digest = ?2",
                            "DELETE FROM ecr_images WHERE repository = ?1 AND digest = ?2"}) {
        auto row = database_.prepare(sql);
        row.bind_all(repository, std::string_view(digest.to_string()));
        row.run();
    }
    transaction.commit();
}

void Store::set_tag(std::string_view repository, std::string_view tag, const oci::Digest& digest) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(
        "INSERT OR REPLACE INTO ecr_tags(repository, tag, digest) VALUES(?1, ?2, ?3)");
    row.bind_all(repository, tag, std::string_view(digest.to_string()));
    row.run();
}

void Store::remove_tag(std::string_view repository, std::string_view tag) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("DELETE FROM ecr_tags WHERE repository = ?1 AND tag = ?2");
    row.bind_all(repository, tag);
    row.run();
}

void Store::add_layer(std::string_view repository, const oci::Digest& digest, uint64_t size_bytes) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(
        "INSERT OR REPLACE INTO ecr_layers(repository, digest, size_bytes) VALUES(?1, ?2, ?3)");
    row.bind_all(repository, std::string_view(digest.to_string()),
                 static_cast<int64_t>(size_bytes));
    row.run();
}

bool Store::has_layer(std::string_view repository, const oci::Digest& digest) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("SELECT 1 FROM ecr_layers WHERE repository = ?1 AND digest = ?2");
    row.bind_all(repository, std::string_view(digest.to_string()));
    return row.step();
}

void Store::remove_layer(std::string_view repository, const oci::Digest& digest) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("DELETE FROM ecr_layers WHERE repository = ?1 AND digest = ?2");
    row.bind_all(repository, std::string_view(digest.to_string()));
    row.run();
}

bool Store::any_repository_has_layer(const oci::Digest& digest) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("SELECT 1 FROM ecr_layers WHERE digest = ?1 LIMIT 1");
    row.bind(1, std::string_view(digest.to_string()));
    return row.step();
}

std::vector<oci::Digest> Store::layers(std::string_view repository) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("SELECT digest FROM ecr_layers WHERE repository = ?1");
    row.bind(1, repository);
    std::vector<oci::Digest> result;
    while (row.step())
        if (auto digest = oci::Digest::parse(row.text(0))) result.push_back(*digest);
    return result;
}

std::vector<oci::Digest> Store::all_layers() {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("SELECT DISTINCT digest FROM ecr_layers");
    std::vector<oci::Digest> result;
    while (row.step())
        if (auto digest = oci::Digest::parse(row.text(0))) result.push_back(*digest);
    return result;
}

std::string Store::token_key() {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("SELECT value FROM ecr_settings WHERE name = 'token_key'");
    if (row.step()) return row.text(0);
    std::string key = base::random_hex(64);
    auto insert =
        database_.prepare("INSERT INTO ecr_settings(name, value) VALUES('token_key', ?1)");
    insert.bind(1, std::string_view(key));
    insert.run();
    return key;
}

}  // namespace ecr

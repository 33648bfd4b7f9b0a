// Copies of a state directory.
#include "snapshots/state_copy.h"

#include <fmt/format.h>

#include <filesystem>
#include <mutex>

#include "base/digest.h"
#include "base/result.h"

namespace snapshots {
namespace {

namespace fs = std::filesystem;

struct Table {
    std::string_view part, query;
};

// Columns that a client decides. A key's value is never read: its version says as much.
constexpr Table kTables[] = {
    {"buckets", "SELECT name, versioning, ownership, object_lock FROM s3_buckets ORDER BY name"},
    {"buckets", "SELECT bucket, kind, id, document FROM s3_documents ORDER BY 1, 2, 3"},
    {"buckets",
     "SELECT row, bucket, key, version, latest, marker, etag, headers, redirect, acl, tags FROM "
     "s3_versions ORDER BY row"},
    {"buckets", "SELECT id FROM s3_uploads ORDER BY id"},
    {"cloudfront", "SELECT kind, id, revision FROM cloudfront_resources ORDER BY 1, 2"},
    {"cloudfront", "SELECT arn, key, value FROM cloudfront_tags ORDER BY 1, 2"},
    {"elbv2", "SELECT arn, document FROM elbv2_load_balancers ORDER BY arn"},
    {"elbv2", "SELECT arn, document FROM elbv2_listeners ORDER BY arn"},
    {"elbv2", "SELECT arn, priority, document FROM elbv2_rules ORDER BY arn"},
    {"elbv2", "SELECT arn, document FROM elbv2_target_groups ORDER BY arn"},
    {"ecr", "SELECT name, document FROM ecr_repositories ORDER BY name"},
    {"ecr", "SELECT repository, digest FROM ecr_images ORDER BY 1, 2"},
    {"ecr", "SELECT repository, tag, digest FROM ecr_tags ORDER BY 1, 2"},
    {"ecs", "SELECT name FROM ecs_clusters ORDER BY name"},
    {"ecs", "SELECT family, revision FROM ecs_task_definitions ORDER BY 1, 2"},
    {"ecs",
     "SELECT cluster, name, json_extract(document, '$.taskDefinition'), json_extract(document, "
     "'$.desired') FROM ecs_services ORDER BY 1, 2"},
    {"settings", "SELECT name, version FROM ssm_parameters ORDER BY 1, 2"},
    {"settings", "SELECT name, version FROM secret_values ORDER BY 1, 2"},
    {"settings", "SELECT name, retention_days FROM log_groups ORDER BY name"},
};

constexpr std::string_view kParts[] = {"buckets", "cloudfront", "elbv2", "ecr", "ecs", "settings"};

constexpr std::string_view kBucketTables[] = {"s3_buckets", "s3_documents", "s3_versions",
                                              "s3_parts",   "s3_uploads",   "s3_upload_parts"};

// Written once under a name that says what they are, so a link is as good as a copy.
constexpr std::string_view kLinked[] = {"blobs", "images", "placeholder"};
constexpr std::string_view kCopied[] = {"FORMAT", "ca", "secrets.env", "oidc.pem", "applied.json"};

std::string in_sql(const std::string& text) {
    std::string out = "'";
    for (char c : text)
        out += c == '\'' ? std::string("''") : std::string(1, c);
    return out + "'";
}

std::expected<void, std::string> vacuum_into(state::Database& database, const std::string& file) {
    std::error_code ignored;
    fs::remove(file, ignored);
    try {
        database.run("VACUUM INTO " + in_sql(file));
    } catch (const state::DatabaseError& error) {
        return std::unexpected(fmt::format("cannot write {}: {}", file, error.what()));
    }
    return {};
}

}  // namespace

std::span<const std::string_view> parts() {
    return kParts;
}

std::span<const std::string_view> linked_parts() {
    return kLinked;
}

std::string digest(state::Database& database, std::string_view part) {
    std::string all;
    for (const Table& table : kTables) {
        if (table.part != part) continue;
        all += table.query;
        auto statement = database.prepare(table.query);
        while (statement.step())
            for (int column = 0; column < statement.columns(); ++column) {
                const std::string text = statement.text(column);
                all += fmt::format("{}:", text.size());
                all += text;
            }
    }
    return base::sha256_hex(all);
}

std::string digest_of(const std::string& directory) {
    const std::string file = directory + "/state.db";
    std::error_code ignored;
    if (!fs::exists(file, ignored)) return {};
    auto database = state::Database::open_other(file);
    if (!database) return {};
    std::string all;
    try {
        for (std::string_view part : kParts)
            all += digest(**database, part);
    } catch (const state::DatabaseError&) {
        return {};
    }
    return base::sha256_hex(all);
}

std::expected<void, std::string> link_tree(const std::string& from, const std::string& to) {
    std::error_code error;
    if (!fs::exists(from, error)) return {};
    fs::create_directories(to, error);
    for (auto entry = fs::recursive_directory_iterator(from, error);
         !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
        const fs::path place = to / entry->path().lexically_relative(from);
        std::error_code gone;  // between the listing and now: nobody needs it
        if (entry->is_directory(gone)) {
            fs::create_directories(place, gone);
        } else if (entry->is_regular_file(gone) && !fs::exists(place, gone)) {
            fs::create_hard_link(entry->path(), place, gone);
            if (gone) fs::copy_file(entry->path(), place, gone);
        }
    }
    if (error) return std::unexpected(fmt::format("cannot copy {}: {}", from, error.message()));
    return {};
}

std::expected<void, std::string> copy_directory(const std::string& from, const std::string& to) {
    std::error_code error;
    fs::create_directories(to, error);
    fs::permissions(to, fs::perms::owner_all, error);
    if (fs::exists(from + "/state.db", error)) {
        auto database = state::Database::open_other(from + "/state.db");
        if (!database) return std::unexpected(database.error());
        TRY(vacuum_into(**database, to + "/state.db"));
    }
    for (std::string_view name : kLinked)
        TRY(link_tree(fmt::format("{}/{}", from, name), fmt::format("{}/{}", to, name)));
    auto copy = [&](const fs::path& name) {
        if (!fs::exists(from / name, error)) return;
        fs::create_directories((to / name).parent_path(), error);
        fs::copy(from / name, to / name,
                 fs::copy_options::recursive | fs::copy_options::overwrite_existing, error);
    };
    for (std::string_view name : kCopied) {
        copy(fs::path(name));
        if (error)
            return std::unexpected(
                fmt::format("cannot copy {}/{}: {}", from, name, error.message()));
    }
    // MariaDB's template is what a fresh database is copied from; making one takes seconds.
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(from + "/db", none))
        if (entry.path().filename().string().starts_with("template-"))
            copy(fs::path("db") / entry.path().filename());
    if (error) return std::unexpected(fmt::format("cannot copy {}/db: {}", from, error.message()));
    return {};
}

std::expected<void, std::string> save_buckets(state::Database& database,
                                              const std::string& directory, const std::string& to) {
    std::error_code error;
    fs::create_directories(to, error);
    TRY(vacuum_into(database, to + "/state.db"));
    return link_tree(directory + "/blobs", to + "/blobs");
}

std::expected<void, std::string> restore_buckets(state::Database& database,
                                                 const std::string& directory,
                                                 const std::string& from) {
    TRY(link_tree(from + "/blobs", directory + "/blobs"));  // bytes before the rows that name them
    std::lock_guard lock(database.mutex());
    try {
        database.run("ATTACH " + in_sql(from + "/state.db") + " AS saved");
    } catch (const state::DatabaseError& error) {
        return std::unexpected(fmt::format("cannot read {}/state.db: {}", from, error.what()));
    }
    std::expected<void, std::string> done;
    try {
        state::Transaction transaction(database);
        for (std::string_view table : kBucketTables) {
            database.run(fmt::format("DELETE FROM main.{}", table));
            database.run(fmt::format("INSERT INTO main.{0} SELECT * FROM saved.{0}", table));
        }
        transaction.commit();
    } catch (const state::DatabaseError& error) {
        done = std::unexpected(fmt::format("the buckets cannot be restored: {}", error.what()));
    }
    database.run("DETACH saved");
    return done;
}

}  // namespace snapshots

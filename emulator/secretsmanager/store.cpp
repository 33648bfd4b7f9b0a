// Secrets in SQLite (see store.h). A secret's row holds its document with the versions' names and
// stages; the values are rows of another table.
#include "secretsmanager/store.h"

#include <algorithm>

#include "base/log.h"

namespace secretsmanager {
namespace {

using base::Node;

int64_t ticks(base::Time time) {
    return time.time_since_epoch().count();
}
base::Time time_of(const Node& node) {
    return base::Time(base::microseconds(node.as_int()));
}
std::optional<base::Time> optional_time_of(const Node& node) {
    if (!node.is_number()) return std::nullopt;
    return time_of(node);
}

Node document_of(const Secret& secret) {
    Node versions = Node::array();
    for (const Version& version : secret.versions) {
        Node stages = Node::array();
        for (const std::string& stage : version.stages)
            stages.push_back(stage);
        versions.push_back(Node::object({{"id", version.id},
                                         {"createdAt", ticks(version.created_at)},
                                         {"stages", std::move(stages)}}));
    }
    Node node = Node::object({{"description", secret.description},
                              {"keyId", secret.key_id},
                              {"policy", secret.policy},
                              {"createdAt", ticks(secret.created_at)},
                              {"changedAt", ticks(secret.changed_at)},
                              {"tags", secret.tags},
                              {"versions", std::move(versions)}});
    if (secret.deletes_at) node.set("deletesAt", ticks(*secret.deletes_at));
    if (secret.accessed_at) node.set("accessedAt", ticks(*secret.accessed_at));
    return node;
}

}  // namespace

bool Version::has_stage(std::string_view stage) const {
    return std::find(stages.begin(), stages.end(), stage) != stages.end();
}

Version* Secret::version_of_stage(std::string_view stage) {
    auto found = std::find_if(versions.begin(), versions.end(),
                              [&](const Version& version) { return version.has_stage(stage); });
    return found == versions.end() ? nullptr : &*found;
}

Version* Secret::version(std::string_view id) {
    auto found = std::find_if(versions.begin(), versions.end(),
                              [&](const Version& version) { return version.id == id; });
    return found == versions.end() ? nullptr : &*found;
}

Secret Store::read(state::Statement& row) {
    Secret secret;
    secret.name = row.text(0);
    secret.arn = row.text(1);
    Node document = base::parse_json(row.text(2)).value_or(Node());
    secret.description = document["description"].as_string();
    secret.key_id = document["keyId"].as_string();
    secret.policy = document["policy"].as_string();
    secret.created_at = time_of(document["createdAt"]);
    secret.changed_at = time_of(document["changedAt"]);
    secret.deletes_at = optional_time_of(document["deletesAt"]);
    secret.accessed_at = optional_time_of(document["accessedAt"]);
    secret.tags = document["tags"];
    for (const Node& node : document["versions"].items()) {
        Version version;
        version.id = node["id"].as_string();
        version.created_at = time_of(node["createdAt"]);
        for (const Node& stage : node["stages"].items())
            version.stages.push_back(stage.as_string());
        auto value = database_.prepare(
            "SELECT text, binary FROM secret_values WHERE name = ?1 AND version = ?2");
        value.bind_all(std::string_view(secret.name), std::string_view(version.id));
        if (value.step()) {
            if (!value.is_null(0)) version.text = value.text(0);
            if (!value.is_null(1)) version.binary = value.text(1);
        }
        secret.versions.push_back(std::move(version));
    }
    return secret;
}

// A partial ARN lacks the hyphen and six characters at its end.
std::optional<Secret> Store::find(std::string_view name_or_arn) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(
        "SELECT name, arn, document FROM secrets WHERE name = ?1 OR arn = ?1 OR substr(arn, 1, "
        "length(arn) - 7) = ?1");
    row.bind(1, name_or_arn);
    if (!row.step()) return std::nullopt;
    return read(row);
}

std::vector<Secret> Store::all() {
    std::lock_guard lock(database_.mutex());
    std::vector<Secret> result;
    auto row = database_.prepare("SELECT name, arn, document FROM secrets ORDER BY name");
    while (row.step())
        result.push_back(read(row));
    return result;
}

void Store::save(const Secret& secret) {
    state::Transaction transaction(database_);
    auto row =
        database_.prepare("INSERT OR REPLACE INTO secrets(name, arn, document) VALUES(?1, ?2, ?3)");
    row.bind_all(std::string_view(secret.name), std::string_view(secret.arn),
                 std::string_view(base::to_json(document_of(secret))));
    row.run();
    auto clear = database_.prepare("DELETE FROM secret_values WHERE name = ?1");
    clear.bind(1, std::string_view(secret.name));
    clear.run();
    for (const Version& version : secret.versions) {
        auto value = database_.prepare(
            "INSERT INTO secret_values(name, version, text, binary) VALUES(?1, ?2, ?3, ?4)");
        value.bind(1, std::string_view(secret.name)).bind(2, std::string_view(version.id));
        if (version.text)
            value.bind(3, std::string_view(*version.text));
        else
            value.bind(3, nullptr);
        if (version.binary)
            value.bind_blob(4, *version.binary);
        else
            value.bind(4, nullptr);
        value.run();
        if (version.text) base::mask(*version.text);
    }
    transaction.commit();
}

void Store::remove(const std::string& name) {
    state::Transaction transaction(database_);
    for (const char* sql :
         {"DELETE FROM secrets WHERE name = ?1", "DELETE FROM secret_values WHERE name = ?1"}) {
        auto row = database_.prepare(sql);
        row.bind(1, std::string_view(name));
        row.run();
    }
    transaction.commit();
}

void Store::mask_values() {
    for (const Secret& secret : all())
        for (const Version& version : secret.versions)
            if (version.text) base::mask(*version.text);
}

}  // namespace secretsmanager

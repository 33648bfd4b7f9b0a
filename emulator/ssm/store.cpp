// Parameters in SQLite (see store.h). A row's document holds everything but the value.
#include "ssm/store.h"

#include "base/log.h"

namespace ssm {
namespace {

constexpr std::string_view kColumns =
    "SELECT p.name, p.version, p.document, coalesce(v.value, '') FROM ssm_parameters p "
    "LEFT JOIN ssm_values v ON v.name = p.name AND v.version = p.version ";

Parameter read(state::Statement& row) {
    Parameter parameter;
    parameter.name = row.text(0);
    parameter.version = static_cast<int>(row.integer(1));
    parameter.value = row.text(3);
    auto document = base::parse_json(row.text(2));
    if (!document) return parameter;
    parameter.type = (*document)["type"].as_string();
    parameter.data_type = (*document)["dataType"].as_string();
    parameter.tier = (*document)["tier"].as_string();
    parameter.description = (*document)["description"].as_string();
    parameter.key_id = (*document)["keyId"].as_string();
    parameter.allowed_pattern = (*document)["allowedPattern"].as_string();
    parameter.modified_by = (*document)["modifiedBy"].as_string();
    parameter.modified_at = base::Time(base::microseconds((*document)["modifiedAt"].as_int()));
    for (const base::Node& label : (*document)["labels"].items())
        parameter.labels.push_back(label.as_string());
    return parameter;
}

std::string document_of(const Parameter& parameter) {
    base::Node labels = base::Node::array();
    for (const std::string& label : parameter.labels)
        labels.push_back(label);
    return base::to_json(base::Node::object(
        {{"type", parameter.type},
         {"dataType", parameter.data_type},
         {"tier", parameter.tier},
         {"description", parameter.description},
         {"keyId", parameter.key_id},
         {"allowedPattern", parameter.allowed_pattern},
         {"modifiedBy", parameter.modified_by},
         {"modifiedAt", static_cast<int64_t>(parameter.modified_at.time_since_epoch().count())},
         {"labels", std::move(labels)}}));
}

std::vector<Parameter> read_all(state::Statement row) {
    std::vector<Parameter> result;
    while (row.step())
        result.push_back(read(row));
    return result;
}

}  // namespace

std::optional<Parameter> Store::latest(std::string_view name) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(std::string(kColumns) +
                                 "WHERE p.name = ?1 ORDER BY p.version DESC LIMIT 1");
    row.bind(1, name);
    if (!row.step()) return std::nullopt;
    return read(row);
}

std::vector<Parameter> Store::versions(std::string_view name) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(std::string(kColumns) + "WHERE p.name = ?1 ORDER BY p.version");
    row.bind(1, name);
    return read_all(std::move(row));
}

std::vector<Parameter> Store::all(std::string_view prefix) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(std::string(kColumns) +
                                 "WHERE p.name >= ?1 AND p.name < ?2 AND p.version = (SELECT "
                                 "max(version) FROM ssm_parameters WHERE name = p.name) "
                                 "ORDER BY p.name");
    row.bind_all(prefix, std::string_view(std::string(prefix) + "\x7f"));
    return read_all(std::move(row));
}

void Store::put(const Parameter& parameter) {
    state::Transaction transaction(database_);
    auto row = database_.prepare(
        "INSERT OR REPLACE INTO ssm_parameters(name, version, document) VALUES(?1, ?2, ?3)");
    row.bind_all(std::string_view(parameter.name), parameter.version,
                 std::string_view(document_of(parameter)));
    row.run();
    auto value = database_.prepare(
        "INSERT OR REPLACE INTO ssm_values(name, version, value) VALUES(?1, ?2, ?3)");
    value.bind_all(std::string_view(parameter.name), parameter.version,
                   std::string_view(parameter.value));
    value.run();
    transaction.commit();
    if (parameter.is_secure()) base::mask(parameter.value);
}

bool Store::remove(std::string_view name) {
    if (!latest(name)) return false;
    state::Transaction transaction(database_);
    for (const char* sql :
         {"DELETE FROM ssm_parameters WHERE name = ?1", "DELETE FROM ssm_values WHERE name = ?1",
          "DELETE FROM ssm_tags WHERE name = ?1"}) {
        auto row = database_.prepare(sql);
        row.bind(1, name);
        row.run();
    }
    transaction.commit();
    return true;
}

base::Node Store::tags(std::string_view name) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("SELECT tags FROM ssm_tags WHERE name = ?1");
    row.bind(1, name);
    if (!row.step()) return base::Node::array();
    return base::parse_json(row.text(0)).value_or(base::Node::array());
}

void Store::save_tags(std::string_view name, const base::Node& tags) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("INSERT OR REPLACE INTO ssm_tags(name, tags) VALUES(?1, ?2)");
    row.bind_all(name, std::string_view(base::to_json(tags)));
    row.run();
}

void Store::mask_values() {
    for (const Parameter& parameter : all(""))
        if (parameter.is_secure()) base::mask(parameter.value);
}

}  // namespace ssm

// Parameters and their versions in SQLite. Values are in a table of their own, which exported
// snapshots leave out.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "state/database.h"

namespace ssm {

struct Parameter {
    std::string name;
    int version = 1;
    std::string type = "String";  // String, StringList, SecureString
    std::string value;
    std::string data_type = "text", tier = "Standard", description, key_id, allowed_pattern,
                modified_by;
    base::Time modified_at;
    std::vector<std::string> labels;

    bool is_secure() const { return type == "SecureString"; }
};

class Store {
  public:
    explicit Store(state::Database& database) : database_(database) {}

    std::optional<Parameter> latest(std::string_view name);
    std::vector<Parameter> versions(std::string_view name);  // oldest first
    std::vector<Parameter> all(std::string_view prefix);     // the latest of each, by name
    void put(const Parameter& parameter);                    // a version, new or replaced
    bool remove(std::string_view name);
    base::Node tags(std::string_view name);
    void save_tags(std::string_view name, const base::Node& tags);
    // Every secret value, so that the log never shows one.
    void mask_values();

  private:
    state::Database& database_;
};

}  // namespace ssm

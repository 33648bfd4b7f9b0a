// Secrets and their versions in SQLite. Values are in a table of their own, which exported
// snapshots leave out.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "state/database.h"

namespace secretsmanager {

inline constexpr std::string_view kCurrent = "AWSCURRENT";
inline constexpr std::string_view kPrevious = "AWSPREVIOUS";
inline constexpr std::string_view kPending = "AWSPENDING";

struct Version {
    std::string id;
    base::Time created_at;
    std::vector<std::string> stages;
    std::optional<std::string> text, binary;  // binary: decoded

    bool has_stage(std::string_view stage) const;
};

struct Secret {
    std::string name, arn, description, key_id, policy;
    base::Time created_at, changed_at;
    std::optional<base::Time> deletes_at, accessed_at;
    base::Node tags;
    std::vector<Version> versions;  // oldest first

    Version* version_of_stage(std::string_view stage);
    Version* version(std::string_view id);
};

class Store {
  public:
    explicit Store(state::Database& database) : database_(database) {}
    // By name, ARN, or ARN without its random suffix.
    std::optional<Secret> find(std::string_view name_or_arn);
    std::vector<Secret> all();        // by name
    void save(const Secret& secret);  // values included
    void remove(const std::string& name);
    void mask_values();

  private:
    Secret read(state::Statement& row);
    state::Database& database_;
};

}  // namespace secretsmanager

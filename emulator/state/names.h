// Names: the table that ties the stack's names to AWS's ids, in both directions.
#pragma once
#include <string>
#include <string_view>

#include "state/database.h"

namespace state {

class Names {
  public:
    explicit Names(Database& database) : database_(database) {}

    void set(std::string_view kind, std::string_view name, std::string_view id);  // replaces
    std::string id_of(std::string_view kind, std::string_view name) const;        // "" if unknown
    std::string name_of(std::string_view kind, std::string_view id) const;        // "" if unknown
    void erase(std::string_view kind, std::string_view name);

  private:
    Database& database_;
};

}  // namespace state

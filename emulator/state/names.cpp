// Rows of the table `names`.
#include "state/names.h"

namespace state {

void Names::set(std::string_view kind, std::string_view name, std::string_view id) {
    database_.prepare("INSERT OR REPLACE INTO names (kind, name, id) VALUES (?, ?, ?)")
        .bind_all(kind, name, id)
        .run();
}

std::string Names::id_of(std::string_view kind, std::string_view name) const {
    Statement select = database_.prepare("SELECT id FROM names WHERE kind = ? AND name = ?");
    return select.bind_all(kind, name).step() ? select.text(0) : std::string();
}

std::string Names::name_of(std::string_view kind, std::string_view id) const {
    Statement select = database_.prepare("SELECT name FROM names WHERE kind = ? AND id = ?");
    return select.bind_all(kind, id).step() ? select.text(0) : std::string();
}

void Names::erase(std::string_view kind, std::string_view name) {
    database_.prepare("DELETE FROM names WHERE kind = ? AND name = ?").bind_all(kind, name).run();
}

}  // namespace state

// NodeBuilder: for readers of texts, which know where each key stands.
#pragma once
#include <string>
#include <utility>

#include "base/json.h"

namespace base {

class NodeBuilder {
  public:
    // Appends; the key is not one that the object has.
    static void add_member(Node& object, std::string key, Position position, Node value) {
        object.members_.emplace_back(std::move(key), std::move(value));
        object.key_positions_.push_back(position);
    }
};

}  // namespace base

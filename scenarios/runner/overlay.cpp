// Overlay: walking paths.
#include "scenarios/runner/overlay.h"

#include <fmt/format.h>

#include <vector>

#include "base/result.h"
#include "base/text.h"

namespace scenarios {
namespace {

using base::Node;

constexpr std::string_view kNames[] = {"Id", "Name", "PathPattern"};

Node* below(Node& node, std::string_view part) {
    if (Node* found = node.find(part)) return found;
    for (Node& item : node.items())
        for (std::string_view name : kNames)
            if (item[name].is_string() && item[name].as_string() == part) return &item;
    return nullptr;
}

std::vector<std::string> names_below(const Node& node) {
    std::vector<std::string> names;
    for (const auto& member : node.members())
        names.push_back(member.first);
    for (const Node& item : node.items())
        for (std::string_view name : kNames)
            if (item[name].is_string()) names.push_back(item[name].as_string());
    return names;
}

std::expected<void, std::string> set(Node& root, std::string_view path, const Node& value) {
    Node* node = &root;
    std::string seen;
    while (true) {
        const auto [part, rest] = base::cut(path, '.');
        const bool last = path.find('.') == std::string_view::npos;
        Node* next = below(*node, part);
        if (last && next == nullptr && (node->is_object() || node->is_null())) {
            node->set(std::string(part), value);
            return {};
        }
        if (next == nullptr) {
            const auto names = names_below(*node);
            const std::string near = base::closest(part, names);
            return std::unexpected(fmt::format(
                "the stack has no \"{}\"{}{}", part, seen.empty() ? "" : " below " + seen,
                near.empty() ? names.empty() ? "" : "; there are " + base::join(names, ", ")
                             : fmt::format("; did you mean \"{}\"?", near)));
        }
        if (last) {
            *next = value;
            return {};
        }
        node = next;
        seen += (seen.empty() ? "" : ".") + std::string(part);
        path = rest;
    }
}

}  // namespace

std::expected<void, std::string> apply_overlay(Node& root, const Node& overlay) {
    for (const auto& [path, value] : overlay.members())
        TRY(set(root, path, value));
    return {};
}

}  // namespace scenarios

// See input.h. alb.md §21, §24.
#include "elbv2/api/input.h"

#include <algorithm>

#include "base/text.h"
#include "elbv2/shapes.h"

namespace elbv2 {

using base::Node;

void fail(std::string code, const std::string& message) {
    throw aws::Error(400, std::move(code), message);
}
void invalid(const std::string& message) {
    fail("ValidationError", message);
}
void not_emulated(const std::string& what) {
    throw aws::Error(501, "NotImplemented", what + " is not emulated by dodam");
}

std::string required(const Node& input, std::string_view member) {
    std::string value = leaf(input[member]);
    if (value.empty())
        fail("ValidationError", "A value for '" + std::string(member) + "' must be specified");
    return value;
}

int integer(const Node& input, std::string_view member, int fallback, int low, int high) {
    std::string text = leaf(input[member]);
    if (text.empty()) return fallback;
    auto value = base::parse_signed(text);
    if (!value || *value < low || *value > high)
        invalid(std::string(member) + " '" + text + "' must be between '" + std::to_string(low) +
                "' and '" + std::to_string(high) + "' inclusive");
    return static_cast<int>(*value);
}

void check_name(std::string_view kind, std::string_view name) {
    std::string quoted = std::string(kind) + " name '" + std::string(name) + "'";
    if (name.size() > 32) invalid(quoted + " cannot be longer than '32' characters");
    bool plain = std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-';
    });
    if (!plain)
        invalid(quoted +
                " can only contain characters that are alphanumeric characters and hyphens(-)");
    if (name.starts_with('-') || name.ends_with('-'))
        invalid(quoted + " cannot begin or end with '-'");
    if (kind == "Load balancer" && name.starts_with("internal-"))
        invalid(quoted + " cannot begin with 'internal-'");
}

std::vector<std::string> names(const Node& input, std::string_view member) {
    return leaf_list(input[member]);
}

Node page(const Node& input, std::string_view list_name, std::vector<Node> all) {
    size_t size = static_cast<size_t>(integer(input, "PageSize", kMaxPageSize, 1, kMaxPageSize));
    std::string marker = leaf(input["Marker"]);
    size_t from = 0;
    if (!marker.empty()) {
        auto at = base::parse_unsigned(marker);
        if (!at || *at > all.size()) invalid("The marker '" + marker + "' is not valid");
        from = *at;
    }
    size_t to = std::min(all.size(), from + size);
    Node list = Node::array();
    for (size_t i = from; i < to; ++i)
        list.push_back(std::move(all[i]));
    Node output = Node::object();
    output.set(std::string(list_name), std::move(list));
    if (to < all.size()) output.set("NextMarker", std::to_string(to));
    return output;
}

Node attribute_list(std::span<const AttributeRow> table, const Attributes& set) {
    Node list = Node::array();
    Attributes all = with_defaults(table, set);
    for (const AttributeRow& row : table)
        list.push_back(Node::object({{"Key", row.key}, {"Value", all[std::string(row.key)]}}));
    return list;
}

void set_attributes(std::string_view kind, std::span<const AttributeRow> table, const Node& input,
                    Attributes& into) {
    for (const Node& item : input["Attributes"].items()) {
        std::string key = leaf(item["Key"]), value = leaf(item["Value"]);
        const AttributeRow* row = find_attribute(table, key);
        // Terraform reads this text and tries again without the key.
        if (!row) invalid(std::string(kind) + " attribute key '" + key + "' is not recognized");
        if (!attribute_allows(*row, value)) {
            std::string allowed(row->allowed == "bool" ? "true|false" : row->allowed);
            invalid(std::string(kind) + " attribute key '" + key + "' has value '" + value +
                    "', allowed: " + allowed);
        }
        into[key] = value;
    }
}

aws::Reply reply(Node output) {
    aws::Reply reply;
    reply.output = std::move(output);
    return reply;
}

}  // namespace elbv2

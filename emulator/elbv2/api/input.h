// Input: reading an operation's parameters, with the API's words for what is missing or out of
// range; and the lists, pages and attribute sets that its answers have in common.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aws/call.h"
#include "aws/error.h"
#include "base/json.h"
#include "elbv2/attributes.h"
#include "elbv2/model.h"

namespace elbv2 {

inline constexpr int kMaxPageSize = 400;

[[noreturn]] void invalid(const std::string& message);                 // ValidationError
[[noreturn]] void fail(std::string code, const std::string& message);  // HTTP 400
// For what dodam does not emulate: refused by name, never stored.
[[noreturn]] void not_emulated(const std::string& what);

std::string required(const base::Node& input, std::string_view member);
// Throws when present and not an integer within the range.
int integer(const base::Node& input, std::string_view member, int fallback, int low, int high);
// Load balancers' and target groups': at most 32 of letters, digits and hyphens.
void check_name(std::string_view kind, std::string_view name);
// A DescribeX input that names things: "" or the member's values.
std::vector<std::string> names(const base::Node& input, std::string_view member);

// One page of `all`, by Marker and PageSize, as `list_name` of the output, with NextMarker if more
// follow.
base::Node page(const base::Node& input, std::string_view list_name, std::vector<base::Node> all);

base::Node attribute_list(std::span<const AttributeRow> table, const Attributes& set);
// Applies Attributes of `input`; `kind` is "Load balancer", "Listener" or "Target group".
void set_attributes(std::string_view kind, std::span<const AttributeRow> table,
                    const base::Node& input, Attributes& into);

aws::Reply reply(base::Node output = base::Node::object());

}  // namespace elbv2

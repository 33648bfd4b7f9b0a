// Attribute tables: every key of load balancers, listeners and target groups with its default and
// what it may hold, as data. Guide: the attributes tables of CreateLoadBalancer's and
// ModifyXAttributes' pages.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "elbv2/model.h"

namespace elbv2 {

struct AttributeRow {
    std::string_view key, fallback;
    // "" any text; "bool"; "1-4000" a range; "0,30-900" alternatives; "a|b" words.
    std::string_view allowed = {};
};

std::span<const AttributeRow> load_balancer_attributes();
std::span<const AttributeRow> listener_attributes();
std::span<const AttributeRow> target_group_attributes();

const AttributeRow* find_attribute(std::span<const AttributeRow> table, std::string_view key);
bool attribute_allows(const AttributeRow& row, std::string_view value);
// Every key, with what `set` holds or the default.
Attributes with_defaults(std::span<const AttributeRow> table, const Attributes& set);

}  // namespace elbv2

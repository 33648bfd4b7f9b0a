#include "scenarios/workflow/matrix.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "base/text.h"

namespace workflow {
namespace {

bool is_list_key(const std::string& key) {
    return !base::equals_ignoring_case(key, "include") &&
           !base::equals_ignoring_case(key, "exclude");
}

// Deep; an exclude may name a part of an object only.
bool has_all_of(const Value& value, const Value& wanted) {
    if (wanted.is_object()) {
        return value.is_object() && std::ranges::all_of(wanted.members(), [&](const auto& member) {
                   const Value* held = value.find(member.first);
                   return held && has_all_of(*held, member.second);
               });
    }
    if (wanted.is_array())
        return value.is_array() && std::ranges::equal(value.items(), wanted.items(), has_all_of);
    return Value::equal(value, wanted);
}

void add_texts(const Value& value, std::vector<std::string>& texts) {
    for (const Value& item : value.items())
        add_texts(item, texts);
    for (const auto& member : value.members())
        add_texts(member.second, texts);
    if (value.is_primitive() && !value.is_null()) texts.push_back(value.to_text());
}

std::expected<std::vector<Value>, std::string> entries(const Value& matrix, std::string_view key) {
    const Value* list = matrix.find(key);
    if (!list || list->is_null()) return std::vector<Value>();
    if (!list->is_array())
        return std::unexpected(fmt::format("matrix.{} is a list of objects", key));
    for (const Value& item : list->items())
        if (!item.is_object())
            return std::unexpected(fmt::format("matrix.{} is a list of objects", key));
    return list->items();
}

}  // namespace

std::expected<std::vector<Value>, std::string> expand_matrix(const Value& matrix) {
    if (!matrix.is_object()) return std::unexpected("a matrix is an object of lists");
    std::vector<Value> combinations;
    bool any_list = false;
    for (const auto& [key, list] : matrix.members()) {
        if (!is_list_key(key)) continue;
        if (!list.is_array()) return std::unexpected(fmt::format("matrix.{} is a list", key));
        if (list.items().empty())
            return std::unexpected(
                fmt::format("Matrix vector '{}' does not contain any values", key));
        std::vector<Value> wider;
        if (!any_list) combinations.push_back(Value::object());
        any_list = true;
        if (combinations.size() * list.items().size() > kMaxMatrixJobs)
            return std::unexpected(fmt::format("a matrix makes at most {} jobs", kMaxMatrixJobs));
        for (const Value& combination : combinations)
            for (const Value& item : list.items()) {
                Value next = combination;
                next.set(key, item);
                wider.push_back(std::move(next));
            }
        combinations = std::move(wider);
    }
    for (const Value& excluded : TRY(entries(matrix, "exclude"))) {
        for (const auto& [key, value] : excluded.members())
            if (!matrix.find(key) || !is_list_key(key))
                return std::unexpected(fmt::format(
                    "Matrix exclude key '{}' does not match any key within the matrix", key));
        std::erase_if(combinations, [&](const Value& each) { return has_all_of(each, excluded); });
    }
    const std::vector<Value> originals = combinations;
    for (const Value& included : TRY(entries(matrix, "include"))) {
        bool extended = false;
        for (size_t i = 0; i < originals.size(); ++i) {
            // Values that the lists gave are never changed; what an earlier include added may be.
            const bool fits = std::ranges::all_of(included.members(), [&](const auto& member) {
                const Value* original = originals[i].find(member.first);
                return !original || has_all_of(*original, member.second);
            });
            if (!fits) continue;
            extended = true;
            for (const auto& [key, value] : included.members())
                combinations[i].set(key, value);
        }
        if (!extended) combinations.push_back(included);
    }
    if (combinations.empty()) return std::unexpected("the matrix has no combination left");
    if (combinations.size() > kMaxMatrixJobs)
        return std::unexpected(fmt::format("a matrix makes at most {} jobs", kMaxMatrixJobs));
    return combinations;
}

std::string matrix_name(const std::string& job, const Value& combination) {
    std::vector<std::string> texts;
    add_texts(combination, texts);
    return texts.empty() ? job : fmt::format("{} ({})", job, base::join(texts, ", "));
}

}  // namespace workflow

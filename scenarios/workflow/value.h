// Value: what an expression of a workflow evaluates to, with GitHub's coercions. Source: GitHub
// docs, "Evaluate expressions in workflows and actions"; where the page is silent, what the runner
// does (it follows JavaScript's Number() for text, so '01' and '0x10' are numbers).
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace workflow {

class Value {
  public:
    enum class Kind { Null, Bool, Number, String, Array, Object };
    using Member = std::pair<std::string, Value>;

    Value() = default;
    Value(bool value) : kind_(Kind::Bool), number_(value) {}
    Value(double value) : kind_(Kind::Number), number_(value) {}
    Value(int value) : Value(static_cast<double>(value)) {}
    Value(std::string value) : kind_(Kind::String), text_(std::move(value)) {}
    Value(std::string_view value) : Value(std::string(value)) {}
    Value(const char* value) : Value(std::string(value)) {}
    // `filtered`: the result of `.*`, to whose items the next `.name` applies one by one.
    static Value array(std::vector<Value> items, bool filtered = false);
    static Value object(std::vector<Member> members = {});

    Kind kind() const { return kind_; }
    bool is_null() const { return kind_ == Kind::Null; }
    bool is_string() const { return kind_ == Kind::String; }
    bool is_array() const { return kind_ == Kind::Array; }
    bool is_object() const { return kind_ == Kind::Object; }
    bool is_primitive() const { return kind_ < Kind::Array; }
    bool is_filtered() const { return filtered_; }

    const std::string& string() const { return text_; }  // "" unless a string
    const std::vector<Value>& items() const;             // of an array
    const std::vector<Member>& members() const;          // of an object, in order
    // Names are compared without case, as in every context but env.
    const Value* find(std::string_view name) const;
    void set(std::string_view name, Value value);  // replaces or appends; a Null becomes an object

    bool truthy() const;          // false, 0, NaN, '' and null are not
    double to_number() const;     // null 0, true 1, '' 0, text as JavaScript reads it, else NaN
    std::string to_text() const;  // what ${{ }} leaves in a text: "Object" and "Array" for those

    // ==, with both sides made numbers where their kinds differ; objects are equal to themselves
    // only.
    static bool equal(const Value& a, const Value& b);
    enum class Order { Less, Equal, Greater, None };
    static Order compare(const Value& a, const Value& b);

  private:
    Kind kind_ = Kind::Null;
    bool filtered_ = false;
    double number_ = 0;
    std::string text_;
    std::shared_ptr<std::vector<Value>> items_;
    std::shared_ptr<std::vector<Member>> members_;
};

Value from_node(const base::Node& node);
std::string to_json_text(const Value& value);  // toJSON(): two spaces
std::string format_number(double number);      // 15 significant digits

}  // namespace workflow

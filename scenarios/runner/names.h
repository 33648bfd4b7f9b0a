// Names: {{name}} in texts. A whole text that is one reference keeps the value's type; inside a
// longer text the value becomes text. "{{name | filter | filter}}" changes it. Names are variables,
// saved values, a row of "each", "stack.…" (the path of dodam.json), "fake.…" (made up, seeded) and
// "run.…".
#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace scenarios {

struct Reference {
    std::string name;  // "access", "stack.distributions.front.domain", "user.id"
    std::vector<std::string> filters;
    size_t begin = 0, end = 0;  // in the text, braces included

    std::string_view root() const;  // up to the first '.' or '['
};

struct TemplateError {
    std::string message;
    size_t offset = 0;
};

std::expected<std::vector<Reference>, TemplateError> parse_references(std::string_view text);
bool has_references(std::string_view text);
const std::vector<std::string>& filter_names();
// What "fake." can make up.
const std::vector<std::string>& fake_names();

// Made-up values: the same seed gives the same sequence.
class Fake {
  public:
    explicit Fake(std::string_view seed);
    std::optional<base::Node> make(std::string_view kind);

  private:
    std::string letters(std::string_view alphabet, size_t count);
    std::mt19937_64 random_;
};

// Looks up a name's root ("access", "stack"); nothing when unknown.
class Values {
  public:
    void set(const std::string& name, base::Node value) {
        values_.insert_or_assign(name, std::move(value));
    }
    void erase(const std::string& name) { values_.erase(name); }
    bool has(const std::string& name) const { return values_.contains(name); }
    const base::Node* get(const std::string& name) const;
    void seed(std::string_view seed) { fake_.emplace(seed); }

    // An error is one sentence. References inside keys are replaced too.
    std::expected<base::Node, std::string> expand(const base::Node& node);
    std::expected<std::string, std::string> expand_text(std::string_view text);

  private:
    std::expected<base::Node, std::string> value(const Reference& reference);
    std::map<std::string, base::Node, std::less<>> values_;
    std::optional<Fake> fake_;
};

// A value as it reads inside a text: strings without quotes, everything else as JSON.
std::string as_text(const base::Node& node);

}  // namespace scenarios

// Answer: what a step got back, and Query: what can be asked of it: $.path, header.x, cookie.x,
// xpath …, regex …, and single words such as status, cache, rows.
#pragma once
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/pattern.h"
#include "scenarios/runner/check.h"
#include "scenarios/runner/json_path.h"

namespace scenarios {

// A word that "expect" and "save" know. One that ends in '.' or ' ' is followed by a name or an
// expression.
struct QueryWord {
    std::string_view name;
    Flavor flavor;
    std::string_view help;
};
std::span<const QueryWord> query_words();

struct QueryError {
    std::string message, hint;
    size_t offset = 0;
};

class Query {
  public:
    static std::expected<Query, QueryError> parse(std::string_view text);

    const std::string& text() const { return text_; }
    const QueryWord& word() const { return *word_; }
    // After the word: the header's name, the XPath …
    std::string_view rest() const {
        return std::string_view(text_).substr(word_->name == "$" ? 0 : word_->name.size());
    }

  private:
    friend class Answer;
    std::string text_;
    const QueryWord* word_ = nullptr;
    std::optional<JsonPath> path_;
    std::optional<base::Pattern> pattern_;
};

class Answer {
  public:
    // Values of single words.
    void set(std::string_view word, base::Node value) {
        words_.insert_or_assign(std::string(word), std::move(value));
    }
    const base::Node* get(std::string_view word) const;

    std::vector<std::pair<std::string, std::string>> headers, trailers, saw_headers;
    std::optional<std::string> body;
    std::optional<base::Node> json;  // what $ is; read from the body when absent
    std::string account;             // what went wrong, told below an expectation that fails

    // Nothing inside Actual: not there. An error: the question makes no sense for this answer.
    std::expected<Actual, std::string> ask(const Query& query) const;

  private:
    std::optional<base::Node> cookie(std::string_view name) const;
    std::map<std::string, base::Node, std::less<>> words_;
};

}  // namespace scenarios

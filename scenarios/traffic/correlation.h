// Correlation: where the values of requests come from. What an earlier answer held becomes a "save"
// of that step; a password is a variable that no report shows; a credential from before the
// recording is a variable that whoever runs the scenario gives. With a second recording of the same
// visit nothing is guessed: what varies is what differs.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "scenarios/traffic/exchange.h"

namespace traffic {

// Shorter texts are equal by chance.
inline constexpr size_t kShortestToken = 8;

bool is_name(std::string_view text);          // of a variable
bool is_password_name(std::string_view key);  // what somebody types
bool is_secret_name(std::string_view key);    // that, "x-api-key", "refreshToken" …

class Correlation {
  public:
    // What step `step` was answered; `again`: in the second recording.
    void learn(size_t step, const Exchange& exchange, const Exchange* again);

    // A value of a request under its key, in the second recording as `again`; with what came from
    // an answer as {{name}}.
    enum class Place { Text, Path, Credential };
    std::string text(const std::string& key, const std::string& value, const std::string* again,
                     Place place = Place::Text);
    // The reference when the whole text is what an answer held, else "".
    std::string whole(const std::string& value);
    base::Node value(const std::string& key, const base::Node& value, const base::Node* again);

    // What step `step` must save: name → query.
    base::Node saves(size_t step) const;
    const base::Node& vars() const { return vars_; }
    base::Node secrets() const;
    const std::vector<std::string>& to_be_given() const { return to_be_given_; }

  private:
    struct Known {
        std::string value;
        std::optional<std::string> again;
        size_t step;
        std::string query, key;
        bool is_number = false;
        std::string noun;  // what it is an id of, as far as names tell
        std::string name;  // once it is used
    };
    struct Part {
        std::string literal;
        Known* known = nullptr;
        bool operator==(const Part&) const = default;
    };
    enum class Side { First, Second };

    void learn_node(size_t step, const base::Node& node, const base::Node* again,
                    const std::string& path, const std::string& key, const std::string& noun,
                    int depth);
    void learn_page(size_t step, const std::string& page, const std::string* again);
    void add(Known known);
    bool fits(const Known& known, std::string_view key, std::string_view whole, Place place,
              Side side, bool has_second) const;
    std::vector<Part> parts_of(const std::string& key, const std::string& value, Place place,
                               Side side, bool has_second);
    std::string reference(Known& known, std::string_view filter = {});
    std::string literal(std::string_view text);
    std::string variable(const std::string& key, base::Node value, const std::string& same);
    std::string typed(const std::string& key, const base::Node& value, const base::Node& again);
    std::string password(const std::string& key, const std::string& value);
    std::string credential(const std::string& key, const std::string& value);
    std::string fresh_name(const std::string& key);

    std::vector<std::unique_ptr<Known>> known_;
    std::set<std::string, std::less<>> seen_;  // values of known_
    std::set<std::string, std::less<>>
        typed_;  // an answer that repeats them is not where they come from
    std::set<std::string> taken_{"stack", "fake", "run", "has"};
    std::map<std::string, std::string> variables_;  // what it stands for → name
    base::Node vars_ = base::Node::object();
    std::set<std::string> secrets_;
    std::vector<std::string> to_be_given_;
};

}  // namespace traffic

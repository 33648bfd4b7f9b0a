// A SQL script cut into statements, as the mariadb command-line client reads it.
#include "backing/sql_script.h"

#include <algorithm>

#include "base/text.h"

namespace backing {
namespace {

class Splitter {
  public:
    explicit Splitter(std::string_view script) : rest_(script) {}

    std::vector<SqlStatement> split() {
        while (!rest_.empty())
            step();
        end_statement();
        return std::move(statements_);
    }

  private:
    void step() {
        if (rest_.starts_with("#") || rest_.starts_with("-- ") || rest_.starts_with("--\n") ||
            rest_ == "--")
            return skip(rest_.find('\n'));
        // A /*! comment is code to the server; it is kept.
        if (rest_.starts_with("/*") && !rest_.starts_with("/*!") && !rest_.starts_with("/*M!")) {
            auto end = rest_.find("*/", 2);
            return skip(end == std::string_view::npos ? end : end + 2);
        }
        if (rest_[0] == '\'' || rest_[0] == '"' || rest_[0] == '`') return take(quoted());
        if (base::trim(text_).empty() && is_delimiter_command()) return delimiter_command();
        if (rest_.starts_with(delimiter_)) {
            skip(delimiter_.size());
            return end_statement();
        }
        take(1);
    }

    bool is_delimiter_command() const {
        return rest_.size() > 10 && base::equals_ignoring_case(rest_.substr(0, 9), "delimiter") &&
               (rest_[9] == ' ' || rest_[9] == '\t');
    }

    void delimiter_command() {
        auto end = rest_.find('\n');
        auto word = base::trim(rest_.substr(10, end == std::string_view::npos ? end : end - 10));
        if (!word.empty()) delimiter_ = word;
        skip(end);
    }

    size_t quoted() const {
        const char quote = rest_[0];
        for (size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] == '\\' && quote != '`')
                ++i;
            else if (rest_[i] == quote)
                return i + 1;
        }
        return rest_.size();
    }

    void take(size_t count) {
        if (text_.empty()) {
            // A statement begins at its first visible character.
            while (count > 0 &&
                   (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\r' || rest_[0] == '\n')) {
                skip(1);
                --count;
            }
            first_line_ = line_;
        }
        text_ += rest_.substr(0, count);
        skip(count);
    }

    void skip(size_t count) {
        count = std::min(count, rest_.size());
        line_ += static_cast<uint32_t>(
            std::count(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(count), '\n'));
        rest_.remove_prefix(count);
    }

    void end_statement() {
        auto trimmed = base::trim(text_);
        if (!trimmed.empty()) statements_.push_back({first_line_, std::string(trimmed)});
        text_.clear();
    }

    std::string_view rest_;
    std::string delimiter_ = ";";
    std::string text_;
    uint32_t line_ = 1, first_line_ = 1;
    std::vector<SqlStatement> statements_;
};

}  // namespace

std::vector<SqlStatement> split_sql(std::string_view script) {
    return Splitter(script).split();
}

}  // namespace backing

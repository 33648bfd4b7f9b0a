// Tokens with the space before them; each is written with the space that belongs there.
#include "scenarios/runner/layout.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "scenarios/runner/source.h"
#include "scenarios/runner/yaml.h"

namespace scenarios {
namespace {

constexpr size_t kIndent = 2;
constexpr size_t kBeforeComment = 2;

struct Token {
    enum class Kind { Open, Close, Colon, Comma, Value, LineComment, BlockComment };
    Kind kind;
    std::string_view text;
    size_t lines = 0;   // line ends before it
    size_t spaces = 0;  // before it, on its line
    bool comment() const { return kind == Kind::LineComment || kind == Kind::BlockComment; }
};

size_t end_of_string(std::string_view text, size_t at) {
    for (++at; at < text.size() && text[at] != '"'; ++at)
        if (text[at] == '\\') ++at;
    return std::min(at + 1, text.size());
}

// The text is known to be JSON with comments.
std::vector<Token> tokens_of(std::string_view text) {
    std::vector<Token> out;
    size_t at = 0, lines = 0, spaces = 0;
    if (text.starts_with("\xEF\xBB\xBF")) at = 3;
    while (at < text.size()) {
        const char c = text[at];
        if (c == '\n') {
            ++lines;
            spaces = 0;
        } else if (c == ' ' || c == '\t') {
            ++spaces;
        }
        if (c == '\n' || c == ' ' || c == '\t' || c == '\r') {
            ++at;
            continue;
        }
        Token::Kind kind = Token::Kind::Value;
        size_t end = at + 1;
        if (c == '{' || c == '[') {
            kind = Token::Kind::Open;
        } else if (c == '}' || c == ']') {
            kind = Token::Kind::Close;
        } else if (c == ':') {
            kind = Token::Kind::Colon;
        } else if (c == ',') {
            kind = Token::Kind::Comma;
        } else if (text.substr(at, 2) == "//") {
            kind = Token::Kind::LineComment;
            end = std::min(text.find('\n', at), text.size());
            while (end > at &&
                   (text[end - 1] == ' ' || text[end - 1] == '\r' || text[end - 1] == '\t'))
                --end;
        } else if (text.substr(at, 2) == "/*") {
            kind = Token::Kind::BlockComment;
            const size_t close = text.find("*/", at + 2);
            end = close == std::string_view::npos ? text.size() : close + 2;
        } else if (c == '"') {
            end = end_of_string(text, at);
        } else {
            end = std::min(text.find_first_of(" \t\r\n,:{}[]/", at), text.size());
        }
        out.push_back({kind, text.substr(at, end - at), lines, spaces});
        lines = spaces = 0;
        at = end;
    }
    return out;
}

// A comma before a closing bracket, comments aside, says nothing.
void drop_trailing_commas(std::vector<Token>& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) {
        if (tokens[i].kind != Token::Kind::Comma) continue;
        size_t next = i + 1;
        while (next < tokens.size() && tokens[next].comment())
            ++next;
        if (next >= tokens.size() || tokens[next].kind != Token::Kind::Close) continue;
        if (i + 1 < tokens.size()) tokens[i + 1].lines += tokens[i].lines;
        tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(i));
        --i;
    }
}

class Writer {
  public:
    explicit Writer(const std::vector<Token>& tokens) : tokens_(tokens) {}

    std::string write() {
        for (at_ = 0; at_ < tokens_.size(); ++at_) {
            const Token& token = tokens_[at_];
            if (at_ > 0) space(tokens_[at_ - 1], token);
            if (token.kind == Token::Kind::Open) open(token);
            if (token.kind == Token::Kind::Close && !frames_.empty()) frames_.pop_back();
            append(token.text);
        }
        return out_ + "\n";
    }

  private:
    struct Frame {
        size_t inside;  // column of the elements' lines
        size_t close;   // column of a closing bracket on its own line
    };

    void append(std::string_view text) {
        out_ += text;
        const size_t line = text.rfind('\n');
        if (line == std::string_view::npos)
            column_ += count_characters(text);
        else
            column_ = count_characters(text.substr(line + 1));
    }
    void spaces(size_t count) {
        out_.append(count, ' ');
        column_ += count;
    }

    // Elements begin on the next line, or right here.
    void open(const Token& token) {
        const Token* next = at_ + 1 < tokens_.size() ? &tokens_[at_ + 1] : nullptr;
        const bool breaks = next != nullptr && (next->lines > 0 || next->comment());
        if (breaks)
            frames_.push_back({line_indent_ + kIndent, line_indent_});
        else
            frames_.push_back({column_ + (token.text == "{" ? 2 : 1), column_});
    }

    void space(const Token& before, const Token& token) {
        const bool first = before.kind == Token::Kind::Open;
        const bool last = token.kind == Token::Kind::Close;
        // A colon or comma never begins a line, except after a comment that ends it.
        const bool forced = before.kind == Token::Kind::LineComment;
        const bool stays = (token.kind == Token::Kind::Colon || token.kind == Token::Kind::Comma ||
                            before.kind == Token::Kind::Colon) &&
                           !token.comment();
        if (forced || (token.lines > 0 && !stays)) {
            if (token.lines > 1 && !first && !last) out_ += '\n';
            out_ += '\n';
            column_ = 0;
            const size_t indent = frames_.empty() ? 0
                                  : last          ? frames_.back().close
                                                  : frames_.back().inside;
            spaces(indent);
            line_indent_ = indent;
            return;
        }
        if (token.comment()) return spaces(std::max(kBeforeComment, token.spaces));
        if (token.kind == Token::Kind::Colon || token.kind == Token::Kind::Comma) return;
        if (first && last) return;
        if (first) return spaces(before.text == "{" ? 1 : 0);
        if (last) return spaces(token.text == "}" ? 1 : 0);
        spaces(1);
    }

    const std::vector<Token>& tokens_;
    size_t at_ = 0;
    std::string out_;
    size_t column_ = 0, line_indent_ = 0;
    std::vector<Frame> frames_;
};

}  // namespace

std::expected<std::string, base::JsonError> layout_json(std::string_view text) {
    auto parsed = base::parse_json(text, base::JsonDialect::WithComments);
    if (!parsed) return std::unexpected(parsed.error());
    std::vector<Token> tokens = tokens_of(text);
    drop_trailing_commas(tokens);
    return Writer(tokens).write();
}

std::string layout_yaml(std::string_view text) {
    std::string out;
    size_t blank = 0;
    for (std::string_view line : base::split(text, '\n')) {
        while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\t'))
            line.remove_suffix(1);
        if (line.empty()) {
            ++blank;
            continue;
        }
        if (blank > 0 && !out.empty()) out += '\n';
        blank = 0;
        out += line;
        out += '\n';
    }
    const auto before = parse_yaml(text), after = parse_yaml(out);
    return before && after && *before == *after ? out : std::string(text);
}

}  // namespace scenarios

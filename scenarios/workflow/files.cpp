#include "scenarios/workflow/files.h"

#include <fmt/format.h>

#include "base/text.h"

namespace workflow {
namespace {

// The first line, which leaves the text; its end is \n, \r\n or \r.
std::string_view take_line(std::string_view& text, std::string_view& end) {
    const size_t at = text.find_first_of("\r\n");
    const std::string_view line = text.substr(0, at);
    end = {};
    if (at == text.npos) {
        text = {};
        return line;
    }
    end = text.substr(at, text.substr(at).starts_with("\r\n") ? 2 : 1);
    text.remove_prefix(at + end.size());
    return line;
}

std::string unescape(std::string_view text, bool property) {
    std::string out = base::replace_all(base::replace_all(text, "%0D", "\r"), "%0A", "\n");
    if (property) out = base::replace_all(base::replace_all(out, "%3A", ":"), "%2C", ",");
    return base::replace_all(out, "%25", "%");
}

bool is_command_name(std::string_view name) {
    return !name.empty() &&
           name.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == name.npos;
}

}  // namespace

std::expected<Assignments, std::string> parse_assignments(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    Assignments out;
    std::string_view end;
    while (!text.empty()) {
        const std::string_view line = take_line(text, end);
        if (line.empty()) continue;
        const size_t equals = line.find('='), heredoc = line.find("<<");
        // What comes first decides.
        if (equals != line.npos && (heredoc == line.npos || equals < heredoc)) {
            if (equals == 0)
                return std::unexpected(
                    fmt::format("Invalid format '{}'. Name must not be empty", line));
            out.emplace_back(line.substr(0, equals), line.substr(equals + 1));
            continue;
        }
        if (heredoc == line.npos) return std::unexpected(fmt::format("Invalid format '{}'", line));
        const std::string_view name = line.substr(0, heredoc), delimiter = line.substr(heredoc + 2);
        if (name.empty() || delimiter.empty())
            return std::unexpected(fmt::format(
                "Invalid format '{}'. Name must not be empty and delimiter must not be empty",
                line));
        std::string value, pending;
        for (bool first = true;; first = false) {
            if (text.empty())
                return std::unexpected(
                    fmt::format("Invalid value. Matching delimiter not found '{}'", delimiter));
            const std::string_view next = take_line(text, end);
            if (next == delimiter) break;
            if (!first) value += pending;
            value += next;
            pending = end;
        }
        out.emplace_back(name, std::move(value));
    }
    return out;
}

std::vector<std::string> parse_paths(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    std::vector<std::string> out;
    std::string_view end;
    while (!text.empty())
        if (const std::string_view line = take_line(text, end); !line.empty())
            out.emplace_back(line);
    return out;
}

std::optional<LogCommand> parse_log_command(std::string_view line) {
    LogCommand command;
    // Spaces may come before the mark; other text may not.
    std::string_view trimmed = line;
    while (!trimmed.empty() && (trimmed.front() == ' ' || trimmed.front() == '\t'))
        trimmed.remove_prefix(1);
    std::string_view head;
    if (trimmed.starts_with("::")) {
        const size_t close = trimmed.find("::", 2);
        if (close == trimmed.npos) return {};
        head = trimmed.substr(2, close - 2);
        command.data = unescape(trimmed.substr(close + 2), false);
    } else if (const size_t mark = line.find("##["); mark != line.npos) {
        const size_t close = line.find(']', mark);
        if (close == line.npos) return {};
        head = line.substr(mark + 3, close - mark - 3);
        command.data = line.substr(close + 1);
    } else {
        return {};
    }
    const auto [name, properties] = base::cut(head, ' ');
    if (!is_command_name(name)) return {};
    command.name = base::lower(name);
    for (std::string_view part : base::split(properties, trimmed.starts_with("::") ? ',' : ';')) {
        const auto [key, value] = base::cut(base::trim(part), '=');
        if (!key.empty() && !value.empty())
            command.properties[base::lower(key)] = unescape(value, true);
    }
    return command;
}

}  // namespace workflow

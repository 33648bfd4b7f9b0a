#include "scenarios/workflow/image_builder_dockerfile.h"

#include <fnmatch.h>

#include <algorithm>
#include <span>

#include "base/json.h"
#include "base/result.h"
#include "base/text.h"
#include "oci/manifest.h"

namespace scenarios {
namespace {

using Kind = Instruction::Kind;

struct Name {
    std::string_view name;
    Kind kind;
};
constexpr Name kInstructions[] = {{"FROM", Kind::From},
                                  {"ARG", Kind::Arg},
                                  {"ENV", Kind::Env},
                                  {"WORKDIR", Kind::Workdir},
                                  {"COPY", Kind::Copy},
                                  {"RUN", Kind::Run},
                                  {"EXPOSE", Kind::Expose},
                                  {"USER", Kind::User},
                                  {"CMD", Kind::Cmd},
                                  {"ENTRYPOINT", Kind::Entrypoint},
                                  {"LABEL", Kind::Label},
                                  {"VOLUME", Kind::Volume},
                                  {"STOPSIGNAL", Kind::StopSignal},
                                  {"HEALTHCHECK", Kind::HealthCheck}};

// Known to Docker, not to us: worth another sentence than a misspelt word.
constexpr std::string_view kOutsideSubset[] = {"ADD", "MAINTAINER", "ONBUILD", "SHELL"};

struct Flag {
    Kind kind;
    std::string_view name;
};
constexpr Flag kFlags[] = {{Kind::From, "platform"},
                           {Kind::Copy, "from"},
                           {Kind::Copy, "chown"},
                           {Kind::HealthCheck, "interval"},
                           {Kind::HealthCheck, "timeout"},
                           {Kind::HealthCheck, "start-period"},
                           {Kind::HealthCheck, "start-interval"},
                           {Kind::HealthCheck, "retries"}};

constexpr std::string_view kSubset =
    "FROM ARG ENV WORKDIR COPY RUN EXPOSE USER CMD ENTRYPOINT LABEL VOLUME STOPSIGNAL HEALTHCHECK";

struct Line {
    unsigned number = 0;
    std::string text;
};

// The words that end the here-documents which a RUN, COPY or ADD begins (Dockerfile reference,
// "Here-documents"): <<EOF <<-EOF <<"EOF".
std::vector<std::string> here_words(std::string_view line) {
    const std::string_view text = base::trim(line);
    const std::string instruction = base::upper(text.substr(0, text.find_first_of(" \t")));
    if (instruction != "RUN" && instruction != "COPY" && instruction != "ADD") return {};
    std::vector<std::string> out;
    for (size_t at = text.find("<<"); at != text.npos; at = text.find("<<", at + 2)) {
        const char before = text[at - 1];
        std::string_view word = text.substr(at + 2);
        if (before != ' ' && before != '\t') continue;
        if (word.starts_with('-')) word.remove_prefix(1);
        const char quote = word.empty() ? '\0' : word[0];
        if (quote == '"' || quote == '\'')
            word = base::cut(word.substr(1), quote).first;
        else if (isalpha(static_cast<unsigned char>(quote)))
            word = word.substr(0, word.find_first_of(" \t<>|;&)"));
        else
            continue;
        out.emplace_back(word);
    }
    return out;
}

// Joins continuations, drops comments and empty lines, also between continued lines, and the texts
// of here-documents.
std::vector<Line> logical_lines(std::string_view text) {
    std::vector<Line> out;
    Line current;
    bool open = false;
    unsigned number = 0;
    std::vector<std::string> here;
    for (std::string_view raw : base::split(text, '\n')) {
        ++number;
        std::string_view trimmed = base::trim(raw);
        if (!here.empty()) {
            if (trimmed == here.front()) here.erase(here.begin());
            continue;
        }
        if (trimmed.starts_with('#') || trimmed.empty()) continue;
        std::string_view line = raw.ends_with('\r') ? raw.substr(0, raw.size() - 1) : raw;
        if (!open) current = {number, ""};
        std::string_view end = line;
        while (!end.empty() && (end.back() == ' ' || end.back() == '\t'))
            end.remove_suffix(1);
        open = end.ends_with('\\');
        current.text += open ? end.substr(0, end.size() - 1) : line;
        if (open) continue;
        here = here_words(current.text);
        out.push_back(std::exchange(current, {}));
    }
    if (open) out.push_back(current);
    return out;
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> out;
    std::string word;
    for (char c : text) {
        if (c != ' ' && c != '\t')
            word += c;
        else if (!word.empty())
            out.push_back(std::exchange(word, {}));
    }
    if (!word.empty()) out.push_back(word);
    return out;
}

// NAME=value NAME="two words" NAME=two\ words; quotes are taken away, a dollar's escape is kept for
// substitute().
std::expected<std::vector<std::pair<std::string, std::string>>, std::string> pairs_of(
    std::string_view text) {
    std::vector<std::pair<std::string, std::string>> out;
    size_t i = 0;
    auto space = [&] { return i < text.size() && (text[i] == ' ' || text[i] == '\t'); };
    while (true) {
        while (space())
            ++i;
        if (i == text.size()) return out;
        std::string name, value;
        while (i < text.size() && text[i] != '=' && !space())
            name += text[i++];
        if (name.empty()) return std::unexpected("a name is missing before \"=\"");
        if (i == text.size() || text[i] != '=') {
            out.emplace_back(name, kNoValue);
            continue;
        }
        ++i;
        char quote = 0;
        for (; i < text.size() && (quote || !space()); ++i) {
            char c = text[i];
            if (quote && c == quote)
                quote = 0;
            else if (!quote && (c == '"' || c == '\''))
                quote = c;
            else if (quote == '\'' && c == '$')
                value += "\\$";  // single quotes: no substitution
            else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
                if (text[++i] == '$') value += '\\';
                value += text[i];
            } else
                value += c;
        }
        if (quote) return std::unexpected("a quotation mark is not closed");
        out.emplace_back(name, value);
    }
}

class Parser {
  public:
    // What is outside the subset is an error, or, for an engine, passed over.
    enum class Outside { IsAnError, IsPassedOver };
    Parser(const std::string& file, Outside outside) : file_(file), outside_(outside) {}

    BuildResult<std::vector<Instruction>> parse(std::string_view text) {
        std::vector<Instruction> out;
        for (const Line& line : logical_lines(text)) {
            line_ = line.number;
            auto read = one(base::trim(line.text));
            if (!read && outside_ == Outside::IsPassedOver) continue;
            Instruction instruction = TRY(std::move(read));
            bool first = std::ranges::all_of(
                out, [](const Instruction& earlier) { return earlier.kind == Kind::Arg; });
            if (first && instruction.kind != Kind::From && instruction.kind != Kind::Arg)
                return error("the first instruction must be FROM (only ARG may come before it)");
            out.push_back(std::move(instruction));
        }
        if (std::ranges::none_of(out,
                                 [](const Instruction& one) { return one.kind == Kind::From; })) {
            line_ = 1;
            return error("there is no FROM");
        }
        return out;
    }

  private:
    std::unexpected<BuildError> error(const std::string& text) const {
        return std::unexpected(BuildError{file_, line_, text});
    }

    BuildResult<Instruction> one(std::string_view text) {
        size_t space = text.find_first_of(" \t");
        std::string word = base::upper(text.substr(0, space));
        Instruction instruction;
        instruction.line = line_;
        instruction.text = text;
        const Name* name = std::ranges::find(kInstructions, word, &Name::name);
        if (name == std::end(kInstructions)) {
            if (std::ranges::find(kOutsideSubset, word) != std::end(kOutsideSubset))
                return error(word + " is outside what can be built here (" + std::string(kSubset) +
                             ")");
            std::vector<std::string> known;
            for (const Name& one : kInstructions)
                known.emplace_back(one.name);
            std::string near = base::closest(word, known);
            return error("unknown instruction " + word +
                         (near.empty() ? "" : "; did you mean " + near + "?"));
        }
        instruction.kind = name->kind;
        std::string_view rest = space == text.npos ? "" : base::trim(text.substr(space));
        TRY(take_flags(instruction, word, rest));
        instruction.rest = rest;
        if (!here_words(text).empty())
            return error("a here-document (<<) is outside what can be built here");
        if (rest.empty()) return error(word + " needs an argument");
        TRY(take_arguments(instruction, word));
        return instruction;
    }

    BuildResult<void> take_flags(Instruction& instruction, const std::string& word,
                                 std::string_view& rest) {
        while (rest.starts_with("--")) {
            size_t end = rest.find_first_of(" \t");
            std::string_view flag = rest.substr(2, end == rest.npos ? rest.npos : end - 2);
            auto [name, value] = base::cut(flag, '=');
            bool known = std::ranges::any_of(kFlags, [&, name = name](const Flag& one) {
                return one.kind == instruction.kind && one.name == name;
            });
            if (!known && outside_ == Outside::IsAnError)
                return error(word + " --" + std::string(name) +
                             " is outside what can be built here");
            if (known && value.empty())
                return error(word + " --" + std::string(name) + " needs a value");
            instruction.flags[std::string(name)] = value;
            rest = end == rest.npos ? "" : base::trim(rest.substr(end));
        }
        return {};
    }

    BuildResult<void> take_arguments(Instruction& instruction, const std::string& word) {
        std::string_view rest = instruction.rest;
        switch (instruction.kind) {
            case Kind::Env:
            case Kind::Label:
            case Kind::Arg: {
                // The old form: ENV NAME value with spaces.
                size_t space = rest.find_first_of(" \t");
                if (instruction.kind != Kind::Arg && rest.substr(0, space).find('=') == rest.npos) {
                    if (space == rest.npos)
                        return error(word + " " + std::string(rest) + " has no value");
                    instruction.pairs = {{std::string(rest.substr(0, space)),
                                          std::string(base::trim(rest.substr(space)))}};
                    return {};
                }
                auto pairs = pairs_of(rest);
                if (!pairs) return error(word + ": " + pairs.error());
                for (const auto& [name, value] : *pairs)
                    if (instruction.kind != Kind::Arg && value == kNoValue)
                        return error(word + " " + name + " has no value");
                instruction.pairs = std::move(*pairs);
                return {};
            }
            case Kind::Run:
            case Kind::Cmd:
            case Kind::Entrypoint:
            case Kind::Copy:
            case Kind::Volume:
                if (rest.starts_with('[')) {
                    auto node = base::parse_json(rest);
                    bool strings = node && node->is_array() &&
                                   std::ranges::all_of(node->items(), &base::Node::is_string);
                    // Docker falls back to the shell form, where the bracket becomes a command:
                    // never what was meant.
                    if (!strings)
                        return error(word +
                                     ": the list is not JSON of strings in double quotation marks");
                    instruction.exec_form = true;
                    for (const base::Node& item : node->items())
                        instruction.words.push_back(item.as_string());
                    if (instruction.words.empty() && instruction.kind == Kind::Run)
                        return error("RUN [] executes nothing");
                } else {
                    instruction.words = words_of(rest);
                }
                if (instruction.kind == Kind::Copy && instruction.words.size() < 2)
                    return error("COPY needs a source and a destination");
                return {};
            case Kind::From: {
                instruction.words = words_of(rest);
                bool named =
                    instruction.words.size() == 3 && base::upper(instruction.words[1]) == "AS";
                if (instruction.words.size() != 1 && !named)
                    return error("FROM takes IMAGE or IMAGE AS NAME");
                return {};
            }
            case Kind::Expose: instruction.words = words_of(rest); return {};
            case Kind::HealthCheck:
                if (const auto check = words_of(rest); check[0] != "NONE" && check[0] != "CMD")
                    return error("HEALTHCHECK takes CMD and a command, or NONE");
                return {};
            case Kind::Workdir:
            case Kind::StopSignal:
            case Kind::User: instruction.words = {std::string(rest)}; return {};
        }
        return {};
    }

    std::string file_;
    Outside outside_;
    unsigned line_ = 1;
};

// A stage as far as other images go.
struct StageImages {
    std::string name;
    std::vector<BaseImage> from;  // FROM, then each COPY --from: stages and images
};

// What BuildKit knows before the first FROM ("Automatic platform ARGs in the global scope").
std::map<std::string, std::string> platform_arguments(const std::string& target) {
    std::map<std::string, std::string> out;
    const std::string ours = "linux/" + std::string(oci::native_architecture());
    for (const auto& [prefix, platform] : {std::pair<std::string, std::string>("BUILD", ours),
                                           {"TARGET", target.empty() ? ours : target}}) {
        const auto parts = base::split(platform, '/');
        out[prefix + "PLATFORM"] = platform;
        out[prefix + "OS"] = parts[0];
        out[prefix + "ARCH"] = parts.size() > 1 ? parts[1] : "";
        out[prefix + "VARIANT"] = parts.size() > 2 ? parts[2] : "";
    }
    return out;
}

std::vector<StageImages> stages_of(const std::vector<Instruction>& instructions,
                                   const BaseImageOptions& options) {
    std::vector<StageImages> stages;
    auto arguments = platform_arguments(options.platform);
    for (const Instruction& instruction : instructions) {
        if (instruction.kind == Kind::Arg && stages.empty()) {
            for (const auto& [name, value] : instruction.pairs)
                if (auto given = options.arguments.find(name); given != options.arguments.end())
                    arguments[name] = given->second;
                else if (value != kNoValue)
                    arguments[name] = substitute(value, arguments);
        } else if (instruction.kind == Kind::From) {
            stages.push_back(
                {instruction.words.size() == 3 ? base::lower(instruction.words[2]) : "",
                 {{substitute(instruction.words[0], arguments), instruction.line}}});
        } else if (auto from = instruction.flags.find("from");
                   instruction.kind == Kind::Copy && from != instruction.flags.end()) {
            stages.back().from.push_back({from->second, instruction.line});
        }
    }
    return stages;
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool match_components(std::span<const std::string_view> pattern,
                      std::span<const std::string_view> path) {
    if (pattern.empty()) return path.empty();
    if (pattern[0] == "**") {
        for (size_t skip = 0; skip <= path.size(); ++skip)
            if (match_components(pattern.subspan(1), path.subspan(skip))) return true;
        return false;
    }
    return !path.empty() &&
           ::fnmatch(std::string(pattern[0]).c_str(), std::string(path[0]).c_str(), 0) == 0 &&
           match_components(pattern.subspan(1), path.subspan(1));
}

// Without a leading or trailing slash and without "." parts.
std::string clean_pattern(std::string_view text) {
    std::string out;
    for (std::string_view part : base::split(text, '/')) {
        if (part.empty() || part == ".") continue;
        if (!out.empty()) out += '/';
        out += part;
    }
    return out;
}

}  // namespace

BuildResult<std::vector<Instruction>> parse_dockerfile(const std::string& file,
                                                       std::string_view text) {
    return Parser(file, Parser::Outside::IsAnError).parse(text);
}

std::vector<BaseImage> base_images(std::string_view text, const BaseImageOptions& options) {
    const auto instructions = Parser("", Parser::Outside::IsPassedOver).parse(text);
    if (!instructions) return {};
    const auto stages = stages_of(*instructions, options);
    // The stage of a name or a number among the first `before`, its index; `before` when there is
    // none.
    auto stage_named = [&](const std::string& name, size_t before) {
        for (size_t i = before; i-- > 0;)
            if (stages[i].name == base::lower(name) || std::to_string(i) == name) return i;
        return before;
    };
    std::vector<bool> needed(stages.size());
    const size_t last = stages.size() - 1;
    needed[options.target.empty() ? last
                                  : std::min(stage_named(options.target, stages.size()), last)] =
        true;
    std::vector<BaseImage> out;
    for (size_t i = stages.size(); i-- > 0;) {
        if (!needed[i]) continue;
        for (const BaseImage& from : stages[i].from)
            if (const size_t stage = stage_named(from.name, i); stage < i)
                needed[stage] = true;
            else if (base::lower(from.name) != "scratch" && !options.contexts.contains(from.name))
                out.push_back(from);
    }
    std::ranges::sort(out, {}, &BaseImage::line);
    return out;
}

std::string substitute(std::string_view text, const std::map<std::string, std::string>& values) {
    std::string out;
    auto value_of = [&](const std::string& name) {
        auto found = values.find(name);
        return found == values.end() ? std::string() : found->second;
    };
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '$') {
            out += '$';
            ++i;
            continue;
        }
        if (text[i] != '$' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        std::string name;
        if (text[i + 1] != '{') {
            while (i + 1 < text.size() && is_name_character(text[i + 1]))
                name += text[++i];
            out += name.empty() ? "$" : value_of(name);
            continue;
        }
        size_t close = text.find('}', i);
        if (close == text.npos) {
            out += text.substr(i);
            break;
        }
        std::string_view inside = text.substr(i + 2, close - i - 2);
        i = close;
        size_t colon = inside.find(':');
        std::string value = value_of(std::string(inside.substr(0, colon)));
        if (colon != inside.npos && colon + 1 < inside.size()) {
            std::string word = substitute(inside.substr(colon + 2), values);
            if (inside[colon + 1] == '-' && value.empty()) value = word;
            if (inside[colon + 1] == '+') value = value.empty() ? "" : word;
        }
        out += value;
    }
    return out;
}

bool path_matches(std::string_view pattern, std::string_view path) {
    auto pattern_parts = base::split(pattern, '/'), path_parts = base::split(path, '/');
    return match_components(pattern_parts, path_parts);
}

IgnoreRules::IgnoreRules(std::string_view text) {
    for (std::string_view line : base::split(text, '\n')) {
        line = base::trim(line);
        if (line.empty() || line.starts_with('#')) continue;
        bool take_back = line.starts_with('!');
        if (take_back) line.remove_prefix(1);
        std::string pattern = clean_pattern(line);
        if (pattern.empty()) continue;
        exceptions_ |= take_back;
        rules_.push_back({pattern, take_back});
    }
}

bool IgnoreRules::ignores(const std::string& path) const {
    bool ignored = false;
    for (const Rule& rule : rules_) {
        if (rule.take_back != ignored) continue;
        for (size_t end = path.find('/');; end = path.find('/', end + 1)) {
            if (path_matches(rule.pattern, std::string_view(path).substr(0, end))) {
                ignored = !rule.take_back;
                break;
            }
            if (end == std::string::npos) break;
        }
    }
    return ignored;
}

}  // namespace scenarios

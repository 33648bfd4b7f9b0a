// Reading and checking scenario files: one walk that builds the steps and notes every problem on
// its way.
#include "scenarios/runner/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "base/date.h"
#include "base/fault_kinds.h"
#include "base/text.h"
#include "scenarios/runner/aws_client.h"
#include "scenarios/runner/browser.h"
#include "scenarios/runner/load.h"
#include "scenarios/runner/names.h"
#include "scenarios/runner/steps/request.h"
#include "scenarios/runner/yaml.h"

namespace scenarios {
namespace {

using base::Node;
using base::Position;

constexpr std::string_view kSuffixes[] = {".scenario.json", ".scenario.yaml", ".scenario.yml"};
constexpr size_t kMaxFileBytes = 4 << 20;
constexpr size_t kMaskedCharacters =
    6;  // a shorter secret would be masked in texts that it is not in
constexpr int kVersion = 1;
constexpr int kMaxGroups = 16;
constexpr std::string_view kTaskPrefix = "task:";
constexpr size_t kTaskIdDigits = 32;
constexpr size_t kMaxParallel = 32;
constexpr size_t kMaxUses = 8;          // files that use files
constexpr size_t kShownOfUsedFile = 3;  // problems of a used file told at the step that uses it
constexpr uint32_t kQuotes = 2;

uint32_t quoted_length(std::string_view text) {
    return static_cast<uint32_t>(count_characters(text)) + kQuotes;
}

// Shown below the caret: "did you mean", or nothing.
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
    const std::string near = base::closest(word, candidates);
    return near.empty() ? "" : fmt::format("did you mean \"{}\"?", near);
}

std::vector<std::string> names_of(const Node& object) {
    std::vector<std::string> names;
    for (const auto& member : object.members())
        names.push_back(member.first);
    return names;
}

std::optional<std::string> read_text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

// RFC 4180, the header row names the columns; every value is text.
Node read_csv(std::string_view text) {
    std::vector<std::vector<std::string>> rows(1);
    std::string field;
    bool quoted = false;
    auto end_field = [&] {
        rows.back().push_back(std::move(field));
        field.clear();
    };
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c != '"')
                field += c;
            else if (i + 1 < text.size() && text[i + 1] == '"')
                field += text[++i];
            else
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == ',') {
            end_field();
        } else if (c == '\n') {
            end_field();
            rows.emplace_back();
        } else if (c != '\r') {
            field += c;
        }
    }
    if (!field.empty() || !rows.back().empty()) end_field();
    Node list = Node::array();
    for (size_t i = 1; i < rows.size(); ++i) {
        if (rows[i].empty() || (rows[i].size() == 1 && rows[i][0].empty())) continue;
        Node row = Node::object();
        for (size_t j = 0; j < rows[0].size() && j < rows[i].size(); ++j)
            row.set(rows[0][j], rows[i][j]);
        list.push_back(std::move(row));
    }
    return list;
}

struct Uses;
Loaded read_used(const std::string& file, const Surroundings& surroundings, const Uses& uses,
                 std::vector<std::string>& names);

// The files around this one: each is used by the one before it.
struct Uses {
    std::vector<std::string> files;
    std::vector<std::string> given;  // variables that the using step gives
};

class Checker {
  public:
    Checker(Loaded& loaded, const Surroundings& surroundings, const Uses& uses)
        : out_(loaded.scenario),
          problems_(loaded.problems),
          surroundings_(surroundings),
          uses_(uses) {
        for (const char* name : {"stack", "fake", "run"})
            defined_.emplace(name, "");
        for (const std::string& name : surroundings.variables)
            defined_.emplace(name, "given by --var");
    }

    void check(const Node& root) {
        if (!root.is_object()) return problem(root.position(), 1, "a scenario is an object", "");
        check_keys(root, scenario_keys(), "a scenario");
        header(root);
        variables(root);
        if (root.find("before")) out_.before = steps(root["before"]);
        if (root.find("steps"))
            out_.steps = steps(root["steps"]);
        else
            problem(root.position(), 1, "the scenario has no \"steps\"", "");
        if (root.find("after")) out_.after = steps(root["after"]);
        secrets(root);
    }

    // Everything that has a name at the end of the file.
    std::vector<std::string> names() const {
        std::vector<std::string> out;
        for (const auto& each : defined_)
            out.push_back(each.first);
        return out;
    }

  private:
    void problem(Position position, uint32_t length, std::string message, std::string hint,
                 std::string label = "") {
        problems_.push_back(
            {position, length, std::move(message), std::move(label), std::move(hint)});
    }
    void at_key(const Node& object, const std::string& key, std::string message,
                std::string hint = "") {
        problem(object.key_position(key), quoted_length(key), std::move(message), std::move(hint));
    }
    void at_value(const Node& value, std::string message, std::string hint = "") {
        const uint32_t length = value.is_string() ? quoted_length(value.as_string())
                                : value.is_number()
                                    ? static_cast<uint32_t>(value.number_text().size())
                                    : 1;
        problem(value.position(), length, std::move(message), std::move(hint));
    }

    // --- Keys and shapes
    // --------------------------------------------------------------------------

    void check_keys(const Node& object, std::span<const Key> keys, std::string_view what) {
        for (const auto& [name, value] : object.members()) {
            const auto key = std::find_if(keys.begin(), keys.end(),
                                          [&](const Key& each) { return each.name == name; });
            if (key != keys.end()) {
                check_shape(value, *key);
                continue;
            }
            std::vector<std::string> names;
            for (const Key& each : keys)
                names.emplace_back(each.name);
            at_key(object, name, fmt::format("{} has no key \"{}\"", what, name),
                   suggestion(name, names));
        }
    }

    static bool is_reference(const Node& value) {
        return value.is_string() && value.as_string().starts_with("{{") &&
               value.as_string().ends_with("}}");
    }

    void check_shape(const Node& value, const Key& key) {
        auto wrong = [&](bool right) {
            if (!right)
                at_value(value, fmt::format("\"{}\" takes {}", key.name, describe(key.shape)));
            return !right;
        };
        switch (key.shape) {
            case Shape::Any: return;
            case Shape::Number: return void(wrong(value.is_number() || is_reference(value)));
            case Shape::Bool: return void(wrong(value.is_bool()));
            case Shape::Object:
            case Shape::Expect:
            case Shape::Save:
            case Shape::Checks:
            case Shape::Known:
                return void(wrong(value.is_object() ||
                                  (key.shape == Shape::Object && is_reference(value))));
            case Shape::List: return void(wrong(value.is_array() || is_reference(value)));
            case Shape::Texts:
                return void(wrong(value.is_string() ||
                                  (value.is_array() &&
                                   std::all_of(value.items().begin(), value.items().end(),
                                               [](const Node& n) { return n.is_string(); }))));
            case Shape::Duration:
                return void(wrong(value.is_string() && (has_references(value.as_string()) ||
                                                        base::parse_duration(value.as_string()))));
            case Shape::Jump:
                return void(wrong(value.is_string() &&
                                  (has_references(value.as_string()) ||
                                   (value.as_string().starts_with('+') &&
                                    base::parse_duration(value.as_string().substr(1))))));
            case Shape::Target: return void(wrong(value.is_string()) || check_target(value));
            case Shape::Paths:
                return void(wrong(
                    value.is_array() && !value.items().empty() &&
                    std::all_of(value.items().begin(), value.items().end(), [](const Node& n) {
                        return n.as_string().starts_with('/') || has_references(n.as_string());
                    })));
            case Shape::Words:
                return void(wrong(
                    value.is_array() && !value.items().empty() &&
                    std::all_of(value.items().begin(), value.items().end(),
                                [](const Node& n) { return n.is_string() || n.is_number(); })));
            case Shape::Steps: return void(wrong(value.is_array() && !value.items().empty()));
            case Shape::Rows: return void(wrong(value.is_array() || value.is_string()));
            case Shape::Poll: return void(wrong(value.is_string() || value.is_object()));
            case Shape::Operation:
                if (wrong(value.is_string()) || has_references(value.as_string())) return;
                if (const std::string problem = operation_problem(value.as_string());
                    !problem.empty())
                    at_value(value, problem);
                return;
            case Shape::RequestLine:
                return void(
                    wrong(value.is_string() && value.as_string().find('/') != std::string::npos));
            case Shape::Reply:
                return void(wrong(value.is_object()) ||
                            (check_keys(value, reply_keys(), "a reply"), true));
            case Shape::File:
            case Shape::Directory:
                return void(wrong(value.is_string()) || check_file(value, key.shape));
            case Shape::Distribution:
                return void(wrong(value.is_string()) || check_name(value, {"distributions"}));
            case Shape::Deployable:
                return void(wrong(value.is_string()) || check_name(value, {"buckets", "services"}));
            case Shape::Loggable:
                return void(wrong(value.is_string()) ||
                            check_name(value, {"services", "logGroups"}));
            case Shape::HttpVersion: return http_version(value);
            case Shape::Faults: return void(wrong(value.is_object()) || (faults(value), true));
            case Shape::Load: return void(wrong(value.is_object()) || (load(value), true));
            case Shape::TaskName:
                return void(wrong(value.as_string().starts_with(kTaskPrefix) ||
                                  (value.is_string() && has_references(value.as_string()))) ||
                            check_task(value));
            case Shape::Signal:
                return void(wrong(value.as_string() == "KILL" || value.as_string() == "TERM" ||
                                  is_reference(value)));
            case Shape::Browser:
                return void(wrong(value.is_array() && !value.items().empty()) ||
                            (browser(value), true));
            case Shape::Tree:
                return void(wrong(value.as_string() == "commit" || value.as_string() == "working" ||
                                  is_reference(value)));
            case Shape::Workflow: return void(wrong(value.is_string()) || check_workflow(value));
            case Shape::World:
                return void(wrong(value.as_string() == "clean" || value.as_string() == "keep" ||
                                  (value.as_string().starts_with("snapshot:") &&
                                   value.as_string().size() > std::strlen("snapshot:"))));
            case Shape::Text: return void(wrong(value.is_string()));
        }
    }

    void http_version(const Node& value) {
        const std::string version = as_text(value);
        if (version == "1.0" || version == "1.1" || is_reference(value)) return;
        if (version == "2" || version == "2.0")
            at_value(value, "HTTP/2 is not spoken here yet", "the edge does not serve it");
        else
            at_value(value, fmt::format("there is no HTTP/{} here", version), "1.0 and 1.1");
    }

    void browser(const Node& commands) {
        for (const Node& command : commands.items()) {
            if (!command.is_string()) {
                at_value(command, "a command is a text");
                continue;
            }
            const std::string found = browser_command_problem(command.as_string());
            if (!found.empty() && !has_references(command.as_string())) at_value(command, found);
            const auto [verb, rest] = base::cut(command.as_string(), ' ');
            if (verb != "open" || rest.empty()) continue;
            Node target{std::string(rest)};
            target.set_position(
                {command.position().line,
                 command.position().column + static_cast<uint32_t>(verb.size()) + 1});
            check_target(target);
        }
    }

    void faults(const Node& faults) {
        if (faults.members().empty()) at_value(faults, "an empty \"fault\" breaks nothing");
        for (const auto& [target, how] : faults.members()) {
            if (has_references(target) || holds_references(how)) continue;
            const auto fault = base::parse_fault(target, how);
            if (!fault) {
                at_key(faults, target, fault.error());
            } else if (fault->kind == base::FaultKind::Kill) {
                at_key(faults, target, "\"kill\" happens once and is a verb of its own",
                       fmt::format("write {{ \"kill\": \"task:{}\" }}",
                                   base::cut(target, ':').second));
            } else if (target.starts_with("target:") && surroundings_.stack != nullptr) {
                Node name(target.substr(std::strlen("target:")));
                name.set_position(faults.key_position(target));
                service_of_task(name);
            }
        }
    }

    static bool holds_references(const Node& node) {
        if (node.is_string()) return has_references(node.as_string());
        return std::any_of(node.members().begin(), node.members().end(),
                           [](const auto& member) { return holds_references(member.second); });
    }

    bool check_task(const Node& value) {
        if (surroundings_.stack == nullptr || has_references(value.as_string())) return true;
        Node name(value.as_string().substr(kTaskPrefix.size()));
        name.set_position(value.position());
        service_of_task(name);
        return true;
    }

    // "backend[0]": the service must be one of the stack's. A task's own id has no name here.
    void service_of_task(const Node& name) {
        Node service(name.as_string().substr(0, name.as_string().find('[')));
        service.set_position(name.position());
        const bool is_id =
            service.as_string().size() == kTaskIdDigits &&
            service.as_string().find_first_not_of("0123456789abcdef") == std::string::npos;
        if (!is_id) check_name(service, {"services"});
    }

    void load(const Node& load) {
        std::vector<Key> keys = load_keys();
        size_t methods = 0;
        for (std::string_view method : http_methods()) {
            keys.push_back({method, Shape::Target, ""});
            methods += load.find(method) ? 1 : 0;
        }
        check_keys(load, keys, "\"load\"");
        if (methods != 1)
            at_value(load, methods == 0 ? "\"load\" has no request" : "\"load\" has one request",
                     "such as { \"GET\": \"api:/health\", \"rps\": 50 }");
        const double rate = load["rps"].as_double();
        if (load.find("rps") && load["rps"].is_number() && (rate <= 0 || rate > kMaxLoadRate))
            at_value(load["rps"], fmt::format("\"rps\" takes a number up to {}", kMaxLoadRate));
        const int64_t viewers = load["concurrency"].as_int();
        if (load["concurrency"].is_number() && (viewers < 1 || viewers > kMaxLoadViewers))
            at_value(load["concurrency"],
                     fmt::format("\"concurrency\" takes a number from 1 to {}", kMaxLoadViewers));
        if (!load.find("rps") && !load.find("concurrency"))
            at_value(load, "\"load\" needs \"rps\" or \"concurrency\"");
    }

    // --- Files and names of the stack
    // ---------------------------------------------------------------

    // The text with variables whose values are known already; nothing when one is not.
    std::optional<std::string> constant(const std::string& text) {
        auto expanded = constants_.expand_text(text);
        return expanded ? std::optional(*expanded) : std::nullopt;
    }

    bool check_file(const Node& value, Shape shape) {
        auto name = constant(value.as_string());
        if (!name) return true;
        const std::string path = (std::filesystem::path(out_.directory) / *name).string();
        std::error_code ignored;
        const bool there = shape == Shape::Directory
                               ? std::filesystem::is_directory(path, ignored)
                               : std::filesystem::is_regular_file(path, ignored);
        if (!there)
            at_value(value,
                     fmt::format("there is no {} {}",
                                 shape == Shape::Directory ? "directory" : "file", path),
                     "files are relative to the scenario's own");
        return true;
    }

    bool check_workflow(const Node& value) {
        auto name = constant(value.as_string());
        if (name && find_upwards(out_.directory, *name).empty())
            at_value(value, fmt::format("there is no workflow {}", *name),
                     "looked for from the scenario's own directory upwards");
        return true;
    }

    bool check_name(const Node& value, std::initializer_list<std::string_view> sections) {
        if (surroundings_.stack == nullptr || has_references(value.as_string())) return true;
        std::vector<std::string> names;
        std::string kinds;
        for (std::string_view section : sections) {
            const Node& things = (*surroundings_.stack)[section];
            if (things.find(value.as_string())) return true;
            for (std::string& name : names_of(things))
                names.push_back(std::move(name));
            kinds += (kinds.empty() ? "" : " and ") + std::string(section);
        }
        // A log group, a bucket or a distribution may be named by its own identifier.
        if (value.as_string().find('/') != std::string::npos) return true;
        std::string hint = suggestion(value.as_string(), names);
        if (hint.empty())
            hint = names.empty()
                       ? fmt::format("the stack has no {}", kinds)
                       : fmt::format("the stack's {} are {}", kinds, base::join(names, ", "));
        at_value(value, fmt::format("the stack has no \"{}\"", value.as_string()), hint);
        return true;
    }

    bool check_target(const Node& value) {
        const std::string& text = value.as_string();
        if (text.starts_with("http://") || text.starts_with("https://") || text.starts_with("{{"))
            return true;
        const auto [name, path] = base::cut(text, ':');
        if (text.find(':') == std::string::npos ||
            !(path.starts_with('/') || path.starts_with("{{"))) {
            at_value(value, fmt::format("\"{}\" is no target", text),
                     "write NAME:/path with a name of the stack, or https://…");
            return true;
        }
        if (surroundings_.stack == nullptr || name == "aws" || name == "viewer") return true;
        std::vector<std::string> names;
        for (std::string_view section : {"distributions", "loadBalancers", "buckets"}) {
            const Node& things = (*surroundings_.stack)[section];
            if (things.find(name)) return true;
            for (std::string& each : names_of(things))
                names.push_back(std::move(each));
        }
        std::string hint = suggestion(name, names);
        if (hint.empty())
            hint = names.empty() ? "the stack has nothing that answers requests"
                                 : fmt::format("targets are {}", base::join(names, ", "));
        problem({value.position().line, value.position().column + 1},
                static_cast<uint32_t>(count_characters(name)),
                fmt::format("unknown target \"{}\"", name), hint);
        return true;
    }

    // --- The head of the file
    // -----------------------------------------------------------------------

    void header(const Node& root) {
        const Node& version = root["version"];
        if (!root.find("version"))
            problem(root.position(), 1, "the scenario has no \"version\"",
                    fmt::format("write \"version\": {}", kVersion));
        else if (version.is_number() && version.as_int() != kVersion)
            at_value(version, fmt::format("version {} is not known", version.number_text()),
                     fmt::format("this dodam reads version {}", kVersion));
        if (root["scenario"].as_string().empty())
            problem(root.position(), 1, "the scenario has no sentence",
                    "write \"scenario\": \"what a user can rely on\"");
        out_.title = root["scenario"].as_string();
        out_.tags = texts(root["tags"]);
        out_.covers = texts(root["covers"]);
        out_.owner = root["owner"].as_string();
        out_.given = root["given"];
        out_.overlay = root["stack"];
        out_.timeout = duration(root["timeout"]);
        out_.known = known(root);
        if (root["world"].is_string()) out_.world = root["world"].as_string();
        out_.lock = texts(root["lock"]);
        out_.retries = static_cast<int>(root["retries"].as_int());
        if (root.find("retries") && (out_.retries < 0 || out_.retries > kMaxRetries))
            at_value(root["retries"],
                     fmt::format("\"retries\" takes a number from 0 to {}", kMaxRetries));
        for (const char* key : {"each", "stack", "given", "world", "retries", "known"})
            if (root.find(key) && !uses_.files.empty())
                at_key(root, key, fmt::format("\"{}\" has no meaning in a used file", key),
                       "it belongs to the scenario that uses it");
        if (const Node* rows = root.find("each")) out_.each = read_rows(*rows);
    }

    static std::vector<std::string> texts(const Node& node) {
        std::vector<std::string> out;
        if (node.is_string()) out.push_back(node.as_string());
        for (const Node& item : node.items())
            out.push_back(item.as_string());
        return out;
    }

    static std::optional<base::microseconds> duration(const Node& node) {
        return node.is_string() ? base::parse_duration(node.as_string()) : std::nullopt;
    }

    std::optional<Known> known(const Node& owner) {
        const Node* node = owner.find("known");
        if (node == nullptr || !node->is_object()) return std::nullopt;
        constexpr Key kKeys[] = {
            {"issue", Shape::Text, ""}, {"until", Shape::Text, ""}, {"why", Shape::Text, ""}};
        check_keys(*node, kKeys, "\"known\"");
        Known known{(*node)["issue"].as_string(), (*node)["until"].as_string(),
                    (*node)["why"].as_string()};
        if (known.issue.empty())
            problem(node->position(), 1, "\"known\" needs an \"issue\"",
                    "an expected failure that nobody looks after stays for ever");
        if (!known.until.empty() && !base::parse_iso_date(known.until + "T00:00:00Z"))
            at_value((*node)["until"], "\"until\" takes a date such as \"2026-12-31\"");
        return known;
    }

    void variables(const Node& root) {
        out_.vars = root["vars"];
        for (const auto& name : row_names(out_.each))
            defined_.emplace(name, "a column of \"each\"");
        for (const auto& [name, value] : out_.vars.members()) {
            check_references(value);
            define(out_.vars, name,
                   fmt::format("a variable, line {}", out_.vars.key_position(name).line));
            const std::vector<std::string>& given =
                uses_.files.empty() ? surroundings_.variables : uses_.given;
            const bool outside = std::find(given.begin(), given.end(), name) != given.end();
            if (value.is_null() && !outside)
                at_key(out_.vars, name, fmt::format("\"{}\" is not given", name),
                       uses_.files.empty()
                           ? fmt::format("null means that the user of this file gives it: --var "
                                         "{}=VALUE, or \"with\"",
                                         name)
                           : "the step that uses the file gives it by \"with\"");
            auto fixed = constants_.expand(value);
            if (fixed && !outside) constants_.set(name, std::move(*fixed));
        }
        for (const std::string& name : uses_.given)
            if (!out_.vars.find(name))
                problem(root.position(), 1, fmt::format("the file has no variable \"{}\"", name),
                        suggestion(name, names_of(out_.vars)));
    }

    void define(const Node& object, const std::string& name, std::string where) {
        const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
        });
        if (!plain)
            at_key(object, name, fmt::format("\"{}\" is no name", name),
                   "names are letters, digits, '_' and '-'");
        if (name == "stack" || name == "fake" || name == "run" || name == "has")
            at_key(object, name, fmt::format("\"{}\" has a meaning of its own", name),
                   "choose another name");
        defined_.insert_or_assign(name, std::move(where));
    }

    void secrets(const Node& root) {
        out_.secrets = texts(root["secrets"]);
        for (const Node& item : root["secrets"].items()) {
            const std::string& name = item.as_string();
            if (!defined_.contains(name)) {
                std::vector<std::string> names;
                for (const auto& each : defined_)
                    names.push_back(each.first);
                at_value(item,
                         fmt::format("\"{}\" is neither a variable nor saved by a step", name),
                         suggestion(name, names));
            } else if (const Node* value = constants_.get(name);
                       value != nullptr && count_characters(as_text(*value)) < kMaskedCharacters) {
                at_value(item, fmt::format("the value of \"{}\" is too short to be masked", name),
                         fmt::format("a secret has at least {} characters", kMaskedCharacters));
            }
        }
    }

    // --- Rows of "each"
    // -----------------------------------------------------------------------------

    std::vector<Node> read_rows(const Node& node) {
        Node list = node;
        if (node.is_string()) {
            const std::string path =
                (std::filesystem::path(out_.directory) / node.as_string()).string();
            auto text = read_text(path);
            if (!text) {
                at_value(node, fmt::format("there is no file {}", path),
                         "files are relative to the scenario's own");
                return {};
            }
            if (path.ends_with(".csv")) {
                list = read_csv(*text);
            } else {
                auto parsed = base::parse_json(*text, base::JsonDialect::WithComments);
                if (!parsed) {
                    at_value(node,
                             fmt::format("{}:{}:{}: {}", path, parsed.error().position.line,
                                         parsed.error().position.column, parsed.error().message));
                    return {};
                }
                list = std::move(*parsed);
            }
        }
        std::vector<Node> rows;
        for (const Node& row : list.items()) {
            if (!row.is_object())
                at_value(node.is_string() ? node : row, "a row of \"each\" is an object");
            else
                rows.push_back(row);
        }
        if (rows.empty()) at_value(node, "\"each\" has no rows, so the steps would never run");
        return rows;
    }

    static std::vector<std::string> row_names(const std::vector<Node>& rows) {
        std::vector<std::string> names;
        for (const Node& row : rows)
            for (const auto& member : row.members())
                if (std::find(names.begin(), names.end(), member.first) == names.end())
                    names.push_back(member.first);
        return names;
    }

    // --- References
    // ---------------------------------------------------------------------------------

    // Where the text `piece` of a value stands in the source, or the value's own place.
    std::pair<Position, uint32_t> place_of(const Node& value, std::string_view piece,
                                           size_t occurrence) {
        const std::string_view raw = out_.source.from(value.position());
        size_t at = 0;
        for (size_t i = 0;; ++i) {
            at = raw.find(piece, at);
            if (at == std::string_view::npos)
                return {value.position(), quoted_length(value.as_string())};
            if (i == occurrence) break;
            at += piece.size();
        }
        const auto before = static_cast<uint32_t>(count_characters(raw.substr(0, at)));
        return {{value.position().line, value.position().column + before},
                static_cast<uint32_t>(count_characters(piece))};
    }

    void check_references(const Node& node) {
        if (node.is_string()) return check_text(node);
        for (const Node& item : node.items())
            check_references(item);
        for (const auto& [name, value] : node.members()) {
            if (has_references(name)) {
                Node key(name);
                key.set_position(node.key_position(name));
                check_text(key);
            }
            check_references(value);
        }
    }

    void check_text(const Node& value) {
        const std::string& text = value.as_string();
        if (!has_references(text)) return;
        auto references = parse_references(text);
        if (!references) return at_value(value, references.error().message);
        for (const Reference& reference : *references)
            check_reference(value, reference);
    }

    void check_reference(const Node& value, const Reference& reference) {
        // Looked for when there is something to say: it reads the file from its start.
        auto place = [&] { return place_of(value, reference.name, 0); };
        for (const std::string& filter : reference.filters) {
            const auto& known = filter_names();
            if (std::find(known.begin(), known.end(), filter) != known.end()) continue;
            auto [at, width] = place_of(value, filter, 0);
            std::string hint = suggestion(filter, known);
            problem(at, width, fmt::format("unknown filter \"{}\"", filter),
                    hint.empty() ? "filters are " + base::join(known, ", ") : hint);
        }
        const std::string root(reference.root());
        if (root == "fake") {
            const std::string kind =
                reference.name.substr(std::min(reference.name.size(), root.size() + 1));
            const auto& kinds = fake_names();
            if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
                std::string hint = suggestion(kind, kinds);
                const auto [position, length] = place();
                problem(position, length, fmt::format("\"{}\" cannot be made up", reference.name),
                        hint.empty() ? "fake. makes " + base::join(kinds, ", ") : hint);
            }
            return;
        }
        if (root == "stack") return check_stack_path(reference.name, place);
        if (defined_.contains(root)) return;
        const auto [position, length] = place();
        std::vector<std::string> names;
        for (const auto& each : defined_)
            names.push_back(each.first);
        const std::string near = base::closest(root, names);
        const std::string where = near.empty() ? "" : defined_[near];
        if (auto later = saved_later_.find(root); later != saved_later_.end())
            return problem(position, length, fmt::format("\"{}\" is used before it is saved", root),
                           "", fmt::format("saved by: line {}", later->second));
        problem(position, length,
                near.empty() ? fmt::format("unknown name \"{}\"", root)
                             : fmt::format("unknown name \"{}\"; did you mean \"{}\"?", root, near),
                near.empty() ? "names are variables, and what earlier steps saved" : "", where);
    }

    void check_stack_path(const std::string& path,
                          const std::function<std::pair<Position, uint32_t>()>& place) {
        if (surroundings_.stack == nullptr) return;
        const Node* node = surroundings_.stack;
        std::string seen = "stack";
        std::string_view rest = path;
        rest = rest.substr(std::min(rest.size(), seen.size() + 1));
        for (std::string_view part : base::split(rest, '.')) {
            const Node* next = node->find(part);
            if (next == nullptr) {
                std::string hint = suggestion(part, names_of(*node));
                if (hint.empty())
                    hint = fmt::format("{} has {}", seen,
                                       names_of(*node).empty() ? "nothing below it"
                                                               : base::join(names_of(*node), ", "));
                const auto [position, length] = place();
                return problem(position, length, fmt::format("{} has no \"{}\"", seen, part), hint);
            }
            node = next;
            seen += "." + std::string(part);
        }
    }

    // --- Steps
    // --------------------------------------------------------------------------------------

    std::vector<Step> steps(const Node& list) {
        std::vector<Step> out;
        note_saves(list, 0);
        for (const Node& node : list.items()) {
            if (!node.is_object()) {
                at_value(node, "a step is an object with one verb");
                continue;
            }
            if (auto step = this->step(node)) out.push_back(std::move(*step));
        }
        return out;
    }

    // Who saves what further down, to tell "too early" from "unknown".
    void note_saves(const Node& list, int depth) {
        if (depth > kMaxGroups) return;
        for (const Node& node : list.items()) {
            for (const auto& member : node["save"].members())
                saved_later_.emplace(member.first, node["save"].key_position(member.first).line);
            for (const char* block : {"steps", "parallel", "while"})
                note_saves(node[block], depth + 1);
        }
    }

    const Verb* verb_of(const Node& node) {
        const Verb* verb = nullptr;
        for (const auto& member : node.members()) {
            const Verb* found = find_verb(member.first);
            if (found == nullptr) continue;
            if (verb != nullptr) {
                at_key(node, member.first,
                       fmt::format("a step has one verb, and this one has \"{}\" and \"{}\"",
                                   verb->key.name, member.first),
                       "make it two steps");
                return nullptr;
            }
            verb = found;
        }
        if (verb != nullptr) return verb;
        std::vector<std::string> names;
        for (const Verb* each : verbs())
            names.emplace_back(each->key.name);
        for (const auto& member : node.members()) {
            const auto common = common_keys();
            if (std::any_of(common.begin(), common.end(),
                            [&](const Key& key) { return key.name == member.first; }))
                continue;
            if (std::string hint = suggestion(member.first, names); !hint.empty()) {
                at_key(node, member.first, fmt::format("unknown verb \"{}\"", member.first), hint);
                return nullptr;
            }
        }
        problem(node.position(), 1, "the step has no verb", "verbs are " + base::join(names, ", "));
        return nullptr;
    }

    std::optional<Step> step(const Node& node) {
        const Verb* verb = verb_of(node);
        if (verb == nullptr) return std::nullopt;
        Step step;
        step.verb = verb;
        const std::string verb_name(verb->key.name);
        step.position = node.key_position(verb_name);
        step.length = quoted_length(verb_name);
        step.node = Node::object();

        std::vector<Key> keys(common_keys().begin(), common_keys().end());
        keys.insert(keys.end(), verb->keys.begin(), verb->keys.end());
        keys.push_back(verb->key);

        // Names of a row exist inside the step alone.
        const auto before = defined_;
        if (const Node* rows = node.find("each");
            rows != nullptr && (rows->is_array() || rows->is_string())) {
            step.each = read_rows(*rows);
            for (const Node& row : step.each)
                check_references(row);
            for (const std::string& name : row_names(step.each)) {
                defined_.insert_or_assign(name, "a column of \"each\"");
                constants_.erase(name);
            }
        }

        for (const auto& [name, value] : node.members()) {
            const auto key =
                std::find_if(keys.begin(), keys.end(),
                             [&, &name = name](const Key& each) { return each.name == name; });
            if (key == keys.end()) {
                unknown_key(node, name, *verb, keys);
                continue;
            }
            check_shape(value, *key);
            const bool common =
                std::any_of(common_keys().begin(), common_keys().end(),
                            [&](const Key& each) { return each.name == key->name; });
            if (key->shape == Shape::Steps) continue;
            if (common) {
                common_rules(node, name, *verb);
                continue;
            }
            check_references(value);
            step.node.set(name, value);
        }
        check_references(node["name"]);

        step.name = node["name"].is_string() ? node["name"].as_string() : derived_name(*verb, node);
        step.timeout = duration(node["timeout"]);
        step.known = known(node);
        step.condition = condition(node);
        if (!verb->block.empty()) {
            const std::string block(verb->block);
            const bool lasts = verb->structure == Structure::Load && node["load"].find("for");
            if (!node.find(block) && !lasts)
                problem(step.position, step.length,
                        fmt::format("\"{}\" needs \"{}\"", verb_name, block),
                        verb->structure == Structure::Load
                            ? "or \"for\" beside its request: how long it lasts"
                            : "");
            step.children = verb->structure == Structure::Parallel ? side_by_side(node[block])
                                                                   : steps(node[block]);
        }
        if (verb->structure == Structure::Use) use(node, step);
        if (verb->structure == Structure::Check) checks(node["check"]);
        step.expect = expectations(node, *verb);
        if (!holds_steps(*verb)) polls(node, step);
        own_rules(node, step);
        const std::vector<Save> saves =
            verb->structure == Structure::Use ? std::vector<Save>() : this->saves(node, *verb);

        if (!step.each.empty()) defined_ = before;
        for (const auto& taken : step.taken)
            define(node["save"], taken.first,
                   fmt::format("taken from {}, line {}", node["use"].as_string(),
                               node["save"].key_position(taken.first).line));
        for (const Save& save : saves)
            define(node["save"], save.name,
                   fmt::format("saved by: line {}, step \"{}\"", save.position.line, step.name));
        for (const Save& save : saves)
            constants_.erase(save.name);
        step.save = saves;
        return step;
    }

    // Keys of every step that make no sense for one that only holds others.
    void common_rules(const Node& node, const std::string& name, const Verb& verb) {
        if (verb.structure == Structure::None) return;
        const bool holds = holds_steps(verb);
        const bool measures = verb.structure == Structure::Load;
        for (std::string_view key : {"expect", "eventually", "hold", "repeatable", "known", "save"})
            if (name == key && !(key == "save" && (verb.structure == Structure::Use || measures)) &&
                !(key == "known" && (!holds || measures)) && !(key == "expect" && measures))
                return at_key(node, name,
                              fmt::format("\"{}\" does not go with {}", name, verb.key.name),
                              holds ? "put it on a step inside" : "");
    }

    // Steps at the same time: none can wait for a name that another one saves.
    std::vector<Step> side_by_side(const Node& list) {
        std::vector<Step> out;
        if (list.size() > kMaxParallel)
            at_value(list, fmt::format("more than {} steps at the same time", kMaxParallel),
                     "\"load\" makes many requests");
        const auto before = defined_;
        auto all = defined_;
        for (const Node& node : list.items()) {
            Node one = Node::array({node});
            for (Step& step : steps(one))
                out.push_back(std::move(step));
            for (const auto& [name, where] : defined_) {
                if (before.contains(name)) continue;
                if (!all.emplace(name, where).second)
                    problem(node.position(), 1,
                            fmt::format("\"{}\" is saved by two steps at the same time", name),
                            "which of them is last is left to chance");
            }
            defined_ = before;
        }
        defined_ = std::move(all);
        return out;
    }

    void use(const Node& node, Step& step) {
        const Node& value = node["use"];
        const std::string path =
            (std::filesystem::path(out_.directory) / value.as_string()).lexically_normal().string();
        std::error_code ignored;
        if (!value.is_string() || !std::filesystem::is_regular_file(path, ignored)) return;
        Uses inside{uses_.files, names_of(node["with"])};
        inside.files.push_back(out_.source.file);
        const auto same = [&](const std::string& file) {
            return std::filesystem::path(file).lexically_normal().string() == path;
        };
        if (std::any_of(inside.files.begin(), inside.files.end(), same))
            return at_value(value, fmt::format("{} uses itself", path),
                            base::join(inside.files, " uses "));
        if (inside.files.size() > kMaxUses)
            return at_value(value, fmt::format("more than {} files use each other", kMaxUses));
        std::vector<std::string> names;
        Loaded loaded = read_used(path, surroundings_, inside, names);
        for (size_t i = 0; i < loaded.problems.size() && i < kShownOfUsedFile; ++i) {
            Problem& found = loaded.problems[i];
            problem(value.position(), quoted_length(value.as_string()),
                    fmt::format("{}:{}:{}: {}", path, found.position.line, found.position.column,
                                found.message),
                    std::move(found.hint));
        }
        Scenario& used = loaded.scenario;
        step.children = std::move(used.before);
        std::move(used.steps.begin(), used.steps.end(), std::back_inserter(step.children));
        step.cleanup = std::move(used.after);
        for (const std::string& name : used.lock)
            out_.lock.push_back(name);
        step.used =
            std::make_shared<const Used>(Used{std::move(used.source), std::move(used.directory),
                                              std::move(used.vars), std::move(used.secrets)});
        for (const auto& [name, from] : node["save"].members()) {
            if (std::find(names.begin(), names.end(), from.as_string()) != names.end())
                step.taken.emplace_back(name, from.as_string());
            else if (loaded.problems.empty())
                at_value(from, fmt::format("{} has no name \"{}\"", path, from.as_string()),
                         suggestion(from.as_string(), names));
        }
    }

    void checks(const Node& node) {
        if (node.members().empty()) at_value(node, "an empty \"check\" checks nothing");
        for (const auto& [name, matcher] : node.members()) {
            if (!has_references(name))
                at_key(node, name, fmt::format("\"{}\" is fixed: there is nothing to check", name),
                       fmt::format("write \"{{{{{}}}}}\" for the value of a name", name));
            if (matcher.find("schema") || matcher.find("snapshot"))
                at_value(matcher, "\"schema\" and \"snapshot\" go with \"expect\"");
            validate_matcher(matcher, Flavor::Json, [&](MatcherProblem found) {
                problem(found.position, 1, std::move(found.message), std::move(found.hint));
            });
        }
    }

    void unknown_key(const Node& node, const std::string& name, const Verb& verb,
                     const std::vector<Key>& keys) {
        for (const Verb* other : verbs()) {
            const bool theirs = std::any_of(other->keys.begin(), other->keys.end(),
                                            [&](const Key& key) { return key.name == name; });
            if (theirs)
                return at_key(node, name,
                              fmt::format("\"{}\" does not go with {}", name, verb.key.name),
                              fmt::format("it belongs to {}", other->key.name));
        }
        std::vector<std::string> names;
        for (const Key& key : keys)
            names.emplace_back(key.name);
        at_key(node, name, fmt::format("{} has no key \"{}\"", verb.key.name, name),
               suggestion(name, names));
    }

    static std::string derived_name(const Verb& verb, const Node& node) {
        const Node& value = node[verb.key.name];
        if (verb.structure == Structure::Parallel) return "parallel";
        if (verb.structure == Structure::Fault) {
            std::string out("fault");
            for (const auto& [target, how] : value.members()) {
                const auto fault = base::parse_fault(target, how);
                out += (out.size() > 5 ? ", " : " ") + (fault ? base::show_fault(*fault) : target);
            }
            return out;
        }
        if (verb.structure == Structure::Load)
            for (std::string_view method : http_methods())
                if (value[method].is_string())
                    return fmt::format("load {} {}", method, value[method].as_string());
        if (verb.structure == Structure::Check)
            return fmt::format("check {}", base::join(names_of(value), ", "));
        if (value.is_string()) return fmt::format("{} {}", verb.key.name, value.as_string());
        std::string out(verb.key.name);
        for (const Node& item : value.items())
            out += " " + as_text(item);
        return out;
    }

    std::string condition(const Node& node) {
        const Node& value = node["if"];
        if (!value.is_string()) return {};
        std::string_view text = base::trim(value.as_string());
        if (text.starts_with("not ")) text = base::trim(text.substr(4));
        const std::string name(text.substr(0, text.find_first_of(" =!.")));
        if (name == "has") return value.as_string();
        if (!defined_.contains(name)) {
            std::vector<std::string> names;
            for (const auto& each : defined_)
                names.push_back(each.first);
            at_value(value, fmt::format("unknown name \"{}\" in \"if\"", name),
                     suggestion(name, names));
        }
        return value.as_string();
    }

    // A query of a step: parsed, and one that this verb answers.
    std::optional<Query> query(std::string_view text, Position position, uint32_t length,
                               const Verb& verb) {
        auto query = Query::parse(text);
        if (!query) {
            problem(position, length, query.error().message, query.error().hint);
            return std::nullopt;
        }
        const std::string_view word = query->word().name;
        if (word == "ms" ||
            std::find(verb.expects.begin(), verb.expects.end(), word) != verb.expects.end())
            return std::move(*query);
        std::vector<std::string> names{"ms"};
        for (std::string_view each : verb.expects)
            names.emplace_back(base::trim(each));
        problem(position, length, fmt::format("{} has no \"{}\"", verb.key.name, text),
                verb.expects.empty() ? "it has \"ms\" only" : "it has " + base::join(names, ", "));
        return std::nullopt;
    }

    // "schema": FILE becomes the schema that the file holds. A snapshot is of the whole value, so
    // it stands at the top.
    bool read_schemas(Node& matcher, int depth = 0) {
        bool right = true;
        for (auto& [name, operand] : matcher.members()) {
            if (name == "snapshot" && depth > 0 && matcher.is_object()) {
                at_key(matcher, name, "\"snapshot\" stands alone, not inside another operator");
                right = false;
            }
            if (name == "schema" && operand.is_string()) right = read_schema(operand) && right;
            if (name == "not" || name == "any" || name == "all")
                right = read_schemas(operand, depth + 1) && right;
        }
        return right;
    }

    bool read_schema(Node& operand) {
        const std::string path =
            (std::filesystem::path(out_.directory) / operand.as_string()).string();
        auto text = read_text(path);
        if (!text) {
            at_value(operand, fmt::format("there is no file {}", path),
                     "files are relative to the scenario's own");
            return false;
        }
        auto schema = base::parse_json(*text, base::JsonDialect::WithComments);
        if (!schema) {
            at_value(operand, fmt::format("{}:{}:{}: {}", path, schema.error().position.line,
                                          schema.error().position.column, schema.error().message));
            return false;
        }
        schema->set_position(operand.position());
        operand = std::move(*schema);
        return true;
    }

    std::vector<Expectation> expectations(const Node& node, const Verb& verb) {
        std::vector<Expectation> out;
        const Node& expect = node["expect"];
        if (node.find("expect") && expect.is_object() && expect.members().empty())
            at_key(node, "expect", "an empty \"expect\" checks nothing");
        for (const auto& [name, matcher] : expect.members()) {
            const Position position = expect.key_position(name);
            const uint32_t length = quoted_length(name);
            check_references(matcher);
            auto query = this->query(name, position, length, verb);
            if (!query) continue;
            Node complete = matcher;
            if (!read_schemas(complete)) continue;
            validate_matcher(complete, query->word().flavor, [&](MatcherProblem found) {
                problem(found.position, 1, std::move(found.message), std::move(found.hint));
            });
            if (!uses_.files.empty() && complete.find("snapshot"))
                at_key(matcher, "snapshot", "\"snapshot\" has no meaning in a used file",
                       "snapshots belong to a scenario");
            out.push_back({std::move(*query), std::move(complete), position, length});
        }
        return out;
    }

    std::vector<Save> saves(const Node& node, const Verb& verb) {
        std::vector<Save> out;
        const Node& save = node["save"];
        for (const auto& [name, value] : save.members()) {
            if (!value.is_string()) {
                at_value(value, "\"save\" takes a query as a text", "such as \"$.id\"");
                continue;
            }
            auto query = this->query(value.as_string(), value.position(),
                                     quoted_length(value.as_string()), verb);
            if (query) out.push_back({name, std::move(*query), save.key_position(name)});
        }
        return out;
    }

    std::optional<Poll> poll(const Node& node, const char* key) {
        const Node* value = node.find(key);
        if (value == nullptr) return std::nullopt;
        const Node& within = value->is_object() ? (*value)["within"] : *value;
        if (value->is_object()) {
            constexpr Key kKeys[] = {{"within", Shape::Duration, ""},
                                     {"every", Shape::Duration, ""}};
            check_keys(*value, kKeys, fmt::format("\"{}\"", key));
        }
        auto parsed = duration(within);
        if (!parsed) {
            if (!within.is_string() || !base::parse_duration(within.as_string()))
                at_value(*value, fmt::format("\"{}\" takes {}", key, describe(Shape::Poll)));
            return std::nullopt;
        }
        return Poll{*parsed, duration((*value)["every"]).value_or(base::microseconds(0))};
    }

    void polls(const Node& node, Step& step) {
        step.eventually = poll(node, "eventually");
        step.hold = poll(node, "hold");
        for (const char* key : {"eventually", "hold"}) {
            if (!node.find(key)) continue;
            if (!node.find("expect"))
                at_key(node, key,
                       fmt::format("\"{}\" without \"expect\" has nothing to look at", key));
            if (!step.verb->repeatable && !node["repeatable"].as_bool())
                at_key(node, key,
                       fmt::format("\"{}\" on {} could repeat a side effect", key,
                                   step.verb->key.name),
                       "add \"repeatable\": true if sending it twice is harmless");
        }
        if (step.eventually && step.hold)
            at_key(node, "hold", "\"eventually\" and \"hold\" in one step",
                   "wait first, then hold in a step of its own");
    }

    // Rules of single verbs.
    void own_rules(const Node& node, const Step& step) {
        const std::string_view verb = step.verb->key.name;
        if (verb == "wait" && !node.find("why"))
            at_key(node, "wait", "\"wait\" needs a \"why\"",
                   "a wait without a reason is a guess; \"eventually\" waits for something");
        if (verb == "deploy" && !node.find("dist") && !node.find("image"))
            at_key(node, "deploy", "\"deploy\" needs \"dist\" or \"image\"",
                   "\"dist\": a directory for a bucket; \"image\": an image for a service");
        if (verb == "deploy" && node.find("dist") && node.find("image"))
            at_key(node, "image", "\"deploy\" takes \"dist\" or \"image\", not both");
        // GitHub docs, "Workflow syntax": inputs are workflow_dispatch's.
        if (verb == "workflow" && node.find("inputs") && node.find("event") &&
            node["event"].as_string() != "workflow_dispatch" &&
            !has_references(node["event"].as_string()))
            at_key(node, "inputs", "\"inputs\" go with the event workflow_dispatch",
                   "which is the event where none is named");
        if (verb == "workflow")
            for (const auto& [name, value] : node["inputs"].members())
                if (value.is_object() || value.is_array() || value.is_null())
                    at_value(value, "an input is a text, a number, true or false");
        if (verb == "invalidate" && !node.find("paths"))
            at_key(node, "invalidate", "\"invalidate\" needs \"paths\"", "such as [\"/*\"]");
        size_t bodies = 0;
        for (const char* key : {"json", "form", "body", "file"})
            bodies += node.find(key) ? 1 : 0;
        if (bodies > 1)
            problem(step.position, step.length, "a request has one body",
                    "choose one of \"json\", \"form\", \"body\" and \"file\"");
    }

    Scenario& out_;
    std::vector<Problem>& problems_;
    const Surroundings& surroundings_;
    const Uses& uses_;
    std::map<std::string, std::string> defined_;  // name → where it comes from
    std::map<std::string, uint32_t> saved_later_;
    Values constants_;
};

std::string id_of(const std::string& file) {
    std::string id = std::filesystem::path(file).filename().string();
    for (std::string_view suffix : kSuffixes)
        if (id.ends_with(suffix)) return id.substr(0, id.size() - suffix.size());
    return id.substr(0, id.rfind('.'));
}

bool is_yaml(const std::string& file) {
    return file.ends_with(".yaml") || file.ends_with(".yml");
}

// The file's tree, whichever way it is spelled.
std::expected<Node, Problem> read_tree(const Source& source) {
    if (is_yaml(source.file)) {
        auto root = parse_yaml(source.text);
        if (root) return std::move(*root);
        return std::unexpected(
            Problem{root.error().position, 1, root.error().message, "", root.error().hint});
    }
    auto root = base::parse_json(source.text, base::JsonDialect::WithComments);
    if (root) return std::move(*root);
    const bool duplicate = root.error().message.starts_with("duplicate key");
    return std::unexpected(Problem{
        root.error().position, 1, root.error().message, "",
        duplicate ? "JSON would keep only the second; write one matcher that says both" : ""});
}

Loaded read(const std::string& file, std::string text, const Surroundings& surroundings,
            const Uses& uses, std::vector<std::string>& names) {
    Loaded loaded;
    Scenario& scenario = loaded.scenario;
    scenario.id = id_of(file);
    scenario.source = {file, std::move(text)};
    scenario.directory = std::filesystem::path(file).parent_path().string();
    if (scenario.directory.empty()) scenario.directory = ".";
    auto root = read_tree(scenario.source);
    if (!root) {
        loaded.problems.push_back(std::move(root.error()));
        return loaded;
    }
    Checker checker(loaded, surroundings, uses);
    checker.check(*root);
    names = checker.names();
    std::stable_sort(loaded.problems.begin(), loaded.problems.end(),
                     [](const Problem& a, const Problem& b) { return a.position < b.position; });
    if (loaded.problems.size() > kMaxProblemsPerFile) loaded.problems.resize(kMaxProblemsPerFile);
    return loaded;
}

Loaded read_used(const std::string& file, const Surroundings& surroundings, const Uses& uses,
                 std::vector<std::string>& names) {
    std::error_code ignored;
    const auto size = std::filesystem::file_size(file, ignored);
    auto text = !ignored && size <= kMaxFileBytes ? read_text(file) : std::nullopt;
    if (text) return read(file, std::move(*text), surroundings, uses, names);
    Loaded loaded;
    loaded.scenario.source.file = file;
    loaded.problems.push_back(
        {{},
         1,
         ignored ? "there is no such file" : "the file cannot be read, or is larger than 4 MiB",
         "",
         ""});
    return loaded;
}

}  // namespace

Loaded read_scenario(const std::string& file, std::string text, const Surroundings& surroundings) {
    std::vector<std::string> names;
    return read(file, std::move(text), surroundings, {}, names);
}

Loaded load_scenario(const std::string& file, const Surroundings& surroundings) {
    std::vector<std::string> names;
    return read_used(file, surroundings, {}, names);
}

std::vector<std::string> find_scenario_files(const std::vector<std::string>& paths) {
    std::vector<std::string> files;
    for (const std::string& path : paths) {
        std::error_code ignored;
        if (!std::filesystem::is_directory(path, ignored)) {
            files.push_back(path);
            continue;
        }
        std::vector<std::string> below;
        for (auto entry = std::filesystem::recursive_directory_iterator(
                 path, std::filesystem::directory_options::skip_permission_denied, ignored);
             entry != std::filesystem::recursive_directory_iterator(); entry.increment(ignored)) {
            if (entry->path().filename() == "node_modules") entry.disable_recursion_pending();
            const std::string name = entry->path().string();
            const bool is_scenario =
                std::any_of(std::begin(kSuffixes), std::end(kSuffixes),
                            [&](std::string_view suffix) { return name.ends_with(suffix); });
            if (is_scenario && entry->is_regular_file(ignored)) below.push_back(name);
        }
        std::sort(below.begin(), below.end());
        files.insert(files.end(), below.begin(), below.end());
    }
    return files;
}

}  // namespace scenarios

// dodam import: traffic to a scenario. A HAR file of a browser, curl command lines, or lines of an
// access log. A value of an answer that a later request carries becomes a "save" (a token, an id),
// so that the scenario runs against other data, too.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>

#include "base/encoding.h"
#include "base/result.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "commands/scenarios.h"

namespace commands {
namespace {

using base::Node;

constexpr size_t kShortestToken = 8;  // shorter texts are equal by chance
constexpr size_t kMaxSteps = 200;
constexpr size_t kMaxTypes = 5;  // members of an answer whose type is expected

struct Exchange {
    std::string method = "GET", url, type, body;
    std::vector<std::pair<std::string, std::string>> headers;
    int status = 0;      // 0 = not known
    std::string answer;  // JSON, or ""
};

// --- Reading

Exchange of_har(const Node& entry) {
    Exchange out;
    const Node &request = entry["request"], &response = entry["response"];
    out.method = base::upper(request["method"].as_string());
    out.url = request["url"].as_string();
    out.body = request["postData"]["text"].as_string();
    out.type = base::lower(request["postData"]["mimeType"].as_string());
    for (const Node& header : request["headers"].items())
        out.headers.emplace_back(base::lower(header["name"].as_string()),
                                 header["value"].as_string());
    out.status = static_cast<int>(response["status"].as_int());
    const Node& content = response["content"];
    if (content["mimeType"].as_string().find("json") != std::string::npos)
        out.answer = content["encoding"].as_string() == "base64"
                         ? base::from_base64(content["text"].as_string()).value_or("")
                         : content["text"].as_string();
    return out;
}

// As a POSIX shell splits a line: quotes and backslashes, nothing expanded.
std::vector<std::string> shell_words(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool started = false;
    char quote = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
            if (text[++i] != '\n') {
                // Inside double quotes a backslash stands for itself before other characters.
                if (quote == '"' &&
                    std::string_view("\"\\$`").find(text[i]) == std::string_view::npos)
                    word += '\\';
                word += text[i];
                started = true;
            }
        } else if (quote != 0) {
            if (c == quote)
                quote = 0;
            else
                word += c;
        } else if (c == '\'' || c == '"') {
            quote = c;
            started = true;
        } else if (std::isspace(static_cast<unsigned char>(c))) {
            if (started) words.push_back(std::exchange(word, {}));
            started = false;
        } else {
            word += c;
            started = true;
        }
    }
    if (started) words.push_back(word);
    return words;
}

std::expected<Exchange, std::string> of_curl(std::string_view text) {
    const auto words = shell_words(text);
    Exchange out;
    std::string method;
    for (size_t i = 1; i < words.size(); ++i) {
        const std::string& word = words[i];
        auto value = [&] { return i + 1 < words.size() ? words[++i] : std::string(); };
        if (word == "-X" || word == "--request") {
            method = value();
        } else if (word == "-H" || word == "--header") {
            const std::string header = value();
            const auto [name, rest] = base::cut(header, ':');
            out.headers.emplace_back(base::lower(name), base::trim(rest));
        } else if (word == "-d" || word.starts_with("--data")) {
            out.body += (out.body.empty() ? "" : "&") + value();
        } else if (word == "-u" || word == "--user") {
            out.headers.emplace_back("authorization", "Basic " + base::to_base64(value()));
        } else if (word == "--url") {
            out.url = value();
        } else if (word == "--connect-to" || word == "--resolve" || word == "--cacert" ||
                   word == "-o" || word == "--interface" || word == "-m") {
            (void)value();
        } else if (word == "-I" || word == "--head") {
            method = "HEAD";
        } else if (!word.starts_with('-')) {
            out.url = word;
        }
    }
    if (out.url.empty()) return std::unexpected("the curl line names no URL");
    for (const auto& [name, value] : out.headers)
        if (name == "content-type") out.type = base::lower(value);
    if (out.type.empty() && !out.body.empty())
        out.type =
            base::parse_json(out.body) ? "application/json" : "application/x-www-form-urlencoded";
    out.method = !method.empty() ? base::upper(method) : out.body.empty() ? "GET" : "POST";
    return out;
}

// "GET /a HTTP/1.1" 200: the common part of the usual formats. Nothing for other lines.
std::optional<Exchange> of_log_line(std::string_view line, const std::string& target) {
    const size_t open = line.find('"');
    const size_t close = open == std::string_view::npos ? open : line.find('"', open + 1);
    if (close == std::string_view::npos) return std::nullopt;
    const auto words = base::split(line.substr(open + 1, close - open - 1), ' ');
    if (words.size() != 3 || !words[2].starts_with("HTTP/")) return std::nullopt;
    Exchange out;
    out.method = words[0];
    // An ALB writes the whole URL.
    out.url =
        words[1].starts_with('/') ? target + ":" + std::string(words[1]) : std::string(words[1]);
    const auto rest = base::split(base::trim(line.substr(close + 1)), ' ');
    if (const auto status = base::parse_unsigned(rest.front()))
        out.status = static_cast<int>(*status);
    return out;
}

// --- Writing

// The stack's name for the URL's host, when it is one of its own.
std::string named_target(const std::string& url, const Node& stack) {
    const size_t scheme = url.find("://");
    if (scheme == std::string::npos) return url;
    const size_t slash = std::min(url.find('/', scheme + 3), url.size());
    std::string host = base::lower(url.substr(scheme + 3, slash - scheme - 3));
    host = host.substr(0, host.rfind(':'));
    const std::string path = slash < url.size() ? url.substr(slash) : "/";
    for (const auto& [kind, attribute] :
         {std::pair{"distributions", "domain"}, std::pair{"loadBalancers", "dnsName"},
          std::pair{"buckets", "domain"}})
        for (const auto& [name, thing] : stack[kind].members())
            if (base::lower(thing[attribute].as_string()) == host || host == name + ".localhost")
                return name + ":" + path;
    return url;
}

bool is_name(std::string_view text) {
    return !text.empty() && (std::isalpha(static_cast<unsigned char>(text.front())) != 0) &&
           std::ranges::all_of(text, [](char c) {
               return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
           });
}

// Values of the answers so far, and where they came from.
class Correlation {
  public:
    void learn(const Node& node, size_t step, const std::string& path, const std::string& key) {
        const bool token = node.is_string() && node.as_string().size() >= kShortestToken;
        const bool id = node.is_integer() && node.as_int() > 0 &&
                        (key == "id" || key.ends_with("Id") || key.ends_with("_id"));
        if (token) texts_.try_emplace(node.as_string(), Origin{step, path, key, ""});
        if (id) ids_.try_emplace(node.number_text(), Origin{step, path, key, ""});
        for (const auto& [name, value] : node.members())
            if (is_name(name)) learn(value, step, path + "." + name, name);
        for (size_t i = 0; i < node.items().size(); ++i)
            learn(node.items()[i], step, fmt::format("{}[{}]", path, i), key);
    }

    // The text with what came from an answer as {{name}}.
    std::string apply(std::string text, bool is_path = false) {
        for (auto& [value, origin] : texts_)
            if (text.find(value) != std::string::npos)
                text = base::replace_all(text, value, reference(origin));
        if (!is_path) return text;
        std::vector<std::string> parts;
        for (std::string_view part : base::split(text, '/')) {
            const auto found = ids_.find(std::string(part));
            parts.push_back(found != ids_.end() ? reference(found->second) : std::string(part));
        }
        return base::join(parts, "/");
    }

    Node apply(const Node& node) {
        if (node.is_string()) return Node(apply(node.as_string()));
        if (node.is_array()) {
            Node out = Node::array();
            for (const Node& item : node.items())
                out.push_back(apply(item));
            return out;
        }
        if (!node.is_object()) return node;
        Node out = Node::object();
        for (const auto& [name, value] : node.members())
            out.set(name, apply(value));
        return out;
    }

    // What step `step` must save: name → query.
    Node saves(size_t step) const {
        Node out = Node::object();
        for (const auto* all : {&texts_, &ids_})
            for (const auto& [value, origin] : *all)
                if (origin.step == step && !origin.name.empty()) out.set(origin.name, origin.path);
        return out;
    }

  private:
    struct Origin {
        size_t step;
        std::string path, key, name;
    };
    std::string reference(Origin& origin) {
        if (origin.name.empty()) {
            std::string name = is_name(origin.key) ? origin.key : "value";
            for (int i = 2; !taken_.insert(name).second; ++i)
                name = fmt::format("{}{}", is_name(origin.key) ? origin.key : "value", i);
            origin.name = name;
        }
        return "{{" + origin.name + "}}";
    }
    std::map<std::string, Origin> texts_, ids_;
    std::set<std::string> taken_;
};

Node step_of(const Exchange& exchange, const Node& stack, Correlation& known) {
    Node step = Node::object();
    step.set(exchange.method, known.apply(named_target(exchange.url, stack), true));
    Node headers = Node::object();
    for (const auto& [name, value] : exchange.headers) {
        if (name == "authorization")
            step.set("auth", known.apply(value));
        else if (name.starts_with("x-") || name == "origin" || name == "if-none-match" ||
                 name == "range")
            headers.set(name, known.apply(value));
    }
    if (headers.size() > 0) step.set("headers", std::move(headers));
    if (!exchange.body.empty()) {
        auto json = base::parse_json(exchange.body);
        if (json && exchange.type.find("json") != std::string::npos) {
            step.set("json", known.apply(*json));
        } else if (exchange.type.find("x-www-form-urlencoded") != std::string::npos) {
            Node form = Node::object();
            for (std::string_view field : base::split(exchange.body, '&')) {
                const auto [name, value] = base::cut(field, '=');
                form.set(base::percent_decode(name, base::Plus::IsSpace),
                         known.apply(base::percent_decode(value, base::Plus::IsSpace)));
            }
            step.set("form", std::move(form));
        } else {
            step.set("body", known.apply(exchange.body));
        }
    }
    Node expect = Node::object();
    if (exchange.status > 0) expect.set("status", exchange.status);
    if (auto answer = base::parse_json(exchange.answer); answer && answer->is_object()) {
        size_t count = 0;
        for (const auto& [name, value] : answer->members()) {
            if (!is_name(name) || ++count > kMaxTypes) continue;
            const char* type = value.is_string()   ? "string"
                               : value.is_number() ? "number"
                               : value.is_bool()   ? "boolean"
                               : value.is_array()  ? "array"
                               : value.is_object() ? "object"
                                                   : "null";
            expect.set("$." + name, Node::object({{"type", type}}));
        }
    }
    if (expect.size() > 0) step.set("expect", std::move(expect));
    return step;
}

std::expected<std::vector<Exchange>, std::string> read_all(const std::string& source,
                                                           const std::string& target) {
    std::vector<Exchange> out;
    if (source.starts_with("curl ")) {
        out.push_back(TRY(of_curl(source)));
        return out;
    }
    const std::string text = TRY(state::read_file(source));
    if (auto har = base::parse_json(text); har && har->find("log")) {
        for (const Node& entry : (*har)["log"]["entries"].items())
            out.push_back(of_har(entry));
    } else if (base::trim(text).starts_with("curl ")) {
        // A line each; a backslash goes on with the next.
        const std::string joined = base::replace_all(text, "\\\n", " ");
        for (std::string_view line : base::split(joined, '\n'))
            if (base::trim(line).starts_with("curl "))
                out.push_back(TRY(of_curl(base::trim(line))));
    } else {
        for (std::string_view line : base::split(text, '\n'))
            if (auto exchange = of_log_line(line, target)) out.push_back(std::move(*exchange));
    }
    if (out.empty())
        return std::unexpected(fmt::format(
            "{} holds no traffic: a HAR file, curl lines, or an access log with \"GET /path "
            "HTTP/1.1\" in its lines",
            source));
    return out;
}

int import_traffic(const Arguments& arguments) {
    if (arguments.positional.empty())
        return fail(kWrongInput,
                    "what? a HAR file, a file of curl lines, an access log, or "
                    "'curl …' itself");
    auto all = read_all(arguments.positional[0], arguments.get("target"));
    if (!all) return fail(kWrongInput, all.error());
    const std::string stack_file = stack_file_of(arguments);
    Node stack = Node::object();
    if (!stack_file.empty())
        if (auto known = know_stack(stack_file, "")) stack = std::move(known->attributes);

    Correlation known;
    std::vector<Node> made;
    for (const Exchange& exchange : *all) {
        if (made.size() >= kMaxSteps) break;
        made.push_back(step_of(exchange, stack, known));
        if (auto answer = base::parse_json(exchange.answer))
            known.learn(*answer, made.size() - 1, "$", "");
    }
    Node steps = Node::array();
    for (size_t i = 0; i < made.size(); ++i) {
        if (Node saves = known.saves(i); saves.size() > 0) made[i].set("save", std::move(saves));
        steps.push_back(std::move(made[i]));
    }
    const std::string text = base::to_json(Node::object({{"version", 1},
                                                         {"scenario", arguments.get("name")},
                                                         {"steps", std::move(steps)}}),
                                           2) +
                             "\n";
    if (!arguments.has("out")) {
        fmt::print("{}", text);
    } else {
        const std::string file = arguments.get("out");
        if (std::filesystem::exists(file))
            return fail(kWrongInput, fmt::format("{} is there already", file));
        if (auto written = state::write_file(file, text); !written)
            return fail(kWrongInput, written.error());
        fmt::print("{}: {} steps; say in it what a user can rely on, then dodam check {}\n", file,
                   made.size(), file);
    }
    if (all->size() > made.size())
        fmt::print(stderr, "dodam: only the first {} of {} requests were taken\n", made.size(),
                   all->size());
    return kOk;
}

constexpr Flag kFlags[] = {
    {"-f,--file", "FILE", "the stack file, for its names (default: ./dodam.json)"},
    {"--out", "FILE", "write it there (default: print it)"},
    {"--name", "SENTENCE", "what a user can rely on", "What this traffic shows"},
    {"--target", "NAME", "what the paths of an access log are asked of", "front"}};

}  // namespace

const Command kImport{"import",
                      "Make a scenario from traffic",
                      "[FILE or CURL]",
                      kFlags,
                      "  dodam import visit.har --out scenarios/visit.scenario.json\n"
                      "  dodam import 'curl https://d1.cloudfront.net/api -d a=1'\n"
                      "  dodam import access.log --target api\n",
                      import_traffic};

}  // namespace commands

// dodam resend: the requests of a recording again, against today's stack, and what differs in the
// answers. Recordings hold no secrets: a value that was masked is taken from today's answer at the
// place where it came from then (a token of a log-in), or given.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "base/encoding.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "commands/recording.h"
#include "commands/worlds.h"
#include "scenarios/runner/check.h"
#include "scenarios/runner/viewer.h"

namespace commands {
namespace {

using base::Node;

constexpr size_t kShownDifferences = 10;

// The name in "***name***", "" when the text is none.
std::string masked_name(std::string_view text) {
    if (text.size() < 7 || !text.starts_with("***") || !text.ends_with("***")) return {};
    const std::string_view name = text.substr(3, text.size() - 6);
    return name.find('*') == std::string_view::npos ? std::string(name) : std::string();
}

using Known = std::map<std::string, std::string>;

// What was masked then is what stands there now.
void learn(const Node& then, const Node& now, Known& known) {
    if (then.is_string() && now.is_string())
        if (const std::string name = masked_name(then.as_string()); !name.empty())
            known.insert_or_assign(name, now.as_string());
    for (const auto& [key, value] : then.members())
        if (const Node* other = now.find(key)) learn(value, *other, known);
    for (size_t i = 0; i < then.items().size() && i < now.items().size(); ++i)
        learn(then.items()[i], now.items()[i], known);
}

// The text with its masked values put back; the name of the first that is not known.
std::expected<std::string, std::string> revealed(std::string text, const Known& known) {
    for (size_t at = text.find("***"); at != std::string::npos; at = text.find("***", at)) {
        const size_t end = text.find("***", at + 3);
        if (end == std::string::npos) return text;
        const std::string name = text.substr(at + 3, end - at - 3);
        auto found = known.find(name);
        const char* given = std::getenv(("DODAM_SECRET_" + name).c_str());
        if (found == known.end() && !given) return std::unexpected(name);
        const std::string value = found != known.end() ? found->second : given;
        text.replace(at, end + 3 - at, value);
        at += value.size();
    }
    return text;
}

bool looks_like(std::string_view text, std::string_view pattern) {
    // x: a hexadecimal digit, others stand for themselves
    if (text.size() != pattern.size()) return false;
    for (size_t i = 0; i < text.size(); ++i)
        if (pattern[i] == 'x'   ? !std::isxdigit(static_cast<unsigned char>(text[i]))
            : pattern[i] == '0' ? !std::isdigit(static_cast<unsigned char>(text[i]))
                                : text[i] != pattern[i])
            return false;
    return true;
}

// Values that are others at every run: both times an id, a date or a token.
bool varies(const std::string& then, const std::string& now) {
    auto kind = [](std::string_view text) {
        if (text.size() > 1 && text.front() == '"') text = text.substr(1, text.size() - 2);
        if (looks_like(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")) return 1;
        if (text.size() >= 19 && looks_like(text.substr(0, 10), "0000-00-00")) return 2;
        if (text.starts_with("eyJ") && std::count(text.begin(), text.end(), '.') == 2) return 3;
        return 0;
    };
    if (then.find("***") != std::string::npos) return true;
    return kind(then) != 0 && kind(then) == kind(now);
}

struct Difference {
    std::string where, then, now;
};

std::vector<Difference> compare(const Node& then, const scenarios::ViewerResponse& now,
                                const std::optional<Node>& now_json, bool strict) {
    std::vector<Difference> out;
    if (then["status"].as_int() != now.status)
        out.push_back(
            {"status", std::to_string(then["status"].as_int()), std::to_string(now.status)});
    for (std::string_view name : {"content-type", "cache-control", "location", "x-cache"}) {
        // Whether the edge holds a copy depends on what was asked before.
        if (name == "x-cache" && !strict) continue;
        std::string old;
        for (const Node& header : then["headers"].items())
            if (header.size() == 2 &&
                base::equals_ignoring_case(header.items()[0].as_string(), name))
                old = header.items()[1].as_string();
        const std::string* fresh = now.header(name);
        if (old != (fresh ? *fresh : "") && !varies(old, fresh ? *fresh : ""))
            out.push_back({fmt::format("header.{}", name), old, fresh ? *fresh : ""});
    }
    const std::string& text = then["body"]["text"].as_string();
    auto old_json = base::parse_json(text);
    if (old_json && now_json && !then["body"].find("cut")) {
        const auto verdict = scenarios::check({*now_json, scenarios::Flavor::Json},
                                              Node::object({{"eq", *old_json}}));
        for (const auto& each : verdict.differences)
            if (strict || !varies(each.expected, each.actual))
                out.push_back({"$" + each.path, each.expected, each.actual});
    } else if (text.find("***") == std::string::npos && !then["body"].find("cut") &&
               text != now.body &&
               then["body"]["base64"].as_string() != base::to_base64(now.body)) {
        out.push_back({"body", fmt::format("{} bytes", then["body"]["bytes"].as_int()),
                       fmt::format("{} bytes", now.body.size())});
    }
    return out;
}

int resend(const Arguments& arguments) {
    auto file = find_run(state_directory(arguments) + "/runs",
                         arguments.positional.empty() ? "" : arguments.positional[0]);
    if (!file) return fail(kWrongInput, file.error());
    auto record = read_run(*file);
    if (!record) return fail(kWrongInput, record.error());
    auto client = Client::find(arguments);
    if (!client) return client.error();
    auto place = place_of(client->info(), client->directory());
    if (!place) return place.error();
    Known given;
    const std::string variables = arguments.get("var");
    for (std::string_view line : base::split(variables, '\n'))
        for (std::string_view part : base::split(line, ','))
            if (const auto [name, value] = base::cut(part, '='); !name.empty())
                given.emplace(name, value);

    size_t sent = 0, different = 0, skipped = 0;
    for (const Node& scenario : (*record)["scenarios"].items()) {
        scenarios::Viewer viewer(place->world.ca_file);
        Known known = given;
        for (const Node& step : scenario["steps"].items()) {
            const Node& exchange = step["exchange"];
            if (exchange.is_null() || exchange.find("earlier_step") || !exchange.find("response"))
                continue;
            const std::string name =
                fmt::format("{}:{}  {} {}", scenario["id"].as_string(), step["number"].as_string(),
                            exchange["method"].as_string(), exchange["url"].as_string());
            std::string unknown;
            auto reveal = [&](const std::string& text) {
                auto out = revealed(text, known);
                if (!out && unknown.empty()) unknown = out.error();
                return out.value_or("");
            };
            scenarios::ViewerRequest request{.method = exchange["method"].as_string(),
                                             .from = exchange["from"].as_string()};
            auto target = scenarios::resolve(place->world, reveal(exchange["url"].as_string()));
            for (const Node& header : exchange["headers"].items())
                if (header.size() == 2)
                    request.headers.emplace_back(header.items()[0].as_string(),
                                                 reveal(header.items()[1].as_string()));
            request.body =
                exchange["body"].find("base64")
                    ? base::from_base64(exchange["body"]["base64"].as_string()).value_or("")
                    : reveal(exchange["body"]["text"].as_string());
            if (!unknown.empty() || exchange["body"].find("cut")) {
                ++skipped;
                fmt::print("?  {}\n     not sent: {}\n", name,
                           unknown.empty() ? "its body was too long to be kept"
                                           : fmt::format("it needs --var {}=…", unknown));
                continue;
            }
            if (!target) {
                ++different;
                fmt::print("≠  {}\n     {}\n", name, target.error());
                continue;
            }
            request.target = std::move(*target);
            ++sent;
            auto response = viewer.send(request);
            if (!response) {
                ++different;
                fmt::print("≠  {}\n     {}\n", name, response.error().text);
                continue;
            }
            auto parsed = base::parse_json(response->body);
            const std::optional<Node> json =
                parsed ? std::optional<Node>(std::move(*parsed)) : std::nullopt;
            auto old = base::parse_json(exchange["response"]["body"]["text"].as_string());
            if (old && json) learn(*old, *json, known);
            const auto differences =
                compare(exchange["response"], *response, json, arguments.has("strict"));
            if (differences.empty()) {
                if (arguments.has("verbose")) fmt::print("=  {}\n", name);
                continue;
            }
            ++different;
            fmt::print("≠  {}\n", name);
            size_t shown = 0;
            for (const Difference& each : differences) {
                if (++shown > kShownDifferences) break;
                fmt::print("     - {}   {}\n     + {}   {}\n", each.where,
                           each.then.empty() ? "(not there)" : each.then, each.where,
                           each.now.empty() ? "(not there)" : each.now);
            }
            if (differences.size() > kShownDifferences)
                fmt::print("     and {} more\n", differences.size() - kShownDifferences);
        }
    }
    fmt::print("\n{} request{} sent, {} answered otherwise, {} not sent\n", sent,
               sent == 1 ? "" : "s", different, skipped);
    if (sent == 0) return fail(kNothingRan, "the recording has no request that could be sent");
    return different > 0 ? kFailed : kOk;
}

constexpr Flag kFlags[] = {
    {"-f,--file", "FILE", "the stack file whose instance is meant"},
    kStateFlag,
    {"--var", "NAME=VALUE", "a value that the recording masks (or DODAM_SECRET_NAME)"},
    {"--strict", "", "ids, dates and tokens that vary are differences, too"},
    {"-v,--verbose", "", "name the requests whose answers are the same"}};

}  // namespace

const Command kResend{"resend",
                      "Send a recording's requests to today's stack, and compare the answers",
                      "[RUN]",
                      kFlags,
                      "  dodam resend                     the newest\n"
                      "  dodam resend 7c1f --var pass=Correct-horse-9\n",
                      resend};

}  // namespace commands

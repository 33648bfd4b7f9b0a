// browser: short commands in a real Chromium, through playwright-core and Node. Names of the stack
// are dialled on this machine, and every other name is unknown to it.
#include "scenarios/runner/browser.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/process.h"
#include "base/text.h"
#include "scenarios/runner/browser_script.h"
#include "scenarios/runner/context.h"
#include "scenarios/runner/steps/steps.h"

namespace scenarios {
namespace {

namespace fs = std::filesystem;
using base::Node;

constexpr std::string_view kChromiums[] = {"chromium", "chromium-browser", "google-chrome",
                                           "google-chrome-stable"};
constexpr std::string_view kPackages[] = {"playwright-core", "playwright"};
constexpr std::string_view kGlobalModules[] = {"/usr/lib/node_modules",
                                               "/usr/local/lib/node_modules"};
constexpr auto kMargin = std::chrono::seconds(2);  // to close the browser and tell
constexpr auto kLeastPatience = std::chrono::seconds(1);
constexpr std::string_view kFlags[] = {"--no-sandbox",
                                       "--disable-gpu",
                                       "--disable-quic",
                                       "--no-first-run",
                                       "--disable-background-networking",
                                       "--disable-component-update",
                                       "--disable-sync"};

std::string package_below(const fs::path& modules) {
    std::error_code ignored;
    for (std::string_view package : kPackages)
        if (fs::exists(modules / package / "package.json", ignored))
            return (modules / package).string();
    return {};
}

// Beside the scenario and above it, here and above, then where npm puts global packages.
std::string find_playwright(const std::string& directory) {
    std::error_code ignored;
    if (const char* given = std::getenv("DODAM_PLAYWRIGHT"))
        return fs::exists(fs::path(given) / "package.json", ignored) ? given : "";
    for (const fs::path& start : {fs::absolute(directory, ignored), fs::current_path(ignored)})
        for (fs::path folder = start; !folder.empty(); folder = folder.parent_path()) {
            if (auto found = package_below(folder / "node_modules"); !found.empty()) return found;
            if (folder == folder.root_path()) break;
        }
    for (std::string_view modules : kGlobalModules)
        if (auto found = package_below(modules); !found.empty()) return found;
    return {};
}

// "127.0.0.1:8443" of "https://127.0.0.1:8443".
std::string authority_of(const std::string& endpoint) {
    return endpoint.substr(endpoint.find("://") == std::string::npos ? 0
                                                                     : endpoint.find("://") + 3);
}

// GAP: a name has one port here, so http:// of a distribution is not dialled.
std::string resolver_rules(const World& world, const std::vector<Target>& opened) {
    std::vector<std::string> rules;
    for (const Target& target : opened) {
        const std::string name = target.host.substr(0, target.host.rfind(':'));
        rules.push_back(fmt::format("MAP {} {}:{}", name, target.address, target.port));
    }
    if (!world.viewer_tls_endpoint.empty())
        rules.push_back("MAP *.cloudfront.net " + authority_of(world.viewer_tls_endpoint));
    rules.push_back("MAP *.elb.amazonaws.com " + authority_of(world.viewer_endpoint));
    rules.push_back("MAP *.amazonaws.com " + authority_of(world.aws_endpoint));
    rules.emplace_back("MAP * ~NOTFOUND");
    rules.emplace_back("EXCLUDE 127.0.0.1");
    rules.emplace_back("EXCLUDE localhost");
    return "--host-resolver-rules=" + base::join(rules, ", ");
}

StepError missing(const std::string& what) {
    return {what, "", StepError::Cause::Missing};
}

std::expected<Answer, StepError> browser(Context& context, const Node& step) {
    const BrowserParts parts = find_browser(context.directory);
    if (!parts.missing.empty()) return std::unexpected(missing(parts.missing));

    Node orders = Node::object(), urls = Node::object(), files = Node::object();
    std::vector<Target> opened;
    const Node& commands = step["browser"];
    for (const Node& command : commands.items()) {
        const auto [verb, rest] = base::cut(command.as_string(), ' ');
        const std::string word(base::trim(rest));
        if (verb == "open") {
            auto target = resolve(context.world, word);
            if (!target) return std::unexpected(StepError{target.error(), ""});
            urls.set(word, target->url());
            opened.push_back(std::move(*target));
        } else if (verb == "screenshot") {
            files.set(word, fs::absolute(context.path(word)).string());
        }
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(context.left());
    const auto patience = std::max<std::chrono::milliseconds>(kLeastPatience, left - kMargin);
    Node flags = Node::array();
    for (std::string_view flag : kFlags)
        flags.push_back(flag);
    flags.push_back(resolver_rules(context.world, opened));
    orders.set("playwright", parts.playwright);
    orders.set("chromium", parts.chromium);
    orders.set("flags", std::move(flags));
    orders.set("commands", commands);
    orders.set("urls", std::move(urls));
    orders.set("files", std::move(files));
    orders.set("patience", static_cast<int64_t>(patience.count()));

    base::ProcessOptions options;
    options.command = {parts.node, "-e", std::string(kBrowserScript)};
    options.directory = context.directory;
    auto done = base::run(context.spawner(), std::move(options), left, base::to_json(orders));
    if (!done) return std::unexpected(StepError{done.error(), ""});
    if (done->timed_out)
        return std::unexpected(
            StepError{"the browser did not end in time", "give the step a \"timeout\""});
    auto seen = base::parse_json(done->output);
    if (done->exit_code != 0 || !seen)
        return std::unexpected(
            StepError{"the browser could not be driven", std::string(base::trim(done->error))});
    if (const Node& failed = (*seen)["failed"]; failed.is_object())
        return std::unexpected(StepError{
            fmt::format(
                "\"{}\": {}",
                commands.items().at(static_cast<size_t>(failed["index"].as_int())).as_string(),
                failed["message"].as_string()),
            fmt::format("the page is {}", (*seen)["url"].as_string())});
    Answer answer;
    answer.set("console", (*seen)["console"]);
    answer.set("url", (*seen)["url"]);
    answer.body = (*seen)["html"].as_string();
    return answer;
}

constexpr std::string_view kExpects[] = {"console", "url", "body", "xpath ", "regex "};

constexpr Verb kVerbs[] = {
    {{"browser", Shape::Browser,
      "Commands in Chromium: \"open front:/login\", \"see text=Sign in\"."},
     {},
     kExpects,
     false,
     browser},
};

constexpr BrowserCommand kCommands[] = {
    {"open", BrowserCommand::Takes::Target, "a page: \"open front:/login\""},
    {"reload", BrowserCommand::Takes::Nothing, "the page again"},
    {"back", BrowserCommand::Takes::Nothing, "the page before"},
    {"click", BrowserCommand::Takes::Selector, "\"click text=Sign in\""},
    {"fill", BrowserCommand::Takes::SelectorAndValue, "\"fill [name=email] a@b.co\""},
    {"select", BrowserCommand::Takes::SelectorAndValue, "\"select #country KR\""},
    {"press", BrowserCommand::Takes::Selector, "a key: \"press Enter\""},
    {"see", BrowserCommand::Takes::Selector, "waits until it is visible: \"see text=Welcome\""},
    {"hide", BrowserCommand::Takes::Selector, "waits until it is not visible"},
    {"screenshot", BrowserCommand::Takes::File, "\"screenshot login.png\""},
};

}  // namespace

const std::span<const Verb> browser_verbs = kVerbs;

std::span<const BrowserCommand> browser_commands() {
    return kCommands;
}

std::string browser_command_problem(std::string_view text) {
    const auto [verb, rest] = base::cut(base::trim(text), ' ');
    const std::string_view argument = base::trim(rest);
    const auto* row =
        std::find_if(std::begin(kCommands), std::end(kCommands),
                     [&, &name = verb](const BrowserCommand& each) { return each.name == name; });
    if (row == std::end(kCommands)) {
        std::vector<std::string> names;
        for (const BrowserCommand& each : kCommands)
            names.emplace_back(each.name);
        const std::string near = base::closest(verb, names);
        return fmt::format("the browser has no command \"{}\"; {}", verb,
                           near.empty() ? "commands are " + base::join(names, ", ")
                                        : fmt::format("did you mean \"{}\"?", near));
    }
    using Takes = BrowserCommand::Takes;
    if (row->takes == Takes::Nothing)
        return argument.empty() ? "" : fmt::format("\"{}\" takes nothing beside it", verb);
    if (argument.empty()) return fmt::format("\"{}\" needs more: {}", verb, row->help);
    if (row->takes == Takes::SelectorAndValue) {
        const size_t end = argument.starts_with('"') ? argument.find('"', 1) : argument.find(' ');
        if (end == std::string_view::npos || base::trim(argument.substr(end + 1)).empty())
            return fmt::format("\"{}\" needs more: {}", verb, row->help);
    }
    return "";
}

BrowserParts find_browser(const std::string& directory) {
    BrowserParts parts;
    if (const char* given = std::getenv("DODAM_CHROMIUM")) parts.chromium = given;
    for (std::string_view name : kChromiums)
        if (parts.chromium.empty()) parts.chromium = base::find_program(std::string(name));
    parts.node = base::find_program("node");
    parts.playwright = find_playwright(directory);
    if (parts.chromium.empty() || ::access(parts.chromium.c_str(), X_OK) != 0)
        parts.missing = "there is no Chromium on this machine (apt-get install chromium)";
    else if (parts.node.empty())
        parts.missing = "there is no Node on this machine";
    else if (parts.playwright.empty())
        parts.missing = "the package playwright-core is not there (npm install playwright-core)";
    return parts;
}

}  // namespace scenarios

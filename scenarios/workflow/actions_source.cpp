// actions/checkout, setup-node, setup-python, cache, upload- and download-artifact, and Docker's
// own actions.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/process.h"
#include "base/result.h"
#include "base/text.h"
#include "scenarios/workflow/actions.h"
#include "scenarios/workflow/filters.h"
#include "scenarios/workflow/runner.h"
#include "scenarios/workflow/version.h"

namespace workflow {
namespace {

namespace fs = std::filesystem;
using Done = std::expected<void, std::string>;

std::string inside(const ActionCall& call, const std::string& path) {
    if (path.starts_with("~/")) return call.variable("HOME") + path.substr(1);
    std::string whole = (fs::path(call.workspace) / path).lexically_normal().string();
    while (whole.size() > 1 && whole.ends_with('/'))
        whole.pop_back();
    return whole;
}

std::string read_text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

// Runs a program; what it says is the error, unless it went well.
std::expected<std::string, std::string> quietly(
    ActionCall& call, std::vector<std::string> command,
    std::map<std::string, std::string> environment = {}) {
    std::string said;
    const auto show = call.say;
    call.say = [&](std::string_view line) { said += std::string(line) + "\n"; };
    const std::string program = command[0];
    auto ended = call.run(std::move(command), std::move(environment));
    call.say = show;
    if (!ended) return std::unexpected(ended.error());
    said = base::trim(said);
    if (ended->exit_code != 0)
        return std::unexpected(fmt::format("The process '{}' failed with exit code {}{}{}", program,
                                           ended->exit_code, said.empty() ? "" : ": ", said));
    return said;
}

// ---- checkout

// The files as they are: what git would see, without what it ignores.
Done copy_tree(ActionCall& call, const std::string& from, const std::string& to) {
    std::vector<std::string> files;
    auto listed = quietly(call, {"git", "-c", "safe.directory=*", "-C", from, "ls-files", "-co",
                                 "--exclude-standard", "-z"});
    std::error_code problem;
    if (listed) {
        for (std::string_view each : base::split(*listed, '\0'))
            if (!each.empty() &&
                fs::exists(fs::symlink_status(from + "/" + std::string(each), problem)))
                files.emplace_back(each);
    } else {
        for (fs::recursive_directory_iterator walk(from, problem), end; walk != end && !problem;
             walk.increment(problem)) {
            const std::string name = walk->path().filename().string();
            if (walk->is_directory() &&
                (name == ".git" || name == ".dodam" || name == "node_modules")) {
                walk.disable_recursion_pending();
                continue;
            }
            if (!walk->is_directory())
                files.push_back(fs::relative(walk->path(), from).generic_string());
        }
    }
    for (const std::string& file : files) {
        const fs::path target = fs::path(to) / file;
        fs::create_directories(target.parent_path(), problem);
        fs::copy(fs::path(from) / file, target,
                 fs::copy_options::overwrite_existing | fs::copy_options::copy_symlinks, problem);
        if (problem) return std::unexpected(fmt::format("{}: {}", file, problem.message()));
    }
    return {};
}

Done checkout(ActionCall& call) {
    const Setup& setup = call.setup;
    if (const std::string& other = call.input("repository");
        !other.empty() && !base::equals_ignoring_case(other, setup.repository_name) &&
        setup.repository_name != "local/app")
        return std::unexpected(
            fmt::format("repository {} is not this one, and no other is here", other));
    std::string path = inside(call, call.input("path"));
    if (path != call.workspace && !path.starts_with(call.workspace + "/"))
        return std::unexpected(
            fmt::format("Repository path '{}' is not under '{}'", path, call.workspace));
    std::error_code problem;
    // `clean`: what an earlier checkout left, goes.
    if (call.input("clean") != "false" && fs::exists(path + "/.git"))
        for (const auto& entry : fs::directory_iterator(path, problem))
            fs::remove_all(entry.path(), problem);
    fs::create_directories(path, problem);
    std::string ref = call.input("ref");
    if (!setup.from_commit) {
        TRY(copy_tree(call, setup.repository, path));
        call.outputs.emplace_back("ref", setup.event.ref);
        call.outputs.emplace_back("commit", setup.sha);
        call.detail = "the files as they are";
        return {};
    }
    const std::vector<std::string> git = {"git", "-c", "safe.directory=*", "-C", path};
    auto run = [&](std::initializer_list<std::string> words) {
        std::vector<std::string> command = git;
        command.insert(command.end(), words);
        return quietly(call, std::move(command), {{"GIT_TERMINAL_PROMPT", "0"}});
    };
    TRY(run({"init", "-q"}));
    TRY(run({"config", "--local", "gc.auto", "0"}));
    const std::string wanted = ref.empty() ? setup.sha : ref;
    const std::string depth = call.input("fetch-depth");
    std::vector<std::string> fetch = git;
    for (std::string word : {std::string("fetch"), std::string("-q"),
                             std::string("--upload-pack=git -c safe.directory='*' -c "
                                         "uploadpack.allowAnySHA1InWant=true upload-pack")})
        fetch.push_back(std::move(word));
    if (depth != "0") fetch.push_back("--depth=" + (depth.empty() ? "1" : depth));
    fetch.push_back(call.input("fetch-tags") == "true" || depth == "0" ? "--tags" : "--no-tags");
    fetch.push_back("file://" + setup.repository);
    const bool is_commit =
        wanted.size() == 40 && wanted.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (depth == "0") fetch.push_back("+refs/heads/*:refs/remotes/origin/*");
    fetch.push_back(is_commit ? "+" + wanted + ":refs/dodam/wanted"
                              : fmt::format("+{}:refs/dodam/wanted", wanted));
    TRY(quietly(call, std::move(fetch), {{"GIT_TERMINAL_PROMPT", "0"}}));
    if (setup.event.ref.starts_with("refs/heads/") && ref.empty()) {
        TRY(run(
            {"checkout", "-q", "--force", "-B", setup.event.ref.substr(11), "refs/dodam/wanted"}));
    } else {
        TRY(run({"checkout", "-q", "--force", "--detach", "refs/dodam/wanted"}));
    }
    TRY(run({"update-ref", "-d", "refs/dodam/wanted"}));
    TRY(run({"remote", "add", "origin", "https://github.com/" + setup.repository_name}));
    const std::string commit = TRY(run({"rev-parse", "HEAD"}));
    call.outputs.emplace_back("ref", ref.empty() ? setup.event.ref : ref);
    call.outputs.emplace_back("commit", commit);
    call.detail = commit.substr(0, 12);
    return {};
}

constexpr BuiltInInput kCheckoutInputs[] = {
    {"repository", ""},
    {"ref", ""},
    {"token", ""},
    {"ssh-key", ""},
    {"ssh-known-hosts", ""},
    {"ssh-strict", "true"},
    {"ssh-user", "git"},
    {"persist-credentials", "true"},
    {"path", ""},
    {"clean", "true"},
    {"filter", ""},
    {"sparse-checkout", ""},
    {"sparse-checkout-cone-mode", "true"},
    {"fetch-depth", "1"},
    {"fetch-tags", "false"},
    {"show-progress", "true"},
    {"lfs", "false"},
    {"submodules", "false"},
    {"set-safe-directory", "true"},
    {"github-server-url", ""},
};
constexpr std::string_view kCheckoutOutputs[] = {"ref", "commit"};

// ---- setup-node, setup-python

struct Tool {
    std::string program;
    Version version;
};

// Directories that may hold the program: PATH, then where version managers and we ourselves keep
// theirs.
std::vector<std::string> tool_directories(const ActionCall& call, std::string_view name) {
    std::vector<std::string> out;
    const std::string path = call.variable("PATH");
    for (std::string_view each : base::split(path, ':'))
        if (!each.empty()) out.emplace_back(each);
    const char* home = std::getenv("HOME");
    const std::string own = home ? home : "/root";
    const char* given = std::getenv("XDG_CACHE_HOME");
    const std::string cache = given && *given ? given : own + "/.cache";
    std::vector<std::string> parents = {"/opt/hostedtoolcache/" + std::string(name)};
    if (name == "node") {
        parents.insert(
            parents.end(),
            {own + "/.nvm/versions/node", own + "/.local/share/fnm/node-versions",
             own + "/.volta/tools/image/node", "/usr/local/n/versions/node", cache + "/dodam"});
    } else {
        parents.push_back(own + "/.pyenv/versions");
    }
    std::error_code ignored;
    for (const std::string& parent : parents)
        for (const auto& entry : fs::directory_iterator(parent, ignored))
            for (const char* below : {"/bin", "/x64/bin", "/installation/bin"})
                if (fs::exists(entry.path().string() + below, ignored))
                    out.push_back(entry.path().string() + below);
    return out;
}

std::vector<Tool> find_tools(ActionCall& call, const std::string& name,
                             const std::vector<std::string>& programs) {
    std::vector<Tool> out;
    for (const std::string& directory : tool_directories(call, name))
        for (const std::string& each : programs) {
            const std::string program = base::find_program(each, directory);
            if (program.empty()) continue;
            auto said = quietly(call, {program, "--version"});
            if (!said) continue;
            std::string_view text = *said;
            if (const size_t space = text.rfind(' '); space != text.npos)
                text = text.substr(space + 1);
            if (auto version = parse_version(text)) out.push_back({program, *version});
        }
    return out;
}

std::string text_of(const Version& version) {
    return fmt::format("{}.{}.{}", version[0], version[1], version[2]);
}

// package.json's volta.node or engines.node, .tool-versions' line, else the first line.
std::string version_in_file(const std::string& path, const std::string& tool) {
    const std::string text = read_text(path);
    if (path.ends_with(".json")) {
        auto parsed = base::parse_json(text);
        if (!parsed) return "";
        const std::string& pinned = (*parsed)["volta"]["node"].as_string();
        return pinned.empty() ? (*parsed)["engines"]["node"].as_string() : pinned;
    }
    for (std::string line : lines_of(text)) {
        if (line.starts_with('#')) continue;
        for (const std::string& prefix : {tool + "js ", tool + " "})
            if (line.starts_with(prefix))
                return std::string(base::trim(line.substr(prefix.size())));
        if (!path.ends_with(".tool-versions")) return line;
    }
    return "";
}

const Tool* newest(const std::vector<Tool>& tools, const std::string& range) {
    const Tool* best = nullptr;
    for (const Tool& tool : tools)
        if (version_matches(range, tool.version) && (!best || tool.version > best->version))
            best = &tool;
    return best;
}

std::string names_of(const std::vector<Tool>& tools) {
    std::string out;
    for (const Tool& tool : tools)
        out +=
            fmt::format("{}{} ({})", out.empty() ? "" : ", ", text_of(tool.version), tool.program);
    return out.empty() ? "none" : out;
}

Done setup_node(ActionCall& call) {
    std::string range = call.input("node-version");
    if (const std::string& file = call.input("node-version-file"); range.empty() && !file.empty()) {
        const std::string path = inside(call, file);
        if (!fs::exists(path))
            return std::unexpected(
                fmt::format("The specified node version file at: {} does not exist", path));
        range = version_in_file(path, "node");
    }
    const auto tools = find_tools(call, "node", {"node"});
    const Tool* chosen = newest(tools, range);
    if (!chosen)
        return std::unexpected(
            fmt::format("Unable to find Node version '{}' for platform linux and architecture x64. "
                        "This machine has {}",
                        range, names_of(tools)));
    call.paths.push_back(fs::path(chosen->program).parent_path().string());
    call.outputs.emplace_back("node-version", "v" + text_of(chosen->version));
    call.detail = "node " + text_of(chosen->version);
    if (const std::string& registry = call.input("registry-url"); !registry.empty()) {
        const std::string file = call.temporary + "/.npmrc";
        std::ofstream out(file);
        const std::string host = registry.substr(
            registry.find("://") == std::string::npos ? 0 : registry.find("://") + 1);
        out << host << (host.ends_with('/') ? "" : "/")
            << ":_authToken=${NODE_AUTH_TOKEN}\nregistry=" << registry
            << (registry.ends_with('/') ? "" : "/") << "\n";
        call.exported.emplace_back("NPM_CONFIG_USERCONFIG", file);
        if (call.variable("NODE_AUTH_TOKEN").empty())
            call.exported.emplace_back("NODE_AUTH_TOKEN", "XXXXX-XXXXX-XXXXX-XXXXX");
    }
    const std::string& manager = call.input("cache");
    if (manager.empty()) return {};
    if (manager != "npm" && manager != "yarn" && manager != "pnpm")
        return std::unexpected(fmt::format("Caching for '{}' is not supported", manager));
    std::vector<std::string> wanted = lines_of(call.input("cache-dependency-path"));
    const std::string known = manager == "npm" ? "package-lock.json,npm-shrinkwrap.json,yarn.lock"
                              : manager == "yarn" ? "yarn.lock"
                                                  : "pnpm-lock.yaml";
    if (wanted.empty())
        for (std::string_view each : base::split(known, ','))
            wanted.emplace_back(each);
    bool found = false;
    std::error_code ignored;
    for (fs::recursive_directory_iterator walk(call.workspace, ignored), end; walk != end && !found;
         walk.increment(ignored)) {
        if (walk->is_directory() && walk->path().filename() == "node_modules")
            walk.disable_recursion_pending();
        if (walk->is_regular_file())
            found =
                globs_match(wanted, fs::relative(walk->path(), call.workspace).generic_string());
    }
    if (!found && !call.input("cache-dependency-path").empty())
        return std::unexpected(
            "Some specified paths were not resolved, unable to cache dependencies.");
    if (!found)
        return std::unexpected(
            fmt::format("Dependencies lock file is not found in {}. Supported file patterns: {}",
                        call.workspace, known));
    // Every run has npm's folder from the run before.
    const bool hit =
        !call.setup.cache.empty() && fs::exists(call.setup.cache + "/npm/_cacache", ignored);
    call.outputs.emplace_back("cache-hit", hit ? "true" : "false");
    return {};
}

Done nothing(ActionCall&) {
    return {};
}

constexpr BuiltInInput kNodeInputs[] = {
    {"always-auth", "false"},
    {"node-version", ""},
    {"node-version-file", ""},
    {"architecture", ""},
    {"check-latest", "false"},
    {"registry-url", ""},
    {"scope", ""},
    {"token", ""},
    {"cache", ""},
    {"package-manager-cache", "true"},
    {"cache-dependency-path", ""},
    {"mirror", ""},
    {"mirror-token", ""},
};
constexpr std::string_view kNodeOutputs[] = {"cache-hit", "node-version"};

Done setup_python(ActionCall& call) {
    std::string range = call.input("python-version");
    if (const std::string& file = call.input("python-version-file");
        range.empty() && !file.empty()) {
        const std::string path = inside(call, file);
        if (!fs::exists(path))
            return std::unexpected(
                fmt::format("The specified python version file at: {} doesn't exist.", path));
        range = version_in_file(path, "python");
    }
    const auto tools = find_tools(call, "python", {"python3", "python"});
    const Tool* chosen = newest(tools, range);
    if (!chosen)
        return std::unexpected(
            fmt::format("The version '{}' with architecture 'x64' was not found for this operating "
                        "system. This machine has {}",
                        range, names_of(tools)));
    // Debian has no `python`.
    const std::string directory = call.temporary + "/python/bin";
    std::error_code ignored;
    fs::create_directories(directory, ignored);
    for (const char* name : {"python", "python3"})
        if (!fs::exists(directory + "/" + name, ignored))
            fs::create_symlink(chosen->program, directory + "/" + name, ignored);
    call.paths.push_back(directory);
    call.outputs.emplace_back("python-version", text_of(chosen->version));
    call.outputs.emplace_back("python-path", chosen->program);
    call.detail = "python " + text_of(chosen->version);
    return {};
}

constexpr BuiltInInput kPythonInputs[] = {
    {"python-version", ""},
    {"python-version-file", ""},
    {"cache", ""},
    {"architecture", ""},
    {"check-latest", "false"},
    {"token", ""},
    {"cache-dependency-path", ""},
    {"update-environment", "true"},
    {"allow-prereleases", "false"},
    {"freethreaded", "false"},
    {"pip-version", ""},
    {"pip-install", ""},
};
constexpr std::string_view kPythonOutputs[] = {"python-version", "cache-hit", "python-path"};

// ---- cache

std::string cache_file(const ActionCall& call, const std::string& key) {
    return call.setup.cache + "/entries/" + base::sha256_hex(key);
}

// key files beside the archives, so that restore-keys find the newest that begins so.
std::string cached_key(const ActionCall& call, const std::string& key, bool exact) {
    std::string best;
    fs::file_time_type newest_time{};
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(call.setup.cache + "/entries", ignored)) {
        if (entry.path().extension() != ".key") continue;
        const std::string held = read_text(entry.path().string());
        if (exact ? held != key : !held.starts_with(key)) continue;
        if (best.empty() || entry.last_write_time(ignored) > newest_time) {
            best = held;
            newest_time = entry.last_write_time(ignored);
        }
    }
    return best;
}

std::vector<std::string> cache_paths(const ActionCall& call) {
    std::vector<std::string> out;
    for (const std::string& line : lines_of(call.input("path")))
        if (!line.starts_with('!')) out.push_back(inside(call, line));
    return out;
}

Done restore_cache(ActionCall& call) {
    const std::string& key = call.input("key");
    std::string hit = cached_key(call, key, true);
    const bool exact = !hit.empty();
    for (const std::string& prefix : lines_of(call.input("restore-keys")))
        if (hit.empty()) hit = cached_key(call, prefix, false);
    call.outputs.emplace_back("cache-primary-key", key);
    call.outputs.emplace_back("cache-hit", exact ? "true" : hit.empty() ? "" : "false");
    if (!exact) call.saved.emplace_back("save", "yes");
    if (hit.empty()) {
        if (call.input("fail-on-cache-miss") == "true")
            return std::unexpected(
                "Failed to restore cache entry. Exiting as fail-on-cache-miss is set. Input key: " +
                key);
        call.say("Cache not found for input keys: " + key);
        return {};
    }
    call.outputs.emplace_back("cache-matched-key", hit);
    if (call.input("lookup-only") != "true")
        TRY(quietly(call, {"tar", "-xzPf", cache_file(call, hit) + ".tgz", "--strip-components=0",
                           "--transform", "s,^@workspace@," + call.workspace + ",", "--transform",
                           "s,^@home@," + call.variable("HOME") + ","}));
    call.say("Cache restored from key: " + hit);
    call.detail = hit;
    return {};
}

Done save_cache(ActionCall& call) {
    if (call.state["save"] != "yes" &&
        call.input("key") == cached_key(call, call.input("key"), true))
        return {};
    std::error_code problem;
    // Another job may save under the same key: whole, and once.
    const std::string file = cache_file(call, call.input("key"));
    const std::string made = file + "." + base::random_hex(8);
    std::vector<std::string> command = {"tar",
                                        "-czPf",
                                        made,
                                        "--transform",
                                        "s,^" + call.workspace + "," + "@workspace@,",
                                        "--transform",
                                        "s,^" + call.variable("HOME") + "," + "@home@,"};
    const size_t words = command.size();
    for (const std::string& path : cache_paths(call))
        if (fs::exists(path, problem)) command.push_back(path);
    if (command.size() == words) {
        call.say(
            "Path Validation Error: Path(s) specified in the action for caching do(es) not exist, "
            "hence no cache is "
            "being saved.");
        return {};
    }
    fs::create_directories(call.setup.cache + "/entries", problem);
    TRY(quietly(call, std::move(command)));
    fs::rename(made, file + ".tgz", problem);
    if (problem)
        return std::unexpected(fmt::format("cannot write {}: {}", file, problem.message()));
    std::ofstream(file + ".key") << call.input("key");
    call.say("Cache saved with key: " + call.input("key"));
    return {};
}

constexpr BuiltInInput kCacheInputs[] = {
    {"path", "", true},
    {"key", "", true},
    {"restore-keys", ""},
    {"upload-chunk-size", ""},
    {"enablecrossosarchive", "false"},
    {"fail-on-cache-miss", "false"},
    {"lookup-only", "false"},
    {"save-always", "false"},
};
constexpr std::string_view kCacheOutputs[] = {"cache-hit", "cache-primary-key",
                                              "cache-matched-key"};

// ---- artifacts

std::vector<std::string> files_below(const std::string& directory, bool hidden) {
    std::vector<std::string> out;
    std::error_code problem;
    for (fs::recursive_directory_iterator walk(directory, problem), end; walk != end && !problem;
         walk.increment(problem)) {
        if (!hidden && walk->path().filename().string().starts_with('.')) {
            if (walk->is_directory()) walk.disable_recursion_pending();
            continue;
        }
        if (walk->is_regular_file()) out.push_back(walk->path().string());
    }
    return out;
}

std::string artifact_directory(const ActionCall& call, const std::string& name) {
    return call.setup.scratch + "/artifacts/" + name;
}

Done check_name(const std::string& name) {
    if (name.empty() || name.find_first_of("\":<>|*?\r\n\\/") != std::string::npos || name == "." ||
        name == "..")
        return std::unexpected(fmt::format("The artifact name is not valid: {}", name));
    return {};
}

Done upload_artifact(ActionCall& call) {
    const std::string& name = call.input("name");
    TRY(check_name(name));
    std::vector<std::string> files, patterns, excluded, roots;
    for (const std::string& line : lines_of(call.input("path")))
        (line.starts_with('!') ? excluded : patterns)
            .push_back(line.starts_with('!') ? line.substr(1) : line);
    const bool hidden = call.input("include-hidden-files") == "true";
    std::error_code problem;
    for (const std::string& pattern : patterns) {
        const std::string path = inside(call, pattern);
        const size_t star = path.find_first_of("*?[");
        std::string root = star == std::string::npos ? path : path.substr(0, path.rfind('/', star));
        if (star == std::string::npos && fs::is_regular_file(path, problem)) {
            files.push_back(path);
            roots.push_back(fs::path(path).parent_path().string());
            continue;
        }
        for (const std::string& file : files_below(root, hidden))
            if (star == std::string::npos || glob_matches(path.substr(1), file.substr(1)))
                files.push_back(file);
        roots.push_back(root);
    }
    std::erase_if(files, [&](const std::string& file) {
        return std::ranges::any_of(excluded, [&](const std::string& each) {
            return glob_matches(inside(call, each).substr(1), file.substr(1));
        });
    });
    if (files.empty()) {
        const std::string text = fmt::format(
            "No files were found with the provided path: {}. No artifacts will be uploaded.",
            call.input("path"));
        const std::string& what = call.input("if-no-files-found");
        if (what == "error") return std::unexpected(text);
        call.say(what == "ignore" ? text : "::warning::" + text);
        return {};
    }
    // The files keep their places below what all paths have in common.
    fs::path common = roots.front();
    for (const std::string& root : roots)
        while (common.string() != "/" && root != common.string() &&
               !root.starts_with(common.string() + "/"))
            common = common.parent_path();
    const std::string target = artifact_directory(call, name);
    if (fs::exists(target, problem)) {
        if (call.input("overwrite") != "true")
            return std::unexpected(
                "Failed to CreateArtifact: Received non-retryable error: Failed request: (409) "
                "Conflict: an artifact with "
                "this name already exists on the workflow run");
        fs::remove_all(target, problem);
    }
    for (const std::string& file : files) {
        const fs::path to = fs::path(target) / fs::relative(file, common);
        fs::create_directories(to.parent_path(), problem);
        fs::copy_file(file, to, fs::copy_options::overwrite_existing, problem);
        if (problem) return std::unexpected(fmt::format("{}: {}", file, problem.message()));
    }
    call.outputs.emplace_back("artifact-id", std::to_string(base::crc32(0, name)));
    call.outputs.emplace_back("artifact-url", "file://" + target);
    call.outputs.emplace_back("artifact-digest", base::sha256_hex(base::join(files, "\n")));
    call.detail = fmt::format("{}: {} file{}", name, files.size(), files.size() == 1 ? "" : "s");
    return {};
}

Done download_artifact(ActionCall& call) {
    const std::string to = inside(call, call.input("path"));
    std::vector<std::string> names;
    std::error_code problem;
    if (const std::string& name = call.input("name"); !name.empty()) {
        TRY(check_name(name));
        if (!fs::exists(artifact_directory(call, name), problem))
            return std::unexpected(fmt::format(
                "Unable to download artifact(s): Artifact not found for name: {}", name));
        names.push_back(name);
    } else {
        for (const auto& entry : fs::directory_iterator(call.setup.scratch + "/artifacts", problem))
            if (const std::string& pattern = call.input("pattern");
                pattern.empty() || base::wildcard_match(pattern, entry.path().filename().string()))
                names.push_back(entry.path().filename().string());
    }
    const bool flat = !call.input("name").empty() || call.input("merge-multiple") == "true";
    for (const std::string& name : names) {
        const fs::path target = flat ? fs::path(to) : fs::path(to) / name;
        fs::create_directories(target, problem);
        fs::copy(artifact_directory(call, name), target,
                 fs::copy_options::recursive | fs::copy_options::overwrite_existing, problem);
        if (problem) return std::unexpected(fmt::format("{}: {}", name, problem.message()));
    }
    call.outputs.emplace_back("download-path", to);
    call.detail = base::join(names, ", ");
    return {};
}

constexpr BuiltInInput kUploadInputs[] = {
    {"name", "artifact"},
    {"path", "", true},
    {"if-no-files-found", "warn"},
    {"retention-days", ""},
    {"compression-level", "6"},
    {"overwrite", "false"},
    {"include-hidden-files", "false"},
    {"archive", "true"},
};
constexpr std::string_view kUploadOutputs[] = {"artifact-id", "artifact-url", "artifact-digest"};
constexpr BuiltInInput kDownloadInputs[] = {
    {"name", ""},
    {"artifact-ids", ""},
    {"path", ""},
    {"pattern", ""},
    {"merge-multiple", "false"},
    {"github-token", ""},
    {"repository", ""},
    {"run-id", ""},
};
constexpr std::string_view kDownloadOutputs[] = {"download-path"};

// ---- docker

Done docker_login(ActionCall& call) {
    std::vector<std::string> command = {
        "docker", "login", "-u", call.input("username"), "-p", call.input("password")};
    if (!call.input("registry").empty()) command.push_back(call.input("registry"));
    call.masks.push_back(call.input("password"));
    TRY(quietly(call, std::move(command)));
    call.say("Login Succeeded!");
    return {};
}

Done docker_logout(ActionCall& call) {
    if (call.input("logout") == "false") return {};
    std::vector<std::string> command = {"docker", "logout"};
    if (!call.input("registry").empty()) command.push_back(call.input("registry"));
    TRY(quietly(call, std::move(command)));
    return {};
}

Done setup_buildx(ActionCall& call) {
    call.outputs.emplace_back("name", "default");
    call.outputs.emplace_back("driver", "docker");
    call.outputs.emplace_back("platforms", "linux/amd64");
    return {};
}

Done build_push(ActionCall& call) {
    std::vector<std::string> tags, command = {"docker", "build"};
    for (const std::string& line : lines_of(call.input("tags")))
        for (std::string_view tag : base::split(line, ','))
            if (tag = base::trim(tag); !tag.empty()) tags.emplace_back(tag);
    const bool push = call.input("push") == "true";
    if (push && tags.empty())
        return std::unexpected("ERROR: failed to build: tag is needed when pushing to registry");
    for (const std::string& tag : tags)
        command.insert(command.end(), {"-t", tag});
    for (const std::string& argument : lines_of(call.input("build-args")))
        command.insert(command.end(), {"--build-arg", argument});
    for (const std::string& label : lines_of(call.input("labels")))
        command.insert(command.end(), {"--label", label});
    if (!call.input("target").empty())
        command.insert(command.end(), {"--target", call.input("target")});
    if (!call.input("file").empty())
        command.insert(command.end(), {"-f", inside(call, call.input("file"))});
    // GitHub's default is the repository itself as a Git context.
    const std::string& context = call.input("context");
    command.push_back(
        inside(call, context.empty() || context.find("://") != std::string::npos ? "." : context));
    auto built = call.run(command, {});
    if (!built) return std::unexpected(built.error());
    if (built->exit_code != 0)
        return std::unexpected(fmt::format("buildx failed with: exit code {}", built->exit_code));
    if (push)
        for (const std::string& tag : tags) {
            auto pushed = call.run({"docker", "push", tag}, {});
            if (!pushed) return std::unexpected(pushed.error());
            if (pushed->exit_code != 0)
                return std::unexpected(
                    fmt::format("buildx failed with: ERROR: failed to push {}", tag));
        }
    if (!tags.empty())
        if (auto digest =
                quietly(call, {"docker", "inspect", "--format", "{{.Id}}", tags.front()})) {
            call.outputs.emplace_back("imageid", *digest);
            call.outputs.emplace_back("digest", *digest);
        }
    call.detail = base::join(tags, ", ");
    return {};
}

constexpr BuiltInInput kDockerLoginInputs[] = {
    {"registry", ""}, {"username", ""},   {"password", ""},      {"scope", ""},
    {"ecr", "auto"},  {"logout", "true"}, {"registry-auth", ""},
};
constexpr BuiltInInput kBuildxInputs[] = {
    {"version", ""},
    {"driver", ""},
    {"driver-opts", ""},
    {"buildkitd-flags", ""},
    {"install", "false"},
    {"use", "true"},
    {"endpoint", ""},
    {"platforms", ""},
    {"config", ""},
    {"config-inline", ""},
    {"append", ""},
    {"cleanup", "true"},
    {"cache-binary", "true"},
    {"buildkitd-config", ""},
    {"buildkitd-config-inline", ""},
    {"name", ""},
    {"keep-state", "false"},
};
constexpr std::string_view kBuildxOutputs[] = {"name", "driver", "platforms", "nodes"};
constexpr BuiltInInput kBuildInputs[] = {
    {"add-hosts", ""}, {"allow", ""},         {"annotations", ""},
    {"attests", ""},   {"build-args", ""},    {"build-contexts", ""},
    {"builder", ""},   {"cache-from", ""},    {"cache-to", ""},
    {"call", ""},      {"cgroup-parent", ""}, {"context", ""},
    {"file", ""},      {"labels", ""},        {"load", "false"},
    {"network", ""},   {"no-cache", "false"}, {"no-cache-filters", ""},
    {"outputs", ""},   {"platforms", ""},     {"provenance", ""},
    {"pull", "false"}, {"push", "false"},     {"sbom", ""},
    {"secrets", ""},   {"secret-envs", ""},   {"secret-files", ""},
    {"shm-size", ""},  {"ssh", ""},           {"tags", ""},
    {"target", ""},    {"ulimit", ""},        {"github-token", ""},
};
constexpr std::string_view kBuildOutputs[] = {"imageid", "digest", "metadata"};

constexpr BuiltInAction kActions[] = {
    {"actions/checkout", "v4", kCheckoutInputs, kCheckoutOutputs, checkout, nothing},
    {"actions/setup-node", "v4", kNodeInputs, kNodeOutputs, setup_node, nothing},
    {"actions/setup-python", "v5", kPythonInputs, kPythonOutputs, setup_python, nothing},
    {"actions/cache", "v4", kCacheInputs, kCacheOutputs, restore_cache, save_cache},
    {"actions/upload-artifact", "v4", kUploadInputs, kUploadOutputs, upload_artifact},
    {"actions/download-artifact", "v4", kDownloadInputs, kDownloadOutputs, download_artifact},
    {"docker/login-action", "v3", kDockerLoginInputs, {}, docker_login, docker_logout},
    {"docker/setup-buildx-action", "v3", kBuildxInputs, kBuildxOutputs, setup_buildx},
    {"docker/build-push-action", "v6", kBuildInputs, kBuildOutputs, build_push},
};

}  // namespace

const std::span<const BuiltInAction> source_actions = kActions;

}  // namespace workflow

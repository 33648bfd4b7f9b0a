// Node sources: packages that are imported but not declared. Files: tracked .env, and addresses in
// it.
#include <fmt/format.h>

#include "base/text.h"
#include "scenarios/checks/rules/common.h"

namespace checks {
namespace {

const std::set<std::string, std::less<>> kBuiltin = {"assert",
                                                     "async_hooks",
                                                     "buffer",
                                                     "child_process",
                                                     "cluster",
                                                     "console",
                                                     "constants",
                                                     "crypto",
                                                     "dgram",
                                                     "diagnostics_channel",
                                                     "dns",
                                                     "domain",
                                                     "events",
                                                     "fs",
                                                     "http",
                                                     "http2",
                                                     "https",
                                                     "inspector",
                                                     "module",
                                                     "net",
                                                     "os",
                                                     "path",
                                                     "perf_hooks",
                                                     "process",
                                                     "punycode",
                                                     "querystring",
                                                     "readline",
                                                     "repl",
                                                     "stream",
                                                     "string_decoder",
                                                     "sys",
                                                     "timers",
                                                     "tls",
                                                     "trace_events",
                                                     "tty",
                                                     "url",
                                                     "util",
                                                     "v8",
                                                     "vm",
                                                     "wasi",
                                                     "worker_threads",
                                                     "zlib"};

bool is_source(std::string_view path) {
    for (std::string_view end : {".js", ".mjs", ".cjs", ".ts", ".mts", ".jsx", ".tsx"})
        if (path.ends_with(end)) return true;
    return false;
}

// What does not ship: tests, and what git brought along.
bool is_aside(const std::string& path) {
    for (std::string_view part :
         {"node_modules/", "/dist/", "test/", "tests/", "__tests__/", ".test.", ".spec."})
        if (path.find(part) != std::string::npos) return true;
    return false;
}

// "@scope/name/x" → "@scope/name"; "" for what is no package.
std::string package_of(std::string_view specifier) {
    if (specifier.empty() ||
        std::string_view("./#~").find(specifier[0]) != std::string_view::npos ||
        specifier.starts_with("@/") || specifier.find(':') != std::string_view::npos)
        return {};
    for (char c : specifier)
        if (c == ' ' || c == '$' || c == '{' || c == '*') return {};
    auto [first, rest] = base::cut(specifier, '/');
    if (first.starts_with('@'))
        return std::string(first) + "/" + std::string(base::cut(rest, '/').first);
    return kBuiltin.contains(first) ? std::string() : std::string(first);
}

// Specifiers of import, export … from, import() and require() in a line, with their offsets.
std::vector<std::pair<size_t, std::string>> imports_of(std::string_view line) {
    std::vector<std::pair<size_t, std::string>> found;
    const std::string_view trimmed = base::trim(line);
    if (trimmed.starts_with("//") || trimmed.starts_with('*')) return found;
    const bool statement = trimmed.starts_with("import ") || trimmed.starts_with("import{") ||
                           trimmed.starts_with("export ") || trimmed.starts_with("} from");
    for (std::string_view before : {"from ", "import ", "import(", "require("}) {
        if (before == "from " && !statement) continue;
        if (before == "import " && !trimmed.starts_with("import ")) continue;
        for (size_t at = line.find(before); at != std::string_view::npos;
             at = line.find(before, at + 1)) {
            const size_t open = at + before.size();
            if (open >= line.size() || (line[open] != '"' && line[open] != '\'')) continue;
            const size_t close = line.find(line[open], open + 1);
            if (close != std::string_view::npos)
                found.emplace_back(open, line.substr(open + 1, close - open - 1));
        }
    }
    return found;
}

// What package.json declares at or above the directory; nothing when there is none.
std::optional<std::set<std::string>> declared_for(const Project& project, std::string directory,
                                                  std::string& nearest) {
    std::optional<std::set<std::string>> names;
    nearest.clear();
    for (bool more = true; more; directory = directory_of(directory)) {
        more = !directory.empty();
        const std::string file = directory.empty() ? "package.json" : directory + "/package.json";
        if (!project.repository.has(file)) continue;
        auto package = base::parse_json(project.repository.text(file));
        if (!package) continue;
        if (!names) names.emplace(), nearest = directory;
        names->insert((*package)["name"].as_string());
        for (std::string_view kind :
             {"dependencies", "devDependencies", "peerDependencies", "optionalDependencies"})
            for (const auto& [name, version] : (*package)[kind].members())
                names->insert(name);
    }
    return names;
}

bool is_public(std::string_view name) {
    for (std::string_view start :
         {"VITE_", "NEXT_PUBLIC_", "REACT_APP_", "PUBLIC_", "NUXT_PUBLIC_"})
        if (name.starts_with(start)) return true;
    return name == "NODE_ENV";
}

bool is_env_file(const std::string& path) {
    const std::string_view name = name_of(path);
    if (name != ".env" && !name.starts_with(".env.")) return false;
    for (std::string_view end : {".example", ".sample", ".template", ".dist"})
        if (name.ends_with(end)) return false;
    return path.find("node_modules/") == std::string::npos;
}

// Keys with their values and lines.
struct Entry {
    std::string key, value;
    base::Position position;
};
std::vector<Entry> entries_of(std::string_view text) {
    std::vector<Entry> all;
    uint32_t number = 0;
    for (std::string_view line : lines_of(text)) {
        ++number;
        std::string_view trimmed = base::trim(line);
        if (trimmed.empty() || trimmed.starts_with('#')) continue;
        if (trimmed.starts_with("export ")) trimmed.remove_prefix(7);
        const auto [key, value] = base::cut(trimmed, '=');
        all.push_back({std::string(base::trim(key)), std::string(base::trim(value)), {number, 1}});
    }
    return all;
}

}  // namespace

void undeclared_packages(const Project& project, Report& report) {
    std::set<std::string> told;
    for (const std::string& path : project.repository.paths()) {
        if (!is_source(path) || is_aside(path) || !path.starts_with(project.repository.home()))
            continue;
        std::string nearest;
        const auto declared = declared_for(project, directory_of(path), nearest);
        if (!declared) continue;
        uint32_t number = 0;
        for (std::string_view line : lines_of(project.repository.text(path))) {
            ++number;
            for (const auto& [offset, specifier] : imports_of(line)) {
                const std::string name = package_of(specifier);
                if (name.empty() || declared->contains(name) ||
                    declared->contains("@types/" + name) ||
                    !told.insert(nearest + " " + name).second)
                    continue;
                const std::string home = project.repository.shown(nearest);
                report.add(
                    path, {number, position_at(line, offset).column},
                    fmt::format("\"{}\" is imported, and {} does not declare it", name,
                                home.empty() ? "package.json" : home + "/package.json"),
                    fmt::format(
                        "{}npm install {}{}, then commit package.json and package-lock.json",
                        home.empty() ? "" : "(cd " + home + " && ", name, home.empty() ? "" : ")"));
            }
        }
    }
}

void tracked_env(const Project& project, Report& report) {
    for (const std::string& path : project.repository.paths()) {
        if (!is_env_file(path) || !project.repository.is_tracked(path)) continue;
        std::vector<std::string> keys;
        base::Position first;
        for (const auto& entry : entries_of(project.repository.text(path)))
            if (!is_public(entry.key)) {
                if (keys.empty()) first = entry.position;
                keys.push_back(entry.key);
            }
        if (!keys.empty())
            report.add(path, first, "the repository keeps the values of " + base::join(keys, ", "));
    }
}

void local_address(const Project& project, Report& report) {
    for (const std::string& path : project.repository.paths()) {
        // What `vite build` and its like read; a development file may name this machine.
        if (!is_env_file(path) || !project.repository.is_tracked(path) ||
            path.find("development") != std::string::npos ||
            path.find("local") != std::string::npos || path.find("test") != std::string::npos)
            continue;
        for (const auto& entry : entries_of(project.repository.text(path))) {
            if (!is_public(entry.key)) continue;
            const std::string value = base::lower(entry.value);
            const bool local = value.find("localhost") != std::string::npos ||
                               value.find("127.0.0.1") != std::string::npos;
            const bool url = entry.key.find("URL") != std::string::npos ||
                             entry.key.find("API_BASE") != std::string::npos;
            const bool bare = url && !value.empty() && value.find("://") == std::string::npos &&
                              value[0] != '/' && value[0] != '"' && value[0] != '\'' &&
                              value.find('.') != std::string::npos;
            if (local)
                report.add(
                    path, entry.position,
                    fmt::format("{} builds an address of this machine into the site", entry.key),
                    fmt::format("set {} to the API's public address (https://…)", entry.key));
            else if (bare)
                report.add(
                    path, entry.position,
                    fmt::format("{} has no scheme: a browser takes it for a path of the site",
                                entry.key),
                    fmt::format("write https:// in front of {}'s value", entry.key));
        }
    }
}

}  // namespace checks

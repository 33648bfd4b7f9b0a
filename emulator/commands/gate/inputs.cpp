// What a verdict depends on: the files, the flags, this binary, the programs and images it uses.
#include "commands/gate/inputs.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "backing/mariadb.h"
#include "backing/redis.h"
#include "base/date.h"
#include "base/digest.h"
#include "base/process.h"
#include "base/result.h"
#include "base/text.h"
#include "commands/git.h"
#include "commands/version.h"
#include "containers/docker_engine.h"
#include "oci/layout.h"
#include "state/instance.h"

namespace commands {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostRead = 8 << 20;  // a longer file is known by size and time
constexpr auto kEnginePatience = std::chrono::milliseconds(100);
constexpr int kImageDepth = 4;  // node/20-slim/index.json; the blobs are named by what they hold

// Programs that a workflow's steps or the stack run.
constexpr const char* kPrograms[] = {"node", "npm", "aws", "docker", "bash", "bwrap"};
// git puts its own programs in front of PATH when it runs a hook.
constexpr std::string_view kOfGit = "/git-core";
// Environment that reaches the stages' programs and changes what they do.
constexpr std::string_view kVariables[] = {
    "DODAM_",      "NODE_",        "npm_config_", "NPM_CONFIG_",  "DOCKER_",
    "HTTP_PROXY=", "HTTPS_PROXY=", "http_proxy=", "https_proxy=", "XDG_CACHE_HOME="};

std::string stamp(const std::string& path) {
    struct stat found{};
    if (::stat(path.c_str(), &found) != 0) return path + " is not there\n";
    return fmt::format("{} {} {}.{} {:o}\n", path, found.st_size, found.st_mtim.tv_sec,
                       found.st_mtim.tv_nsec, found.st_mode);
}

// What is in a file that git has no digest of; nothing for a directory.
std::optional<std::string> content(const std::string& path) {
    struct stat found{};
    if (::lstat(path.c_str(), &found) != 0) return "gone";
    if (S_ISLNK(found.st_mode)) {
        std::error_code ignored;
        return "link " + fs::read_symlink(path, ignored).string();
    }
    if (!S_ISREG(found.st_mode)) return std::nullopt;
    if (static_cast<uint64_t>(found.st_size) > kMostRead) return stamp(path);
    return fmt::format("{:o} {}", found.st_mode & S_IXUSR,
                       base::sha256_hex(state::read_file(path).value_or("")));
}

// The files as they are: the index, and whatever differs from it. Ignored ones count (a program
// reads .env whether git knows it or not); an ignored directory by its time alone.
std::optional<std::string> working_tree(const Git& git, const GateQuestion& question) {
    auto index = git.ask({"ls-files", "-s", "-z"});
    auto status = git.list({"status", "--porcelain", "-z", "--untracked-files=all",
                            "--ignored=matching", "--no-renames"});
    if (!index || !status) return std::nullopt;
    const std::string own =
        fs::path(question.state).lexically_relative(question.top).string() + "/";
    std::string text = *index;
    for (const std::string& entry : *status) {
        const std::string path = entry.substr(std::min<size_t>(3, entry.size()));
        if (path.starts_with(own)) continue;
        auto held = content(question.top + "/" + path);
        if (!held && !entry.starts_with("!!")) return std::nullopt;
        text += fmt::format("{}\n{}\n", entry, held ? *held : stamp(question.top + "/" + path));
    }
    return text;
}

std::string path() {
    const char* given = std::getenv("PATH");
    std::vector<std::string> out;
    for (std::string_view directory : base::split(given ? given : "", ':'))
        if (!directory.ends_with(kOfGit)) out.emplace_back(directory);
    return base::join(out, ":");
}

std::string programs() {
    const std::string directories = path();
    std::string text = directories + "\n";
    for (const char* name : kPrograms)
        if (const std::string program = base::find_program(name, directories); !program.empty())
            text += stamp(program);
    return text + stamp(backing::mariadb_program()) + stamp(backing::redis_program());
}

std::string environment() {
    std::vector<std::string> found;
    for (char** entry = environ; *entry; ++entry)
        if (std::ranges::any_of(kVariables, [&](std::string_view start) {
                return std::string_view(*entry).starts_with(start);
            }))
            found.emplace_back(*entry);
    std::ranges::sort(found);
    return base::join(found, "\n");
}

std::string images() {
    std::vector<std::string> found;
    std::error_code ignored;
    fs::recursive_directory_iterator walk(oci::OfflineImages::default_directory(), ignored), end;
    for (; walk != end; walk.increment(ignored)) {
        if (walk->path().filename() == "blobs" || walk.depth() >= kImageDepth)
            walk.disable_recursion_pending();
        if (walk->path().filename() == "index.json") found.push_back(stamp(walk->path().string()));
    }
    std::ranges::sort(found);
    return base::join(found, "");
}

std::string engine(const Arguments& arguments) {
    if (arguments.get("runtime") == "process") return "";
    const auto facts = containers::DockerEngine::ask("", kEnginePatience);
    return facts ? facts->version : "none";
}

}  // namespace

std::optional<push::Inputs> gate_inputs(base::Spawner& spawner, const Arguments& arguments,
                                        const GateQuestion& question, base::Time now) {
    const Git git(spawner, question.top);
    const auto files =
        question.commit.empty()
            ? working_tree(git, question)
            : std::optional(git.line({"rev-parse", "--verify", question.commit + "^{tree}"}));
    if (!files || files->empty()) return std::nullopt;
    std::string flags;
    for (const char* flag : {"tree", "deploy", "speed", "runtime", "backing", "strict"})
        flags += fmt::format("{}={}\n", flag, arguments.get(flag));
    const std::string self = fs::read_symlink("/proc/self/exe").string();

    push::Inputs inputs;
    inputs.add("files", *files);
    inputs.add("stack file", fs::relative(question.stack_file, question.top).string());
    inputs.add("flags", flags);
    inputs.add("selection", question.selection);
    inputs.add("dodam", fmt::format("{}\n{}{}", kVersion, stamp(self),
                                    stamp(fs::path(self).parent_path() / "dodam-holder")));
    inputs.add("environment", environment());
    inputs.add("programs", programs());
    inputs.add("images", images());
    inputs.add("engine", engine(arguments));
    // A known failure's "until" ends with a day, and so does a verdict.
    inputs.add("day", base::iso_date(now).substr(0, 10));
    return inputs;
}

}  // namespace commands

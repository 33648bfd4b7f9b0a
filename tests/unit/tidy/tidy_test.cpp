// Reads the sources: who includes whom, calls that have a better replacement here, how files begin.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

struct Source {
    std::string path;  // from the repository's root
    std::string text;
};

std::vector<Source> read_sources(std::initializer_list<std::string> roots) {
    std::vector<Source> sources;
    for (const std::string& root : roots) {
        fs::path top = fs::path(SOURCE_DIR) / root;
        if (!fs::exists(top)) continue;
        for (auto at = fs::recursive_directory_iterator(top);
             at != fs::recursive_directory_iterator(); ++at) {
            if (at->path().filename() == "node_modules") {
                at.disable_recursion_pending();
                continue;
            }
            if (at->path().extension() != ".h" && at->path().extension() != ".cpp") continue;
            std::ostringstream text;
            text << std::ifstream(at->path()).rdbuf();
            sources.push_back({fs::relative(at->path(), SOURCE_DIR).string(), text.str()});
        }
    }
    std::sort(sources.begin(), sources.end(),
              [](const Source& a, const Source& b) { return a.path < b.path; });
    return sources;
}

// Comments and literals become spaces; lines stay.
std::string code_of(const std::string& text) {
    std::string code = text;
    enum { Code, Line, Block, String, Char, Raw } state = Code;
    std::string raw_end;
    for (size_t i = 0; i < text.size(); ++i) {
        auto rest = std::string_view(text).substr(i);
        if (state == Code) {
            if (rest.starts_with("//"))
                state = Line;
            else if (rest.starts_with("/*"))
                state = Block;
            else if (rest.starts_with("R\"")) {
                raw_end = ")" + std::string(rest.substr(2, rest.find('(') - 2)) + "\"";
                state = Raw;
                continue;
            } else if (rest[0] == '"' && !(i > 0 && text[i - 1] == '\'')) {
                state = String;
                continue;
            } else if (rest[0] == '\'' &&
                       (i == 0 || !std::isalnum(static_cast<unsigned char>(text[i - 1])))) {
                state = Char;
                continue;
            }
        }
        if (state == Code || text[i] == '\n') {
            if (state == Line) state = Code;
            continue;
        }
        code[i] = ' ';
        if (state == Block && rest.starts_with("*/")) {
            code[++i] = ' ';
            state = Code;
        } else if ((state == String || state == Char) && rest[0] == '\\') {
            code[++i] = ' ';
        } else if ((state == String && rest[0] == '"') || (state == Char && rest[0] == '\'')) {
            state = Code;
        } else if (state == Raw && rest.starts_with(raw_end)) {
            i += raw_end.size() - 1;
            state = Code;
        }
    }
    return code;
}

// "emulator/aws/sigv4.cpp" → "aws"; the files beside main.cpp and the commands see everyone: "".
std::string folder_of(const std::string& path) {
    if (path.starts_with("scenarios/")) return "scenarios";
    if (!path.starts_with("emulator/")) return "";
    std::string rest = path.substr(9);
    size_t slash = rest.find('/');
    std::string folder = slash == std::string::npos ? "" : rest.substr(0, slash);
    return folder == "commands" ? "" : folder;
}

std::vector<std::string> includes_of(const std::string& text) {
    std::vector<std::string> includes;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("#include")) continue;
        size_t open = line.find_first_of("<\""), close = line.find_last_of(">\"");
        if (open < close) includes.push_back(line.substr(open + 1, close - open - 1));
    }
    return includes;
}

const Names kServices = {"cloudfront", "elbv2",          "s3", "ecs", "ecr", "logs", "sts",
                         "ssm",        "secretsmanager", "acm"};

// Our folders that a folder's files may include, itself aside.
std::map<std::string, Names> allowed_folders() {
    std::map<std::string, Names> allowed = {
        {"base", {}},
        {"net", {"base"}},
        {"http", {"base", "net"}},
        {"state", {"base"}},
        {"oci", {"base"}},
        {"faults", {"base"}},
        {"recorder", {"base", "net", "http"}},
        {"aws", {"base", "net", "http", "state"}},
        {"containers", {"base", "net", "http", "oci", "faults"}},
        {"taps", {"base", "net", "http", "containers", "faults"}},
        {"backing", {"base", "net", "http", "state", "containers", "taps", "faults"}},
        {"stack", {"base", "net", "http", "state", "aws", "oci"}},
        {"metrics", {"base", "net", "http"}},
        {"snapshots", {"base", "state"}},
        {"scenarios", {"base", "oci"}},
    };
    for (const std::string& service : kServices)
        allowed[service] = {"base", "net", "http", "state", "aws", "faults"};
    allowed["ecr"].insert("oci");
    allowed["ecs"].insert({"containers", "oci"});
    // The console shows everything; it reads stores.
    allowed["console"] = {"base",   "net",        "http", "state",   "aws",
                          "faults", "containers", "taps", "backing", "metrics"};
    allowed["console"].insert(kServices.begin(), kServices.end());
    return allowed;
}

// What may stand in the request's way: they see nouns and snapshots, never rows.
const Names kRequestPath = {"cloudfront/edge",
                            "cloudfront/distribution_match",
                            "cloudfront/viewer_access",
                            "cloudfront/behavior_match",
                            "cloudfront/cache_key",
                            "cloudfront/cache",
                            "cloudfront/cache_storage",
                            "cloudfront/origin_request",
                            "cloudfront/origin_fetch",
                            "cloudfront/ttl",
                            "cloudfront/viewer_response",
                            "cloudfront/access_log",
                            "elbv2/balancer",
                            "elbv2/rule_match",
                            "elbv2/actions",
                            "elbv2/target_choice",
                            "elbv2/forward",
                            "elbv2/access_log"};

enum class As { Name, Call };
struct Banned {
    std::string name;
    As as;
    std::string replacement;
    Names except;
};
const Banned kBanned[] = {
    {"system_clock::now", As::Call, "base::Clock", {"emulator/base/clock.cpp"}},
    {"detach", As::Call, "base::Thread, joined by its owner", {"emulator/base/process.cpp"}},
    {"sleep_for", As::Call, "base::Clock::wait_until, or a net::Deadline", {}},
    {"sleep_until", As::Call, "base::Clock::wait_until, or a net::Deadline", {}},
    {"usleep", As::Call, "base::Clock::wait_until, or a net::Deadline", {}},
    {"nanosleep", As::Call, "base::Clock::wait_until, or a net::Deadline", {}},
    {"using namespace", As::Name, "the qualified name", {}},
    {"std::async", As::Name, "base::Thread", {}},
    {"std::thread", As::Name, "base::Thread", {}},
    {"std::jthread", As::Name, "base::Thread", {}},
    {"co_await", As::Name, "blocking code with a deadline", {}},
    {"co_return", As::Name, "blocking code with a deadline", {}},
    {"co_yield", As::Name, "blocking code with a deadline", {}},
    {"fork", As::Call, "base::Spawner", {}},
    {"vfork", As::Call, "base::Spawner", {}},
    {"popen", As::Call, "base::Spawner", {}},
    {"std::system", As::Call, "base::Spawner", {}},
    {"std::random_device", As::Name, "base/ids", {}},
    {"std::mt19937", As::Name, "base/ids", {}},
    {"rand", As::Call, "base/ids", {}},
    {"srand", As::Call, "base/ids", {}},
    {"atoi", As::Call, "base::parse_signed", {}},
    {"atol", As::Call, "base::parse_signed", {}},
    {"stoi", As::Call, "base::parse_signed", {}},
    {"stol", As::Call, "base::parse_signed", {}},
    {"localtime", As::Call, "base/date", {}},
    {"localtime_r", As::Call, "base/date", {}},
    {"mktime", As::Call, "base/date", {}},
    {"strftime", As::Call, "base/date", {}},
};

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

// Lines of `code` that use a name.
std::vector<int> uses(const std::string& code, const Banned& banned) {
    std::vector<int> lines;
    for (size_t at = code.find(banned.name); at != std::string::npos;
         at = code.find(banned.name, at + 1)) {
        size_t end = at + banned.name.size();
        if ((at > 0 && is_word(code[at - 1])) || (end < code.size() && is_word(code[end])))
            continue;
        size_t next = code.find_first_not_of(' ', end);
        if (banned.as == As::Call && (next == std::string::npos || code[next] != '(')) continue;
        // Inside a function it is a matter of taste; at the top it leaks.
        if (banned.name == "using namespace" && at > 0 && code[at - 1] == ' ') continue;
        lines.push_back(1 + static_cast<int>(std::count(
                                code.begin(), code.begin() + static_cast<long>(at), '\n')));
    }
    return lines;
}

// Headers that cost seconds per file, or that have one owner.
struct Owned {
    std::string prefix;
    Names owners;  // paths, or folders that end with a slash
};
const Owned kOwned[] = {
    {"nlohmann/", {"emulator/base/json.cpp"}},
    {"sqlite3.h", {"emulator/state/database.cpp"}},
    {"boost/process", {"emulator/base/process.cpp"}},
    {"httplib.h", {"scenarios/", "emulator/oci/", "emulator/commands/", "emulator/stack/"}},
    {"nghttp2/", {"emulator/http/"}},
    {"yaml.h", {"scenarios/yaml/document.cpp"}},
};

bool owns(const Names& owners, const std::string& path) {
    return std::any_of(owners.begin(), owners.end(), [&](const std::string& owner) {
        return owner.ends_with('/') ? path.starts_with(owner) : path == owner;
    });
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

std::string joined(const std::vector<std::string>& problems) {
    std::string text;
    for (const std::string& problem : problems)
        text += problem + "\n";
    return text;
}

}  // namespace

TEST_CASE("includes point downwards (DECISIONS 8, \"Who may include whom\")") {
    std::vector<std::string> problems;
    auto allowed = allowed_folders();
    for (const Source& source : read_sources({"emulator", "scenarios"})) {
        std::string folder = folder_of(source.path);
        if (folder.empty()) continue;
        if (!allowed.contains(folder)) {
            problems.push_back(source.path + ": the folder \"" + folder +
                               "\" is not in this test's table");
            continue;
        }
        for (const std::string& include : includes_of(source.text)) {
            std::string target = include.substr(0, include.find('/'));
            if (target == folder || include.find('/') == std::string::npos ||
                !allowed.contains(target))
                continue;
            if (!allowed[folder].contains(target))
                problems.push_back(source.path + " includes " + include + ": " + folder +
                                   " may not use " + target);
        }
    }
    CHECK(joined(problems) == "");
}

TEST_CASE("request-path files see models and snapshots, never rows") {
    std::vector<std::string> problems;
    for (const Source& source : read_sources({"emulator"})) {
        std::string stem = source.path.substr(9, source.path.rfind('.') - 9);
        if (!kRequestPath.contains(stem)) continue;
        std::string folder = folder_of(source.path);
        for (const std::string& include : includes_of(source.text))
            if (include.starts_with(folder + "/api/") || include == folder + "/store.h" ||
                include.starts_with("state/"))
                problems.push_back(source.path + " includes " + include);
    }
    CHECK(joined(problems) == "");
}

TEST_CASE("heavy headers stay with their owners") {
    std::vector<std::string> problems;
    for (const Source& source : read_sources({"emulator", "scenarios"}))
        for (const std::string& include : includes_of(source.text))
            for (const Owned& owned : kOwned)
                if (include.starts_with(owned.prefix) && !owns(owned.owners, source.path))
                    problems.push_back(source.path + " includes " + include);
    CHECK(joined(problems) == "");
}

TEST_CASE("banned calls have a replacement") {
    std::vector<std::string> problems;
    for (const Source& source : read_sources({"emulator", "scenarios"})) {
        // The holder is a program of its own: static, tiny, without base.
        if (source.path.find("/holder/") != std::string::npos) continue;
        std::string code = code_of(source.text);
        for (const Banned& banned : kBanned) {
            if (banned.except.contains(source.path)) continue;
            for (int line : uses(code, banned))
                problems.push_back(source.path + ":" + std::to_string(line) + ": use " +
                                   banned.replacement + " instead of " + banned.name);
        }
    }
    CHECK(joined(problems) == "");
}

TEST_CASE("tests do not sleep and do not read wall time") {
    std::vector<std::string> problems;
    for (const Source& source : read_sources({"tests"})) {
        std::string code = code_of(source.text);
        for (const char* name :
             {"sleep_for", "sleep_until", "usleep", "nanosleep", "system_clock::now"})
            if (!uses(code, {name, As::Call, "", {}}).empty())
                problems.push_back(source.path + ": " + name);
    }
    CHECK(joined(problems) == "");
}

TEST_CASE("every file opens by saying what it owns, and leaves no TODO") {
    std::vector<std::string> problems;
    auto sources = read_sources({"emulator", "scenarios", "tests"});
    Names commented;
    for (const Source& source : sources)
        if (first_line(source.text).starts_with("// ")) commented.insert(source.path);
    for (const Source& source : sources) {
        // A pair may say it once, in its header.
        std::string header = source.path.substr(0, source.path.rfind('.')) + ".h";
        if (!commented.contains(source.path) && !commented.contains(header))
            problems.push_back(source.path + ": begins without a comment");
        if (source.path.ends_with(".h") && source.text.find("#pragma once") == std::string::npos)
            problems.push_back(source.path + ": no #pragma once");
        if (source.path == "tests/unit/tidy/tidy_test.cpp") continue;
        for (const char* mark : {"TODO", "FIXME", "XXX"})
            if (!uses(source.text, {mark, As::Name, "", {}}).empty())
                problems.push_back(source.path + ": " + mark + " belongs into an issue");
    }
    CHECK(joined(problems) == "");
}

TEST_CASE("this test's own reader drops comments and literals, and nothing else") {
    for (std::string text :
         {"a; // x\nb;", "a /* x\ny */ b", "f(\"x\", 'x', 1'000) // y", "R\"(x\"y)\" c"}) {
        std::string code = code_of(text);
        CAPTURE(text);
        CHECK(code.size() == text.size());
        for (char gone : {'x', 'y'})
            CHECK(code.find(gone) == std::string::npos);
        CHECK(std::count(code.begin(), code.end(), '\n') ==
              std::count(text.begin(), text.end(), '\n'));
    }
    CHECK(code_of("f(\"a\\\"b\"); g();").find("g();") != std::string::npos);
    CHECK(code_of("if (c == '\"') h();").find("h();") != std::string::npos);
    CHECK(code_of("f(R\"(\")\", x());").find("x()") != std::string::npos);
}

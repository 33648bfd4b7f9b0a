#include "backing/compose.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "base/text.h"
#include "containers/docker_engine.h"

extern "C" const char dodam_compose_file_begin[], dodam_compose_file_end[];

namespace backing {
namespace {

namespace fs = std::filesystem;
using base::Node;
using containers::DockerEngine;

constexpr std::chrono::milliseconds kProbe{3'000};
constexpr auto kToolWait = std::chrono::seconds(20);
constexpr auto kUpWait = std::chrono::minutes(10);  // images may have to be pulled
constexpr std::chrono::milliseconds kTick{100};
constexpr auto kServerWait = std::chrono::seconds(90);
constexpr size_t kShownErrorBytes = 400;

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::string query(const std::string& label) {
    return "filters=" +
           base::percent_encode(base::to_json(Node::object({{"label", Node::array({label})}})));
}

// Both spellings: the plugin, and the older tool.
std::optional<std::vector<std::string>> find_tool(base::Spawner& spawner) {
    for (const std::vector<std::string>& tool :
         {std::vector<std::string>{"docker", "compose"}, {"docker-compose"}}) {
        base::ProcessOptions options;
        options.command = tool;
        options.command.emplace_back("version");
        options.new_session = true;
        auto answer = base::run(spawner, std::move(options), kToolWait);
        if (answer && answer->exit_code == 0) return tool;
    }
    return std::nullopt;
}

// Progress bars and blank lines say nothing afterwards; the last lines name the cause.
std::string cause_of(const std::string& text) {
    std::vector<std::string> lines;
    for (auto line : base::split(text, '\n'))
        if (auto trimmed = base::trim(line); !trimmed.empty()) lines.emplace_back(trimmed);
    std::string cause = lines.empty() ? "it says nothing" : lines.back();
    return cause.substr(0, kShownErrorBytes);
}

void remove_project(const std::string& project) {
    DockerEngine engine;
    const std::string label = "com.docker.compose.project=" + project;
    auto each = [&](const std::string& list, std::string_view key, auto act) {
        auto answer = engine.call("GET", list);
        if (!answer || !answer->ok()) return;
        const Node found = answer->json();
        const Node& items = key.empty() ? found : found[key];
        for (const Node& one : items.items())
            act(one);
    };
    each("/containers/json?all=true&" + query(label), "", [&](const Node& one) {
        (void)engine.call("DELETE", "/containers/" + one["Id"].as_string() + "?force=true&v=true");
    });
    each("/volumes?" + query(label), "Volumes", [&](const Node& one) {
        (void)engine.call("DELETE", "/volumes/" + one["Name"].as_string());
    });
    each("/networks?" + query(label), "", [&](const Node& one) {
        (void)engine.call("DELETE", "/networks/" + one["Id"].as_string());
    });
}

}  // namespace

Compose::Compose(base::Spawner& spawner, ComposeOptions options)
    : spawner_(spawner), options_(std::move(options)) {
    if (const std::string sockets = variable("DODAM_BACKING_SOCKETS"); !sockets.empty()) {
        started_elsewhere_ = true;
        options_.sockets = sockets;
        password_ = variable("DODAM_BACKING_PASSWORD");
    } else {
        options_.sockets += "/backing";
        password_ = base::random_hex(32);
    }
}

std::expected<void, state::Problem> Compose::up(const std::vector<std::string>& services) {
    if (started_elsewhere_) return {};
    auto problem = [](const std::string& text) { return std::unexpected(state::Problem{text}); };
    auto engine = DockerEngine::ask("", kProbe);
    if (!engine)
        return problem(engine.error() +
                       "; start one, or leave --backing out to start MariaDB and Redis here");
    auto tool = find_tool(spawner_);
    if (!tool)
        return problem(
            "Docker Compose is missing: apt-get install docker-compose, or leave --backing out to "
            "start MariaDB and Redis here");
    remove_project(project());

    std::error_code error;
    fs::remove_all(options_.sockets, error);
    fs::create_directories(options_.directory, error);
    if (!error) fs::create_directories(options_.sockets, error);
    if (error) return problem(fmt::format("cannot make {}: {}", options_.sockets, error.message()));
    ::chmod(options_.sockets.c_str(), 01777);  // below a directory that is ours alone
    const std::string file = options_.directory + "/docker-compose.yml";
    if (auto written = state::write_file(file, {dodam_compose_file_begin, dodam_compose_file_end});
        !written)
        return problem(written.error());

    std::map<std::string, std::string> environment;
    for (char** entry = environ; *entry; ++entry) {
        auto [name, value] = base::cut(*entry, '=');
        environment.emplace(name, value);
    }
    environment["DOCKER_HOST"] = "unix://" + DockerEngine().socket_path();
    environment["DODAM_SOCKETS"] = options_.sockets;
    environment["DODAM_BACKING_PASSWORD"] = password_;
    environment["DODAM_REDIS_CLUSTER"] = options_.cluster_mode ? "yes" : "no";
    environment["DODAM_INSTANCE"] = options_.instance;
    options_.progress(fmt::format("backing     {} starts {}", base::join(*tool, " "),
                                  base::join(services, " and ")));
    is_up_ = true;
    std::vector<std::string> command = *tool;
    for (const std::string& word :
         {std::string("-f"), file, std::string("-p"), project(), std::string("up"),
          std::string("-d"), std::string("--no-build")})
        command.push_back(word);
    command.insert(command.end(), services.begin(), services.end());
    return run(command, std::move(environment), base::join(services, " and "));
}

std::expected<void, state::Problem> Compose::run(const std::vector<std::string>& command,
                                                 std::map<std::string, std::string> environment,
                                                 const std::string& what) {
    auto problem = [](const std::string& text) { return std::unexpected(state::Problem{text}); };
    const std::string log = options_.directory + "/log";
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (output < 0) return problem("cannot write " + log);
    base::ProcessOptions options;
    options.command = command;
    options.environment = std::move(environment);
    options.standard_output = options.standard_error = output;
    options.new_session = true;  // a Ctrl-C is ours to carry out
    auto process = spawner_.spawn(std::move(options));
    ::close(output);
    if (!process) return problem("Docker Compose could not be started: " + process.error());
    base::SystemClock clock;
    const base::Time end = clock.now() + kUpWait;
    std::optional<int> code;
    while (!(code = (*process)->wait(kTick))) {
        if (!options_.interrupted() && clock.now() < end) continue;
        (*process)->signal(SIGTERM);
        if (!(*process)->wait(kToolWait)) (*process)->signal(SIGKILL);
        return problem(options_.interrupted()
                           ? std::string(kInterrupted)
                           : fmt::format("Docker Compose did not start {} within {} min", what,
                                         kUpWait.count()));
    }
    if (*code != 0)
        return problem(
            fmt::format("Docker Compose could not start {}: {} (without a registry, "
                        "script/offline-images makes the images)",
                        what, cause_of(state::read_file(log).value_or(""))));
    return {};
}

void Compose::down() {
    if (!is_up_) return;
    is_up_ = false;
    remove_project(project());
    std::error_code ignored;
    fs::remove_all(options_.sockets, ignored);
    fs::remove_all(options_.directory, ignored);
}

// Why a service's container does not run: its exit code and the last thing it said.
std::optional<std::string> Compose::why_gone(const std::string& service) const {
    if (started_elsewhere_) return std::nullopt;
    DockerEngine engine;
    const Node labels =
        Node::object({{"label", Node::array({"com.docker.compose.project=" + project(),
                                             "com.docker.compose.service=" + service})}});
    auto list = engine.call(
        "GET", "/containers/json?all=true&filters=" + base::percent_encode(base::to_json(labels)));
    if (!list) return list.error();
    const Node found = list->json();
    if (found.items().empty()) return fmt::format("its container is gone");
    const Node& one = found.items().front();
    if (one["State"].as_string() != "exited" && one["State"].as_string() != "dead")
        return std::nullopt;
    std::string last;
    if (auto log = engine.call(
            "GET", "/containers/" + one["Id"].as_string() + "/logs?stdout=1&stderr=1&tail=5");
        log && log->ok()) {
        containers::FrameReader frames;
        frames.feed(log->body);
        for (containers::FrameReader::Frame frame; frames.next(frame);)
            last += frame.bytes;
    }
    return fmt::format("its container ended ({}): {}", one["Status"].as_string(), cause_of(last));
}

Served Compose::served(const std::string& service, const std::string& name, Door door) const {
    Served served;
    served.name = name;
    served.place = "in Docker Compose";
    served.owner = Owner::Us;
    served.connect = [socket = door.socket] {
        auto path = net::Address::unix_path(socket);
        return net::Socket::connect(*path, net::Deadline::after(std::chrono::seconds(5)));
    };
    served.door = std::move(door);
    served.patience = kServerWait;
    served.gone = [this, service] { return why_gone(service); };
    served.progress = options_.progress;
    served.interrupted = options_.interrupted;
    return served;
}

Served Compose::database() const {
    return served("mariadb", "MariaDB", {options_.sockets + "/mariadb.sock", "root", password_});
}
Served Compose::cache() const {
    return served("redis", "Redis", {options_.sockets + "/redis.sock", "dodam-admin", password_});
}

void remove_compose_leftovers(const std::string& instance, const std::string& directory) {
    if (!fs::exists(directory) || !DockerEngine::ask("", kProbe)) return;
    remove_project("dodam-" + instance);
    std::error_code ignored;
    fs::remove_all(directory, ignored);
}

}  // namespace backing

// See deploy.h.
#include "commands/gate/deploy.h"

#include <fmt/format.h>
#include <httplib.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/process.h"
#include "base/result.h"
#include "base/text.h"
#include "commands/commands.h"
#include "commands/docker.h"
#include "containers/docker_engine.h"
#include "state/instance.h"

namespace commands {

namespace {

namespace fs = std::filesystem;
using base::Node;

constexpr auto kDeployWait = std::chrono::minutes(15);
constexpr auto kRollbackWait = std::chrono::seconds(15);

// The user's settings for docker but for where logins are kept: a world's registry and its password
// end with it.
std::expected<std::string, std::string> docker_settings(const Gate& gate) {
    const char* given = std::getenv("DOCKER_CONFIG");
    const char* home = std::getenv("HOME");
    const std::string users =
        given && *given ? given : std::string(home ? home : "/root") + "/.docker";
    auto settings = base::parse_json(state::read_file(users + "/config.json").value_or("{}"));
    Node kept = Node::object();
    if (settings)
        for (const auto& [name, value] : settings->members())
            if (name != "credsStore" && name != "currentContext") kept.set(name, value);
    const std::string directory = gate.world + "/docker";
    std::error_code error;
    fs::create_directories(directory, error);
    if (error)
        return std::unexpected(fmt::format("cannot make {}: {}", directory, error.message()));
    TRY(state::write_file(directory + "/config.json", base::to_json(kept), 0600));
    return directory;
}

// A Docker engine runs the tasks, and its client is here: then they build and push, too.
bool builds_with_engine(const Client& client) {
    auto status = client.get("/status");
    return status && (*status)["runtime"].as_string().starts_with("docker") &&
           !base::find_program("docker").empty();
}

// The workflow that deploys: workflow.file of the stack file, else the only one of
// .github/workflows that deploys to ECS. "" when there is none.
std::string deploy_workflow(const Gate& gate) {
    const std::string stack = gate.app + "/" + gate.stack_name();
    auto parsed =
        base::parse_json(state::read_file(stack).value_or("{}"), base::JsonDialect::WithComments);
    if (parsed && !(*parsed)["workflow"]["file"].as_string().empty())
        return (fs::path(gate.app) / (*parsed)["workflow"]["file"].as_string()).string();
    std::vector<std::string> found;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(gate.app + "/.github/workflows", ignored)) {
        const std::string extension = entry.path().extension().string();
        if ((extension == ".yml" || extension == ".yaml") &&
            state::read_file(entry.path().string())
                    .value_or("")
                    .find("amazon-ecs-deploy-task-definition") != std::string::npos)
            found.push_back(entry.path().string());
    }
    return found.size() == 1 ? found.front() : "";
}

int run_workflow(Gate& gate, const Client& client, const std::string& file) {
    if (builds_with_engine(client))
        gate.registry = client.info().aws_endpoint.substr(std::string_view("http://").size());
    gate.deployer = fs::relative(file, gate.app).string();
    std::vector<std::string> command = {gate.self,
                                        "workflow",
                                        "run",
                                        file,
                                        "--always",
                                        "--state",
                                        gate.world + "/state",
                                        "-f",
                                        gate.app + "/" + gate.stack_name()};
    if (!judges_commit(gate)) command.insert(command.end(), {"--tree", "working"});
    return gate.logged("deploy", std::move(command), gate.within_budget(kDeployWait), gate.app);
}

// A path that a behaviour's pattern matches.
std::string path_of(const std::string& pattern) {
    const std::string path = base::replace_all(base::replace_all(pattern, "*", ""), "?", "x");
    return path.starts_with('/') ? path : "/" + path;
}

// One request through CloudFront by each way to a load balancer: the report says which digest
// answered.
void ask_through_cloudfront(const Client& client) {
    auto status = client.get("/status");
    if (!status) return;
    httplib::Client viewer((*status)["viewer_endpoint"].as_string());
    viewer.set_connection_timeout(kAskWait);
    viewer.set_read_timeout(kAskWait);
    for (const auto& [name, distribution] : (*status)["distributions"].members()) {
        std::set<std::string> customs;
        for (const Node& origin : distribution["origins"].items())
            if (origin["kind"].as_string() == "custom") customs.insert(origin["id"].as_string());
        for (const Node& route : distribution["routes"].items())
            if (customs.contains(route["target"].as_string()))
                (void)viewer.Get(
                    path_of(route["path"].as_string()) + "?dodam-proof=" + base::random_hex(8),
                    {{"Host", distribution["domain"].as_string()}});
    }
}

}  // namespace

int deploy(Gate& gate, const Client& client) {
    if (!gate.arguments.has("deploy"))
        if (const std::string file = deploy_workflow(gate); !file.empty())
            return run_workflow(gate, client, file);
    const std::string script =
        (fs::path(gate.app) /
         (gate.arguments.has("deploy") ? gate.arguments.get("deploy") : "deploy.sh"))
            .string();
    gate.deployer = fs::relative(script, gate.app).string();
    if (!fs::exists(script))
        return fail(
            kWrongInput,
            fmt::format("there is no {}, and no workflow that deploys in .github/workflows; name "
                        "the script that "
                        "deploys with --deploy, or the workflow at workflow.file in dodam.json",
                        script));
    std::map<std::string, std::string> environment = {
        {"AWS_ENDPOINT_URL", client.info().aws_endpoint},
        {"AWS_CLI", "/usr/bin/aws"},
        {"AWS_ACCESS_KEY_ID", "test"},
        {"AWS_SECRET_ACCESS_KEY", "test"},
        {"AWS_EC2_METADATA_DISABLED", "true"},
        {"AWS_CONFIG_FILE", "/dev/null"},
        {"AWS_SHARED_CREDENTIALS_FILE", "/dev/null"},
        {"DODAM_STATE", gate.world + "/state"},
        {"IMAGE_TAG", judges_commit(gate) ? gate.commit : base::random_hex(40)}};
    // Where tasks run in an engine, it also builds and pushes, as the workflow does; otherwise our
    // own builder does.
    if (builds_with_engine(client)) {
        auto settings = docker_settings(gate);
        if (!settings) return fail(kNotStarted, settings.error());
        gate.registry = client.info().aws_endpoint.substr(std::string_view("http://").size());
        environment["DOCKER_CONFIG"] = *settings;
        environment["DOCKER_HOST"] = "unix://" + containers::DockerEngine().socket_path();
        environment["DODAM"] = "";
        const std::string shims = gate.world + "/bin";
        if (!write_docker_shim(shims, base::find_program("docker"), client))
            return fail(kNotStarted, "cannot write " + shims);
        const char* path = std::getenv("PATH");
        environment["PATH"] = shims + (path ? ":" + std::string(path) : "");
        gate.say("deploy", "the Docker engine builds and pushes the image");
    } else {
        environment["DODAM"] = gate.self;
    }
    return gate.logged("deploy", {"/bin/bash", script}, gate.within_budget(kDeployWait), gate.app,
                       std::move(environment));
}

int prove(Gate& gate, const Client& client) {
    ask_through_cloudfront(client);
    auto answer = client.get("/deployments");
    if (!answer) return fail(answer.error());
    int code = kOk;
    for (const auto& [name, service] : (*answer)["services"].members()) {
        const Node& report = service["report"];
        const Node& digests = report["digests"];
        if (digests["pushed"].as_string().empty()) {
            gate.say("deploy", fmt::format("{}: no image was pushed", name));
        } else if (report["arrived"].as_bool()) {
            gate.say(
                "proof",
                fmt::format("{}: the digest pushed is the digest that runs in {} task{}{}: {}",
                            name, service["tasks"].size(), service["tasks"].size() == 1 ? "" : "s",
                            digests["answered"].size() ? " and answers through CloudFront" : "",
                            digests["pushed"].as_string().substr(0, 19)));
        } else {
            fmt::print(stderr, "dodam: the deploy of {} did not arrive\n", name);
            print_report(report, stderr);
            code = kFailed;
        }
    }
    return code;
}

void tell_failures(Gate& gate, const Client& client) {
    if (gate.profile.brief) return;
    auto answer = client.get("/deployments");
    const base::Time until = gate.clock.now() + kRollbackWait;
    while (answer && !deploys_are_over((*answer)["services"]) && gate.clock.now() < until) {
        (void)gate.clock.wait_until(gate.clock.now() + kLookAgain);
        answer = client.get("/deployments");
    }
    if (!answer) return;
    for (const auto& [name, service] : (*answer)["services"].members()) {
        const Node& report = service["report"];
        if (report["arrived"].as_bool()) continue;
        fmt::print(stderr, "\n");
        print_report(report, stderr);
        fmt::print(stderr,
                   "look     dodam gate --keep-world leaves all of it: dodam logs, status, "
                   "trace\n");
    }
}

}  // namespace commands

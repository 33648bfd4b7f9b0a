// dodam status: every endpoint and id, and the health of each part.
#include <fmt/format.h>

#include <cstdio>

#include "commands/client.h"
#include "commands/commands.h"

namespace commands {
namespace {

using base::Node;

void line(std::string_view name, std::string_view text) {
    fmt::print("  {:<22} {}\n", name, text);
}

void print(const Node& status) {
    fmt::print("aws       {}\nviewer    {}   {}\nconsole   {}\n",
               status["aws_endpoint"].as_string(), status["viewer_endpoint"].as_string(),
               status["viewer_tls_endpoint"].as_string(), status["console"].as_string());
    if (const auto& runtime = status["runtime"].as_string(); !runtime.empty())
        fmt::print("runtime   {} ({})\n", runtime, status["runtime_reason"].as_string());
    if (status["distributions"].size()) fmt::print("distributions\n");
    for (const auto& [name, d] : status["distributions"].members())
        line(name, fmt::format("{}  {}  {}", d["id"].as_string(), d["domain"].as_string(),
                               d["url"].as_string()));
    if (status["load_balancers"].size()) fmt::print("load balancers\n");
    for (const auto& [name, lb] : status["load_balancers"].members())
        line(name, fmt::format("{}  {}", lb["dns_name"].as_string(), lb["url"].as_string()));
    if (status["target_groups"].size()) fmt::print("target groups\n");
    for (const auto& [name, group] : status["target_groups"].members()) {
        std::string targets;
        for (const Node& target : group["targets"].items())
            targets += fmt::format("{}{} {}{}", targets.empty() ? "" : ", ",
                                   target["address"].as_string(), target["state"].as_string(),
                                   target["reason"].as_string().empty()
                                       ? ""
                                       : " (" + target["reason"].as_string() + ")");
        line(name, targets.empty() ? "no targets" : targets);
    }
    if (status["services"].size()) fmt::print("services\n");
    for (const auto& [name, service] : status["services"].members())
        line(name, fmt::format("{}/{} running  {}  {}", service["running"].as_int(),
                               service["desired"].as_int(), service["task_definition"].as_string(),
                               service["rollout"].as_string()));
    if (status["buckets"].size()) fmt::print("buckets\n");
    for (const auto& [name, bucket] : status["buckets"].members())
        line(name, fmt::format("{} objects", bucket["objects"].as_int()));
    for (std::string_view part : {"database", "cache"})
        if (const Node* node = status.find(part))
            fmt::print("{:<9} {}  {}\n", part, (*node)["state"].as_string(),
                       (*node)["endpoint"].as_string());
    bool empty = !status.find("database") && !status.find("cache");
    for (std::string_view kind : {"distributions", "load_balancers", "services", "buckets"})
        empty = empty && status[kind].size() == 0;
    if (empty)
        fmt::print(
            "the stack is empty; start it with a file (dodam up -f dodam.json), or make parts with "
            "any AWS client\n");
    for (const Node& problem : status["problems"].items())
        fmt::print("problem   {}\n", problem.as_string());
}

int status(const Arguments& arguments) {
    auto client = Client::find(arguments);
    if (!client) return client.error();
    auto status = client->get("/status");
    if (!status) return fail(status.error());
    if (arguments.has("json"))
        fmt::print("{}\n", base::to_json(*status, 2));
    else
        print(*status);
    return kOk;
}

constexpr Flag kFlags[] = {
    {"-f,--file", "FILE", "the stack file whose instance is meant"}, kStateFlag, kJsonFlag};

}  // namespace

const Command kStatus{"status",
                      "Show endpoints, ids and the health of each part",
                      "",
                      kFlags,
                      "  dodam status\n  dodam status --json | jq -r .distributions.front.url\n",
                      status};

}  // namespace commands

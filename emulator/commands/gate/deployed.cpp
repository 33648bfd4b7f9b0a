// See deployed.h.
#include "commands/gate/deployed.h"

#include <fmt/format.h>
#include <httplib.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include "base/text.h"

namespace commands {

namespace {

namespace fs = std::filesystem;
using base::Node;

constexpr int kMostPages = 200, kSpansOfPage = 500;

}  // namespace

Deployed::Deployed(const Gate& gate, const checks::Repository& repository, const Client& client)
    : client_(client),
      project_(checks::open_project(repository, repository.at_home(gate.stack_name()))) {
    if (auto status = client.get("/status")) status_ = std::move(*status);
    if (auto traces = client.get("/traces?n=1")) before_ = (*traces)["last"].as_int();
}

std::vector<checks::Finding> Deployed::served() const {
    return checks::look_at_served(project_, status_, ask());
}

std::vector<checks::Finding> Deployed::observed(const Node& record) {
    // Targets may have changed meanwhile.
    if (auto status = client_.get("/status")) status_ = std::move(*status);
    auto found = checks::look_at_traffic(project_, status_, record, spans());
    auto kept = checks::look_at_kept(project_, status_, record, ask());
    found.insert(found.end(), kept.begin(), kept.end());
    return found;
}

std::vector<checks::Finding> Deployed::without_database() const {
    if (status_["database"]["state"].as_string() != "ready") return {};
    auto fault =
        client_.post("/faults", Node::object({{"target", "db"},
                                              {"fault", Node("down")},
                                              {"lease", fmt::format("{}s", kAskWait.count())}}));
    if (!fault) return {};
    auto found = checks::look_at_health_without_database(project_, status_, ask());
    (void)client_.post("/faults", Node::object({{"clear", (*fault)["id"]}}));
    return found;
}

checks::Ask Deployed::ask() const {
    auto viewer = std::make_shared<httplib::Client>(status_["viewer_endpoint"].as_string());
    viewer->set_connection_timeout(kAskWait);
    viewer->set_read_timeout(kAskWait);
    return [viewer](const std::string& domain, const std::string& path,
                    const std::map<std::string, std::string>& headers) {
        httplib::Headers sent{{"Host", domain}};
        sent.insert(headers.begin(), headers.end());
        std::optional<checks::Answer> answer;
        if (auto result = viewer->Get(path, sent)) {
            answer.emplace();
            answer->status = result->status;
            answer->body = std::move(result->body);
            for (const auto& [name, value] : result->headers)
                answer->headers.insert_or_assign(base::lower(name), value);
        }
        return answer;
    };
}

// What the stack remembers since the deploy, page by page.
std::vector<Node> Deployed::spans() const {
    std::vector<Node> all;
    int64_t since = before_;
    for (int page = 0; page < kMostPages; ++page) {
        auto answer = client_.get(fmt::format("/traces?since={}&n={}", since, kSpansOfPage));
        if (!answer || (*answer)["spans"].items().empty()) break;
        const auto& items = (*answer)["spans"].items();
        since = items.back()["sequence"].as_int();
        for (const Node& span : items)
            if (span["hop"].as_string() == "edge") all.push_back(span);
    }
    return all;
}

}  // namespace commands

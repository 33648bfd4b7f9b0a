// Context: the control API's client, sessions, traces.
#include "scenarios/runner/context.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/encoding.h"
#include "base/process.h"
#include "base/result.h"
#include "base/text.h"
#include "scenarios/runner/clients.h"
#include "scenarios/runner/scripted_origin.h"
#include "scenarios/runner/spans.h"

namespace scenarios {
namespace {

using base::Node;

constexpr auto kControlTimeout = base::seconds(60);
constexpr auto kTraceWait =
    base::milliseconds(500);  // a span is written when its request has ended
constexpr auto kTracePause = base::milliseconds(10);
constexpr auto kLookForEnd = base::milliseconds(100);
constexpr int kMaxTraceDepth = 5;
constexpr size_t kTracesAtOnce = 500;  // as many as the control API gives
constexpr int kMaxTracePages = 20;

bool seen(const std::vector<Node>& spans, const Node& span) {
    return std::any_of(spans.begin(), spans.end(),
                       [&](const Node& each) { return each["sequence"] == span["sequence"]; });
}

// Spans that carry the id, then those that carry theirs.
void follow(Control& control, const std::string& id, std::vector<Node>& spans,
            std::set<std::string>& followed, int depth) {
    if (id.empty() || depth > kMaxTraceDepth || !followed.insert(id).second) return;
    auto answer = control.get("/traces?id=" + base::percent_encode(id));
    if (!answer) return;
    std::vector<std::string> next;
    for (const Node& span : (*answer)["spans"].items()) {
        if (seen(spans, span)) continue;
        spans.push_back(span);
        next.push_back(span["id"].as_string());
        next.push_back(decision(span, "s3"));  // S3 is told by its own request id
    }
    for (const std::string& each : next)
        follow(control, each, spans, followed, depth + 1);
}

// The peer's newest span of this very request, when the answer carries no id of ours.
std::optional<Node> by_peer(Control& control, const Exchange& exchange) {
    if (exchange.peer.empty()) return std::nullopt;
    auto answer =
        control.get(fmt::format("/traces?peer={}&n=5", base::percent_encode(exchange.peer)));
    if (!answer) return std::nullopt;
    for (const Node& span : (*answer)["spans"].items())
        if (span["method"].as_string() == exchange.request.method &&
            span["target"].as_string() == exchange.request.target.path)
            return span;
    return std::nullopt;
}

const Node* first_hop(const std::vector<Node>& spans, std::string_view hop) {
    for (const Node& span : spans)
        if (span["hop"].as_string() == hop) return &span;
    return nullptr;
}

int64_t count_decisions(const Node& span, std::string_view key) {
    const auto& list = span["decisions"].items();
    return std::count_if(list.begin(), list.end(),
                         [&](const Node& each) { return each["key"].as_string() == key; });
}

}  // namespace

std::expected<Node, StepError> Control::call(const std::string& method, const std::string& path,
                                             const Node& input) {
    auto target = resolve(world_, "aws:/_dodam/v1" + path);
    if (!target) return std::unexpected(StepError{target.error(), ""});
    ViewerRequest request{method, *target, {{"X-Dodam-Token", world_.token}},
                          "",     "",      kControlTimeout};
    if (method == "POST") {
        request.body = base::to_json(input);
        request.headers.emplace_back("Content-Type", "application/json");
    }
    auto response = viewer_.send(request);
    if (!response)
        return std::unexpected(
            StepError{"the control API is gone: " + response.error().text,
                      "the emulator may have died; see emulator.log in its state directory",
                      StepError::Cause::Stack});
    auto node = base::parse_json(response->body);
    if (response->status >= 300)
        return std::unexpected(
            StepError{node && node->find("message")
                          ? (*node)["message"].as_string()
                          : fmt::format("the control API answered {}", response->status),
                      ""});
    if (!node) return std::unexpected(StepError{"the control API's answer is not JSON", ""});
    return std::move(*node);
}

Context::Context(const World& world, base::Clock& clock, std::string directory)
    : world(world),
      clock(clock),
      directory(std::move(directory)),
      viewer(world.ca_file),
      control(world, viewer) {}

Context::~Context() = default;

void Context::sleep(base::microseconds duration) {
    const base::Time end = clock.now() + duration;
    while (clock.now() < end && !ended())
        if (!clock.wait_until(std::min<base::Time>(end, clock.now() + kLookForEnd))) return;
    cut_short = cut_short || clock.now() < end;
}

base::microseconds Context::left() const {
    return std::max<base::microseconds>(base::milliseconds(1), deadline - clock.real_now());
}

base::Spawner& Context::spawner() {
    if (!spawner_) spawner_ = std::make_unique<base::Spawner>();
    return *spawner_;
}

std::string Context::path(const std::string& name) const {
    return (std::filesystem::path(directory) / name).string();
}

Context::Session& Context::session(const std::string& name) {
    auto found = sessions_.find(name);
    if (found == sessions_.end())
        found = sessions_.emplace(name, Session{Viewer(world.ca_file), {}}).first;
    return found->second;
}

void Context::take_cookies(const Context& other) {
    for (const auto& [name, theirs] : other.sessions_)
        for (const auto& [host, cookies] : theirs.cookies)
            for (const auto& [key, value] : cookies)
                session(name).cookies[host].insert_or_assign(key, value);
}

std::string find_upwards(const std::string& directory, const std::string& name) {
    namespace fs = std::filesystem;
    std::error_code ignored;
    for (fs::path at = fs::absolute(directory).lexically_normal();; at = at.parent_path()) {
        if (fs::is_regular_file(at / name, ignored)) return (at / name).string();
        if (!at.has_relative_path()) return {};
    }
}

std::string request_id(const Exchange& exchange) {
    if (!exchange.response) return {};
    for (std::string_view name : {"x-amz-cf-id", "x-amz-request-id", "x-amzn-requestid"})
        if (const std::string* value = exchange.response->header(name)) return *value;
    return {};
}

std::vector<Node> spans_since(Context& context, int64_t sequence) {
    std::vector<Node> all;
    for (int page = 0; page < kMaxTracePages; ++page) {
        auto answer =
            context.control.get(fmt::format("/traces?since={}&n={}", sequence, kTracesAtOnce));
        if (!answer) break;
        const auto& spans = (*answer)["spans"].items();
        all.insert(all.end(), spans.begin(), spans.end());
        if (spans.size() < kTracesAtOnce) break;
        sequence = spans.back()["sequence"].as_int();
    }
    return all;
}

void fetch_trace(Context& context, Exchange& exchange) {
    const base::Time end = context.clock.real_now() + kTraceWait;
    const std::string id = request_id(exchange);
    while (exchange.spans.empty()) {
        std::set<std::string> followed;
        std::vector<Node> spans;
        follow(context.control, id, spans, followed, 0);
        if (spans.empty() || std::none_of(spans.begin(), spans.end(), [&](const Node& s) {
                return s["id"].as_string() == id;
            })) {
            // Hops behind the first may be written before it.
            spans.clear();
            if (auto span = by_peer(context.control, exchange)) {
                spans.push_back(*span);
                followed.clear();
                follow(context.control, (*span)["id"].as_string(), spans, followed, 0);
            }
        }
        const bool late = context.clock.real_now() >= end;
        if (!spans.empty() && (late || !lacks_a_hop(spans))) {
            exchange.spans = in_order(std::move(spans));
            return;
        }
        if (late || !context.clock.wait_until(context.clock.now() + kTracePause)) return;
    }
}

void answer_from_trace(const Exchange& exchange, Answer& answer) {
    if (exchange.spans.empty()) return;
    Node hops = Node::array();
    for (const Node& span : exchange.spans) {
        const std::string& hop = span["hop"].as_string();
        hops.push_back(hop);
        answer.set("hop." + hop, static_cast<double>(span["took_us"].as_int()) / 1000.0);
    }
    const Node* edge = first_hop(exchange.spans, "edge");
    std::string origin = "none";
    if (first_hop(exchange.spans, "s3"))
        origin = "s3";
    else if (first_hop(exchange.spans, "alb"))
        origin = "alb";
    else if (edge && count_decisions(*edge, "attempt") > 0)
        origin = decision(*edge, "s3").empty() ? "custom" : "s3";
    answer.set("origin", origin);
    answer.set("attempts", edge ? count_decisions(*edge, "attempt") : 0);
    if (const Node* alb = first_hop(exchange.spans, "alb")) {
        answer.set("task", decision(*alb, "target"));
        if (!decision(*alb, "target").empty()) hops.push_back("task");
    }
    answer.set("hops", std::move(hops));
}

}  // namespace scenarios

// Record: results to data.
#include "scenarios/runner/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/date.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/text.h"
#include "scenarios/runner/report.h"

namespace scenarios {
namespace {

using base::Node;

int64_t number(size_t value) {
    return static_cast<int64_t>(value);
}

// {"text", "bytes"}, and "base64" instead of the text when it is none. Longer ones are cut.
Node body_of(const std::string& body) {
    Node out = Node::object({{"bytes", number(body.size())}});
    if (body.empty()) return out;
    const bool whole = body.size() <= kRecordedBody;
    size_t end = std::min(body.size(), kRecordedBody);
    while (!whole && end > 0 && (static_cast<unsigned char>(body[end]) & 0xC0) == 0x80)
        --end;
    const std::string kept = body.substr(0, end);
    const bool text = base::is_valid_utf8(kept) && kept.find('\0') == std::string::npos;
    out.set(text ? "text" : "base64", text ? kept : base::to_base64(kept));
    out.set("sha256", base::sha256_hex(body));
    if (!whole) out.set("cut", true);
    return out;
}

Node headers_of(const Headers& headers) {
    Node out = Node::array();
    for (const auto& [name, value] : headers)
        out.push_back(Node::array({name, value}));
    return out;
}

Node exchange_of(const StepResult& step, const World& world) {
    const Exchange& exchange = *step.exchange;
    const ViewerRequest& request = exchange.request;
    Node out = Node::object({{"method", request.method},
                             {"url", request.target.url()},
                             {"headers", headers_of(request.headers)},
                             {"body", body_of(request.body)},
                             {"started_ms", exchange.started_ms},
                             {"peer", exchange.peer},
                             {"curl", curl_line(exchange, world)}});
    if (!request.from.empty()) out.set("from", request.from);
    if (step.exchange_is_earlier) out.set("earlier_step", step.earlier_step);
    if (!exchange.failure.empty()) out.set("failure", exchange.failure);
    if (exchange.response) {
        const ViewerResponse& response = *exchange.response;
        out.set("response", Node::object({{"status", response.status},
                                          {"headers", headers_of(response.headers)},
                                          {"body", body_of(response.body)},
                                          {"took_us", response.took.count()},
                                          {"first_byte_us", response.first_byte.count()}}));
    }
    return out;
}

Node failure_of(const Failure& failure, const Source& source) {
    Node differences = Node::array();
    for (const Difference& difference : failure.differences)
        differences.push_back(Node::object({{"path", difference.path},
                                            {"expected", difference.expected},
                                            {"actual", difference.actual}}));
    return Node::object({{"query", failure.query},
                         {"message", failure.message},
                         {"hint", failure.hint},
                         {"line", static_cast<int64_t>(failure.position.line)},
                         {"column", static_cast<int64_t>(failure.position.column)},
                         {"differences", differences},
                         {"shown", show_failure(failure, source)},
                         {"cause", failure.stack_died         ? "stack"
                                   : failure.measured_nothing ? "nothing"
                                                              : "step"}});
}

Node step_of(const StepResult& step, const ScenarioResult& result, const World& world) {
    const Source& source = source_of(step, result);
    Node failures = Node::array(), held = Node::array(), log = Node::array();
    for (const Failure& failure : step.failures)
        failures.push_back(failure_of(failure, source));
    for (const std::string& query : step.held)
        held.push_back(query);
    for (const std::string& line : step.log_lines)
        log.push_back(line);
    Node out = Node::object({{"number", step.number},
                             {"name", step.name},
                             {"path", step.path},
                             {"outcome", name_of(step.outcome)},
                             {"took_us", step.took.count()},
                             {"attempts", step.attempts},
                             {"note", step.note},
                             {"failures", failures},
                             {"held", held}});
    if (step.source) out.set("file", source.file);  // of a used file
    if (step.step) {
        out.set("line", static_cast<int64_t>(step.step->position.line));
        out.set("column", static_cast<int64_t>(step.step->position.column));
        if (step.step->verb) out.set("verb", step.step->verb->key.name);
    }
    if (step.exchange) {
        out.set("exchange", exchange_of(step, world));
        if (!step.exchange->spans.empty()) {
            out.set("trace", Node::array(step.exchange->spans));
            out.set("hops", show_hops(*step.exchange));
        }
    }
    if (!step.log_lines.empty()) out.set("log", log);
    return out;
}

int severity(const Node& run) {
    constexpr int kWorstFirst[] = {kInterrupted, kStackDied, kFailed,
                                   kNothingRan,  kOutOfTime, kFlaky};
    const auto* found = std::find(std::begin(kWorstFirst), std::end(kWorstFirst),
                                  static_cast<int>(run["exit"].as_int()));
    return static_cast<int>(std::end(kWorstFirst) - found);
}

}  // namespace

Node record_of(const ScenarioResult& result, const World& world) {
    const Scenario& scenario = *result.scenario;
    Node steps = Node::array(), tags = Node::array(), earlier = Node::array();
    for (const StepResult& step : result.steps)
        steps.push_back(step_of(step, result, world));
    for (const std::string& tag : scenario.tags)
        tags.push_back(tag);
    for (const ScenarioResult& attempt : result.earlier)
        earlier.push_back(record_of(attempt, world));
    Node out = Node::object({{"id", scenario.id},
                             {"row", result.row},
                             {"file", scenario.source.file},
                             {"scenario", scenario.title},
                             {"tags", tags},
                             {"owner", scenario.owner},
                             {"outcome", name_of(result.outcome)},
                             {"verdict", result.verdict},
                             {"cause", result.stack_died         ? "stack"
                                       : result.measured_nothing ? "nothing"
                                                                 : "scenario"},
                             {"started", base::iso_date_millis(result.started)},
                             {"took_us", result.took.count()},
                             {"world", result.world},
                             {"requests", number(result.requests)},
                             {"known", number(result.known)},
                             {"earlier", earlier},
                             {"steps", steps},
                             {"story", show_result(result, world, {.verbose = true})},
                             {"source", scenario.source.text}});
    if (scenario.known)
        out.set("known_as", Node::object({{"issue", scenario.known->issue},
                                          {"until", scenario.known->until},
                                          {"why", scenario.known->why}}));
    return result.mask.everywhere(out);
}

Node record_of(const SessionResult& session, const std::string& seed) {
    Node not_run = Node::array();
    for (const Scenario* scenario : session.not_run)
        not_run.push_back(Node::object({{"id", scenario->id},
                                        {"file", scenario->source.file},
                                        {"scenario", scenario->title}}));
    return Node::object({{"version", kRecordVersion},
                         {"seed", seed},
                         {"exit", session.exit_code()},
                         {"took_us", session.took.count()},
                         {"why_stopped", session.why_stopped},
                         {"problem", session.problem.text},
                         {"not_run", not_run}});
}

Node whole_record(Node run, std::vector<Node> scenarios) {
    run.set("scenarios", Node::array(std::move(scenarios)));
    return run;
}

Node merged(const std::vector<Node>& records) {
    if (records.empty()) return Node::object();
    Node out = *std::max_element(records.begin(), records.end(), [](const Node& a, const Node& b) {
        return severity(a) < severity(b);
    });
    Node scenarios = Node::array(), not_run = Node::array();
    int64_t took = 0;
    std::set<std::string> ran;
    for (const Node& record : records) {
        took = std::max(took, record["took_us"].as_int());
        for (const Node& scenario : record["scenarios"].items()) {
            scenarios.push_back(scenario);
            ran.insert(scenario["id"].as_string());
        }
    }
    for (const Node& record : records)
        for (const Node& each : record["not_run"].items())
            if (!ran.contains(each["id"].as_string())) not_run.push_back(each);
    out.set("took_us", took);
    out.set("scenarios", std::move(scenarios));
    out.set("not_run", std::move(not_run));
    return out;
}

}  // namespace scenarios

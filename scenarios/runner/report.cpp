// Report: composing texts from results.
#include "scenarios/runner/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/date.h"
#include "base/text.h"

namespace scenarios {
namespace {

using base::Node;

constexpr size_t kRuleWidth = 88;
constexpr size_t kShownBody = 800;      // of an answer's body
constexpr size_t kShownDecisions = 12;  // of one hop
constexpr size_t kShownDifferences = 20;
constexpr size_t kShownNotRun = 20;

std::string seconds(base::microseconds took) {
    return fmt::format("{:.1f}s", static_cast<double>(took.count()) / 1e6);
}

std::string milliseconds(int64_t us) {
    return fmt::format("{:.1f}", static_cast<double>(us) / 1000.0);
}

std::string pad(std::string_view text, size_t width) {
    const size_t shown = display_width(text);
    return std::string(text) + std::string(shown < width ? width - shown : 0, ' ');
}

std::string rule(std::string_view text) {
    std::string line = text.empty() ? "" : fmt::format("──── {} ", text);
    for (size_t width = display_width(line); width < kRuleWidth; ++width)
        line += "─";
    return line;
}

std::string title_of(const ScenarioResult& result) {
    return result.scenario->id + (result.row.empty() ? "" : fmt::format(" [{}]", result.row));
}

size_t count(const ScenarioResult& result, Outcome outcome) {
    return static_cast<size_t>(
        std::count_if(result.steps.begin(), result.steps.end(),
                      [&](const StepResult& step) { return step.outcome == outcome; }));
}

std::string plural(size_t number, std::string_view word) {
    return fmt::format("{} {}{}", number, word, number == 1 ? "" : "s");
}

std::string colour(std::string_view text, int code, const ReportOptions& options) {
    return options.colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

bool is_text(std::string_view body) {
    return base::is_valid_utf8(body) && body.find('\0') == std::string_view::npos;
}

std::string indented(std::string_view text, std::string_view indent) {
    std::string out;
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        out += fmt::format("{}{}\n", indent, text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::string shown_body(const std::string& body) {
    if (body.empty()) return {};
    if (!is_text(body)) return fmt::format("    ({} bytes, no text)\n", body.size());
    size_t end = std::min(body.size(), kShownBody);
    while (end < body.size() && end > 0 && (static_cast<unsigned char>(body[end]) & 0xC0) == 0x80)
        --end;
    std::string out = indented(body.substr(0, end), "    ");
    if (end < body.size()) out += fmt::format("    … and {} bytes more\n", body.size() - end);
    return out;
}

// --- Failures
// -----------------------------------------------------------------------------------------

// Texts of a trace may have lines of their own (cache keys do).
std::string on_one_line(std::string_view text) {
    return base::replace_all(base::trim(text), "\n", " ⏎ ");
}

}  // namespace

std::string show_failure(const Failure& failure, const Source& source) {
    std::string out = show_place(source, failure.position, failure.length, failure.message);
    const std::string gutter(std::to_string(std::max<uint32_t>(failure.position.line, 1)).size(),
                             ' ');
    if (!failure.hint.empty()) out += fmt::format("{} = {}\n", gutter, failure.hint);
    if (failure.differences.empty()) return out;
    const bool is_path = failure.query.starts_with('$');
    size_t shown = 0;
    for (const Difference& difference : failure.differences) {
        if (++shown > kShownDifferences) break;
        const std::string path =
            is_path ? failure.query + difference.path : failure.query + " " + difference.path;
        out += fmt::format("  - {}   {}\n", path,
                           difference.expected.empty() ? "(not there)" : difference.expected);
        out += fmt::format("  + {}   {}\n", path,
                           difference.actual.empty() ? "(not there)" : difference.actual);
    }
    if (failure.differences.size() > kShownDifferences)
        out += fmt::format("    and {} more differences\n",
                           failure.differences.size() - kShownDifferences);
    if (failure.equal_parts > 0)
        out += fmt::format("    ({} equal)\n", plural(failure.equal_parts, "part"));
    return out;
}

namespace {

std::string show_exchange(const StepResult& step, const World& world) {
    const Exchange& exchange = *step.exchange;
    const ViewerRequest& request = exchange.request;
    std::string out;
    if (step.exchange_is_earlier)
        out += fmt::format("  the request before: {}\n", step.earlier_step);
    out += fmt::format("  {} {}", request.method, request.target.url());
    if (!exchange.response)
        return out + fmt::format(" → {}\n  {}\n", exchange.failure, curl_line(exchange, world));
    const ViewerResponse& response = *exchange.response;
    out += fmt::format(" → {}   {} ms\n", response.status, milliseconds(response.took.count()));
    out += show_hops(exchange);
    for (const std::string& line : step.log_lines)
        out += fmt::format("    log  {}\n", line);
    for (std::string_view name : {"content-type", "location", "x-cache", "age", "allow"})
        if (const std::string* value = response.header(name))
            out += fmt::format("    {}: {}\n", name, *value);
    out += shown_body(response.body);
    return out + "  " + curl_line(exchange, world) + "\n";
}

std::string show_step(const StepResult& step, const ScenarioResult& result, const World& world) {
    std::string out = fmt::format("step {}  {}{}\n", step.number,
                                  step.path.empty() ? "" : step.path + " › ", step.name);
    for (const Failure& failure : step.failures)
        out += show_failure(failure, source_of(step, result));
    if (step.step && (step.step->eventually || step.step->hold)) {
        const bool hold = step.step->hold.has_value();
        out += fmt::format(
            "  {} {}: {}{}\n", hold ? "hold" : "eventually",
            base::show_duration(hold ? step.step->hold->within : step.step->eventually->within),
            plural(static_cast<size_t>(step.attempts), "attempt"),
            hold ? ", the last of them failed" : "");
    }
    if (!step.held.empty()) out += fmt::format("  held: {}\n", base::join(step.held, ", "));
    if (step.exchange) out += show_exchange(step, world);
    return out;
}

struct Head {
    std::string_view word;
    int colour;
};
constexpr Head kHeads[] = {
    {"PASS", 32}, {"FAIL", 31}, {"KNOWN", 33}, {"STOP", 33}, {"FLAKY", 33}};  // by Outcome

std::string head_line(const ScenarioResult& result, const ReportOptions& options) {
    const size_t ran = result.steps.size() - count(result, Outcome::Skipped);
    const Head& head = kHeads[static_cast<size_t>(result.outcome)];
    std::string line =
        fmt::format("{}{}{}  {}", colour(head.word, head.colour, options),
                    std::string(6 - head.word.size(), ' '),
                    pad(title_of(result), options.name_width), pad(plural(ran, "step"), 9));
    if (!result.earlier.empty()) line += fmt::format("  attempt {}", result.earlier.size() + 1);
    if (result.known > 0) line += fmt::format("  {} known", result.known);
    if (const size_t skipped = count(result, Outcome::Skipped))
        line += fmt::format("  {} skipped", skipped);
    return line + "  " + seconds(result.took) + "\n";
}

std::string verbose_steps(const ScenarioResult& result) {
    std::string out;
    for (const StepResult& step : result.steps) {
        const char* mark = step.outcome == Outcome::Passed    ? "ok"
                           : step.outcome == Outcome::Failed  ? "FAILED"
                           : step.outcome == Outcome::Skipped ? "skipped"
                                                              : "known";
        out +=
            fmt::format("      {:>5}  {:<8} {:>8}  {}{}{}\n", step.number, mark,
                        base::show_duration(step.took), step.path.empty() ? "" : step.path + " › ",
                        step.name, step.note.empty() ? "" : "   (" + step.note + ")");
    }
    return out;
}

std::string shell_quoted(std::string_view text) {
    return "'" + base::replace_all(text, "'", "'\\''") + "'";
}

// Why an attempt failed, on one line.
std::string first_reason(const ScenarioResult& result) {
    for (const StepResult& step : result.steps)
        for (const Failure& failure : step.failures)
            if (step.outcome == Outcome::Failed)
                return fmt::format("step {}  {}: {}{}", step.number, step.name,
                                   failure.query.empty() ? "" : failure.query + " ",
                                   on_one_line(failure.message));
    return result.verdict;
}

std::string failure_story(const ScenarioResult& result, const World& world) {
    std::string out =
        "\n" + rule("FAIL " + title_of(result)) + "\n" + result.scenario->title + "\n";
    for (const StepResult& step : result.steps)
        if (step.outcome == Outcome::Failed) out += "\n" + show_step(step, result, world);
    if (!result.verdict.empty()) out += "\n  " + result.verdict + "\n";
    return out;
}

}  // namespace

std::string_view name_of(Outcome outcome) {
    constexpr std::string_view kNames[] = {"passed", "failed", "known", "skipped", "flaky"};
    return kNames[static_cast<size_t>(outcome)];
}

std::string curl_line(const Exchange& exchange, const World& world) {
    const ViewerRequest& request = exchange.request;
    const Target& target = request.target;
    std::string out = fmt::format("curl -i --connect-to ::{}:{}", target.address, target.port);
    if (target.tls && !world.ca_file.empty()) out += " --cacert " + shell_quoted(world.ca_file);
    if (request.method == "HEAD")
        out += " --head";
    else if (request.method != "GET" || !request.body.empty())
        out += " -X " + request.method;
    if (!request.from.empty()) out += " --interface " + shell_quoted(request.from);
    for (const auto& [name, value] : request.headers) {
        // An empty value is written with ";", or curl would drop the header.
        out += " -H " + shell_quoted(value.empty() ? name + ";" : name + ": " + value);
    }
    const bool typed =
        std::any_of(request.headers.begin(), request.headers.end(), [](const auto& header) {
            return base::equals_ignoring_case(header.first, "content-type");
        });
    // Where the viewer named no type, curl must not either.
    if (!request.body.empty() && !typed) out += " -H 'content-type:'";
    if (!request.body.empty())
        out += is_text(request.body)
                   ? " --data-raw " + shell_quoted(request.body)
                   : fmt::format(" --data-binary @BODY   # {} bytes", request.body.size());
    const size_t comment = out.find("   # ");
    const std::string url = " " + shell_quoted(target.url());
    return comment == std::string::npos ? out + url : out.insert(comment, url);
}

std::string show_hops(const Exchange& exchange) {
    std::string out;
    const auto began = exchange.spans.empty()
                           ? std::nullopt
                           : base::parse_iso_date(exchange.spans.front()["started"].as_string());
    if (exchange.spans.empty())
        return exchange.response ? "    (no trace of this request is left)\n" : "";
    out += fmt::format("    viewer {:>8}  ─▶ {}  {} {}  {} B\n", "0.0",
                       exchange.request.target.host, exchange.request.method,
                       exchange.request.target.path, exchange.request.body.size());
    for (const Node& span : exchange.spans) {
        const auto started = base::parse_iso_date(span["started"].as_string());
        const int64_t offset = began && started ? (*started - *began).count() : 0;
        if (const std::string& hop = span["hop"].as_string(); hop == "db" || hop == "redis") {
            // ≈: another request was at the task at the same time, so it may be that one's.
            const Node& decisions = span["decisions"];
            out += fmt::format(
                "    {} {:<5}{:>8}  {}   {}   {} ms\n", span["approximate"].as_bool() ? "≈" : "├",
                hop, milliseconds(offset), on_one_line(span["target"].as_string()),
                decisions.size() > 0 ? decisions.items().front()["text"].as_string() : "",
                milliseconds(span["took_us"].as_int()));
            continue;
        }
        out +=
            fmt::format("    {:<6} {:>8}  {} {}{} → {}   {} ms   {}\n", span["hop"].as_string(),
                        milliseconds(offset), span["method"].as_string(), span["host"].as_string(),
                        span["target"].as_string(), span["status"].as_int(),
                        milliseconds(span["took_us"].as_int()), span["resource"].as_string());
        size_t shown = 0;
        for (const Node& decision : span["decisions"].items()) {
            if (++shown > kShownDecisions) break;
            out += fmt::format("                     {:<12} {}\n", decision["key"].as_string(),
                               on_one_line(decision["text"].as_string()));
        }
        if (span["decisions"].size() > kShownDecisions)
            out += fmt::format("                     and {} more\n",
                               span["decisions"].size() - kShownDecisions);
    }
    if (exchange.response) {
        const std::string* cache = exchange.response->header("x-cache");
        out += fmt::format("    viewer {:>8}  ◀─ {}  {} B{}\n",
                           milliseconds(exchange.response->took.count()), exchange.response->status,
                           exchange.response->body.size(), cache ? "  X-Cache: " + *cache : "");
    }
    return out;
}

std::string show_result(const ScenarioResult& result, const World& world,
                        const ReportOptions& options) {
    std::string out = head_line(result, options);
    if (options.verbose) out += verbose_steps(result);
    if (result.outcome == Outcome::Skipped) out += fmt::format("      {}\n", result.verdict);
    for (size_t i = 0; i < result.earlier.size(); ++i) {
        out += fmt::format("      attempt {} failed  {}\n", i + 1, first_reason(result.earlier[i]));
        if (options.verbose) out += failure_story(result.earlier[i], world) + rule("") + "\n\n";
    }
    if (result.outcome != Outcome::Failed) return result.mask(out);
    out += failure_story(result, world);
    if (!options.run.empty())
        out += fmt::format("  look    dodam show {} {}\n", options.run, title_of(result));
    if (!options.again.empty())
        out += fmt::format("  again   {}\n",
                           base::replace_all(options.again, "{}", result.scenario->source.file));
    return result.mask(out + rule("") + "\n\n");
}

std::string show_summary(const SessionResult& session, const ReportOptions& options) {
    size_t counts[5] = {}, known = 0, steps = 0, requests = 0;
    std::string names;
    for (const ScenarioResult& result : session.results) {
        ++counts[static_cast<size_t>(result.outcome)];
        known += result.known;
        steps += result.steps.size() - count(result, Outcome::Skipped);
        requests += result.requests;
        for (const StepResult& step : result.steps)
            if (step.outcome == Outcome::KnownFailure)
                names += result.mask(fmt::format("  {} {}:{}", base::cut(step.note, ':').first,
                                                 result.scenario->id, step.number));
        if (result.outcome == Outcome::KnownFailure)
            names += fmt::format("  {} {}", result.scenario->known->issue, result.scenario->id);
    }
    auto of = [&](Outcome outcome) { return counts[static_cast<size_t>(outcome)]; };
    std::string out =
        fmt::format("\n {} passed  {} failed", of(Outcome::Passed) + of(Outcome::KnownFailure),
                    of(Outcome::Failed));
    if (of(Outcome::Flaky) > 0) out += fmt::format("  {} flaky", of(Outcome::Flaky));
    if (of(Outcome::Skipped) > 0) out += fmt::format("  {} stopped", of(Outcome::Skipped));
    if (known > 0) out += fmt::format("  {} known", known);
    out += fmt::format("   {}, {}   {}\n", plural(steps, "step"), plural(requests, "request"),
                       seconds(session.took));
    if (!names.empty()) out += fmt::format(" known {}\n", names);
    if (of(Outcome::Flaky) > 0 && session.flaky == FlakyPolicy::Fail)
        out += " flaky  passed only when run again, which is red; --flaky pass lets it be\n";
    if (!session.problem.text.empty()) out += fmt::format(" {}\n", session.problem.text);
    const size_t all = session.results.size() + session.not_run.size();
    if (!session.not_run.empty()) {
        out += fmt::format(" not run  {} of {}: {}\n", session.not_run.size(), all,
                           session.why_stopped);
        size_t shown = 0;
        for (const Scenario* scenario : session.not_run) {
            if (++shown > kShownNotRun) break;
            out += fmt::format("          {}\n", scenario->id);
        }
        if (session.not_run.size() > kShownNotRun)
            out += fmt::format("          and {} more\n", session.not_run.size() - kShownNotRun);
    }
    if (!options.run.empty()) out += fmt::format(" run      {}\n", options.run);
    return out;
}

int exit_code(const std::vector<ScenarioResult>& results, FlakyPolicy flaky) {
    bool failed = false, empty = results.empty(), unsteady = false;
    for (const ScenarioResult& result : results) {
        if (result.stack_died) return kStackDied;
        if (result.outcome == Outcome::Failed) (result.measured_nothing ? empty : failed) = true;
        unsteady = unsteady || result.outcome == Outcome::Flaky;
    }
    return failed                                   ? kFailed
           : empty                                  ? kNothingRan
           : unsteady && flaky == FlakyPolicy::Fail ? kFlaky
                                                    : kPassed;
}

}  // namespace scenarios

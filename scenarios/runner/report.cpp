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
constexpr size_t kNameWidth = 32;
constexpr size_t kShownBody = 800;      // of an answer's body
constexpr size_t kShownDecisions = 12;  // of one hop
constexpr size_t kShownDifferences = 20;

enum Exit { kPassed = 0, kFailed = 1, kStackDied = 3, kNothingRan = 4 };

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

std::string head_line(const ScenarioResult& result, const ReportOptions& options) {
    const size_t ran = result.steps.size() - count(result, Outcome::Skipped);
    std::string state = result.outcome == Outcome::Failed         ? colour("FAIL", 31, options)
                        : result.outcome == Outcome::KnownFailure ? colour("KNOWN", 33, options)
                                                                  : colour("PASS", 32, options);
    state += std::string(result.outcome == Outcome::KnownFailure ? 1 : 2, ' ');
    std::string line = fmt::format("{}{}  {}", state, pad(title_of(result), kNameWidth),
                                   pad(plural(ran, "step"), 9));
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

// --- XML
// ----------------------------------------------------------------------------------------------

// Control characters are not XML, not even escaped.
std::string xml(std::string_view text) {
    std::string out;
    for (char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default:
                if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') out += c;
        }
    }
    return base::is_valid_utf8(out) ? out : "(no text)";
}

std::string xml_seconds(base::microseconds took) {
    return fmt::format("{:.3f}", static_cast<double>(took.count()) / 1e6);
}

std::string shell_quoted(std::string_view text) {
    return "'" + base::replace_all(text, "'", "'\\''") + "'";
}

std::string_view name_of(Outcome outcome) {
    return outcome == Outcome::Passed    ? "passed"
           : outcome == Outcome::Failed  ? "failed"
           : outcome == Outcome::Skipped ? "skipped"
                                         : "known";
}

}  // namespace

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
    if (result.outcome != Outcome::Failed) return result.mask(out);
    out += "\n" + rule("FAIL " + title_of(result)) + "\n" + result.scenario->title + "\n";
    for (const StepResult& step : result.steps)
        if (step.outcome == Outcome::Failed) out += "\n" + show_step(step, result, world);
    if (!result.verdict.empty()) out += "\n  " + result.verdict + "\n";
    if (!options.again.empty())
        out += fmt::format("  again   {}\n",
                           base::replace_all(options.again, "{}", result.scenario->source.file));
    return result.mask(out + rule("") + "\n\n");
}

std::string show_summary(const std::vector<ScenarioResult>& results, base::microseconds took) {
    size_t passed = 0, failed = 0, known = 0, steps = 0, requests = 0;
    for (const ScenarioResult& result : results) {
        (result.outcome == Outcome::Failed ? failed : passed) += 1;
        known += result.known;
        steps += result.steps.size() - count(result, Outcome::Skipped);
        requests += result.requests;
    }
    std::string out =
        fmt::format("\n {} passed  {} failed{}   {}, {}   {}\n", passed, failed,
                    known ? fmt::format("  {} known", known) : "", plural(steps, "step"),
                    plural(requests, "request"), seconds(took));
    std::string names;
    for (const ScenarioResult& result : results)
        for (const StepResult& step : result.steps)
            if (step.outcome == Outcome::KnownFailure)
                names += fmt::format("  {} {}:{}", base::cut(step.note, ':').first,
                                     result.scenario->id, step.number);
    if (!names.empty()) out += fmt::format(" known {}\n", names);
    return out;
}

std::string junit_xml(const std::vector<ScenarioResult>& results) {
    std::string suites;
    size_t all_tests = 0, all_failures = 0;
    for (const ScenarioResult& result : results) {
        const Mask& mask = result.mask;
        std::string cases;
        size_t tests = 0, failures = 0, skipped = 0;
        for (const StepResult& step : result.steps) {
            ++tests;
            cases += fmt::format(
                "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" line=\"{}\" time=\"{}\"",
                xml(mask(step.number + " " + step.name)), xml(title_of(result)),
                xml(source_of(step, result).file), step.step ? step.step->position.line : 0,
                xml_seconds(step.took));
            if (step.outcome == Outcome::Passed) {
                cases += "/>\n";
                continue;
            }
            if (step.outcome != Outcome::Failed) {
                ++skipped;
                cases += fmt::format(
                    ">\n      <skipped message=\"{}\"/>\n    </testcase>\n",
                    xml(mask((step.outcome == Outcome::KnownFailure ? "known " : "") + step.note)));
                continue;
            }
            ++failures;
            std::string messages, body;
            for (const Failure& failure : step.failures) {
                messages += (messages.empty() ? "" : "; ") +
                            (failure.query.empty() ? failure.message
                                                   : failure.query + ": " + failure.message);
                body += show_failure(failure, source_of(step, result));
            }
            cases += fmt::format(">\n      <failure message=\"{}\">{}</failure>\n",
                                 xml(mask(messages)), xml(mask(body)));
            if (step.exchange)
                cases += fmt::format("      <system-out>{}</system-out>\n",
                                     xml(mask(show_hops(*step.exchange))));
            cases += "    </testcase>\n";
        }
        if (result.outcome == Outcome::Failed && failures == 0) {
            ++tests;
            ++failures;
            cases += fmt::format(
                "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\">\n      <failure "
                "message=\"{}\"/>\n    </testcase>\n",
                xml(result.scenario->title), xml(title_of(result)),
                xml(result.scenario->source.file), xml(mask(result.verdict)));
        }
        suites += fmt::format(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" "
            "time=\"{}\">\n{}  </testsuite>\n",
            xml(title_of(result)), tests, failures, skipped, xml_seconds(result.took), cases);
        all_tests += tests;
        all_failures += failures;
    }
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"dodam\" tests=\"{}\" "
        "failures=\"{}\">\n{}</testsuites>\n",
        all_tests, all_failures, suites);
}

Node json_report(const std::vector<ScenarioResult>& results, const std::string& seed) {
    Node list = Node::array();
    for (const ScenarioResult& result : results) {
        const Mask& mask = result.mask;
        Node steps = Node::array();
        for (const StepResult& step : result.steps) {
            Node failures = Node::array();
            for (const Failure& failure : step.failures) {
                Node differences = Node::array();
                for (const Difference& difference : failure.differences)
                    differences.push_back(Node::object({{"path", difference.path},
                                                        {"expected", mask(difference.expected)},
                                                        {"actual", mask(difference.actual)}}));
                failures.push_back(
                    Node::object({{"query", failure.query},
                                  {"message", mask(failure.message)},
                                  {"hint", failure.hint},
                                  {"line", static_cast<int64_t>(failure.position.line)},
                                  {"column", static_cast<int64_t>(failure.position.column)},
                                  {"differences", differences},
                                  {"cause", failure.stack_died ? "stack" : "step"}}));
            }
            Node node = Node::object(
                {{"number", step.number},
                 {"name", mask(step.name)},
                 {"outcome", name_of(step.outcome)},
                 {"took_us", step.took.count()},
                 {"attempts", step.attempts},
                 {"line", static_cast<int64_t>(step.step ? step.step->position.line : 0)},
                 {"note", mask(step.note)},
                 {"failures", failures}});
            if (step.exchange && step.exchange->response && step.outcome == Outcome::Failed) {
                auto spans =
                    base::parse_json(mask(base::to_json(Node::array(step.exchange->spans))));
                node.set("request",
                         Node::object({{"method", step.exchange->request.method},
                                       {"url", mask(step.exchange->request.target.url())},
                                       {"status", step.exchange->response->status}}));
                node.set("trace", spans ? *spans : Node());
            }
            steps.push_back(std::move(node));
        }
        list.push_back(Node::object({{"id", result.scenario->id},
                                     {"row", mask(result.row)},
                                     {"file", result.scenario->source.file},
                                     {"scenario", result.scenario->title},
                                     {"outcome", name_of(result.outcome)},
                                     {"verdict", result.verdict},
                                     {"took_us", result.took.count()},
                                     {"steps", steps}}));
    }
    return Node::object(
        {{"version", 1}, {"seed", seed}, {"exit", exit_code(results)}, {"scenarios", list}});
}

int exit_code(const std::vector<ScenarioResult>& results) {
    int code = results.empty() ? kNothingRan : kPassed;
    for (const ScenarioResult& result : results) {
        if (result.stack_died) return kStackDied;
        if (result.outcome == Outcome::Failed) code = kFailed;
    }
    return code;
}

}  // namespace scenarios

// Reports for machines, made from a record: JUnit, TAP, GitHub. Source: testanything.org, version
// 14; docs.github.com, "Workflow commands for GitHub Actions".
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "scenarios/runner/record.h"

namespace scenarios {
namespace {

using base::Node;

constexpr size_t kAnnotations = 10;            // GitHub shows no more of one step
constexpr size_t kSummaryLimit = 1000 * 1000;  // below GitHub's 1 MiB
constexpr size_t kStoryInSummary = 8000;

std::string title_of(const Node& scenario) {
    const std::string& row = scenario["row"].as_string();
    return scenario["id"].as_string() + (row.empty() ? "" : " [" + row + "]");
}

bool is(const Node& thing, std::string_view outcome) {
    return thing["outcome"].as_string() == outcome;
}

// A step of a used file names it.
const std::string& file_of(const Node& step, const Node& scenario) {
    return step.find("file") ? step["file"].as_string() : scenario["file"].as_string();
}

const Node* failed_step(const Node& scenario) {
    for (const Node& step : scenario["steps"].items())
        if (is(step, "failed")) return &step;
    return nullptr;
}

std::string reason(const Node& scenario) {
    const Node* step = failed_step(scenario);
    if (step == nullptr || (*step)["failures"].size() == 0) return scenario["verdict"].as_string();
    const Node& failure = (*step)["failures"].items().front();
    const std::string& query = failure["query"].as_string();
    return fmt::format("{}{}", query.empty() ? "" : query + ": ", failure["message"].as_string());
}

// A description must not look like a directive or another line.
std::string tap_text(std::string_view text) {
    std::string out = base::replace_all(text, "\\", "\\\\");
    out = base::replace_all(out, "#", "\\#");
    return base::replace_all(base::replace_all(out, "\r", " "), "\n", " ");
}

std::string yaml_text(std::string_view text) {
    return base::quote_json(text);
}

std::string tap_failures(const Node& step, std::string_view indent) {
    std::string out = fmt::format("{}  ---\n", indent);
    for (const Node& failure : step["failures"].items()) {
        const std::string& query = failure["query"].as_string();
        out += fmt::format(
            "{}  message: {}\n", indent,
            yaml_text((query.empty() ? "" : query + ": ") + failure["message"].as_string()));
        out += fmt::format("{}  at: {{ line: {}, column: {} }}\n", indent, failure["line"].as_int(),
                           failure["column"].as_int());
        break;  // a mapping has a key once
    }
    return out + fmt::format("{}  ...\n", indent);
}

// https://docs.github.com: a property escapes more than the message does.
std::string github_data(std::string_view text) {
    std::string out = base::replace_all(text, "%", "%25");
    return base::replace_all(base::replace_all(out, "\r", "%0D"), "\n", "%0A");
}
std::string github_property(std::string_view text) {
    return base::replace_all(base::replace_all(github_data(text), ":", "%3A"), ",", "%2C");
}

// Failed before stopped before flaky.
std::vector<const Node*> worst_first(const Node& record) {
    std::vector<const Node*> out;
    for (std::string_view outcome : {"failed", "skipped", "flaky"})
        for (const Node& scenario : record["scenarios"].items())
            if (is(scenario, outcome)) out.push_back(&scenario);
    return out;
}

std::string markdown_cell(std::string_view text) {
    std::string out = base::replace_all(base::replace_all(text, "|", "\\|"), "\n", " ");
    return base::replace_all(base::replace_all(out, "<", "&lt;"), "`", "'");
}

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

std::string xml_seconds(const Node& thing) {
    return fmt::format("{:.3f}", static_cast<double>(thing["took_us"].as_int()) / 1e6);
}

std::string junit_step(const Node& step, const std::string& place) {
    std::string out = fmt::format("    <testcase name=\"{} {}\" {} line=\"{}\" time=\"{}\"",
                                  xml(step["number"].as_string()), xml(step["name"].as_string()),
                                  place, step["line"].as_int(), xml_seconds(step));
    if (is(step, "passed")) return out + "/>\n";
    if (!is(step, "failed"))
        return out + fmt::format(">\n      <skipped message=\"{}{}\"/>\n    </testcase>\n",
                                 is(step, "known") ? "known " : "", xml(step["note"].as_string()));
    std::string messages, body;
    for (const Node& failure : step["failures"].items()) {
        const std::string& query = failure["query"].as_string();
        messages += (messages.empty() ? "" : "; ") + (query.empty() ? "" : query + ": ") +
                    failure["message"].as_string();
        body += failure["shown"].as_string();
    }
    out += fmt::format(">\n      <failure message=\"{}\">{}</failure>\n", xml(messages), xml(body));
    if (const std::string& hops = step["hops"].as_string(); !hops.empty())
        out += fmt::format("      <system-out>{}</system-out>\n", xml(hops));
    return out + "    </testcase>\n";
}

std::string seconds(int64_t us) {
    return fmt::format("{:.1f} s", static_cast<double>(us) / 1e6);
}

}  // namespace

std::string junit_xml(const Node& record) {
    std::string suites;
    size_t all_tests = 0, all_failures = 0;
    for (const Node& scenario : record["scenarios"].items()) {
        const std::string title = xml(title_of(scenario));
        auto place_of = [&](const Node& thing) {
            return fmt::format("classname=\"{}\" file=\"{}\"", title,
                               xml(file_of(thing, scenario)));
        };
        const std::string place = place_of(scenario);
        std::string cases;
        size_t tests = 0, failures = 0, skipped = 0;
        for (const Node& step : scenario["steps"].items()) {
            ++tests;
            failures += is(step, "failed") ? 1 : 0;
            skipped += is(step, "skipped") || is(step, "known") ? 1 : 0;
            cases += junit_step(step, place_of(step));
        }
        for (const Node& earlier : scenario["earlier"].items()) {
            // What Surefire calls a failure that did not come again.
            ++tests;
            cases += fmt::format(
                "    <testcase name=\"an attempt before\" {} time=\"{}\">\n      <{} "
                "message=\"{}\"/>\n    </testcase>\n",
                place, xml_seconds(earlier),
                is(scenario, "flaky") ? "flakyFailure" : "rerunFailure", xml(reason(earlier)));
        }
        // The verdict is about the whole: a known failure that passes, a run that was stopped.
        const bool whole = is(scenario, "failed") && failures == 0;
        if (whole || is(scenario, "skipped")) {
            ++tests;
            (whole ? failures : skipped) += 1;
            cases += fmt::format(
                "    <testcase name=\"{}\" {}>\n      <{} message=\"{}\"/>\n    </testcase>\n",
                xml(scenario["scenario"].as_string()), place, whole ? "failure" : "skipped",
                xml(scenario["verdict"].as_string()));
        }
        suites += fmt::format(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" "
            "time=\"{}\">\n{}  </testsuite>\n",
            title, tests, failures, skipped, xml_seconds(scenario), cases);
        all_tests += tests;
        all_failures += failures;
    }
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"dodam\" tests=\"{}\" "
        "failures=\"{}\">\n{}</testsuites>\n",
        all_tests, all_failures, suites);
}

std::string tap_report(const Node& record) {
    std::string out = "TAP version 14\n";
    const auto& scenarios = record["scenarios"].items();
    const auto& not_run = record["not_run"].items();
    out += fmt::format("1..{}\n", scenarios.size() + not_run.size());
    size_t number = 0;
    for (const Node& scenario : scenarios) {
        size_t step_number = 0;
        out += fmt::format("# Subtest: {}\n", tap_text(title_of(scenario)));
        out += fmt::format("    1..{}\n", scenario["steps"].size());
        for (const Node& step : scenario["steps"].items()) {
            const bool failed = is(step, "failed"), known = is(step, "known");
            out += fmt::format("    {}ok {} - {} {}", failed || known ? "not " : "", ++step_number,
                               tap_text(step["number"].as_string()),
                               tap_text(step["name"].as_string()));
            if (known || is(step, "skipped"))
                out += fmt::format(" # {} {}",
                                   known ? "TO"
                                           "DO"
                                         : "SKIP",
                                   tap_text(step["note"].as_string()));
            out += "\n";
            if (failed) out += tap_failures(step, "    ");
        }
        const bool failed = is(scenario, "failed"), known = is(scenario, "known");
        out +=
            fmt::format("{}ok {} - {}: {}", failed || known ? "not " : "", ++number,
                        tap_text(title_of(scenario)), tap_text(scenario["scenario"].as_string()));
        if (known)
            out +=
                " # TO"
                "DO " +
                tap_text(scenario["known_as"]["issue"].as_string());
        if (is(scenario, "skipped")) out += " # SKIP " + tap_text(scenario["verdict"].as_string());
        out += is(scenario, "flaky") ? "\n# flaky: it passed when it ran again\n" : "\n";
    }
    for (const Node& each : not_run)
        out += fmt::format("ok {} - {} # SKIP {}\n", ++number, tap_text(each["id"].as_string()),
                           tap_text(record["why_stopped"].as_string()));
    return out;
}

std::string github_annotations(const Node& record) {
    const std::vector<const Node*> all = worst_first(record);
    std::string out;
    for (size_t i = 0; i < all.size() && i < kAnnotations; ++i) {
        const Node& scenario = *all[i];
        const Node* step = failed_step(scenario);
        int64_t line = 1, column = 1;
        if (step != nullptr) {
            const Node& place =
                (*step)["failures"].size() > 0 ? (*step)["failures"].items().front() : *step;
            line = std::max<int64_t>(1, place["line"].as_int());
            column = std::max<int64_t>(1, place["column"].as_int());
        }
        std::string message =
            is(scenario, "flaky") ? "passed only when it ran again" : reason(scenario);
        if (i + 1 == kAnnotations && all.size() > kAnnotations)
            message += fmt::format(" (and {} more)", all.size() - kAnnotations);
        out += fmt::format(
            "::{} file={},line={},col={},title={}::{}\n",
            is(scenario, "failed") ? "error" : "warning",
            github_property(step ? file_of(*step, scenario) : scenario["file"].as_string()), line,
            column, github_property(title_of(scenario)), github_data(message));
    }
    return out;
}

std::string github_summary(const Node& record) {
    size_t passed = 0, failed = 0;
    for (const Node& scenario : record["scenarios"].items())
        (is(scenario, "failed") ? failed : passed) += 1;
    std::string out =
        fmt::format("## dodam: {}\n\n{} of {} promises hold, {}, seed `{}`\n\n",
                    record["exit"].as_int() == 0 ? "go" : "no go", passed, passed + failed,
                    seconds(record["took_us"].as_int()), record["seed"].as_string());
    out += "| | scenario | promise | time |\n|---|---|---|---|\n";
    for (const Node& scenario : record["scenarios"].items())
        out += fmt::format("| {} | {} | {} | {} |\n", scenario["outcome"].as_string(),
                           markdown_cell(title_of(scenario)),
                           markdown_cell(scenario["scenario"].as_string()),
                           seconds(scenario["took_us"].as_int()));
    for (const Node& each : record["not_run"].items())
        out += fmt::format("| not run | {} | {} | |\n", markdown_cell(each["id"].as_string()),
                           markdown_cell(each["scenario"].as_string()));
    for (const Node* scenario : worst_first(record)) {
        const std::string& story = (*scenario)["story"].as_string();
        std::string kept = story.substr(0, kStoryInSummary);
        if (kept.size() < story.size()) kept.resize(kept.rfind('\n') + 1);
        const std::string block =
            fmt::format("\n<details><summary>{}: {}</summary>\n\n````text\n{}{}````\n</details>\n",
                        markdown_cell(title_of(*scenario)), markdown_cell(reason(*scenario)),
                        base::replace_all(kept, "````", "''''"),
                        kept.size() < story.size() ? "… the HTML report has all of it\n" : "");
        if (out.size() + block.size() > kSummaryLimit) {
            out += "\nMore failures are in the HTML report.\n";
            break;
        }
        out += block;
    }
    return out;
}

}  // namespace scenarios

// Verdict: reading what went wrong, the first cause first.
#include "scenarios/checks/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/text.h"
#include "scenarios/checks/checks.h"
#include "scenarios/checks/explanation.h"
#include "scenarios/checks/unreached_base.h"

namespace checks {
namespace {

using base::Node;

constexpr size_t kMostAlso = 2;     // the verdict has ten lines at most
constexpr size_t kMostCause = 200;  // characters of a line that somebody's program wrote

std::string one_line(std::string_view text) {
    std::string line = base::replace_all(base::trim(text), "\n", " ");
    if (line.size() <= kMostCause) return line;
    size_t end = kMostCause;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80)
        --end;
    return line.substr(0, end) + "…";
}

// Where a text first stands: among files that `fits`; "" when nowhere.
template <class Fits>
std::string find_text(const Repository& repository, std::string_view text, Fits fits) {
    if (text.empty()) return {};
    for (const std::string& path : repository.paths()) {
        if (!fits(path)) continue;
        const std::string& all = repository.text(path);
        if (const size_t at = all.find(text); at != std::string::npos)
            return place_of(repository.shown(path), position_at(all, at));
    }
    return {};
}

bool is_source(std::string_view path) {
    for (std::string_view end : {".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx"})
        if (path.ends_with(end)) return path.find("node_modules/") == std::string_view::npos;
    return false;
}
bool is_json(std::string_view path) {
    return path.ends_with(".json") && !path.ends_with("package-lock.json") &&
           path.find(".scenario.") == std::string_view::npos;
}

// What stands between two texts in a line; "" when it does not.
std::string between(std::string_view line, std::string_view before, std::string_view after) {
    const size_t from = line.find(before);
    if (from == std::string_view::npos) return {};
    const size_t begin = from + before.size(), end = line.find(after, begin);
    return end == std::string_view::npos ? std::string()
                                         : std::string(line.substr(begin, end - begin));
}

// Of what a program wrote last, the line that says what was wrong.
std::string cause_line(const std::vector<std::string>& lines) {
    for (std::string_view word : {"Error", "error:", "Cannot find", "panic:", "Exception", "fatal"})
        for (const std::string& line : lines) {
            // The source line that Node prints above the message says "throw new … Error(": not it.
            if (line.find(word) == std::string::npos || line.find("throw ") != std::string::npos)
                continue;
            if (base::trim(line).starts_with("at ")) continue;
            return one_line(line);
        }
    // Our own builder's words tell more than what a script says about its end.
    for (const std::string& line : lines)
        if (base::trim(line).starts_with("dodam: ")) return one_line(line);
    for (auto line = lines.rbegin(); line != lines.rend(); ++line)
        if (const auto text = base::trim(*line); !text.empty() && !text.starts_with("at ") &&
                                                 text != "}" && !text.starts_with("Node.js v"))
            return one_line(text);
    return {};
}

// The same verdict, with the image's name and the way out where a base image is what is missing.
Verdict with_base_image(Verdict verdict, const std::vector<std::string>& lines) {
    const std::string base = unreached_base(lines);
    if (base.empty()) return verdict;
    verdict.cause = cause_of_unreached_base(base);
    verdict.next = way_out_of_unreached_base(base);
    return verdict;
}

// A place in a stack trace or a message, by the first line that has one.
std::string place_of_output(const Repository& repository, const std::vector<std::string>& lines) {
    for (const std::string& line : lines)
        if (std::string place = place_in(repository, line); !place.empty()) return place;
    return {};
}

// The directory of the nearest package.json at or above the place's file.
std::string package_directory(const Repository& repository, std::string_view place) {
    std::string directory = repository.at_home(place.substr(0, place.find(':')));
    while (!directory.empty()) {
        directory = directory_of(directory);
        if (repository.has(directory.empty() ? "package.json" : directory + "/package.json"))
            return repository.shown(directory);
    }
    return {};
}

std::optional<Verdict> missing_package(const Repository& repository, const std::string& container,
                                       const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
        std::string name = between(line, "Cannot find package '", "'");
        if (name.empty()) name = between(line, "Cannot find module '", "'");
        if (name.empty() || name.starts_with('.') || name.starts_with('/')) continue;
        std::string place;
        for (const char quote : {'"', '\''})
            if (place.empty()) place = find_text(repository, quote + name + quote, is_source);
        const std::string directory = package_directory(repository, place);
        return Verdict{
            container, fmt::format("Cannot find package '{}': it is not in the image", name), place,
            fmt::format("{}npm install {}{}, commit package.json and package-lock.json, then "
                        "dodam gate",
                        directory.empty() ? "" : "(cd " + directory + " && ", name,
                        directory.empty() ? "" : ")")};
    }
    return std::nullopt;
}

// A key of a JSON file, as written.
std::string key_place(const Repository& repository, std::string_view key) {
    return find_text(repository, fmt::format("\"{}\"", key), is_json);
}

std::optional<Verdict> of_task(const Repository& repository, const std::string& service,
                               const Node& task) {
    const std::string& reason = task["reason"].as_string();
    const std::string at = fmt::format("task (service {}", service);
    if (reason.starts_with("ResourceInitializationError") ||
        reason.find("secret") != std::string::npos) {
        // The name or ARN that could not be read stands in the sentence, and in a file.
        std::string place;
        for (std::string_view word : base::split(reason, ' ')) {
            while (!word.empty() &&
                   std::string_view(".,:;'\"()").find(word.back()) != std::string_view::npos)
                word.remove_suffix(1);
            while (!word.empty() &&
                   std::string_view("'\"(").find(word.front()) != std::string_view::npos)
                word.remove_prefix(1);
            if (word.size() < 8 || !place.empty()) continue;
            if (word.find(':') != std::string_view::npos ||
                word.find('/') != std::string_view::npos)
                place = find_text(repository, word, is_json);
        }
        if (place.empty()) place = key_place(repository, "valueFrom");
        // AWS's sentence begins with who was calling; what was missing stands behind it.
        constexpr std::string_view kBoilerplate = "1 time(s): ";
        const size_t rest = reason.find(kBoilerplate);
        const std::string cause =
            rest == std::string::npos
                ? reason
                : "the secret could not be read: " + reason.substr(rest + kBoilerplate.size());
        return Verdict{at + ", secrets)", one_line(cause), place,
                       "create the secret under this name, or correct valueFrom; then dodam gate"};
    }
    if (reason.find("CannotPull") != std::string::npos)
        return Verdict{
            at + ", image)", one_line(reason), key_place(repository, "image"),
            "push the image under the name and tag that the task definition has; then dodam gate"};
    if (reason.find("log") != std::string::npos && reason.find("Cannot") != std::string::npos)
        return Verdict{at + ", logs)", one_line(reason), key_place(repository, "awslogs-group"),
                       "create the log group, or correct its name; then dodam gate"};
    for (const Node& container : task["containers"].items()) {
        if (!container.find("exit_code")) continue;
        std::vector<std::string> lines;
        for (const Node& line : container["output"].items())
            lines.push_back(line.as_string());
        const std::string layer =
            fmt::format("{}, container {})", at, container["name"].as_string());
        const int64_t code = container["exit_code"].as_int();
        // A program that was found unhealthy is stopped, and exits because of it.
        if (!task["target"].as_string().empty() && reason.starts_with("Task failed ELB")) continue;
        if (auto verdict = missing_package(repository, layer, lines)) return verdict;
        std::string cause = cause_line(lines);
        if (code == 137 && cause.empty())
            cause = "it was killed: out of memory, or it ignored SIGTERM";
        std::string place = place_of_output(repository, lines);
        if (place.empty() && !cause.empty()) place = find_text(repository, cause, is_source);
        if (place.empty())
            place = find_text(repository, "\nCMD ", [](std::string_view path) {
                return base::lower(name_of(path)) == "dockerfile";
            });
        return Verdict{
            layer, fmt::format("exited with {}: {}", code, cause.empty() ? reason : cause), place,
            "correct the start of the program, commit, then dodam gate (all it said is below)"};
    }
    const std::string& target = task["target"].as_string();
    if (reason.starts_with("Task failed ELB") || !target.empty()) {
        const std::string layer = fmt::format("health check (service {})", service);
        if (target.find("answered") != std::string::npos)
            return Verdict{
                layer, one_line(target), key_place(repository, "HealthCheckPath"),
                "let the app answer 200 there, or change HealthCheckPath; then dodam gate"};
        return Verdict{
            layer, one_line(target.empty() ? reason : target),
            key_place(repository, "containerPort"),
            "the program must listen on 0.0.0.0 and on the port that containerPort and the "
            "target group name; then dodam gate"};
    }
    if (!reason.empty())
        return Verdict{at + ")", one_line(reason), key_place(repository, "containerDefinitions"),
                       "dodam gate --keep-world, then dodam logs and dodam status"};
    return std::nullopt;
}

const Node* first_failed(const Node& list, std::string_view outcome_key = "outcome") {
    for (const Node& each : list.items())
        if (each[outcome_key].as_string() == "failed") return &each;
    return nullptr;
}

// A line of the record's log, "TIME  STREAM  MESSAGE", without what differs from run to run.
std::string said_in(const Node& line) {
    const std::string& text = line.as_string();
    const size_t stream = text.find("  ");
    const size_t message = stream == std::string::npos ? stream : text.find("  ", stream + 2);
    return message == std::string::npos ? text : text.substr(message + 2);
}

std::string layer_of(const Node& span) {
    std::string group, error;
    for (const Node& each : span["decisions"].items()) {
        if (each["key"].as_string() == "group") group = each["text"].as_string();
        if (each["key"].as_string() == "error" || each["key"].as_string() == "answer")
            error = each["text"].as_string();
    }
    if (!group.empty() && error.empty()) return fmt::format("task (target group {})", group);
    return fmt::format("{} ({})", span["hop"].as_string(),
                       span["resource"].as_string().empty() ? span["host"].as_string()
                                                            : span["resource"].as_string());
}

// What the step asked, and of which distribution.
Failure failure_of(const Node& step, std::string message, const Node& status) {
    Failure failure{.message = std::move(message), .distribution = {}, .request = {}};
    if (!step.find("exchange")) return failure;
    const std::string& url = step["exchange"]["url"].as_string();
    const size_t begin = url.find("://");
    if (begin == std::string::npos) return failure;
    const std::string_view rest = std::string_view(url).substr(begin + 3);
    const size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view host = rest.substr(0, slash);
    const std::string_view path = base::cut(rest.substr(slash), '?').first;
    for (const auto& [name, distribution] : status["distributions"].members()) {
        bool its = host == distribution["domain"].as_string();
        for (const Node& alias : distribution["aliases"].items())
            its = its || host == alias.as_string();
        if (its) failure.distribution = name;
    }
    failure.request = fmt::format("{} {}", step["exchange"]["method"].as_string(), path);
    return failure;
}

}  // namespace

std::string place_of(const std::string& file, base::Position position) {
    if (position.line == 0) return file;
    return position.column == 0 ? fmt::format("{}:{}", file, position.line)
                                : fmt::format("{}:{}:{}", file, position.line, position.column);
}

std::string Verdict::to_string() const {
    std::string text = fmt::format("layer  {}\ncause  {}\nat     {}\nnext   {}\n", layer, cause,
                                   place.empty() ? "-" : place, next);
    for (const std::string& line : also)
        text += fmt::format("also   {}\n", line);
    return text;
}

std::string place_in(const Repository& repository, std::string_view text) {
    const auto path_character = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) ||
               std::string_view("/._-").find(c) != std::string_view::npos;
    };
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != ':' || i == 0 || i + 1 >= text.size() ||
            !std::isdigit(static_cast<unsigned char>(text[i + 1])))
            continue;
        size_t begin = i;
        while (begin > 0 && path_character(text[begin - 1]))
            --begin;
        std::string_view path = text.substr(begin, i - begin);
        if (path.find('.') == std::string_view::npos && base::lower(name_of(path)) != "dockerfile")
            continue;
        if (path.find("node_modules/") != std::string_view::npos) continue;
        size_t end = i + 1;
        while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])))
            ++end;
        if (end + 1 < text.size() && text[end] == ':' &&
            std::isdigit(static_cast<unsigned char>(text[end + 1]))) {
            ++end;
            while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])))
                ++end;
        }
        // As it is, else the longest end of it that one file alone has.
        const std::string rest(text.substr(i, end - i));
        if (const std::string whole = repository.at_home(path); repository.has(whole))
            return repository.shown(whole) + rest;
        for (std::string_view tail = path; !tail.empty();) {
            std::vector<std::string> found;
            for (const std::string& file : repository.paths())
                if (file == tail || file.ends_with("/" + std::string(tail))) found.push_back(file);
            if (found.size() == 1) return repository.shown(found[0]) + rest;
            if (found.size() > 1) break;
            const size_t slash = tail.find('/');
            if (slash == std::string_view::npos) break;
            tail.remove_prefix(slash + 1);
        }
    }
    return {};
}

Verdict of_finding(const Repository& repository, const Finding& finding) {
    return {finding.layer,
            fmt::format("{} ({})", finding.message, finding.id),
            place_of(repository.shown(finding.file), finding.position),
            finding.next.empty() ? "dodam explain " + finding.id : finding.next,
            {}};
}

// A workflow's step that failed, as `dodam workflow run` shows it: a line with the mark and the
// name, its last lines, and errors with their places.
std::optional<Verdict> of_workflow(const Repository& repository, const std::string& output) {
    constexpr std::string_view kFailed = " ✗ ", kError = "     error: ", kOfJob = "│";
    std::string step, cause, place;
    std::string_view job;  // "build │" where jobs run side by side
    std::vector<std::string> lines;
    for (std::string_view line : lines_of(output)) {
        if (step.empty()) {
            const size_t bar = line.find(kOfJob);
            job = bar == std::string_view::npos ? "" : line.substr(0, bar + kOfJob.size());
            line.remove_prefix(job.size());
            if (!line.starts_with(kFailed)) continue;
            step = line.substr(kFailed.size());
            step.resize(std::min(step.size(), step.find("  ")));
            continue;
        }
        if (!line.starts_with(job)) break;
        line.remove_prefix(job.size());
        if (!line.starts_with("     ")) break;
        if (!line.starts_with(kError)) {
            lines.emplace_back(line);
            continue;
        }
        std::string message(line.substr(kError.size()));
        if (const size_t open = message.rfind("  (");
            open != std::string::npos && message.ends_with(')')) {
            place = message.substr(open + 3, message.size() - open - 4);
            message.resize(open);
        }
        // What the program said tells more than that it ended.
        if (cause.empty() && !message.starts_with("Process completed with exit code"))
            cause = std::move(message);
    }
    if (step.empty()) return std::nullopt;
    if (cause.empty()) cause = cause_line(lines);
    if (const std::string said = place_of_output(repository, lines); !said.empty()) place = said;
    return with_base_image(
        {fmt::format("deploy ({})", one_line(step)),
         cause.empty() ? "the step ended with an error and said nothing" : one_line(cause),
         place,
         "correct it, commit, then dodam gate (the whole output is below)",
         {}},
        lines);
}

Verdict of_deploy(const Repository& repository, const Node& services, const std::string& output,
                  const std::string& script) {
    for (const auto& [name, service] : services.members())
        for (const Node& task : service["failures"].items())
            if (auto verdict = of_task(repository, name, task)) return *verdict;
    if (auto verdict = of_workflow(repository, output)) return *verdict;
    // The script's own words: the step that it was at, and what was said last.
    std::string step;
    std::vector<std::string> lines;
    for (std::string_view line : lines_of(output)) {
        if (line.starts_with("==> ")) {
            step = std::string(line.substr(4));
            lines.clear();
        } else if (!base::trim(line).empty()) {
            lines.emplace_back(line);
        }
    }
    std::string cause = cause_line(lines), place = place_of_output(repository, lines);
    if (place.empty() && !step.empty()) {
        // A step's title may end in a value: its first words are enough to find it.
        const std::string title = step.substr(0, step.find(" 1"));
        place = find_text(repository, title, [&](std::string_view path) {
            return repository.shown(std::string(path)) == script;
        });
    }
    if (place.empty()) place = script;
    return with_base_image(
        {step.empty() ? "deploy" : fmt::format("deploy ({})", one_line(step)),
         cause.empty() ? "the script ended with an error and said nothing" : cause,
         place,
         "correct it, commit, then dodam gate (the whole output is below)",
         {}},
        lines);
}

Verdict of_start(const Repository& repository, const std::string& output) {
    std::vector<std::string> lines;
    for (std::string_view line : lines_of(output))
        lines.emplace_back(line);
    std::string cause;
    for (const std::string& line : lines)
        if (cause.empty() &&
            (line.find("error: ") != std::string::npos || line.starts_with("dodam: ")))
            cause = one_line(line.starts_with("dodam: ") ? line.substr(7) : line);
    const std::string place = place_of_output(repository, lines);
    return {place.empty() ? "machine" : "stack", cause.empty() ? cause_line(lines) : cause, place,
            place.empty() ? "look at the cause: a port, a tool or a setting of this machine"
                          : "correct the file; dodam check reads it without starting anything"};
}

Verdict of_scenarios(const Repository& repository, const Node& record,
                     const std::vector<Finding>& findings, const Node& status) {
    const Node* scenario = first_failed(record["scenarios"]);
    if (!scenario)
        return {
            "scenario", "no scenario failed, and yet the run is not green", "", "dodam run -v", {}};
    const Node* step = first_failed((*scenario)["steps"]);
    const std::string file = (*scenario)["file"].as_string();
    // A used file has its own name.
    Verdict verdict{"scenario",
                    one_line((*scenario)["verdict"].as_string()),
                    file,
                    fmt::format("dodam gate {} runs this one alone", file),
                    {}};
    if (!step) return verdict;
    const std::string of_step = step->find("file") ? (*step)["file"].as_string() : file;
    base::Position position{static_cast<uint32_t>((*step)["line"].as_int()),
                            static_cast<uint32_t>((*step)["column"].as_int())};
    std::string message;
    if (!(*step)["failures"].items().empty()) {
        const Node& failure = (*step)["failures"].items().front();
        message = failure["message"].as_string();
        position = {static_cast<uint32_t>(failure["line"].as_int()),
                    static_cast<uint32_t>(failure["column"].as_int())};
    }
    std::error_code ignored;
    verdict.place = place_of(of_step, position);
    verdict.cause = one_line(fmt::format("step {} {}: {}", (*step)["number"].as_string(),
                                         (*step)["name"].as_string(), message));
    // The deepest hop that answered with an error is where to look: behind the balancer, the task,
    // unless the balancer says why it answered by itself.
    for (const Node& span : (*step)["trace"].items())
        if (span["status"].as_int() >= 400 && !span["hop"].as_string().empty())
            verdict.layer = layer_of(span);
    for (const Node& line : (*step)["log"].items())
        if (base::lower(line.as_string()).find("error") != std::string::npos) {
            verdict.cause = one_line(verdict.cause + "; the task's log: " + said_in(line));
            break;
        }
    // What a check found explains the step better than what the step saw.
    const Failure failure = failure_of(*step, message, status);
    const Finding* best = best_explanation(findings, failure);
    if (best) verdict = of_finding(repository, *best);
    for (const Finding& finding : findings)
        if (&finding != best && finding.silenced.empty() && verdict.also.size() < kMostAlso &&
            std::ranges::find(finding.seen_in, failure.request) != finding.seen_in.end())
            verdict.also.push_back(one_line(fmt::format("{} ({})", finding.message, finding.id)));
    return verdict;
}

}  // namespace checks

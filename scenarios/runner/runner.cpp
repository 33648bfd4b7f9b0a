// The loop: expand, run, check, save; polls, rows, groups, known failures.
#include "scenarios/runner/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/date.h"
#include "base/encoding.h"
#include "base/result.h"
#include "base/text.h"
#include "base/thread.h"
#include "scenarios/runner/browser.h"
#include "scenarios/runner/clients.h"
#include "scenarios/runner/fault_hold.h"
#include "scenarios/runner/load.h"
#include "scenarios/runner/names.h"
#include "scenarios/runner/scripted_origin.h"
#include "scenarios/runner/spans.h"
#include "scenarios/runner/steps/request.h"

namespace scenarios {
namespace {

using base::microseconds;
using base::Node;

constexpr auto kStepTimeout = base::seconds(30);
constexpr auto kDeployTimeout = base::seconds(300);
constexpr auto kScenarioTimeout = base::seconds(300);
constexpr auto kAfterTimeout = base::seconds(30);
constexpr auto kHoldPause = base::milliseconds(100);
constexpr auto kLogMargin = std::chrono::milliseconds(50);
constexpr base::milliseconds kProbes[] = {base::milliseconds(100), base::milliseconds(250),
                                          base::milliseconds(500), base::milliseconds(1000)};
constexpr size_t kShownLogLines = 20;
constexpr auto kLogWait = std::chrono::milliseconds(1000);  // for what a task writes of its 500
constexpr auto kLogPause = std::chrono::milliseconds(20);

int64_t to_ms(base::Time time) {
    return time.time_since_epoch().count() / 1000;
}

class ScenarioRun {
  public:
    ScenarioRun(const Scenario& scenario, const Node* row, const World& world, base::Clock& clock,
                const RunOptions& options, std::shared_ptr<ScriptedOrigin> origin)
        : scenario_(scenario),
          options_(options),
          clock_(clock),
          context_(world, clock, scenario.directory) {
        context_.origin = std::move(origin);
        context_.ended = [this] { return !stopped().empty(); };
        context_.commands_allowed = options.allow_commands;
        context_.program = options.program;
        result_.scenario = &scenario;
        secrets_ = &scenario.secrets;
        values_ = common_values("");
        if (row) {
            for (const auto& [name, value] : row->members()) {
                values_.set(name, value);
                result_.row +=
                    fmt::format("{}{}={}", result_.row.empty() ? "" : " ", name, as_text(value));
            }
        }
        for (const auto& [name, value] : options.secrets)
            result_.mask.hide(name, value);
    }

    ScenarioResult run() {
        const base::Time start = clock_.real_now();
        result_.started = start;
        limit_ = start + allowed();
        note_start();
        const bool ready = variables();
        bool going = ready && steps(scenario_.before, "b", "") && steps(scenario_.steps, "", "");
        // Cleaning up has its own time, and does not stop at its first failure.
        limit_ = std::max(limit_, clock_.real_now() + kAfterTimeout);
        after_ = true;
        if (ready) going = steps(scenario_.after, "a", "") && going;
        // Of the files that were used, the last first.
        for (size_t i = cleanups_.size(); ready && i-- > 0;) {
            const Inside inside(*this, *cleanups_[i].step->used, std::move(cleanups_[i].values));
            going = steps(cleanups_[i].step->cleanup, cleanups_[i].number + ".a", "") && going;
        }
        result_.took = clock_.real_now() - start;
        judge();
        add_traces();
        hide_credentials();
        return std::move(result_);
    }

  private:
    // One of several that run at the same time: it sees what is known so far, and has connections,
    // made-up values and results of its own.
    ScenarioRun(const ScenarioRun& parent, const std::string& number)
        : scenario_(parent.scenario_),
          options_(parent.options_),
          clock_(parent.clock_),
          context_(parent.context_.world, parent.clock_, parent.context_.directory),
          values_(parent.values_),
          secrets_(parent.secrets_),
          source_(parent.source_),
          limit_(parent.limit_),
          after_(parent.after_) {
        context_.origin = parent.context_.origin;
        context_.ended = [this] { return !stopped().empty(); };
        context_.commands_allowed = parent.context_.commands_allowed;
        context_.program = parent.context_.program;
        context_.scenario_started_ms = parent.context_.scenario_started_ms;
        context_.take_cookies(parent.context_);
        result_.scenario = &scenario_;
        result_.mask = parent.result_.mask;
        values_.seed(options_.seed + "/" + scenario_.id + "/" + number);
    }

    // What every file knows: the stack, the run, and made-up values that are its own.
    Values common_values(const std::string& number) const {
        Values values;
        values.seed(options_.seed + "/" + scenario_.id + (number.empty() ? "" : "/" + number));
        values.set("stack", context_.world.stack);
        Node run = Node::object();
        run.set("id", options_.seed);
        run.set("seed", options_.seed);
        values.set("run", std::move(run));
        Node has = Node::object();
        has.set("browser", find_browser(scenario_.directory).missing.empty());
        values.set("has", std::move(has));
        return values;
    }

    // While it lives, steps are those of a used file.
    class Inside {
      public:
        Inside(ScenarioRun& run, const Used& used, Values values) : run_(run) {
            outside_ = std::exchange(run_.values_, std::move(values));
            secrets_ = std::exchange(run_.secrets_, &used.secrets);
            source_ = std::exchange(run_.source_, &used.source);
            directory_ = std::exchange(run_.context_.directory, used.directory);
        }
        ~Inside() {
            run_.values_ = std::move(outside_);
            run_.secrets_ = secrets_;
            run_.source_ = source_;
            run_.context_.directory = std::move(directory_);
        }
        Inside(const Inside&) = delete;

      private:
        ScenarioRun& run_;
        Values outside_;
        const std::vector<std::string>* secrets_;
        const Source* source_;
        std::string directory_;
    };

    // --- Before the steps
    // -------------------------------------------------------------------------

    void note_start() {
        context_.scenario_started_ms = to_ms(clock_.real_now() - kLogMargin);
        if (auto now = context_.control.get("/clock"))
            if (auto time = base::parse_iso_date((*now)["now"].as_string()))
                context_.scenario_started_ms =
                    std::min(context_.scenario_started_ms, to_ms(*time - kLogMargin));
        if (auto newest = context_.control.get("/traces?n=1"))
            first_span_ = (*newest)["last"].as_int();
    }

    bool variables() {
        for (const auto& [name, value] : scenario_.vars.members()) {
            auto given = options_.variables.find(name);
            auto expanded =
                given != options_.variables.end() ? Node(given->second) : values_.expand(value);
            if (!expanded) {
                StepResult failed{.outcome = Outcome::Failed,
                                  .number = "0",
                                  .name = fmt::format("the variable \"{}\"", name)};
                failed.failures.push_back({expanded.error(), "", scenario_.vars.key_position(name),
                                           static_cast<uint32_t>(count_characters(name)) + 2});
                result_.steps.push_back(std::move(failed));
                return false;
            }
            set(name, std::move(*expanded));
        }
        for (const auto& [name, value] : options_.variables)
            if (!values_.has(name)) set(name, value);
        return true;
    }

    void set(const std::string& name, Node value) {
        const bool secret = std::find(secrets_->begin(), secrets_->end(), name) != secrets_->end();
        if (secret) result_.mask.hide(name, as_text(value));
        values_.set(name, std::move(value));
    }

    // --- Lists of steps
    // ---------------------------------------------------------------------------

    // Why to end now. What cleans up is not ended.
    std::string stopped() const {
        return options_.stopped && !after_ ? options_.stopped() : std::string();
    }
    microseconds allowed() const {
        const auto usual =
            options_.timeout.count() > 0 ? options_.timeout : microseconds(kScenarioTimeout);
        return scenario_.timeout.value_or(usual);
    }

    // False: a step failed, so what follows does not run.
    bool steps(const std::vector<Step>& list, const std::string& prefix, const std::string& path) {
        size_t number = 0;
        bool ok = true;
        for (const Step& step : list) {
            const std::string name = prefix + std::to_string(++number);
            if (std::string why = stopped(); !why.empty()) {
                result_.verdict = std::move(why);
                result_.outcome = Outcome::Skipped;
                return false;
            }
            if (!one(step, name, path)) {
                ok = false;
                if (!after_) return false;
            }
        }
        return ok;
    }

    bool one(const Step& step, const std::string& number, const std::string& path) {
        if (step.each.empty()) return row(step, number, path);
        std::map<std::string, Node> before;
        for (const Node& values : step.each)
            for (const auto& member : values.members())
                if (const Node* old = values_.get(member.first)) before.emplace(member.first, *old);
        bool ok = true;
        for (size_t i = 0; i < step.each.size() && ok; ++i) {
            auto expanded = values_.expand(step.each[i]);
            const Node& values = expanded ? *expanded : step.each[i];
            for (const auto& [name, value] : values.members())
                values_.set(name, value);
            ok = row(step, fmt::format("{}[{}]", number, i + 1), path);
        }
        for (const Node& values : step.each)
            for (const auto& member : values.members()) {
                auto old = before.find(member.first);
                if (old == before.end())
                    values_.erase(member.first);
                else
                    values_.set(member.first, old->second);
            }
        return ok;
    }

    bool row(const Step& step, const std::string& number, const std::string& path) {
        auto name = values_.expand_text(step.name);
        const std::string title = name ? *name : step.name;
        if (std::string why = skipped(step); !why.empty()) {
            result_.steps.push_back({.outcome = Outcome::Skipped,
                                     .number = number,
                                     .name = title,
                                     .path = path,
                                     .step = &step,
                                     .source = source_,
                                     .note = why});
            return true;
        }
        if (holds_steps(*step.verb)) return block(step, number, title, path);

        if (options_.progress)
            options_.progress(result_.mask(fmt::format("step {}  {}", number, title)));
        const base::Time start = clock_.real_now();
        context_.step_started_ms = to_ms(start - kLogMargin);
        StepResult result{
            .number = number, .name = title, .path = path, .step = &step, .source = source_};
        carry_out(step, result);
        result.took = clock_.real_now() - start;
        if (std::string why = stopped();
            !why.empty() && (!result.failures.empty() || context_.cut_short)) {
            // What was still waited for is neither right nor wrong.
            result.outcome = Outcome::Skipped;
            result.note = result_.verdict = std::move(why);
            result.failures.clear();
            result_.outcome = Outcome::Skipped;
            result_.steps.push_back(std::move(result));
            return false;
        }
        settle(step, result);
        const bool ok = result.outcome != Outcome::Failed;
        result_.steps.push_back(std::move(result));
        return ok;
    }

    bool block(const Step& step, const std::string& number, const std::string& title,
               const std::string& outer) {
        const std::string path = outer.empty() ? title : outer + " › " + title;
        const base::Time limit = limit_;
        if (step.timeout) limit_ = std::min(limit_, clock_.real_now() + *step.timeout);
        bool ok = false;
        switch (step.verb->structure) {
            case Structure::Group: ok = steps(step.children, number + ".", path); break;
            case Structure::Parallel: ok = side_by_side(step, number, path); break;
            case Structure::Use: ok = use(step, number, title, path); break;
            case Structure::Fault: ok = broken(step, number, title, outer, path); break;
            case Structure::Load: ok = loaded(step, number, title, outer, path); break;
            case Structure::None:
            case Structure::Check: break;
        }
        limit_ = limit;
        return ok;
    }

    // All of them run to their end, and what they saved is known afterwards.
    bool side_by_side(const Step& step, const std::string& number, const std::string& path) {
        struct Branch {
            std::unique_ptr<ScenarioRun> run;
            bool ok = false;
            base::Thread thread;
        };
        std::vector<Branch> branches(step.children.size());
        for (size_t i = 0; i < branches.size(); ++i) {
            const std::string name = fmt::format("{}.{}", number, i + 1);
            Branch& branch = branches[i];
            branch.run.reset(new ScenarioRun(*this, name));
            branch.thread = base::Thread("parallel-step", [&branch, &step, i, name, path] {
                branch.ok = branch.run->one(step.children[i], name, path);
            });
        }
        bool ok = true;
        for (size_t i = 0; i < branches.size(); ++i) {
            branches[i].thread.join();
            ok = branches[i].ok && ok;
            take_over(step.children[i], *branches[i].run);
        }
        return ok;
    }

    void take_over(const Step& step, ScenarioRun& branch) {
        result_.mask.add(branch.result_.mask);
        result_.requests += branch.result_.requests;
        result_.known += branch.result_.known;
        result_.stack_died = result_.stack_died || branch.result_.stack_died;
        if (branch.result_.outcome == Outcome::Skipped) {
            result_.outcome = Outcome::Skipped;
            result_.verdict = branch.result_.verdict;
        }
        std::move(branch.result_.steps.begin(), branch.result_.steps.end(),
                  std::back_inserter(result_.steps));
        std::move(branch.cleanups_.begin(), branch.cleanups_.end(), std::back_inserter(cleanups_));
        context_.take_cookies(branch.context_);
        take_saved(step, branch.values_);
    }

    void take_saved(const Step& step, const Values& from) {
        auto take = [&](const std::string& name) {
            if (const Node* value = from.get(name)) values_.set(name, *value);
        };
        for (const Save& save : step.save)
            take(save.name);
        for (const auto& taken : step.taken)
            take(taken.first);
        if (!step.used)
            for (const Step& child : step.children)
                take_saved(child, from);
    }

    // The fault itself is a step of the report: what was broken, from when on.
    bool broken(const Step& step, const std::string& number, const std::string& title,
                const std::string& outer, const std::string& path) {
        StepResult set{
            .number = number, .name = title, .path = outer, .step = &step, .source = source_};
        auto node = values_.expand(step.node);
        auto hold = node ? FaultHold::set(context_.world, (*node)["fault"])
                         : std::unexpected(StepError{node.error(), ""});
        if (!hold) fail_with(step, set, hold.error());
        settle(step, set);
        const bool ok = set.outcome != Outcome::Failed;
        result_.steps.push_back(std::move(set));
        if (!ok || !steps(step.children, number + ".", path)) return false;
        const std::string lost = (*hold)->lost();
        if (!lost.empty()) fail_with(step, result_.steps.back(), {lost, ""});
        if (!lost.empty()) result_.steps.back().outcome = Outcome::Failed;
        return lost.empty();
    }

    static void fail_with(const Step& step, StepResult& result, StepError error) {
        result.failures.push_back(
            {std::move(error.message), std::move(error.hint), step.position, step.length});
        result.failures.back().stack_died = error.cause == StepError::Cause::Stack;
        result.failures.back().measured_nothing = error.cause == StepError::Cause::Nothing;
    }

    // Requests in the background while the block runs, and for as long as was asked.
    bool loaded(const Step& step, const std::string& number, const std::string& title,
                const std::string& outer, const std::string& path) {
        StepResult result{
            .number = number, .name = title, .path = outer, .step = &step, .source = source_};
        const base::Time start = clock_.real_now();
        context_.deadline = std::min(start + microseconds(kStepTimeout), limit_);
        bool ok = true;
        auto plan = load_plan(step);
        if (!plan) {
            fail_with(step, result, plan.error());
        } else {
            const microseconds lasts = plan->second;
            Load load(context_.world, std::move(plan->first));
            load.start();
            ok = steps(step.children, number + ".", path);
            const base::Time end = std::min(start + lasts, limit_);
            if (ok && clock_.real_now() < end) context_.sleep(end - clock_.real_now());
            load.stop();
            const Answer answer = load.answer();
            result_.requests += static_cast<size_t>(answer.get("requests")->as_int());
            if (answer.get("requests")->as_int() == 0)
                fail_with(step, result,
                          {"no request was made, so nothing was measured", "",
                           StepError::Cause::Nothing});
            for (const Expectation& expectation : step.expect)
                look(expectation, answer, result);
            if (result.failures.empty()) save(step, answer, result);
        }
        result.took = clock_.real_now() - start;
        settle(step, result);
        ok = ok && result.outcome != Outcome::Failed;
        result_.steps.push_back(std::move(result));
        return ok;
    }

    // What to send, and how long at least.
    std::expected<std::pair<LoadPlan, microseconds>, StepError> load_plan(const Step& step) {
        auto node = values_.expand(step.node);
        if (!node) return std::unexpected(StepError{node.error(), ""});
        const Node& load = (*node)["load"];
        LoadPlan plan;
        for (std::string_view method : http_methods())
            if (load.find(method)) plan.request = TRY(make_request(context_, method, load));
        const auto number = [&](std::string_view key) {
            return load[key].is_string() ? base::parse_double(load[key].as_string()).value_or(0)
                                         : load[key].as_double();
        };
        const auto time = [&](std::string_view key) {
            return base::parse_duration(load[key].as_string()).value_or(microseconds(0));
        };
        plan.rate = std::clamp(number("rps"), 0.0, kMaxLoadRate);
        plan.viewers = static_cast<int>(
            std::clamp<int64_t>(static_cast<int64_t>(number("concurrency")), 0, kMaxLoadViewers));
        // Enough to keep the rate while answers are slow.
        if (plan.viewers == 0) plan.viewers = plan.rate > 0 ? kMaxLoadViewers / 2 : 1;
        plan.warmup = time("warmup");
        for (const Expectation& each : step.expect)
            plan.watch_tasks = plan.watch_tasks || each.query.word().name == "tasks";
        for (const Save& each : step.save)
            plan.watch_tasks = plan.watch_tasks || each.query.word().name == "tasks";
        return std::pair{std::move(plan), time("for")};
    }

    bool use(const Step& step, const std::string& number, const std::string& title,
             const std::string& path) {
        auto fail = [&](std::string message) {
            StepResult failed{.outcome = Outcome::Failed,
                              .number = number,
                              .name = title,
                              .step = &step,
                              .source = source_};
            failed.failures.push_back({std::move(message), "", step.position, step.length});
            result_.steps.push_back(std::move(failed));
            return false;
        };
        auto with = values_.expand(step.node["with"]);
        if (!with) return fail(with.error());
        std::vector<std::pair<std::string, Node>> taken;
        bool ok = false;
        {
            const Inside inside(*this, *step.used, common_values(number));
            for (const auto& [name, value] : step.used->vars.members()) {
                const Node* given = with->find(name);
                auto expanded =
                    given ? std::expected<Node, std::string>(*given) : values_.expand(value);
                if (!expanded) return fail(expanded.error());
                set(name, std::move(*expanded));
            }
            ok = steps(step.children, number + ".", path);
            for (const auto& [name, from] : step.taken)
                if (const Node* value = values_.get(from)) taken.emplace_back(name, *value);
            if (!step.cleanup.empty()) cleanups_.push_back({&step, number, values_});
        }
        for (auto& [name, value] : taken)
            set(name, std::move(value));
        return ok;
    }

    // Why a step does not run, "" when it does. Cleaning up what was never made is no failure.
    std::string skipped(const Step& step) {
        if (!step.condition.empty() && !holds(step.condition))
            return fmt::format("\"if\": {}", step.condition);
        if (!after_ || step.verb->structure == Structure::Check) return {};
        auto expanded = values_.expand(step.node);
        return expanded ? "" : expanded.error();
    }

    // NAME, not NAME, NAME == "value", NAME != "value".
    bool holds(std::string_view text) {
        text = base::trim(text);
        if (text.starts_with("not ")) return !holds(text.substr(4));
        for (std::string_view operation : {"==", "!="}) {
            const size_t at = text.find(operation);
            if (at == std::string_view::npos) continue;
            const std::string left = value_text(base::trim(text.substr(0, at)));
            std::string_view right = base::trim(text.substr(at + 2));
            if (right.size() > 1 && (right.front() == '"' || right.front() == '\''))
                right = right.substr(1, right.size() - 2);
            return (left == right) == (operation == "==");
        }
        const std::string value = value_text(text);
        return !value.empty() && value != "false" && value != "null" && value != "0";
    }
    std::string value_text(std::string_view name) {
        auto text = values_.expand_text(fmt::format("{{{{{}}}}}", name));
        return text ? *text : "";
    }

    // --- One step
    // ---------------------------------------------------------------------------------

    void carry_out(const Step& step, StepResult& result) {
        const std::string_view verb = step.verb->key.name;
        const auto allowed = step.timeout.value_or(verb == "deploy" || verb == "workflow"
                                                       ? microseconds(kDeployTimeout)
                                                       : microseconds(kStepTimeout));
        if (!step.eventually && !step.hold) {
            context_.deadline = std::min(clock_.real_now() + allowed, limit_);
            attempt(step, result);
            return;
        }
        const Poll& poll = step.hold ? *step.hold : *step.eventually;
        const base::Time end = std::min(clock_.real_now() + poll.within, limit_);
        for (size_t tries = 0;; ++tries) {
            context_.deadline = std::min(clock_.real_now() + allowed,
                                         std::max(end, clock_.real_now() + base::seconds(1)));
            result.failures.clear();
            result.held.clear();
            attempt(step, result);
            result.attempts = static_cast<int>(tries) + 1;
            const bool ok = result.failures.empty();
            if (step.hold ? !ok : ok) return;
            microseconds pause = poll.every;
            if (pause.count() == 0)
                pause = step.hold ? microseconds(kHoldPause)
                                  : microseconds(kProbes[std::min(tries, std::size(kProbes) - 1)]);
            if (clock_.real_now() >= end || !stopped().empty()) return;
            pause = std::min<microseconds>(pause, end - clock_.real_now());
            context_.sleep(pause);
        }
    }

    void attempt(const Step& step, StepResult& result) {
        auto fail = [&](std::string message, std::string hint = "") {
            result.failures.push_back(
                {std::move(message), std::move(hint), step.position, step.length});
        };
        if (clock_.real_now() >= limit_)
            return fail(
                fmt::format("the scenario's time is over ({})", base::show_duration(allowed())),
                "\"timeout\" of the file makes it longer");
        if (step.verb->structure == Structure::Check) return compare(step, result);
        auto node = values_.expand(step.node);
        if (!node) return fail(node.error());
        context_.exchange.reset();
        context_.asked.clear();
        for (const Expectation& each : step.expect)
            context_.asked.emplace(each.query.word().name);
        for (const Save& each : step.save)
            context_.asked.emplace(each.query.word().name);

        const base::Time start = clock_.real_now();
        auto answer = step.verb->run(context_, *node);
        if (context_.exchange) ++result_.requests;
        result.exchange = context_.exchange;
        if (!answer && answer.error().cause == StepError::Cause::Missing) {
            result.outcome = Outcome::Skipped;
            result.note = answer.error().message;
            return;
        }
        if (!answer) {
            fail(answer.error().message, answer.error().hint);
            result.failures.back().stack_died = answer.error().cause == StepError::Cause::Stack;
            result.failures.back().measured_nothing =
                answer.error().cause == StepError::Cause::Nothing;
            return;
        }
        if (answer->get("ms") == nullptr)
            answer->set("ms", static_cast<double>((clock_.real_now() - start).count()) / 1000.0);
        for (const Expectation& expectation : step.expect)
            look(expectation, *answer, result);
        if (!result.failures.empty() && result.failures.back().hint.empty())
            result.failures.back().hint = answer->account;
        if (result.failures.empty()) save(step, *answer, result);
    }

    // "check": the keys are values that are known already; a whole reference keeps its type.
    void compare(const Step& step, StepResult& result) {
        const Node& checks = step.node["check"];
        for (const auto& [name, wanted] : checks.members()) {
            Failure failure{.position = checks.key_position(name),
                            .length = static_cast<uint32_t>(count_characters(name)) + 2,
                            .query = name};
            auto value = values_.expand(Node(name));
            auto matcher = values_.expand(wanted);
            if (value && matcher) {
                Verdict verdict = check({std::move(*value), Flavor::Json}, *matcher);
                if (verdict.ok) {
                    result.held.push_back(name);
                    continue;
                }
                failure.message = base::join(verdict.messages, "; ");
                failure.differences = std::move(verdict.differences);
                failure.equal_parts = verdict.equal_parts;
            } else {
                failure.message = value ? matcher.error() : value.error();
            }
            result.failures.push_back(std::move(failure));
        }
    }

    void look(const Expectation& expectation, const Answer& answer, StepResult& result) {
        Failure failure{.position = expectation.position,
                        .length = expectation.length,
                        .query = expectation.query.text()};
        auto matcher = values_.expand(expectation.matcher);
        auto actual = answer.ask(expectation.query);
        if (!matcher || !actual) {
            failure.message = matcher ? actual.error() : matcher.error();
            result.failures.push_back(std::move(failure));
            return;
        }
        if (matcher->find("snapshot") && actual->value)
            if (auto problem = compare_snapshot(*matcher, *actual->value); !problem.empty()) {
                failure.message = std::move(problem);
                result.failures.push_back(std::move(failure));
                return;
            }
        Verdict verdict = check(*actual, *matcher);
        if (verdict.ok) {
            result.held.push_back(expectation.query.text());
            return;
        }
        failure.message = base::join(verdict.messages, "; ");
        failure.differences = std::move(verdict.differences);
        failure.equal_parts = verdict.equal_parts;
        const bool trace =
            expectation.query.word().name == "origin" || expectation.query.word().name == "hops" ||
            expectation.query.word().name == "attempts" || expectation.query.word().name == "task";
        if (trace && !actual->value) failure.hint = "the stack kept no trace of this request";
        result.failures.push_back(std::move(failure));
    }

    // "snapshot": NAME becomes "eq": what the file holds. Not "": what is wrong with it, or that it
    // was just made.
    std::string compare_snapshot(Node& matcher, const Node& value) {
        const std::string name = matcher["snapshot"].as_string();
        auto file =
            take_snapshot(context_.directory, scenario_.id, name, value, options_.snapshots);
        if (!file) return file.error();
        if (file->written && options_.snapshots == SnapshotMode::Compare)
            return fmt::format(
                "there was no snapshot \"{}\": {} is written now; look at it, and run "
                "again",
                name, file->path);
        matcher.erase("snapshot");
        matcher.set("eq", std::move(file->value));
        return "";
    }

    void save(const Step& step, const Answer& answer, StepResult& result) {
        for (const Save& save : step.save) {
            auto actual = answer.ask(save.query);
            if (actual && actual->value) {
                set(save.name, std::move(*actual->value));
                continue;
            }
            result.failures.push_back(
                {.message = actual ? fmt::format("\"{}\" cannot be saved: {} is not in the answer",
                                                 save.name, save.query.text())
                                   : actual.error(),
                 .position = save.position,
                 .length = static_cast<uint32_t>(count_characters(save.name)) + 2,
                 .query = save.query.text()});
        }
    }

    // Passed, failed, or failed as known; and the evidence.
    void settle(const Step& step, StepResult& result) {
        if (result.outcome == Outcome::Skipped) return;
        const bool ok = result.failures.empty();
        if (step.known) {
            const Known& known = *step.known;
            const bool over = !known.until.empty() &&
                              base::iso_date(clock_.real_now()).substr(0, 10) > known.until;
            if (ok)
                result.failures.push_back(
                    {fmt::format("known as {}, and it passes now", known.issue), "remove \"known\"",
                     step.position, step.length});
            else if (over)
                result.failures.push_back(
                    {fmt::format("{} was to be solved by {}", known.issue, known.until), known.why,
                     step.position, step.length});
            result.outcome = ok || over ? Outcome::Failed : Outcome::KnownFailure;
            result.note = known.issue + (known.why.empty() ? "" : ": " + known.why);
            if (result.outcome == Outcome::KnownFailure) ++result_.known;
        } else {
            result.outcome = ok ? Outcome::Passed : Outcome::Failed;
        }
        if (result.exchange && result.exchange->response)
            last_ = {*result.exchange, fmt::format("step {}  {}", result.number, result.name), {}};
        if (result.outcome != Outcome::Failed) return;
        for (const Failure& failure : result.failures)
            result_.stack_died = result_.stack_died || failure.stack_died;
        if (!result.exchange && last_) {
            result.exchange = last_->exchange;
            result.exchange_is_earlier = true;
            result.earlier_step = last_->step;
        }
        evidence(result);
    }

    void evidence(StepResult& result) {
        if (!result.exchange || result_.stack_died) return;
        Exchange& exchange = *result.exchange;
        if (exchange.spans.empty() && exchange.response) fetch_trace(context_, exchange);
        const bool at_tasks =
            std::any_of(exchange.spans.begin(), exchange.spans.end(),
                        [](const Node& span) { return span["hop"].as_string() == "alb"; });
        if (!at_tasks) return;
        // What every service wrote since the request came. A line is on its way a moment longer
        // than the answer, and one about a 500 is worth that.
        const base::Time end = context_.clock.real_now() + kLogWait;
        const bool awaited = exchange.response && exchange.response->status >= 500;
        do
            result.log_lines =
                lines_of_services(std::min(context_.step_started_ms, exchange.started_ms));
        while (awaited && !tells_of(exchange, result.log_lines) &&
               context_.clock.real_now() < end &&
               context_.clock.wait_until(context_.clock.now() + kLogPause));
    }

    // A line that names an error, or the request by its trace id.
    static bool tells_of(const Exchange& exchange, const std::vector<std::string>& lines) {
        std::string id;
        for (const Node& span : exchange.spans)
            if (span["hop"].as_string() == "alb") id = span["id"].as_string();
        return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
            return base::lower(line).find("error") != std::string::npos ||
                   (!id.empty() && line.find(id) != std::string::npos);
        });
    }

    std::vector<std::string> lines_of_services(int64_t since_ms) {
        std::vector<std::string> lines;
        for (const auto& service : context_.world.stack["services"].members()) {
            auto found = context_.control.get(fmt::format("/logs?group={}&since_ms={}&limit={}",
                                                          base::percent_encode(service.first),
                                                          since_ms, kShownLogLines));
            if (!found) continue;
            for (const Node& event : (*found)["events"].items())
                lines.push_back(fmt::format("{}  {}  {}", event["time"].as_string(),
                                            event["stream"].as_string(),
                                            event["message"].as_string()));
        }
        return lines;
    }

    // Database and cache have no ids: their spans are found among all that the stack did meanwhile.
    void add_traces() {
        const bool wanted =
            std::any_of(result_.steps.begin(), result_.steps.end(), [&](const StepResult& step) {
                return step.exchange && step.exchange->response &&
                       (options_.trace_all || step.outcome == Outcome::Failed);
            });
        if (!wanted || result_.stack_died) return;
        const std::vector<Node> all = spans_since(context_, first_span_);
        for (StepResult& step : result_.steps) {
            if (!step.exchange || !step.exchange->response) continue;
            if (!options_.trace_all && step.outcome != Outcome::Failed) continue;
            Exchange& exchange = *step.exchange;
            auto spans = spans_of_request(all, request_id(exchange), exchange.peer,
                                          exchange.request.method, exchange.request.target.path);
            if (spans.size() >= exchange.spans.size()) exchange.spans = std::move(spans);
        }
    }

    // What signs a viewer in is shown nowhere, declared as a secret or not (harness.md §2, 9).
    void hide_credentials() {
        for (const StepResult& step : result_.steps) {
            if (!step.exchange) continue;
            for (const auto& [name, value] : step.exchange->request.headers) {
                if (base::equals_ignoring_case(name, "authorization"))
                    hide_credential("authorization", value);
                if (base::equals_ignoring_case(name, "cookie"))
                    for (std::string_view pair : base::split(value, ';'))
                        hide_credential("cookie", base::cut(pair, '=').second);
            }
            if (!step.exchange->response) continue;
            for (const auto& [name, value] : step.exchange->response->headers)
                if (base::equals_ignoring_case(name, "set-cookie"))
                    hide_credential("cookie", base::cut(base::cut(value, ';').first, '=').second);
        }
    }
    // The value alone: "Bearer" in front of it is no secret.
    void hide_credential(const std::string& kind, std::string_view value) {
        value = base::trim(value);
        if (kind == "authorization") value = value.substr(value.rfind(' ') + 1);
        if (result_.mask(value) != value || !hidden_.emplace(value).second) return;
        result_.mask.hide(hidden_.size() == 1 ? kind : fmt::format("{}-{}", kind, hidden_.size()),
                          std::string(value));
    }

    void judge() {
        const bool ended = result_.outcome == Outcome::Skipped;
        bool failed = false, ran = false;
        for (const StepResult& step : result_.steps) {
            failed = failed || step.outcome == Outcome::Failed;
            ran = ran || step.outcome != Outcome::Skipped;
            for (const Failure& failure : step.failures)
                result_.measured_nothing = result_.measured_nothing || failure.measured_nothing;
        }
        if (!failed && ended) return;
        if (!failed && !ran && scenario_.known == std::nullopt) {
            // What looked at nothing shows nothing.
            failed = result_.measured_nothing = true;
            result_.verdict = "every step was skipped, so nothing was checked";
        }
        result_.outcome = failed ? Outcome::Failed : Outcome::Passed;
        if (!scenario_.known) return;
        const Known& known = *scenario_.known;
        if (!failed) {
            result_.outcome = Outcome::Failed;
            result_.verdict =
                fmt::format("known as {}, and it passes now: remove \"known\"", known.issue);
        } else if (!known.until.empty() &&
                   base::iso_date(clock_.real_now()).substr(0, 10) > known.until) {
            result_.verdict = fmt::format("{} was to be solved by {}", known.issue, known.until);
        } else if (!result_.stack_died) {
            result_.outcome = Outcome::KnownFailure;
            ++result_.known;
        }
    }

    struct Last {
        Exchange exchange;
        std::string step;
        std::vector<Node> spans;
    };

    const Scenario& scenario_;
    const RunOptions& options_;
    base::Clock& clock_;
    Context context_;
    Values values_;
    const std::vector<std::string>* secrets_ = nullptr;  // names, of the file whose steps run
    const Source* source_ = nullptr;                     // of a used file
    struct Cleanup {
        const Step* step;
        std::string number;
        Values values;
    };
    std::vector<Cleanup> cleanups_;
    ScenarioResult result_;
    base::Time limit_;
    bool after_ = false;
    int64_t first_span_ = 0;  // what the stack did before is not ours
    std::set<std::string, std::less<>> hidden_;
    std::optional<Last> last_;
};

// --- Tag expressions
// --------------------------------------------------------------------------------------

class TagExpression {
  public:
    TagExpression(std::string_view text, const std::vector<std::string>& tags) : tags_(tags) {
        std::string word;
        for (char c : text) {
            if (c == '(' || c == ')' || c == ' ') {
                if (!word.empty()) words_.push_back(std::exchange(word, {}));
                if (c != ' ') words_.emplace_back(1, c);
            } else {
                word += c;
            }
        }
        if (!word.empty()) words_.push_back(word);
    }

    std::expected<bool, std::string> value() {
        const bool result = either();
        if (!problem_.empty()) return std::unexpected(problem_);
        if (at_ != words_.size())
            return std::unexpected(
                fmt::format("\"{}\" cannot stand there in a tag expression", words_[at_]));
        return result;
    }

  private:
    bool take(std::string_view word) {
        if (at_ >= words_.size() || words_[at_] != word) return false;
        ++at_;
        return true;
    }
    bool either() {
        bool result = both();
        while (take("or"))
            result = both() || result;
        return result;
    }
    bool both() {
        bool result = one();
        while (take("and"))
            result = one() && result;
        return result;
    }
    bool one() {
        if (take("not")) return !one();
        if (take("(")) {
            const bool inner = either();
            if (!take(")") && problem_.empty())
                problem_ = "a \"(\" is not closed in the tag expression";
            return inner;
        }
        if (at_ >= words_.size() || words_[at_] == ")" || words_[at_] == "and" ||
            words_[at_] == "or") {
            if (problem_.empty())
                problem_ =
                    "the tag expression misses a tag; write for example \"smoke and not slow\"";
            return false;
        }
        const std::string& tag = words_[at_++];
        return std::find(tags_.begin(), tags_.end(), tag) != tags_.end();
    }

    const std::vector<std::string>& tags_;
    std::vector<std::string> words_;
    size_t at_ = 0;
    std::string problem_;
};

}  // namespace

const Source& source_of(const StepResult& step, const ScenarioResult& result) {
    return step.source ? *step.source : result.scenario->source;
}

std::vector<ScenarioResult> run_scenario(const Scenario& scenario, const World& world,
                                         base::Clock& clock, const RunOptions& options,
                                         std::shared_ptr<ScriptedOrigin> origin) {
    std::vector<ScenarioResult> results;
    if (scenario.each.empty()) {
        results.push_back(ScenarioRun(scenario, nullptr, world, clock, options, origin).run());
        return results;
    }
    for (const Node& row : scenario.each)
        results.push_back(ScenarioRun(scenario, &row, world, clock, options, origin).run());
    return results;
}

std::expected<bool, std::string> matches_tags(std::string_view expression,
                                              const std::vector<std::string>& tags) {
    if (base::trim(expression).empty()) return true;
    return TagExpression(expression, tags).value();
}

}  // namespace scenarios

// Session: the workers.
#include "scenarios/runner/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/date.h"
#include "base/thread.h"
#include "scenarios/runner/report.h"
#include "scenarios/runner/scripted_origin.h"

namespace scenarios {
namespace {

class Session {
  public:
    Session(const std::vector<const Scenario*>& scenarios, WorldSource& worlds, base::Clock& clock,
            const SessionOptions& options)
        : scenarios_(scenarios),
          worlds_(worlds),
          clock_(clock),
          options_(options),
          queue_(entries()),
          by_scenario_(scenarios.size()),
          begun_(clock.real_now()) {}

    SessionResult run() {
        const size_t workers =
            std::clamp<size_t>(options_.workers, 1, std::max<size_t>(1, scenarios_.size()));
        {
            std::vector<base::Thread> threads;
            for (size_t i = 0; i < workers; ++i)
                threads.emplace_back(fmt::format("scenarios-{}", i + 1), [this, i] { work(i); });
        }
        for (size_t i = 0; i < scenarios_.size(); ++i) {
            if (by_scenario_[i].empty()) out_.not_run.push_back(scenarios_[i]);
            for (ScenarioResult& result : by_scenario_[i])
                out_.results.push_back(std::move(result));
        }
        out_.flaky = options_.flaky;
        out_.interrupted = interrupted();
        out_.took = clock_.real_now() - begun_;
        return std::move(out_);
    }

  private:
    std::vector<Queue::Entry> entries() const {
        std::vector<Queue::Entry> out;
        for (const Scenario* scenario : scenarios_)
            out.push_back({scenario->lock, worlds_.kind_of(*scenario)});
        return out;
    }

    bool interrupted() const { return options_.interrupted && options_.interrupted->load(); }
    bool out_of_time() const {
        return options_.budget.count() > 0 && clock_.real_now() - begun_ >= options_.budget;
    }
    std::string budget_text() const {
        return fmt::format("the run's time is over ({})", base::show_duration(options_.budget));
    }

    // Nothing new is begun any more.
    bool closing() {
        std::lock_guard lock(mutex_);
        if (out_.why_stopped.empty() && interrupted()) out_.why_stopped = "interrupted";
        if (out_.why_stopped.empty() && out_of_time()) {
            out_.why_stopped = budget_text();
            out_.out_of_time = true;
        }
        return !out_.why_stopped.empty();
    }

    // Why the scenarios that run are to end, too.
    std::string stopped() const {
        if (interrupted()) return "interrupted";
        if (cut_) return "stopped: enough have failed";
        return out_of_time() ? budget_text() : std::string();
    }

    void work(size_t worker) {
        std::string kind;
        while (!closing()) {
            const auto entry = queue_.take(kind);
            if (!entry) {
                if (queue_.empty()) return;
                std::unique_lock lock(mutex_);  // somebody holds the locks of all that wait
                changed_.wait_for(lock, std::chrono::milliseconds(20));
                continue;
            }
            kind = worlds_.kind_of(*scenarios_[*entry]);
            one(worker, *entry);
            queue_.done(*entry);
            changed_.notify_all();
        }
    }

    void one(size_t worker, size_t index) {
        const Scenario& scenario = *scenarios_[index];
        {
            std::lock_guard lock(mutex_);
            options_.begins(scenario);
        }
        const int retries = std::max(options_.retries, scenario.retries);
        std::vector<ScenarioResult> rows;
        World world;
        for (int attempt = 0; attempt <= retries; ++attempt) {
            auto place = worlds_.prepare(worker, scenario);
            if (!place) return broken(place.error());
            world = place->world;
            std::vector<ScenarioResult> now = attempt_at(scenario, *place);
            bool failed = false;
            for (size_t i = 0; i < now.size(); ++i) {
                failed = failed || now[i].outcome == Outcome::Failed;
                now[i].world = place->name;
                if (attempt > 0 && i < rows.size()) add_earlier(now[i], std::move(rows[i]));
            }
            rows = std::move(now);
            const bool keep = failed && options_.keep_failed;
            worlds_.finished(worker, worst(rows),
                             keep ? WorldSource::After::Keep : WorldSource::After::Reuse);
            const bool again = failed && !keep && !worst(rows).stack_died && stopped().empty();
            if (!again) break;
        }
        tell(index, std::move(rows), world);
    }

    std::vector<ScenarioResult> attempt_at(const Scenario& scenario,
                                           const WorldSource::Place& place) {
        if (place.origin) place.origin->forget();
        RunOptions run = options_.run;
        run.secrets.insert(place.secrets.begin(), place.secrets.end());
        run.stopped = [this] { return stopped(); };
        if (options_.progress)
            run.progress = [&](const std::string& line) {
                std::lock_guard lock(mutex_);
                options_.progress(scenario, line);
            };
        return run_scenario(scenario, place.world, clock_, run, place.origin);
    }

    // A row that passed before is not made flaky by another one's failure.
    static void add_earlier(ScenarioResult& now, ScenarioResult before) {
        std::vector<ScenarioResult> earlier = std::move(before.earlier);
        before.earlier.clear();
        if (before.outcome == Outcome::Failed) earlier.push_back(std::move(before));
        now.earlier = std::move(earlier);
        if (now.outcome == Outcome::Passed && !now.earlier.empty()) now.outcome = Outcome::Flaky;
    }

    static const ScenarioResult& worst(const std::vector<ScenarioResult>& rows) {
        const auto found = std::find_if(rows.begin(), rows.end(), [](const ScenarioResult& row) {
            return row.outcome == Outcome::Failed;
        });
        return found == rows.end() ? rows.front() : *found;
    }

    void broken(const WorldSource::Problem& problem) {
        std::lock_guard lock(mutex_);
        if (out_.problem.text.empty()) out_.problem = problem;
        if (out_.why_stopped.empty()) out_.why_stopped = "a world did not start";
        cut_ = true;
    }

    void tell(size_t index, std::vector<ScenarioResult> rows, const World& world) {
        std::lock_guard lock(mutex_);
        bool failed = false, died = false;
        for (const ScenarioResult& row : rows) {
            failed = failed || row.outcome == Outcome::Failed;
            died = died || row.stack_died;
            options_.ended(row, world);
        }
        by_scenario_[index] = std::move(rows);
        failed_ += failed ? 1 : 0;
        if (out_.why_stopped.empty() && died) out_.why_stopped = "a part of the stack died";
        if (out_.why_stopped.empty() && options_.max_fail > 0 && failed_ >= options_.max_fail) {
            out_.why_stopped =
                fmt::format("stopped after {} failed scenario{}", failed_, failed_ == 1 ? "" : "s");
            cut_ = options_.on_max_fail == SessionOptions::OnMaxFail::Immediate;
        }
    }

    const std::vector<const Scenario*>& scenarios_;
    WorldSource& worlds_;
    base::Clock& clock_;
    const SessionOptions& options_;
    Queue queue_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::vector<ScenarioResult>> by_scenario_;
    base::Time begun_;
    size_t failed_ = 0;
    std::atomic<bool> cut_{false};
    SessionResult out_;
};

}  // namespace

int SessionResult::exit_code() const {
    if (interrupted) return kInterrupted;
    if (!problem.text.empty()) return problem.exit_code;
    const int code = scenarios::exit_code(results, flaky);
    // What failed outranks what did not run; time outranks flakiness.
    if (code == kFailed || code == kStackDied || code == kNothingRan) {
        if (code == kNothingRan && out_of_time) return kOutOfTime;
        return code;
    }
    return out_of_time ? static_cast<int>(kOutOfTime) : code;
}

SessionResult run_session(const std::vector<const Scenario*>& scenarios, WorldSource& worlds,
                          base::Clock& clock, const SessionOptions& options) {
    return Session(scenarios, worlds, clock, options).run();
}

}  // namespace scenarios

// One job of a workflow's run: its steps, those of the actions that it uses, their outputs and what
// is to be done after them. Source: harness.md §5.
#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/workflow/actions.h"
#include "scenarios/workflow/expansion.h"
#include "scenarios/workflow/files.h"
#include "scenarios/workflow/runner.h"

namespace workflow {

// What is told of jobs that run side by side is told one thing after the other.
class OneAtATime final : public Progress {
  public:
    explicit OneAtATime(Progress& told) : told_(told) {}
    void job_begins(const JobResult& job) override { tell(&Progress::job_begins, job); }
    void step_begins(const JobResult& job, const StepResult& step) override {
        tell(&Progress::step_begins, job, step);
    }
    void line(const JobResult& job, std::string_view text) override {
        tell(&Progress::line, job, text);
    }
    void group_begins(const JobResult& job, std::string_view title) override {
        tell(&Progress::group_begins, job, title);
    }
    void group_ends(const JobResult& job) override { tell(&Progress::group_ends, job); }
    void annotation(const JobResult& job, const Annotation& each) override {
        tell(&Progress::annotation, job, each);
    }
    void step_ends(const JobResult& job, const StepResult& step) override {
        tell(&Progress::step_ends, job, step);
    }
    void job_ends(const JobResult& job) override { tell(&Progress::job_ends, job); }

  private:
    template <class Member, class... Things>
    void tell(Member member, const Things&... things) {
        std::lock_guard lock(mutex_);
        (told_.*member)(things...);
    }
    std::mutex mutex_;
    Progress& told_;
};
// What the jobs of a run have in common; nothing of it changes while they run.
class Run {
  public:
    Run(const Setup& setup, Progress& progress);

    const Setup& setup;
    OneAtATime progress;
    std::string id;
    std::string workflow_name, workflow_file;

    // The github context. job: "" outside of one.
    Value github(const std::string& job, const std::string& workspace) const;

    static constexpr const char* kDummyToken = "ghs_dodam_dummy_token";
};

struct JobContext {
    const Workflow& workflow;
    const Job& job;
    Value inputs, needs, matrix, strategy;
    Texts secrets;
    std::string prefix;               // "call / "
    const std::atomic<bool>* cancel;  // this job
    const std::atomic<bool>* stop;    // the whole run
};
constexpr double kJobMinutes = 360;  // GitHub's default

class JobRun {
  public:
    JobRun(Run& run, JobContext context, JobResult& result)
        : run_(run), context_(std::move(context)), result_(result) {}
    void execute();

  private:
    // The steps of the job, or those of a composite action.
    struct Level {
        FileScope file;
        Value inputs;
        Value steps = Value::object();
        std::string action_path, action_repository;
        const YamlNode* defaults[2] = {nullptr, nullptr};  // job's, workflow's
        bool failed = false;
        size_t depth = 0;
    };
    struct Post {
        std::string name;
        Position position;
        std::string file;
        std::string condition;
        std::function<void(StepResult&)> run;
    };

    Scope scope_of(const Level& level, const Texts& environment);
    Texts steps_environment(const Texts& environment, const Level& level,
                            const std::string& action);
    Outcome<void> prepare();
    void run_level(const std::vector<Step>& steps, Level& level);
    void run_step(const Step& step, Level& level);
    Outcome<bool> act(const Step& step, Level& level, Texts environment, StepResult& result,
                      Assignments& outputs);
    Outcome<bool> run_script(const Step& step, Level& level, const Texts& environment,
                             const Scope& scope, std::chrono::milliseconds limit,
                             StepResult& result, Assignments& outputs);
    Outcome<bool> use_action(const Step& step, Level& level, const Texts& environment,
                             const Scope& scope, std::chrono::milliseconds limit,
                             StepResult& result, Assignments& outputs);
    bool use_built_in(const BuiltInAction& action, const Texts& inputs, const Texts& environment,
                      const Level& level, std::chrono::milliseconds limit, StepResult& result,
                      Assignments& outputs);
    Outcome<bool> use_file(const ActionFile& action, const Texts& inputs, const Texts& environment,
                           const Level& level, std::chrono::milliseconds limit, StepResult& result,
                           Assignments& outputs);
    bool run_program(const std::vector<std::string>& command, Texts environment,
                     const std::string& directory, std::chrono::milliseconds limit,
                     StepResult& result, Assignments& outputs, Assignments* saved);
    void run_posts();
    void say(std::string_view line, StepResult& result, Assignments& outputs, Assignments* saved);
    void annotate(StepResult& result, Annotation annotation);
    void fail(StepResult& result, std::string message, Position at = {});
    bool read_back(StepResult& result, Assignments& outputs, Assignments* saved);
    void set_environment(StepResult& result, const std::string& name, const std::string& value);
    std::string mask(std::string_view text) const;
    void hide(const std::string& value);
    std::chrono::milliseconds left() const;
    std::string search_path() const;
    // What ends a program: of a job that is cancelled, the one that runs; those of always() run.
    const std::atomic<bool>* stop() const { return cancelled_ ? context_.stop : context_.cancel; }

    Run& run_;
    JobContext context_;
    JobResult& result_;
    Texts environment_;               // env: of workflow and job, then GITHUB_ENV
    std::vector<std::string> paths_;  // GITHUB_PATH, the newest first
    std::vector<Post> posts_;
    std::vector<std::unique_ptr<ActionFile>> actions_;
    std::string workspace_, temporary_, home_, files_;
    std::string stop_token_;
    bool cancelled_ = false;
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    double limit_minutes_ = kJobMinutes;
    size_t counter_ = 0;
    std::vector<std::string> masks_;
    std::string current_action_;
    std::unique_ptr<Host> host_;
};

// Files of the run. What cannot be read is "", of the rest at most so many bytes.
std::string read_all(const std::string& path, size_t at_most = kMaxFileBytes);
bool write_all(const std::string& path, std::string_view text);
// An error at the place of the trouble.
Annotation annotation_of(const Trouble& trouble, const std::string& file);
double seconds_since(std::chrono::steady_clock::time_point begun);

}  // namespace workflow

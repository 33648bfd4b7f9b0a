// The jobs of a workflow: which may begin, what becomes of those that do, and what the run is.
#include "scenarios/workflow/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "base/result.h"
#include "base/text.h"
#include "base/thread.h"
#include "scenarios/workflow/job.h"
#include "scenarios/workflow/matrix.h"
#include "scenarios/workflow/schedule.h"

namespace workflow {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr size_t kMaxCallDepth = 4;  // of reusable workflows

constexpr milliseconds kLookAtStop{100};  // a signal sets it and wakes nobody

// A workflow that runs: the given one, or one that a job calls.
struct Call {
    const Workflow& workflow;
    Value inputs;
    Texts secrets;
    std::string prefix;  // "call / "
    size_t depth = 0;
    const std::atomic<bool>* stop = nullptr;
};

// Its jobs, each in a thread of its own once what it needs is over. The caller's thread decides;
// what it shares with the others is under the mutex.
class Jobs {
  public:
    Jobs(Run& run, Call call) : run_(run), call_(std::move(call)) {}

    std::string go();                  // "success", "failure", "cancelled"
    std::vector<JobResult> results();  // in the order of the jobs, not of their ends
    Texts outputs() const;             // of on: workflow_call

  private:
    // One combination of a job, or the job itself.
    struct Instance {
        JobState state;
        JobResult result;
        Scope scope;
        Value combination, strategy;
        std::atomic<bool> cancel{false}, ended{false};
        std::vector<JobResult> inner;    // of the workflow that it calls
        std::optional<Trouble> trouble;  // of calling it
        base::Thread thread;
    };
    struct Entry {
        const Job* job;
        bool open = false;   // its instances are known
        std::string result;  // as needs sees it
        Texts outputs;
        bool failed_before = false;  // it, or what it needs
        bool fail_fast = true;
        std::vector<JobResult> refused;
        std::vector<std::unique_ptr<Instance>> instances;

        bool over() const {
            return open && std::ranges::all_of(instances, [](const auto& one) {
                       return one->state.at == JobState::At::Over;
                   });
        }
    };

    bool stopped() const { return call_.stop && *call_.stop; }
    void worsen(const std::string& what) {
        if (what == "failure" || (what == "cancelled" && conclusion_ == "success"))
            conclusion_ = what;
    }
    const Entry& entry_of(const std::string& name) const;
    bool may_open(const Entry& entry) const;
    void open(Entry& entry);
    void refuse(Entry& entry, const Trouble& trouble);
    Outcome<std::vector<Value>> combinations_of(Entry& entry, const Scope& scope,
                                                Value& most) const;
    Outcome<void> group_of(Entry& entry, Instance& one) const;
    void pass_over(Entry& entry, Instance& one, const std::string& as);
    void begin(Entry& entry, Instance& one);
    void execute(Entry& entry, Instance& one);
    Outcome<void> call(Entry& entry, Instance& one);
    void settle(Entry& entry, Instance& one);
    void move_on();

    Run& run_;
    Call call_;
    std::vector<Entry> entries_;
    std::string conclusion_ = "success";
    std::mutex mutex_;
    std::condition_variable changed_;
};

const Jobs::Entry& Jobs::entry_of(const std::string& name) const {
    const Job* job = call_.workflow.job(name);
    return *std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.job == job; });
}

bool Jobs::may_open(const Entry& entry) const {
    return !entry.open && std::ranges::all_of(entry.job->needs, [&](const auto& needed) {
        return entry_of(needed.first).over();
    });
}

// A job that cannot be planned has failed.
void Jobs::refuse(Entry& entry, const Trouble& trouble) {
    JobResult failed{
        .id = entry.job->id, .name = call_.prefix + entry.job->id, .result = "failure"};
    run_.progress.job_begins(failed);
    Annotation annotation = annotation_of(trouble, call_.workflow.file);
    run_.progress.annotation(failed, annotation);
    failed.annotations.push_back(std::move(annotation));
    run_.progress.job_ends(failed);
    entry.refused.push_back(std::move(failed));
    entry.open = true;
    entry.result = "failure";
    entry.failed_before = true;
    worsen("failure");
}

Outcome<std::vector<Value>> Jobs::combinations_of(Entry& entry, const Scope& scope,
                                                  Value& most) const {
    const FileScope file{call_.workflow.file, call_.workflow.text};
    const YamlNode* strategy = entry.job->strategy;
    std::vector<Value> one = {Value::object()};
    if (!strategy) return one;
    if (const YamlNode* node = strategy->find("fail-fast"))
        entry.fail_fast = TRY(expand_node(*node, scope, file, Keep::Kind)).truthy();
    if (const YamlNode* node = strategy->find("max-parallel"))
        most = TRY(expand_node(*node, scope, file, Keep::Kind));
    const YamlNode* matrix = strategy->find("matrix");
    if (!matrix) return one;
    auto expanded = expand_matrix(TRY(expand_node(*matrix, scope, file, Keep::Kind)));
    if (!expanded) return std::unexpected(Trouble{expanded.error(), matrix->position});
    return std::move(*expanded);
}

// concurrency: a group's name, or { group, cancel-in-progress }. Names are compared without case.
Outcome<void> Jobs::group_of(Entry& entry, Instance& one) const {
    const YamlNode* concurrency = entry.job->concurrency;
    if (!concurrency) return {};
    const FileScope file{call_.workflow.file, call_.workflow.text};
    const YamlNode* group = concurrency->is_mapping() ? concurrency->find("group") : concurrency;
    one.state.group = base::lower(TRY(expand_text(group, one.scope, file)));
    if (const YamlNode* cancels =
            concurrency->is_mapping() ? concurrency->find("cancel-in-progress") : nullptr) {
        const Value value = TRY(expand_node(*cancels, one.scope, file, Keep::Kind));
        one.state.cancels_in_progress = value.truthy() && value.to_text() != "false";
    }
    return {};
}

// What it needs is over: whether it runs, and in which combinations.
void Jobs::open(Entry& entry) {
    const Job& job = *entry.job;
    const FileScope file{call_.workflow.file, call_.workflow.text};
    Scope scope;
    Value needs = Value::object();
    bool all_good = true;
    for (const auto& [name, position] : job.needs) {
        const Entry& before = entry_of(name);
        Value each = Value::object();
        each.set("result", before.result);
        each.set("outputs", object_of(before.outputs));
        needs.set(before.job->id, std::move(each));
        all_good = all_good && before.result == "success";
        entry.failed_before = entry.failed_before || before.failed_before;
    }
    scope.contexts.set("github", run_.github(job.id, ""));
    scope.contexts.set("vars", object_of(run_.setup.vars));
    scope.contexts.set("inputs", call_.inputs);
    scope.contexts.set("needs", needs);
    scope.contexts.set("secrets", object_of(call_.secrets));
    scope.contexts.set("matrix", Value::object());
    scope.contexts.set("strategy", Value::object());
    scope.success = all_good && !stopped();
    scope.failure = entry.failed_before;
    scope.cancelled = stopped();

    auto wanted = decide(job.condition, scope, file);
    if (!wanted) return refuse(entry, wanted.error());
    std::vector<Value> combinations = {Value::object()};
    Value most;
    if (*wanted) {
        auto planned = combinations_of(entry, scope, most);
        if (!planned) return refuse(entry, planned.error());
        combinations = std::move(*planned);
    }
    entry.open = true;
    entry.result = *wanted ? "success" : "skipped";
    const double limit = most.is_null() ? 0 : most.to_number();
    for (size_t index = 0; index < combinations.size(); ++index) {
        auto& one = *entry.instances.emplace_back(std::make_unique<Instance>());
        one.combination = combinations[index];
        one.strategy = Value::object();
        one.strategy.set("fail-fast", entry.fail_fast);
        one.strategy.set("job-index", static_cast<double>(index));
        one.strategy.set("job-total", static_cast<double>(combinations.size()));
        one.strategy.set("max-parallel",
                         most.is_null() ? Value(static_cast<double>(combinations.size())) : most);
        one.scope = scope;
        one.scope.contexts.set("matrix", one.combination);
        one.scope.contexts.set("strategy", one.strategy);
        auto name = expand_text(job.name, one.scope, file, job.id);
        one.result = {.id = job.id, .name = call_.prefix + (name ? *name : job.id)};
        if (!job.name || job.name->text.find("matrix") == std::string::npos)
            one.result.name = matrix_name(one.result.name, one.combination);
        one.state.job = static_cast<size_t>(&entry - entries_.data());
        one.state.max_parallel = limit >= 1 ? static_cast<size_t>(limit) : 0;
        if (!*wanted) {
            pass_over(entry, one, "skipped");
        } else if (auto group = group_of(entry, one); !group) {
            entry.instances.pop_back();
            return refuse(entry, group.error());
        }
    }
}

// It never begins.
void Jobs::pass_over(Entry& entry, Instance& one, const std::string& as) {
    one.result.result = as;
    one.state.at = JobState::At::Over;
    if (as == "cancelled") {
        if (entry.result == "success") entry.result = as;
        worsen(as);
    }
    run_.progress.job_begins(one.result);
    run_.progress.job_ends(one.result);
}

void Jobs::begin(Entry& entry, Instance& one) {
    one.state.at = JobState::At::Running;
    one.thread = base::Thread("job", [this, &entry, &one] { execute(entry, one); });
}

void Jobs::execute(Entry& entry, Instance& one) {
    const auto begun = Steady::now();
    if (entry.job->uses) {
        if (auto called = call(entry, one); !called) one.trouble = called.error();
        one.result.seconds = seconds_since(begun);
    } else {
        JobRun(
            run_,
            {call_.workflow, *entry.job, call_.inputs, *one.scope.contexts.find("needs"),
             one.combination, one.strategy, call_.secrets, call_.prefix, &one.cancel, call_.stop},
            one.result)
            .execute();
    }
    std::lock_guard lock(mutex_);
    one.ended = true;
    changed_.notify_one();
}

// A workflow of the same repository.
Outcome<void> Jobs::call(Entry& entry, Instance& one) {
    const Job& job = *entry.job;
    const FileScope file{call_.workflow.file, call_.workflow.text};
    const Scope& scope = one.scope;
    const auto uses = parse_uses(job.uses->text);
    if (!uses || uses->kind != Uses::Kind::Local || call_.depth >= kMaxCallDepth)
        return std::unexpected(
            Trouble{fmt::format("'{}' cannot be called: workflows of this repository can, at most "
                                "{} deep",
                                job.uses->text, kMaxCallDepth),
                    job.uses->position});
    const std::string path =
        (std::filesystem::path(run_.setup.repository) / uses->name).lexically_normal().string();
    std::vector<Finding> problems;
    auto called = parse_workflow(uses->name.substr(2), read_all(path), problems);
    for (const Finding& problem : problems)
        if (problem.severity == Finding::Severity::Error)
            return std::unexpected(Trouble{
                fmt::format("{}:{}: {}", uses->name, problem.position.line, problem.message),
                job.uses->position});
    const YamlNode* interface = called ? called->event("workflow_call") : nullptr;
    if (!interface)
        return std::unexpected(
            Trouble{fmt::format("{} is not there, or has no on: workflow_call", uses->name),
                    job.uses->position});
    Value given = Value::object();
    if (const YamlNode* declared = interface->find("inputs"))
        for (const YamlMember& member : declared->members) {
            const YamlNode* fallback = member.value.find("default");
            const YamlNode* type = member.value.find("type");
            Value value = fallback ? TRY(expand_node(*fallback, scope, file, Keep::Kind)) : Value();
            if (value.is_null() && type)
                value = type->text == "boolean"  ? Value(false)
                        : type->text == "number" ? Value(0.0)
                                                 : Value("");
            const YamlNode* passed = job.with ? job.with->find(member.key) : nullptr;
            if (passed) value = TRY(expand_node(*passed, scope, file, Keep::Kind));
            const YamlNode* required = member.value.find("required");
            if (!passed && !fallback && required && required->text == "true")
                return std::unexpected(
                    Trouble{fmt::format("Input {} is required, but not provided while calling.",
                                        member.key),
                            job.uses->position});
            given.set(member.key, std::move(value));
        }
    Texts handed;
    if (job.secrets && job.secrets->is_scalar() && job.secrets->text == "inherit")
        handed = call_.secrets;
    else
        handed = TRY(expand_texts(job.secrets, scope, file));
    Jobs inner(run_, {*called, std::move(given), std::move(handed), one.result.name + " / ",
                      call_.depth + 1, &one.cancel});
    one.result.result = inner.go();
    one.result.outputs = inner.outputs();
    one.inner = inner.results();
    return {};
}

// It is over: what follows for its job, and for the rest of its matrix.
void Jobs::settle(Entry& entry, Instance& one) {
    one.thread.join();
    one.state.at = JobState::At::Over;
    if (one.trouble) {
        one.result.result = "failure";
        refuse(entry, *one.trouble);
    }
    const FileScope file{call_.workflow.file, call_.workflow.text};
    const JobResult& result = one.result;
    bool tolerated = false;
    if (result.result == "failure" && entry.job->continue_on_error)
        if (auto go_on = expand_node(*entry.job->continue_on_error, one.scope, file, Keep::Kind))
            tolerated = go_on->truthy() && go_on->to_text() != "false";
    for (const auto& [key, value] : result.outputs)
        if (!value.empty() || !entry.outputs.contains(key)) entry.outputs[key] = value;
    if (result.result == "success" || tolerated) return;
    if (result.result == "failure" || entry.result == "success") entry.result = result.result;
    entry.failed_before = entry.failed_before || result.result == "failure";
    worsen(result.result);
    if (result.result != "failure" || !entry.fail_fast) return;
    // GitHub docs, strategy.fail-fast: "cancel all in-progress and queued jobs in the matrix".
    for (auto& other : entry.instances) {
        if (other->state.at == JobState::At::Running) other->cancel = true;
        if (other->state.at == JobState::At::Waiting) pass_over(entry, *other, "cancelled");
    }
}

// Opens what may be opened, begins what may begin.
void Jobs::move_on() {
    for (bool more = true; more;) {
        more = false;
        for (Entry& entry : entries_)
            if (may_open(entry)) {
                open(entry);
                more = true;
            }
    }
    std::vector<std::pair<Entry*, Instance*>> all;
    std::vector<JobState> states;
    for (Entry& entry : entries_)
        for (auto& one : entry.instances) {
            if (stopped()) {
                one->cancel = true;
                if (one->state.at == JobState::At::Waiting) pass_over(entry, *one, "cancelled");
            }
            all.emplace_back(&entry, one.get());
            states.push_back(one->state);
        }
    const Moves moves = next_moves(states);
    for (size_t i : moves.stop)
        all[i].second->cancel = true;
    for (size_t i : moves.drop)
        pass_over(*all[i].first, *all[i].second, "cancelled");
    for (size_t i : moves.begin)
        begin(*all[i].first, *all[i].second);
}

std::string Jobs::go() {
    std::vector<Finding> findings;
    for (const Job* job : in_order(call_.workflow, findings))
        entries_.push_back({.job = job});
    const auto over = [this] {
        return std::ranges::all_of(entries_, [](const Entry& entry) { return entry.over(); });
    };
    for (move_on(); !over(); move_on()) {
        std::vector<std::pair<Entry*, Instance*>> ended;
        const auto look = [&] {
            for (Entry& entry : entries_)
                for (auto& one : entry.instances)
                    if (one->state.at == JobState::At::Running && one->ended)
                        ended.emplace_back(&entry, one.get());
            return !ended.empty();
        };
        {
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, kLookAtStop, look);
        }
        for (auto [entry, one] : ended)
            settle(*entry, *one);
    }
    return conclusion_;
}

std::vector<JobResult> Jobs::results() {
    std::vector<JobResult> all;
    const auto add = [&](std::vector<JobResult>& some) {
        std::ranges::move(some, std::back_inserter(all));
    };
    for (Entry& entry : entries_) {
        add(entry.refused);
        for (auto& one : entry.instances) {
            add(one->inner);
            // The jobs of the workflow that it called stand for it.
            if (!entry.job->uses || !one->ended) all.push_back(std::move(one->result));
        }
    }
    return all;
}

Texts Jobs::outputs() const {
    Texts out;
    const YamlNode* interface = call_.workflow.event("workflow_call");
    const YamlNode* declared = interface ? interface->find("outputs") : nullptr;
    if (!declared) return out;
    const FileScope file{call_.workflow.file, call_.workflow.text};
    Scope scope;
    Value jobs = Value::object();
    for (const Entry& entry : entries_) {
        Value each = Value::object();
        each.set("result", entry.result);
        each.set("outputs", object_of(entry.outputs));
        jobs.set(entry.job->id, std::move(each));
    }
    scope.contexts.set("jobs", jobs);
    scope.contexts.set("inputs", call_.inputs);
    scope.contexts.set("github", run_.github("", ""));
    scope.contexts.set("vars", object_of(run_.setup.vars));
    for (const YamlMember& member : declared->members)
        if (const YamlNode* value = member.value.find("value"))
            if (auto text = expand_text(value, scope, file)) out[member.key] = *text;
    return out;
}

// The secret's name in "${{ secrets.NAME }}".
std::string secret_of(const YamlNode* node) {
    if (!node || !node->is_scalar()) return "";
    auto pieces = split_template(base::trim(node->text));
    if (!pieces || pieces->size() != 1 || !pieces->front().is_expression) return "";
    auto parsed = parse_expression(pieces->front().text);
    if (!parsed || parsed->kind != Expression::Kind::Property ||
        parsed->children[0].kind != Expression::Kind::Context ||
        !base::equals_ignoring_case(parsed->children[0].name, "secrets"))
        return "";
    return parsed->name;
}

}  // namespace

KeySecrets key_secrets(const Workflow& workflow) {
    KeySecrets out = {{"AWS_ACCESS_KEY_ID"}, {"AWS_SECRET_ACCESS_KEY"}};
    auto add = [](std::set<std::string>& to, const YamlNode* node) {
        if (std::string name = secret_of(node); !name.empty()) to.insert(std::move(name));
    };
    auto look = [&](const YamlNode* env) {
        if (!env || !env->is_mapping()) return;
        add(out.access_keys, env->find("AWS_ACCESS_KEY_ID"));
        add(out.secret_keys, env->find("AWS_SECRET_ACCESS_KEY"));
    };
    look(workflow.env);
    for (const Job& job : workflow.jobs) {
        look(job.env);
        for (const Step& step : job.steps) {
            look(step.env);
            if (!step.with) continue;
            add(out.access_keys, step.with->find("aws-access-key-id"));
            add(out.secret_keys, step.with->find("aws-secret-access-key"));
        }
    }
    return out;
}

bool runs_side_by_side(const Workflow& workflow) {
    return workflow.jobs.size() > 1 || std::ranges::any_of(workflow.jobs, [](const Job& job) {
               return job.uses || (job.strategy && job.strategy->find("matrix"));
           });
}

RunResult run(const Workflow& workflow, const Setup& setup, Progress& progress) {
    RunResult result;
    const auto begun = Steady::now();
    Run whole(setup, progress);
    whole.workflow_name = workflow.name;
    whole.workflow_file = workflow.file;
    static const std::atomic<bool> kNever{false};
    if (write_all(setup.scratch + "/event.json", to_json_text(setup.event_payload) + "\n")) {
        Jobs jobs(whole, {workflow, setup.inputs, setup.secrets, "", 0,
                          setup.stop ? setup.stop : &kNever});
        result.conclusion = jobs.go();
        result.jobs = jobs.results();
    } else {
        result.conclusion = "failure";
        JobResult failed{.id = "", .name = setup.scratch + "/event.json cannot be written"};
        progress.job_begins(failed);
        progress.job_ends(failed);
    }
    result.refused_hosts = setup.machine->refused_hosts();
    result.seconds = seconds_since(begun);
    return result;
}

}  // namespace workflow

// Runs a workflow as GitHub's runner does, against the stack. Jobs that do not need each other run
// side by side, each in a thread of its own (schedule.h says which begin). Source: GitHub docs,
// "Workflow syntax".
#pragma once
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "scenarios/runner/world.h"
#include "scenarios/workflow/host.h"
#include "scenarios/workflow/model.h"
#include "scenarios/workflow/value.h"

namespace workflow {

// What GitHub would know, and where things are.
struct Setup {
    std::string repository;   // directory that holds .github
    std::string sha;          // the commit under test; 40 digits
    bool from_commit = true;  // checkout exports the commit; false: the files as they are
    std::string repository_name = "local/app", actor = "dodam";
    Event event;
    Value event_payload = Value::object(), inputs = Value::object();
    std::map<std::string, std::string> vars, secrets;
    scenarios::World world;
    std::string scratch;  // of this run; its owner removes it
    std::string shims;    // directory that comes first in PATH, "" = none
    std::string cache;    // directory that outlives the run: npm's, and what actions/cache keeps
    std::map<std::string, std::string> environment;  // every step's, below env:
    Machine* machine = nullptr;
    const std::atomic<bool>* stop = nullptr;
};

struct Annotation {
    std::string level;  // error, warning, notice
    std::string message, title, file;
    unsigned line = 0, column = 0;
};

struct StepResult {
    std::string name, id;
    std::string outcome = "skipped", conclusion = "skipped";
    double seconds = 0;
    std::string detail;  // "built-in as v4.3.1", exit code, reason
    Position position;
    std::string file;
    std::vector<Annotation> annotations;
};

struct JobResult {
    std::string id, name;
    std::string result = "skipped";  // success failure cancelled skipped
    double seconds = 0;
    std::map<std::string, std::string> outputs;
    std::vector<StepResult> steps;
    std::vector<Annotation> annotations;  // beside a step's
    std::string summary;                  // GITHUB_STEP_SUMMARY, Markdown
};

struct RunResult {
    std::string conclusion = "success";
    std::vector<JobResult> jobs;
    std::vector<std::string> refused_hosts;
    double seconds = 0;
};

// Told while it runs, one thing at a time, from the jobs' threads; texts are masked. A job is the
// same object from its beginning to its end.
class Progress {
  public:
    virtual ~Progress() = default;
    virtual void job_begins(const JobResult&) {}
    virtual void step_begins(const JobResult&, const StepResult&) {}
    virtual void line(const JobResult&, std::string_view) {}
    virtual void group_begins(const JobResult&, std::string_view) {}
    virtual void group_ends(const JobResult&) {}
    virtual void annotation(const JobResult&, const Annotation&) {}
    virtual void step_ends(const JobResult&, const StepResult&) {}
    virtual void job_ends(const JobResult&) {}
};

// Whether jobs of it may run beside each other: whoever shows them says whose line is whose.
bool runs_side_by_side(const Workflow& workflow);

RunResult run(const Workflow& workflow, const Setup& setup, Progress& progress);

// The secrets that stand for AWS keys (`aws-access-key-id: ${{ secrets.X }}`, env AWS_ACCESS_KEY_ID
// …): the caller gives them the stack's.
struct KeySecrets {
    std::set<std::string> access_keys, secret_keys;
};
KeySecrets key_secrets(const Workflow& workflow);

}  // namespace workflow

// group, parallel, use, check, fault, load: what the runner carries out itself.
#include "scenarios/runner/steps/steps.h"

namespace scenarios {
namespace {

constexpr Key kGroupKeys[] = {{"steps", Shape::Steps, "The group's steps."}};
constexpr Key kUseKeys[] = {{"with", Shape::Object, "Values for the variables of the used file."}};

constexpr Key kFaultKeys[] = {{"steps", Shape::Steps, "What runs while it is broken."}};
constexpr Key kLoadKeys[] = {{"while", Shape::Steps, "What runs beside it."}};
constexpr std::string_view kLoadExpects[] = {
    "requests", "failed", "failedRate", "status.", "p50", "p95", "p99", "rps", "tasks", "recovers"};

constexpr Verb kVerbs[] = {
    {{"group", Shape::Text, "A title over steps."},
     kGroupKeys,
     {},
     false,
     nullptr,
     Structure::Group,
     "steps"},
    {{"parallel", Shape::Steps, "Steps that run at the same time; all are waited for."},
     {},
     {},
     false,
     nullptr,
     Structure::Parallel,
     "parallel"},
    {{"use", Shape::File,
      "The steps of another file, with variables of its own; \"save\" takes names from it."},
     kUseKeys,
     {},
     false,
     nullptr,
     Structure::Use},
    {{"check", Shape::Checks, "Compares values that are known already: {{name}} → matcher."},
     {},
     {},
     true,
     nullptr,
     Structure::Check},
    {{"fault", Shape::Faults, "Breaks parts of the stack while its steps run, and undoes it."},
     kFaultKeys,
     {},
     false,
     nullptr,
     Structure::Fault,
     "steps"},
    {{"load", Shape::Load, "Requests in the background: while other steps run, or for a time."},
     kLoadKeys,
     kLoadExpects,
     false,
     nullptr,
     Structure::Load,
     "while"},
};

}  // namespace

const std::span<const Verb> flow_verbs = kVerbs;

}  // namespace scenarios

// group, parallel, use, check: what the runner carries out itself.
#include "scenarios/runner/steps/steps.h"

namespace scenarios {
namespace {

constexpr Key kGroupKeys[] = {{"steps", Shape::Steps, "The group's steps."}};
constexpr Key kUseKeys[] = {{"with", Shape::Object, "Values for the variables of the used file."}};

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
};

}  // namespace

const std::span<const Verb> flow_verbs = kVerbs;

}  // namespace scenarios

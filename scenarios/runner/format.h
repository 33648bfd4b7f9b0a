// The scenario format as data: verbs with their modifiers and what may be expected of each. The
// checker, the JSON Schema and the steps read the same rows. Source: harness.md §3.1, §3.2.
#pragma once
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace scenarios {

class Answer;
class Context;

// What a key's value must look like.
enum class Shape {
    Any,
    Text,
    Number,
    Bool,
    Object,
    List,
    Texts,     // Texts: a text or a list of texts
    Duration,  // "1.5s", "2m"
    Jump,      // "+30s"
    Target,    // "front:/path", "https://…"
    Paths,     // ["/*"]
    Words,     // a list of texts and numbers
    File,
    Directory,
    Steps,
    Expect,
    Save,
    Checks,  // value → matcher
    World,
    HttpVersion,
    Faults,  // what is broken → how
    Load,    // a request and how often
    TaskName,
    Signal,
    Workflow,  // a file of the repository
    Tree,      // commit or working
    Browser,   // commands
    Poll,
    Known,
    Rows,
    Distribution,
    Deployable,
    Loggable,     // names of the stack
    Operation,    // "ecs.DescribeServices"
    RequestLine,  // "GET /a"
    Reply,
};

struct Key {
    std::string_view name;
    Shape shape;
    std::string_view help;
};

// Why a step could not be carried out at all.
struct StepError {
    // Stack: a part of the stack is gone, not the code's fault. Nothing: there was nothing to
    // measure, so nothing was shown. Missing: this machine lacks what the step needs, so it is
    // skipped.
    enum class Cause { Failed, Stack, Nothing, Missing };
    std::string message, hint;
    Cause cause = Cause::Failed;
};

// What the runner itself does for a verb that has no function of its own.
enum class Structure : uint8_t { None, Group, Parallel, Use, Check, Fault, Load };

struct Verb {
    Key key;
    std::span<const Key> keys;                  // beside the common ones
    std::span<const std::string_view> expects;  // query words; "ms" is always there
    bool repeatable;                            // may be sent twice without "repeatable": true
    // `step` has its references replaced. nullptr: the runner itself, as `structure` says.
    std::expected<Answer, StepError> (*run)(Context&, const base::Node& step);
    Structure structure = Structure::None;
    std::string_view block = {};  // the key that holds steps inside it, "" = none
};

// The verb's work is that of the steps inside it.
bool holds_steps(const Verb& verb);

const std::vector<const Verb*>& verbs();
const Verb* find_verb(std::string_view name);

std::span<const Key> common_keys();    // of every step
std::span<const Key> scenario_keys();  // of the file
std::span<const Key> reply_keys();     // of a scripted origin's reply
std::vector<Key> load_keys();          // of "load", methods aside
std::string_view describe(Shape shape);

// draft-07, from the rows.
base::Node scenario_schema();

}  // namespace scenarios

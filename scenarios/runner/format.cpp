// The format's tables and the JSON Schema made from them.
#include "scenarios/runner/format.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/fault_kinds.h"
#include "scenarios/runner/answer.h"
#include "scenarios/runner/browser.h"
#include "scenarios/runner/check.h"
#include "scenarios/runner/steps/request.h"
#include "scenarios/runner/steps/steps.h"

namespace scenarios {
namespace {

using base::Node;

constexpr Key kCommon[] = {
    {"name", Shape::Text, "What the step is for, in the author's words."},
    {"why", Shape::Text, "The reason, where one is not obvious."},
    {"if", Shape::Text, "Run only then: a name, \"not NAME\", or NAME == \"value\"."},
    {"known", Shape::Known, "An expected failure: the scenario is red when it passes."},
    {"expect", Shape::Expect, "What must hold: query → matcher."},
    {"save", Shape::Save, "Names for later steps: name → query."},
    {"eventually", Shape::Poll, "Repeat until \"expect\" holds."},
    {"hold", Shape::Poll, "Repeat, and fail at the first time that \"expect\" does not hold."},
    {"repeatable", Shape::Bool, "true: sending it twice is harmless."},
    {"timeout", Shape::Duration, "At most so long (30s)."},
    {"each", Shape::Rows, "Once per row, with the row's names."},
};

constexpr Key kScenario[] = {
    {"$schema", Shape::Text, "The schema, for editors."},
    {"version", Shape::Number, "Version of the format: 1."},
    {"scenario", Shape::Text, "One sentence: what a user can rely on."},
    {"source", Shape::Text, "Where the behaviour is documented."},
    {"covers", Shape::Texts, "Ids of the checklist that this file covers."},
    {"doc", Shape::Texts, "More about it."},
    {"tags", Shape::Texts, "Words to select it by."},
    {"owner", Shape::Text, "Whom to ask."},
    {"vars", Shape::Object, "Names and values."},
    {"secrets", Shape::Texts, "Names whose values are shown nowhere."},
    {"given", Shape::Object, "The stack that the case needs."},
    {"stack", Shape::Object, "Overlay on dodam.json: path → value."},
    {"world", Shape::World,
     "The state that it starts from: clean (default), keep, or snapshot:NAME."},
    {"lock", Shape::Texts,
     "Names that no two scenarios hold at the same time: \"service:backend\"."},
    {"retries", Shape::Number,
     "So many further tries when it fails; passing later is flaky, never plain green (0 to 5)."},
    {"each", Shape::Rows, "Once per row."},
    {"timeout", Shape::Duration, "Of the whole scenario (2m)."},
    {"known", Shape::Known, "An expected failure of the whole scenario."},
    {"before", Shape::Steps, "Steps that prepare."},
    {"steps", Shape::Steps, "Steps."},
    {"after", Shape::Steps, "Steps that always run: on pass, failure and timeout."},
};

constexpr Key kReply[] = {
    {"status", Shape::Number, "200"},
    {"headers", Shape::Object, "Headers, in order; a list repeats one."},
    {"body", Shape::Text, "The body."},
    {"json", Shape::Any, "The body, as JSON."},
    {"chunked", Shape::Bool, "Send the body in chunks."},
    {"trailers", Shape::Object, "Trailers after a chunked body."},
    {"raw", Shape::Text, "The whole answer, byte for byte."},
    {"delay", Shape::Duration, "Wait before answering."},
    {"close", Shape::Bool, "Close after the answer."},
    {"reset", Shape::Bool, "Reset the connection instead of answering."},
    {"times", Shape::Number, "Answer so many requests so, then forget it."},
};

constexpr Key kLoad[] = {
    {"rps", Shape::Number, "Requests per second (up to 2000)."},
    {"concurrency", Shape::Number,
     "Viewers at once (up to 64); without \"rps\" each asks as soon as it has its answer."},
    {"warmup", Shape::Duration, "What is asked in this time does not count."},
    {"for", Shape::Duration, "How long, at least; needed where there is no \"while\"."},
};

constexpr std::string_view kDuration = R"(^(\d+(\.\d+)?(ms|s|m|h|d))+$|\{\{)";

Node text_node(std::string_view type) {
    Node node = Node::object();
    node.set("type", type);
    return node;
}
Node pattern(std::string_view expression) {
    Node node = text_node("string");
    node.set("pattern", expression);
    return node;
}
Node reference(std::string_view name) {
    Node node = Node::object();
    node.set("$ref", fmt::format("#/definitions/{}", name));
    return node;
}
Node list_of(Node items) {
    Node node = text_node("array");
    node.set("items", std::move(items));
    return node;
}
Node any_of(std::vector<Node> parts) {
    Node node = Node::object();
    node.set("anyOf", Node::array(std::move(parts)));
    return node;
}
Node object_of(Node values) {
    Node node = text_node("object");
    node.set("additionalProperties", std::move(values));
    return node;
}

// A whole reference may stand where another type is wanted.
Node or_reference(Node node) {
    return any_of({std::move(node), pattern(R"(^\{\{.+\}\}$)")});
}

Node schema_of(Shape shape) {
    switch (shape) {
        case Shape::Any: return Node::object();
        case Shape::Text:
        case Shape::Workflow:
        case Shape::File:
        case Shape::Directory:
        case Shape::Distribution:
        case Shape::Deployable:
        case Shape::Loggable: return text_node("string");
        case Shape::Number: return or_reference(text_node("number"));
        case Shape::Bool: return text_node("boolean");
        case Shape::Object: return or_reference(text_node("object"));
        case Shape::List: return or_reference(text_node("array"));
        case Shape::Texts: return any_of({text_node("string"), list_of(text_node("string"))});
        case Shape::Duration: return pattern(kDuration);
        case Shape::Jump: return pattern(R"(^\+|\{\{)");
        case Shape::Target: return pattern(R"(^([a-z][a-zA-Z0-9_-]*:(/|\{\{)|https?://|\{\{))");
        case Shape::Paths: return list_of(pattern(R"(^(/|\{\{))"));
        case Shape::Words: {
            Node either = Node::object();
            either.set("type", Node::array({"string", "number"}));
            Node list = list_of(std::move(either));
            list.set("minItems", 1);
            return list;
        }
        case Shape::Steps: return reference("steps");
        case Shape::Expect: return reference("expect");
        case Shape::Save: return object_of(text_node("string"));
        case Shape::Checks: return object_of(reference("matcher"));
        case Shape::World: return pattern(R"(^(clean|keep|snapshot:.+)$)");
        case Shape::Poll: return reference("poll");
        case Shape::Known: return reference("known");
        case Shape::Rows: {
            Node list = list_of(text_node("object"));
            list.set("minItems", 1);
            return any_of({std::move(list), pattern(R"(\.(csv|json)$)")});
        }
        case Shape::HttpVersion: {
            Node node = Node::object();
            node.set("enum", Node::array({"1.0", "1.1", 1.0, 1.1}));
            return node;
        }
        case Shape::Faults: return reference("faults");
        case Shape::Load: return reference("load");
        case Shape::TaskName: return pattern("^(task:|\\{\\{)");
        case Shape::Signal: {
            Node node = text_node("string");
            node.set("enum", Node::array({"KILL", "TERM"}));
            return node;
        }
        case Shape::Tree: {
            Node node = text_node("string");
            node.set("enum", Node::array({"commit", "working"}));
            return node;
        }
        case Shape::Browser: {
            std::string names;
            for (const BrowserCommand& command : browser_commands())
                names += (names.empty() ? "" : "|") + std::string(command.name);
            Node list = list_of(pattern(fmt::format(R"(^(({})(\s|$)|\{{\{{))", names)));
            list.set("minItems", 1);
            return list;
        }
        case Shape::Operation: return pattern(R"(^[a-z0-9-]+\.[A-Z]\w+$)");
        case Shape::RequestLine: return pattern(R"(^([A-Z*]+ )?/)");
        case Shape::Reply: return reference("reply");
    }
    return Node::object();
}

Node described(const Key& key) {
    Node node = schema_of(key.shape);
    if (node.find("$ref")) return node;  // draft-07 ignores what stands beside $ref
    node.set("description", key.help);
    return node;
}

Node properties(std::span<const Key> keys) {
    Node node = Node::object();
    for (const Key& key : keys)
        node.set(std::string(key.name), described(key));
    return node;
}

Node closed_object(Node members) {
    Node node = text_node("object");
    node.set("additionalProperties", false);
    node.set("properties", std::move(members));
    return node;
}

Node required(std::initializer_list<std::string_view> names) {
    Node list = Node::array();
    for (std::string_view name : names)
        list.push_back(name);
    return list;
}

Node operators_schema() {
    Node members = Node::object();
    for (const Operator& row : operators()) {
        Node node = Node::object();
        if (row.name == "not" || row.name == "any" || row.name == "all")
            node = any_of({reference("matcher")});
        if (row.name == "in") node = or_reference(text_node("array"));
        if (row.name == "match" || row.name == "starts" || row.name == "ends" ||
            row.name == "snapshot")
            node = text_node("string");
        if (row.name == "schema") node.set("type", Node::array({"string", "object", "boolean"}));
        if (row.name == "exists" || row.name == "empty") node = text_node("boolean");
        if (row.name == "between") {
            node = text_node("array");
            node.set("minItems", 2);
            node.set("maxItems", 2);
        }
        if (row.name == "type") {
            Node names = Node::array();
            for (const std::string& name : type_names())
                names.push_back(name);
            node.set("enum", std::move(names));
        }
        node.set("description", row.help);
        members.set(std::string(row.name), std::move(node));
    }
    Node node = closed_object(std::move(members));
    node.set("minProperties", 1);
    return node;
}

Node expect_schema() {
    std::string prefixes, words;
    for (const QueryWord& word : query_words()) {
        const bool prefix =
            word.name == "$" || word.name.ends_with('.') || word.name.ends_with(' ');
        std::string& out = prefix ? prefixes : words;
        for (char c : word.name)
            out += c == '.'   ? std::string("\\.")
                   : c == '$' ? std::string("\\$")
                              : std::string(1, c);
        out += '|';
    }
    prefixes.pop_back();
    words.pop_back();
    Node names = Node::object();
    names.set("pattern", fmt::format("^({})|^({})$", prefixes, words));
    Node node = object_of(reference("matcher"));
    node.set("minProperties", 1);
    node.set("propertyNames", std::move(names));
    return node;
}

Node matcher_schema() {
    Node scalar = Node::object();
    scalar.set("type", Node::array({"string", "number", "boolean", "null", "array"}));
    return any_of({std::move(scalar), reference("operators")});
}

Node poll_schema() {
    Node members = Node::object();
    members.set("within", pattern(kDuration));
    members.set("every", pattern(kDuration));
    Node node = closed_object(std::move(members));
    node.set("required", required({"within"}));
    return any_of({pattern(kDuration), std::move(node)});
}

Node known_schema() {
    Node members = Node::object();
    members.set("issue", text_node("string"));
    members.set("until", pattern(R"(^\d{4}-\d{2}-\d{2}$)"));
    members.set("why", text_node("string"));
    Node node = closed_object(std::move(members));
    node.set("required", required({"issue"}));
    return node;
}

// Per target its kinds, as a word or as an object with the kind's value.
Node faults_schema() {
    Node members = Node::object(), patterns = Node::object();
    for (const auto& target : base::fault_targets()) {
        Node words = Node::array(), values = Node::object();
        for (const auto kind : target.kinds) {
            const auto& row = base::row_of(kind);
            if (kind == base::FaultKind::Kill) continue;  // a verb of its own
            if (row.parameter != base::FaultParameter::Duration) words.push_back(row.name);
            Node value = row.parameter == base::FaultParameter::Duration ? pattern(kDuration)
                         : row.parameter == base::FaultParameter::Status ? text_node("integer")
                         : row.parameter == base::FaultParameter::Rate   ? text_node("string")
                                                                         : text_node("boolean");
            value.set("description", row.help);
            values.set(std::string(row.name), std::move(value));
            if (kind == base::FaultKind::Latency) values.set("jitter", pattern(kDuration));
        }
        Node word = Node::object();
        word.set("enum", std::move(words));
        Node how = any_of({std::move(word), closed_object(std::move(values))});
        how.set("description", target.help);
        if (target.name.ends_with(':'))
            patterns.set(fmt::format("^{}.", target.name), std::move(how));
        else
            members.set(std::string(target.name), std::move(how));
    }
    Node node = closed_object(std::move(members));
    node.set("patternProperties", std::move(patterns));
    node.set("minProperties", 1);
    return node;
}

Node load_schema() {
    Node members = Node::object();
    for (std::string_view method : http_methods())
        members.set(std::string(method), schema_of(Shape::Target));
    for (const Key& key : load_keys())
        members.set(std::string(key.name), described(key));
    return closed_object(std::move(members));
}

// oneOf over the verbs: exactly one key says what a step does.
Node step_schema() {
    Node members = properties(kCommon);
    Node one_of = Node::array();
    for (const Verb* verb : verbs()) {
        members.set(std::string(verb->key.name), described(verb->key));
        for (const Key& key : verb->keys)
            members.set(std::string(key.name), described(key));
        Node alternative = Node::object();
        alternative.set("required", required({verb->key.name}));
        one_of.push_back(std::move(alternative));
    }
    Node node = closed_object(std::move(members));
    node.set("oneOf", std::move(one_of));
    return node;
}

}  // namespace

const std::vector<const Verb*>& verbs() {
    static const std::vector<const Verb*> kAll = [] {
        std::vector<const Verb*> all;
        for (std::span<const Verb> rows :
             {http_verbs, data_verbs, aws_verbs, deploy_verbs, workflow_verbs, time_verbs,
              flow_verbs, stream_verbs, run_verbs, browser_verbs, own_verbs})
            for (const Verb& verb : rows)
                all.push_back(&verb);
        return all;
    }();
    return kAll;
}

const Verb* find_verb(std::string_view name) {
    for (const Verb* verb : verbs())
        if (verb->key.name == name) return verb;
    return nullptr;
}

bool holds_steps(const Verb& verb) {
    return verb.structure != Structure::None && verb.structure != Structure::Check;
}

std::span<const Key> common_keys() {
    return kCommon;
}
std::span<const Key> scenario_keys() {
    return kScenario;
}
std::span<const Key> reply_keys() {
    return kReply;
}

std::vector<Key> load_keys() {
    std::vector<Key> keys(std::begin(kLoad), std::end(kLoad));
    const auto request = request_keys();
    keys.insert(keys.end(), request.begin(), request.end());
    return keys;
}

std::string_view describe(Shape shape) {
    switch (shape) {
        case Shape::Any: return "anything";
        case Shape::Number: return "a number";
        case Shape::Bool: return "true or false";
        case Shape::Object: return "an object";
        case Shape::List: return "a list";
        case Shape::Texts: return "a text or a list of texts";
        case Shape::Duration: return "a duration such as \"1.5s\" or \"2m\"";
        case Shape::Jump: return "a jump forward such as \"+30s\" or \"+1d\"";
        case Shape::Target: return "a target such as \"front:/path\" or \"https://…\"";
        case Shape::Paths: return "a list of paths such as [\"/*\"]";
        case Shape::Words: return "a list of texts and numbers";
        case Shape::Steps: return "a list of steps";
        case Shape::Expect: return "an object of query → matcher";
        case Shape::Save: return "an object of name → query";
        case Shape::Checks: return "an object of value → matcher";
        case Shape::World: return "\"clean\", \"keep\" or \"snapshot:NAME\"";
        case Shape::HttpVersion: return "1.0 or 1.1";
        case Shape::Faults: return "an object of what is broken → how";
        case Shape::Load: return "an object: a request and how often";
        case Shape::TaskName: return "a task such as \"task:backend[0]\"";
        case Shape::Signal: return "KILL or TERM";
        case Shape::Tree: return "commit or working";
        case Shape::Browser: return "a list of commands such as \"open front:/\"";
        case Shape::Poll: return "a duration, or { \"within\": …, \"every\": … }";
        case Shape::Known: return "{ \"issue\": …, \"until\": …, \"why\": … }";
        case Shape::Rows: return "a list of objects, or a .json or .csv file";
        case Shape::Operation: return "an operation such as \"ecs.DescribeServices\"";
        case Shape::RequestLine: return "a request such as \"GET /path\"";
        case Shape::Reply: return "a reply: an object";
        case Shape::Text:
        case Shape::Workflow:
        case Shape::File:
        case Shape::Directory:
        case Shape::Distribution:
        case Shape::Deployable:
        case Shape::Loggable: break;
    }
    return "a text";
}

Node scenario_schema() {
    Node definitions = Node::object();
    Node steps = list_of(reference("step"));
    steps.set("minItems", 1);
    definitions.set("steps", std::move(steps));
    definitions.set("step", step_schema());
    definitions.set("expect", expect_schema());
    definitions.set("matcher", matcher_schema());
    definitions.set("operators", operators_schema());
    definitions.set("poll", poll_schema());
    definitions.set("known", known_schema());
    definitions.set("faults", faults_schema());
    definitions.set("load", load_schema());
    definitions.set("reply", closed_object(properties(kReply)));

    Node schema = Node::object();
    schema.set("$schema", "http://json-schema.org/draft-07/schema#");
    schema.set("$id", "scenario.schema.json");
    schema.set("title", "Scenario");
    schema.set("type", "object");
    schema.set("required", required({"version", "scenario", "steps"}));
    schema.set("additionalProperties", false);
    schema.set("properties", properties(kScenario));
    schema.set("definitions", std::move(definitions));
    return schema;
}

}  // namespace scenarios

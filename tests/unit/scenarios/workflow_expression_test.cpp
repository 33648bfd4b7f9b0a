// Expressions of workflows: one line each, expression and its JSON. Source: GitHub docs, "Evaluate
// expressions in workflows and actions"; numbers in texts as the runner reads them (JavaScript's
// Number()).
#include <catch2/catch.hpp>

#include "scenarios/workflow/expression.h"

using namespace workflow;

namespace {

Scope sample() {
    Scope scope;
    auto parsed = base::parse_json(R"({
      "github": {"ref": "refs/heads/main", "ref_name": "main", "sha": "4be1c0a", "event_name": "push",
                 "event": {"commits": [{"id": 1, "tags": ["x", "y"]}, {"id": 2}], "head": null}},
      "env": {"CI": "true", "EMPTY": "", "DASH-ED": "d"}, "secrets": {"KEY": "s3cret"}, "vars": {"N": "42"},
      "matrix": {"node": 20, "os": ["linux", "mac"], "fast": true, "nothing": null},
      "needs": {"build": {"result": "success", "outputs": {"tag": "v1"}}, "lint": {"result": "failure", "outputs": {}}},
      "fruit": {"a": {"name": "apple", "n": 1}, "b": {"name": "pear", "n": 2}, "c": "none"}, "inputs": {}
    })");
    scope.contexts = from_node(*parsed);
    scope.hash_files =
        [](const std::vector<std::string>& patterns) -> std::expected<std::string, std::string> {
        return patterns[0] == "none" ? "" : "hash of " + std::to_string(patterns.size());
    };
    return scope;
}

std::string shown(std::string_view text, const Scope& scope) {
    auto parsed = parse_expression(text);
    if (!parsed) return "error: " + parsed.error().message;
    auto value = evaluate(*parsed, scope);
    if (!value) return "error: " + value.error().message;
    std::string json = to_json_text(*value), line;
    for (size_t i = 0; i < json.size(); ++i)
        if (json[i] != '\n' && !(json[i] == ' ' && i > 0 &&
                                 (json[i - 1] == '\n' || line.empty() || line.ends_with("  "))))
            line += json[i];
    // One line, whatever toJSON's layout.
    std::string out;
    bool quoted = false;
    for (size_t i = 0; i < json.size(); ++i) {
        if (json[i] == '"' && (i == 0 || json[i - 1] != '\\')) quoted = !quoted;
        if (quoted || (json[i] != '\n' && json[i] != ' ')) out += json[i];
    }
    return out;
}

struct Row {
    const char *expression, *expected;
};

constexpr Row kRows[] = {
    // literals
    {"null", "null"},
    {"true", "true"},
    {"false", "false"},
    {"0", "0"},
    {"711", "711"},
    {"-9.2", "-9.2"},
    {"+3", "3"},
    {".5", "0.5"},
    {"0xff", "255"},
    {"0o17", "15"},
    {"-2.99e-2", "-0.0299"},
    {"1e3", "1000"},
    {"1e21", "1E+21"},
    {"0.00001", "1E-05"},
    {"123456789012345", "123456789012345"},
    {"0.1", "0.1"},
    {"-0", "0"},
    {"NaN", "NaN"},
    {"Infinity", "Infinity"},
    {"-Infinity", "-Infinity"},
    {"''", "\"\""},
    {"'Mona the Octocat'", "\"Mona the Octocat\""},
    {"'It''s open source!'", "\"It's open source!\""},
    {"'\"'", "\"\\\"\""},
    {"'{{}}'", "\"{{}}\""},
    {"'한글'", "\"한글\""},
    {"  1  ", "1"},
    {"(1)", "1"},
    {"((true))", "true"},
    {"\n1\n", "1"},
    // == and !=: kinds that differ become numbers
    {"1 == 1", "true"},
    {"1 == 2", "false"},
    {"1 != 2", "true"},
    {"'1' == 1", "true"},
    {"1 == '1'", "true"},
    {"'01' == 1", "true"},
    {"' 1 ' == 1", "true"},
    {"'0x10' == 16", "true"},
    {"'1e1' == 10", "true"},
    {"'abc' == 0", "false"},
    {"'' == 0", "true"},
    {"'  ' == 0", "true"},
    {"null == 0", "true"},
    {"null == ''", "true"},
    {"null == false", "true"},
    {"null == null", "true"},
    {"null == 'null'", "false"},
    {"true == 1", "true"},
    {"true == '1'", "true"},
    {"true == 'true'", "false"},
    {"false == ''", "true"},
    {"false == 'false'", "false"},
    {"true == true", "true"},
    {"true != false", "true"},
    {"NaN == NaN", "false"},
    {"NaN != NaN", "true"},
    {"'NaN' == NaN", "false"},
    {"'Infinity' == Infinity", "true"},
    {"'Main' == 'main'", "true"},
    {"'Main' != 'main'", "false"},
    {"'a' == 'b'", "false"},
    {"github == github", "true"},
    {"matrix.os == matrix.os", "true"},
    {"github == matrix", "false"},
    {"fromJSON('[1]') == fromJSON('[1]')", "false"},
    {"github == 'Object'", "false"},
    {"github == null", "false"},
    {"github.nothing == null", "true"},
    {"github.nothing == ''", "true"},
    // order
    {"1 < 2", "true"},
    {"2 < 1", "false"},
    {"2 <= 2", "true"},
    {"3 > 2", "true"},
    {"2 >= 3", "false"},
    {"'2' > 1", "true"},
    {"'10' > '9'", "false"},
    {"'b' > 'A'", "true"},
    {"'a' < 'B'", "true"},
    {"'abc' > 1", "false"},
    {"'abc' < 1", "false"},
    {"null < 1", "true"},
    {"null >= 0", "true"},
    {"true > false", "true"},
    {"false < true", "true"},
    {"true >= true", "true"},
    {"NaN < 1", "false"},
    {"NaN >= NaN", "false"},
    {"1 < 2 == true", "true"},
    {"github >= matrix", "false"},
    // ! && ||
    {"!true", "false"},
    {"!!1", "true"},
    {"!0", "true"},
    {"!''", "true"},
    {"!null", "true"},
    {"!NaN", "true"},
    {"!'false'", "false"},
    {"!github", "false"},
    {"!fromJSON('[]')", "false"},
    {"true && 'x'", "\"x\""},
    {"false && 'x'", "false"},
    {"'' && 'x'", "\"\""},
    {"null && 'x'", "null"},
    {"0 && 'x'", "0"},
    {"'a' || 'b'", "\"a\""},
    {"'' || 'b'", "\"b\""},
    {"null || 0", "0"},
    {"false || null", "null"},
    {"true && 'x' || 'y'", "\"x\""},
    {"false && 'x' || 'y'", "\"y\""},
    {"true && '' || 'y'", "\"y\""},
    {"true || false && false", "true"},
    {"(true || false) && false", "false"},
    {"1 == 1 && 2 == 2", "true"},
    {"!false && true", "true"},
    {"!(1 == 2)", "true"},
    // contexts, properties, index
    {"github.ref", "\"refs/heads/main\""},
    {"GITHUB.REF", "\"refs/heads/main\""},
    {"github['ref']", "\"refs/heads/main\""},
    {"github['REF']", "\"refs/heads/main\""},
    {"github.event.commits[0].id", "1"},
    {"github.event.commits[1].id", "2"},
    {"github.event.commits['1'].id", "2"},
    {"github.event.commits[1.9].id", "2"},
    {"github.event.commits[2]", "null"},
    {"github.event.commits[-1]", "null"},
    {"github.event.commits['x']", "null"},
    {"github.event.head.message", "null"},
    {"github.ref.length", "null"},
    {"env.DASH-ED", "\"d\""},
    {"env[format('C{0}', 'I')]", "\"true\""},
    {"env.MISSING", "null"},
    {"matrix.node", "20"},
    {"matrix.os[1]", "\"mac\""},
    {"matrix[null]", "null"},
    {"needs.build.outputs.tag", "\"v1\""},
    {"needs.lint.outputs.tag", "null"},
    {"needs.*.result", "[\"success\",\"failure\"]"},
    {"contains(needs.*.result, 'failure')", "true"},
    {"contains(needs.*.result, 'cancelled')", "false"},
    // object filters
    {"fruit.*.name", "[\"apple\",\"pear\"]"},
    {"fruit.*.n", "[1,2]"},
    {"fruit[*].name", "[\"apple\",\"pear\"]"},
    {"fruit.*.missing", "[]"},
    {"github.event.commits.*.id", "[1,2]"},
    {"github.event.commits.*.tags", "[[\"x\",\"y\"]]"},
    {"github.event.commits.*.tags.*", "[\"x\",\"y\"]"},
    {"github.event.commits.*.tags[0]", "[\"x\"]"},
    {"join(github.event.commits.*.id, '-')", "\"1-2\""},
    {"github.ref.*", "null"},
    {"github.event.head.*.x", "null"},
    // contains, startsWith, endsWith
    {"contains('Hello world', 'llo')", "true"},
    {"contains('Hello world', 'WORLD')", "true"},
    {"contains('Hello', 'x')", "false"},
    {"contains('abc', '')", "true"},
    {"contains(123, 2)", "true"},
    {"contains(matrix.os, 'linux')", "true"},
    {"contains(matrix.os, 'LINUX')", "true"},
    {"contains(matrix.os, 'lin')", "false"},
    {"contains(fromJSON('[1,2]'), '1')", "true"},
    {"contains(fromJSON('[null]'), '')", "true"},
    {"contains(fromJSON('[\"push\", \"pull_request\"]'), github.event_name)", "true"},
    {"contains(github, 'ref')", "false"},
    {"contains('x', github)", "false"},
    {"contains(null, '')", "true"},
    {"startsWith('Hello world', 'he')", "true"},
    {"startsWith('Hello', 'x')", "false"},
    {"startsWith(github.ref, 'refs/heads/')", "true"},
    {"startsWith(123, 1)", "true"},
    {"startsWith(github, 'x')", "false"},
    {"endsWith('Hello world', 'LD')", "true"},
    {"endsWith('Hello', 'x')", "false"},
    {"endsWith('a', '')", "true"},
    {"STARTSWITH('a', 'A')", "true"},
    // format, join
    {"format('Hello {0} {1} {2}', 'Mona', 'the', 'Octocat')", "\"Hello Mona the Octocat\""},
    {"format('{{Hello {0}!}}', 'x')", "\"{Hello x!}\""},
    {"format('{0}{0}', 1)", "\"11\""},
    {"format('{0}', null)", "\"\""},
    {"format('{0}', true)", "\"true\""},
    {"format('{0}', github)", "\"Object\""},
    {"format('{0}', matrix.os)", "\"Array\""},
    {"format('none')", "\"none\""},
    {"format('{1}', 'x')",
     "error: the following format string references more arguments than were supplied: {1}"},
    {"format('{x}', 'x')", "error: the following format string is invalid: {x}"},
    {"format('{', 'x')", "error: the following format string is invalid: {"},
    {"format('}', 'x')", "error: the following format string is invalid: }"},
    {"join(matrix.os)", "\"linux,mac\""},
    {"join(matrix.os, ', ')", "\"linux, mac\""},
    {"join('text', ', ')", "\"text\""},
    {"join(fromJSON('[1,null,true]'), '|')", "\"1||true\""},
    {"join(fromJSON('[]'))", "\"\""},
    // JSON
    {"toJSON('a')", "\"\\\"a\\\"\""},
    {"toJSON(null)", "\"null\""},
    {"toJSON(matrix.os)", "\"[\\n  \\\"linux\\\",\\n  \\\"mac\\\"\\n]\""},
    {"toJSON(fromJSON('{}'))", "\"{}\""},
    {"toJSON(fromJSON('[]'))", "\"[]\""},
    {"fromJSON('{\"a\":{\"b\":[1,2]}}').a.b[1]", "2"},
    {"fromJSON('true')", "true"},
    {"fromJSON(vars.N)", "42"},
    {"fromJSON('\"x\"')", "\"x\""},
    {"fromJSON(toJSON(matrix)).node", "20"},
    {"fromJSON('{\"A\":1}').a", "1"},
    // hashFiles, case, status
    {"hashFiles('**/package-lock.json')", "\"hash of 1\""},
    {"hashFiles('a', 'b')", "\"hash of 2\""},
    {"hashFiles('none')", "\"\""},
    {"case(false, 1, true, 2, 3)", "2"},
    {"case(false, 1, 3)", "3"},
    {"success()", "true"},
    {"failure()", "false"},
    {"cancelled()", "false"},
    {"always()", "true"},
    {"success() && github.ref == 'refs/heads/main'", "true"},
    {"Success()", "true"},
    // what is no expression
    {"", "error: an expression was expected"},
    {"1 +", "error: unexpected symbol: '+'"},
    {"1 ==", "error: the expression ends too early"},
    {"(1", "error: the expression ends too early"},
    {"1)", "error: unexpected symbol: ')'"},
    {"'open", "error: the text has no closing quote"},
    {"\"double\"", "error: text takes single quotes: 'text'"},
    {"a = b", "error: unexpected symbol: '='"},
    {"github.", "error: the expression ends too early"},
    {"github[", "error: the expression ends too early"},
    {"github..ref", "error: unexpected symbol: '.'"},
    {"True", "error: unrecognized named-value: 'True'"},
    {"gihub.ref", "error: unrecognized named-value: 'gihub'"},
    {"contain('a', 'b')", "error: unrecognized function: 'contain'; did you mean contains?"},
    {"contains('a')", "error: too few parameters supplied: contains takes at least 2"},
    {"contains('a', 'b', 'c')", "error: too many parameters supplied: contains takes at most 2"},
    {"always(1)", "error: too many parameters supplied: always takes at most 0"},
    {"1 2", "error: unexpected symbol: '2'"},
    {"1x", "error: unexpected symbol: '1x'"},
    {"a; b", "error: unexpected symbol: ';'"},
    {"a & b", "error: unexpected symbol: '&'"},
};

}  // namespace

TEST_CASE("workflow expressions evaluate as GitHub documents", "[workflow]") {
    static_assert(std::size(kRows) >= 150);
    const Scope scope = sample();
    for (const Row& row : kRows) {
        INFO(row.expression);
        CHECK(shown(row.expression, scope) == row.expected);
    }
}

TEST_CASE("an expression is bounded", "[workflow]") {
    CHECK_FALSE(parse_expression(std::string(1000, '(') + "1"));
    CHECK_FALSE(parse_expression(std::string(1000, '!') + "1"));
    CHECK_FALSE(parse_expression("'" + std::string(kMaxExpressionBytes, 'x') + "'"));
}

TEST_CASE("texts with expressions in them", "[workflow]") {
    struct TextRow {
        const char *text, *expected;
    };
    const TextRow rows[] = {
        {"plain", "plain"},
        {"", ""},
        {"${{ github.ref_name }}", "main"},
        {"a-${{github.sha}}-b", "a-4be1c0a-b"},
        {"${{ 1 }}${{ 2 }}", "12"},
        {"${{ '}}' }}", "}}"},
        {"${{ 'it''s }}' }}!", "it's }}!"},
        {"$ {{ x }}", "$ {{ x }}"},
        {"${{ matrix.fast }}", "true"},
        {"${{ secrets.NO_SUCH }}", ""},
        {"${{ github }}", "Object"},
    };
    const Scope scope = sample();
    for (const TextRow& row : rows) {
        INFO(row.text);
        auto value = expand(row.text, scope, Keep::Text);
        REQUIRE(value);
        CHECK(value->string() == row.expected);
    }
    CHECK(expand("${{ matrix.os }}", scope, Keep::Kind)->is_array());
    CHECK(expand("x${{ matrix.os }}", scope, Keep::Kind)->string() == "xArray");
    auto open = expand("ab ${{ 1", scope, Keep::Text);
    REQUIRE_FALSE(open);
    CHECK(open.error().offset == 3);
    auto inside = expand("ab ${{ gihub }}", scope, Keep::Text);
    REQUIRE_FALSE(inside);
    CHECK(inside.error().offset == 7);
}

TEST_CASE("if: implies success() unless a status function is named", "[workflow]") {
    struct IfRow {
        const char* text;
        bool when_ok, when_failed, when_cancelled;
    };
    const IfRow rows[] = {
        {"", true, false, false},
        {"true", true, false, false},
        {"false", false, false, false},
        {"always()", true, true, true},
        {"failure()", false, true, false},
        {"cancelled()", false, false, true},
        {"!cancelled()", true, true, false},
        {"${{ !cancelled() }}", true, true, false},
        {"success() || failure()", true, true, false},
        {"github.ref == 'refs/heads/main'", true, false, false},
        {"${{ github.ref == 'refs/heads/main' }}", true, false, false},
        {"${{ github.ref }} == 'refs/heads/dev'", true, false, false},  // a text that is not empty
        {"${{ false }} ", false, false, false},
        {"failure() && needs.build.result == 'success'", false, true, false},
        {"'always()' == ''", false, false, false},
    };
    for (const IfRow& row : rows) {
        INFO(row.text);
        auto parsed = parse_condition(row.text);
        REQUIRE(parsed);
        Scope scope = sample();
        CHECK(evaluate(*parsed, scope)->truthy() == row.when_ok);
        scope.success = false;
        scope.failure = true;
        CHECK(evaluate(*parsed, scope)->truthy() == row.when_failed);
        scope.failure = false;
        scope.cancelled = true;
        CHECK(evaluate(*parsed, scope)->truthy() == row.when_cancelled);
    }
}

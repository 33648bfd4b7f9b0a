// The pure parts of a workflow's run: YAML, files and commands of a step, filters, matrices.
#include <catch2/catch.hpp>

#include "scenarios/workflow/files.h"
#include "scenarios/workflow/filters.h"
#include "scenarios/workflow/matrix.h"
#include "scenarios/workflow/yaml.h"

using namespace workflow;

TEST_CASE("YAML is read by the 1.2 core schema", "[workflow]") {
    struct Row {
        const char *text, *json;
    };
    const Row rows[] = {
        {"on", "\"on\""},
        {"yes", "\"yes\""},
        {"off", "\"off\""},
        {"true", "true"},
        {"True", "true"},
        {"TRUE", "true"},
        {"tRUE", "\"tRUE\""},
        {"false", "false"},
        {"~", "null"},
        {"null", "null"},
        {"'null'", "\"null\""},
        {"''", "\"\""},
        {"1", "1"},
        {"-1.5", "-1.5"},
        {"1e3", "1000"},
        {"0x1f", "31"},
        {"0o17", "15"},
        {"\"1\"", "\"1\""},
        {"1.2.3", "\"1.2.3\""},
        {"20.x", "\"20.x\""},
        {"3.10", "3.1"},
        {".inf", "Infinity"},
        {"12:30", "\"12:30\""},
        {"1_000", "\"1_000\""},
        {"2024-01-01", "\"2024-01-01\""},
        {"e", "\"e\""},
        {"-", "[\n  null\n]"},
        {"[]", "[]"},
        {"{}", "{}"},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        auto parsed = parse_yaml(row.text);
        REQUIRE(parsed);
        CHECK(to_json_text(value_of(*parsed)) == row.json);
    }
}

TEST_CASE("YAML keeps positions, and refuses what GitHub refuses", "[workflow]") {
    auto parsed = parse_yaml(
        "on: push\njobs:\n  한글: &a\n    run: |\n      one\n      two ${{ x }}\n  b: *a\n");
    REQUIRE(parsed);
    const YamlNode* jobs = parsed->find("jobs");
    REQUIRE(jobs);
    CHECK(jobs->members[0].key_position == Position{3, 3});
    const YamlNode* run = jobs->members[0].value.find("run");
    REQUIRE(run);
    const std::string file =
        "on: push\njobs:\n  한글: &a\n    run: |\n      one\n      two ${{ x }}\n  b: *a\n";
    CHECK(run->position_of(run->text.find("${{"), file) == Position{6, 11});
    CHECK(jobs->members[1].value.find("run")->text == run->text);
    CHECK(parsed->find("on")->position_of(2, file) == Position{1, 7});

    struct Bad {
        const char *text, *message;
        uint32_t line;
        const char* hint = "";
    };
    const Bad rows[] = {
        {"a: 1\na: 2\n", "duplicate key \"a\"", 2, "GitHub refuses the file"},
        {"a: *x\n", "there is no anchor &x before this alias", 1},
        {"a: 1\n---\nb: 2\n", "a second document begins here", 2, "one file, one workflow"},
        {"<<: {}\n", "merge keys (<<) are not read in a workflow", 1,
         "GitHub does not read them either: write the members again"},
        {"a: !!binary x\n", "the tag tag:yaml.org,2002:binary has no meaning in a workflow", 1,
         "a text that begins with ! needs quotes or ${{ }}"},
        {"? [a]\n: 1\n", "a key is a text, and this is a list or an object", 1,
         "a text that begins with { or [ stands in quotes, such as \"{{name}}\""},
        {"if: !cancelled()\n", "the tag !cancelled() has no meaning in a workflow", 1,
         "a text that begins with ! needs quotes or ${{ }}"},
    };
    for (const Bad& row : rows) {
        INFO(row.text);
        auto bad = parse_yaml(row.text);
        REQUIRE_FALSE(bad);
        CHECK(bad.error().message == row.message);
        CHECK(bad.error().hint == row.hint);
        CHECK(bad.error().position.line == row.line);
    }
    CHECK_FALSE(parse_yaml("a: [1\n"));
    CHECK_FALSE(parse_yaml("a:\tb: c: d\n"));
    CHECK_FALSE(parse_yaml(std::string(100, '[')));
    // Aliases that multiply.
    std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; ++i) {
        laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int j = 0; j < 10; ++j)
            laughs += (j ? ", *a" : "*a") + std::to_string(i - 1);
        laughs += "]\n";
    }
    CHECK_FALSE(parse_yaml(laughs));
}

TEST_CASE("the files of a step", "[workflow]") {
    struct Row {
        const char* text;
        Assignments expected;
    };
    const Row rows[] = {
        {"", {}},
        {"a=1\n", {{"a", "1"}}},
        {"a=1\r\nb=2", {{"a", "1"}, {"b", "2"}}},
        {"\n\na=\n", {{"a", ""}}},
        {"a=b=c\n", {{"a", "b=c"}}},
        {"a=x<<y\n", {{"a", "x<<y"}}},
        {"a<<END\none\ntwo\nEND\nb=1\n", {{"a", "one\ntwo"}, {"b", "1"}}},
        {"a<<END\nEND\n", {{"a", ""}}},
        {"a<<END\n\nEND\n", {{"a", ""}}},
        {"a<<END\nx=1\nEND", {{"a", "x=1"}}},
        {"a<<END=x\nv\nEND=x\n", {{"a", "v"}}},
        {"\xEF\xBB\xBF"
         "a=1\n",
         {{"a", "1"}}},
        {" a =1\n", {{" a ", "1"}}},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        auto parsed = parse_assignments(row.text);
        REQUIRE(parsed);
        CHECK(*parsed == row.expected);
    }
    CHECK(parse_assignments("nothing\n").error() == "Invalid format 'nothing'");
    CHECK(parse_assignments("=x\n").error() == "Invalid format '=x'. Name must not be empty");
    CHECK(parse_assignments("a<<END\nx\n").error() ==
          "Invalid value. Matching delimiter not found 'END'");
    CHECK_FALSE(parse_assignments("a<<\nx\n"));
    CHECK(parse_paths("/a\r\n\n/b") == std::vector<std::string>{"/a", "/b"});
}

TEST_CASE("commands in a step's output", "[workflow]") {
    struct Row {
        const char *line, *name, *data;
        std::map<std::string, std::string> properties;
    };
    const Row rows[] = {
        {"::error file=a.js,line=1,col=5::Missing semicolon",
         "error",
         "Missing semicolon",
         {{"file", "a.js"}, {"line", "1"}, {"col", "5"}}},
        {"  ::warning::x", "warning", "x", {}},
        {"::GROUP::Title", "group", "Title", {}},
        {"::endgroup::", "endgroup", "", {}},
        {"::add-mask::s3cret", "add-mask", "s3cret", {}},
        {"::set-output name=a::1%0A2%25", "set-output", "1\n2%", {{"name", "a"}}},
        {"::notice title=a%3Ab%2Cc::x", "notice", "x", {{"title", "a:b,c"}}},
        {"##[group]Old", "group", "Old", {}},
        {"::error file=,line=2::x", "error", "x", {{"line", "2"}}},
    };
    for (const Row& row : rows) {
        INFO(row.line);
        auto command = parse_log_command(row.line);
        REQUIRE(command);
        CHECK(command->name == row.name);
        CHECK(command->data == row.data);
        CHECK(command->properties == row.properties);
    }
    for (const char* line : {"text ::error::x", ":: ::x", "::error", "std::cout::x y", "", "::"})
        if (auto command = parse_log_command(line))
            FAIL_CHECK(line << " is no command, got " << command->name);
}

TEST_CASE("filter patterns", "[workflow]") {
    struct Row {
        const char *pattern, *text;
        bool matches;
    };
    // GitHub docs, "Filter pattern cheat sheet": its own examples, and what they leave out.
    const Row rows[] = {
        {"feature/*", "feature/my-branch", true},
        {"feature/*", "feature/a/b", false},
        {"feature/**", "feature/beta-a/my-branch", true},
        {"main", "main", true},
        {"main", "Main", false},
        {"main", "main2", false},
        {"*", "main", true},
        {"*", "all/the/branches", false},
        {"**", "all/the/branches", true},
        {"*feature", "mona-feature", true},
        {"v2*", "v2.0", true},
        {"v[12].[0-9]+.[0-9]+", "v1.10.1", true},
        {"v[12].[0-9]+.[0-9]+", "v3.10.1", false},
        {"*.jsx?", "page.js", true},
        {"*.jsx?", "page.jsx", true},
        {"*.js", "js/index.js", false},
        {"**.js", "src/js/app.js", true},
        {"**.js", "index.js", true},
        {"docs/*", "docs/README.md", true},
        {"docs/*", "docs/a/b.md", false},
        {"docs/**", "docs/mona/octocat.txt", true},
        {"docs/**/*.md", "docs/README.md", true},
        {"docs/**/*.md", "docs/a/markdown/file.md", true},
        {"**/docs/**", "docs/hello.md", true},
        {"**/docs/**", "dir/docs/my-file.txt", true},
        {"**/README.md", "js/README.md", true},
        {"**/README.md", "README.md", true},
        {"**/*src/**", "a/src/app.js", true},
        {"**/*src/**", "my-src/code/js/app.js", true},
        {"**/*-post.md", "path/their-post.md", true},
        {"**/migrate-*.sql", "db/sept/migrate-v1.0.sql", true},
        {"a+b", "aaab", true},
        {"a+b", "b", false},
        {"a?b", "b", true},
        {"\\*", "*", true},
        {"", "", true},
        {"", "x", false},
    };
    for (const Row& row : rows) {
        INFO(row.pattern << " on " << row.text);
        CHECK(filter_matches(row.pattern, row.text) == row.matches);
    }
    CHECK(filters_match({"releases/**", "!releases/**-alpha"}, "releases/10"));
    CHECK_FALSE(filters_match({"releases/**", "!releases/**-alpha"}, "releases/10-alpha"));
    CHECK(filters_match({"a*", "!ab", "ab"}, "ab"));
    CHECK_FALSE(filters_match({"!x"}, "y"));
    // No pattern is slow.
    CHECK_FALSE(filter_matches(std::string(2000, '*') + "x", std::string(5000, 'a')));

    CHECK(globs_match({"**/package-lock.json"}, "package-lock.json"));
    CHECK(globs_match({"**/package-lock.json"}, "a/b/package-lock.json"));
    CHECK_FALSE(globs_match({"package-lock.json"}, "a/package-lock.json"));
    CHECK(globs_match({"src"}, "src/a/b.js"));
    CHECK(globs_match({"./src/"}, "src/a/b.js"));
    CHECK_FALSE(globs_match({"src/*.js"}, "src/a/b.js"));
    CHECK_FALSE(globs_match({"src", "!src/a"}, "src/a/b.js"));
}

TEST_CASE("matrices", "[workflow]") {
    auto combinations = [](const char* yaml) -> std::vector<std::string> {
        auto expanded = expand_matrix(value_of(*parse_yaml(yaml)));
        if (!expanded) return {"error: " + expanded.error()};
        std::vector<std::string> out;
        for (const Value& each : *expanded) {
            std::string line;
            for (const auto& [key, value] : each.members())
                line += (line.empty() ? "" : " ") + key + "=" + value.to_text();
            out.push_back(line);
        }
        return out;
    };
    using List = std::vector<std::string>;
    CHECK(combinations("{version: [10, 12], os: [linux]}") ==
          List{"version=10 os=linux", "version=12 os=linux"});
    // The documentation's own example.
    CHECK(combinations(R"(
fruit: [apple, pear]
animal: [cat, dog]
include:
  - color: green
  - color: pink
    animal: cat
  - fruit: apple
    shape: circle
  - fruit: banana
  - fruit: banana
    animal: cat
)") == List{"fruit=apple animal=cat color=pink shape=circle",
            "fruit=apple animal=dog color=green shape=circle", "fruit=pear animal=cat color=pink",
            "fruit=pear animal=dog color=green", "fruit=banana", "fruit=banana animal=cat"});
    CHECK(combinations("{os: [a, b], v: [1, 2], exclude: [{os: a, v: 1}, {os: b}]}") ==
          List{"os=a v=2"});
    CHECK(combinations("{include: [{site: prod}, {site: stage}]}") ==
          List{"site=prod", "site=stage"});
    CHECK(combinations("{os: []}") ==
          List{"error: Matrix vector 'os' does not contain any values"});
    CHECK(combinations("{os: [a], exclude: [{no: 1}]}") ==
          List{"error: Matrix exclude key 'no' does not match any key within the matrix"});
    CHECK(combinations("{os: text}") == List{"error: matrix.os is a list"});
    CHECK(combinations("{os: [a], exclude: [{os: a}]}") ==
          List{"error: the matrix has no combination left"});
    CHECK(combinations("{a: [1,2,3,4,5,6,7,8,9,10], b: [1,2,3,4,5,6,7,8,9,10], c: [1,2,3]}") ==
          List{"error: a matrix makes at most 256 jobs"});
    CHECK(matrix_name("build", expand_matrix(
                                   value_of(*parse_yaml("{node: [20], os: [{name: linux, n: 1}]}")))
                                   ->at(0)) == "build (20, linux, 1)");
}

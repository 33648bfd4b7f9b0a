// dodam.json: problems with positions and suggestions, references, pins.
#include "stack/stack_file.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "base/ids.h"
#include "stack/attributes.h"

namespace {

struct TemporaryFile {
    std::string path;
    explicit TemporaryFile(const std::string& text)
        : path("/tmp/dodam-stack-" + base::random_hex(8) + ".json") {
        std::ofstream(path) << text;
    }
    ~TemporaryFile() { std::filesystem::remove(path); }
};

const stack::SecretValue kSecret =
    [](const std::string& name) -> std::expected<std::string, std::string> {
    return "value-of-" + name;
};

std::vector<stack::Problem> problems_of(const std::string& text) {
    TemporaryFile file(text);
    auto stack = stack::read_stack(file.path, kSecret);
    return stack ? std::vector<stack::Problem>{} : stack.error();
}

base::Node resolved(const std::string& text) {
    TemporaryFile file(text);
    auto stack = stack::read_stack(file.path, kSecret);
    REQUIRE(stack);
    return stack->root;
}

}  // namespace

TEST_CASE("what is wrong with a stack file is told with its place and the way out") {
    struct Case {
        const char* text;
        uint32_t line, column;
        const char* message;
        const char* hint;
    };
    const Case cases[] = {
        {"{ \"version\": 1,\n  \"bukets\": {} }", 2, 3, "the file has no key \"bukets\"",
         "did you mean \"buckets\"?"},
        {"{ \"version\": 1, \"functions\": {} }", 1, 17, "the file has no key \"functions\"",
         nullptr},
        {"{ \"version\": 1, \"countries\": { \"127.0.0.300\": \"DE\" } }", 1, 32,
         "\"127.0.0.300\" is no address and no range", "127.0.0.9, 127.0.7.0/24 and ::1 are"},
        {"{ \"version\": 1, \"countries\": { \"127.0.0.9\": \"de\" } }", 1, 45,
         "a country is two capital letters, in quotes", "ISO 3166-1 alpha-2: \"DE\""},
        {"{ \"version\": 2 }", 1, 14, "version 2 is not known", "this dodam reads version 1"},
        {"{ }", 1, 1, "the file has no \"version\"", "Version of this file's format: 1."},
        {"{ \"version\": 1, \"buckets\": [] }", 1, 28, "\"buckets\" must be an object", ""},
        {"{ \"version\": 1, \"buckets\": { \"../x\": { \"config\": {} } } }", 1, 30,
         "\"../x\" is no name: letters, digits, '-' and '_' only", ""},
        {"{ \"version\": 1, \"account\": \"12\" }", 1, 28, "an account is twelve digits, in quotes",
         ""},
        {"{ \"version\": 1, \"egress\": [\"${bucket.a.arn}\"], \"buckets\": { \"a\": { \"config\": "
         "{ \"Bucket\": \"b\" } } } }",
         1, 28, "${bucket.a.arn} refers to nothing in this file", "did you mean ${buckets.a.arn}?"},
        {"{ \"version\": 1, \"egress\": [\"${buckets.a.ar}\"], \"buckets\": { \"a\": { \"config\": "
         "{ \"Bucket\": \"b\" } } } }",
         1, 28, "buckets.a has no attribute \"ar\"", "did you mean \"arn\"?"},
    };
    for (const Case& c : cases) {
        INFO(c.text);
        auto problems = problems_of(c.text);
        REQUIRE(problems.size() >= 1);
        CHECK(problems[0].message == c.message);
        if (c.hint) CHECK(problems[0].hint == c.hint);
        CHECK(problems[0].position.line == c.line);
        CHECK(problems[0].position.column == c.column);
    }
}

TEST_CASE("all problems of a stack file are told at once") {
    CHECK(problems_of("{ \"version\": 1, \"a\": 1, \"b\": 2, \"clock\": { \"speed\": \"x\" } }")
              .size() == 3);
}

TEST_CASE(
    "references give pins where there are some, else what the account, region and name derive") {
    auto root = resolved(R"({ "version": 1, "account": "123456789012", "region": "eu-west-1",
        "egress": [ "${distributions.a.id}", "${distributions.a.arn}", "${loadBalancers.l.dnsName}", "${secrets.S.value}", "${database.password}" ],
        "distributions": { "a": { "id": "E1", "config": { "CallerReference": "r" } } },
        "loadBalancers": { "l": { "config": { "Name": "lb" } } },
        "secrets": { "S": { "config": { "Name": "s" } } },
        "database": { "host": "h", "schema": "x", "user": "u", "password": "${secrets.S.value}" } })");
    const auto& items = root["egress"].items();
    CHECK(items[0].as_string() == "E1");
    CHECK(items[1].as_string() == "arn:aws:cloudfront::123456789012:distribution/E1");
    CHECK_THAT(items[2].as_string(),
               Catch::Matchers::Matches(R"(lb-[0-9]{10}\.eu-west-1\.elb\.amazonaws\.com)"));
    CHECK(items[3].as_string() == "value-of-S");
    CHECK(items[4].as_string() == "value-of-S");
}

TEST_CASE("a reference that leads to itself is an error, not a hang") {
    auto problems = problems_of(
        R"({ "version": 1, "database": { "host": "${database.user}", "schema": "x", "user": "${database.host}", "password": "p" } })");
    REQUIRE(!problems.empty());
    CHECK_THAT(problems[0].message, Catch::Matchers::Contains("refers to itself"));
}

TEST_CASE("the sample app's stack file has no problem") {
    auto stack = stack::read_stack(SOURCE_DIR "/fixtures/app/dodam.json", kSecret);
    if (!stack) FAIL(stack.error()[0].message);
    CHECK(stack->section("services")["backend"]["config"]["cluster"].as_string() ==
          "dodam-cluster");
}

TEST_CASE("attributes are the same before and after everything was pinned") {
    auto root = resolved(R"({ "version": 1,
        "originAccessControls": { "o": { "config": { "Name": "oac" } } },
        "cachePolicies": { "c": { "config": { "Name": "by-language" } } },
        "originAccessIdentities": { "i": { "config": { "CallerReference": "oai" } } },
        "publicKeys": { "k": { "config": { "Name": "key" } } },
        "keyGroups": { "g": { "config": { "Name": "group" } }, "pinned": { "id": "11111111-2222-4333-8444-555555555555", "config": { "Name": "other" } } },
        "distributions": { "d": { "config": { "CallerReference": "d" } } },
        "loadBalancers": { "l": { "config": { "Name": "lb" } } } })");
    const base::Ids fresh("000000000000", "us-east-1");
    base::Ids pinned("000000000000", "us-east-1");
    stack::pin_all(pinned, root);
    for (const auto& [kind, section] : root.members())
        for (const auto& [name, thing] : section.members()) {
            INFO(kind << "." << name);
            CHECK(stack::attributes_of(fresh, kind, name, thing) ==
                  stack::attributes_of(pinned, kind, name, thing));
        }
    CHECK(stack::attributes_of(pinned, "keyGroups", "pinned", root["keyGroups"]["pinned"])["id"] ==
          "11111111-2222-4333-8444-555555555555");
    const std::string uuid =
        stack::attributes_of(pinned, "cachePolicies", "c", root["cachePolicies"]["c"])["id"];
    REQUIRE(uuid.size() == 36);
    CHECK(uuid[8] == '-');
    CHECK(uuid[14] == '4');
}

// ecs-ecr.md §23 and §27 #87: parameters over a database in memory.
#include <catch2/catch.hpp>

#include "ssm/control_plane.h"
#include "support/operation.h"

using base::Node;

namespace {

struct Fixture {
    std::unique_ptr<state::Database> database = state::Database::open(":memory:").value();
    base::ManualClock clock;
    base::Ids ids{"000000000000", "us-east-1"};
    ssm::ControlPlane ssm{*database, clock, ids};

    Node call(std::string operation, const std::string& input) {
        return support::call(ssm, clock.now(), std::move(operation), input);
    }
    std::string error(std::string operation, const std::string& input) {
        return support::refusal_of([&] { call(std::move(operation), input); }).code;
    }
    std::string put(const std::string& name, const std::string& value,
                    const std::string& more = {}) {
        return error("PutParameter", R"({"Name":")" + name + R"(","Value":")" + value +
                                         R"(","Type":"String")" + more + "}");
    }
};

}  // namespace

TEST_CASE("a parameter is found by name, ARN and version") {
    Fixture f;
    CHECK(f.put("/app/url", "one") == "none");
    CHECK(f.put("/app/url", "two") == "ParameterAlreadyExists");
    CHECK(f.put("/app/url", "two", R"(,"Overwrite":true)") == "none");
    CHECK(f.put("plain", "bare") == "none");
    struct Row {
        const char *reference, *expected;
    };
    for (const Row& row : {Row{"/app/url", "two"}, Row{"/app/url:1", "one"}, Row{"plain", "bare"},
                           Row{"arn:aws:ssm:us-east-1:000000000000:parameter/app/url", "two"},
                           Row{"arn:aws:ssm:us-east-1:000000000000:parameter/plain", "bare"}}) {
        CAPTURE(row.reference);
        CHECK(f.call("GetParameter",
                     std::string(R"({"Name":")") + row.reference + "\"}")["Parameter"]["Value"]
                  .as_string() == row.expected);
        CHECK(f.ssm.value(row.reference) == row.expected);
    }
    CHECK(f.error("GetParameter", R"({"Name":"/none"})") == "ParameterNotFound");
    CHECK(f.error("GetParameter", R"({"Name":"/app/url:9"})") == "ParameterVersionNotFound");
    CHECK_FALSE(f.ssm.value("/none"));
}

TEST_CASE("#87 GetParameters reports unknown names beside the found ones") {
    Fixture f;
    f.put("/a", "1");
    Node output = f.call("GetParameters", R"({"Names":["/a","/b"]})");
    CHECK(output["Parameters"].size() == 1);
    CHECK(output["InvalidParameters"] == Node::array({"/b"}));
}

TEST_CASE("a SecureString shows its value only when decrypted") {
    Fixture f;
    f.call("PutParameter", R"({"Name":"/s","Value":"plain-text","Type":"SecureString"})");
    CHECK(f.call("GetParameter", R"({"Name":"/s"})")["Parameter"]["Value"].as_string().find(
              "plain-text") == std::string::npos);
    CHECK(f.call("GetParameter", R"({"Name":"/s","WithDecryption":true})")["Parameter"]["Value"]
              .as_string() == "plain-text");
}

TEST_CASE("by path: one level, or all, in pages of ten") {
    Fixture f;
    for (int i = 10; i < 22; ++i)
        f.put("/app/p" + std::to_string(i), "v");
    f.put("/app/deep/er", "v");
    f.put("/application", "v");
    Node page = f.call("GetParametersByPath", R"({"Path":"/app"})");
    CHECK(page["Parameters"].size() == 10);
    Node rest = f.call("GetParametersByPath",
                       R"({"Path":"/app","NextToken":")" + page["NextToken"].as_string() + "\"}");
    CHECK(rest["Parameters"].size() == 2);
    CHECK(rest.find("NextToken") == nullptr);
    CHECK(f.call("GetParametersByPath", R"({"Path":"/app/deep","Recursive":true})")["Parameters"]
              .size() == 1);
    CHECK(
        f.call(
             "DescribeParameters",
             R"({"ParameterFilters":[{"Key":"Name","Option":"BeginsWith","Values":["/app/p2"]}]})")
            ["Parameters"]
                .size() == 2);
}

TEST_CASE("what is refused") {
    Fixture f;
    CHECK(f.put("/aws/x", "v") == "AccessDeniedException");
    CHECK(f.put("bad name", "v") == "ValidationException");
    CHECK(f.put("a/b", "v") == "ValidationException");
    CHECK(f.put("/big", std::string(4097, 'x')) == "ValidationException");
    CHECK(f.error("DeleteParameter", R"({"Name":"/none"})") == "ParameterNotFound");
}

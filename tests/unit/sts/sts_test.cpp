// STS by its operations: who am I, roles, web identities, session tokens, and what is refused.
#include <catch2/catch.hpp>

#include "base/date.h"
#include "base/encoding.h"
#include "base/text.h"
#include "sts/control_plane.h"

using base::Node;

namespace {

struct Fixture {
    base::ManualClock clock;
    aws::AccessKeys keys{"111122223333", clock};
    sts::ControlPlane sts{keys, clock};

    Node run(std::string operation, Node input, std::string_view access_key = "test") {
        aws::Call call;
        call.operation = std::move(operation);
        call.input = std::move(input);
        call.caller = keys.caller_of(access_key);
        auto reply = sts.serve(call);
        REQUIRE(reply);
        return reply->output;
    }
    std::string code(std::string operation, Node input, std::string_view access_key = "test") {
        try {
            run(std::move(operation), std::move(input), access_key);
            return "none";
        } catch (const aws::Error& error) {
            return error.code;
        }
    }
};

std::string token(Node claims) {
    std::string payload = base::to_base64(base::to_json(claims));
    payload = base::replace_all(base::replace_all(base::replace_all(payload, "+", "-"), "/", "_"),
                                "=", "");
    return "e30." + payload + ".c2ln";
}

const std::string kRole = "arn:aws:iam::111122223333:role/deploy";

}  // namespace

TEST_CASE("GetCallerIdentity tells who signed") {
    Fixture fixture;
    Node user = fixture.run("GetCallerIdentity", Node::object());
    CHECK(user["Account"].as_string() == "111122223333");
    CHECK(user["Arn"].as_string() == "arn:aws:iam::111122223333:user/dev");
    CHECK(user["UserId"].as_string().starts_with("AIDA"));
}

TEST_CASE("AssumeRole gives credentials that work until they expire") {
    Fixture fixture;
    Node output = fixture.run(
        "AssumeRole",
        Node::object({{"RoleArn", kRole}, {"RoleSessionName", "ci"}, {"DurationSeconds", "900"}}));
    const Node& credentials = output["Credentials"];
    CHECK(credentials["Expiration"].as_string() ==
          base::iso_date(fixture.clock.now() + base::seconds(900)));
    std::string key = credentials["AccessKeyId"].as_string();
    CHECK(key.starts_with("ASIA"));
    CHECK(fixture.keys.secret_of(key) == credentials["SecretAccessKey"].as_string());
    CHECK(output["AssumedRoleUser"]["Arn"].as_string() ==
          "arn:aws:sts::111122223333:assumed-role/deploy/ci");
    CHECK(fixture.run("GetCallerIdentity", Node::object(), key)["Arn"].as_string() ==
          "arn:aws:sts::111122223333:assumed-role/deploy/ci");
    CHECK_NOTHROW(fixture.keys.check_token(key, credentials["SessionToken"].as_string()));
    fixture.clock.advance(base::seconds(900));
    CHECK_THROWS_AS(fixture.keys.check_token(key, credentials["SessionToken"].as_string()),
                    aws::Error);
    CHECK(fixture.code("GetSessionToken", Node::object(), key) == "AccessDenied");
}

TEST_CASE("AssumeRoleWithWebIdentity reads the token's claims") {
    Fixture fixture;
    auto input = [](std::string text) {
        return Node::object(
            {{"RoleArn", kRole}, {"RoleSessionName", "gh"}, {"WebIdentityToken", std::move(text)}});
    };
    int64_t now = static_cast<int64_t>(base::epoch_seconds(fixture.clock.now()));
    Node output = fixture.run(
        "AssumeRoleWithWebIdentity",
        input(token(Node::object({{"sub", "repo:o/r:ref"},
                                  {"aud", Node::array({"sts.amazonaws.com"})},
                                  {"iss", "https://token.actions.githubusercontent.com"},
                                  {"exp", now + 60}}))));
    CHECK(output["SubjectFromWebIdentityToken"].as_string() == "repo:o/r:ref");
    CHECK(output["Audience"].as_string() == "sts.amazonaws.com");
    CHECK(output["Credentials"]["SessionToken"].as_string().size() > 100);
    CHECK(fixture.code("AssumeRoleWithWebIdentity", input(token(Node::object({{"exp", now}})))) ==
          "ExpiredTokenException");
    for (std::string_view bad : {"x", "a.b", "a.b.c", "a.e30.c.d", "..", "e30.W10.x"})
        CHECK(fixture.code("AssumeRoleWithWebIdentity", input(std::string(bad))) ==
              "InvalidIdentityToken");
}

TEST_CASE("GetSessionToken keeps the user") {
    Fixture fixture;
    Node output = fixture.run("GetSessionToken", Node::object());
    std::string key = output["Credentials"]["AccessKeyId"].as_string();
    CHECK(fixture.keys.caller_of(key).arn == "arn:aws:iam::111122223333:user/dev");
    CHECK(output["Credentials"]["Expiration"].as_string() ==
          base::iso_date(fixture.clock.now() + std::chrono::hours(12)));
}

TEST_CASE("STS refuses bad input") {
    Fixture fixture;
    struct Row {
        Node input;
        std::string code;
    };
    const Row rows[] = {
        {Node::object(), "ValidationError"},
        {Node::object({{"RoleArn", "x"}, {"RoleSessionName", "ci"}}), "ValidationError"},
        {Node::object({{"RoleArn", "arn:aws:s3:::b"}, {"RoleSessionName", "ci"}}),
         "ValidationError"},
        {Node::object({{"RoleArn", kRole}}), "ValidationError"},
        {Node::object({{"RoleArn", kRole}, {"RoleSessionName", "c"}}), "ValidationError"},
        {Node::object({{"RoleArn", kRole}, {"RoleSessionName", "a b"}}), "ValidationError"},
        {Node::object({{"RoleArn", kRole}, {"RoleSessionName", "ci"}, {"DurationSeconds", "899"}}),
         "ValidationError"},
        {Node::object(
             {{"RoleArn", kRole}, {"RoleSessionName", "ci"}, {"DurationSeconds", "43201"}}),
         "ValidationError"},
        {Node::object({{"RoleArn", kRole}, {"RoleSessionName", "ci"}, {"DurationSeconds", "x"}}),
         "MalformedInput"},
    };
    for (const Row& row : rows)
        CHECK(fixture.code("AssumeRole", row.input) == row.code);
    aws::Call call;
    call.operation = "DecodeAuthorizationMessage";
    CHECK(!fixture.sts.serve(call));
}

// STS by its operations: who am I, roles, web identities, session tokens, and what is refused.
#include <catch2/catch.hpp>

#include "base/date.h"
#include "base/encoding.h"
#include "base/text.h"
#include "sts/control_plane.h"
#include "support/operation.h"
#include "support/temporary_directory.h"

using base::Node;

namespace {

struct Fixture {
    base::ManualClock clock;
    aws::AccessKeys keys{"111122223333", clock};
    support::TemporaryDirectory directory;
    std::string key_file = directory.path() + "/oidc.pem";
    sts::ControlPlane sts{keys, clock, key_file};

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
        return support::refusal_of([&] { run(std::move(operation), std::move(input), access_key); })
            .code;
    }
};

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

namespace {

Node web_identity(std::string token) {
    return Node::object(
        {{"RoleArn", kRole}, {"RoleSessionName", "gh"}, {"WebIdentityToken", std::move(token)}});
}

// A part of a token, as text to sign nothing with.
std::string part(std::string_view json) {
    std::string text = base::to_base64(json);
    return base::replace_all(base::replace_all(base::replace_all(text, "+", "-"), "/", "_"), "=",
                             "");
}

}  // namespace

TEST_CASE("a job's identity becomes a role's credentials") {
    Fixture fixture;
    auto token = fixture.sts.issuer().sign(
        sts::claims_of({.audience = "sts.amazonaws.com",
                        .repository = "acme/shop",
                        .ref = "refs/heads/main",
                        .sha = "0123456789abcdef0123456789abcdef01234567"},
                       fixture.clock.now()));
    REQUIRE(token);
    Node output = fixture.run("AssumeRoleWithWebIdentity", web_identity(*token));
    CHECK(output["SubjectFromWebIdentityToken"].as_string() ==
          "repo:acme/shop:ref:refs/heads/main");
    CHECK(output["Audience"].as_string() == "sts.amazonaws.com");
    CHECK(output["Provider"].as_string() ==
          "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com");
    CHECK(output["AssumedRoleUser"]["Arn"].as_string() ==
          "arn:aws:sts::111122223333:assumed-role/deploy/gh");
    CHECK(output["Credentials"]["SessionToken"].as_string().size() > 100);

    // Another start of the emulator has the same key.
    sts::ControlPlane again(fixture.keys, fixture.clock, fixture.key_file);
    CHECK(again.issuer().read(*token));

    fixture.clock.advance(base::seconds(299));
    CHECK(fixture.code("AssumeRoleWithWebIdentity", web_identity(*token)) == "none");
    fixture.clock.advance(base::seconds(1));
    CHECK(fixture.code("AssumeRoleWithWebIdentity", web_identity(*token)) ==
          "ExpiredTokenException");
}

// GitHub docs, "OpenID Connect reference", "Understanding the OIDC token".
TEST_CASE("the claims are those of a job") {
    const base::Time now{base::seconds(1'632'493'567)};
    struct Row {
        sts::JobIdentity job;
        std::string subject, audience;
    };
    const Row rows[] = {
        {{}, "repo:dodam/app:ref:refs/heads/main", "https://github.com/dodam"},
        {{.audience = "a", .repository = "o/r", .ref = "refs/tags/v1"},
         "repo:o/r:ref:refs/tags/v1",
         "a"},
        {{.repository = "o/r", .event = "pull_request"},
         "repo:o/r:pull_request",
         "https://github.com/o"},
        {{.repository = "o/r", .event = "pull_request", .environment = "production"},
         "repo:o/r:environment:production",
         "https://github.com/o"},
    };
    for (const Row& row : rows) {
        const Node claims = sts::claims_of(row.job, now);
        CHECK(claims["sub"].as_string() == row.subject);
        CHECK(claims["aud"].as_string() == row.audience);
        CHECK(claims["iss"].as_string() == "https://token.actions.githubusercontent.com");
        CHECK(claims["iat"].as_int() == 1'632'493'567);
        CHECK(claims["nbf"].as_int() == 1'632'492'967);
        CHECK(claims["exp"].as_int() == 1'632'493'867);
    }
    const Node claims = sts::claims_of({.repository = "o/r"}, now);
    for (const char* name : {"jti", "ref", "sha", "repository", "repository_owner", "workflow",
                             "actor", "event_name", "run_id"})
        CHECK_FALSE(claims[name].as_string().empty());
}

TEST_CASE("a web identity that is not one for us is refused") {
    Fixture fixture;
    auto issued = [&](std::string_view member, Node value) {
        Node claims = sts::claims_of({.audience = "sts.amazonaws.com"}, fixture.clock.now());
        claims.set(std::string(member), std::move(value));
        return fixture.sts.issuer().sign(claims).value();
    };
    const std::string good = issued("x", 1);
    const auto parts = base::split(good, '.');
    const std::string header(parts[0]), payload(parts[1]), signature(parts[2]);
    std::string broken = signature;
    broken[20] = broken[20] == 'A' ? 'B' : 'A';
    const std::string foreign = part(
        R"({"iss":"https://token.actions.githubusercontent.com","aud":"sts.amazonaws.com","exp":9999999999,"sub":"s"})");
    struct Row {
        std::string token, code, message;
    };
    const Row rows[] = {
        {good, "none", ""},
        {issued("aud", Node::array({"a", "sts.amazonaws.com"})), "none", ""},
        {issued("aud", "https://github.com/dodam"), "InvalidIdentityToken",
         "Incorrect token audience"},
        {issued("iss", "https://gitlab.com"), "InvalidIdentityToken",
         "No OpenIDConnect provider found in your account for https://gitlab.com"},
        {issued("exp", Node()), "ExpiredTokenException", "Token expired: current date/time"},
        {header + "." + payload + "." + broken, "InvalidIdentityToken", "signature"},
        {header + "." + foreign + "." + signature, "InvalidIdentityToken", "signature"},
        // Signed by a key that is not ours to judge: its claims are believed.
        {part(R"({"alg":"RS256","kid":"theirs"})") + "." + foreign + ".c2ln", "none", ""},
        {part(R"({"alg":"none","kid":"theirs"})") + "." + foreign + ".c2ln", "InvalidIdentityToken",
         "not a valid JWT"},
        {part(R"({"alg":"RS256"})") + "." + foreign + ".c2ln", "InvalidIdentityToken",
         "not a valid JWT"},
        {part(R"({"alg":"RS256","kid":"theirs"})") + "." + foreign + ".", "InvalidIdentityToken",
         "not a valid JWT"},
        {"x", "InvalidIdentityToken", "not a valid JWT"},
        {"a.b", "InvalidIdentityToken", "not a valid JWT"},
        {"a.b.c", "InvalidIdentityToken", "not a valid JWT"},
        {"a.e30.c.d", "InvalidIdentityToken", "not a valid JWT"},
        {"..", "InvalidIdentityToken", "not a valid JWT"},
        {"e30.W10.x", "InvalidIdentityToken", "not a valid JWT"},
        {std::string(30'000, 'a'), "InvalidIdentityToken", "not a valid JWT"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.token);
        try {
            fixture.run("AssumeRoleWithWebIdentity", web_identity(row.token));
            CHECK(row.code == "none");
        } catch (const aws::Error& error) {
            CHECK(error.code == row.code);
            CHECK_THAT(error.message, Catch::Contains(row.message));
        }
    }
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

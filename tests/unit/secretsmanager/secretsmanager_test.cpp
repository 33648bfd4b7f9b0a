// ecs-ecr.md §23 and §27 #88: secrets over a database in memory.
#include <catch2/catch.hpp>

#include "base/log.h"
#include "secretsmanager/control_plane.h"
#include "support/operation.h"

using base::Node;

namespace {

struct Fixture {
    std::unique_ptr<state::Database> database = state::Database::open(":memory:").value();
    base::ManualClock clock;
    base::Ids ids{"000000000000", "us-east-1"};
    secretsmanager::ControlPlane manager{*database, clock, ids};

    Node call(std::string operation, const std::string& input) {
        return support::call(manager, clock.now(), std::move(operation), input);
    }
    std::string error(std::string operation, const std::string& input) {
        return support::refusal_of([&] { call(std::move(operation), input); }).to_string();
    }
};

}  // namespace

TEST_CASE("#88 a secret is found by name, by ARN and by ARN without its suffix") {
    Fixture f;
    std::string arn =
        f.call("CreateSecret", R"({"Name":"app/db","SecretString":"correct-horse"})")["ARN"]
            .as_string();
    CHECK(arn.starts_with("arn:aws:secretsmanager:us-east-1:000000000000:secret:app/db-"));
    CHECK(arn.size() ==
          std::string("arn:aws:secretsmanager:us-east-1:000000000000:secret:app/db-").size() + 6);
    for (const std::string& id : {std::string("app/db"), arn, arn.substr(0, arn.size() - 7)})
        CHECK(
            f.call("GetSecretValue", R"({"SecretId":")" + id + "\"}")["SecretString"].as_string() ==
            "correct-horse");
    CHECK(f.error("GetSecretValue", R"({"SecretId":"none"})") ==
          "ResourceNotFoundException: Secrets Manager can't find the specified secret.");
    CHECK(
        f.error("CreateSecret", R"({"Name":"app/db","SecretString":"x"})") ==
        "ResourceExistsException: The operation failed because the secret app/db already exists.");
}

TEST_CASE("a pinned ARN is kept, an unpinned one is the same in every world") {
    Fixture f, g;
    f.ids.pin("secret", "p", "arn",
              "arn:aws:secretsmanager:us-east-1:000000000000:secret:p-AbCdEf");
    CHECK(f.call("CreateSecret", R"({"Name":"p"})")["ARN"].as_string().ends_with("p-AbCdEf"));
    CHECK(f.call("CreateSecret", R"({"Name":"q"})")["ARN"] ==
          g.call("CreateSecret", R"({"Name":"q"})")["ARN"]);
}

TEST_CASE("a new value becomes current and the former one previous") {
    Fixture f;
    f.call("CreateSecret", R"({"Name":"s","SecretString":"first value"})");
    f.call("PutSecretValue", R"({"SecretId":"s","SecretString":"second value"})");
    CHECK(f.call("GetSecretValue", R"({"SecretId":"s"})")["SecretString"].as_string() ==
          "second value");
    CHECK(
        f.call("GetSecretValue", R"({"SecretId":"s","VersionStage":"AWSPREVIOUS"})")["SecretString"]
            .as_string() == "first value");
    f.call("UpdateSecret", R"({"SecretId":"s","SecretString":"third value"})");
    CHECK(f.call("ListSecretVersionIds", R"({"SecretId":"s"})")["Versions"].size() == 2);
    CHECK(f.manager.value("s", "AWSPREVIOUS", "").value() == "second value");
    CHECK(f.manager.value("s", "AWSPENDING", "").error().starts_with("ResourceNotFoundException"));
}

TEST_CASE("deletion is scheduled, and can be taken back until its day") {
    Fixture f;
    f.call("CreateSecret", R"({"Name":"s","SecretString":"the value"})");
    f.call("DeleteSecret", R"({"SecretId":"s","RecoveryWindowInDays":7})");
    CHECK(f.error("GetSecretValue", R"({"SecretId":"s"})").starts_with("InvalidRequestException"));
    f.call("RestoreSecret", R"({"SecretId":"s"})");
    CHECK(f.error("GetSecretValue", R"({"SecretId":"s"})") == "none");
    f.call("DeleteSecret", R"({"SecretId":"s"})");
    f.clock.advance(std::chrono::hours(24 * 31));
    CHECK(
        f.error("DescribeSecret", R"({"SecretId":"s"})").starts_with("ResourceNotFoundException"));
}

TEST_CASE("values are masked in logs, and kept apart from the document") {
    Fixture f;
    f.call("CreateSecret", R"({"Name":"s","SecretString":"very-secret-text"})");
    CHECK(base::masked("password=very-secret-text").find("very-secret-text") == std::string::npos);
    auto row = f.database->prepare("SELECT document FROM secrets");
    REQUIRE(row.step());
    CHECK(row.text(0).find("very-secret-text") == std::string::npos);
}

// ecs-ecr.md §20 and §27 #82 to #85: the operations over a database in memory.
#include <catch2/catch.hpp>

#include "logs/control_plane.h"
#include "support/operation.h"

using base::Node;

namespace {

struct Fixture {
    std::unique_ptr<state::Database> database = state::Database::open(":memory:").value();
    base::ManualClock clock;
    base::Ids ids{"000000000000", "us-east-1"};
    logs::ControlPlane logs{*database, clock, ids};

    int64_t now() const { return logs.now_ms(); }
    Node call(std::string operation, const std::string& input) {
        return support::call(logs, clock.now(), std::move(operation), input);
    }
    std::string error(std::string operation, const std::string& input) {
        return support::refusal_of([&] { call(std::move(operation), input); }).to_string();
    }
    // Events one millisecond apart, the last one now.
    void write(int count) {
        for (int i = 0; i < count; ++i)
            logs.append("/ecs/web", "ecs/app/1", clock.now() + base::milliseconds(i),
                        "line " + std::to_string(i));
    }
};

std::string messages(const Node& output) {
    std::string text;
    for (const Node& event : output["events"].items())
        text += event["message"].as_string() + ";";
    return text;
}

}  // namespace

TEST_CASE("groups and streams must exist, and exist once") {
    Fixture f;
    CHECK(f.error("CreateLogStream", R"({"logGroupName":"/ecs/web","logStreamName":"a"})") ==
          "ResourceNotFoundException: The specified log group does not exist.");
    CHECK(f.error("CreateLogGroup", R"({"logGroupName":"/ecs/web"})") == "none");
    CHECK(f.error("CreateLogGroup", R"({"logGroupName":"/ecs/web"})") ==
          "ResourceAlreadyExistsException: The specified log group already exists");
    CHECK(f.error("CreateLogStream", R"({"logGroupName":"/ecs/web","logStreamName":"a"})") ==
          "none");
    CHECK(f.error("CreateLogStream", R"({"logGroupName":"/ecs/web","logStreamName":"a"})") ==
          "ResourceAlreadyExistsException: The specified log stream already exists");
    CHECK(f.error("GetLogEvents", R"({"logGroupName":"/ecs/web","logStreamName":"b"})") ==
          "ResourceNotFoundException: The specified log stream does not exist.");
    CHECK(f.call("DescribeLogGroups", "{}")["logGroups"].items()[0]["arn"].as_string() ==
          "arn:aws:logs:us-east-1:000000000000:log-group:/ecs/web:*");
}

TEST_CASE("#84 tokens of GetLogEvents are never absent, and the same at the end") {
    Fixture f;
    REQUIRE(f.logs.open_stream("/ecs/web", "ecs/app/1", logs::MissingGroup::Create));
    std::string base = R"({"logGroupName":"/ecs/web","logStreamName":"ecs/app/1")";
    Node empty = f.call("GetLogEvents", base + "}");
    CHECK_FALSE(empty["nextForwardToken"].as_string().empty());
    f.write(5);
    CHECK(messages(f.call("GetLogEvents", base + R"(,"limit":2})")) == "line 3;line 4;");
    Node head = f.call("GetLogEvents", base + R"(,"limit":2,"startFromHead":true})");
    CHECK(messages(head) == "line 0;line 1;");
    Node next = f.call("GetLogEvents",
                       base + R"(,"nextToken":")" + head["nextForwardToken"].as_string() + "\"}");
    CHECK(messages(next) == "line 2;line 3;line 4;");
    Node end = f.call("GetLogEvents",
                      base + R"(,"nextToken":")" + next["nextForwardToken"].as_string() + "\"}");
    CHECK(messages(end).empty());
    CHECK(end["nextForwardToken"] == next["nextForwardToken"]);
    Node back = f.call("GetLogEvents",
                       base + R"(,"nextToken":")" + next["nextBackwardToken"].as_string() + "\"}");
    CHECK(messages(back) == "line 0;line 1;");
}

TEST_CASE("#82 FilterLogEvents pages, and says nothing more at the end") {
    Fixture f;
    REQUIRE(f.logs.open_stream("/ecs/web", "ecs/app/1", logs::MissingGroup::Create));
    f.write(5);
    Node page = f.call("FilterLogEvents",
                       R"({"logGroupName":"/ecs/web","limit":2,"filterPattern":"line"})");
    CHECK(messages(page) == "line 0;line 1;");
    CHECK(page["events"].items()[0]["eventId"].as_string().size() == 56);
    CHECK(page["events"].items()[0]["logStreamName"].as_string() == "ecs/app/1");
    Node rest = f.call("FilterLogEvents", R"({"logGroupName":"/ecs/web","nextToken":")" +
                                              page["nextToken"].as_string() + "\"}");
    CHECK(messages(rest) == "line 2;line 3;line 4;");
    CHECK(rest.find("nextToken") == nullptr);
    CHECK(messages(f.call("FilterLogEvents",
                          R"({"logGroupName":"/ecs/web","logStreamNamePrefix":"other/"})"))
              .empty());
    std::string two = std::to_string(f.now() + 2);
    CHECK(messages(f.call("FilterLogEvents", R"({"logGroupName":"/ecs/web","startTime":)" + two +
                                                 R"(,"endTime":)" + two + "}")) == "line 2;");
    CHECK(
        f.error(
            "FilterLogEvents",
            R"({"logGroupName":"/ecs/web","logStreamNamePrefix":"a","logStreamNames":["ecs/app/1"]})") ==
        "InvalidParameterException: logStreamNames and logStreamNamePrefix are mutually exclusive "
        "parameters.");
}

TEST_CASE("#85 PutLogEvents keeps the order, the window and the size") {
    Fixture f;
    REQUIRE(f.logs.open_stream("g", "s", logs::MissingGroup::Create));
    auto put = [&](const std::string& events) {
        return R"({"logGroupName":"g","logStreamName":"s","logEvents":[)" + events + "]}";
    };
    auto event = [&](int64_t offset, std::string message = "m") {
        return R"({"timestamp":)" + std::to_string(f.now() + offset) + R"(,"message":")" + message +
               "\"}";
    };
    CHECK(f.error("PutLogEvents", put(event(5) + "," + event(4))) ==
          "InvalidParameterException: Log events in a single PutLogEvents request must be in "
          "chronological order.");
    CHECK(f.error("PutLogEvents", put("")) != "none");
    CHECK(f.error("PutLogEvents", put(event(0, std::string(1'048'551, 'x')))) ==
          "InvalidParameterException: Upload too large: 1048577 bytes exceeds limit of 1048576");
    Node future = f.call("PutLogEvents", put(event(0) + "," + event(3 * 3'600'000)));
    CHECK(future["rejectedLogEventsInfo"]["tooNewLogEventStartIndex"].as_int() == 1);
    Node old = f.call("PutLogEvents", put(event(-15LL * 86'400'000)));
    CHECK(old["rejectedLogEventsInfo"]["tooOldLogEventEndIndex"].as_int() == 1);
    CHECK(messages(f.call("GetLogEvents", R"({"logGroupName":"g","logStreamName":"s"})")) == "m;");
}

TEST_CASE("retention removes what is older") {
    Fixture f;
    REQUIRE(f.logs.open_stream("/ecs/web", "ecs/app/1", logs::MissingGroup::Create));
    f.write(1);
    f.call("PutRetentionPolicy", R"({"logGroupName":"/ecs/web","retentionInDays":1})");
    f.clock.advance(base::seconds(86'400 * 2));
    f.write(2);
    f.logs.expire();
    CHECK(messages(f.call("FilterLogEvents", R"({"logGroupName":"/ecs/web"})")) ==
          "line 0;line 1;");
    CHECK(f.error("PutRetentionPolicy", R"({"logGroupName":"/ecs/web","retentionInDays":2})") !=
          "none");
}

TEST_CASE("a task's lines are found by time and pattern, newest last") {
    Fixture f;
    REQUIRE(f.logs.open_stream("/ecs/web", "ecs/app/1", logs::MissingGroup::Create));
    f.write(5);
    auto found =
        f.logs.find("/ecs/web", "ecs/app/", f.clock.now() + base::milliseconds(1), "line", 3);
    REQUIRE(found.size() == 3);
    CHECK(found[0].message == "line 2");
    CHECK(found[2].message == "line 4");
    CHECK(f.logs.open_stream("/none", "s", logs::MissingGroup::Refuse).error() ==
          "ResourceNotFoundException: The specified log group does not exist.");
}

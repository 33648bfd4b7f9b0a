// ecs-ecr.md §6 to §8, §16, §27 #19 to #21 and #24 to #39: tasks from PROVISIONING to STOPPED.
#include "ecs/environment.h"
#include "ecs/task_metadata.h"
#include "fixture.h"

using namespace ecs_test;

namespace {

std::string run_task(Fixture& f, const std::string& definition, const std::string& more = {}) {
    Node tasks = f.call("RunTask", R"({"cluster":"demo","taskDefinition":")" + definition +
                                       R"(","launchType":"FARGATE",)" + Fixture::network() + more +
                                       "}")["tasks"];
    std::string arn = tasks.items().at(0)["taskArn"].as_string();
    return arn.substr(arn.rfind('/') + 1);
}

// Two containers; `first` and `second` are their members beside name.
void register_pair(Fixture& f, const std::string& first, const std::string& second) {
    f.call(
        "RegisterTaskDefinition",
        R"({"family":"pair","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"cpu":"256","memory":"512","containerDefinitions":[{"name":"one",)" +
            first + R"(},{"name":"two",)" + second + "}]}");
}

}  // namespace

TEST_CASE("#24 a task walks its states in order") {
    Fixture f;
    f.register_image("app:1");
    std::string id = run_task(f, "web");
    std::vector<std::string> seen;
    auto look = [&] {
        std::string status(ecs::name_of(f.ecs->state().tasks.at(id).status));
        if (seen.empty() || seen.back() != status) seen.push_back(status);
    };
    look();
    for (int i = 0; i < 8; ++i) {
        f.run(1);
        look();
    }
    f.call("StopTask", R"({"cluster":"demo","task":")" + id + R"(","reason":"enough"})");
    for (int i = 0; i < 8; ++i) {
        f.run(1);
        look();
    }
    // Each round is one step, so what a round passes through at once is not seen.
    CHECK(seen == std::vector<std::string>{"PROVISIONING", "PENDING", "ACTIVATING", "RUNNING",
                                           "STOPPING", "DEPROVISIONING", "STOPPED"});
    const ecs::Task& task = f.ecs->state().tasks.at(id);
    CHECK(task.stop_code == "UserInitiated");  // #20
    CHECK(task.stopped_reason == "enough");
    CHECK((task.created_at < *task.started_at && *task.started_at < *task.stopping_at &&
           *task.stopping_at <= *task.stopped_at));
}

// A stack of 200 services holds 300 MiB of certificates otherwise.
TEST_CASE("containers share the content of the files that every task gets") {
    Fixture f;
    register_pair(f, R"("image":"app:1")", R"("image":"app:2")");
    run_task(f, "pair");
    f.run(3);
    for (const char* name : {"one", "two"}) {
        REQUIRE(f.runtime.started.contains(name));
        const auto& files = f.runtime.started[name].files;
        REQUIRE(files.size() == 1);
        CHECK(files[0].path == "/bundle.pem");
        CHECK(files[0].content == f.names.bundle);
    }
}

TEST_CASE("#24 behind a balancer it is DEACTIVATING before it is told to stop: all eight states") {
    Fixture f;
    f.targets.delay = base::seconds(3);
    f.register_image("app:1");
    f.create_service(1, Fixture::balanced());
    std::string id;
    std::vector<std::string> seen;
    auto look = [&] {
        if (id.empty() && !f.tasks().empty()) id = f.tasks()[0]->id;
        if (id.empty()) return;
        std::string status(ecs::name_of(f.ecs->state().tasks.at(id).status));
        if (seen.empty() || seen.back() != status) seen.push_back(status);
    };
    for (int i = 0; i < 10; ++i) {
        f.run(1);
        look();
    }
    f.update(R"("desiredCount":0)");
    for (int i = 0; i < 15; ++i) {
        f.run(1);
        look();
    }
    CHECK(seen == std::vector<std::string>{"PROVISIONING", "PENDING", "ACTIVATING", "RUNNING",
                                           "DEACTIVATING", "STOPPING", "DEPROVISIONING",
                                           "STOPPED"});
}

TEST_CASE("RunTask: counts, groups, what is listed, what is remembered for an hour") {
    Fixture f;
    f.register_image("app:1");
    Node reply = f.call(
        "RunTask",
        R"({"cluster":"demo","taskDefinition":"web","count":2,"startedBy":"me","launchType":"FARGATE",)" +
            Fixture::network() + "}");
    REQUIRE(reply["tasks"].size() == 2);  // #19
    CHECK(reply["tasks"].items()[0]["lastStatus"].as_string() == "PROVISIONING");
    CHECK(reply["tasks"].items()[0]["group"].as_string() == "family:web");
    CHECK(f.call("ListTasks", R"({"cluster":"demo","startedBy":"me"})")["taskArns"].size() == 2);
    CHECK(
        f.call("ListTasks", R"({"cluster":"demo","desiredStatus":"PENDING"})")["taskArns"].size() ==
        0);
    f.run(5);
    std::string arn = reply["tasks"].items()[0]["taskArn"].as_string();
    f.call("StopTask", R"({"cluster":"demo","task":")" + arn + "\"}");
    f.run(5);
    CHECK(f.call("ListTasks", R"({"cluster":"demo"})")["taskArns"].size() == 1);  // #21
    CHECK(
        f.call("ListTasks", R"({"cluster":"demo","desiredStatus":"STOPPED"})")["taskArns"].size() ==
        1);
    Node described = f.call("DescribeTasks", R"({"cluster":"demo","tasks":[")" + arn +
                                                 R"(","0123456789abcdef0123456789abcdef"]})");
    CHECK(described["tasks"].items()[0]["stoppedReason"].as_string() == "Task stopped by user");
    CHECK(described["failures"].items()[0]["reason"].as_string() == "MISSING");
    f.clock.advance(std::chrono::hours(2));
    f.run(1);
    CHECK(f.call("DescribeTasks", R"({"cluster":"demo","tasks":[")" + arn + "\"]}")["failures"]
              .size() == 1);
}

TEST_CASE("an essential container's end is the task's end, another's is not") {
    Fixture f;
    register_pair(f, R"("image":"app:1")", R"("image":"sidecar:1","essential":false)");
    std::string id = run_task(f, "pair");
    f.run(5);
    f.runtime.exit(id, "two", 0);
    f.run(5);
    CHECK(f.ecs->state().tasks.at(id).status == ecs::TaskStatus::Running);  // #26
    CHECK(f.ecs->state().tasks.at(id).container("two")->exit_code == 0);
    f.runtime.exit(id, "one", 0);
    f.run(5);
    const ecs::Task& task = f.ecs->state().tasks.at(id);
    CHECK(task.status == ecs::TaskStatus::Stopped);  // #25
    CHECK(task.stop_code == "EssentialContainerExited");
    CHECK(task.stopped_reason == "Essential container in task exited");
}

TEST_CASE("a program that ignores SIGTERM is killed after stopTimeout, with 137") {
    Fixture f;
    f.register_image("stubborn:1", R"(,"stopTimeout":120)");
    std::string id = run_task(f, "web");
    f.run(5);
    f.call("StopTask", R"({"cluster":"demo","task":")" + id + "\"}");
    f.run(110);
    CHECK(f.ecs->state().tasks.at(id).status == ecs::TaskStatus::Stopping);  // #27, #28
    f.run(20);
    CHECK(f.ecs->state().tasks.at(id).status == ecs::TaskStatus::Stopped);
    CHECK(f.ecs->state().tasks.at(id).containers[0].exit_code == 137);
}

TEST_CASE("out of memory is told as such") {
    Fixture f;
    f.register_image("app:1");
    std::string id = run_task(f, "web");
    f.run(5);
    f.runtime.exit(id, "app", 137, true);
    f.run(5);
    CHECK(f.ecs->state().tasks.at(id).containers[0].reason ==
          "OutOfMemoryError: Container killed due to memory usage");  // #37
    CHECK(f.ecs->state().tasks.at(id).containers[0].exit_code == 137);
}

TEST_CASE("containers start in the order of their dependencies and stop in the reverse") {
    Fixture f;
    register_pair(f,
                  R"("image":"app:1","dependsOn":[{"containerName":"two","condition":"HEALTHY"}])",
                  R"("image":"sidecar:1","healthCheck":{"command":["CMD","true"],"interval":5})");
    std::string id = run_task(f, "pair");
    f.run(5);
    CHECK(f.count("start") == 1);  // #29
    CHECK(f.ecs->state().tasks.at(id).status == ecs::TaskStatus::Pending);
    f.run(6);
    CHECK(f.count("start") == 2);
    CHECK(f.ecs->state().tasks.at(id).status == ecs::TaskStatus::Running);
    f.call("StopTask", R"({"cluster":"demo","task":")" + id + "\"}");
    f.run(6);
    auto stop = [&](const std::string& name) {
        return std::find(f.runtime.journal.begin(), f.runtime.journal.end(),
                         "stop " + id + " " + name);
    };
    CHECK(stop("one") < stop("two"));
}

TEST_CASE("a dependency that cannot be met stops the task instead of hanging it") {
    Fixture f;
    f.runtime.programs["sidecar"].exits_at_once = 3;
    register_pair(f,
                  R"("image":"app:1","dependsOn":[{"containerName":"two","condition":"SUCCESS"}])",
                  R"("image":"sidecar:1","essential":false)");
    std::string id = run_task(f, "pair");
    f.run(10);
    const ecs::Task& task = f.ecs->state().tasks.at(id);
    CHECK(task.status == ecs::TaskStatus::Stopped);
    CHECK(task.stop_code == "TaskFailedToStart");
    CHECK(task.stopped_reason.find("'two' did not reach SUCCESS") != std::string::npos);
    CHECK(task.container("two")->exit_code == 3);
}

TEST_CASE(
    "secrets, parameters and files reach the container; a missing one stops the task naming it") {
    Fixture f;
    const std::string secret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf";
    f.secrets.values = {{"/app/url", "from-ssm"},
                        {secret, R"({"password":"pw","port":5432})"},
                        {"arn:aws:s3:::b/k.env", "A=file\n# comment\nB=file\n"}};
    std::string secrets =
        R"(,"environment":[{"name":"B","value":"own"}],"environmentFiles":[{"type":"s3","value":"arn:aws:s3:::b/k.env"}],"secrets":[{"name":"URL","valueFrom":"/app/url"},{"name":"PW","valueFrom":")" +
        secret + R"(:password::"},{"name":"PORT","valueFrom":")" + secret + R"(:port::"}])";
    f.register_image("app:1", secrets);
    run_task(f, "web");
    f.run(5);
    std::map<std::string, std::string> got(f.runtime.environment["app"].begin(),
                                           f.runtime.environment["app"].end());
    CHECK(got["A"] == "file");
    CHECK(got["B"] == "own");
    CHECK(got["URL"] == "from-ssm");  // #34
    CHECK(got["PW"] == "pw");         // #33
    CHECK(got["PORT"] == "5432");
    CHECK(got["AWS_EXECUTION_ENV"] == "AWS_ECS_FARGATE");
    CHECK(got["ECS_CONTAINER_METADATA_URI_V4"].starts_with("http://169.254.170.2/v4/"));

    f.register_image("app:1",
                     R"(,"secrets":[{"name":"X","valueFrom":")" + secret + R"(:nokey::"}])");
    std::string id = run_task(f, "web");
    f.run(5);
    CHECK(f.ecs->state().tasks.at(id).stop_code == "TaskFailedToStart");
    CHECK(f.ecs->state().tasks.at(id).stopped_reason.find("did not contain json key nokey") !=
          std::string::npos);
    f.secrets.values.erase(secret);
    id = run_task(f, "web");
    f.run(5);
    const std::string& reason = f.ecs->state().tasks.at(id).stopped_reason;  // #32
    CHECK(reason ==
          "ResourceInitializationError: unable to pull secrets or registry auth: execution "
          "resource retrieval failed: unable to retrieve secret from asm: service call has been "
          "retried 1 time(s): failed to fetch secret " +
              secret +
              " from secrets manager: ResourceNotFoundException: Secrets Manager can't find the "
              "specified secret.");
}

TEST_CASE("awslogs: the stream's name, a missing group, a created one; other output is kept too") {
    Fixture f;
    f.runtime.programs["app"].output = {"hello"};
    auto options = [](const std::string& more) {
        return R"(,"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"/ecs/web","awslogs-region":"us-east-1","awslogs-stream-prefix":"ecs")" +
               more + "}}";
    };
    f.register_image("app:1", options(""));
    std::string id = run_task(f, "web");
    f.run(5);
    CHECK(f.logs.streams["/ecs/web ecs/app/" + id] == std::vector<std::string>{"hello"});  // #81
    f.logs.group_exists = false;
    id = run_task(f, "web");
    f.run(5);
    CHECK(f.ecs->state().tasks.at(id).stopped_reason ==  // #35
          "ResourceInitializationError: failed to validate logger args: create stream has been "
          "retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The "
          "specified log group does not exist.");
    f.register_image("app:1", options(R"(,"awslogs-create-group":"true")"));
    id = run_task(f, "web");
    f.run(5);
    CHECK(f.ecs->state().tasks.at(id).status == ecs::TaskStatus::Running);
    f.register_image("app:1");
    id = run_task(f, "web");
    f.run(5);
    CHECK(f.logs.streams["/dodam/ecs/web app/" + id] == std::vector<std::string>{"hello"});
}

TEST_CASE("awslogs in another region finds no host") {
    Fixture f;
    f.register_image(
        "app:1",
        R"(,"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"/ecs/web","awslogs-region":"us-east-2","awslogs-stream-prefix":"ecs","awslogs-create-group":"true"}})");
    std::string id = run_task(f, "web");
    f.run(5);
    CHECK_THAT(f.ecs->state().tasks.at(id).stopped_reason,
               Catch::Contains("dial tcp: lookup logs.us-east-2.amazonaws.com: no such host"));
}

TEST_CASE("the last words of a program that ends at once are kept, whatever the driver's options") {
    for (const char* more :
         {"", R"(,"mode":"blocking")", R"(,"mode":"non-blocking","max-buffer-size":"1k")",
          R"(,"awslogs-multiline-pattern":"^x")"}) {
        CAPTURE(more);
        Fixture f;
        f.runtime.programs["app"].output = {"starting", "fatal: no database"};
        f.runtime.programs["app"].exits_at_once = 1;
        f.register_image(
            "app:1",
            R"(,"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"/ecs/web","awslogs-region":"us-east-1","awslogs-stream-prefix":"ecs")" +
                std::string(more) + "}}");
        std::string id = run_task(f, "web");
        f.run(5);
        const auto& task = f.ecs->state().tasks.at(id);
        CHECK(task.status == ecs::TaskStatus::Stopped);
        const auto& written = f.logs.streams["/ecs/web ecs/app/" + id];
        REQUIRE_FALSE(written.empty());
        CHECK_THAT(written.back(), Catch::Contains("fatal: no database"));
        CHECK(task.containers[0].last_output.back() == "fatal: no database");
        // Found by service and by task, dead as it is.
        const auto places = f.ecs->log_places(id.substr(0, 8));
        REQUIRE(places.size() == 1);
        CHECK(places[0].group == "/ecs/web");
        CHECK(places[0].stream_prefix == "ecs/app/" + id);
    }
    Fixture f;
    CHECK(f.ecs->log_places("nobody").empty());
}

TEST_CASE("overrides: command replaces, environment merges") {
    Fixture f;
    f.register_image(
        "app:1",
        R"(,"command":["serve"],"environment":[{"name":"A","value":"1"},{"name":"B","value":"1"}])");
    run_task(
        f, "web",
        R"(,"overrides":{"containerOverrides":[{"name":"app","command":["migrate","up"],"environment":[{"name":"B","value":"2"}]}]})");
    f.run(5);
    CHECK(f.runtime.started["app"].command == std::vector<std::string>{"migrate", "up"});  // #39
    std::map<std::string, std::string> got(f.runtime.environment["app"].begin(),
                                           f.runtime.environment["app"].end());
    CHECK(got["A"] == "1");
    CHECK(got["B"] == "2");
    CHECK(
        f.error(
            "RunTask",
            R"({"cluster":"demo","taskDefinition":"web","launchType":"FARGATE","overrides":{"containerOverrides":[{"name":"nobody"}]},)" +
                Fixture::network() + "}") ==
        "InvalidParameterException: Override for container named nobody is not a container in the "
        "TaskDefinition.");
}

TEST_CASE("overrides: a size is Fargate's, and the containers fit in") {
    Fixture f;
    f.register_image("app:1");
    auto run = [&](const std::string& overrides) {
        return f.error("RunTask",
                       R"({"cluster":"demo","taskDefinition":"web","launchType":"FARGATE",)" +
                           Fixture::network() + R"(,"overrides":)" + overrides + "}");
    };
    CHECK(run(R"({"cpu":"300"})") ==
          "InvalidParameterException: No Fargate configuration exists for given values: 300 CPU, "
          "512 memory. See the Amazon ECS documentation for the valid values.");
    // artilleryio/artillery#591
    CHECK(run(R"({"containerOverrides":[{"name":"app","memory":9999}]})") ==
          "InvalidParameterException: The 'memory' setting for container 'app' is greater than for "
          "the task.");
    CHECK(
        run(R"({"cpu":".5 vCPU","memory":"1 GB","containerOverrides":[{"name":"app","memory":900}]})") ==
        "none");
}

TEST_CASE("a container that cannot start says why") {
    Fixture f;
    f.runtime.programs["app"].cannot_start = true;
    f.register_image("app:1");
    std::string id = run_task(f, "web");
    f.run(5);
    CHECK(f.ecs->state().tasks.at(id).stopped_reason ==
          "CannotStartContainerError: exec: no such file");
    CHECK(f.ecs->state().tasks.at(id).containers[0].reason ==
          "CannotStartContainerError: exec: no such file");
    CHECK(f.runtime.tasks().empty());
}

TEST_CASE("a user who stops a service's task gets another, out of the balancer first") {
    Fixture f;
    f.targets.delay = base::seconds(20);
    f.register_image("app:1");
    f.create_service(1, Fixture::balanced());
    f.run(10);
    std::string id = f.tasks()[0]->id;
    f.call("StopTask", R"({"cluster":"demo","task":")" + id + "\"}");
    f.run(5);
    CHECK(f.ecs->state().tasks.at(id).status == ecs::TaskStatus::Deactivating);  // #60
    CHECK(f.count("stop " + id) == 0);
    f.run(30);
    CHECK(f.ecs->state().tasks.at(id).status == ecs::TaskStatus::Stopped);
    CHECK(f.is_stable());
    CHECK(f.service()["deployments"].items()[0]["failedTasks"].as_int() == 0);
}

TEST_CASE("metadata tells the task what it is") {
    Fixture f;
    f.register_image(
        "app:1",
        R"(,"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"/ecs/web","awslogs-region":"us-east-1","awslogs-stream-prefix":"ecs"}})");
    std::string id = run_task(f, "web");
    f.run(5);
    const ecs::Task& task = f.ecs->state().tasks.at(id);
    Node metadata =
        ecs::task_metadata(f.ecs->arns(), task, *ecs::find_definition(f.ecs->state(), "web:1"));
    CHECK(metadata["TaskARN"].as_string() ==
          "arn:aws:ecs:us-east-1:000000000000:task/demo/" + id);  // #38
    CHECK(metadata["Family"].as_string() == "web");
    CHECK(metadata["Revision"].as_string() == "1");
    CHECK(metadata["Limits"]["Memory"].as_int() == 512);
    const Node& container = metadata["Containers"].items()[0];
    CHECK(container["Networks"].items()[0]["IPv4Addresses"].items()[0].as_string() == task.address);
    CHECK(container["LogOptions"]["awslogs-group"].as_string() == "/ecs/web");
    CHECK(container["ImageID"].as_string() == "sha256:" + std::string(64, 'a'));
}

TEST_CASE("a member of a secret is written as Go writes it") {
    // aws/amazon-ecs-agent, agent/asm/asm.go
    struct Row {
        const char *json, *expected;
    };
    for (const Row& row :
         {Row{R"("text")", "text"}, Row{"5432", "5432"}, Row{"0.5", "0.5"}, Row{"true", "true"},
          Row{"null", "<nil>"}, Row{"999999", "999999"}, Row{"1000000", "1e+06"},
          Row{"123456789012", "1.23456789012e+11"}, Row{"-0.00001", "-1e-05"},
          Row{R"({"b":[1,"x"],"a":{}})", "map[a:map[] b:[1 x]]"}}) {
        CAPTURE(row.json);
        CHECK(ecs::json_member(R"({"key":)" + std::string(row.json) + "}", "key").value() ==
              row.expected);
    }
    CHECK(ecs::json_member("plain", "key").error() ==
          "invalid character 'p' looking for beginning of value");
    CHECK(ecs::json_member("", "key").error() == "unexpected end of JSON input");
    CHECK(ecs::json_member("[1]", "key").error() ==
          "json: cannot unmarshal array into Go value of type map[string]interface {}");
}

TEST_CASE("a secret's ARN with some of its positions names nothing") {
    Fixture f;
    const std::string secret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf";
    f.secrets.values = {{secret, R"({"password":"pw"})"}};
    for (const char* end : {":password", ":password:", ":password:::", ":"}) {
        CAPTURE(end);
        CHECK(ecs::secret_value(secret + end, f.secrets).error() ==
              "ResourceInitializationError: unable to pull secrets or registry auth: execution "
              "resource retrieval failed: unable to retrieve secret from asm: trying to retrieve "
              "secret with value " +
                  secret + end +
                  " resulted in error: an invalid ARN format for the AWS Secrets Manager secret "
                  "was specified. Specify a valid ARN and try again.");
    }
    CHECK(ecs::secret_value(secret + ":password::", f.secrets).value() == "pw");
    CHECK(ecs::secret_value(secret + ":::", f.secrets).value() == R"({"password":"pw"})");
}

TEST_CASE("environment files are lines, nothing more") {
    using Pair = std::pair<std::string, std::string>;
    CHECK(ecs::parse_environment_file("A=1\r\n# B=2\n\nC=a=b\nD=\"q\"\nE\n=x\nF=\nA=3") ==
          ecs::Environment{Pair{"A", "3"}, Pair{"C", "a=b"}, Pair{"D", "\"q\""}});
}

// ecs-ecr.md §4, §5, §27 #1 to #8: what RegisterTaskDefinition refuses, in AWS's words, and how it
// reads back.
#include "ecs/task_definition.h"

#include "fixture.h"

using namespace ecs_test;

namespace {

// A valid Fargate definition; `top` and `container` are further members.
std::string definition(const std::string& top = {}, const std::string& container = {}) {
    return R"({"family":"web","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"cpu":"256","memory":"512")" +
           top + R"(,"containerDefinitions":[{"name":"app","image":"nginx:1")" + container + "}]}";
}

std::string refusal(const std::string& text) {
    try {
        ecs::read_task_definition(base::parse_json(text).value());
    } catch (const aws::Error& error) {
        CHECK(error.code == "ClientException");
        return error.message;
    }
    return "accepted";
}

std::string without(std::string text, const std::string& part) {
    size_t at = text.find(part);
    REQUIRE(at != std::string::npos);
    return text.erase(at, part.size());
}
std::string with(std::string text, const std::string& from, const std::string& to) {
    size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("what is refused, and how it is said") {
    struct Row {
        const char* what;
        std::string input, expected;
    };
    const std::string plain = definition();
    std::vector<Row> rows = {
        {"plain", plain, "accepted"},
        {"#5 a pair that Fargate has not", with(plain, "\"512\"", "\"4096\""),
         "No Fargate configuration exists for given values: 256 CPU, 4096 memory. See the Amazon "
         "ECS documentation for the valid values."},
        {"no cpu", without(plain, R"(,"cpu":"256")"),
         "Fargate requires that 'cpu' be defined at the task level."},
        {"no memory", without(plain, R"(,"memory":"512")"),
         "Fargate requires that 'memory' be defined at the task level."},
        {"bridge", with(plain, "awsvpc", "bridge"), "Fargate only supports network mode ‘awsvpc’."},
        {"#6 awslogs without a role",
         definition("", R"(,"logConfiguration":{"logDriver":"awslogs"})"),
         "Fargate requires task definition to have execution role ARN to support log driver "
         "awslogs."},
        {"an ECR image without a role",
         with(plain, "nginx:1", "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1"),
         "Fargate requires task definition to have execution role ARN to support ECR images."},
        {"our registry is ECR", with(plain, "nginx:1", "127.0.0.1:4566/web:1"),
         "Fargate requires task definition to have execution role ARN to support ECR images."},
        {"with a role",
         with(definition(R"(,"executionRoleArn":"arn:aws:iam::1:role/x")"), "nginx:1",
              "127.0.0.1:4566/web:1"),
         "accepted"},
        {"#7 ports differ",
         definition("", R"(,"portMappings":[{"containerPort":80,"hostPort":8080}])"),
         "When networkMode=awsvpc, the host ports and container ports in port mappings must "
         "match."},
        {"pidMode host", definition(R"(,"pidMode":"host")"),
         "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value "
         "for pidMode is 'task'."},
        {"no image", with(plain, "nginx:1", ""), "Container.image should not be null or empty."},
        {"no name", with(plain, R"("name":"app")", R"("name":"")"),
         "Container.name should not be null or empty."},
        {"nothing essential", definition("", R"(,"essential":false)"),
         "At least one container must be marked as essential."},
        {"twice the same name", with(plain, "}]}", R"(},{"name":"app","image":"x"}]})"),
         "Container names must be unique within a Task Definition."},
        {"a name with a space", with(plain, R"("name":"app")", R"("name":"my app")"),
         "Container.name contains invalid characters."},
        {"a port mapping without the container's port",
         definition("", R"(,"portMappings":[{"hostPort":80}])"),
         "Invalid 'containerPort' setting for container 'app'."},
        {"a secret under a variable's name",
         definition(
             R"(,"executionRoleArn":"r")",
             R"(,"environment":[{"name":"A","value":"1"}],"secrets":[{"name":"A","valueFrom":"p"}])"),
         "The secret name must be unique and not shared with any new or existing environment "
         "variables set on the container, such as 'A'."},
        {"two secrets under one name",
         definition(R"(,"executionRoleArn":"r")",
                    R"(,"secrets":[{"name":"A","valueFrom":"p"},{"name":"A","valueFrom":"q"}])"),
         "Duplicate secret names found: A. Each secret name must be unique."},
        {"a role by name", definition(R"(,"taskRoleArn":"app-role")"), "accepted"},
        {"a role with a path", definition(R"(,"taskRoleArn":"arn:aws:iam::1:role/team/app")"),
         "accepted"},
        {"a role that is a stack",
         definition(R"(,"taskRoleArn":"arn:aws:cloudformation:us-east-1:1:stack/x/y")"),
         "Role is not valid"},
        {"an empty role", definition(R"(,"taskRoleArn":"")"), "Role is not valid"},
        {"a place holder that was not filled in",
         definition(R"(,"executionRoleArn":"<execution role>")"), "Role is not valid"},
        {"more cpu than the task", definition("", R"(,"cpu":257)"),
         "The sum of all container 'cpu' values cannot be greater than the value of the task "
         "'cpu'."},
        {"#8 SUCCESS on an essential one",
         with(
             plain, "}]}",
             R"(,"dependsOn":[{"containerName":"b","condition":"SUCCESS"}]},{"name":"b","image":"x"}]})"),
         "A dependency container with SUCCESS or COMPLETE condition cannot be an essential "
         "container"},
        {"a circle",
         with(
             plain, "}]}",
             R"(,"dependsOn":[{"containerName":"b","condition":"START"}]},{"name":"b","image":"x","dependsOn":[{"containerName":"app","condition":"START"}]}]})"),
         "Cyclic dependency found in container dependencies."},
        {"privileged", definition("", R"(,"privileged":true)"),
         "Fargate only supports non privileged containers."},
        {"links", definition("", R"(,"links":["b"])"),
         "Tasks using the Fargate launch type do not support links."},
        {"two on one port",
         with(definition("", R"(,"portMappings":[{"containerPort":80}],"cpu":1)"), "1}]}",
              R"(1},{"name":"b","image":"x","portMappings":[{"containerPort":80}]}]})"),
         "TCP host port '80' is mapped multiple times in task."},
        {"more memory than the task", definition("", R"(,"memory":600)"),
         "The 'memory' setting for container 'app' is greater than for the task."},
        {"more memory together",
         with(definition("", R"(,"memory":300)"), "300}]}",
              R"(300},{"name":"b","image":"x","memoryReservation":300}]})"),
         "The sum of all container 'memory' values cannot be greater than the value of the task "
         "'memory'."},
        {"not for Fargate, not refused",
         with(with(plain, "awsvpc", "bridge"), R"("requiresCompatibilities":["FARGATE"],)", ""),
         "accepted"},
        {"fault injection is a key like others", definition(R"(,"enableFaultInjection":false)"),
         "accepted"},
        {"a typo in a json key shows only at start",
         definition(
             R"(,"executionRoleArn":"r")",
             R"(,"secrets":[{"name":"A","valueFrom":"arn:aws:secretsmanager:us-east-1:1:secret:x-AbCdEf:nokey::"}])"),
         "accepted"}};
    for (const Row& row : rows) {
        CAPTURE(row.what);
        CHECK(refusal(row.input) == row.expected);
    }
}

TEST_CASE("sizes in every spelling, kept as numbers in text") {
    struct Row {
        const char *cpu, *memory, *cpu_kept, *memory_kept;
    };
    for (const Row& row :
         {Row{R"("256")", R"("512")", "256", "512"}, Row{"256", "512", "256", "512"},
          Row{R"("1 vCPU")", R"("3 GB")", "1024", "3072"},
          Row{R"(".25 vCPU")", R"("0.5 GB")", "256", "512"},
          Row{R"("2 vcpu")", R"("4GB")", "2048", "4096"}}) {
        CAPTURE(row.cpu, row.memory);
        auto made = ecs::read_task_definition(
            base::parse_json(with(with(definition(), R"("256")", row.cpu), R"("512")", row.memory))
                .value());
        CHECK(made.cpu == row.cpu_kept);
        CHECK(made.memory == row.memory_kept);
    }
    CHECK(
        refusal(with(definition(), R"("256")", R"("much")")) ==
        "Invalid 'cpu' setting for task. For more information, see the Troubleshooting section of "
        "the Amazon ECS Developer Guide.");
    CHECK(ecs::is_fargate_size(16384, 40960));
    CHECK_FALSE(ecs::is_fargate_size(16384, 40961));
    CHECK_FALSE(ecs::is_fargate_size(256, 1536));
}

TEST_CASE("revisions go up and are never used twice") {
    Fixture f;
    CHECK(f.register_image("app:1").ends_with("web:1"));  // #1
    CHECK(f.register_image("app:1").ends_with("web:2"));
    f.call("DeregisterTaskDefinition", R"({"taskDefinition":"web:2"})");
    CHECK(f.call("DescribeTaskDefinition",
                 R"({"taskDefinition":"web"})")["taskDefinition"]["revision"]
              .as_int() == 1);                            // #3
    CHECK(f.register_image("app:1").ends_with("web:3"));  // #2
    f.call("DeleteTaskDefinitions", R"({"taskDefinitions":["web:2"]})");
    CHECK(f.register_image("app:1").ends_with("web:4"));
    CHECK(f.error("RunTask", R"({"cluster":"demo","taskDefinition":"web:2",)" + Fixture::network() +
                                 "}") == "InvalidParameterException: TaskDefinition is inactive");
    f.create_service(1, "", "web:1");
    CHECK(f.error("UpdateService",
                  R"({"cluster":"demo","service":"web","taskDefinition":"web:2"})") ==
          "ClientException: TaskDefinition is inactive");
    CHECK(f.call("ListTaskDefinitions",
                 R"({"familyPrefix":"web","sort":"DESC"})")["taskDefinitionArns"]
              .items()[0]
              .as_string()
              .ends_with("web:4"));
    CHECK(f.error("DescribeTaskDefinition", R"({"taskDefinition":"none"})") ==
          "ClientException: Unable to describe task definition.");
}

TEST_CASE("defaults are echoed, which infrastructure tools compare with") {
    Fixture f;
    f.register_image("app:1", R"(,"healthCheck":{"command":["CMD-SHELL","true"]})");
    Node read = f.call("DescribeTaskDefinition", R"({"taskDefinition":"web:1"})")["taskDefinition"];
    const Node& container = read["containerDefinitions"].items()[0];
    CHECK(read["compatibilities"] == Node::array({"EC2", "FARGATE"}));  // #4
    CHECK(container["portMappings"].items()[0] ==
          Node::object({{"containerPort", 3000}, {"hostPort", 3000}, {"protocol", "tcp"}}));
    for (const char* key : {"environment", "mountPoints", "volumesFrom", "systemControls"})
        CHECK(container[key] == Node::array());
    CHECK(container["essential"].as_bool());
    CHECK(container["cpu"] == Node(0));
    CHECK(container["healthCheck"]["interval"].as_int() == 30);
    CHECK(read["registeredAt"].is_number());  // #23
    CHECK(read["placementConstraints"] == Node::array());
}

TEST_CASE("where secrets come from") {
    using ecs::parse_value_from;
    auto secret = parse_value_from(
        "arn:aws:secretsmanager:us-east-1:1:secret:app/db-AbCdEf:password:AWSPREVIOUS:");
    CHECK(secret.kind == ecs::ValueFrom::Kind::Secret);
    CHECK(secret.id == "arn:aws:secretsmanager:us-east-1:1:secret:app/db-AbCdEf");
    CHECK(secret.json_key == "password");
    CHECK(secret.version_stage == "AWSPREVIOUS");
    CHECK(secret.version_id.empty());
    CHECK(parse_value_from("arn:aws:ssm:us-east-1:1:parameter/a/b").id ==
          "arn:aws:ssm:us-east-1:1:parameter/a/b");
    CHECK(parse_value_from("plain").kind == ecs::ValueFrom::Kind::Parameter);
}

// API reference, "ContainerRestartPolicy".
TEST_CASE("a restart policy's period and exit codes have bounds") {
    Fixture f;
    auto policy = [&](const std::string& text) {
        return f.error("RegisterTaskDefinition",
                       R"({"family":"again","containerDefinitions":[{"name":"app","image":"app:1",)"
                       R"("memory":64,"restartPolicy":)" +
                           text + "}]}");
    };
    CHECK(policy(R"({"enabled":true,"restartAttemptPeriod":60})") == "none");
    CHECK(policy(R"({"enabled":true,"restartAttemptPeriod":1800,"ignoredExitCodes":[0,1]})") ==
          "none");
    CHECK(policy(R"({"enabled":true,"restartAttemptPeriod":59})").starts_with("ClientException"));
    CHECK(policy(R"({"enabled":true,"restartAttemptPeriod":1801})").starts_with("ClientException"));
    CHECK(policy(R"({"restartAttemptPeriod":60})").starts_with("ClientException"));
    std::string codes = "0";
    for (int i = 1; i < 50; ++i)
        codes += "," + std::to_string(i);
    CHECK(policy(R"({"enabled":true,"ignoredExitCodes":[)" + codes + "]}") == "none");
    CHECK(policy(R"({"enabled":true,"ignoredExitCodes":[)" + codes + ",50]}")
              .starts_with("ClientException"));
}

// ecs-ecr.md §3, §5, §27 #10 to #14 and #22: services' and clusters' rules, tags, restarts of the
// emulator.
#include "fixture.h"

using namespace ecs_test;

TEST_CASE("what CreateService refuses") {
    Fixture f;
    f.register_image("app:1");
    f.targets.groups["arn:loose"] = {true, false, "/"};
    f.targets.groups["arn:instance"] = {false, true, "/"};
    auto create = [&](const std::string& more) {
        return f.error(
            "CreateService",
            R"({"cluster":"demo","serviceName":"web","taskDefinition":"web","desiredCount":1,"launchType":"FARGATE")" +
                more + "}");
    };
    auto balancer = [](const std::string& group, const std::string& container, int port) {
        return "," + Fixture::network() + R"(,"loadBalancers":[{"targetGroupArn":")" + group +
               R"(","containerName":")" + container + R"(","containerPort":)" +
               std::to_string(port) + "}]";
    };
    CHECK(create("") ==
          "InvalidParameterException: Network Configuration must be provided when networkMode "
          "'awsvpc' is specified.");
    CHECK(create(balancer("arn:loose", "app", 3000)) ==
          "InvalidParameterException: The target group with targetGroupArn arn:loose does not have "
          "an associated load balancer.");  // #10
    CHECK(create(balancer("arn:instance", "app", 3000)) ==
          "InvalidParameterException: The provided target group arn:instance has target type "
          "instance, which is incompatible with the awsvpc network mode specified in the task "
          "definition.");  // #12
    CHECK(create(balancer(kGroup, "nobody", 3000)) ==
          "InvalidParameterException: The container nobody does not exist in the task definition.");
    CHECK(create(balancer(kGroup, "app", 80)) ==
          "InvalidParameterException: The container app did not have a container port 80 defined.");
    CHECK(create("," + Fixture::network() + R"(,"healthCheckGracePeriodSeconds":30)") ==
          "InvalidParameterException: Health check grace period is only valid for services "
          "configured to use load balancers");
    CHECK(f.error("CreateService", R"({"cluster":"none","serviceName":"web"})") ==
          "ClusterNotFoundException: Cluster not found.");
    CHECK(create(balancer(kGroup, "app", 3000)) == "none");
}

TEST_CASE("unknown services are failures, not errors") {
    Fixture f;
    Node reply = f.call("DescribeServices", R"({"cluster":"demo","services":["ghost"]})");  // #13
    CHECK(reply["services"].size() == 0);
    CHECK(reply["failures"].items()[0] ==
          Node::object({{"arn", "arn:aws:ecs:us-east-1:000000000000:service/demo/ghost"},
                        {"reason", "MISSING"}}));
    CHECK(f.error("UpdateService", R"({"cluster":"demo","service":"ghost"})") ==
          "ServiceNotFoundException: Service not found.");
    CHECK(f.call("DescribeClusters", R"({"clusters":["ghost"]})")["failures"]
              .items()[0]["reason"]
              .as_string() == "MISSING");
}

TEST_CASE("an ARN names its cluster") {
    Fixture f;
    const std::string arn = "arn:aws:ecs:us-east-1:000000000000:";
    // aws/aws-toolkit-vscode#2915
    const char* elsewhere =
        "InvalidParameterException: Invalid identifier: Identifier is for cluster other. Your "
        "cluster is demo";
    CHECK(f.error("DescribeServices", R"({"cluster":"demo","services":[")" + arn +
                                          R"(service/other/web"]})") == elsewhere);
    CHECK(f.error("DescribeTasks", R"({"cluster":"demo","tasks":[")" + arn +
                                       R"(task/other/0123456789abcdef0123456789abcdef"]})") ==
          elsewhere);
    CHECK(f.error("StopTask", R"({"cluster":"demo","task":")" + arn +
                                  R"(task/other/0123456789abcdef0123456789abcdef"})") == elsewhere);
    CHECK(f.call("DescribeServices",
                 R"({"cluster":"demo","services":[")" + arn + R"(service/web"]})")["failures"]
              .size() == 1);
}

TEST_CASE("platform versions are Fargate's") {
    Fixture f;
    f.register_image("app:1");
    const std::string create =
        R"({"cluster":"demo","serviceName":"web","taskDefinition":"web","desiredCount":1,"launchType":"FARGATE",)" +
        Fixture::network() + R"(,"platformVersion":)";
    const char* unknown =
        "PlatformUnknownException: The specified platform version does not exist.";
    CHECK(f.error("CreateService", create + R"("9.9.9"})") == unknown);
    CHECK(f.error("CreateService", create + R"("LATEST"})") == "none");
    CHECK(f.error("UpdateService", R"({"cluster":"demo","service":"web","platformVersion":"1"})") ==
          unknown);
    CHECK(f.error("RunTask", R"({"cluster":"demo","taskDefinition":"web","launchType":"FARGATE",)" +
                                 Fixture::network() + R"(,"platformVersion":"2.0"})") == unknown);
}

TEST_CASE("what makes a new deployment, and what does not") {
    Fixture f;
    f.register_image("app:1");
    f.create_service(1);
    auto deployments = [&](const std::string& change) {
        return f
            .call("UpdateService",
                  R"({"cluster":"demo","service":"web",)" + change + "}")["service"]["deployments"]
            .size();
    };
    CHECK(deployments(R"("volumeConfigurations":[])") == 1);  // the deploy action sends it
    CHECK(deployments(R"("platformVersion":"1.4.0")") == 2);
    CHECK(deployments(R"("forceNewDeployment":true)") == 3);
    Node list = f.call("ListServiceDeployments",
                       R"({"cluster":"demo","service":"web"})")["serviceDeployments"];
    CHECK(list.items()[1]["status"].as_string() == "STOPPED");
    CHECK_THAT(list.items()[1]["statusReason"].as_string(),
               Catch::Contains("a newer deployment took its place"));
}

TEST_CASE("an inactive definition scales, and is not deployed again") {
    Fixture f;
    f.register_image("app:1");
    f.create_service(1);
    f.call("DeregisterTaskDefinition", R"({"taskDefinition":"web:1"})");
    // ECS guide, "Deregistering an Amazon ECS task definition"; Cloud-CV/EvalAI#5167
    CHECK(f.error("UpdateService", R"({"cluster":"demo","service":"web","desiredCount":2})") ==
          "none");
    CHECK(f.error("UpdateService",
                  R"({"cluster":"demo","service":"web","forceNewDeployment":true})") ==
          "ClientException: TaskDefinition is inactive");
    f.call("DeleteTaskDefinitions", R"({"taskDefinitions":["web:1"]})");
    CHECK(f.call("DeregisterTaskDefinition",
                 R"({"taskDefinition":"web:1"})")["taskDefinition"]["status"]
              .as_string() == "DELETE_IN_PROGRESS");
}

TEST_CASE("what is not emulated is refused, what is kept is told") {
    Fixture f;
    f.register_image("app:1");
    auto create = [&](const std::string& name, const std::string& configuration) {
        return f.error(
            "CreateService",
            R"({"cluster":"demo","taskDefinition":"web","desiredCount":1,"launchType":"FARGATE",)" +
                Fixture::network() + R"(,"serviceName":")" + name + R"(",)" + configuration + "}");
    };
    CHECK(create("blue", R"("deploymentConfiguration":{"strategy":"BLUE_GREEN"})") ==
          "InvalidParameterException: Only the deployment strategy ROLLING is emulated.");
    CHECK(create("code", R"("deploymentController":{"type":"CODE_DEPLOY"})") ==
          "InvalidParameterException: Only the deployment controller ECS is emulated.");
    const std::string alarms = R"({"alarmNames":["errors"],"enable":true,"rollback":true})";
    CHECK(create("web", R"("deploymentConfiguration":{"strategy":"ROLLING","alarms":)" + alarms +
                            "}") == "none");
    CHECK(f.error(
              "UpdateService",
              R"({"cluster":"demo","service":"web","deploymentController":{"type":"EXTERNAL"}})") ==
          "InvalidParameterException: Only the deployment controller ECS is emulated.");
    f.call(
        "UpdateService",
        R"({"cluster":"demo","service":"web","deploymentConfiguration":{"maximumPercent":150}})");
    CHECK(f.service()["deploymentConfiguration"]["alarms"] == base::parse_json(alarms).value());
}

TEST_CASE("managed tags say whose a task is") {
    Fixture f;
    f.register_image("app:1");
    Node reply = f.call(
        "RunTask",
        R"({"cluster":"demo","taskDefinition":"web","launchType":"FARGATE","enableECSManagedTags":true,"tags":[{"key":"a","value":"b"}],)" +
            Fixture::network() + "}");
    CHECK(reply["tasks"].items()[0]["tags"] ==
          Node::array({Node::object({{"key", "a"}, {"value", "b"}}),
                       Node::object({{"key", "aws:ecs:clusterName"}, {"value", "demo"}})}));
    f.create_service(1);
    f.call("UpdateService", R"({"cluster":"demo","service":"web","enableECSManagedTags":true})");
    f.run(5);
    const std::string arn =
        f.call("ListTasks", R"({"cluster":"demo","serviceName":"web"})")["taskArns"]
            .items()[0]
            .as_string();
    CHECK(f.call("DescribeTasks",
                 R"({"cluster":"demo","include":["TAGS"],"tasks":[")" + arn + R"("]})")["tasks"]
              .items()[0]["tags"] ==
          Node::array({Node::object({{"key", "aws:ecs:clusterName"}, {"value", "demo"}}),
                       Node::object({{"key", "aws:ecs:serviceName"}, {"value", "web"}})}));
}

TEST_CASE("clusters: idempotent, and not deleted under services") {
    Fixture f;
    CHECK(f.call("CreateCluster", R"({"clusterName":"demo"})")["cluster"]["status"].as_string() ==
          "ACTIVE");
    f.register_image("app:1");
    f.create_service(1);
    CHECK(f.error("DeleteCluster", R"({"cluster":"demo"})")
              .starts_with("ClusterContainsServicesException"));
    f.call("DeleteService", R"({"cluster":"demo","service":"web","force":true})");
    f.run(5);
    CHECK(f.call("DeleteCluster", R"({"cluster":"demo"})")["cluster"]["status"].as_string() ==
          "INACTIVE");
    CHECK(f.call("ListClusters", "{}")["clusterArns"].size() == 0);
}

TEST_CASE("tags go round, of every kind") {
    Fixture f;
    f.register_image("app:1");
    f.create_service(0);
    for (const char* arn : {"arn:aws:ecs:us-east-1:000000000000:cluster/demo",
                            "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1",
                            "arn:aws:ecs:us-east-1:000000000000:service/demo/web"}) {
        CAPTURE(arn);
        std::string of = R"({"resourceArn":")" + std::string(arn) + "\"";
        f.call("TagResource",
               of + R"(,"tags":[{"key":"a","value":"1"},{"key":"b","value":"2"}]})");  // #22
        f.call("UntagResource", of + R"(,"tagKeys":["a"]})");
        CHECK(f.call("ListTagsForResource", of + "}")["tags"] ==
              Node::array({Node::object({{"key", "b"}, {"value", "2"}})}));
    }
}

TEST_CASE("everything survives the end of the process") {
    Fixture f;
    f.register_image("app:1");
    f.create_service(
        2,
        Fixture::balanced() +
            R"(,"deploymentConfiguration":{"minimumHealthyPercent":50,"deploymentCircuitBreaker":{"enable":true,"rollback":true}})");
    f.run(10);
    Node before = f.service();
    ecs::ControlPlane again(*f.database, f.clock, f.ids,
                            ecs::Ports{f.targets, f.logs, f.secrets, f.roles, f.names});
    aws::Call call;
    call.operation = "DescribeServices";
    call.input = base::parse_json(R"({"cluster":"demo","services":["web"]})").value();
    Node after = again.serve(call)->output["services"].items()[0];
    for (const char* key : {"deploymentConfiguration", "loadBalancers", "networkConfiguration",
                            "taskDefinition", "desiredCount", "events", "createdAt"})
        CHECK(after[key] == before[key]);
    CHECK(after["runningCount"].as_int() == 0);
    CHECK(after["deployments"].items()[0]["id"] == before["deployments"].items()[0]["id"]);
}

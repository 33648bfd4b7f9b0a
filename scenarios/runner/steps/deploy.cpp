// deploy: a directory to a bucket as "aws s3 sync --delete" does it, or an image to a service: task
// definition, update, and a verdict by this very deployment's id, so that a rollback is not taken
// for a success.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/result.h"
#include "base/text.h"
#include "scenarios/runner/aws_client.h"
#include "scenarios/runner/context.h"
#include "scenarios/runner/steps/steps.h"

namespace scenarios {
namespace {

using base::Node;

constexpr auto kPoll = base::milliseconds(100);

struct ContentType {
    std::string_view extension, type;
};

// As Python's mimetypes, which the AWS CLI asks, has them on Debian.
constexpr ContentType kTypes[] = {
    {"avif", "image/avif"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"gif", "image/gif"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ico", "image/vnd.microsoft.icon"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"mjs", "text/javascript"},
    {"mp4", "video/mp4"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain"},
    {"wasm", "application/wasm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xml", "text/xml"},
};

std::string type_of(const std::string& name) {
    const std::string extension = base::lower(std::filesystem::path(name).extension().string());
    for (const ContentType& row : kTypes)
        if (extension.size() > 1 && extension.substr(1) == row.extension)
            return std::string(row.type);
    return "binary/octet-stream";
}

std::string read_all(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

StepError of(const AwsError& error, std::string_view what) {
    if (error.status == 0 && error.code.empty())
        return {fmt::format("{}: {}", what, error.message), "", StepError::Cause::Stack};
    return {fmt::format("{}: {}: {}", what, error.code, error.message), ""};
}

// Key → ETag without its quotes.
std::expected<std::map<std::string, std::string>, StepError> held(Context& context,
                                                                  const std::string& bucket) {
    std::map<std::string, std::string> keys;
    Node input = Node::object();
    input.set("Bucket", bucket);
    while (true) {
        auto page = call_aws(context, "s3.ListObjectsV2", input);
        if (!page)
            return std::unexpected(of(page.error(), fmt::format("cannot list s3://{}", bucket)));
        for (const Node& object : (*page)["Contents"].items())
            keys[object["Key"].as_string()] =
                base::replace_all(object["ETag"].as_string(), "\"", "");
        if (!(*page)["IsTruncated"].as_bool()) return keys;
        input.set("ContinuationToken", (*page)["NextContinuationToken"]);
    }
}

std::expected<Answer, StepError> sync(Context& context, const std::string& bucket,
                                      const std::string& directory) {
    std::error_code problem;
    std::map<std::string, std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, problem))
        if (entry.is_regular_file())
            files[std::filesystem::relative(entry.path(), directory).generic_string()] =
                entry.path();
    if (problem)
        return std::unexpected(
            StepError{fmt::format("cannot read {}: {}", directory, problem.message()),
                      "files are relative to the scenario's own"});
    if (files.empty())
        return std::unexpected(StepError{
            fmt::format("{} holds no files: the deploy would empty the bucket", directory), ""});
    auto present = TRY(held(context, bucket));
    int64_t uploaded = 0, deleted = 0;
    for (const auto& [key, path] : files) {
        AwsBody body{read_all(path), type_of(key)};
        const std::string etag = base::to_hex(base::md5(body.bytes));
        auto found = present.find(key);
        const bool same = found != present.end() && found->second == etag;
        if (found != present.end()) present.erase(found);
        if (same) continue;
        Node input = Node::object();
        input.set("Bucket", bucket);
        input.set("Key", key);
        if (auto put = call_aws(context, "s3.PutObject", input, body); !put)
            return std::unexpected(
                of(put.error(), fmt::format("cannot write s3://{}/{}", bucket, key)));
        ++uploaded;
    }
    for (const auto& [key, etag] : present) {
        Node input = Node::object();
        input.set("Bucket", bucket);
        input.set("Key", key);
        if (auto gone = call_aws(context, "s3.DeleteObject", input); !gone)
            return std::unexpected(
                of(gone.error(), fmt::format("cannot remove s3://{}/{}", bucket, key)));
        ++deleted;
    }
    Answer answer;
    answer.set("uploaded", uploaded);
    answer.set("deleted", deleted);
    return answer;
}

// --- Services
// -----------------------------------------------------------------------------------------

// What DescribeTaskDefinition adds and RegisterTaskDefinition refuses.
constexpr std::string_view kReadOnly[] = {"taskDefinitionArn",  "revision",        "status",
                                          "requiresAttributes", "compatibilities", "registeredAt",
                                          "registeredBy",       "deregisteredAt"};

std::expected<Node, StepError> describe(Context& context, const std::string& cluster,
                                        const std::string& service) {
    Node input = Node::object();
    input.set("cluster", cluster);
    input.set("services", Node::array({Node(service)}));
    auto found = call_aws(context, "ecs.DescribeServices", input);
    if (!found) return std::unexpected(of(found.error(), "cannot describe the service"));
    if ((*found)["services"].items().empty())
        return std::unexpected(
            StepError{fmt::format("the cluster {} has no service {}", cluster, service), ""});
    return (*found)["services"].items().front();
}

const Node* deployment_of(const Node& service, const std::string& id) {
    for (const Node& deployment : service["deployments"].items())
        if (deployment["id"].as_string() == id) return &deployment;
    return nullptr;
}

std::expected<std::string, StepError> register_image(Context& context, const std::string& current,
                                                     const std::string& image,
                                                     const std::string& container) {
    Node query = Node::object();
    query.set("taskDefinition", current);
    auto described = call_aws(context, "ecs.DescribeTaskDefinition", query);
    if (!described)
        return std::unexpected(of(described.error(), "cannot describe the task definition"));
    Node definition = (*described)["taskDefinition"];
    for (std::string_view name : kReadOnly)
        definition.erase(name);
    Node* containers = definition.find("containerDefinitions");
    if (containers == nullptr || containers->items().empty())
        return std::unexpected(StepError{"the task definition has no containers", ""});
    // The container that the balancer forwards to, else the first.
    auto chosen =
        std::find_if(containers->items().begin(), containers->items().end(),
                     [&](const Node& each) { return each["name"].as_string() == container; });
    (chosen == containers->items().end() ? containers->items().front() : *chosen)
        .set("image", image);
    auto registered = call_aws(context, "ecs.RegisterTaskDefinition", definition);
    if (!registered)
        return std::unexpected(of(registered.error(), "the task definition is refused"));
    return (*registered)["taskDefinition"]["taskDefinitionArn"].as_string();
}

std::string cluster_of(const World& world, const Node& service) {
    if (const auto& cluster = service["cluster"].as_string(); !cluster.empty()) return cluster;
    // arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME
    const auto parts = base::split(service["arn"].as_string(), '/');
    if (parts.size() == 3) return std::string(parts[1]);
    const auto& clusters = world.stack["clusters"].members();
    return clusters.empty() ? "default" : clusters.front().second["name"].as_string();
}

std::expected<Answer, StepError> roll(Context& context, const Node& known,
                                      const std::string& image) {
    const std::string cluster = cluster_of(context.world, known), name = known["name"].as_string();
    const Node before = TRY(describe(context, cluster, name));
    const Node& balancers = before["loadBalancers"];
    const std::string container =
        balancers.items().empty() ? "" : balancers.items().front()["containerName"].as_string();
    const std::string revision =
        TRY(register_image(context, before["taskDefinition"].as_string(), image, container));
    Node input = Node::object();
    input.set("cluster", cluster);
    input.set("service", name);
    input.set("taskDefinition", revision);
    auto updated = call_aws(context, "ecs.UpdateService", input);
    if (!updated) return std::unexpected(of(updated.error(), "the service is not updated"));
    std::string id;
    for (const Node& deployment : (*updated)["service"]["deployments"].items())
        if (deployment["status"].as_string() == "PRIMARY") id = deployment["id"].as_string();

    Node last;
    while (true) {
        const Node service = TRY(describe(context, cluster, name));
        if (const Node* deployment = deployment_of(service, id)) last = *deployment;
        const std::string& state = last["rolloutState"].as_string();
        // A deployment that is no longer listed was replaced by a rollback.
        const bool gone = deployment_of(service, id) == nullptr && !last.is_null();
        if (state == "COMPLETED" || state == "FAILED" || gone) {
            Answer answer;
            answer.set("rollout", state == "COMPLETED" ? "COMPLETED" : "FAILED");
            answer.set("failedTasks", last["failedTasks"].as_int());
            answer.set("rolledBack", service["taskDefinition"].as_string() != revision);
            answer.set("revision", service["taskDefinition"]);
            answer.json = last;
            const bool judged = context.asks("rollout") || context.asks("rolledBack");
            if (state != "COMPLETED" && !judged)
                return std::unexpected(
                    StepError{fmt::format("the deployment {} failed: {}", id,
                                          last["rolloutStateReason"].as_string()),
                              "ask \"rollout\": \"FAILED\" where that is what is wanted"});
            return answer;
        }
        if (context.clock.real_now() + kPoll >= context.deadline)
            return std::unexpected(StepError{
                fmt::format(
                    "the deployment {} is still {} after the step's time; {} of {} tasks run: {}",
                    id, state.empty() ? "unknown" : state, last["runningCount"].as_int(),
                    last["desiredCount"].as_int(), last["rolloutStateReason"].as_string()),
                "give the step a longer \"timeout\""});
        context.clock.wait_until(context.clock.now() + kPoll);
    }
}

std::expected<Answer, StepError> deploy(Context& context, const Node& step) {
    const std::string& name = step["deploy"].as_string();
    if (step.find("dist")) {
        const Node& bucket = context.world.stack["buckets"][name]["name"];
        return sync(context, bucket.is_string() ? bucket.as_string() : name,
                    context.path(step["dist"].as_string()));
    }
    const Node& service = context.world.stack["services"][name];
    if (!service.is_object())
        return std::unexpected(StepError{fmt::format("the stack has no service \"{}\"", name), ""});
    return roll(context, service, step["image"].as_string());
}

constexpr Key kKeys[] = {
    {"dist", Shape::Directory,
     "A directory, to a bucket: what differs is written, what is gone is removed."},
    {"image", Shape::Text, "An image, to a service."},
};
constexpr std::string_view kExpects[] = {"$",        "rollout",  "rolledBack", "failedTasks",
                                         "revision", "uploaded", "deleted"};

constexpr Verb kVerbs[] = {
    {{"deploy", Shape::Deployable, "A build to a bucket, or an image to a service."},
     kKeys,
     kExpects,
     true,
     deploy},
};

}  // namespace

const std::span<const Verb> deploy_verbs = kVerbs;

}  // namespace scenarios

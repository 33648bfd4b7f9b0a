// Images: put, get, list, describe, delete, scans.
#include <fmt/format.h>

#include <algorithm>

#include "base/date.h"
#include "ecr/control_plane.h"
#include "oci/manifest.h"
#include "oci/reference.h"

namespace ecr {
namespace {

using base::Node;

// An imageId of a request: a digest, a tag or both.
struct ImageId {
    std::string digest, tag;
};
ImageId image_id(const Node& node) {
    return {node["imageDigest"].as_string(), node["imageTag"].as_string()};
}

Node to_node(const ImageId& id) {
    Node node = Node::object();
    if (!id.digest.empty()) node.set("imageDigest", id.digest);
    if (!id.tag.empty()) node.set("imageTag", id.tag);
    return node;
}

struct Failure {
    std::string code, reason;
};

// The image of an id, or why there is none.
std::optional<Image> resolve(ControlPlane& ecr, const std::string& repository, const ImageId& id,
                             Failure& failure) {
    if (id.digest.empty() && id.tag.empty()) {
        failure = {"MissingDigestAndTag",
                   "Invalid request parameters: both tag and digest cannot be null"};
        return std::nullopt;
    }
    if (!id.digest.empty() && !oci::Digest::parse(id.digest)) {
        failure = {"InvalidImageDigest",
                   "Invalid request parameters: image digest should satisfy the regex "
                   "'[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"};
        return std::nullopt;
    }
    if (!id.tag.empty() && !oci::is_tag(id.tag)) {
        failure = {"InvalidImageTag",
                   "Invalid request parameters: image tag should satisfy the regex "
                   "'[a-zA-Z0-9][-_.a-zA-Z0-9]{0,127}'"};
        return std::nullopt;
    }
    auto image = ecr.find_image(repository, id.digest.empty() ? id.tag : id.digest);
    if (!image) {
        failure = {"ImageNotFound", "Requested image not found"};
    } else if (!id.digest.empty() && !id.tag.empty() &&
               std::find(image->tags.begin(), image->tags.end(), id.tag) == image->tags.end()) {
        failure = {"ImageTagDoesNotMatchDigest", "The image tag does not match the image digest"};
        return std::nullopt;
    }
    return image;
}

std::string words_of(const ImageId& id) {
    return fmt::format("{{imageDigest:'{}', imageTag:'{}'}}",
                       id.digest.empty() ? "null" : id.digest, id.tag.empty() ? "null" : id.tag);
}

[[noreturn]] void refuse_unknown(const ControlPlane& ecr, const std::string& repository,
                                 const ImageId& id) {
    throw aws::Error{
        400, "ImageNotFoundException",
        fmt::format("The image with imageId {} does not exist within the repository with name "
                    "'{}' in the registry with id '{}'",
                    words_of(id), repository, ecr.registry_id())};
}

Node failure_node(const ImageId& id, const Failure& failure) {
    return Node::object({{"imageId", to_node(id)},
                         {"failureCode", failure.code},
                         {"failureReason", failure.reason}});
}

Node image_node(ControlPlane& ecr, const Image& image, const std::string& tag) {
    return Node::object({{"registryId", ecr.registry_id()},
                         {"repositoryName", image.repository},
                         {"imageId", to_node(ImageId{image.digest.to_string(), tag})},
                         {"imageManifest", ecr.store().manifest(image.repository, image.digest)},
                         {"imageManifestMediaType", image.media_type}});
}

aws::Reply put_image(ControlPlane& ecr, const aws::Call& call) {
    Push push;
    push.repository = required(call, "repositoryName");
    push.manifest = required(call, "imageManifest");
    push.media_type = call.input["imageManifestMediaType"].as_string();
    push.tag = call.input["imageTag"].as_string();
    if (const std::string& digest = call.input["imageDigest"].as_string(); !digest.empty()) {
        auto parsed = oci::Digest::parse(digest);
        if (!parsed)
            invalid(
                "Invalid parameter at 'imageDigest' failed to satisfy constraint: 'Invalid "
                "digest'");
        push.digest = *parsed;
    }
    Image image = ecr.put_image(push, Repeated::Refused);
    aws::Reply reply;
    reply.output.set("image", image_node(ecr, image, push.tag));
    return reply;
}

aws::Reply batch_get_image(ControlPlane& ecr, const aws::Call& call) {
    const std::string& name = ecr.repository(required(call, "repositoryName")).name;
    Node images = Node::array(), failures = Node::array();
    for (const Node& node : call.input["imageIds"].items()) {
        ImageId id = image_id(node);
        Failure failure;
        auto image = resolve(ecr, name, id, failure);
        if (image)
            images.push_back(image_node(ecr, *image, id.tag));
        else
            failures.push_back(failure_node(id, failure));
    }
    aws::Reply reply;
    reply.output = Node::object({{"images", std::move(images)}, {"failures", std::move(failures)}});
    return reply;
}

bool passes(const Node& filter, bool is_tagged) {
    const std::string& status = filter["tagStatus"].as_string();
    return status == "TAGGED" ? is_tagged : status == "UNTAGGED" ? !is_tagged : true;
}

aws::Reply list_images(ControlPlane& ecr, const aws::Call& call) {
    std::string name = ecr.repository(required(call, "repositoryName")).name;
    std::vector<ImageId> ids;
    for (const Image& image : ecr.store().images(name)) {
        if (!passes(call.input["filter"], !image.tags.empty())) continue;
        for (const std::string& tag : image.tags)
            ids.push_back({image.digest.to_string(), tag});
        if (image.tags.empty()) ids.push_back({image.digest.to_string(), ""});
    }
    Page page = page_of(call, ids.size(), 100);
    Node list = Node::array();
    for (size_t i = page.from; i < page.to; ++i)
        list.push_back(to_node(ids[i]));
    aws::Reply reply;
    reply.output.set("imageIds", std::move(list));
    if (!page.next.empty()) reply.output.set("nextToken", page.next);
    return reply;
}

Node detail(ControlPlane& ecr, const Image& image) {
    Node node = Node::object({{"registryId", ecr.registry_id()},
                              {"repositoryName", image.repository},
                              {"imageDigest", image.digest.to_string()}});
    if (!image.tags.empty()) {
        Node tags = Node::array();
        for (const std::string& tag : image.tags)
            tags.push_back(tag);
        node.set("imageTags", std::move(tags));
    }
    node.set("imageSizeInBytes", static_cast<int64_t>(image.size_bytes));
    node.set("imagePushedAt", base::epoch_seconds(image.pushed_at));
    node.set("imageManifestMediaType", image.media_type);
    if (!image.artifact_type.empty()) node.set("artifactMediaType", image.artifact_type);
    if (image.pulled_at) node.set("lastRecordedPullTime", base::epoch_seconds(*image.pulled_at));
    if (!image.subject.empty()) node.set("subjectManifestDigest", image.subject.to_string());
    node.set("imageStatus", "ACTIVE");
    return node;
}

aws::Reply describe_images(ControlPlane& ecr, const aws::Call& call) {
    std::string name = ecr.repository(required(call, "repositoryName")).name;
    std::vector<Image> found;
    if (const auto& ids = call.input["imageIds"].items(); !ids.empty()) {
        for (const Node& node : ids) {
            ImageId id = image_id(node);
            Failure failure;
            auto image = resolve(ecr, name, id, failure);
            if (!image) refuse_unknown(ecr, name, id);
            found.push_back(*image);
        }
    } else {
        for (Image& image : ecr.store().images(name))
            if (passes(call.input["filter"], !image.tags.empty()))
                found.push_back(std::move(image));
    }
    Page page = page_of(call, found.size(), 100);
    Node list = Node::array();
    for (size_t i = page.from; i < page.to; ++i)
        list.push_back(detail(ecr, found[i]));
    aws::Reply reply;
    reply.output.set("imageDetails", std::move(list));
    if (!page.next.empty()) reply.output.set("nextToken", page.next);
    return reply;
}

// By tag: the tag goes, with the last one the image. By digest: the image with all its tags.
std::optional<Failure> delete_one(ControlPlane& ecr, const std::string& repository,
                                  const ImageId& id, Node& deleted) {
    Failure failure;
    auto image = resolve(ecr, repository, id, failure);
    if (!image) return failure;
    bool whole = id.tag.empty() || image->tags.size() == 1;
    if (whole && ecr.index_that_lists(repository, image->digest))
        return Failure{"ImageReferencedByManifestList",
                       fmt::format("Requested image referenced by manifest list: [{}]",
                                   ecr.index_that_lists(repository, image->digest)->to_string())};
    if (!whole) {
        ecr.store().remove_tag(repository, id.tag);
        deleted.push_back(to_node(ImageId{image->digest.to_string(), id.tag}));
        return std::nullopt;
    }
    ecr.delete_image(repository, image->digest);
    if (image->tags.empty()) deleted.push_back(to_node(ImageId{image->digest.to_string(), ""}));
    for (const std::string& tag : image->tags)
        deleted.push_back(to_node(ImageId{image->digest.to_string(), tag}));
    return std::nullopt;
}

// Indexes before what they list, so that one call can delete both.
aws::Reply batch_delete_image(ControlPlane& ecr, const aws::Call& call) {
    std::string name = ecr.repository(required(call, "repositoryName")).name;
    const auto& given = call.input["imageIds"].items();
    if (given.empty() || given.size() > 100)
        invalid(
            "Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have "
            "length less than or equal to 100'");
    std::vector<ImageId> ids;
    for (const Node& node : given)
        ids.push_back(image_id(node));
    std::stable_partition(ids.begin(), ids.end(), [&](const ImageId& id) {
        Failure ignored;
        auto image = resolve(ecr, name, id, ignored);
        return image && oci::is_index_type(image->media_type);
    });
    Node deleted = Node::array(), failures = Node::array();
    for (const ImageId& id : ids)
        if (auto failure = delete_one(ecr, name, id, deleted))
            failures.push_back(failure_node(id, *failure));
    aws::Reply reply;
    reply.output =
        Node::object({{"imageIds", std::move(deleted)}, {"failures", std::move(failures)}});
    return reply;
}

// GAP: nothing is scanned. A scan, asked for or because of scanOnPush, finds nothing.
aws::Reply scan_status(ControlPlane& ecr, const aws::Call& call) {
    std::string name = ecr.repository(required(call, "repositoryName")).name;
    ImageId id = image_id(call.input["imageId"]);
    Failure failure;
    auto image = resolve(ecr, name, id, failure);
    if (!image) refuse_unknown(ecr, name, id);
    const bool starts = call.operation == "StartImageScan";
    if (starts) ecr.store().set_scanned(name, image->digest, call.now);
    auto scanned_at = ecr.store().scanned_at(name, image->digest);
    if (!scanned_at)
        throw aws::Error{
            400, "ScanNotFoundException",
            fmt::format("Image scan does not exist for the image with '{}' in the "
                        "repository with the name '{}' in the registry with the id "
                        "'{}'",
                        words_of({image->digest.to_string(), id.tag}), name, ecr.registry_id())};
    aws::Reply reply;
    reply.output = Node::object(
        {{"registryId", ecr.registry_id()},
         {"repositoryName", name},
         {"imageId", to_node(ImageId{image->digest.to_string(), id.tag})},
         {"imageScanStatus",
          starts ? Node::object({{"status", "IN_PROGRESS"}})
                 : Node::object({{"status", "COMPLETE"},
                                 {"description", "The scan was completed successfully."}})}});
    if (!starts)
        reply.output.set("imageScanFindings",
                         Node::object({{"imageScanCompletedAt", base::epoch_seconds(*scanned_at)},
                                       {"findings", Node::array()},
                                       {"findingSeverityCounts", Node::object()}}));
    return reply;
}

constexpr Operation kOperations[] = {
    {"BatchDeleteImage", batch_delete_image},
    {"BatchGetImage", batch_get_image},
    {"DescribeImageScanFindings", scan_status},
    {"DescribeImages", describe_images},
    {"ListImages", list_images},
    {"PutImage", put_image},
    {"StartImageScan", scan_status},
};

}  // namespace

const std::span<const Operation> image_operations = kOperations;

}  // namespace ecr

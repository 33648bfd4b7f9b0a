// Layers through the JSON API: availability, upload in parts, download address.
#include <fmt/format.h>

#include "base/encoding.h"
#include "ecr/control_plane.h"
#include "ecr/limits.h"

namespace ecr {
namespace {

using base::Node;

aws::Reply batch_check_layer_availability(ControlPlane& ecr, const aws::Call& call) {
    std::string name = ecr.repository(required(call, "repositoryName")).name;
    Node layers = Node::array(), failures = Node::array();
    for (const Node& node : call.input["layerDigests"].items()) {
        auto digest = oci::Digest::parse(node.as_string());
        if (!digest) {
            failures.push_back(Node::object({{"layerDigest", node},
                                             {"failureCode", "InvalidLayerDigest"},
                                             {"failureReason", "Invalid layer digest"}}));
            continue;
        }
        bool here = ecr.has_layer(name, *digest);
        Node layer = Node::object(
            {{"layerDigest", node}, {"layerAvailability", here ? "AVAILABLE" : "UNAVAILABLE"}});
        if (here)
            layer.set("layerSize",
                      static_cast<int64_t>(ecr.blobs().size_bytes(*digest).value_or(0)));
        if (here) layer.set("mediaType", "application/vnd.docker.image.rootfs.diff.tar.gzip");
        layers.push_back(std::move(layer));
    }
    aws::Reply reply;
    reply.output = Node::object({{"layers", std::move(layers)}, {"failures", std::move(failures)}});
    return reply;
}

[[noreturn]] void fail(const BlobError& error) {
    if (error.kind == BlobError::Kind::DigestMismatch)
        throw aws::Error{400, "InvalidLayerException",
                         "Layer digest algorithm or value does not match: " + error.text};
    throw aws::Error{500, "ServerException", error.text};
}

aws::Reply initiate_layer_upload(ControlPlane& ecr, const aws::Call& call) {
    auto upload = ecr.blobs().start(ecr.repository(required(call, "repositoryName")).name);
    if (!upload) fail(upload.error());
    aws::Reply reply;
    reply.output = Node::object(
        {{"uploadId", (*upload)->id()}, {"partSize", static_cast<int64_t>(kPartBytes)}});
    return reply;
}

std::shared_ptr<Upload> upload_of(ControlPlane& ecr, const aws::Call& call,
                                  const std::string& name) {
    auto upload = ecr.blobs().find(required(call, "uploadId"), name);
    if (!upload)
        throw aws::Error{400, "UploadNotFoundException",
                         fmt::format("Upload with id '{}' not found in the repository with name "
                                     "'{}' in registry with id '{}'",
                                     call.input["uploadId"].as_string(), name, ecr.registry_id())};
    return upload;
}

aws::Reply upload_layer_part(ControlPlane& ecr, const aws::Call& call) {
    std::string name = ecr.repository(required(call, "repositoryName")).name;
    auto upload = upload_of(ecr, call, name);
    std::lock_guard lock(upload->mutex());
    auto bytes = base::from_base64(call.input["layerPartBlob"].as_string());
    int64_t first = call.input["partFirstByte"].as_int(),
            last = call.input["partLastByte"].as_int();
    if (!bytes || first != static_cast<int64_t>(upload->size_bytes()) ||
        last != first + static_cast<int64_t>(bytes->size()) - 1)
        throw aws::Error{
            400, "InvalidLayerPartException",
            fmt::format("Layer part range ({}-{}) is not the next one: {} bytes have been received",
                        first, last, upload->size_bytes())};
    if (auto written = upload->append(*bytes); !written) fail(written.error());
    aws::Reply reply;
    reply.output = Node::object({{"registryId", ecr.registry_id()},
                                 {"repositoryName", name},
                                 {"uploadId", upload->id()},
                                 {"lastByteReceived", last}});
    return reply;
}

aws::Reply complete_layer_upload(ControlPlane& ecr, const aws::Call& call) {
    std::string name = ecr.repository(required(call, "repositoryName")).name;
    auto upload = upload_of(ecr, call, name);
    const auto& digests = call.input["layerDigests"].items();
    auto digest = oci::Digest::parse(digests.empty() ? "" : digests[0].as_string());
    if (!digest)
        invalid(
            "Invalid parameter at 'layerDigests' failed to satisfy constraint: 'Invalid layer "
            "digest'");
    if (ecr.has_layer(name, *digest))
        throw aws::Error{400, "LayerAlreadyExistsException",
                         fmt::format("Layer with digest '{}' already exists in the repository with "
                                     "name '{}' in registry with id '{}'",
                                     digest->to_string(), name, ecr.registry_id())};
    std::lock_guard lock(upload->mutex());
    uint64_t size = upload->size_bytes();
    auto finished = ecr.blobs().finish(*upload, *digest);
    if (!finished) fail(finished.error());
    ecr.add_layer(name, *digest, size);
    aws::Reply reply;
    reply.output = Node::object({{"registryId", ecr.registry_id()},
                                 {"repositoryName", name},
                                 {"uploadId", upload->id()},
                                 {"layerDigest", digest->to_string()}});
    return reply;
}

aws::Reply get_download_url(ControlPlane& ecr, const aws::Call& call) {
    std::string name = ecr.repository(required(call, "repositoryName")).name;
    auto digest = oci::Digest::parse(required(call, "layerDigest"));
    if (!digest || !ecr.has_layer(name, *digest))
        throw aws::Error{
            400, "LayersNotFoundException",
            fmt::format(
                "The layer with digest '{}' does not exist in the repository with name '{}'",
                call.input["layerDigest"].as_string(), name)};
    const std::string path = fmt::format("/v2/{}/blobs/{}", name, digest->to_string());
    aws::Reply reply;
    reply.output = Node::object(
        {{"downloadUrl", fmt::format("http://{}{}?{}={}", ecr.endpoint(), path, kDownloadToken,
                                     ecr.make_download_token(path).password)},
         {"layerDigest", digest->to_string()}});
    return reply;
}

constexpr Operation kOperations[] = {
    {"BatchCheckLayerAvailability", batch_check_layer_availability},
    {"CompleteLayerUpload", complete_layer_upload},
    {"GetDownloadUrlForLayer", get_download_url},
    {"InitiateLayerUpload", initiate_layer_upload},
    {"UploadLayerPart", upload_layer_part},
};

}  // namespace

const std::span<const Operation> layer_operations = kOperations;

}  // namespace ecr

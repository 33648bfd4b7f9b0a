// ECR (see control_plane.h): the table, pushing and deleting images, tokens.
#include "ecr/control_plane.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws/arn.h"
#include "base/date.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/text.h"
#include "ecr/known_operations.h"
#include "ecr/limits.h"
#include "oci/manifest.h"
#include "oci/reference.h"

namespace ecr {
namespace {

const aws::OperationTable<ControlPlane>& operations() {
    static const aws::OperationTable<ControlPlane> table{repository_operations, image_operations,
                                                         layer_operations, policy_operations};
    return table;
}

// What a manifest names, read once.
struct Contents {
    std::string media_type, artifact_type;
    bool is_index = false;
    std::vector<oci::Descriptor> blobs;  // configuration first
    std::vector<oci::Descriptor> children;
    oci::Digest subject;
};

bool is_foreign(const oci::Descriptor& layer) {
    return layer.media_type.find("foreign") != std::string::npos ||
           layer.media_type.find("nondistributable") != std::string::npos;
}

[[noreturn]] void bad_manifest(const std::string& why) {
    throw aws::Error{
        400, "InvalidParameterException",
        "Invalid parameter at 'ImageManifest' failed to satisfy constraint: '" + why + "'"};
}

Contents read_contents(std::string_view bytes, std::string_view declared_type) {
    auto node = base::parse_json(bytes);
    if (!node || !node->is_object()) bad_manifest("Invalid JSON syntax");
    Contents contents;
    contents.media_type = (*node)["mediaType"].as_string();
    if (contents.media_type.empty()) contents.media_type = declared_type;
    if (!declared_type.empty() && contents.media_type != declared_type)
        bad_manifest("mediaType differs from the declared media type");
    if ((*node)["schemaVersion"].as_int() != 2) bad_manifest("schemaVersion 1 is not supported");
    if (contents.media_type.empty())
        contents.media_type = node->find("manifests") ? oci::kIndexType : oci::kManifestType;
    contents.artifact_type = (*node)["artifactType"].as_string();
    contents.subject =
        oci::Digest::parse((*node)["subject"]["digest"].as_string()).value_or(oci::Digest());
    contents.is_index = oci::is_index_type(contents.media_type);
    if (contents.is_index) {
        auto index = oci::parse_index(bytes);
        if (!index) bad_manifest(index.error());
        contents.children = std::move(index->manifests);
        return contents;
    }
    auto manifest = oci::parse_manifest(bytes);
    if (!manifest) bad_manifest(manifest.error());
    if (contents.artifact_type.empty() && manifest->config.media_type != oci::kConfigType)
        contents.artifact_type = manifest->config.media_type;
    contents.blobs.push_back(manifest->config);
    for (const oci::Descriptor& layer : manifest->layers)
        if (!is_foreign(layer)) contents.blobs.push_back(layer);
    return contents;
}

}  // namespace

ControlPlane::ControlPlane(state::Database& database, base::Clock& clock, const base::Ids& ids,
                           std::string directory, std::string endpoint)
    : clock_(clock),
      ids_(ids),
      store_(database),
      blobs_(std::move(directory), clock),
      token_key_(store_.token_key()),
      endpoint_(std::move(endpoint)) {}

void invalid(std::string message) {
    throw aws::Error{400, "InvalidParameterException", std::move(message)};
}

const std::string& required(const aws::Call& call, std::string_view member) {
    const std::string& value = call.input[member].as_string();
    if (value.empty())
        invalid(fmt::format(
            "Invalid parameter at '{}' failed to satisfy constraint: 'must not be null'", member));
    return value;
}

Page page_of(const aws::Call& call, size_t count, size_t fallback) {
    const base::Node& given = call.input["maxResults"];
    if (given.is_number() && (given.as_int() < 1 || given.as_int() > 1000))
        invalid(
            "Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have "
            "value less than or equal to 1000'");
    Page page;
    if (const std::string& token = call.input["nextToken"].as_string(); !token.empty()) {
        auto from = base::parse_unsigned(base::from_base64(token).value_or("x"));
        if (!from || *from > count)
            invalid(
                "Invalid parameter at 'nextToken' failed to satisfy constraint: 'must be a token "
                "of an earlier answer'");
        page.from = *from;
    }
    page.to = std::min(
        count, page.from + static_cast<size_t>(given.as_int(static_cast<int64_t>(fallback))));
    if (page.to < count) page.next = base::to_base64(std::to_string(page.to));
    return page;
}

const aws::ServiceInfo& ControlPlane::info() const {
    static const aws::ServiceInfo info{.name = "ecr",
                                       .signing_name = "ecr",
                                       .target_prefix = "AmazonEC2ContainerRegistry_V20150921",
                                       .version = "2015-09-21",
                                       .protocol = aws::Protocol::Json11,
                                       .xml_namespace = "",
                                       .known_operations = kKnownOperations};
    return info;
}

std::optional<aws::Reply> ControlPlane::serve(aws::Call& call) {
    const Operation* operation = operations().find(call.operation);
    if (!operation) return std::nullopt;
    std::lock_guard lock(mutex_);
    return operation->run(*this, call);
}

void ControlPlane::set_endpoint(std::string endpoint) {
    std::lock_guard lock(endpoint_mutex_);
    endpoint_ = std::move(endpoint);
}

std::string ControlPlane::endpoint() const {
    std::lock_guard lock(endpoint_mutex_);
    return endpoint_;
}

std::string ControlPlane::arn(std::string_view repository) const {
    return aws::make_arn("ecr", ids_.region(), ids_.account(),
                         fmt::format("repository/{}", repository));
}

std::string ControlPlane::uri(std::string_view repository) const {
    return fmt::format("{}/{}", endpoint(), repository);
}

Repository ControlPlane::repository(std::string_view name) {
    auto repository = store_.repository(name);
    if (!repository)
        throw aws::Error{
            400, "RepositoryNotFoundException",
            fmt::format("The repository with name '{}' does not exist in the registry with id '{}'",
                        name, registry_id())};
    return *repository;
}

base::Node to_node(const ControlPlane& ecr, const Repository& repository) {
    base::Node node = base::Node::object({{"repositoryArn", ecr.arn(repository.name)},
                                          {"registryId", ecr.registry_id()},
                                          {"repositoryName", repository.name},
                                          {"repositoryUri", ecr.uri(repository.name)},
                                          {"createdAt", base::epoch_seconds(repository.created_at)},
                                          {"imageTagMutability", repository.tag_mutability}});
    if (repository.mutability_exclusions.size() > 0)
        node.set("imageTagMutabilityExclusionFilters", repository.mutability_exclusions);
    node.set("imageScanningConfiguration",
             base::Node::object({{"scanOnPush", repository.scan_on_push}}));
    node.set("encryptionConfiguration", repository.encryption.is_object()
                                            ? repository.encryption
                                            : base::Node::object({{"encryptionType", "AES256"}}));
    return node;
}

// ECR guide, "Preventing image tags from being overwritten": an exclusion turns the rule around for
// its tags.
void ControlPlane::check_tag(const Repository& repository, const std::string& tag) {
    if (!oci::is_tag(tag))
        invalid(fmt::format(
            "Invalid parameter at 'imageTag' failed to satisfy constraint: '{}' is not a tag",
            tag));
    bool immutable = repository.tag_mutability.starts_with("IMMUTABLE");
    if (repository.tag_mutability.ends_with("_WITH_EXCLUSION"))
        for (const base::Node& filter : repository.mutability_exclusions.items())
            if (base::wildcard_match(filter["filter"].as_string(), tag)) immutable = !immutable;
    if (immutable && store_.digest_of_tag(repository.name, tag))
        throw aws::Error{400, "ImageTagAlreadyExistsException",
                         fmt::format("The image tag '{}' already exists in the '{}' repository and "
                                     "cannot be overwritten because the repository is immutable.",
                                     tag, repository.name)};
}

// The order of ecs-ecr.md §18: repository, size, JSON, digest, layers and children, mutability,
// keep.
Image ControlPlane::put_image(const Push& push, Repeated repeated) {
    std::lock_guard lock(mutex_);
    Repository repository = this->repository(push.repository);
    if (push.manifest.size() > kMaxManifestBytes) bad_manifest("must be at most 4 MiB");
    Contents contents = read_contents(push.manifest, push.media_type);
    Image image;
    image.repository = push.repository;
    image.digest = oci::Digest::of(push.manifest);
    if (!push.digest.empty() && push.digest != image.digest)
        throw aws::Error{400, "ImageDigestDoesNotMatchException",
                         fmt::format("Provided digest '{}' does not match actual digest '{}'",
                                     push.digest.to_string(), image.digest.to_string())};
    image.media_type = contents.media_type;
    image.artifact_type = contents.artifact_type;
    image.subject = contents.subject;
    image.pushed_at = clock_.now();
    std::string missing;
    for (const oci::Descriptor& blob : contents.blobs) {
        image.size_bytes += blob.size_bytes;
        if (!has_layer(push.repository, blob.digest))
            missing += (missing.empty() ? "" : ", ") + blob.digest.to_string();
    }
    if (!missing.empty())
        throw aws::Error{400, "LayersNotFoundException",
                         fmt::format("Image manifest references layers that do not exist: [{}] in "
                                     "the repository with name '{}' in registry with id '{}'",
                                     missing, push.repository, registry_id())};
    for (const oci::Descriptor& child : contents.children) {
        auto found = store_.image(push.repository, child.digest);
        if (!found)
            throw aws::Error{400, "ReferencedImagesNotFoundException",
                             fmt::format("The manifest references an image that does not exist: {}",
                                         child.digest.to_string())};
        image.size_bytes += found->size_bytes;
    }
    bool exists = store_.image(push.repository, image.digest).has_value();
    bool has_tag =
        !push.tag.empty() && store_.digest_of_tag(push.repository, push.tag) == image.digest;
    if (exists && (has_tag || push.tag.empty()) && repeated == Repeated::Refused)
        throw aws::Error{
            400, "ImageAlreadyExistsException",
            fmt::format("Image with digest '{}' and tag '{}' already exists in the repository with "
                        "name '{}' in registry with id '{}'",
                        image.digest.to_string(), push.tag, push.repository, registry_id())};
    if (!push.tag.empty()) check_tag(repository, push.tag);
    store_.add_image(image, push.manifest);
    if (repository.scan_on_push && !exists)
        store_.set_scanned(push.repository, image.digest, image.pushed_at);
    if (!push.tag.empty()) store_.set_tag(push.repository, push.tag, image.digest);
    return *store_.image(push.repository, image.digest);
}

std::optional<Image> ControlPlane::find_image(std::string_view repository,
                                              std::string_view tag_or_digest) {
    std::lock_guard lock(mutex_);
    auto digest = oci::Digest::parse(tag_or_digest);
    if (!digest) digest = store_.digest_of_tag(repository, tag_or_digest);
    if (!digest) return std::nullopt;
    return store_.image(repository, *digest);
}

std::vector<oci::Digest> ControlPlane::blobs_of(std::string_view repository, const Image& image) {
    std::vector<oci::Digest> result;
    try {
        for (const oci::Descriptor& blob :
             read_contents(store_.manifest(repository, image.digest), "").blobs)
            result.push_back(blob.digest);
    } catch (const aws::Error&) {
        // It was checked when it was pushed; a row that cannot be read any more names no blobs.
    }
    return result;
}

std::optional<oci::Digest> ControlPlane::index_that_lists(std::string_view repository,
                                                          const oci::Digest& digest) {
    for (const Image& image : store_.images(repository)) {
        if (!oci::is_index_type(image.media_type)) continue;
        auto index = oci::parse_index(store_.manifest(repository, image.digest));
        if (!index) continue;
        for (const oci::Descriptor& child : index->manifests)
            if (child.digest == digest) return image.digest;
    }
    return std::nullopt;
}

std::vector<Image> ControlPlane::referrers(std::string_view repository,
                                           const oci::Digest& subject) {
    std::lock_guard lock(mutex_);
    std::vector<Image> result = store_.images(repository);
    std::erase_if(result, [&](const Image& image) { return image.subject != subject; });
    return result;
}

void ControlPlane::delete_image(const std::string& repository, const oci::Digest& digest) {
    std::lock_guard lock(mutex_);
    auto image = store_.image(repository, digest);
    if (!image) return;
    auto blobs = blobs_of(repository, *image);
    // Tasks run an index by the image it lists for them.
    for (const oci::Digest& child : listed_by_indexes({*image}))
        if (auto found = store_.image(repository, child))
            for (const oci::Digest& blob : blobs_of(repository, *found))
                blobs.push_back(blob);
    kept_.image_deleted(digest, std::move(blobs));
    store_.remove_image(repository, digest);
}

void ControlPlane::delete_repository(const std::string& repository) {
    std::lock_guard lock(mutex_);
    auto images = store_.images(repository);
    // Indexes first: what they list is still there.
    std::ranges::stable_partition(images, oci::is_index_type, &Image::media_type);
    for (const Image& image : images)
        delete_image(repository, image.digest);
    store_.remove_repository(repository);
}

// expiry in seconds "." signature: no colon, which clients split at.
ControlPlane::Token ControlPlane::token_for(base::seconds age, std::string_view path) const {
    Token token;
    token.expires_at = std::chrono::floor<base::seconds>(clock_.now() + age);
    std::string expiry = std::to_string(
        std::chrono::floor<base::seconds>(token.expires_at).time_since_epoch().count());
    token.password = expiry + "." + signature_of(expiry, path);
    return token;
}

ControlPlane::Token ControlPlane::make_token() const {
    return token_for(kTokenAge, {});
}
ControlPlane::Token ControlPlane::make_download_token(std::string_view path) const {
    return token_for(kDownloadAge, path);
}

std::string ControlPlane::signature_of(std::string_view expiry, std::string_view path) const {
    return base::to_hex(base::hmac_sha256(token_key_, std::string(expiry).append(path)));
}

TokenState ControlPlane::check_token(std::string_view password, std::string_view path) const {
    auto [expiry, signature] = base::cut(password, '.');
    auto seconds = base::parse_unsigned(expiry);
    if (!seconds || signature != signature_of(expiry, path)) return TokenState::Wrong;
    return base::Time(base::seconds(*seconds)) > clock_.now() ? TokenState::Valid
                                                              : TokenState::Expired;
}

}  // namespace ecr

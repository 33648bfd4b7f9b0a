// The registry as a source of images (see image_source.h).
#include "ecr/image_source.h"

namespace ecr {

std::expected<oci::ManifestBytes, oci::SourceError> RegistrySource::manifest(
    const oci::Reference& reference) {
    std::lock_guard lock(ecr_.mutex());
    auto image = ecr_.find_image(reference.repository, reference.tag_or_digest());
    if (!image)
        return std::unexpected(
            oci::SourceError{oci::SourceError::Kind::NotFound, reference.written + ": not found"});
    ecr_.image_is_pulled(*image);
    return oci::ManifestBytes{image->digest, image->media_type,
                              ecr_.store().manifest(reference.repository, image->digest)};
}

std::expected<int, oci::SourceError> RegistrySource::open_blob(const oci::Reference& reference,
                                                               const oci::Digest& digest) {
    std::lock_guard lock(ecr_.mutex());
    int descriptor = ecr_.has_layer(reference.repository, digest) ? ecr_.blobs().open(digest) : -1;
    if (descriptor < 0)
        return std::unexpected(
            oci::SourceError{oci::SourceError::Kind::NotFound,
                             "the layer " + digest.to_string() + " is not in the registry"});
    return descriptor;
}

}  // namespace ecr

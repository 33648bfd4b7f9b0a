// The registry as a source of images for the runtime: no wire between, the same rows and blobs.
#pragma once
#include "ecr/control_plane.h"
#include "oci/source.h"

namespace ecr {

class RegistrySource final : public oci::ImageSource {
  public:
    explicit RegistrySource(ControlPlane& ecr) : ecr_(ecr) {}
    std::expected<oci::ManifestBytes, oci::SourceError> manifest(
        const oci::Reference& reference) override;
    std::expected<int, oci::SourceError> open_blob(const oci::Reference& reference,
                                                   const oci::Digest& digest) override;

  private:
    ControlPlane& ecr_;
};

}  // namespace ecr

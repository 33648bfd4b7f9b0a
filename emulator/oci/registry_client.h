// RegistryClient: an image to or from a registry over HTTP (OCI distribution-spec, "Pull" and
// "Push"). Loopback registries are spoken to over plain http, others over https; Basic credentials,
// or the anonymous bearer token that public registries hand out.
#pragma once
#include <expected>
#include <memory>
#include <string>

#include "oci/source.h"

namespace oci {

struct Credentials {
    std::string user, password;  // "AWS" and the token of ecr get-login-password
};

class RegistryClient final : public ImageSource {
  public:
    // `host` = HOST[:PORT]; `scratch` takes blobs while they arrive.
    RegistryClient(std::string host, Credentials credentials, std::string scratch);
    ~RegistryClient() override;

    std::expected<ManifestBytes, SourceError> manifest(const Reference& reference) override;
    std::expected<int, SourceError> open_blob(const Reference& reference,
                                              const Digest& digest) override;

    // Blobs that the registry has are not sent again. Gives the digest of the manifest.
    std::expected<Digest, SourceError> push(const Reference& reference, ImageSource& from,
                                            const ManifestBytes& manifest);

  private:
    struct Inside;
    std::expected<void, SourceError> push_blob(const Reference& reference, ImageSource& from,
                                               const Digest& digest);
    std::unique_ptr<Inside> inside_;
};

}  // namespace oci

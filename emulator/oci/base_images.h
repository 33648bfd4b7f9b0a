// BaseImages: what FROM may name: a base image of this machine (script/offline-images) where there
// is one, else the image in its registry. The machine's own come first, so that a build does not
// wait for a network that is not there.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "oci/layout.h"
#include "oci/registry_client.h"

namespace oci {

class BaseImages final : public ImageSource {
  public:
    // `own_registry` ("127.0.0.1:4566") and its credentials answer for every spelling of our
    // registry; "" = none runs.
    explicit BaseImages(std::string scratch, std::string own_registry = "",
                        Credentials credentials = {})
        : scratch_(std::move(scratch)),
          own_registry_(std::move(own_registry)),
          credentials_(std::move(credentials)) {}

    std::expected<ManifestBytes, SourceError> manifest(const Reference& reference) override;
    std::expected<int, SourceError> open_blob(const Reference& reference,
                                              const Digest& digest) override;

  private:
    RegistryClient& registry_of(const Reference& reference);
    OfflineImages offline_;
    std::string scratch_, own_registry_;
    Credentials credentials_;
    std::mutex mutex_;
    std::map<std::string, std::unique_ptr<RegistryClient>> registries_;
};

}  // namespace oci

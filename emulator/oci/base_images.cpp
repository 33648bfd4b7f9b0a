#include "oci/base_images.h"

#include <unistd.h>

namespace oci {

RegistryClient& BaseImages::registry_of(const Reference& reference) {
    bool ours = reference.is_ecr() && !own_registry_.empty();
    std::string host = ours                         ? own_registry_
                       : reference.registry.empty() ? "docker.io"
                                                    : reference.registry;
    std::lock_guard lock(mutex_);
    auto& client = registries_[host];
    if (!client)
        client =
            std::make_unique<RegistryClient>(host, ours ? credentials_ : Credentials(), scratch_);
    return *client;
}

std::expected<ManifestBytes, SourceError> BaseImages::manifest(const Reference& reference) {
    auto here = offline_.manifest(reference);
    if (here || here.error().kind != SourceError::Kind::NotFound) return here;
    auto there = registry_of(reference).manifest(reference);
    // Where the registry cannot be reached, the way out is what helps.
    if (!there && there.error().kind == SourceError::Kind::Unreachable && !reference.is_ecr())
        there.error().text = here.error().text + " (" + there.error().text + ")";
    return there;
}

std::expected<int, SourceError> BaseImages::open_blob(const Reference& reference,
                                                      const Digest& digest) {
    auto here = offline_.open_blob(reference, digest);
    if (here || here.error().kind != SourceError::Kind::NotFound) return here;
    return registry_of(reference).open_blob(reference, digest);
}

}  // namespace oci

// What the registry does by itself: lifecycle policies expire images, and blobs that nothing needs
// any more leave the disk. ECR guide, "Automate the cleanup of images by using lifecycle policies".
#include <fmt/format.h>

#include "base/log.h"
#include "ecr/control_plane.h"
#include "ecr/lifecycle.h"
#include "ecr/limits.h"
#include "oci/manifest.h"

namespace ecr {

bool ControlPlane::has_layer(std::string_view repository, const oci::Digest& digest) {
    std::lock_guard lock(mutex_);
    if (!store_.has_layer(repository, digest)) return false;
    kept_.use(digest, clock_.now());
    return true;
}

void ControlPlane::add_layer(std::string_view repository, const oci::Digest& digest,
                             uint64_t size_bytes) {
    std::lock_guard lock(mutex_);
    store_.add_layer(repository, digest, size_bytes);
    kept_.use(digest, clock_.now());
}

void ControlPlane::image_is_pulled(const Image& image) {
    std::lock_guard lock(mutex_);
    store_.set_pulled(image, clock_.now());
    for (const oci::Digest& blob : blobs_of(image.repository, image))
        kept_.use(blob, clock_.now());
}

std::vector<oci::Digest> ControlPlane::listed_by_indexes(const std::vector<Image>& images) {
    std::vector<oci::Digest> listed;
    for (const Image& image : images) {
        if (!oci::is_index_type(image.media_type)) continue;
        auto index = oci::parse_index(store_.manifest(image.repository, image.digest));
        if (!index) continue;
        for (const oci::Descriptor& child : index->manifests)
            listed.push_back(child.digest);
    }
    return listed;
}

void ControlPlane::step(base::Time now, const std::function<std::set<std::string>()>& running) {
    if (now < next_step_) return;
    const bool first = next_step_ == base::Time();
    next_step_ = now + clock_.scaled(kHousekeepingInterval);
    bool has_deleted;
    {
        std::lock_guard lock(mutex_);
        // A push that the last end of the process interrupted goes on where it was.
        if (first)
            for (const oci::Digest& blob : store_.all_layers())
                kept_.use(blob, now);
        for (const Repository& repository : store_.repositories())
            expire(repository, now);
        has_deleted = kept_.has_deleted_images();
    }
    // Asked without the lock: it takes another's.
    const auto in_use = has_deleted ? running() : std::set<std::string>();
    std::lock_guard lock(mutex_);
    if (kept_.step(now, in_use)) collect();
}

// GUESS: a policy is first applied a day after it was put, then daily. AWS says "within 24 hours".
void ControlPlane::expire(Repository repository, base::Time now) {
    if (repository.lifecycle_policy.empty()) return;
    const base::Time last = repository.lifecycle_evaluated_at.value_or(repository.created_at);
    if (now < last + clock_.scaled(kLifecycleInterval)) return;
    repository.lifecycle_evaluated_at = now;
    store_.save(repository);
    auto rules = parse_lifecycle_policy(repository.lifecycle_policy);
    if (!rules) return;  // it was checked when it was put
    const std::vector<Image> images = store_.images(repository.name);
    for (const Expiry& expiry : expired_images(*rules, images, listed_by_indexes(images), now)) {
        const Image& image = images[expiry.image];
        base::log_info(
            "ecr",
            fmt::format("{}@{} {}is expired by rule {} of its lifecycle policy", repository.name,
                        image.digest.to_string(),
                        image.tags.empty() ? "" : fmt::format("({}) ", fmt::join(image.tags, ", ")),
                        expiry.priority));
        delete_image(repository.name, image.digest);
    }
}

// Layers that no image of their repository names go, and with the last repository the bytes.
void ControlPlane::collect() {
    for (const Repository& repository : store_.repositories()) {
        std::set<oci::Digest> used;
        for (const Image& image : store_.images(repository.name))
            for (const oci::Digest& digest : blobs_of(repository.name, image))
                used.insert(digest);
        for (const oci::Digest& digest : store_.layers(repository.name))
            if (!used.contains(digest) && !kept_.keeps(digest))
                store_.remove_layer(repository.name, digest);
    }
    for (const oci::Digest& digest : blobs_.all())
        if (!store_.any_repository_has_layer(digest) && !kept_.keeps(digest)) blobs_.remove(digest);
}

}  // namespace ecr

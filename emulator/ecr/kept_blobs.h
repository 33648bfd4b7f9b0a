// KeptBlobs: blobs that must stay although no image names them (any more): those of a push or a
// pull that may be under way, and those of images that were deleted while tasks ran them. Pure;
// used under the control plane's lock.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "oci/digest.h"

namespace ecr {

class KeptBlobs {
  public:
    // Somebody was told that the blob is here: a client that skips its upload, a task that pulls.
    void use(const oci::Digest& blob, base::Time now) { used_[blob] = now; }
    // The image is gone from its repository; a task may run it.
    void image_deleted(const oci::Digest& image, std::vector<oci::Digest> blobs) {
        deleted_[image] = std::move(blobs);
    }
    // `running`: the digests of the images that tasks run. True: some blob is kept no longer.
    bool step(base::Time now, const std::set<std::string>& running);
    bool keeps(const oci::Digest& blob) const;
    bool has_deleted_images() const { return !deleted_.empty(); }

  private:
    std::map<oci::Digest, base::Time> used_;
    std::map<oci::Digest, std::vector<oci::Digest>> deleted_;  // by image
};

}  // namespace ecr

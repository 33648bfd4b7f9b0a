#include "ecr/kept_blobs.h"

#include <algorithm>

#include "ecr/limits.h"

namespace ecr {

bool KeptBlobs::step(base::Time now, const std::set<std::string>& running) {
    size_t lapsed =
        std::erase_if(used_, [&](const auto& use) { return use.second + kUploadAge <= now; });
    lapsed += std::erase_if(
        deleted_, [&](const auto& image) { return !running.contains(image.first.to_string()); });
    return lapsed > 0;
}

bool KeptBlobs::keeps(const oci::Digest& blob) const {
    return used_.contains(blob) || std::ranges::any_of(deleted_, [&](const auto& image) {
               return std::ranges::find(image.second, blob) != image.second.end();
           });
}

}  // namespace ecr

// Limits of the registry.
#pragma once
#include <chrono>
#include <cstddef>

namespace ecr {

inline constexpr size_t kMaxManifestBytes = 4 * 1024 * 1024;
inline constexpr size_t kMaxUploads = 256;  // in progress at once
// An upload without a byte for so long is given up, and so is a push that uploads no more.
inline constexpr std::chrono::hours kUploadAge{1};
// Between two looks for images to expire and blobs to remove, and between two applications of one
// lifecycle policy: control loops, so `--speed` divides them.
inline constexpr std::chrono::minutes kHousekeepingInterval{1};
inline constexpr std::chrono::hours kLifecycleInterval{24};
inline constexpr std::chrono::hours kTokenAge{12};
inline constexpr std::chrono::hours kDownloadAge{1};  // of a layer's URL
inline constexpr size_t kTransferBytes = 256 * 1024;  // one read or write
inline constexpr std::chrono::seconds kTransferWait{60};
inline constexpr size_t kPartBytes = 20'971'520;  // UploadLayerPart, AWS's own

}  // namespace ecr

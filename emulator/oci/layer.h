// Layers: a tar of changes (OCI image-spec, layer.md) to a directory that overlayfs can use as a
// lower one, and an overlay's upper directory back to a tar. Whiteouts (.wh.NAME, .wh..wh..opq)
// become 0:0 devices and opaque marks. A hostile layer reaches nothing outside its directory: names
// are resolved as if that were the root.
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "oci/digest.h"

namespace oci {

// Whom the files on disk belong to. A privileged emulator maps a task's 65,536 users to its own
// range, so files are stored shifted by that; otherwise everything is ours, and only one user
// exists in a task.
enum class Ownership : uint8_t { Shifted, Own };
inline constexpr unsigned kFirstShiftedId = 100'000;
inline constexpr unsigned kShiftedIds = 65'536;

// Shifted where this process may write such a map (CAP_SETUID and friends in the first user
// namespace).
Ownership native_ownership();

struct UnpackedLayer {
    Digest blob;     // of the bytes as they came
    Digest diff_id;  // of the uncompressed tar
    uint64_t entries = 0;
};

// Plain, gzip or zstd; `descriptor` is read to its end. The directory must exist and be empty.
std::expected<UnpackedLayer, std::string> unpack_layer(int descriptor, const std::string& directory,
                                                       Ownership ownership);

struct PackedLayer {
    Digest diff_id;
    uint64_t size_bytes = 0;
    uint64_t entries = 0;
};

// Uncompressed, names sorted, times zero, owners as numbers: the same tree gives the same bytes.
std::expected<PackedLayer, std::string> pack_layer(const std::string& directory, int descriptor,
                                                   Ownership ownership);

// Removes a tree whatever the modes of its directories are (overlay's work directory has mode 000).
void remove_tree(const std::string& directory);

}  // namespace oci

// ImageSource: where an image's bytes come from: our registry's own store, an image layout on disk,
// or a registry over HTTP. Whoever pulls an image sees nothing else.
#pragma once
#include <expected>
#include <string>

#include "oci/digest.h"
#include "oci/reference.h"

namespace oci {

struct [[nodiscard]] SourceError {
    enum class Kind { NotFound, Denied, Unreachable, Malformed };
    Kind kind = Kind::NotFound;
    std::string text;  // one sentence without a full stop
};

struct ManifestBytes {
    Digest digest;  // of `bytes`
    std::string media_type;
    std::string bytes;
};

class ImageSource {
  public:
    virtual ~ImageSource() = default;
    // By digest when the reference has one, else by tag. May be an index.
    virtual std::expected<ManifestBytes, SourceError> manifest(const Reference& reference) = 0;
    // A readable descriptor that the caller closes: the blob's file, opened, or a temporary file
    // without a name.
    virtual std::expected<int, SourceError> open_blob(const Reference& reference,
                                                      const Digest& digest) = 0;
};

}  // namespace oci

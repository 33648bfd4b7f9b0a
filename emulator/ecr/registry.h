// The registry protocol under /v2/: pushes and pulls. OCI distribution-spec v1.1, with ECR's words;
// where ECR departs from the specification it is not followed (emulator/README.md says where).
#pragma once
#include "ecr/control_plane.h"
#include "http/server.h"

namespace ecr {

class Registry final : public http::Handler {
  public:
    explicit Registry(ControlPlane& ecr) : ecr_(ecr) {}
    void handle(http::Exchange& exchange) override;

  private:
    ControlPlane& ecr_;
};

// Which thing a path names. Pure.
struct RegistryPath {
    enum class Kind : uint8_t {
        Root,
        Catalog,
        Blob,
        Uploads,
        Upload,
        Manifest,
        Tags,
        Referrers,
        None
    };
    Kind kind = Kind::None;
    std::string repository;
    std::string reference;  // digest, tag or upload id
};
RegistryPath parse_registry_path(std::string_view path);

// "5-9" or "bytes=5-9", "5-": inclusive ends. Nothing for anything else.
struct ByteRange {
    uint64_t first = 0;
    std::optional<uint64_t> last;
};
std::optional<ByteRange> parse_byte_range(std::string_view text);

}  // namespace ecr

// Object integrity checksums: CRC32, CRC32C, CRC64NVME, SHA1, SHA256; whole-object and composite
// forms, and joining the CRCs of parts without reading their bytes again. S3 guide, "Checking
// object integrity".
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/digest.h"

namespace s3 {

enum class ChecksumAlgorithm : uint8_t { Crc32, Crc32c, Crc64Nvme, Sha1, Sha256 };
enum class ChecksumType : uint8_t { FullObject, Composite };

struct ChecksumRow {
    ChecksumAlgorithm algorithm;
    std::string_view name;     // CRC64NVME
    std::string_view header;   // x-amz-checksum-crc64nvme
    std::string_view element;  // ChecksumCRC64NVME
    size_t size_bytes;
};
std::span<const ChecksumRow> checksum_rows();
const ChecksumRow& row_of(ChecksumAlgorithm algorithm);
std::optional<ChecksumAlgorithm> parse_checksum_algorithm(std::string_view name);  // any case
std::string_view name_of(ChecksumType type);

struct Checksum {
    ChecksumAlgorithm algorithm = ChecksumAlgorithm::Crc64Nvme;
    ChecksumType type = ChecksumType::FullObject;
    std::string value;  // base64; composite: with "-N"
};

// Running checksum; finish() gives base64.
class ChecksumStream {
  public:
    explicit ChecksumStream(ChecksumAlgorithm algorithm);
    void update(std::string_view bytes);
    std::string finish();
    ChecksumAlgorithm algorithm() const { return algorithm_; }

  private:
    ChecksumAlgorithm algorithm_;
    uint64_t crc_ = 0;
    std::optional<base::Digest> digest_;
};

// True for base64 of exactly the algorithm's size.
bool is_checksum_value(ChecksumAlgorithm algorithm, std::string_view base64);

struct PartChecksum {
    std::string value;  // base64
    uint64_t size_bytes;
};
// The checksum of the concatenated part checksums, "-N" appended.
std::string composite_checksum(ChecksumAlgorithm algorithm, std::span<const PartChecksum> parts);
// The CRC of the concatenated parts. CRCs only.
std::string full_object_checksum(ChecksumAlgorithm algorithm, std::span<const PartChecksum> parts);

}  // namespace s3

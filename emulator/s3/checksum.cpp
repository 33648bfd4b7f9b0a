// See checksum.h. Polynomials are reflected; CRC64NVME as the NVMe base specification defines it.
#include "s3/checksum.h"

#include <array>

#include "base/encoding.h"
#include "base/result.h"
#include "base/text.h"

namespace s3 {
namespace {

constexpr ChecksumRow kRows[] = {
    {ChecksumAlgorithm::Crc32, "CRC32", "x-amz-checksum-crc32", "ChecksumCRC32", 4},
    {ChecksumAlgorithm::Crc32c, "CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C", 4},
    {ChecksumAlgorithm::Crc64Nvme, "CRC64NVME", "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME", 8},
    {ChecksumAlgorithm::Sha1, "SHA1", "x-amz-checksum-sha1", "ChecksumSHA1", 20},
    {ChecksumAlgorithm::Sha256, "SHA256", "x-amz-checksum-sha256", "ChecksumSHA256", 32},
};

std::string big_endian(uint64_t value, size_t size_bytes) {
    std::string bytes(size_bytes, '\0');
    for (size_t i = 0; i < size_bytes; ++i)
        bytes[size_bytes - 1 - i] = static_cast<char>(value >> (8 * i) & 0xff);
    return bytes;
}

uint64_t from_big_endian(std::string_view bytes) {
    uint64_t value = 0;
    for (unsigned char byte : bytes)
        value = value << 8 | byte;
    return value;
}

struct Polynomial {
    uint64_t reflected;
    int width;
};
Polynomial polynomial_of(ChecksumAlgorithm algorithm) {
    switch (algorithm) {
        case ChecksumAlgorithm::Crc32: return {0xEDB88320u, 32};
        case ChecksumAlgorithm::Crc32c: return {0x82F63B78u, 32};
        default: return {0x9A6C9329AC4BC9B5u, 64};
    }
}

// A linear operator over GF(2): column i is the image of bit i.
using Matrix = std::array<uint64_t, 64>;

uint64_t times(const Matrix& matrix, uint64_t vector) {
    uint64_t sum = 0;
    for (int i = 0; vector != 0; ++i, vector >>= 1)
        if (vector & 1) sum ^= matrix[i];
    return sum;
}

Matrix square(const Matrix& matrix, int width) {
    Matrix result{};
    for (int i = 0; i < width; ++i)
        result[i] = times(matrix, matrix[i]);
    return result;
}

// Appending n zero bytes to a message multiplies its (pre- and post-inverted) CRC by x^8n. The
// operator of one zero bit is squared into powers of two, and those that n needs are applied.
uint64_t shift_by_bytes(Polynomial polynomial, uint64_t crc, uint64_t bytes) {
    Matrix operation{};
    operation[0] = polynomial.reflected;
    for (int i = 1; i < polynomial.width; ++i)
        operation[i] = 1ull << (i - 1);
    for (int i = 0; i < 3; ++i)
        operation = square(operation, polynomial.width);
    for (; bytes != 0; bytes >>= 1) {
        if (bytes & 1) crc = times(operation, crc);
        operation = square(operation, polynomial.width);
    }
    return crc;
}

}  // namespace

std::span<const ChecksumRow> checksum_rows() {
    return kRows;
}

const ChecksumRow& row_of(ChecksumAlgorithm algorithm) {
    return kRows[static_cast<size_t>(algorithm)];
}

std::optional<ChecksumAlgorithm> parse_checksum_algorithm(std::string_view name) {
    for (const ChecksumRow& row : kRows)
        if (base::equals_ignoring_case(row.name, name)) return row.algorithm;
    return std::nullopt;
}

std::string_view name_of(ChecksumType type) {
    return type == ChecksumType::Composite ? "COMPOSITE" : "FULL_OBJECT";
}

ChecksumStream::ChecksumStream(ChecksumAlgorithm algorithm) : algorithm_(algorithm) {
    if (algorithm == ChecksumAlgorithm::Sha1) digest_.emplace(base::DigestKind::Sha1);
    if (algorithm == ChecksumAlgorithm::Sha256) digest_.emplace(base::DigestKind::Sha256);
}

void ChecksumStream::update(std::string_view bytes) {
    switch (algorithm_) {
        case ChecksumAlgorithm::Crc32:
            crc_ = base::crc32(static_cast<uint32_t>(crc_), bytes);
            break;
        case ChecksumAlgorithm::Crc32c:
            crc_ = base::crc32c(static_cast<uint32_t>(crc_), bytes);
            break;
        case ChecksumAlgorithm::Crc64Nvme: crc_ = base::crc64nvme(crc_, bytes); break;
        default: digest_->update(bytes);
    }
}

std::string ChecksumStream::finish() {
    if (digest_) return base::to_base64(digest_->finish());
    return base::to_base64(big_endian(crc_, row_of(algorithm_).size_bytes));
}

bool is_checksum_value(ChecksumAlgorithm algorithm, std::string_view base64) {
    auto bytes = base::from_base64(base64);
    return bytes && bytes->size() == row_of(algorithm).size_bytes;
}

std::string composite_checksum(ChecksumAlgorithm algorithm, std::span<const PartChecksum> parts) {
    ChecksumStream stream(algorithm);
    for (const PartChecksum& part : parts)
        stream.update(base::from_base64(part.value).value_or(""));
    return stream.finish() + "-" + std::to_string(parts.size());
}

std::string full_object_checksum(ChecksumAlgorithm algorithm, std::span<const PartChecksum> parts) {
    ASSERT(algorithm != ChecksumAlgorithm::Sha1 && algorithm != ChecksumAlgorithm::Sha256);
    Polynomial polynomial = polynomial_of(algorithm);
    uint64_t crc = 0;
    for (const PartChecksum& part : parts)
        crc = shift_by_bytes(polynomial, crc, part.size_bytes) ^
              from_big_endian(base::from_base64(part.value).value_or(""));
    return base::to_base64(big_endian(crc, row_of(algorithm).size_bytes));
}

}  // namespace s3

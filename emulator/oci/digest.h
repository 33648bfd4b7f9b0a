// Digest: a content address, "sha256:" and 64 lower-case hexadecimal digits (OCI image-spec,
// descriptor.md). What arrives from a peer is a Digest only after parse(), so it can be part of a
// path.
#pragma once
#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace oci {

class Digest {
  public:
    Digest() = default;
    static std::optional<Digest> parse(std::string_view text);
    static Digest of(std::string_view bytes);

    const std::string& hex() const { return hex_; }  // 64 digits, "" when empty
    std::string to_string() const { return "sha256:" + hex_; }
    bool empty() const { return hex_.empty(); }
    auto operator<=>(const Digest&) const = default;

  private:
    explicit Digest(std::string hex) : hex_(std::move(hex)) {}
    std::string hex_;
};

}  // namespace oci

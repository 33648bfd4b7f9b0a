// Bodies: streams with a length that is known or not. relay() copies one into the other.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/error.h"
#include "http/message.h"
#include "net/lender.h"

namespace http {

class BodyReader {
  public:
    virtual ~BodyReader() = default;
    // 0 = the end. Never more than asked.
    virtual Result<size_t> read(std::span<char> into, net::Deadline deadline) = 0;
    virtual std::optional<uint64_t> length() const = 0;  // of the whole body, when declared
    virtual const HeaderList& trailers() const = 0;      // complete after the end
};

// A whole body that its owner holds for many answers (Socket::write_lent).
using HeldBody = net::LentBytes;

class BodyWriter {
  public:
    virtual ~BodyWriter() = default;
    virtual Result<void> write(std::string_view bytes, net::Deadline deadline) = 0;
    virtual Result<void> finish(net::Deadline deadline, const HeaderList& trailers = {}) = 0;
};

// A body that is already here.
class StringBody final : public BodyReader {
  public:
    explicit StringBody(std::string bytes = {}) : bytes_(std::move(bytes)) {}
    Result<size_t> read(std::span<char> into, net::Deadline deadline) override;
    std::optional<uint64_t> length() const override { return bytes_.size(); }
    const HeaderList& trailers() const override { return trailers_; }

  private:
    std::string bytes_;
    size_t position_ = 0;
    HeaderList trailers_;
};

// Per-read waits: each read or write may take `idle`.
Result<uint64_t> relay(BodyReader& from, BodyWriter& to, std::chrono::milliseconds idle);
// The whole body, or TooLarge.
Result<std::string> read_all(BodyReader& body, size_t limit_bytes, net::Deadline deadline);

}  // namespace http

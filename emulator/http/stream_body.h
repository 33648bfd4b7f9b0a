// What an HTTP/1 connection reads from: bytes that came early, then the socket; and a message's
// body in that. Shared by http/server and http/upstream.
#pragma once
#include <cstring>
#include <memory>

#include "http/body.h"
#include "http/http1.h"
#include "net/socket.h"

namespace http {

class ReadBuffer {
  public:
    static constexpr size_t kFirstBytes = 4 * 1024;

    std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
    size_t size() const { return end_ - begin_; }
    bool empty() const { return begin_ == end_; }
    void consume(size_t bytes);
    // One read; makes room first. 0 = the end. The caller bounds what it lets gather.
    net::Result<size_t> fill(net::Socket& socket, net::Deadline deadline);
    void shrink();  // an idle connection keeps little

  private:
    std::unique_ptr<char[]> data_;
    size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

class StreamBody final : public BodyReader {
  public:
    StreamBody(net::Socket& socket, ReadBuffer& buffer, Error::Source source)
        : socket_(socket), buffer_(buffer), source_(source) {}

    void start(const http1::Framing& framing);
    Result<size_t> read(std::span<char> into, net::Deadline deadline) override;
    std::optional<uint64_t> length() const override;
    const HeaderList& trailers() const override;

    bool at_end() const { return ended_; }
    uint64_t left() const { return left_; }  // of a declared length

  private:
    Result<size_t> read_length(std::span<char> into, net::Deadline deadline);
    Result<size_t> read_chunked(std::span<char> into, net::Deadline deadline);
    Result<size_t> read_some(std::span<char> into, net::Deadline deadline);
    std::unexpected<Error> fail(Error::Kind kind, std::string text);

    net::Socket& socket_;
    ReadBuffer& buffer_;
    Error::Source source_;
    http1::BodyKind kind_ = http1::BodyKind::None;
    uint64_t length_ = 0, left_ = 0;
    bool ended_ = true;
    std::optional<Error> failure_;                    // every later read gives it again
    std::unique_ptr<http1::ChunkedDecoder> decoder_;  // only for who needs it
};

}  // namespace http

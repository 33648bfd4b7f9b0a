#include "http/stream_body.h"

#include <algorithm>

#include "base/result.h"

namespace http {

namespace {

// A chunk of which this much is missing is read into the caller's memory, past the buffer.
constexpr uint64_t kDirectBytes = 8 * 1024;
const HeaderList kNoTrailers;

}  // namespace

void ReadBuffer::consume(size_t bytes) {
    begin_ += bytes;
    if (begin_ == end_) begin_ = end_ = 0;
}

net::Result<size_t> ReadBuffer::fill(net::Socket& socket, net::Deadline deadline) {
    if (end_ == capacity_ && begin_ > 0) {
        std::memmove(data_.get(), data_.get() + begin_, size());
        end_ -= begin_;
        begin_ = 0;
    }
    if (end_ == capacity_) {
        const size_t capacity = capacity_ == 0 ? kFirstBytes : capacity_ * 2;
        auto larger = std::make_unique_for_overwrite<char[]>(capacity);
        if (end_ > 0) std::memcpy(larger.get(), data_.get(), end_);
        data_ = std::move(larger);
        capacity_ = capacity;
    }
    const size_t got = TRY(socket.read_some({data_.get() + end_, capacity_ - end_}, deadline));
    end_ += got;
    return got;
}

void ReadBuffer::shrink() {
    if (!empty() || capacity_ <= kFirstBytes) return;
    data_.reset();
    capacity_ = 0;
}

void StreamBody::start(const http1::Framing& framing) {
    kind_ = framing.body;
    length_ = left_ = framing.body == http1::BodyKind::Length ? framing.length : 0;
    ended_ = kind_ == http1::BodyKind::None;
    failure_.reset();
    decoder_ =
        kind_ == http1::BodyKind::Chunked ? std::make_unique<http1::ChunkedDecoder>() : nullptr;
}

std::optional<uint64_t> StreamBody::length() const {
    if (kind_ == http1::BodyKind::None || kind_ == http1::BodyKind::Length) return length_;
    return std::nullopt;
}

const HeaderList& StreamBody::trailers() const {
    return decoder_ ? decoder_->trailers() : kNoTrailers;
}

std::unexpected<Error> StreamBody::fail(Error::Kind kind, std::string text) {
    failure_ = Error{kind, source_, Error::Retry::Never, std::move(text)};
    return std::unexpected(*failure_);
}

Result<size_t> StreamBody::read_some(std::span<char> into, net::Deadline deadline) {
    if (!buffer_.empty()) {
        const size_t size = std::min(into.size(), buffer_.size());
        std::memcpy(into.data(), buffer_.view().data(), size);
        buffer_.consume(size);
        return size;
    }
    const auto got = socket_.read_some(into, deadline);
    if (got) return *got;
    // A wait that ended can be taken up again; anything else is final.
    const Error error = from_net(got.error(), source_, false);
    if (got.error().kind != net::ErrorKind::Timeout) failure_ = error;
    return std::unexpected(error);
}

Result<size_t> StreamBody::read_length(std::span<char> into, net::Deadline deadline) {
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(into.size(), left_));
    const size_t got = TRY(read_some(into.first(wanted), deadline));
    if (got == 0) {
        return fail(Error::Kind::Closed,
                    "the body ended " + std::to_string(left_) + " bytes before its Content-Length");
    }
    left_ -= got;
    ended_ = left_ == 0;
    return got;
}

Result<size_t> StreamBody::read_chunked(std::span<char> into, net::Deadline deadline) {
    while (true) {
        if (buffer_.empty() && decoder_->left_in_chunk() >= kDirectBytes) {
            const size_t wanted =
                static_cast<size_t>(std::min<uint64_t>(into.size(), decoder_->left_in_chunk()));
            const size_t got = TRY(read_some(into.first(wanted), deadline));
            if (got == 0) return fail(Error::Kind::Closed, "the body ended within a chunk");
            decoder_->took(got);
            return got;
        }
        const auto step = decoder_->decode(buffer_.view(), into.size());
        if (!step.data.empty()) std::memcpy(into.data(), step.data.data(), step.data.size());
        buffer_.consume(step.consumed);
        switch (step.state) {
            case http1::ChunkedDecoder::State::Data: return step.data.size();
            case http1::ChunkedDecoder::State::End: ended_ = true; return 0;
            case http1::ChunkedDecoder::State::Bad:
                return fail(Error::Kind::Malformed, std::string(decoder_->problem()));
            case http1::ChunkedDecoder::State::NeedMore: break;
        }
        const auto got = buffer_.fill(socket_, deadline);
        if (!got) {
            const Error error = from_net(got.error(), source_, false);
            if (got.error().kind != net::ErrorKind::Timeout) failure_ = error;
            return std::unexpected(error);
        }
        if (*got == 0) return fail(Error::Kind::Closed, "the body ended before its last chunk");
    }
}

Result<size_t> StreamBody::read(std::span<char> into, net::Deadline deadline) {
    if (failure_) return std::unexpected(*failure_);
    if (ended_ || into.empty()) return 0;
    switch (kind_) {
        case http1::BodyKind::None: return 0;
        case http1::BodyKind::Length: return read_length(into, deadline);
        case http1::BodyKind::Chunked: return read_chunked(into, deadline);
        case http1::BodyKind::UntilClose: {
            const size_t got = TRY(read_some(into, deadline));
            ended_ = got == 0;
            return got;
        }
        case http1::BodyKind::Undecidable:
            return fail(Error::Kind::Malformed, "the body's length cannot be decided");
    }
    return 0;
}

}  // namespace http

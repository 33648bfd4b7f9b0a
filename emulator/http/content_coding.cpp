#include "http/content_coding.h"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "base/result.h"

namespace http {

namespace {

constexpr size_t kStepBytes = 16 * 1024;
constexpr int kGzipLevel = 6;
constexpr int kBrotliQuality = 5;  // about gzip's speed, smaller results

class GzipEncoder final : public Encoder {
  public:
    GzipEncoder() {
        constexpr int kGzipWrapper = 16;
        if (deflateInit2(&stream_, kGzipLevel, Z_DEFLATED, MAX_WBITS + kGzipWrapper, 8,
                         Z_DEFAULT_STRATEGY) != Z_OK) {
            throw std::bad_alloc();
        }
    }
    ~GzipEncoder() override { deflateEnd(&stream_); }
    void encode(std::string_view bytes, std::string& out) override { run(bytes, Z_NO_FLUSH, out); }
    void finish(std::string& out) override { run({}, Z_FINISH, out); }

  private:
    void run(std::string_view bytes, int flush, std::string& out) {
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        stream_.avail_in = static_cast<uInt>(bytes.size());
        do {
            const size_t have = out.size();
            out.resize(have + kStepBytes);
            stream_.next_out = reinterpret_cast<Bytef*>(out.data() + have);
            stream_.avail_out = kStepBytes;
            deflate(&stream_, flush);
            out.resize(have + kStepBytes - stream_.avail_out);
        } while (stream_.avail_out == 0);
    }
    z_stream stream_{};
};

class BrotliEncoder final : public Encoder {
  public:
    BrotliEncoder() : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
        if (!state_) throw std::bad_alloc();
        BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, kBrotliQuality);
    }
    ~BrotliEncoder() override { BrotliEncoderDestroyInstance(state_); }
    void encode(std::string_view bytes, std::string& out) override {
        run(bytes, BROTLI_OPERATION_PROCESS, out);
    }
    void finish(std::string& out) override { run({}, BROTLI_OPERATION_FINISH, out); }

  private:
    void run(std::string_view bytes, BrotliEncoderOperation operation, std::string& out) {
        size_t in_size = bytes.size();
        auto* in = reinterpret_cast<const uint8_t*>(bytes.data());
        bool more = true;
        while (more) {
            size_t room = 0;
            if (!BrotliEncoderCompressStream(state_, operation, &in_size, &in, &room, nullptr,
                                             nullptr))
                return;
            size_t size = 0;
            const uint8_t* produced = BrotliEncoderTakeOutput(state_, &size);
            out.append(reinterpret_cast<const char*>(produced), size);
            more = in_size > 0 || BrotliEncoderHasMoreOutput(state_) ||
                   (operation == BROTLI_OPERATION_FINISH && !BrotliEncoderIsFinished(state_));
        }
    }
    BrotliEncoderState* state_;
};

// RFC 1950 and 1952 by their own heads.
std::optional<std::string> inflate_all(std::string_view bytes, size_t limit_bytes) {
    constexpr int kEitherWrapper = 32;
    z_stream stream{};
    if (inflateInit2(&stream, MAX_WBITS + kEitherWrapper) != Z_OK) throw std::bad_alloc();
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    std::string out;
    int state = Z_OK;
    while (state == Z_OK && out.size() <= limit_bytes) {
        const size_t have = out.size();
        out.resize(have + kStepBytes);
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + have);
        stream.avail_out = kStepBytes;
        state = inflate(&stream, Z_NO_FLUSH);
        out.resize(have + kStepBytes - stream.avail_out);
    }
    inflateEnd(&stream);
    if (state != Z_STREAM_END || out.size() > limit_bytes) return std::nullopt;
    return out;
}

std::optional<std::string> unbrotli_all(std::string_view bytes, size_t limit_bytes) {
    const std::unique_ptr<BrotliDecoderState, void (*)(BrotliDecoderState*)> decoder(
        BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), BrotliDecoderDestroyInstance);
    if (!decoder) throw std::bad_alloc();
    size_t in_size = bytes.size();
    auto* in = reinterpret_cast<const uint8_t*>(bytes.data());
    std::string out;
    for (;;) {
        size_t room = 0, size = 0;
        const auto state =
            BrotliDecoderDecompressStream(decoder.get(), &in_size, &in, &room, nullptr, nullptr);
        const uint8_t* produced = BrotliDecoderTakeOutput(decoder.get(), &size);
        out.append(reinterpret_cast<const char*>(produced), size);
        if (out.size() > limit_bytes) return std::nullopt;
        if (state == BROTLI_DECODER_RESULT_SUCCESS && !BrotliDecoderHasMoreOutput(decoder.get()))
            return out;
        if (state == BROTLI_DECODER_RESULT_ERROR || state == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT)
            return std::nullopt;
    }
}

}  // namespace

std::string_view name_of(ContentCoding coding) {
    return coding == ContentCoding::Gzip ? "gzip" : "br";
}

std::unique_ptr<Encoder> make_encoder(ContentCoding coding) {
    if (coding == ContentCoding::Gzip) return std::make_unique<GzipEncoder>();
    return std::make_unique<BrotliEncoder>();
}

std::string encode_all(ContentCoding coding, std::string_view bytes) {
    std::string out;
    const auto encoder = make_encoder(coding);
    encoder->encode(bytes, out);
    encoder->finish(out);
    return out;
}

std::optional<std::string> decode_all(std::string_view coding, std::string_view bytes,
                                      size_t limit_bytes) {
    if (coding == "br") return unbrotli_all(bytes, limit_bytes);
    if (coding == "gzip" || coding == "x-gzip" || coding == "deflate")
        return inflate_all(bytes, limit_bytes);
    return std::nullopt;
}

Result<size_t> EncodedBody::read(std::span<char> into, net::Deadline deadline) {
    while (taken_ == ready_.size() && !ended_) {
        ready_.clear();
        taken_ = 0;
        const auto piece = std::make_unique_for_overwrite<char[]>(kStepBytes);
        const size_t got = TRY(from_.read({piece.get(), kStepBytes}, deadline));
        ended_ = got == 0;
        if (ended_)
            encoder_->finish(ready_);
        else
            encoder_->encode({piece.get(), got}, ready_);
    }
    const size_t size = std::min(into.size(), ready_.size() - taken_);
    std::memcpy(into.data(), ready_.data() + taken_, size);
    taken_ += size;
    return size;
}

}  // namespace http

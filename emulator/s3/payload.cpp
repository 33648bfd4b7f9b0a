// See payload.h and s3.md §2.3.
#include "s3/payload.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/encoding.h"
#include "base/text.h"
#include "s3/errors.h"

namespace s3 {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kMaxChunkLine = 1024;  // size, extension, one trailer
constexpr int kMaxTrailers = 16;
constexpr uint64_t kMinChunkBytes = 8192;  // of every chunk but the last

aws::Error incomplete_body() {
    return aws::Error(400, "IncompleteBody", "The request body terminated unexpectedly");
}

aws::Error short_body() {
    return aws::Error(
        400, "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header");
}

aws::Error malformed_trailer() {
    return aws::Error(
        400, "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our "
        "published schema.");
}

aws::Error chunk_signature_mismatch(const std::string& provided) {
    return aws::Error(403, "SignatureDoesNotMatch",
                      "The request signature we calculated does not match the signature you "
                      "provided. Check your key "
                      "and signing method.")
        .with("SignatureProvided", provided);
}

}  // namespace

Payload::Payload(http::BodyReader& raw, PayloadOptions options)
    : raw_(raw), options_(std::move(options)) {
    if (!options_.sha256_hex.empty()) whole_.emplace(base::DigestKind::Sha256);
    if (options_.seed) previous_signature_ = options_.seed->seed;
    if (!options_.chunked && !options_.size_bytes) options_.size_bytes = raw.length();
}

bool Payload::announces_trailer(std::string_view name) const {
    return std::ranges::find(options_.trailers, name) != options_.trailers.end();
}

size_t Payload::read(char* into, size_t size_bytes) {
    if (ended_ || size_bytes == 0) return 0;
    size_t count = options_.chunked ? read_chunked(into, size_bytes) : read_plain(into, size_bytes);
    received_ += count;
    if (options_.chunked && options_.size_bytes && received_ > *options_.size_bytes)
        throw short_body();
    if (whole_ && count > 0) whole_->update({into, count});
    if (count == 0) {
        ended_ = true;
        check_end();
    }
    return count;
}

std::string Payload::read_all(size_t limit_bytes) {
    std::string bytes;
    if (options_.size_bytes && *options_.size_bytes > limit_bytes)
        throw aws::Error(400, "MaxMessageLengthExceeded", "Your request was too big.");
    std::string buffer(kReadBytes, '\0');
    while (size_t count = read(buffer.data(), buffer.size())) {
        if (bytes.size() + count > limit_bytes)
            throw aws::Error(400, "MaxMessageLengthExceeded", "Your request was too big.");
        bytes.append(buffer, 0, count);
    }
    return bytes;
}

size_t Payload::read_plain(char* into, size_t size_bytes) {
    auto count = raw_.read({into, size_bytes}, net::Deadline::after(options_.idle));
    if (!count) {
        if (count.error().kind == http::Error::Kind::ReadTimeout)
            throw aws::Error(400, "RequestTimeout",
                             "Your socket connection to the server was not read from or written to "
                             "within the timeout "
                             "period. Idle connections will be closed.");
        throw short_body();
    }
    return *count;
}

// More raw bytes behind what is buffered; false at the end of the HTTP body.
bool Payload::fill() {
    if (taken_ > 0) {
        buffer_.erase(0, taken_);
        taken_ = 0;
    }
    size_t before = buffer_.size();
    buffer_.resize(before + kReadBytes);
    auto count =
        raw_.read({buffer_.data() + before, kReadBytes}, net::Deadline::after(options_.idle));
    buffer_.resize(before + (count ? *count : 0));
    if (!count) throw incomplete_body();
    return *count > 0;
}

// The next line without its line end.
std::string Payload::line() {
    for (;;) {
        size_t end = buffer_.find('\n', taken_);
        if (end != std::string::npos) {
            std::string text = buffer_.substr(taken_, end - taken_);
            taken_ = end + 1;
            if (text.ends_with('\r')) text.pop_back();
            return text;
        }
        if (buffer_.size() - taken_ > kMaxChunkLine) throw incomplete_body();
        if (!fill()) throw incomplete_body();
    }
}

void Payload::open_chunk() {
    std::string head = line();
    auto [size_text, extension] = base::cut(head, ';');
    uint64_t size = 0;
    auto [end, problem] =
        std::from_chars(size_text.data(), size_text.data() + size_text.size(), size, 16);
    if (problem != std::errc() || end != size_text.data() + size_text.size() || size_text.empty())
        throw incomplete_body();
    if (size > 0 && chunk_number_ > 0 && last_chunk_size_ < kMinChunkBytes)
        throw aws::Error(403, "InvalidChunkSizeError",
                         "Only the last chunk is allowed to have a size less than 8192 bytes")
            .with("Chunk", std::to_string(chunk_number_ + 1))
            .with("BadChunkSize", std::to_string(last_chunk_size_));
    if (options_.signed_chunks) {
        constexpr std::string_view kName = "chunk-signature=";
        if (!extension.starts_with(kName)) throw incomplete_body();
        chunk_signature_ = extension.substr(kName.size());
        chunk_digest_.emplace(base::DigestKind::Sha256);
    }
    ++chunk_number_;
    last_chunk_size_ = chunk_left_ = size;
    in_chunk_ = true;
}

void Payload::close_chunk() {
    in_chunk_ = false;
    if (options_.signed_chunks && options_.seed) {
        std::string hash = base::to_hex(chunk_digest_->finish());
        if (aws::chunk_signature(*options_.seed, previous_signature_, hash) != chunk_signature_)
            throw chunk_signature_mismatch(chunk_signature_);
    }
    if (last_chunk_size_ > 0 && !line().empty()) throw incomplete_body();
}

size_t Payload::read_chunked(char* into, size_t size_bytes) {
    if (!in_chunk_) {
        open_chunk();
        if (last_chunk_size_ == 0) {
            close_chunk();
            read_trailers();
            return 0;
        }
    }
    if (taken_ == buffer_.size() && !fill()) throw incomplete_body();
    size_t count = std::min<uint64_t>({size_bytes, chunk_left_, buffer_.size() - taken_});
    std::memcpy(into, buffer_.data() + taken_, count);
    taken_ += count;
    chunk_left_ -= count;
    if (chunk_digest_) chunk_digest_->update({into, count});
    if (chunk_left_ == 0) close_chunk();
    return count;
}

// The lines after the zero chunk. A client without trailers ends with one empty line, or at once.
void Payload::read_trailers() {
    std::string signed_text, signature;
    for (;;) {
        if (taken_ == buffer_.size() && !fill()) break;
        std::string text = line();
        if (text.empty()) break;
        auto [name, value] = base::cut(text, ':');
        std::string lower = base::lower(base::trim(name));
        if (lower.empty() || text.find(':') == std::string::npos ||
            trailers_.size() >= kMaxTrailers)
            throw malformed_trailer();
        if (lower == "x-amz-trailer-signature") {
            signature = base::trim(value);
            continue;
        }
        if (!announces_trailer(lower)) throw malformed_trailer();
        trailers_.add(lower, base::trim(value));
        signed_text += lower + ":" + std::string(base::trim(value)) + "\n";
    }
    for (const std::string& name : options_.trailers)
        if (!trailers_.has(name)) throw malformed_trailer();
    if (!options_.signed_chunks || !options_.seed || options_.trailers.empty()) return;
    std::string hash = base::sha256_hex(signed_text);
    if (aws::trailer_signature(*options_.seed, previous_signature_, hash) != signature)
        throw chunk_signature_mismatch(signature);
}

void Payload::check_end() {
    if (options_.size_bytes && received_ != *options_.size_bytes) throw short_body();
    if (!whole_) return;
    std::string computed = base::to_hex(whole_->finish());
    if (computed != options_.sha256_hex)
        throw aws::Error(
            400, "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.")
            .with("ClientComputedContentSHA256", options_.sha256_hex)
            .with("S3ComputedContentSHA256", computed);
}

}  // namespace s3

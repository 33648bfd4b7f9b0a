#include "http/body.h"

#include <algorithm>
#include <cstring>

#include "base/result.h"

namespace http {

namespace {

constexpr size_t kRelayBytes = 32 * 1024;

}  // namespace

Result<size_t> StringBody::read(std::span<char> into, net::Deadline) {
    const size_t size = std::min(into.size(), bytes_.size() - position_);
    std::memcpy(into.data(), bytes_.data() + position_, size);
    position_ += size;
    return size;
}

Result<uint64_t> relay(BodyReader& from, BodyWriter& to, std::chrono::milliseconds idle) {
    // On the heap: a thread's stack keeps every page it ever touched.
    const auto buffer = std::make_unique_for_overwrite<char[]>(kRelayBytes);
    uint64_t total = 0;
    while (true) {
        const size_t got = TRY(from.read({buffer.get(), kRelayBytes}, net::Deadline::after(idle)));
        if (got == 0) break;
        TRY(to.write({buffer.get(), got}, net::Deadline::after(idle)));
        total += got;
    }
    TRY(to.finish(net::Deadline::after(idle), from.trailers()));
    return total;
}

Result<std::string> read_all(BodyReader& body, size_t limit_bytes, net::Deadline deadline) {
    const auto too_large = [&] {
        return std::unexpected(
            Error{Error::Kind::TooLarge, Error::Source::Viewer, Error::Retry::Never,
                  "the body has more than " + std::to_string(limit_bytes) + " bytes"});
    };
    std::string text;
    const auto length = body.length();
    if (length && *length > limit_bytes) return too_large();
    // A declared length is believed up to a point only: the bytes have to come first.
    size_t room = length ? std::min<size_t>(*length + 1, 256 * 1024) : 16 * 1024;
    while (true) {
        const size_t have = text.size();
        text.resize(have + room);
        const auto got = body.read(std::span(text).subspan(have), deadline);
        if (!got) return std::unexpected(got.error());
        text.resize(have + *got);
        if (*got == 0) return text;
        if (text.size() > limit_bytes) return too_large();
        room = length ? std::min<size_t>(*length + 1 - text.size(), 256 * 1024)
                      : std::max<size_t>(16 * 1024, text.size());
    }
}

}  // namespace http

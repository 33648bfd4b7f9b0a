// See recorded_exchange.h.
#include "recorder/recorded_exchange.h"

#include <array>

#include "base/result.h"
#include "base/text.h"
#include "http/content_coding.h"

namespace recorder {
namespace {

constexpr std::chrono::milliseconds kRestWait{1000};

// A body on its way to the viewer.
class CopiedBody final : public http::BodyReader {
  public:
    CopiedBody(http::BodyReader& from, Body& copy) : from_(from), copy_(copy) {}
    http::Result<size_t> read(std::span<char> into, net::Deadline deadline) override {
        auto got = from_.read(into, deadline);
        if (got) copy_.add({into.data(), *got});
        return got;
    }
    std::optional<uint64_t> length() const override { return from_.length(); }
    const http::HeaderList& trailers() const override { return from_.trailers(); }

  private:
    http::BodyReader& from_;
    Body& copy_;
};

// As the application wrote it. What cannot be read so stays as it is.
void undo_coding(http::ResponseHead& head, Body& body) {
    const std::string coding = base::lower(head.headers.get("content-encoding"));
    if (coding.empty() || coding == "identity" || body.is_cut || body.bytes.empty()) return;
    auto plain = http::decode_all(coding, body.bytes, kMaxBodyBytes);
    if (!plain) return;
    body.bytes = std::move(*plain);
    head.headers.remove("content-encoding");
}

}  // namespace

bool is_recorded(const http::RequestHead& request) {
    return !request.headers.has("x-amz-cf-id");
}

RecordedExchange::RecordedExchange(http::Exchange& inner, Recorder& recorder, base::Clock& clock)
    : inner_(inner), recorder_(recorder), clock_(clock) {
    passed_.number = recorder.next_number();
    passed_.started = clock.real_now();
    passed_.tls = inner.is_tls();
    passed_.request = inner.request();
}

RecordedExchange::~RecordedExchange() {
    if (!is_answered_ || is_tunnel_) return;
    read_the_rest();
    passed_.took = clock_.real_now() - passed_.started;
    undo_coding(passed_.response, passed_.response_body);
    recorder_.add(std::move(passed_));
}

// A refusal need not have read what was sent; the server would read it away.
void RecordedExchange::read_the_rest() {
    const auto declared = inner_.body().length();
    if (is_read_ || !declared || *declared == 0) return;
    if (passed_.request.headers.has("expect") || *declared > kMaxBodyBytes) {
        passed_.request_body.is_cut = true;
        return;
    }
    std::array<char, 16 * 1024> piece;
    const auto deadline = net::Deadline::after(kRestWait);
    while (!is_read_)
        if (!read(piece, deadline)) {
            passed_.request_body.is_cut = true;
            return;
        }
}

http::Result<size_t> RecordedExchange::read(std::span<char> into, net::Deadline deadline) {
    auto got = inner_.body().read(into, deadline);
    if (got) passed_.request_body.add({into.data(), *got});
    is_read_ = is_read_ || (got && *got == 0 && !into.empty());
    return got;
}

http::Result<void> RecordedExchange::respond(const http::ResponseHead& head,
                                             std::string_view body) {
    is_answered_ = true;
    passed_.response = head;
    passed_.response_body.add(body);
    return inner_.respond(head, body);
}

http::Result<void> RecordedExchange::respond_prepared(int status, std::string_view head,
                                                      const http::HeldBody& body) {
    is_answered_ = true;
    passed_.response = http::parse_prepared(status, head);
    passed_.response_body.add(body.bytes);
    return inner_.respond_prepared(status, head, body);
}

http::Result<http::BodyWriter*> RecordedExchange::respond_streaming(const http::ResponseHead& head,
                                                                    http::BodyFraming framing) {
    is_answered_ = true;
    passed_.response = head;
    writer_ = TRY(inner_.respond_streaming(head, framing));
    return static_cast<http::BodyWriter*>(this);
}

http::Result<uint64_t> RecordedExchange::respond_relay(const http::ResponseHead& head,
                                                       http::BodyReader& body,
                                                       std::chrono::milliseconds idle,
                                                       http::BodyFraming framing) {
    is_answered_ = true;
    passed_.response = head;
    CopiedBody copied(body, passed_.response_body);
    return inner_.respond_relay(head, copied, idle, framing);
}

http::Result<void> RecordedExchange::write(std::string_view bytes, net::Deadline deadline) {
    passed_.response_body.add(bytes);
    return writer_->write(bytes, deadline);
}

}  // namespace recorder

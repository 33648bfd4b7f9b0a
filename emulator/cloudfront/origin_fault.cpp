// See origin_fault.h.
#include "cloudfront/origin_fault.h"

#include <algorithm>

#include "base/text.h"

namespace cloudfront {
namespace {

constexpr std::string_view kErrorBody = "this origin is broken on purpose\n";

http::Error error_of(http::Error::Kind kind, std::string text) {
    return {kind, http::Error::Source::Origin, http::Error::Retry::Never, std::move(text)};
}

// An answer that no origin gave.
class ErrorAnswer final : public http::UpstreamResponse {
  public:
    explicit ErrorAnswer(int status) : body_(kErrorBody) {
        head_.status = status;
        head_.headers.add("Content-Type", "text/plain");
        head_.headers.add("Content-Length", std::to_string(kErrorBody.size()));
    }
    http::ResponseHead& head() override { return head_; }
    http::BodyReader& body() override { return body_; }
    bool reused_connection() const override { return false; }
    net::Address peer() const override { return {}; }
    std::chrono::microseconds connect_took() const override { return {}; }
    std::chrono::microseconds first_byte_took() const override { return {}; }
    net::Socket take_socket(std::string&) override { return {}; }

  private:
    class Body final : public http::BodyReader {
      public:
        explicit Body(std::string_view text) : text_(text) {}
        http::Result<size_t> read(std::span<char> into, net::Deadline) override {
            const size_t count = std::min(into.size(), text_.size() - at_);
            std::copy_n(text_.data() + at_, count, into.data());
            at_ += count;
            return count;
        }
        std::optional<uint64_t> length() const override { return text_.size(); }
        const http::HeaderList& trailers() const override { return trailers_; }

      private:
        std::string_view text_;
        size_t at_ = 0;
        http::HeaderList trailers_;
    };

    http::ResponseHead head_;
    Body body_;
};

}  // namespace

Attempt broken_attempt(const faults::Faults* faults, const Origin& origin,
                       const std::function<Attempt()>& attempt) {
    const auto fault = faults ? faults->active("origin:", origin.id) : std::nullopt;
    if (!fault) return attempt();
    const base::milliseconds patience = std::chrono::seconds(0) + origin.read_timeout;
    switch (fault->kind) {
        case faults::Kind::Reset:
            return std::unexpected(error_of(http::Error::Kind::Reset, "reset by a fault"));
        case faults::Kind::Hang:
            if (!faults->hold(*fault, patience)) return attempt();
            return std::unexpected(
                error_of(http::Error::Kind::ReadTimeout, "held back by a fault"));
        case faults::Kind::Error: return std::make_unique<ErrorAnswer>(fault->status);
        case faults::Kind::Latency: {
            // The origin works as ever; its answer comes late, or too late.
            const base::milliseconds late = fault->delay();
            Attempt answer = attempt();
            if (!faults->hold(*fault, std::min(late, patience)) || late < patience) return answer;
            return std::unexpected(
                error_of(http::Error::Kind::ReadTimeout, "held back by a fault"));
        }
        default: return attempt();
    }
}

}  // namespace cloudfront

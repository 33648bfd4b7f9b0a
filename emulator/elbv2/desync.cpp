// See desync.h. alb.md §11 and §4; tiers as published for aws/http-desync-guardian.
// GAP: after a request with both lengths the connection closes in monitor mode too (RFC 9112 §6.1
// wants it).
#include "elbv2/desync.h"

#include <algorithm>

#include "base/text.h"
#include "elbv2/limits.h"

namespace elbv2 {
namespace {

using http::Anomaly;

struct Row {
    Anomaly anomaly;
    Tier tier;
    std::string_view reason;
};

// Anomalies that name one reason; those that need a look at the bytes are refined below.
constexpr Row kRows[] = {
    {Anomaly::BareCr, Tier::Severe, "BadHeader"},
    {Anomaly::BadMethod, Tier::Severe, "BadMethod"},
    {Anomaly::BadContentLength, Tier::Severe, "BadContentLength"},
    {Anomaly::ConflictingContentLength, Tier::Severe, "MultipleContentLength"},
    {Anomaly::ContentLengthAndTransferEncoding, Tier::Ambiguous, "BothTeClPresent"},
    {Anomaly::MultipleContentLength, Tier::Ambiguous, "DuplicateContentLength"},
    {Anomaly::TransferEncodingInHttp10, Tier::Ambiguous, "UndefinedTransferEncodingSemantics"},
    {Anomaly::EmptyHeaderName, Tier::Ambiguous, "EmptyHeader"},
    {Anomaly::ObsFold, Tier::Ambiguous, "MultilineHeader"},
    {Anomaly::HeaderWithoutColon, Tier::Ambiguous, "MissingHeaderColon"},
    {Anomaly::BareLf, Tier::Acceptable, "NonCrLfLineTermination"},
    {Anomaly::Http09, Tier::Acceptable, "NonCompliantVersion"},
    {Anomaly::BadHeaderName, Tier::Acceptable, "NonCompliantHeader"},
    {Anomaly::SpaceBeforeColon, Tier::Acceptable, "NonCompliantHeader"},
    {Anomaly::GetOrHeadZeroContentLength, Tier::Acceptable, "GetHeadZeroContentLength"},
};

bool has_any(std::string_view text, std::string_view characters) {
    return text.find_first_of(characters) != std::string_view::npos;
}

constexpr std::string_view kNulCrLf{"\0\r\n", 3};

bool has_control(std::string_view text) {
    return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// A name that some other parser may take for `wanted`: trailing blanks, underscore for hyphen,
// punctuation, or the look-alikes ſ (s) and ı (i).
bool looks_like(std::string_view name, std::string_view wanted) {
    std::string plain;
    for (size_t i = 0; i < name.size(); ++i) {
        unsigned char c = static_cast<unsigned char>(name[i]);
        if (c == 0xc5 && i + 1 < name.size() && static_cast<unsigned char>(name[i + 1]) == 0xbf) {
            plain += 's';
            ++i;
        } else if (c == 0xc4 && i + 1 < name.size() &&
                   static_cast<unsigned char>(name[i + 1]) == 0xb1) {
            plain += 'i';
            ++i;
        } else if (c >= 'A' && c <= 'Z') {
            plain += static_cast<char>(c + 32);
        } else if (c >= 'a' && c <= 'z') {
            plain += static_cast<char>(c);
        }
    }
    return plain == wanted;
}

bool is_known_coding(std::string_view value) {
    std::string coding = base::lower(base::trim(base::cut(value, ';').first));
    return coding == "chunked" || coding == "compress" || coding == "deflate" || coding == "gzip" ||
           coding == "identity";
}

class Worst {
  public:
    void found(Tier tier, std::string_view reason) {
        if (tier > result_.tier) result_ = {tier, reason};
    }
    Classification result() const { return result_; }

  private:
    Classification result_;
};

void look_at_target(const http::RequestHead& head, Worst& worst) {
    if (head.target.empty()) worst.found(Tier::Ambiguous, "MissingUri");
    if (!head.has(Anomaly::BadTarget)) return;
    if (has_any(head.target, kNulCrLf))
        worst.found(Tier::Severe, "BadUri");
    else if (has_control(head.target))
        worst.found(Tier::Ambiguous, "AmbiguousUri");
    else
        worst.found(Tier::Acceptable, "SpaceInUri");
}

void look_at_version(const http::RequestHead& head, Worst& worst) {
    if (!head.has(Anomaly::BadVersion)) return;
    bool known_family = head.major == 1 && head.minor >= 2 && head.minor <= 9;
    if (known_family)
        worst.found(Tier::Acceptable, "NonCompliantVersion");
    else
        worst.found(Tier::Severe, "BadVersion");
}

void look_at_headers(const http::RequestHead& head, Worst& worst) {
    bool values_odd = head.has(Anomaly::BadHeaderValue);
    bool names_odd = head.has(Anomaly::BadHeaderName) || head.has(Anomaly::SpaceBeforeColon);
    bool plain = false, suspicious = false;
    for (const http::Header& header : head.headers) {
        bool is_length = base::equals_ignoring_case(header.name, "content-length");
        bool is_coding = base::equals_ignoring_case(header.name, "transfer-encoding");
        plain = plain || is_length || is_coding;
        if (values_odd || names_odd) {
            if (has_any(header.value, kNulCrLf) || has_any(header.name, kNulCrLf))
                worst.found(Tier::Severe, "BadHeader");
            else if (has_control(header.value))
                worst.found(Tier::Acceptable, "NonCompliantHeader");
        }
        bool like = !is_length && !is_coding && header.name.size() >= 13 &&
                    (looks_like(header.name, "contentlength") ||
                     looks_like(header.name, "transferencoding"));
        suspicious = suspicious || like;
    }
    if (suspicious && plain)
        worst.found(Tier::Severe, "SuspiciousTeClPresent");
    else if (suspicious)
        worst.found(Tier::Ambiguous, "SuspiciousHeader");
}

void look_at_codings(const http::RequestHead& head, Worst& worst) {
    auto values = head.headers.all("transfer-encoding");
    if (values.empty()) return;
    size_t chunked = 0;
    for (std::string_view value : values) {
        for (std::string_view part : base::split(value, ',')) {
            if (!is_known_coding(part)) worst.found(Tier::Severe, "BadTransferEncoding");
            if (base::equals_ignoring_case(base::trim(part), "chunked")) ++chunked;
        }
    }
    if (chunked > 1) worst.found(Tier::Severe, "MultipleTransferEncodingChunked");
}

void look_at_body(const http::RequestHead& head, Worst& worst) {
    if (!head.has(Anomaly::GetOrHeadWithBody)) return;
    if (head.headers.has("transfer-encoding"))
        worst.found(Tier::Ambiguous, "UndefinedTransferEncodingSemantics");
    else
        worst.found(Tier::Ambiguous, "UndefinedContentLengthSemantics");
}

}  // namespace

Classification classify(const http::RequestHead& head) {
    Worst worst;
    if (!head.anomalies.empty()) {
        for (const Row& row : kRows)
            if (head.has(row.anomaly)) worst.found(row.tier, row.reason);
        look_at_target(head, worst);
        look_at_version(head, worst);
        look_at_codings(head, worst);
        look_at_body(head, worst);
    }
    look_at_headers(head, worst);
    // Bytes from 0x80 up in a value are allowed, and not compliant.
    if (worst.result().tier == Tier::Compliant) {
        for (const http::Header& header : head.headers)
            if (std::ranges::any_of(header.value, [](unsigned char c) { return c >= 0x80; }))
                return {Tier::Acceptable, "NonCompliantHeader"};
    }
    return worst.result();
}

Verdict verdict(DesyncMode mode, Tier tier) {
    using enum Verdict;
    //                                    Compliant Acceptable Ambiguous         Severe
    static constexpr Verdict kTable[3][4] = {
        {Forward, Forward, Forward, Forward},          // monitor
        {Forward, Forward, ForwardThenClose, Refuse},  // defensive
        {Forward, Refuse, Refuse, Refuse}};            // strictest
    return kTable[static_cast<int>(mode)][static_cast<int>(tier)];
}

std::string_view name_of(Tier tier) {
    switch (tier) {
        case Tier::Compliant: return "Compliant";
        case Tier::Acceptable: return "Acceptable";
        case Tier::Ambiguous: return "Ambiguous";
        case Tier::Severe: return "Severe";
    }
    return "";
}

std::optional<Refusal> refuse(const http::RequestHead& head) {
    if (head.has(Anomaly::TargetTooLong)) return Refusal{414, "the request line is over 16 K"};
    // The viewer port, shared with the edge, reads larger heads than a listener's own.
    size_t head_bytes = 0, longest = 0;
    for (const http::Header& header : head.headers) {
        size_t line = header.name.size() + header.value.size() + 4;
        head_bytes += line;
        longest = std::max(longest, line);
    }
    if (head.has(Anomaly::HeaderTooLarge) || longest > kMaxHeaderLineBytes)
        return Refusal{400, "a header line is 16 K or more"};
    if (head.has(Anomaly::HeadTooLarge) || head_bytes > kMaxRequestHeadBytes)
        return Refusal{400, "the headers are over 64 K"};
    // A first line that is not a request line at all ("test").
    if (head.method.empty() || head.target.empty())
        return Refusal{400, "the first line is no request line"};
    if (head.has(Anomaly::Http09) && head.method != "GET")
        return Refusal{400, "the first line is no request line"};
    if (head.major >= 2) return Refusal{505, "the HTTP version is not one that text messages have"};
    // GUESS: RFC 9112 §3.2 asks for 400 when HTTP/1.1 has no Host; HTTP/1.0 gets the balancer's own
    // name.
    if (head.has(Anomaly::MissingHost)) return Refusal{400, "HTTP/1.1 without a Host header"};
    // Without usable framing nothing can be forwarded, whatever the mode.
    if (head.has(Anomaly::BadContentLength) || head.has(Anomaly::ConflictingContentLength))
        return Refusal{400, "the Content-Length cannot be read"};
    if (head.method == "TRACE") return Refusal{405, "TRACE is not allowed"};
    return std::nullopt;
}

}  // namespace elbv2

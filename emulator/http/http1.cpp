#include "http/http1.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/text.h"
#include "http/hop_by_hop.h"

namespace http::http1 {

namespace {

enum : uint8_t { kToken = 1, kControl = 2, kHostByte = 4, kHigh = 8 };

constexpr std::array<uint8_t, 256> make_classes() {
    std::array<uint8_t, 256> classes{};
    for (int c = 0; c < 256; ++c) {
        const bool letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (letter) classes[c] = kToken | kHostByte;
        if ((c < 0x20 && c != '\t') || c == 0x7f) classes[c] = kControl;
        if (c >= 0x80) classes[c] = kHigh;
    }
    for (const char c :
         {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
        classes[static_cast<unsigned char>(c)] |= kToken;
    }
    // RFC 3986 §3.2.2: unreserved, percent, sub-delims, the brackets of a literal, and the port's
    // colon.
    for (const char c : {'-', '.', '_', '~', '%', '!', '$', '&', '\'', '(', ')', '*', '+', ',', ';',
                         '=', '[', ']', ':'}) {
        classes[static_cast<unsigned char>(c)] |= kHostByte;
    }
    return classes;
}
constexpr auto kClasses = make_classes();

uint8_t class_of(char c) {
    return kClasses[static_cast<unsigned char>(c)];
}

bool all_of_class(std::string_view text, uint8_t wanted) {
    return std::ranges::all_of(text, [wanted](char c) { return class_of(c) & wanted; });
}

// All classes that occur.
uint8_t classes_in(std::string_view text) {
    uint8_t seen = 0;
    for (const char c : text)
        seen |= class_of(c);
    return seen;
}

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

bool is_name(std::string_view name, std::string_view lower_case_name) {
    if (name.size() != lower_case_name.size()) return false;
    for (size_t i = 0; i < name.size(); ++i) {
        char c = name[i];
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
        if (c != lower_case_name[i]) return false;
    }
    return true;
}

void add_once(std::vector<Anomaly>& anomalies, Anomaly anomaly) {
    if (std::ranges::find(anomalies, anomaly) == anomalies.end()) anomalies.push_back(anomaly);
}

// "HTTP/1.1"; false when it cannot be read.
bool read_version(std::string_view text, int& major, int& minor) {
    major = minor = 0;
    if (text.size() != 8 || !text.starts_with("HTTP/") || text[6] != '.') return false;
    if (text[5] < '0' || text[5] > '9' || text[7] < '0' || text[7] > '9') return false;
    major = text[5] - '0';
    minor = text[7] - '0';
    return true;
}

// RFC 9110 §8.6: digits alone; more than 18 of them is nobody's body.
std::optional<uint64_t> read_length(std::string_view text) {
    if (text.empty() || text.size() > 18) return std::nullopt;
    uint64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<uint64_t>(c - '0');
    }
    return value;
}

// What the headers of one message say together.
struct Summary {
    size_t hosts = 0, lengths = 0, codings = 0;
    std::string_view host;
    uint64_t length = 0;
    bool length_is_bad = false, lengths_differ = false;
    bool is_chunked = false;  // the one coding is "chunked"
    bool ends_in_chunked = false;
    bool is_identity = false;
    bool close = false, keep_alive = false, upgrade = false, expects_continue = false;

    void look_at(std::string_view name, std::string_view value) {
        switch (name.size()) {
            case 4:
                if (is_name(name, "host") && hosts++ == 0) host = value;
                return;
            case 6:
                if (is_name(name, "expect")) expects_continue = is_name(value, "100-continue");
                return;
            case 10:
                if (!is_name(name, "connection")) return;
                close = close || has_token(value, "close");
                keep_alive = keep_alive || has_token(value, "keep-alive");
                return;
            case 14:
                if (is_name(name, "content-length")) look_at_length(value);
                return;
            case 17:
                if (!is_name(name, "transfer-encoding")) return;
                ++codings;
                is_chunked = codings == 1 && is_name(value, "chunked");
                is_identity = codings == 1 && is_name(value, "identity");
                ends_in_chunked =
                    is_name(base::trim(value.substr(value.rfind(',') + 1)), "chunked");
                return;
            default: return;
        }
    }

    void look_at_length(std::string_view value) {
        const auto read = read_length(value);
        if (!read)
            length_is_bad = true;
        else if (lengths > 0 && *read != length)
            lengths_differ = true;
        else
            length = *read;
        ++lengths;
    }

    void notice(std::vector<Anomaly>& anomalies) const {
        if (length_is_bad) add_once(anomalies, Anomaly::BadContentLength);
        if (lengths_differ)
            add_once(anomalies, Anomaly::ConflictingContentLength);
        else if (lengths > 1)
            add_once(anomalies, Anomaly::MultipleContentLength);
        if (lengths > 0 && codings > 0)
            add_once(anomalies, Anomaly::ContentLengthAndTransferEncoding);
        if (codings > 0 && !is_chunked) add_once(anomalies, Anomaly::BadTransferEncoding);
        if (codings > 1) add_once(anomalies, Anomaly::MultipleTransferEncoding);
    }

    // RFC 9112 §6.3, as far as requests and responses agree; false when there is neither length nor
    // coding.
    bool frame(Framing& framing) const {
        if (codings > 0 && !is_identity) {
            framing.body = ends_in_chunked ? BodyKind::Chunked : BodyKind::Undecidable;
            return true;
        }
        if (lengths == 0) return false;
        framing.body = length_is_bad || lengths_differ ? BodyKind::Undecidable : BodyKind::Length;
        framing.length = length;
        return true;
    }
};

void copy_value(std::string_view buffer, const HeaderSpan& span, std::string& out) {
    const std::string_view value = span.value.in(buffer);
    if (!span.folded) {
        out.assign(value);
        return;
    }
    // RFC 9112 §5.2: each fold, with the blanks around it, becomes one space.
    out.clear();
    for (size_t i = 0; i < value.size(); ++i) {
        if (value[i] != '\r' && value[i] != '\n') {
            out += value[i];
            continue;
        }
        while (!out.empty() && is_blank(out.back()))
            out.pop_back();
        while (i + 1 < value.size() &&
               (value[i + 1] == '\n' || value[i + 1] == '\r' || is_blank(value[i + 1])))
            ++i;
        if (!out.empty()) out += ' ';
    }
}

template <class Head>
Summary fill_headers(std::string_view buffer, const HeadSpans& spans, Head& head) {
    Summary summary;
    head.headers.clear();
    head.headers.reserve(spans.headers.size());
    std::string folded;
    for (const auto& span : spans.headers) {
        const std::string_view name = span.name.in(buffer);
        std::string_view value = span.value.in(buffer);
        if (span.folded) {
            copy_value(buffer, span, folded);
            value = folded;
        }
        head.headers.add(name, value);
        if (span.folded) value = std::prev(head.headers.end())->value;  // `folded` is used again
        summary.look_at(name, value);
    }
    head.anomalies.assign(spans.anomalies.begin(), spans.anomalies.end());
    head.major = spans.major;
    head.minor = spans.minor;
    summary.notice(head.anomalies);
    return summary;
}

bool target_has_known_form(std::string_view method, std::string_view target) {
    if (target.starts_with('/')) return true;
    if (target == "*") return method == "OPTIONS";
    if (method == "CONNECT") return target.find('/') == target.npos;
    return target.find("://") != target.npos;
}

void append_value(std::string& out, std::string_view value) {
    const size_t begin = out.size();
    out += value;
    for (size_t i = begin; i < out.size(); ++i) {
        if (out[i] == '\r' || out[i] == '\n' || out[i] == 0) out[i] = ' ';
    }
}

void append_number(std::string& out, uint64_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    append_value(out, name);
    out += ": ";
    append_value(out, value);
    out += "\r\n";
}

std::string_view connection_text(std::string_view given, ConnectionValue wanted) {
    if (wanted == ConnectionValue::Close) return "close";
    // Other tokens (upgrade) are the writer's own affair.
    const bool plain = is_name(given, "close") || is_name(given, "keep-alive");
    return plain && wanted != ConnectionValue::AsIs ? "keep-alive" : given;
}

// Headers with the message's own framing in the place where `headers` has one, at the end where
// not.
void append_headers(std::string& out, const HeaderList& headers, BodyKind body, uint64_t length,
                    ConnectionValue connection, bool keeps_framing) {
    bool wrote_length = false, wrote_coding = false, wrote_connection = false;
    for (const auto& header : headers) {
        if (header.name.size() == 14 && is_name(header.name, "content-length")) {
            if (keeps_framing)
                append_field(out, header.name, header.value);
            else if (body == BodyKind::Length && !wrote_length) {
                out += header.name;
                out += ": ";
                append_number(out, length);
                out += "\r\n";
                wrote_length = true;
            }
        } else if (header.name.size() == 17 && is_name(header.name, "transfer-encoding")) {
            if (keeps_framing)
                append_field(out, header.name, header.value);
            else if (body == BodyKind::Chunked && !wrote_coding) {
                append_field(out, header.name, "chunked");
                wrote_coding = true;
            }
        } else if (header.name.size() == 10 && is_name(header.name, "connection")) {
            append_field(out, header.name, connection_text(header.value, connection));
            wrote_connection = true;
        } else {
            append_field(out, header.name, header.value);
        }
    }
    if (body == BodyKind::Length && !wrote_length && !keeps_framing) {
        out += "Content-Length: ";
        append_number(out, length);
        out += "\r\n";
    }
    if (body == BodyKind::Chunked && !wrote_coding && !keeps_framing)
        out += "Transfer-Encoding: chunked\r\n";
    if (!wrote_connection && connection == ConnectionValue::Close) out += "Connection: close\r\n";
    if (!wrote_connection && connection == ConnectionValue::KeepAlive)
        out += "Connection: keep-alive\r\n";
    out += "\r\n";
}

}  // namespace

bool is_token(std::string_view text) {
    return !text.empty() && all_of_class(text, kToken);
}

bool has_token(std::string_view value, std::string_view token) {
    while (!value.empty()) {
        const size_t comma = std::min(value.find(','), value.size());
        if (base::equals_ignoring_case(base::trim(value.substr(0, comma)), token)) return true;
        value.remove_prefix(std::min(comma + 1, value.size()));
    }
    return false;
}

void HeadReader::restart() {
    spans_.headers.clear();
    spans_.anomalies.clear();
    spans_.first = spans_.second = spans_.third = {};
    spans_.major = spans_.minor = 0;
    spans_.status = 0;
    spans_.size_bytes = 0;
    scanned_ = line_begin_ = 0;
    has_first_line_ = false;
}

void HeadReader::notice(Anomaly anomaly) {
    add_once(spans_.anomalies, anomaly);
}

Progress HeadReader::advance(std::string_view buffer) {
    while (true) {
        const auto oversized = [this](Anomaly anomaly) {
            notice(anomaly);
            return Progress::Oversized;
        };
        const void* found = scanned_ < buffer.size() ? std::memchr(buffer.data() + scanned_, '\n',
                                                                   buffer.size() - scanned_)
                                                     : nullptr;
        const size_t line_end =
            found ? static_cast<size_t>(static_cast<const char*>(found) - buffer.data())
                  : buffer.size();
        const size_t line_size = line_end - line_begin_;
        if (!has_first_line_ && line_size > limits_.first_line_bytes) {
            // The method and the beginning of the target are worth knowing to whoever answers.
            const std::string_view start = buffer.substr(line_begin_, limits_.first_line_bytes);
            const size_t space = std::min(start.find(' '), start.size());
            spans_.first = {line_begin_, static_cast<uint32_t>(space)};
            if (space < start.size()) {
                spans_.second = {static_cast<uint32_t>(line_begin_ + space + 1),
                                 static_cast<uint32_t>(start.size() - space - 1)};
            }
            return oversized(Anomaly::TargetTooLong);
        }
        if (has_first_line_ && line_size > limits_.header_line_bytes)
            return oversized(Anomaly::HeaderTooLarge);
        if (line_end + (found ? 1 : 0) > limits_.head_bytes)
            return oversized(Anomaly::HeadTooLarge);
        if (!found) {
            scanned_ = static_cast<uint32_t>(buffer.size());
            return Progress::NeedMore;
        }

        const uint32_t begin = line_begin_;
        uint32_t end = static_cast<uint32_t>(line_end);
        line_begin_ = scanned_ = end + 1;
        const bool has_cr = end > begin && buffer[end - 1] == '\r';
        if (has_cr) --end;
        // RFC 9112 §2.2: empty lines before a request line are skipped.
        if (!has_first_line_ && end == begin && kind_ == MessageKind::Request) continue;
        if (!has_cr) notice(Anomaly::BareLf);

        if (!has_first_line_) {
            has_first_line_ = true;
            const std::string_view line = buffer.substr(begin, end - begin);
            if (kind_ == MessageKind::Request)
                read_request_line(line, begin);
            else
                read_status_line(line, begin);
            const bool has_no_head =
                std::ranges::find(spans_.anomalies, Anomaly::Http09) != spans_.anomalies.end();
            if (has_no_head) {
                spans_.size_bytes = line_begin_;
                return Progress::Complete;
            }
        } else if (end == begin) {
            spans_.size_bytes = line_begin_;
            return Progress::Complete;
        } else {
            read_header_line(buffer, begin, end);
        }
    }
}

void HeadReader::read_request_line(std::string_view line, uint32_t begin) {
    const size_t method_end = std::min(line.find(' '), line.size());
    const std::string_view method = line.substr(0, method_end);
    spans_.first = {begin, static_cast<uint32_t>(method_end)};
    if (!is_token(method)) notice(Anomaly::BadMethod);

    // The version is what follows the last space, if it looks like one; all between belongs to the
    // target.
    size_t target_begin = std::min(method_end + 1, line.size());
    size_t target_end = line.size();
    const size_t last_space = line.rfind(' ');
    const bool has_version = last_space != line.npos && last_space > method_end &&
                             line.substr(last_space + 1).starts_with("HTTP/");
    const bool has_version_only =
        last_space == method_end &&
        line.substr(std::min(last_space, line.size())).starts_with(" HTTP/");
    if (has_version || has_version_only) {
        const std::string_view version = line.substr(last_space + 1);
        spans_.third = {static_cast<uint32_t>(begin + last_space + 1),
                        static_cast<uint32_t>(version.size())};
        target_end = has_version ? last_space : target_begin;
        const bool readable = read_version(version, spans_.major, spans_.minor);
        if (!readable || spans_.major != 1 || spans_.minor > 1) notice(Anomaly::BadVersion);
    } else {
        notice(Anomaly::Http09);
        spans_.major = 0;
        spans_.minor = 9;
    }
    spans_.second = {static_cast<uint32_t>(begin + target_begin),
                     static_cast<uint32_t>(target_end - target_begin)};

    const std::string_view target = line.substr(target_begin, target_end - target_begin);
    const uint8_t seen = classes_in(target);
    const bool has_blank = target.find_first_of(" \t") != target.npos;
    if ((seen & kControl) || has_blank || !target_has_known_form(method, target))
        notice(Anomaly::BadTarget);
    if (seen & kHigh) notice(Anomaly::NonAsciiTarget);
    if (line.find('\r') != line.npos) notice(Anomaly::BareCr);
}

void HeadReader::read_status_line(std::string_view line, uint32_t begin) {
    const auto at = [begin](size_t from, size_t size) {
        return Span{static_cast<uint32_t>(begin + from), static_cast<uint32_t>(size)};
    };
    // RFC 9112 §4: the reason, and the space before it, are often missing.
    const size_t version_end = std::min(line.find(' '), line.size());
    spans_.first = at(0, version_end);
    const bool has_version =
        read_version(line.substr(0, version_end), spans_.major, spans_.minor) && spans_.major == 1;
    const std::string_view rest = line.substr(std::min(version_end + 1, line.size()));
    const bool has_status =
        rest.size() >= 3 &&
        std::ranges::all_of(rest.substr(0, 3), [](char c) { return c >= '0' && c <= '9'; }) &&
        (rest.size() == 3 || rest[3] == ' ');
    if (!has_version || !has_status || rest[0] == '0') {
        notice(Anomaly::BadStatusLine);
        return;
    }
    spans_.status = (rest[0] - '0') * 100 + (rest[1] - '0') * 10 + (rest[2] - '0');
    spans_.second = at(version_end + 1, 3);
    if (rest.size() > 4) spans_.third = at(version_end + 5, rest.size() - 4);
    if (classes_in(line) & kControl) notice(Anomaly::BadHeaderValue);
}

void HeadReader::read_header_line(std::string_view buffer, uint32_t begin, uint32_t end) {
    const std::string_view line = buffer.substr(begin, end - begin);
    if (is_blank(line.front()) && !spans_.headers.empty()) {
        notice(Anomaly::ObsFold);
        const uint8_t seen = classes_in(line);
        if (seen & kControl)
            notice(line.find('\r') != line.npos ? Anomaly::BareCr : Anomaly::BadHeaderValue);
        HeaderSpan& last = spans_.headers.back();
        uint32_t trimmed = end;
        while (trimmed > begin && is_blank(buffer[trimmed - 1]))
            --trimmed;
        if (trimmed == begin) return;  // a line of blanks adds nothing
        last.folded = true;
        last.value.size = trimmed - last.value.begin;
        return;
    }
    if (is_blank(line.front())) notice(Anomaly::ObsFold);

    const size_t colon = line.find(':');
    if (colon == line.npos) {
        notice(Anomaly::HeaderWithoutColon);
        if (line.find('\r') != line.npos) notice(Anomaly::BareCr);
        spans_.headers.push_back({{begin, static_cast<uint32_t>(line.size())}, {end, 0}, false});
        return;
    }
    size_t name_size = colon;
    while (name_size > 0 && is_blank(line[name_size - 1]))
        --name_size;
    if (name_size != colon) notice(Anomaly::SpaceBeforeColon);
    const std::string_view name = line.substr(0, name_size);
    if (name.empty())
        notice(Anomaly::EmptyHeaderName);
    else if (!all_of_class(name, kToken))
        notice(Anomaly::BadHeaderName);

    size_t value_begin = colon + 1, value_end = line.size();
    while (value_begin < value_end && is_blank(line[value_begin]))
        ++value_begin;
    while (value_end > value_begin && is_blank(line[value_end - 1]))
        --value_end;
    const std::string_view value = line.substr(value_begin, value_end - value_begin);
    if (classes_in(value) & kControl) {
        if (value.find('\r') != value.npos) notice(Anomaly::BareCr);
        const bool others = std::ranges::any_of(
            value, [](char c) { return c != '\r' && (class_of(c) & kControl); });
        if (others) notice(Anomaly::BadHeaderValue);
    }
    spans_.headers.push_back(
        {{begin, static_cast<uint32_t>(name_size)},
         {static_cast<uint32_t>(begin + value_begin), static_cast<uint32_t>(value.size())},
         false});
}

Framing fill(std::string_view buffer, const HeadSpans& spans, RequestHead& head) {
    head.method.assign(spans.first.in(buffer));
    head.target.assign(spans.second.in(buffer));
    const Summary summary = fill_headers(buffer, spans, head);
    auto& anomalies = head.anomalies;

    const bool is_modern = head.major == 1 && head.minor >= 1;
    const bool is_whole = spans.size_bytes > 0;
    if (is_whole && summary.hosts == 0 && is_modern) add_once(anomalies, Anomaly::MissingHost);
    if (summary.hosts > 1) add_once(anomalies, Anomaly::MultipleHosts);
    if (summary.hosts > 0 && !all_of_class(summary.host, kHostByte))
        add_once(anomalies, Anomaly::BadHost);
    if (summary.codings > 0 && !is_modern) add_once(anomalies, Anomaly::TransferEncodingInHttp10);

    Framing framing;
    const bool framed = summary.frame(framing);
    if (head.method == "GET" || head.method == "HEAD") {
        const bool is_empty = !framed || (framing.body == BodyKind::Length && framing.length == 0);
        if (framed && !is_empty) add_once(anomalies, Anomaly::GetOrHeadWithBody);
        if (framed && is_empty) add_once(anomalies, Anomaly::GetOrHeadZeroContentLength);
    } else if (is_whole && !framed &&
               (head.method == "POST" || head.method == "PUT" || head.method == "PATCH")) {
        add_once(anomalies, Anomaly::UndefinedContentLength);
    }
    if (framing.body == BodyKind::Length && framing.length == 0) framing.body = BodyKind::None;

    framing.keep_alive = !summary.close && (is_modern || (summary.keep_alive && head.major == 1));
    // RFC 9112 §6.1: a coding in HTTP/1.0, or beside a length, may have been framed otherwise by
    // whoever is before us; nothing after it can be trusted.
    if (summary.codings > 0 && (summary.lengths > 0 || !is_modern)) framing.keep_alive = false;
    if (framing.body == BodyKind::Undecidable) framing.keep_alive = false;
    framing.expects_continue = summary.expects_continue && is_modern;
    return framing;
}

Framing fill(std::string_view buffer, const HeadSpans& spans, ResponseHead& head,
             std::string_view request_method) {
    head.status = spans.status;
    head.reason.assign(spans.third.in(buffer));
    const Summary summary = fill_headers(buffer, spans, head);
    Framing framing;
    framing.keep_alive = !summary.close && (head.minor >= 1 || summary.keep_alive);
    const bool has_no_body =
        request_method == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304;
    if (has_no_body) return framing;
    if (!summary.frame(framing)) framing.body = BodyKind::UntilClose;
    // RFC 9112 §6.3: in a response a coding that does not end in chunked runs until the close.
    if (summary.codings > 0 && !summary.ends_in_chunked && !summary.is_identity)
        framing.body = BodyKind::UntilClose;
    if (framing.body == BodyKind::Length && framing.length == 0) framing.body = BodyKind::None;
    if (framing.body == BodyKind::UntilClose || framing.body == BodyKind::Undecidable)
        framing.keep_alive = false;
    return framing;
}

void ChunkedDecoder::took(uint64_t bytes) {
    left_ -= bytes;
    if (left_ == 0) place_ = Place::DataEnd;
}

ChunkedDecoder::Step ChunkedDecoder::bad(std::string_view problem) {
    problem_ = problem;
    return {State::Bad, 0, {}};
}

bool ChunkedDecoder::read_size(std::string_view line) {
    size_t digits = 0;
    left_ = 0;
    for (; digits < line.size(); ++digits) {
        const char c = line[digits];
        int value;
        if (c >= '0' && c <= '9')
            value = c - '0';
        else if (c >= 'a' && c <= 'f')
            value = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            value = c - 'A' + 10;
        else
            break;
        if (digits == 15) return false;  // no overflow, and nobody's chunk
        left_ = left_ * 16 + static_cast<uint64_t>(value);
    }
    if (digits == 0) return false;
    // Extensions are skipped, but they must be ones: a semicolon, and no control characters after
    // it.
    std::string_view rest = line.substr(digits);
    while (!rest.empty() && is_blank(rest.front()))
        rest.remove_prefix(1);
    return rest.empty() || (rest.front() == ';' && !(classes_in(rest) & kControl));
}

bool ChunkedDecoder::read_trailer(std::string_view line) {
    const size_t colon = line.find(':');
    if (colon == line.npos || !is_token(line.substr(0, colon))) return false;
    const std::string_view value = base::trim(line.substr(colon + 1));
    if (classes_in(value) & kControl) return false;
    // RFC 9110 §6.5.1: what frames or routes a message is no trailer, and goes no further.
    const std::string_view name = line.substr(0, colon);
    if (is_hop_by_hop(name) || base::equals_ignoring_case(name, "content-length") ||
        base::equals_ignoring_case(name, "host"))
        return true;
    trailers_.add(name, value);
    return true;
}

ChunkedDecoder::Step ChunkedDecoder::decode(std::string_view input, size_t most) {
    size_t consumed = 0;
    while (true) {
        std::string_view rest = input.substr(consumed);
        if (place_ == Place::End) return {State::End, consumed, {}};
        if (place_ == Place::Data) {
            if (rest.empty()) return {State::NeedMore, consumed, {}};
            const size_t size = static_cast<size_t>(std::min<uint64_t>({rest.size(), left_, most}));
            took(size);
            return {State::Data, consumed + size, rest.substr(0, size)};
        }
        if (place_ == Place::DataEnd) {
            if (rest.size() < 2) {
                if (!rest.empty() && rest[0] != '\r') return bad("a chunk does not end in CRLF");
                return {State::NeedMore, consumed, {}};
            }
            if (!rest.starts_with("\r\n")) return bad("a chunk does not end in CRLF");
            consumed += 2;
            place_ = Place::SizeLine;
            continue;
        }
        const size_t newline = rest.find('\n');
        if (newline == rest.npos) {
            if (rest.size() > kMaxLineBytes) return bad("a chunk line is too long");
            return {State::NeedMore, consumed, {}};
        }
        if (newline > kMaxLineBytes) return bad("a chunk line is too long");
        if (newline == 0 || rest[newline - 1] != '\r')
            return bad("a chunk line does not end in CRLF");
        const std::string_view line = rest.substr(0, newline - 1);
        consumed += newline + 1;
        if (place_ == Place::SizeLine) {
            if (!read_size(line)) return bad("a chunk size cannot be read");
            place_ = left_ == 0 ? Place::Trailers : Place::Data;
        } else if (line.empty()) {
            place_ = Place::End;
        } else {
            trailer_bytes_ += line.size();
            if (trailer_bytes_ > kMaxTrailerBytes) return bad("the trailers are too large");
            if (!read_trailer(line)) return bad("a trailer line cannot be read");
        }
    }
}

void append_response_head(std::string& out, const ResponseHead& head, BodyKind body,
                          uint64_t length, ConnectionValue connection) {
    out += "HTTP/1.1 ";
    append_number(out, static_cast<uint64_t>(std::clamp(head.status, 100, 999)));
    out += ' ';
    append_value(
        out, head.reason.empty() ? standard_reason(head.status) : std::string_view(head.reason));
    out += "\r\n";
    // RFC 9110 §8.6: 1xx and 204 have no length; HEAD and 304 may tell what a GET would have had.
    const bool keeps_framing = body == BodyKind::None && head.status >= 200 && head.status != 204;
    append_headers(out, head.headers, body, length, connection, keeps_framing);
}

void append_request_head(std::string& out, const RequestHead& head, BodyKind body,
                         uint64_t length) {
    append_value(out, head.method);
    out += ' ';
    append_value(out, head.target);
    out += " HTTP/1.1\r\n";
    append_headers(out, head.headers, body, length, ConnectionValue::AsIs, false);
}

void append_chunk_size(std::string& out, size_t size) {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, size, 16).ptr;
    out.append(digits, end);
    out += "\r\n";
}

void append_last_chunk(std::string& out, const HeaderList& trailers) {
    out += "0\r\n";
    for (const auto& trailer : trailers)
        append_field(out, trailer.name, trailer.value);
    out += "\r\n";
}

}  // namespace http::http1

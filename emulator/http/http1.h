// HTTP/1 codec, RFC 9112. The head reader yields spans in wire order plus the anomalies it met and
// never decides: fronts map anomalies to forward, status or close. Pure; sockets are the callers'.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace http::http1 {

struct Span {
    uint32_t begin = 0, size = 0;
    std::string_view in(std::string_view buffer) const { return buffer.substr(begin, size); }
};

struct HeaderSpan {
    Span name, value;     // value: without surrounding white space
    bool folded = false;  // the value contains line ends
};

struct HeadSpans {
    Span first, second,
        third;  // request: method, target, version; response: version, status, reason
    int major = 1, minor = 1;
    int status = 0;
    std::vector<HeaderSpan> headers;
    std::vector<Anomaly> anomalies;  // each once, in the order they were met
    size_t size_bytes = 0;           // of the head, the empty line included
};

struct Limits {
    size_t first_line_bytes = 16 * 1024;
    size_t header_line_bytes = 64 * 1024;
    size_t head_bytes = 128 * 1024;
};

enum class MessageKind : uint8_t { Request, Response };
// Oversized: a limit was passed; what was read so far can be looked at, the rest cannot be framed.
enum class Progress : uint8_t { NeedMore, Complete, Oversized };

class HeadReader {
  public:
    HeadReader(MessageKind kind, Limits limits) : kind_(kind), limits_(limits) {}

    void restart();
    // `buffer` starts at the head's first byte and holds everything read so far; it may have grown
    // and moved since the last call. Looks at each byte once.
    Progress advance(std::string_view buffer);
    bool has_started() const { return has_first_line_; }
    const HeadSpans& spans() const { return spans_; }

  private:
    void read_request_line(std::string_view line, uint32_t begin);
    void read_status_line(std::string_view line, uint32_t begin);
    void read_header_line(std::string_view buffer, uint32_t begin, uint32_t end);
    void notice(Anomaly anomaly);

    MessageKind kind_;
    Limits limits_;
    HeadSpans spans_;
    uint32_t scanned_ = 0;  // no line end before it, from line_begin_ on
    uint32_t line_begin_ = 0;
    bool has_first_line_ = false;
};

enum class BodyKind : uint8_t {
    None,
    Length,
    Chunked,
    UntilClose,
    Undecidable,  // bad or conflicting lengths, codings that do not end in chunked: nothing can
                  // follow
};

// How a message is framed and what it says about its connection.
struct Framing {
    BodyKind body = BodyKind::None;
    uint64_t length = 0;
    bool keep_alive = true;  // as version and Connection say
    bool expects_continue = false;
};

// Spans to strings. Adds the anomalies that concern whole messages (hosts, lengths, codings).
Framing fill(std::string_view buffer, const HeadSpans& spans, RequestHead& head);
Framing fill(std::string_view buffer, const HeadSpans& spans, ResponseHead& head,
             std::string_view request_method);

// Decodes chunked framing: RFC 9112 §7.1. Extensions are skipped, trailers kept, anything odd is an
// error.
class ChunkedDecoder {
  public:
    enum class State : uint8_t { NeedMore, Data, End, Bad };
    struct Step {
        State state;
        size_t consumed;        // of the input, data included
        std::string_view data;  // part of the input
    };
    static constexpr size_t kMaxLineBytes = 4 * 1024;
    static constexpr size_t kMaxTrailerBytes = 16 * 1024;

    // Consumes up to and including one piece of data of at most `most` bytes.
    Step decode(std::string_view input, size_t most);
    // Bytes of the current chunk that are still to come; the caller may take them past the decoder.
    uint64_t left_in_chunk() const { return place_ == Place::Data ? left_ : 0; }
    void took(uint64_t bytes);
    const HeaderList& trailers() const { return trailers_; }
    std::string_view problem() const { return problem_; }

  private:
    enum class Place : uint8_t { SizeLine, Data, DataEnd, Trailers, End };
    bool read_size(std::string_view line);
    bool read_trailer(std::string_view line);
    Step bad(std::string_view problem);

    Place place_ = Place::SizeLine;
    uint64_t left_ = 0;
    size_t trailer_bytes_ = 0;
    HeaderList trailers_;
    std::string_view problem_;
};

// What stands in `Connection`: a header that is there keeps its place and gets the value.
enum class ConnectionValue : uint8_t { AsIs, KeepAlive, KeepAliveIfPresent, Close };

// Appends a head. Length, coding and connection of the message replace what `head` says, in its
// place. CR, LF and NUL in a value become spaces (RFC 9110 §5.5).
void append_response_head(std::string& out, const ResponseHead& head, BodyKind body,
                          uint64_t length, ConnectionValue connection);
void append_request_head(std::string& out, const RequestHead& head, BodyKind body, uint64_t length);
void append_chunk_size(std::string& out, size_t size);
void append_last_chunk(std::string& out, const HeaderList& trailers);

bool is_token(std::string_view text);
// Whether a comma separated value has `token`, in any case.
bool has_token(std::string_view value, std::string_view token);

}  // namespace http::http1

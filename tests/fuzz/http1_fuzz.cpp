// Fuzz target: heads and chunked bodies in one piece and in many must read alike, and what is
// written from a head must read as the same head.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/http1.h"

using namespace http;
using namespace http::http1;

namespace {

void must(bool condition) {
    if (!condition) std::abort();
}

struct Outcome {
    Progress progress = Progress::NeedMore;
    RequestHead head;
    Framing framing;
    size_t size_bytes = 0;
};

constexpr Limits kRead{256, 512, 2048};
// As written a head may be longer: each name is followed by a blank.
constexpr Limits kWritten{512, 1024, 8192};

Outcome read_head(std::string_view text, size_t step, Limits limits = kRead) {
    HeadReader reader(MessageKind::Request, limits);
    reader.restart();
    Outcome outcome;
    for (size_t have = std::min(step, text.size());; have = std::min(text.size(), have + step)) {
        outcome.progress = reader.advance(text.substr(0, have));
        if (outcome.progress != Progress::NeedMore || have == text.size()) break;
    }
    outcome.framing = fill(text, reader.spans(), outcome.head);
    outcome.size_bytes = reader.spans().size_bytes;
    return outcome;
}

std::string decode(std::string_view text, size_t step) {
    ChunkedDecoder decoder;
    std::string buffer, result;
    size_t fed = 0;
    while (true) {
        const auto turn = decoder.decode(buffer, 64);
        must(turn.consumed <= buffer.size());
        result += turn.data;
        buffer.erase(0, turn.consumed);
        if (turn.state == ChunkedDecoder::State::Bad) return result + "!";
        if (turn.state == ChunkedDecoder::State::End) return result + ".";
        if (turn.state == ChunkedDecoder::State::Data) continue;
        if (fed == text.size()) return result;
        buffer += text.substr(fed, step);
        fed = std::min(text.size(), fed + step);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto whole = read_head(text, std::max<size_t>(size, 1));
    const auto pieces = read_head(text, 3);
    must(whole.progress == pieces.progress);
    if (whole.progress == Progress::Complete) {
        must(whole.size_bytes == pieces.size_bytes && whole.size_bytes <= size);
        must(whole.head.anomalies == pieces.head.anomalies &&
             whole.head.target == pieces.head.target);
        must(whole.framing.body == pieces.framing.body &&
             whole.framing.length == pieces.framing.length);
        if (whole.head.anomalies.empty()) {
            std::string written;
            append_request_head(written, whole.head, whole.framing.body, whole.framing.length);
            const auto again = read_head(written, written.size(), kWritten);
            must(again.progress == Progress::Complete && again.head.method == whole.head.method);
            must(again.head.target == whole.head.target &&
                 again.framing.body == whole.framing.body);
        }
    }
    HeadReader response(MessageKind::Response, kRead);
    response.restart();
    (void)response.advance(text);
    ResponseHead head;
    (void)fill(text, response.spans(), head, "GET");
    must(decode(text, std::max<size_t>(size, 1)) == decode(text, 1));
    return 0;
}

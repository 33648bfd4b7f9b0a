// ws, sse: connections that stay open and bring messages.
#include <fmt/format.h>

#include "base/date.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/text.h"
#include "scenarios/runner/context.h"
#include "scenarios/runner/names.h"
#include "scenarios/runner/steps/request.h"
#include "scenarios/runner/steps/steps.h"
#include "scenarios/runner/stream.h"
#include "scenarios/runner/websocket.h"

namespace scenarios {
namespace {

using base::Node;
using std::chrono::steady_clock;

constexpr auto kListen = std::chrono::seconds(5);  // for messages, when "for" says nothing else
constexpr size_t kMaxMessages = 10'000;
constexpr size_t kMaxEventBytes = 16 << 20;

std::string random_bytes(size_t count) {
    std::string out(count, '\0');
    base::random_bytes(out.data(), out.size());
    return out;
}

// What JSON it is, else text.
Node as_value(const std::string& text) {
    const bool structured = text.starts_with('{') || text.starts_with('[');
    auto parsed = structured ? base::parse_json(text) : std::unexpected(base::JsonError{});
    return parsed ? std::move(*parsed) : Node(text);
}

StepError failed(Context& context, const ViewerError& error) {
    context.exchange->failure = error.text;
    context.exchange->peer = error.peer;
    const bool gone = error.kind == ViewerError::Kind::Unreachable;
    return {error.text, gone ? "the emulator does not listen there: is it still running?" : "",
            gone ? StepError::Cause::Stack : StepError::Cause::Failed};
}

struct Listening {
    size_t wanted;  // messages
    steady_clock::time_point until;
};

std::expected<Listening, StepError> listening(Context& context, const Node& step,
                                              std::string_view key, size_t fallback) {
    const Node& wanted = step[key];
    const auto number =
        wanted.is_string() ? base::parse_signed(wanted.as_string()) : wanted.as_int(-1);
    const bool given = !wanted.is_null();
    if (given && (!number || *number < 0 || static_cast<size_t>(*number) > kMaxMessages))
        return std::unexpected(
            StepError{fmt::format("\"{}\" takes a number up to {}", key, kMaxMessages), ""});
    base::microseconds lasts = kListen;
    if (auto time = base::parse_duration(step["for"].as_string())) lasts = *time;
    lasts = std::min(lasts, context.left());
    return Listening{given ? static_cast<size_t>(*number) : fallback, steady_clock::now() + lasts};
}

std::expected<StreamedAnswer, StepError> connect(Context& context, std::string_view verb,
                                                 const Node& step, const Headers& extra) {
    ViewerRequest request = TRY(make_request(context, verb, step));
    request.method = "GET";
    context.exchange =
        Exchange{.request = request,
                 .started_ms = context.clock.real_now().time_since_epoch().count() / 1000};
    auto answer = StreamedAnswer::ask(request, context.world.ca_file, extra);
    if (!answer) return std::unexpected(failed(context, answer.error()));
    context.exchange->peer = answer->head.peer;
    context.exchange->response = answer->head;
    return std::move(*answer);
}

Answer answer_of(const ViewerResponse& head) {
    Answer answer;
    answer.headers = head.headers;
    answer.set("status", head.status);
    answer.set("http", head.version);
    if (const std::string* cache = head.header("x-cache"))
        answer.set("cache", base::lower(base::cut(*cache, ' ').first));
    return answer;
}

void set_messages(Answer& answer, Node messages) {
    answer.set("count", static_cast<int64_t>(messages.size()));
    answer.json = std::move(messages);
}

// --- WebSocket -----------------------------------------------------------------------------------

std::vector<std::string> to_send(const Node& step) {
    std::vector<std::string> out;
    const Node* given = step.find("send");
    if (given == nullptr) return out;
    if (!given->is_array()) return {as_text(*given)};
    for (const Node& item : given->items())
        out.push_back(as_text(item));
    return out;
}

std::expected<Answer, StepError> ws(Context& context, const Node& step) {
    const std::string key = base::to_base64(random_bytes(16));
    StreamedAnswer streamed = TRY(connect(context, "ws", step,
                                          {{"Upgrade", "websocket"},
                                           {"Connection", "Upgrade"},
                                           {"Sec-WebSocket-Version", "13"},
                                           {"Sec-WebSocket-Key", key}}));
    Answer answer = answer_of(streamed.head);
    if (streamed.head.status != 101) {
        if (!context.asks("status"))
            return std::unexpected(StepError{
                fmt::format("the upgrade was answered with {}", streamed.head.status), ""});
        return answer;
    }
    const std::string* accepted = streamed.head.header("sec-websocket-accept");
    if (accepted == nullptr || *accepted != websocket_accept(key))
        return std::unexpected(StepError{
            "the answer's Sec-WebSocket-Accept does not belong to the key that was sent", ""});
    const auto messages = to_send(step);
    const Listening limit =
        TRY(listening(context, step, "messages", std::max<size_t>(1, messages.size())));
    Stream& connection = streamed.connection();
    auto write = [&](Opcode opcode, std::string_view payload) {
        return connection.write(websocket_frame(opcode, payload, random_bytes(4)), limit.until);
    };
    for (const std::string& message : messages)
        if (auto sent = write(Opcode::Text, message); !sent)
            return std::unexpected(failed(context, sent.error()));

    FrameReader reader;
    reader.add(streamed.take_rest());
    Node received = Node::array();
    bool closed = false;
    while (!closed && received.size() < limit.wanted) {
        auto message = reader.next();
        if (!message) return std::unexpected(StepError{message.error(), ""});
        if (!*message) {
            std::string bytes;
            const auto read = connection.read(bytes, limit.until);
            if (read == Stream::Read::Late) break;
            closed = read == Stream::Read::Closed;
            reader.add(bytes);
            continue;
        }
        switch ((*message)->opcode) {
            case Opcode::Text: received.push_back(as_value((*message)->payload)); break;
            case Opcode::Ping: (void)write(Opcode::Pong, (*message)->payload); break;
            case Opcode::Close: closed = true; break;
            case Opcode::Pong: break;
            default: received.push_back(base::to_base64((*message)->payload));
        }
        if ((*message)->opcode == Opcode::Close && (*message)->payload.size() >= 2)
            answer.set("code", static_cast<int64_t>(
                                   static_cast<unsigned char>((*message)->payload[0]) << 8 |
                                   static_cast<unsigned char>((*message)->payload[1])));
    }
    if (!closed) (void)write(Opcode::Close, std::string("\x03\xe8", 2));  // 1000, RFC 6455 §7.4.1
    answer.set("closed", closed);
    set_messages(answer, std::move(received));
    return answer;
}

// --- Server-sent events (WHATWG HTML, "Server-sent events")
// ----------------------------------------

class EventReader {
  public:
    void add(std::string_view bytes) { text_ += bytes; }
    // Events that ended; the last one without its empty line is not one.
    std::optional<Node> next() {
        size_t end = 0;
        while ((end = text_.find('\n')) != std::string::npos) {
            std::string line = text_.substr(0, end);
            text_.erase(0, end + 1);
            if (line.ends_with('\r')) line.pop_back();
            if (!line.empty()) {
                take(line);
                continue;
            }
            if (auto event = finish()) return event;
        }
        return std::nullopt;
    }
    size_t held() const { return text_.size() + data_.size(); }

  private:
    void take(std::string_view line) {
        if (line.starts_with(':')) return;
        auto [field, value] = base::cut(line, ':');
        if (value.starts_with(' ')) value.remove_prefix(1);
        if (field == "data") {
            data_ += has_data_ ? "\n" : "";
            data_ += value;
            has_data_ = true;
        } else if (field == "event") {
            name_ = value;
        } else if (field == "id") {
            id_ = value;
        }
    }
    std::optional<Node> finish() {
        const std::string data = std::exchange(data_, {}), name = std::exchange(name_, {});
        if (!std::exchange(has_data_, false)) return std::nullopt;
        Node event = Node::object({{"event", name.empty() ? "message" : name}});
        event.set("data", as_value(data));
        if (!id_.empty()) event.set("id", id_);
        return event;
    }

    std::string text_, data_, name_, id_;
    bool has_data_ = false;
};

std::expected<Answer, StepError> sse(Context& context, const Node& step) {
    StreamedAnswer streamed = TRY(connect(context, "sse", step, {{"Accept", "text/event-stream"}}));
    Answer answer = answer_of(streamed.head);
    const Listening limit = TRY(listening(context, step, "events", 1));
    const std::string* type = streamed.head.header("content-type");
    if (streamed.head.status != 200 || !type || !type->starts_with("text/event-stream")) {
        if (!context.asks("status"))
            return std::unexpected(
                StepError{fmt::format("no event stream: the answer is {} {}", streamed.head.status,
                                      type ? *type : "without a type"),
                          ""});
        return answer;
    }
    EventReader reader;
    Node events = Node::array();
    bool closed = false;
    while (events.size() < limit.wanted) {
        if (auto event = reader.next()) {
            events.push_back(std::move(*event));
            continue;
        }
        if (closed) break;
        std::string bytes;
        const auto read = streamed.read(bytes, limit.until);
        if (read == Stream::Read::Late) break;
        closed = read == Stream::Read::Closed;
        reader.add(bytes);
        if (reader.held() > kMaxEventBytes)
            return std::unexpected(StepError{"an event is larger than 16 MiB", ""});
    }
    answer.set("closed", closed);
    set_messages(answer, std::move(events));
    return answer;
}

constexpr Key kWsKeys[] = {
    {"headers", Shape::Object, "Request headers; a list repeats one."},
    {"query", Shape::Object, "Added to the path."},
    {"auth", Shape::Text, "The Authorization header."},
    {"from", Shape::Text, "Address that the viewer comes from, in 127.0.0.0/8."},
    {"send", Shape::Any, "A message or a list of them; objects go as JSON."},
    {"messages", Shape::Number, "So many messages end the step (default: as many as were sent)."},
    {"for", Shape::Duration, "At most so long (5s)."},
};
constexpr Key kSseKeys[] = {
    {"headers", Shape::Object, "Request headers; a list repeats one."},
    {"query", Shape::Object, "Added to the path."},
    {"auth", Shape::Text, "The Authorization header."},
    {"from", Shape::Text, "Address that the viewer comes from, in 127.0.0.0/8."},
    {"events", Shape::Number, "So many events end the step (1)."},
    {"for", Shape::Duration, "At most so long (5s)."},
};
constexpr std::string_view kWsExpects[] = {"$",     "status", "header.", "http",
                                           "cache", "count",  "closed",  "code"};
constexpr std::string_view kSseExpects[] = {"$",     "status", "header.", "http",
                                            "cache", "count",  "closed"};

constexpr Verb kVerbs[] = {
    {{"ws", Shape::Target, "A WebSocket: what was sent, and the messages that came, as a list."},
     kWsKeys,
     kWsExpects,
     true,
     ws},
    {{"sse", Shape::Target, "Server-sent events: { event, data, id } each, as a list."},
     kSseKeys,
     kSseExpects,
     true,
     sse},
};

}  // namespace

const std::span<const Verb> stream_verbs = kVerbs;

}  // namespace scenarios

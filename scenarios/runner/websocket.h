// WebSocket, the client's side (RFC 6455): the handshake's key and its answer, frames out and in.
// Pure; no extension is offered.
#pragma once
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace scenarios {

std::string websocket_accept(std::string_view key);

enum class Opcode : uint8_t {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10
};

// `mask`: four bytes.
std::string websocket_frame(Opcode opcode, std::string_view payload, std::string_view mask);

struct Message {
    Opcode opcode = Opcode::Text;
    std::string payload;  // of a message in pieces: all of it
};

// Takes bytes, gives whole messages; control frames come between the pieces of others.
class FrameReader {
  public:
    void add(std::string_view bytes) { text_ += bytes; }
    // Nothing: more bytes are needed. An error is one sentence.
    std::expected<std::optional<Message>, std::string> next();

  private:
    std::string text_;
    std::optional<Message> begun_;
};

}  // namespace scenarios

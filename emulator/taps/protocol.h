// What a tap knows of a wire protocol: it sees the bytes of both directions as they pass, finds the
// commands and their answers in them, and speaks for the server while a fault asks for it.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/faults.h"
#include "net/socket.h"

namespace taps {

// One command with its complete answer.
struct Command {
    std::string verb;     // "QUERY", "EXECUTE", "GET"
    std::string text;     // the statement, the arguments; cut at kMaxCommandText
    int error_code = 0;   // the server's, 0 = none
    std::string outcome;  // "3 rows", "affected 1", "OK", the error's text
    std::chrono::steady_clock::time_point begun, ended;
};

inline constexpr size_t kMaxCommandText = 512;

class Protocol {
  public:
    virtual ~Protocol() = default;

    // Bytes on their way; gives what to send on. `reply` goes back to where they came from.
    virtual std::string from_client(std::string_view bytes,
                                    const std::optional<faults::Fault>& fault,
                                    std::string& reply) = 0;
    virtual std::string from_server(std::string_view bytes) = 0;
    // The client asked to go on in TLS with the bytes it sent last; the tap ends it.
    virtual bool wants_tls() { return false; }
    std::vector<Command> take_commands() { return std::exchange(done_, {}); }

  protected:
    std::vector<Command> done_;
};

}  // namespace taps

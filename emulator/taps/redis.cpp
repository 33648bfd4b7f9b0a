// Redis' protocol beside the bytes: commands and answers follow each other in order on a
// connection, until it subscribes; from then on it passes without spans.
#include "taps/redis.h"

#include <fmt/format.h>

#include <deque>

#include "base/text.h"

namespace taps {
namespace {

constexpr size_t kMaxHeld =
    1 << 20;  // of an unfinished value; past it the connection passes unobserved
constexpr int kMaxDepth = 16;

// One RESP value at `at`: its end, or nothing while it is incomplete. Malformed gives npos - 1.
constexpr size_t kIncomplete = std::string_view::npos;
constexpr size_t kMalformed = std::string_view::npos - 1;

size_t value_end(std::string_view bytes, size_t at, int depth = 0) {
    if (depth > kMaxDepth) return kMalformed;
    if (at >= bytes.size()) return kIncomplete;
    auto line_end = bytes.find("\r\n", at);
    if (line_end == std::string_view::npos) return kIncomplete;
    const std::string_view line = bytes.substr(at + 1, line_end - at - 1);
    const size_t after = line_end + 2;
    switch (bytes[at]) {
        case '+':
        case '-':
        case ':':
        case '_':
        case ',':
        case '#':
        case '(': return after;
        case '$':
        case '=':
        case '!': {
            auto size = base::parse_signed(line);
            if (!size) return kMalformed;
            if (*size < 0) return after;
            const size_t end = after + static_cast<size_t>(*size) + 2;
            return end <= bytes.size() ? end : kIncomplete;
        }
        case '*':
        case '~':
        case '>':
        case '%':
        case '|': {
            auto count = base::parse_signed(line);
            if (!count) return kMalformed;
            size_t position = after;
            const int64_t values = (bytes[at] == '%' || bytes[at] == '|') ? *count * 2 : *count;
            for (int64_t i = 0; i < values; ++i) {
                position = value_end(bytes, position, depth + 1);
                if (position >= kMalformed) return position;
            }
            // An attribute stands before the value it describes.
            return bytes[at] == '|' ? value_end(bytes, position, depth + 1) : position;
        }
        default: {
            return kMalformed;
        }
    }
}

// The words of a command: an array of bulk strings, or one inline line.
std::vector<std::string_view> words(std::string_view value) {
    std::vector<std::string_view> out;
    if (value.empty() || value[0] != '*') return out;
    size_t at = value.find("\r\n") + 2;
    while (at < value.size() && value[at] == '$') {
        auto line_end = value.find("\r\n", at);
        if (line_end == std::string_view::npos) break;
        auto size = base::parse_unsigned(value.substr(at + 1, line_end - at - 1)).value_or(0);
        out.push_back(value.substr(line_end + 2, size));
        at = line_end + 2 + size + 2;
    }
    return out;
}

bool is_write(std::string_view verb) {
    for (std::string_view write :
         {"SET",     "SETEX",  "PSETEX",   "SETNX",    "GETSET",  "GETDEL",  "GETEX",  "DEL",
          "UNLINK",  "EXPIRE", "PEXPIRE",  "EXPIREAT", "PERSIST", "INCR",    "INCRBY", "DECR",
          "DECRBY",  "APPEND", "MSET",     "HSET",     "HDEL",    "HINCRBY", "LPUSH",  "RPUSH",
          "LPOP",    "RPOP",   "LTRIM",    "SADD",     "SREM",    "SPOP",    "ZADD",   "ZREM",
          "ZINCRBY", "RENAME", "FLUSHALL", "FLUSHDB",  "XADD",    "XDEL",    "EVAL",   "EVALSHA"})
        if (verb == write) return true;
    return false;
}

class Redis final : public Protocol {
  public:
    std::string from_client(std::string_view bytes, const std::optional<faults::Fault>& fault,
                            std::string& reply) override {
        if (unobserved_) return std::string(bytes);
        client_ += bytes;
        std::string on;
        size_t at = 0;
        while (at < client_.size()) {
            const size_t end = value_end(client_, at);
            if (end == kIncomplete) break;
            if (end ==
                kMalformed) {  // an inline command, or nothing we know: pass the rest as it is
                unobserved_ = true;
                on += client_.substr(at);
                client_.clear();
                return on;
            }
            const std::string_view value = std::string_view(client_).substr(at, end - at);
            if (auto refusal = command(value, fault); !refusal.empty())
                reply += refusal;
            else
                on += value;
            at = end;
        }
        client_.erase(0, at);
        if (client_.size() > kMaxHeld) {
            unobserved_ = true;
            on += std::exchange(client_, {});
        }
        return on;
    }

    std::string from_server(std::string_view bytes) override {
        if (unobserved_) return std::string(bytes);
        server_ += bytes;
        size_t at = 0;
        while (at < server_.size()) {
            const size_t end = value_end(server_, at);
            if (end == kIncomplete) break;
            if (end == kMalformed) {
                unobserved_ = true;
                break;
            }
            if (server_[at] != '>') answer(std::string_view(server_).substr(at, end - at));
            at = end;
        }
        server_.erase(0, at);
        if (server_.size() > kMaxHeld) unobserved_ = true;
        return std::string(bytes);
    }

  private:
    // Gives the answer to send in the server's place, or "".
    std::string command(std::string_view value, const std::optional<faults::Fault>& fault) {
        auto parts = words(value);
        Command command;
        command.begun = std::chrono::steady_clock::now();
        command.verb = parts.empty() ? "?" : base::upper(parts[0]);
        const bool hidden = command.verb == "AUTH" || command.verb == "HELLO" ||
                            command.verb == "ACL" || command.verb == "CONFIG";
        for (size_t i = 1; i < parts.size() && command.text.size() < kMaxCommandText; ++i)
            command.text += fmt::format("{}{}", i > 1 ? " " : "",
                                        hidden ? std::string_view("***") : parts[i].substr(0, 128));
        if (command.verb == "SUBSCRIBE" || command.verb == "PSUBSCRIBE" ||
            command.verb == "SSUBSCRIBE" || command.verb == "MONITOR")
            unobserved_ = true;

        std::string refusal;
        if (fault && fault->kind == faults::Kind::ReadOnly && is_write(command.verb))
            refusal = "-READONLY You can't write against a read only replica.\r\n";
        if (fault && fault->kind == faults::Kind::Error)
            refusal = "-ERR a fault that was set on purpose\r\n";
        if (!refusal.empty()) {
            command.ended = command.begun;
            command.error_code = 1;
            command.outcome = "fault: " + refusal.substr(1, refusal.size() - 3);
            done_.push_back(std::move(command));
            return refusal;
        }
        waiting_.push_back(std::move(command));
        return {};
    }

    void answer(std::string_view value) {
        if (waiting_.empty()) return;
        Command command = std::move(waiting_.front());
        waiting_.pop_front();
        command.ended = std::chrono::steady_clock::now();
        const std::string_view line = value.substr(1, value.find("\r\n") - 1);
        switch (value[0]) {
            case '-':
            case '!':
                command.error_code = 1;
                command.outcome = std::string(line);
                break;
            case '$':
                command.outcome = line == "-1" ? "nothing" : fmt::format("{} bytes", line);
                break;
            case '_': command.outcome = "nothing"; break;
            case '*':
            case '~':
            case '%': command.outcome = fmt::format("{} items", line); break;
            default: command.outcome = std::string(line); break;
        }
        done_.push_back(std::move(command));
    }

    bool unobserved_ = false;
    std::string client_, server_;
    std::deque<Command> waiting_;
};

}  // namespace

std::unique_ptr<Protocol> redis_protocol() {
    return std::make_unique<Redis>();
}

}  // namespace taps

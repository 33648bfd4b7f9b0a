// MySQL's protocol beside the bytes: the greeting loses compression, a login in TLS is renumbered,
// and from then on every packet with number 0 begins a command whose answer is followed to its end.
#include "taps/mysql.h"

#include <fmt/format.h>

#include "base/text.h"

namespace taps {
namespace {

constexpr uint32_t kClientMysql = 1, kClientCompress = 1 << 5, kClientSsl = 1 << 11,
                   kClientDeprecateEof = 1 << 24;
constexpr uint32_t kClientZstd = 1 << 26;
constexpr uint16_t kMoreResults = 0x0008;
constexpr size_t kHeader = 4;
constexpr size_t kSslRequestBytes = 32;
constexpr size_t kMaxHeld =
    64 * 1024;  // what is kept of one packet: enough for a statement's beginning

uint32_t little(std::string_view bytes, size_t at, size_t count) {
    uint32_t value = 0;
    for (size_t i = 0; i < count && at + i < bytes.size(); ++i)
        value |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
    return value;
}

void put_little(std::string& bytes, size_t at, size_t count, uint32_t value) {
    for (size_t i = 0; i < count && at + i < bytes.size(); ++i)
        bytes[at + i] = static_cast<char>(value >> (8 * i));
}

uint64_t length_encoded(std::string_view bytes, size_t& at) {
    if (at >= bytes.size()) return 0;
    const auto first = static_cast<unsigned char>(bytes[at++]);
    const size_t count = first == 0xfc ? 2 : first == 0xfd ? 3 : first == 0xfe ? 8 : 0;
    if (count == 0) return first;
    uint64_t value = little(bytes, at, std::min<size_t>(count, 4));
    at += count;
    return value;
}

// Cuts a stream into packets; of each it keeps at most kMaxHeld bytes.
struct Packets {
    std::string header, payload;
    size_t size = 0, seen = 0;
    bool in_payload = false;

    // Calls `done(sequence, payload, size)` for each packet that ends in `bytes`.
    template <class Done>
    void feed(std::string_view bytes, Done done) {
        while (!bytes.empty()) {
            if (!in_payload) {
                size_t take = std::min(kHeader - header.size(), bytes.size());
                header += bytes.substr(0, take);
                bytes.remove_prefix(take);
                if (header.size() < kHeader) return;
                size = little(header, 0, 3);
                seen = 0;
                payload.clear();
                in_payload = true;
            }
            size_t take = std::min(size - seen, bytes.size());
            if (payload.size() < kMaxHeld)
                payload += bytes.substr(0, std::min(take, kMaxHeld - payload.size()));
            seen += take;
            bytes.remove_prefix(take);
            if (seen < size) return;
            const auto sequence = static_cast<unsigned char>(header[3]);
            header.clear();
            in_payload = false;
            done(sequence, std::string_view(payload), size);
        }
    }
};

std::string packet(unsigned char sequence, std::string_view payload) {
    std::string bytes(kHeader, '\0');
    put_little(bytes, 0, 3, static_cast<uint32_t>(payload.size()));
    bytes[3] = static_cast<char>(sequence);
    return bytes.append(payload);
}

std::string error_packet(unsigned char sequence, int code, std::string_view state,
                         std::string_view text) {
    std::string payload("\xff\0\0", 3);
    put_little(payload, 1, 2, static_cast<uint32_t>(code));
    return packet(sequence, payload + "#" + std::string(state) + std::string(text));
}

bool is_write(std::string_view sql) {
    sql = base::trim(sql);
    const std::string verb = base::upper(sql.substr(0, sql.find_first_of(" \t\r\n(")));
    for (std::string_view write : {"INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "ALTER",
                                   "DROP", "TRUNCATE", "GRANT", "REVOKE", "RENAME", "LOAD"})
        if (verb == write) return true;
    return false;
}

class MySql final : public Protocol {
  public:
    std::string from_client(std::string_view bytes, const std::optional<faults::Fault>& fault,
                            std::string& reply) override {
        if (phase_ == Phase::Login) return login_from_client(bytes);
        if (fault &&
            (fault->kind == faults::Kind::ReadOnly || fault->kind == faults::Kind::Error) &&
            answer_.empty())
            return held_from_client(bytes, *fault, reply);
        std::string on = std::exchange(held_, {}) + std::string(bytes);
        client_.feed(on, [&](unsigned char sequence, std::string_view payload, size_t) {
            command(sequence, payload);
        });
        return on;
    }

    std::string from_server(std::string_view bytes) override {
        if (phase_ == Phase::Greeting) return greeting(bytes);
        if (phase_ == Phase::Login) return login_from_server(bytes);
        server_.feed(bytes, [&](unsigned char, std::string_view payload, size_t size) {
            answer(payload, size);
        });
        return std::string(bytes);
    }

    bool wants_tls() override { return std::exchange(wants_tls_, false); }

  private:
    enum class Phase { Greeting, Login, Commands };
    enum class Step { First, ColumnDefinitions, ColumnsEof, Rows, PrepareParts };
    struct Pending {
        Command command;
        char code = 0;
    };

    // ---- Before the first command ----

    std::string greeting(std::string_view bytes) {
        held_ += bytes;
        if (held_.size() < kHeader || held_.size() < kHeader + little(held_, 0, 3)) return {};
        std::string packet = std::exchange(held_, {});
        phase_ = Phase::Login;
        if (static_cast<unsigned char>(packet[kHeader]) == 0xff)
            return packet;  // "too many connections"
        auto version_end = packet.find('\0', kHeader + 1);
        const size_t flags = version_end + 1 + 4 + 8 + 1;
        if (version_end == std::string::npos || packet.size() < flags + 7) return packet;
        uint32_t capabilities = little(packet, flags, 2) | little(packet, flags + 5, 2) << 16;
        capabilities = (capabilities & ~(kClientCompress | kClientZstd)) | kClientSsl;
        put_little(packet, flags, 2, capabilities & 0xffff);
        put_little(packet, flags + 5, 2, capabilities >> 16);
        // MariaDB's own further capabilities: blank, so that nothing unknown is agreed upon.
        if (!(capabilities & kClientMysql) && packet.size() >= flags + 18)
            put_little(packet, flags + 14, 4, 0);
        server_flags_ = capabilities;
        return packet;
    }

    std::string login_from_client(std::string_view bytes) {
        held_ += bytes;
        std::string on;
        while (held_.size() >= kHeader && held_.size() >= kHeader + little(held_, 0, 3)) {
            const size_t size = kHeader + little(held_, 0, 3);
            std::string packet = held_.substr(0, size);
            held_.erase(0, size);
            if (first_login_packet_ && size == kHeader + kSslRequestBytes &&
                (little(packet, kHeader, 4) & kClientSsl)) {
                wants_tls_ = true;
                shift_ = 1;
                continue;
            }
            if (first_login_packet_) {
                uint32_t flags = little(packet, kHeader, 4) & ~kClientSsl;
                put_little(packet, kHeader, 4, flags);
                deprecate_eof_ =
                    (flags & kClientDeprecateEof) && (server_flags_ & kClientDeprecateEof);
                first_login_packet_ = false;
            }
            packet[3] = static_cast<char>(packet[3] - shift_);
            on += packet;
        }
        return on;
    }

    std::string login_from_server(std::string_view bytes) {
        std::string on(bytes);
        // Renumber each packet that begins here; login packets are small and come whole.
        size_t at = 0;
        while (at + kHeader < on.size()) {
            on[at + 3] = static_cast<char>(on[at + 3] + shift_);
            const auto kind = static_cast<unsigned char>(on[at + kHeader]);
            if (kind == 0x00 || kind == 0xff) phase_ = Phase::Commands;
            at += kHeader + little(on, at, 3);
        }
        return on;
    }

    // ---- Commands ----

    void command(unsigned char sequence, std::string_view payload) {
        if (sequence != 0 || payload.empty()) return;
        Pending pending;
        pending.code = payload[0];
        pending.command.begun = std::chrono::steady_clock::now();
        std::string_view rest = payload.substr(1);
        switch (pending.code) {
            case 0x02: pending.command = named("USE", rest); break;
            case 0x03: pending.command = named("QUERY", rest); break;
            case 0x0e: pending.command = named("PING", {}); break;
            case 0x16: pending.command = named("PREPARE", rest); break;
            case 0x17:
                pending.command = named("EXECUTE", statements_[little(payload, 1, 4)]);
                break;
            case 0x19: statements_.erase(little(payload, 1, 4)); return;  // no answer
            case 0x18: return;                                            // no answer
            case 0x01: return;
            default:
                pending.command =
                    named(fmt::format("COMMAND {}", static_cast<int>(pending.code)), {});
                break;
        }
        answer_.push_back(std::move(pending));
        if (answer_.size() == 1) step_ = Step::First;
    }

    static Command named(std::string verb, std::string_view text) {
        Command command;
        command.verb = std::move(verb);
        command.text = std::string(text.substr(0, kMaxCommandText));
        command.begun = std::chrono::steady_clock::now();
        return command;
    }

    // Whole packets, so that one can be answered in the server's place.
    std::string held_from_client(std::string_view bytes, const faults::Fault& fault,
                                 std::string& reply) {
        held_ += bytes;
        std::string on;
        while (held_.size() >= kHeader && held_.size() >= kHeader + little(held_, 0, 3)) {
            const size_t size = kHeader + little(held_, 0, 3);
            std::string packet = held_.substr(0, size);
            held_.erase(0, size);
            const char code = packet.size() > kHeader ? packet[kHeader] : '\0';
            const std::string sql = code == 0x03 || code == 0x16 ? packet.substr(kHeader + 1)
                                    : code == 0x17 ? statements_[little(packet, kHeader + 1, 4)]
                                                   : std::string();
            const bool refuse = fault.kind == faults::Kind::ReadOnly
                                    ? is_write(sql)
                                    : code == 0x03 || code == 0x16 || code == 0x17;
            if (!refuse) {
                client_.feed(packet, [&](unsigned char sequence, std::string_view payload, size_t) {
                    command(sequence, payload);
                });
                on += packet;
                continue;
            }
            const int error = fault.kind == faults::Kind::ReadOnly ? 1290 : 1105;
            const std::string text = fault.kind == faults::Kind::ReadOnly
                                         ? "The MariaDB server is running with the --read-only "
                                           "option so it cannot execute this statement"
                                         : "Unknown error (a fault that was set on purpose)";
            reply += error_packet(1, error, "HY000", text);
            Command refused = named(code == 0x03   ? "QUERY"
                                    : code == 0x16 ? "PREPARE"
                                                   : "EXECUTE",
                                    sql);
            refused.error_code = error;
            refused.outcome = "fault: " + text;
            refused.ended = refused.begun;
            done_.push_back(std::move(refused));
        }
        return on;
    }

    void finish(std::string outcome, int error_code = 0) {
        Command command = std::move(answer_.front().command);
        answer_.pop_front();
        command.ended = std::chrono::steady_clock::now();
        command.outcome = std::move(outcome);
        command.error_code = error_code;
        done_.push_back(std::move(command));
        step_ = Step::First;
        rows_ = 0;
    }

    void answer(std::string_view payload, size_t size) {
        if (answer_.empty() || payload.empty()) return;
        const auto kind = static_cast<unsigned char>(payload[0]);
        if (kind == 0xff && step_ != Step::ColumnDefinitions) {
            auto text = payload.size() > 9 && payload[3] == '#'
                            ? payload.substr(9)
                            : payload.substr(std::min<size_t>(3, payload.size()));
            return finish(std::string(text), static_cast<int>(little(payload, 1, 2)));
        }
        switch (step_) {
            case Step::First: return first_packet(kind, payload);
            case Step::PrepareParts:
                if (--parts_left_ == 0) finish("prepared");
                return;
            case Step::ColumnDefinitions:
                if (--columns_left_ == 0) step_ = deprecate_eof_ ? Step::Rows : Step::ColumnsEof;
                return;
            case Step::ColumnsEof: step_ = Step::Rows; return;
            case Step::Rows:
                if (kind == 0xfe && size < 0xffffff && (deprecate_eof_ || size < 9))
                    return end_of_rows(payload);
                ++rows_;
                return;
        }
    }

    void first_packet(unsigned char kind, std::string_view payload) {
        const char code = answer_.front().code;
        if (code == 0x16) {  // PREPARE: its id, then definitions of parameters and of columns, each
                             // with an end mark of its own
            if (kind != 0x00) return finish("");
            statements_[little(payload, 1, 4)] = answer_.front().command.text;
            const uint32_t columns = little(payload, 5, 2), parameters = little(payload, 7, 2);
            const uint32_t marks = deprecate_eof_ ? 0 : 1;
            parts_left_ = (columns ? columns + marks : 0) + (parameters ? parameters + marks : 0);
            if (parts_left_ == 0) return finish("prepared");
            step_ = Step::PrepareParts;
            return;
        }
        if (kind == 0x00 || code == 0x0e || (code != 0x03 && code != 0x17)) {
            size_t at = 1;
            const uint64_t affected = length_encoded(payload, at);
            (void)length_encoded(payload, at);
            const uint32_t status = little(payload, at, 2);
            if (status & kMoreResults) return;  // the next result set begins
            return finish(code == 0x03 || code == 0x17 ? fmt::format("affected {}", affected)
                                                       : "OK");
        }
        if (kind == 0xfb) return;  // LOCAL INFILE: the client sends the file, an OK follows
        size_t at = 0;
        columns_left_ = length_encoded(payload, at);
        step_ = Step::ColumnDefinitions;
    }

    void end_of_rows(std::string_view payload) {
        size_t at = 1;
        uint32_t status;
        if (deprecate_eof_) {
            (void)length_encoded(payload, at);
            (void)length_encoded(payload, at);
            status = little(payload, at, 2);
        } else {
            status = little(payload, 3, 2);
        }
        if (status & kMoreResults) {
            step_ = Step::First;
            return;
        }
        finish(fmt::format("{} row{}", rows_, rows_ == 1 ? "" : "s"));
    }

    Phase phase_ = Phase::Greeting;
    Step step_ = Step::First;
    bool wants_tls_ = false, first_login_packet_ = true, deprecate_eof_ = false;
    int shift_ = 0;
    uint32_t server_flags_ = 0;
    std::string held_;
    Packets client_, server_;
    std::deque<Pending> answer_;
    std::map<uint32_t, std::string> statements_;
    uint64_t rows_ = 0, columns_left_ = 0, parts_left_ = 0;
};

}  // namespace

std::unique_ptr<Protocol> mysql_protocol() {
    return std::make_unique<MySql>();
}

}  // namespace taps

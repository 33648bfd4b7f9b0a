// One attempt at an origin or target: a pooled connection that still lives, else a new one; the
// request out, the response's head in. RFC 9112 §9.3 for reuse, RFC 9110 §10.1.1 and §15.2 for 1xx.
#include "http/upstream.h"

#include <sys/socket.h>

#include <algorithm>
#include <optional>

#include "base/result.h"
#include "http/http1.h"
#include "http/stream_body.h"

namespace http {

namespace {

using http1::BodyKind;
using SteadyClock = std::chrono::steady_clock;

constexpr size_t kSendBytes = 32 * 1024;
constexpr size_t kMaxInterim = 16;  // 1xx heads before an answer

struct Connection {
    net::Socket socket;
    ReadBuffer buffer;
    std::string out;
    std::optional<http1::HeadReader>
        reader;  // its lists keep their room from one answer to the next
    net::Address peer;
    SteadyClock::time_point idle_since;
};

std::chrono::microseconds since(SteadyClock::time_point start) {
    return std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - start);
}

// Idle connections by endpoint.
class Pool {
  public:
    explicit Pool(size_t max_idle_per_endpoint) : max_idle_per_endpoint_(max_idle_per_endpoint) {}

    // One that still lives and was not idle for longer than `max_idle`; nullptr if none.
    std::unique_ptr<Connection> take(std::string_view key, std::chrono::milliseconds max_idle);
    void give_back(const std::string& key, std::unique_ptr<Connection> connection);
    void close_idle(std::string_view key);
    size_t size() const;

  private:
    using Idle = std::vector<std::unique_ptr<Connection>>;

    const size_t max_idle_per_endpoint_;
    mutable std::mutex mutex_;
    std::map<std::string, Idle, std::less<>> idle_;
};

std::unique_ptr<Connection> Pool::take(std::string_view key, std::chrono::milliseconds max_idle) {
    const auto oldest_wanted = SteadyClock::now() - max_idle;
    Idle dead;  // closed after the lock
    while (true) {
        std::unique_ptr<Connection> connection;
        {
            std::lock_guard lock(mutex_);
            const auto pool = idle_.find(key);
            if (pool == idle_.end()) return nullptr;
            // The last one given back is the first one taken: it is the likeliest to live. One that
            // another loop watches stays for a session there.
            auto& idle = pool->second;
            const auto found = std::find_if(idle.rbegin(), idle.rend(), [](const auto& candidate) {
                return candidate->socket.belongs_here();
            });
            if (found == idle.rend()) return nullptr;
            connection = std::move(*found);
            idle.erase(std::next(found).base());
            const bool too_old = connection->idle_since < oldest_wanted;
            if (idle.empty()) idle_.erase(pool);
            if (too_old) {
                dead.push_back(std::move(connection));
                continue;
            }
        }
        // An idle connection has nothing to say: readable means its end, or bytes nobody asked for.
        if (!connection->socket.readable_now()) return connection;
        dead.push_back(std::move(connection));
    }
}

void Pool::give_back(const std::string& key, std::unique_ptr<Connection> connection) {
    if (!connection->buffer.empty()) return;  // more than one answer: nobody's
    connection->buffer.shrink();
    connection->idle_since = SteadyClock::now();
    std::lock_guard lock(mutex_);
    auto& pool = idle_[key];
    if (pool.size() < max_idle_per_endpoint_) pool.push_back(std::move(connection));
}

void Pool::close_idle(std::string_view key) {
    Idle dead;
    std::lock_guard lock(mutex_);
    const auto pool = idle_.find(key);
    if (pool == idle_.end()) return;
    dead = std::move(pool->second);
    idle_.erase(pool);
}

size_t Pool::size() const {
    std::lock_guard lock(mutex_);
    size_t count = 0;
    for (const auto& [key, pool] : idle_)
        count += pool.size();
    return count;
}

Result<std::unique_ptr<Connection>> dial(const net::Resolver& resolver, const Endpoint& to,
                                         const AttemptTimeouts& timeouts) {
    net::leave_loop();  // a task's network makes its sockets in another process
    auto socket = resolver.dial(to.host, to.port, net::Deadline::after(timeouts.connect));
    if (!socket) return std::unexpected(from_net(socket.error(), Error::Source::Origin, true));
    auto connection = std::make_unique<Connection>();
    connection->socket = std::move(*socket);
    connection->peer = connection->socket.peer();
    if (to.tls) {
        const auto shaken = to.tls->connect(connection->socket, to.server_name,
                                            net::Deadline::after(timeouts.tls_handshake));
        if (!shaken) {
            Error error = from_net(shaken.error(), Error::Source::Origin, true);
            const bool waited = error.kind == Error::Kind::ConnectTimeout;
            if (!waited) error.kind = Error::Kind::Tls;
            return std::unexpected(std::move(error));
        }
    }
    return connection;
}

// Its connection returns to where it came from when the response goes.
class Response final : public UpstreamResponse {
  public:
    Response(std::unique_ptr<Connection> connection, std::shared_ptr<Pool> pool, std::string key,
             bool reused)
        : connection_(std::move(connection)),
          body_(connection_->socket, connection_->buffer, Error::Source::Origin),
          reused_(reused),
          pool_(std::move(pool)),
          key_(std::move(key)) {}
    ~Response() override {
        unwatch();
        if (keeps_ && body_.at_end()) pool_->give_back(key_, std::move(connection_));
    }

    ResponseHead& head() override { return head_; }
    BodyReader& body() override { return body_; }
    bool reused_connection() const override { return reused_; }
    net::Address peer() const override { return connection_->peer; }
    std::chrono::microseconds connect_took() const override { return connect_took_; }
    std::chrono::microseconds first_byte_took() const override { return first_byte_took_; }
    net::Socket take_socket(std::string& early) override {
        keeps_ = false;
        unwatch();
        early.assign(connection_->buffer.view());
        connection_->buffer.consume(connection_->buffer.size());
        return std::move(connection_->socket);
    }

    void watch(Cancellation* cancellation) {
        cancellation_ = cancellation;
        if (cancellation_) cancellation_->watch(connection_->socket.descriptor());
    }
    void unwatch() {
        if (!cancellation_) return;
        cancellation_->unwatch();
        if (cancellation_->is_cancelled()) keeps_ = false;
        cancellation_ = nullptr;
    }

    std::unique_ptr<Connection> connection_;
    ResponseHead head_;
    StreamBody body_;
    bool reused_;
    bool keeps_ = false;  // both sides allow another request
    std::shared_ptr<Pool> pool_;
    std::string key_;
    std::chrono::microseconds connect_took_{0}, first_byte_took_{0};
    Cancellation* cancellation_ = nullptr;
};

// Sends one request and reads the head of its answer.
class Attempt {
  public:
    Attempt(Response& response, const UpstreamLimits& limits, const RequestHead& request,
            BodyReader* body, const AttemptTimeouts& timeouts)
        : response_(response),
          connection_(*response.connection_),
          request_(request),
          body_(body),
          timeouts_(timeouts),
          reader_(reader_of(connection_, limits.max_response_head_bytes)) {}

    Result<void> run() {
        const auto sent = send_request();
        if (!sent && !(sent.error().source == Error::Source::Origin &&
                       peer_may_have_answered(sent.error()))) {
            return std::unexpected(classify(sent.error()));
        }
        sent_at_ = SteadyClock::now();
        gave_up_ = gave_up_ || !sent;
        while (!has_answer_) {
            // A peer that refused our bytes has answered already, or never will.
            const auto deadline =
                sent ? net::Deadline::after(timeouts_.first_byte) : net::Deadline::now();
            const auto read = read_head(deadline);
            if (!read && !sent) return std::unexpected(classify(sent.error()));
            if (!read) return std::unexpected(classify(read.error()));
        }
        if (gave_up_) response_.keeps_ = false;
        return {};
    }

  private:
    static bool peer_may_have_answered(const Error& error) {
        return error.kind == Error::Kind::Reset;
    }

    // RFC 9112 §9.3.1: a kept connection that dies before a byte of the answer was probably closed
    // by the peer while idle. Whether the request may be sent twice is the caller's to know, save
    // for a body that is gone.
    Error classify(Error error) const {
        const bool died = error.kind == Error::Kind::Reset || error.kind == Error::Kind::Closed;
        const bool safe = response_.reused_ && died && error.source == Error::Source::Origin &&
                          !got_bytes_ && body_bytes_ == 0;
        error.retry = safe ? Error::Retry::OnFreshConnection : Error::Retry::Never;
        return error;
    }

    Result<void> send_request() {
        std::string& out = connection_.out;
        out.clear();
        const auto length = body_ ? body_->length() : std::optional<uint64_t>(0);
        BodyKind kind = BodyKind::None;
        if (!length)
            kind = BodyKind::Chunked;
        else if (*length > 0 || request_.headers.get("content-length") == "0")
            kind = BodyKind::Length;
        http1::append_request_head(out, request_, kind, length.value_or(0));
        if (!length || *length > 0) return send_with_body(kind, length);
        return send(out, {});
    }

    Result<void> send_with_body(BodyKind kind, std::optional<uint64_t> length) {
        const auto buffer = std::make_unique_for_overwrite<char[]>(kSendBytes);
        std::string& out = connection_.out;
        while (true) {
            // The first bytes share the head's system call if they are there already.
            const bool head_waits = body_bytes_ == 0 && !out.empty();
            auto got = body_->read({buffer.get(), kSendBytes},
                                   head_waits ? net::Deadline::now() : between());
            if (!got && head_waits && got.error().kind == Error::Kind::ReadTimeout) {
                TRY(send(out, {}));
                out.clear();
                continue;
            }
            const size_t size = TRY(std::move(got));
            if (size == 0) break;
            body_bytes_ += size;
            if (kind == BodyKind::Chunked) http1::append_chunk_size(out, size);
            TRY(send(out, {buffer.get(), size}));
            out.clear();
            if (kind == BodyKind::Chunked) out += "\r\n";
            if (length && body_bytes_ >= *length) break;
            if (TRY(answered_early())) return {};
        }
        if (kind == BodyKind::Chunked) {
            http1::append_last_chunk(out, body_->trailers());
            TRY(send(out, {}));
        }
        return {};
    }

    // An answer before the body is through: interim heads are consumed, an error ends the sending
    // (the peer may not read on), success goes on sending while the answer waits.
    Result<bool> answered_early() {
        while (!has_answer_ && connection_.socket.readable_now())
            TRY(read_head(between()));
        const bool refused = has_answer_ && response_.head_.status >= 300;
        if (refused) gave_up_ = true;
        return refused;
    }

    // Reads one head; has_answer_ unless it was an interim one.
    Result<void> read_head(net::Deadline deadline) {
        reader_.restart();
        auto& buffer = connection_.buffer;
        auto progress = buffer.empty() ? http1::Progress::NeedMore : reader_.advance(buffer.view());
        while (progress == http1::Progress::NeedMore) {
            const auto got = buffer.fill(connection_.socket, deadline);
            if (!got) return std::unexpected(from_net(got.error(), Error::Source::Origin, false));
            if (*got == 0) {
                const char* text = got_bytes_ ? "the connection ended within the response head"
                                              : "the connection ended before a response";
                return std::unexpected(fault(Error::Kind::Closed, text));
            }
            got_bytes_ = true;
            progress = reader_.advance(buffer.view());
        }
        got_bytes_ = true;
        if (progress == http1::Progress::Oversized) {
            return std::unexpected(fault(Error::Kind::TooLarge, "the response head is too large"));
        }
        auto& head = response_.head_;
        const auto framing = http1::fill(buffer.view(), reader_.spans(), head, request_.method);
        if (std::ranges::find(head.anomalies, Anomaly::BadStatusLine) != head.anomalies.end()) {
            return std::unexpected(fault(Error::Kind::Malformed, "the status line is malformed"));
        }
        buffer.consume(reader_.spans().size_bytes);
        if (head.status < 200 && head.status != 101) {
            if (++interim_ > kMaxInterim) {
                return std::unexpected(fault(Error::Kind::Malformed, "too many interim responses"));
            }
            return {};
        }
        if (framing.body == BodyKind::Undecidable) {
            return std::unexpected(
                fault(Error::Kind::Malformed, "the response's length cannot be decided"));
        }
        has_answer_ = true;
        response_.body_.start(framing);
        response_.keeps_ = framing.keep_alive && head.status != 101 && asks_to_keep();
        response_.first_byte_took_ =
            sent_at_ == SteadyClock::time_point() ? std::chrono::microseconds(0) : since(sent_at_);
        return {};
    }

    bool asks_to_keep() const {
        const std::string* connection = request_.headers.find("connection");
        return !connection || !http1::has_token(*connection, "close");
    }

    Result<void> send(std::string_view first, std::string_view second) {
        const auto sent = connection_.socket.write_all(first, second, between());
        if (sent) return {};
        Error error = from_net(sent.error(), Error::Source::Origin, false);
        if (error.kind == Error::Kind::ReadTimeout) error.kind = Error::Kind::WriteTimeout;
        return std::unexpected(std::move(error));
    }

    net::Deadline between() const { return net::Deadline::after(timeouts_.between_bytes); }
    static Error fault(Error::Kind kind, std::string text) {
        return {kind, Error::Source::Origin, Error::Retry::Never, std::move(text)};
    }

    Response& response_;
    Connection& connection_;
    const RequestHead& request_;
    BodyReader* body_;
    const AttemptTimeouts& timeouts_;
    static http1::HeadReader& reader_of(Connection& connection, size_t limit) {
        if (!connection.reader)
            connection.reader.emplace(http1::MessageKind::Response,
                                      http1::Limits{limit, limit, limit});
        return *connection.reader;
    }

    http1::HeadReader& reader_;
    SteadyClock::time_point sent_at_{};
    uint64_t body_bytes_ = 0;
    size_t interim_ = 0;
    bool got_bytes_ = false;
    bool has_answer_ = false;
    bool gave_up_ = false;  // the request was not sent to its end
};

}  // namespace

void Cancellation::cancel() {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_RDWR);
}
bool Cancellation::is_cancelled() const {
    std::lock_guard lock(mutex_);
    return cancelled_;
}
void Cancellation::watch(int descriptor) {
    std::lock_guard lock(mutex_);
    descriptor_ = descriptor;
    if (cancelled_) ::shutdown(descriptor_, SHUT_RDWR);
}
void Cancellation::unwatch() {
    std::lock_guard lock(mutex_);
    descriptor_ = -1;
}

std::string Endpoint::pool_key() const {
    std::string key = host + ':' + std::to_string(port);
    if (tls) key += "|tls|" + server_name + '|' + std::to_string(reinterpret_cast<uintptr_t>(tls));
    return key;
}

struct Upstream::Inside {
    Result<std::unique_ptr<UpstreamResponse>> attempt(const Endpoint& to, const RequestHead& head,
                                                      BodyReader* body,
                                                      const AttemptTimeouts& timeouts,
                                                      bool from_pool) {
        if (to.tls) net::leave_loop();
        std::string key = to.pool_key();
        auto connection = from_pool ? pool->take(key, timeouts.idle_pooled) : nullptr;
        const bool reused = connection != nullptr;
        const auto start = SteadyClock::now();
        if (!reused) connection = TRY(dial(resolver, to, timeouts));
        auto response =
            std::make_unique<Response>(std::move(connection), pool, std::move(key), reused);
        response->watch(timeouts.cancellation);
        if (!reused) response->connect_took_ = since(start);
        TRY(Attempt(*response, limits, head, body, timeouts).run());
        return response;
    }

    const net::Resolver& resolver;
    const UpstreamLimits limits;
    std::shared_ptr<Pool> pool;
};

Upstream::Upstream(const net::Resolver& resolver, UpstreamLimits limits)
    : inside_(new Inside{resolver, limits, std::make_shared<Pool>(limits.max_idle_per_endpoint)}) {}
Upstream::~Upstream() = default;

Result<std::unique_ptr<UpstreamResponse>> Upstream::send(const Endpoint& to,
                                                         const RequestHead& head, BodyReader* body,
                                                         const AttemptTimeouts& timeouts) {
    return inside_->attempt(to, head, body, timeouts, true);
}

Result<std::unique_ptr<UpstreamResponse>> Upstream::send_fresh(const Endpoint& to,
                                                               const RequestHead& head,
                                                               BodyReader* body,
                                                               const AttemptTimeouts& timeouts) {
    return inside_->attempt(to, head, body, timeouts, false);
}

void Upstream::close_idle(std::string_view pool_key) {
    inside_->pool->close_idle(pool_key);
}
size_t Upstream::idle_connections() const {
    return inside_->pool->size();
}

}  // namespace http

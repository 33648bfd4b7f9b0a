// One connection at a time: heads in, exchanges to the handler, framing out. RFC 9112.
#include "http/server.h"

#include <algorithm>
#include <atomic>
#include <list>
#include <mutex>

#include "base/log.h"
#include "base/result.h"
#include "base/text.h"
#include "http/http1.h"
#include "http/stream_body.h"

namespace http {

namespace {

using http1::BodyKind;
using SteadyClock = std::chrono::steady_clock;

constexpr size_t kRelayBytes = 32 * 1024;
constexpr uint64_t kMaxDrainedBytes =
    256 * 1024;  // of a body nobody wanted, to keep the connection
constexpr std::chrono::milliseconds kDrainWait{1000};
constexpr uint64_t kMaxLingerBytes =
    4 * 1024 * 1024;                         // of a body nobody wanted, so that the answer arrives
constexpr size_t kMaxKeptBytes = 16 * 1024;  // capacity of the output text between requests
constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
constexpr std::string_view kPlainOnTls =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 55\r\nConnection: "
    "close\r\n\r\n"
    "This port speaks TLS; the request was sent in the clear";

// What a server shares with its connections.
struct Control {
    std::atomic<bool> stopping{false};
};

class Connection final : public Exchange, private BodyReader, private BodyWriter {
  public:
    Connection(net::Socket& socket, Handler& handler, const ServerOptions& options,
               const Control& control)
        : socket_(socket),
          handler_(handler),
          options_(options),
          control_(control),
          reader_(
              http1::MessageKind::Request,
              {options.max_target_bytes, options.max_header_line_bytes, options.max_head_bytes}),
          stream_(socket, buffer_, Error::Source::Viewer),
          since_(SteadyClock::now()) {}

    void serve() {
        if (options_.tls && !start_tls()) return;
        while (read_head()) {
            call_handler();
            if (!finish_exchange()) break;
        }
        if (lingers_) linger();
    }

    bool is_idle() const { return idle_; }
    net::Socket& raw_socket() { return socket_; }

    // Exchange.
    RequestHead& request() override { return request_; }
    BodyReader& body() override { return *this; }
    net::Address peer() const override {
        if (peer_.family() == net::Address::Family::None) peer_ = socket_.peer();
        return peer_;
    }
    net::Address local() const override {
        if (local_.family() == net::Address::Family::None) local_ = socket_.local();
        return local_;
    }
    bool is_tls() const override { return socket_.is_tls(); }
    const net::Socket& socket() const override { return socket_; }
    Result<void> respond(const ResponseHead& head, std::string_view body) override;
    Result<void> respond_prepared(int status, std::string_view head, const HeldBody& body) override;
    Result<BodyWriter*> respond_streaming(const ResponseHead& head, BodyFraming framing) override;
    Result<uint64_t> respond_relay(const ResponseHead& head, BodyReader& body,
                                   std::chrono::milliseconds idle, BodyFraming framing) override;
    Result<void> inform(int status, const HeaderList& headers) override;
    Result<net::Socket*> upgrade(const ResponseHead& head, std::string& early) override;
    void close_after() override { keep_alive_ = false; }
    void abort() override;
    bool has_responded() const override { return state_ != State::Waiting; }
    uint64_t sent_bytes() const override { return sent_bytes_; }

  private:
    enum class State : uint8_t { Waiting, Streaming, Done, Upgraded, Aborted };

    bool start_tls();
    bool read_head();
    void call_handler();
    bool finish_exchange();
    bool drain_request();
    void linger();

    // BodyReader: the request's body.
    Result<size_t> read(std::span<char> into, net::Deadline deadline) override;
    std::optional<uint64_t> length() const override { return stream_.length(); }
    const HeaderList& trailers() const override { return stream_.trailers(); }

    // BodyWriter: the response's.
    Result<void> write(std::string_view bytes, net::Deadline deadline) override;
    Result<void> finish(net::Deadline deadline, const HeaderList& trailers) override;

    void begin_response(const ResponseHead& head, BodyKind kind, uint64_t length);
    void decide_about_connection();
    BodyKind choose_framing(const ResponseHead& head, BodyFraming framing, uint64_t& length) const;
    bool response_has_no_body(int status) const {
        return is_head_ || status == 204 || status == 304 || (status >= 100 && status < 200);
    }
    Result<void> flush_head(net::Deadline deadline);
    Result<void> send(std::string_view first, std::string_view second, net::Deadline deadline);
    Result<void> account(const net::Result<void>& sent, size_t bytes);
    net::Deadline body_deadline() const { return net::Deadline::after(options_.body); }
    static Error misuse(std::string text) {
        return {Error::Kind::Aborted, Error::Source::Internal, Error::Retry::Never,
                std::move(text)};
    }

    net::Socket& socket_;
    Handler& handler_;
    const ServerOptions& options_;
    const Control& control_;
    ReadBuffer buffer_;
    http1::HeadReader reader_;
    StreamBody stream_;
    RequestHead request_;
    std::string out_;
    SteadyClock::time_point since_;
    mutable net::Address peer_, local_;
    std::atomic<bool> idle_{false};

    // Of the exchange under way.
    State state_ = State::Waiting;
    bool keep_alive_ = true;
    bool owes_continue_ = false;
    bool is_head_ = false;
    bool is_http09_ = false;
    bool is_http10_ = false;
    bool was_oversized_ = false;
    bool lingers_ = false;
    BodyKind out_kind_ = BodyKind::None;
    bool discards_ = false;  // HEAD, 204, 304: what is written goes nowhere
    uint64_t out_left_ = 0;
    uint64_t sent_bytes_ = 0;
};

bool Connection::start_tls() {
    char first = 0;
    const auto got = socket_.peek({&first, 1}, net::Deadline::after(options_.idle));
    if (!got || *got == 0) return false;
    constexpr char kHandshakeRecord = 0x16;
    if (first == kHandshakeRecord) {
        net::leave_loop();
        return options_.tls->accept(socket_, net::Deadline::after(options_.head)).has_value();
    }
    if (!options_.tls_only) return true;
    (void)socket_.write_all(kPlainOnTls, body_deadline());
    linger();
    return false;
}

bool Connection::read_head() {
    reader_.restart();
    if (out_.capacity() > kMaxKeptBytes) std::string().swap(out_);
    auto progress = buffer_.empty() ? http1::Progress::NeedMore : reader_.advance(buffer_.view());
    bool waits_for_first = buffer_.empty();
    net::Deadline deadline = net::Deadline::after(waits_for_first ? options_.idle : options_.head);
    if (waits_for_first) buffer_.shrink();
    if (!socket_.is_tls()) net::return_to_loop();
    bool timed_out = false;
    while (progress == http1::Progress::NeedMore) {
        if (waits_for_first) {
            idle_ = true;
            if (control_.stopping) return false;
        }
        const auto got = buffer_.fill(socket_, deadline);
        idle_ = false;
        if (!got && got.error().kind == net::ErrorKind::Timeout && !waits_for_first) {
            timed_out = true;
            break;
        }
        if (!got || *got == 0) return false;
        if (waits_for_first) deadline = net::Deadline::after(options_.head);
        waits_for_first = false;
        progress = reader_.advance(buffer_.view());
    }

    const auto framing = http1::fill(buffer_.view(), reader_.spans(), request_);
    was_oversized_ = progress != http1::Progress::Complete;
    buffer_.consume(was_oversized_ ? buffer_.size() : reader_.spans().size_bytes);
    state_ = State::Waiting;
    keep_alive_ = framing.keep_alive && !was_oversized_;
    owes_continue_ = framing.expects_continue && framing.body != BodyKind::None;
    is_head_ = request_.method == "HEAD";
    // Only GET exists there; any other word on a line of its own is no request, and its refusal has
    // a head.
    is_http09_ = request_.major == 0 && request_.has(Anomaly::Http09) && request_.method == "GET";
    is_http10_ = request_.major == 1 && request_.minor == 0;
    discards_ = false;
    sent_bytes_ = 0;
    out_.clear();
    stream_.start(was_oversized_ ? http1::Framing{} : framing);
    if (!timed_out) return true;

    lingers_ = true;
    handler_.handle_incomplete(*this);
    return false;
}

void Connection::call_handler() {
    try {
        handler_.handle(*this);
    } catch (const std::exception& error) {
        base::log_error(options_.name, std::string("a request was not answered: ") + error.what());
        keep_alive_ = false;
        if (state_ == State::Streaming) abort();
    }
    if (state_ != State::Waiting) return;
    keep_alive_ = false;
    (void)respond(ResponseHead{.status = 500}, "");
}

// Says whether the connection can carry another request.
bool Connection::finish_exchange() {
    if (state_ == State::Streaming) abort();  // the handler gave up in the middle
    if (state_ != State::Done) return false;
    if (!keep_alive_ || !drain_request()) {
        lingers_ = !stream_.at_end() || !buffer_.empty() || was_oversized_;
        return false;
    }
    return true;
}

bool Connection::drain_request() {
    if (stream_.at_end()) return true;
    if (owes_continue_) return false;  // whether the body comes is not known
    const auto deadline = net::Deadline::after(kDrainWait);
    const auto sink = std::make_unique_for_overwrite<char[]>(kRelayBytes);
    for (uint64_t drained = 0; drained <= kMaxDrainedBytes;) {
        const auto got = stream_.read({sink.get(), kRelayBytes}, deadline);
        if (!got) return false;
        if (*got == 0) return true;
        drained += *got;
    }
    return false;
}

// Closing while the peer still sends would answer it with a reset that can overtake the response
// (RFC 9112 §9.6): first our end, then read on for a while.
void Connection::linger() {
    socket_.finish_writing();
    const auto deadline = net::Deadline::after(kDrainWait);
    const auto sink = std::make_unique_for_overwrite<char[]>(kRelayBytes);
    for (uint64_t read = 0; read < kMaxLingerBytes;) {
        const auto got = socket_.read_some({sink.get(), kRelayBytes}, deadline);
        if (!got || *got == 0) return;
        read += *got;
    }
}

Result<size_t> Connection::read(std::span<char> into, net::Deadline deadline) {
    if (owes_continue_ && state_ == State::Waiting) TRY(inform(100, {}));
    return stream_.read(into, deadline);
}

Result<void> Connection::send(std::string_view first, std::string_view second,
                              net::Deadline deadline) {
    return account(socket_.write_all(first, second, deadline), first.size() + second.size());
}

Result<void> Connection::account(const net::Result<void>& sent, size_t bytes) {
    if (sent) {
        sent_bytes_ += bytes;
        return {};
    }
    keep_alive_ = false;
    Error error = from_net(sent.error(), Error::Source::Viewer, false);
    if (error.kind == Error::Kind::ReadTimeout) error.kind = Error::Kind::WriteTimeout;
    return std::unexpected(std::move(error));
}

// Decides about the connection and puts the head into out_.
void Connection::begin_response(const ResponseHead& head, BodyKind kind, uint64_t length) {
    const std::string* connection = head.headers.find("connection");
    if (connection && http1::has_token(*connection, "close")) keep_alive_ = false;
    if (kind == BodyKind::UntilClose) keep_alive_ = false;
    decide_about_connection();
    out_kind_ = kind;
    out_left_ = length;
    if (is_http09_) return;  // RFC 1945 §6: a simple response is the body alone
    const auto value = !keep_alive_ ? http1::ConnectionValue::Close
                       : is_http10_ ? http1::ConnectionValue::KeepAlive
                                    : http1::ConnectionValue::KeepAliveIfPresent;
    http1::append_response_head(out_, head, kind, length, value);
}

void Connection::decide_about_connection() {
    if (control_.stopping) keep_alive_ = false;
    if (keep_alive_ && !stream_.at_end() && (owes_continue_ || stream_.left() > kMaxDrainedBytes))
        keep_alive_ = false;
    if (keep_alive_ && SteadyClock::now() - since_ >= options_.keep_alive_age) keep_alive_ = false;
}

Result<void> Connection::respond(const ResponseHead& head, std::string_view body) {
    if (state_ != State::Waiting)
        return std::unexpected(misuse("the exchange was answered before"));
    state_ = State::Done;
    const bool no_body = response_has_no_body(head.status);
    // For HEAD the length that GET would have had: the head's own, else the body's.
    const bool adds_length = is_head_ && head.status != 204 && head.status != 304 &&
                             !head.headers.has("content-length") &&
                             !head.headers.has("transfer-encoding");
    begin_response(head, no_body && !adds_length ? BodyKind::None : BodyKind::Length, body.size());
    const auto sent = send(out_, no_body ? std::string_view() : body, body_deadline());
    out_.clear();
    return sent;
}

Result<void> Connection::respond_prepared(int status, std::string_view head, const HeldBody& body) {
    if (state_ != State::Waiting)
        return std::unexpected(misuse("the exchange was answered before"));
    state_ = State::Done;
    decide_about_connection();
    if (!is_http09_)
        out_.append(head).append(keep_alive_ ? "Connection: keep-alive\r\n\r\n"
                                             : "Connection: close\r\n\r\n");
    Result<void> sent;
    if (response_has_no_body(status))
        sent = send(out_, {}, body_deadline());
    else if (body.id != 0)
        sent = account(socket_.write_lent(out_, body, body_deadline()),
                       out_.size() + body.bytes.size());
    else
        sent = send(out_, body.bytes, body_deadline());
    out_.clear();
    return sent;
}

BodyKind Connection::choose_framing(const ResponseHead& head, BodyFraming framing,
                                    uint64_t& length) const {
    if (response_has_no_body(head.status) || framing == BodyFraming::None) return BodyKind::None;
    const std::string* declared = head.headers.find("content-length");
    const auto number = declared ? base::parse_unsigned(*declared) : std::nullopt;
    if (number && (framing == BodyFraming::Auto || framing == BodyFraming::ContentLength)) {
        length = *number;
        return BodyKind::Length;
    }
    if (framing == BodyFraming::UntilClose) return BodyKind::UntilClose;
    return is_http10_ || is_http09_ ? BodyKind::UntilClose : BodyKind::Chunked;
}

Result<BodyWriter*> Connection::respond_streaming(const ResponseHead& head, BodyFraming framing) {
    if (state_ != State::Waiting)
        return std::unexpected(misuse("the exchange was answered before"));
    uint64_t length = 0;
    const BodyKind kind = choose_framing(head, framing, length);
    begin_response(head, kind, length);
    discards_ = kind == BodyKind::None;
    state_ = State::Streaming;
    TRY(flush_head(body_deadline()));
    BodyWriter* const writer = this;
    return writer;
}

Result<uint64_t> Connection::respond_relay(const ResponseHead& head, BodyReader& body,
                                           std::chrono::milliseconds idle, BodyFraming framing) {
    if (state_ != State::Waiting)
        return std::unexpected(misuse("the exchange was answered before"));
    uint64_t length = 0;
    const BodyKind kind = choose_framing(head, framing, length);
    begin_response(head, kind, length);
    discards_ = kind == BodyKind::None;
    state_ = State::Streaming;
    if (discards_) {
        TRY(finish(net::Deadline::after(idle), {}));
        return 0;
    }
    const size_t room =
        kind == BodyKind::Length ? std::clamp<size_t>(length, 1, kRelayBytes) : kRelayBytes;
    const auto buffer = std::make_unique_for_overwrite<char[]>(room);
    uint64_t total = 0;
    while (true) {
        // What is there already shares the head's system call; before waiting, the head goes out.
        auto got = out_.empty() ? body.read({buffer.get(), room}, net::Deadline::after(idle))
                                : body.read({buffer.get(), room}, net::Deadline::now());
        if (!got && !out_.empty() && got.error().kind == Error::Kind::ReadTimeout) {
            TRY(flush_head(net::Deadline::after(idle)));
            continue;
        }
        if (!got && !out_.empty()) (void)flush_head(net::Deadline::after(idle));
        const size_t size = TRY(std::move(got));
        if (size == 0) break;
        TRY(write({buffer.get(), size}, net::Deadline::after(idle)));
        total += size;
        if (out_kind_ == BodyKind::Length && out_left_ == 0 && body.length() == total) break;
    }
    TRY(finish(net::Deadline::after(idle), body.trailers()));
    return total;
}

Result<void> Connection::flush_head(net::Deadline deadline) {
    if (out_.empty()) return {};
    const auto sent = send(out_, {}, deadline);
    out_.clear();
    return sent;
}

Result<void> Connection::write(std::string_view bytes, net::Deadline deadline) {
    if (state_ != State::Streaming) return std::unexpected(misuse("the response is over"));
    if (bytes.empty()) return {};
    if (discards_) return {};
    Result<void> sent;
    if (out_kind_ == BodyKind::Chunked) {
        // Small chunks are copied behind their size, so that one call sends it all.
        constexpr size_t kWorthCopying = 4 * 1024;
        http1::append_chunk_size(out_, bytes.size());
        if (bytes.size() <= kWorthCopying) {
            out_.append(bytes).append("\r\n");
            sent = send(out_, {}, deadline);
        } else {
            sent = send(out_, bytes, deadline);
            if (sent) sent = send("\r\n", {}, deadline);
        }
    } else {
        if (out_kind_ == BodyKind::Length) {
            if (bytes.size() > out_left_) {
                abort();
                return std::unexpected(misuse("the body is longer than its Content-Length"));
            }
            out_left_ -= bytes.size();
        }
        sent = send(out_, bytes, deadline);
    }
    out_.clear();
    return sent;
}

Result<void> Connection::finish(net::Deadline deadline, const HeaderList& trailers) {
    if (state_ != State::Streaming) return std::unexpected(misuse("the response is over"));
    if (out_kind_ == BodyKind::Length && out_left_ > 0 && !discards_) {
        abort();
        return std::unexpected(misuse("the body is shorter than its Content-Length"));
    }
    if (out_kind_ == BodyKind::Chunked && !discards_) http1::append_last_chunk(out_, trailers);
    const auto sent = out_.empty() ? Result<void>() : send(out_, {}, deadline);
    out_.clear();
    state_ = State::Done;
    return sent;
}

Result<void> Connection::inform(int status, const HeaderList& headers) {
    if (state_ != State::Waiting)
        return std::unexpected(misuse("the exchange was answered before"));
    if (status == 100) owes_continue_ = false;
    if (is_http10_ || is_http09_) return {};  // RFC 9110 §15.2: not to HTTP/1.0
    ResponseHead head;
    head.status = status;
    head.headers = headers;
    std::string text;
    http1::append_response_head(text, head, BodyKind::None, 0, http1::ConnectionValue::AsIs);
    return send(text, {}, body_deadline());
}

Result<net::Socket*> Connection::upgrade(const ResponseHead& head, std::string& early) {
    if (state_ != State::Waiting)
        return std::unexpected(misuse("the exchange was answered before"));
    state_ = State::Upgraded;
    keep_alive_ = false;
    http1::append_response_head(out_, head, BodyKind::None, 0, http1::ConnectionValue::AsIs);
    TRY(flush_head(body_deadline()));
    early.assign(buffer_.view());
    buffer_.consume(buffer_.size());
    buffer_.shrink();
    std::string().swap(out_);
    return &socket_;
}

void Connection::abort() {
    const bool ends_by_close = state_ == State::Streaming && out_kind_ == BodyKind::UntilClose;
    state_ = State::Aborted;
    keep_alive_ = false;
    out_.clear();
    // Only a reset tells a body that ends with the connection from a complete one; elsewhere the
    // missing bytes do, and an orderly end lets those already sent arrive.
    if (ends_by_close)
        socket_.reset();
    else
        socket_.finish_writing();
}

}  // namespace

Result<uint64_t> Exchange::respond_relay(const ResponseHead& head, BodyReader& body,
                                         std::chrono::milliseconds idle, BodyFraming framing) {
    BodyWriter* writer = TRY(respond_streaming(head, framing));
    return relay(body, *writer, idle);
}

struct Server::Inside {
    Inside(Handler& handler, ServerOptions options)
        : handler(handler), options(std::move(options)) {}

    void serve(net::Socket& socket) {
        Connection connection(socket, handler, options, control);
        std::list<Connection*>::iterator place;
        {
            std::lock_guard lock(mutex);
            place = connections.insert(connections.end(), &connection);
        }
        connection.serve();
        std::lock_guard lock(mutex);
        connections.erase(place);
    }

    Handler& handler;
    ServerOptions options;
    Control control;
    std::mutex mutex;
    std::list<Connection*> connections;
    std::unique_ptr<net::Listener> listener;
};

std::expected<std::unique_ptr<Server>, std::string> Server::open(const net::Address& at,
                                                                 Handler& handler,
                                                                 ServerOptions options) {
    auto inside = std::make_unique<Inside>(handler, std::move(options));
    inside->listener = TRY(net::Listener::open(
        at, inside->options.name,
        [serving = inside.get()](net::Socket& socket) { serving->serve(socket); }));
    inside->listener->set_loops(inside->options.loops);
    inside->listener->set_limit(inside->options.max_connections, std::string(kBusy));
    return std::unique_ptr<Server>(new Server(std::move(inside)));
}

Server::Server(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Server::~Server() {
    stop();
}
net::Address Server::address() const {
    return inside_->listener->address();
}
void Server::start() {
    inside_->listener->start();
}

void Server::stop(std::chrono::milliseconds grace) {
    inside_->control.stopping = true;
    {
        // Who waits for a request gets none; who has one answers it and says close.
        std::lock_guard lock(inside_->mutex);
        for (Connection* connection : inside_->connections) {
            if (connection->is_idle()) connection->raw_socket().stop_reading();
        }
    }
    inside_->listener->stop(grace);
}

void serve_connection(net::Socket& socket, Handler& handler, const ServerOptions& options) {
    const Control control;
    Connection(socket, handler, options, control).serve();
}

}  // namespace http

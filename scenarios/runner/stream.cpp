// A socket with deadlines, OpenSSL over it, and HTTP/1 framing.
#include "scenarios/runner/stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/result.h"
#include "base/text.h"

namespace scenarios {
namespace {

using Deadline = Stream::Deadline;
using std::chrono::steady_clock;

constexpr size_t kBlock = 16 * 1024;
constexpr size_t kMaxHeadBytes = 64 * 1024;
constexpr size_t kMaxChunkLine = 4 * 1024;

int left_ms(Deadline deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
    return static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT32_MAX));
}

bool wait_for(int socket, short events, Deadline deadline) {
    pollfd wait{socket, events, 0};
    return ::poll(&wait, 1, left_ms(deadline)) > 0;
}

ViewerError error_of(ViewerError::Kind kind, std::string text) {
    return {kind, std::move(text), ""};
}

}  // namespace

struct Stream::Inside {
    int socket = -1;
    SSL_CTX* context = nullptr;
    SSL* tls = nullptr;
    std::string local, where;
    ~Inside() {
        if (tls) SSL_free(tls);
        if (context) SSL_CTX_free(context);
        if (socket >= 0) ::close(socket);
    }
    // What OpenSSL waits for; false: it has failed.
    bool wait_tls(int result, Deadline deadline) const {
        const int reason = SSL_get_error(tls, result);
        if (reason == SSL_ERROR_WANT_READ) return wait_for(socket, POLLIN, deadline);
        if (reason == SSL_ERROR_WANT_WRITE) return wait_for(socket, POLLOUT, deadline);
        return false;
    }
};

Stream::Stream(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Stream::Stream(Stream&&) noexcept = default;
Stream::~Stream() = default;

const std::string& Stream::local() const {
    return inside_->local;
}

std::expected<Stream, ViewerError> Stream::open(const Target& target, const std::string& ca_file,
                                                const std::string& from, Deadline deadline) {
    using Kind = ViewerError::Kind;
    auto inside = std::make_unique<Inside>();
    inside->where = fmt::format("{}:{}", target.address, target.port);
    const bool six = target.address.find(':') != std::string::npos;
    std::string address = target.address;
    if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
    inside->socket =
        ::socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_storage storage{};
    socklen_t size = 0;
    if (six) {
        auto* in = reinterpret_cast<sockaddr_in6*>(&storage);
        in->sin6_family = AF_INET6;
        in->sin6_port = htons(static_cast<uint16_t>(target.port));
        size = ::inet_pton(AF_INET6, address.c_str(), &in->sin6_addr) == 1 ? sizeof *in : 0;
    } else {
        auto* in = reinterpret_cast<sockaddr_in*>(&storage);
        in->sin_family = AF_INET;
        in->sin_port = htons(static_cast<uint16_t>(target.port));
        size = ::inet_pton(AF_INET, address.c_str(), &in->sin_addr) == 1 ? sizeof *in : 0;
    }
    sockaddr_in own{};
    own.sin_family = AF_INET;
    if (!from.empty() && ::inet_pton(AF_INET, from.c_str(), &own.sin_addr) == 1)
        (void)::bind(inside->socket, reinterpret_cast<sockaddr*>(&own), sizeof own);
    const int yes = 1;
    (void)::setsockopt(inside->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    int failed = 0;
    socklen_t failed_size = sizeof failed;
    const bool connected =
        size > 0 &&
        (::connect(inside->socket, reinterpret_cast<sockaddr*>(&storage), size) == 0 ||
         (errno == EINPROGRESS && wait_for(inside->socket, POLLOUT, deadline) &&
          ::getsockopt(inside->socket, SOL_SOCKET, SO_ERROR, &failed, &failed_size) == 0 &&
          failed == 0));
    if (!connected)
        return std::unexpected(
            error_of(Kind::Unreachable, fmt::format("nothing answers at {}", inside->where)));
    inside->local = local_name(inside->socket);
    if (!target.tls) return Stream(std::move(inside));

    const std::string name = host_without_port(target.host);
    inside->context = SSL_CTX_new(TLS_client_method());
    if (!ca_file.empty()) {
        wake_authority(target, name, ca_file);
        SSL_CTX_load_verify_locations(inside->context, ca_file.c_str(), nullptr);
        SSL_CTX_set_verify(inside->context, SSL_VERIFY_PEER, nullptr);
    }
    inside->tls = SSL_new(inside->context);
    SSL_set_tlsext_host_name(inside->tls, name.c_str());
    SSL_set1_host(inside->tls, name.c_str());
    SSL_set_fd(inside->tls, inside->socket);
    while (true) {
        const int result = SSL_connect(inside->tls);
        if (result == 1) return Stream(std::move(inside));
        if (!inside->wait_tls(result, deadline))
            return std::unexpected(
                error_of(Kind::Tls, fmt::format("no TLS with {} as {}", inside->where, name)));
    }
}

std::expected<void, ViewerError> Stream::write(std::string_view bytes, Deadline deadline) {
    while (!bytes.empty()) {
        ssize_t count = 0;
        if (inside_->tls) {
            const int result =
                SSL_write(inside_->tls, bytes.data(),
                          static_cast<int>(std::min<size_t>(bytes.size(), INT32_MAX)));
            if (result <= 0 && inside_->wait_tls(result, deadline)) continue;
            count = result;
        } else {
            count = ::send(inside_->socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count < 0 && errno == EAGAIN && wait_for(inside_->socket, POLLOUT, deadline))
                continue;
        }
        if (count <= 0)
            return std::unexpected(error_of(ViewerError::Kind::Closed,
                                            fmt::format("{} takes no more bytes", inside_->where)));
        bytes.remove_prefix(static_cast<size_t>(count));
    }
    return {};
}

Stream::Read Stream::read(std::string& into, Deadline deadline) {
    char block[kBlock];
    while (true) {
        ssize_t count = 0;
        if (inside_->tls) {
            const int result = SSL_read(inside_->tls, block, sizeof block);
            if (result <= 0) {
                const int reason = SSL_get_error(inside_->tls, result);
                const bool waits = reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE;
                if (!waits) return Read::Closed;
                if (inside_->wait_tls(result, deadline)) continue;
                return Read::Late;
            }
            count = result;
        } else {
            count = ::recv(inside_->socket, block, sizeof block, 0);
            if (count < 0 && errno == EAGAIN) {
                if (wait_for(inside_->socket, POLLIN, deadline)) continue;
                return Read::Late;
            }
            if (count <= 0) return Read::Closed;
        }
        into.append(block, static_cast<size_t>(count));
        return Read::Data;
    }
}

std::expected<StreamedAnswer, ViewerError> StreamedAnswer::ask(const ViewerRequest& request,
                                                               const std::string& ca_file,
                                                               const Headers& extra) {
    const auto begun = steady_clock::now();
    const Deadline deadline = begun + request.timeout;
    Stream stream = TRY(Stream::open(request.target, ca_file, request.from, deadline));
    std::string text =
        fmt::format("{} {} HTTP/{}\r\n", request.method, request.target.path, request.version);
    Headers headers = request.headers;
    auto add = [&](std::string_view name, std::string value) {
        const bool there = std::any_of(headers.begin(), headers.end(), [&](const auto& each) {
            return base::equals_ignoring_case(each.first, name);
        });
        if (!there) headers.emplace_back(name, std::move(value));
    };
    add("Host", request.target.host);
    add("User-Agent", "dodam-run");
    for (const auto& [name, value] : extra)
        add(name, value);
    if (!request.body.empty()) add("Content-Length", std::to_string(request.body.size()));
    for (const auto& [name, value] : headers)
        text += fmt::format("{}: {}\r\n", name, value);
    text += "\r\n" + request.body;
    TRY(stream.write(text, deadline));
    StreamedAnswer answer(std::move(stream));
    answer.head.peer = answer.stream_.local();
    if (auto read = answer.read_head(deadline); !read) {
        read.error().peer = answer.head.peer;
        return std::unexpected(read.error());
    }
    answer.head.first_byte =
        std::chrono::duration_cast<base::microseconds>(steady_clock::now() - begun);
    return answer;
}

std::expected<void, ViewerError> StreamedAnswer::read_head(Deadline deadline) {
    using Kind = ViewerError::Kind;
    size_t end = 0;
    while ((end = rest_.find("\r\n\r\n")) == std::string::npos) {
        if (rest_.size() > kMaxHeadBytes)
            return std::unexpected(error_of(Kind::TooLarge, "the answer's headers are too large"));
        const auto read = stream_.read(rest_, deadline);
        if (read == Stream::Read::Late)
            return std::unexpected(error_of(Kind::Timeout, "no answer came in time"));
        if (read == Stream::Read::Closed)
            return std::unexpected(
                error_of(Kind::Closed, "the connection was closed without an answer"));
    }
    const std::string text = rest_.substr(0, end);
    rest_.erase(0, end + 4);
    bool first = true;
    for (std::string_view line : base::split(text, '\n')) {
        line = base::trim(line);
        if (first) {
            const auto [version, after] = base::cut(line, ' ');
            head.version = version.starts_with("HTTP/") ? version.substr(5) : version;
            head.status = static_cast<int>(base::parse_signed(after.substr(0, 3)).value_or(0));
        } else if (const auto [name, value] = base::cut(line, ':'); !name.empty()) {
            head.headers.emplace_back(name, base::trim(value));
        }
        first = false;
    }
    if (const std::string* coding = head.header("transfer-encoding"))
        chunked_ = base::lower(*coding).find("chunked") != std::string::npos;
    else if (const std::string* length = head.header("content-length"))
        left_ = base::parse_unsigned(*length);
    ended_ = head.status == 204 || head.status == 304 || (left_ && *left_ == 0);
    return {};
}

Stream::Read StreamedAnswer::read(std::string& into, Deadline deadline) {
    const size_t before = into.size();
    decode(into);
    while (!ended_ && into.size() == before) {
        const auto read = stream_.read(rest_, deadline);
        if (read == Stream::Read::Late) return read;
        if (read == Stream::Read::Closed) {
            ended_ = !chunked_ && !left_;  // its end is the connection's
            return read;
        }
        decode(into);
    }
    return into.size() == before ? Stream::Read::Closed : Stream::Read::Data;
}

void StreamedAnswer::decode(std::string& into) {
    if (chunked_) return decode_chunks(into);
    const size_t take = left_ ? std::min<uint64_t>(*left_, rest_.size()) : rest_.size();
    into.append(rest_, 0, take);
    rest_.erase(0, take);
    if (!left_) return;
    *left_ -= take;
    ended_ = *left_ == 0;
}

void StreamedAnswer::decode_chunks(std::string& into) {
    while (!ended_) {
        if (!left_) {
            const size_t line = rest_.find("\r\n");
            if (line == std::string::npos) {
                if (rest_.size() > kMaxChunkLine) ended_ = true;
                return;
            }
            left_ = std::strtoull(rest_.c_str(), nullptr, 16);
            rest_.erase(0, line + 2);
            if (*left_ == 0) ended_ = true;
            continue;
        }
        if (*left_ > 0) {
            const size_t take = std::min<uint64_t>(*left_, rest_.size());
            if (take == 0) return;
            into.append(rest_, 0, take);
            rest_.erase(0, take);
            *left_ -= take;
        }
        if (*left_ > 0 || rest_.size() < 2) return;
        rest_.erase(0, 2);
        left_.reset();
    }
}

}  // namespace scenarios

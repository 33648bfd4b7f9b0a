// ScriptedOrigin: a thread per connection, joined at the end.
#include "scenarios/runner/scripted_origin.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/date.h"
#include "base/text.h"
#include "scenarios/runner/names.h"

namespace scenarios {
namespace {

using base::Node;

constexpr size_t kMaxHeadBytes = 1 << 20;
constexpr size_t kMaxBodyBytes = 64 << 20;
constexpr size_t kMaxSeen = 1000;

bool write_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
}

// Reads more; false at the end.
bool read_more(int socket, std::string& buffer) {
    char block[16384];
    const ssize_t got = ::recv(socket, block, sizeof block, 0);
    if (got <= 0) return false;
    buffer.append(block, static_cast<size_t>(got));
    return true;
}

std::string header_of(const std::vector<std::pair<std::string, std::string>>& headers,
                      std::string_view name) {
    for (const auto& [key, value] : headers)
        if (base::equals_ignoring_case(key, name)) return value;
    return {};
}

// The body's bytes, taken from the front of `buffer`; false when the peer left before its end.
bool read_chunked(int socket, std::string& buffer, std::string& body) {
    while (true) {
        size_t line = 0;
        while ((line = buffer.find("\r\n")) == std::string::npos)
            if (!read_more(socket, buffer)) return false;
        const size_t size = std::strtoul(buffer.substr(0, line).c_str(), nullptr, 16);
        if (size > kMaxBodyBytes || body.size() + size > kMaxBodyBytes) return false;
        buffer.erase(0, line + 2);
        if (size == 0) {
            // Trailers, if any, up to the empty line.
            while (true) {
                while ((line = buffer.find("\r\n")) == std::string::npos)
                    if (!read_more(socket, buffer)) return false;
                const bool last = line == 0;
                buffer.erase(0, line + 2);
                if (last) return true;
            }
        }
        while (buffer.size() < size + 2)
            if (!read_more(socket, buffer)) return false;
        body += buffer.substr(0, size);
        buffer.erase(0, size + 2);
    }
}

std::string_view reason_of(int64_t status) {
    return status == 200   ? "OK"
           : status == 204 ? "No Content"
           : status == 206 ? "Partial Content"
           : status == 301 ? "Moved Permanently"
           : status == 302 ? "Found"
           : status == 304 ? "Not Modified"
           : status == 404 ? "Not Found"
           : status == 500 ? "Internal Server Error"
           : status == 503 ? "Service Unavailable"
                           : "Status";
}

}  // namespace

ScriptedOrigin::ScriptedOrigin(base::Clock& clock, int port) : clock_(clock) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int reuse = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::system_error(errno, std::generic_category(),
                                "the scripted origin cannot listen");
    port_ = ntohs(address.sin_port);
    acceptor_ = base::Thread("origin", [this] { accept_loop(); });
}

ScriptedOrigin::~ScriptedOrigin() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        ::shutdown(listener_, SHUT_RDWR);
        for (Connection& connection : connections_)
            if (connection.socket >= 0) ::shutdown(connection.socket, SHUT_RDWR);
    }
    acceptor_.join();
    for (Connection& connection : connections_)
        connection.thread.join();
    ::close(listener_);
}

void ScriptedOrigin::accept_loop() {
    while (true) {
        const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        std::lock_guard lock(mutex_);
        if (socket < 0 || stopping_) {
            if (socket >= 0) ::close(socket);
            return;
        }
        Connection& connection = connections_.emplace_back();
        connection.socket = socket;
        connection.thread = base::Thread("origin-peer", [this, &connection, socket] {
            serve(socket);
            std::lock_guard inner(mutex_);
            ::close(socket);
            connection.socket = -1;
        });
    }
}

void ScriptedOrigin::serve(int socket) {
    std::string buffer;
    while (true) {
        size_t end = 0;
        while ((end = buffer.find("\r\n\r\n")) == std::string::npos)
            if (buffer.size() > kMaxHeadBytes || !read_more(socket, buffer)) return;
        Seen seen;
        const std::string head = buffer.substr(0, end);
        buffer.erase(0, end + 4);
        bool first = true;
        for (std::string_view line : base::split(head, '\n')) {
            line = base::trim(line);
            if (first) {
                const auto [method, rest] = base::cut(line, ' ');
                seen.method = method;
                seen.path = base::cut(rest, ' ').first;
            } else {
                const auto [name, value] = base::cut(line, ':');
                seen.headers.emplace_back(name, base::trim(value));
            }
            first = false;
        }
        if (base::equals_ignoring_case(header_of(seen.headers, "expect"), "100-continue"))
            write_all(socket, "HTTP/1.1 100 Continue\r\n\r\n");
        if (base::equals_ignoring_case(header_of(seen.headers, "transfer-encoding"), "chunked")) {
            if (!read_chunked(socket, buffer, seen.body)) return;
        } else if (auto length = base::parse_unsigned(header_of(seen.headers, "content-length"))) {
            if (*length > kMaxBodyBytes) return;
            while (buffer.size() < *length)
                if (!read_more(socket, buffer)) return;
            seen.body = buffer.substr(0, *length);
            buffer.erase(0, *length);
        }
        const Node reply = choose(seen);
        if (!answer(socket, seen, reply)) return;
    }
}

Node ScriptedOrigin::choose(const Seen& seen) {
    std::lock_guard lock(mutex_);
    seen_.push_back(seen);
    if (seen_.size() > kMaxSeen) seen_.pop_front();
    for (auto rule = rules_.begin(); rule != rules_.end(); ++rule) {
        const bool fits = (rule->method == "*" || rule->method == seen.method) &&
                          base::wildcard_match(rule->path, seen.path);
        if (!fits) continue;
        Node reply = rule->reply;
        if (rule->times > 0 && --rule->times == 0) rules_.erase(rule);
        return reply;
    }
    Node reply = Node::object();
    reply.set("status", 404);
    reply.set("body", "no reply is scripted for this request\n");
    return reply;
}

bool ScriptedOrigin::answer(int socket, const Seen& seen, const Node& reply) {
    if (auto delay = base::parse_duration(reply["delay"].as_string()))
        clock_.wait_until(clock_.now() + *delay);
    if (reply["reset"].as_bool()) {
        const linger now{1, 0};
        ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        return false;
    }
    if (reply.find("raw"))
        return write_all(socket, reply["raw"].as_string()) && !reply["close"].as_bool();
    const int64_t status = reply["status"].as_int(200);
    const std::string body =
        reply.find("json") ? base::to_json(reply["json"]) : reply["body"].as_string();
    const bool chunked = reply["chunked"].as_bool() || reply.find("trailers") != nullptr;
    const bool without_body =
        seen.method == "HEAD" || status == 204 || status == 304 || status < 200;
    std::string out = fmt::format("HTTP/1.1 {} {}\r\n", status, reason_of(status));
    bool framed = false;
    for (const auto& [name, value] : reply["headers"].members()) {
        framed = framed || base::equals_ignoring_case(name, "content-length") ||
                 base::equals_ignoring_case(name, "transfer-encoding");
        if (!value.is_array()) out += fmt::format("{}: {}\r\n", name, as_text(value));
        for (const Node& item : value.items())
            out += fmt::format("{}: {}\r\n", name, as_text(item));
    }
    if (reply.find("json") && !reply["headers"].find("content-type"))
        out += "content-type: application/json\r\n";
    const bool close = reply["close"].as_bool();
    if (close) out += "connection: close\r\n";
    if (!framed && chunked)
        out += "transfer-encoding: chunked\r\n";
    else if (!framed && status != 204 && status != 304 && status >= 200)
        out += fmt::format("content-length: {}\r\n", body.size());
    out += "\r\n";
    if (!without_body && chunked) {
        if (!body.empty()) out += fmt::format("{:x}\r\n{}\r\n", body.size(), body);
        out += "0\r\n";
        for (const auto& [name, value] : reply["trailers"].members())
            out += fmt::format("{}: {}\r\n", name, as_text(value));
        out += "\r\n";
    } else if (!without_body) {
        out += body;
    }
    return write_all(socket, out) && !close;
}

void ScriptedOrigin::reply(const std::string& request_line, Node reply) {
    const auto [first, rest] = base::cut(request_line, ' ');
    const bool any = request_line.starts_with('/');
    const int64_t times = reply["times"].as_int(-1);
    std::lock_guard lock(mutex_);
    rules_.push_front({any ? "*" : std::string(first), any ? request_line : std::string(rest),
                       std::move(reply), times});
}

void ScriptedOrigin::forget() {
    std::lock_guard lock(mutex_);
    rules_.clear();
    seen_.clear();
}

void ScriptedOrigin::tell(Answer& answer) {
    std::lock_guard lock(mutex_);
    answer.set("saw.count", static_cast<int64_t>(seen_.size()));
    if (!seen_.empty()) {
        answer.set("saw.method", seen_.back().method);
        answer.set("saw.path", seen_.back().path);
        answer.set("saw.body", seen_.back().body);
        answer.saw_headers = seen_.back().headers;
    }
    seen_.clear();
}

}  // namespace scenarios

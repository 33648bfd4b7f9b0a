#include "containers/docker_engine.h"

#include <errno.h>
#include <fmt/format.h>
#include <string.h>
#include <unistd.h>

#include <cstdlib>

#include "base/result.h"
#include "base/text.h"

namespace containers {
namespace {

constexpr size_t kMaxAnswerBytes = 16 << 20;
constexpr uint32_t kMaxFrameBytes = 16 << 20;

std::string head_of(std::string_view method, std::string_view prefix, std::string_view path,
                    std::string_view type, uint64_t size) {
    std::string head = fmt::format("{} {}{} HTTP/1.0\r\nHost: docker\r\n", method, prefix, path);
    if (!type.empty())
        head += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", type, size);
    return head + "\r\n";
}

// Reads up to the empty line; `rest` is what came after it.
std::expected<int, std::string> read_head(net::Socket& socket, std::string& rest,
                                          net::Deadline deadline) {
    std::string head;
    char bytes[8192];
    size_t end;
    while ((end = head.find("\r\n\r\n")) == std::string::npos) {
        auto got = socket.read_some(bytes, deadline);
        if (!got) return std::unexpected("the Docker engine does not answer: " + got.error().text);
        if (*got == 0 || head.size() > 64 * 1024)
            return std::unexpected("the Docker engine's answer is not HTTP");
        head.append(bytes, *got);
    }
    rest = head.substr(end + 4);
    auto status = base::parse_unsigned(head.size() > 12 ? std::string_view(head).substr(9, 3) : "");
    if (!head.starts_with("HTTP/1.") || !status)
        return std::unexpected("the Docker engine's answer is not HTTP");
    return static_cast<int>(*status);
}

std::expected<DockerEngine::Answer, std::string> read_answer(net::Socket& socket,
                                                             net::Deadline deadline) {
    DockerEngine::Answer answer;
    answer.status = TRY(read_head(socket, answer.body, deadline));
    char bytes[32 * 1024];
    while (answer.body.size() < kMaxAnswerBytes) {
        auto got = socket.read_some(bytes, deadline);
        if (!got) return std::unexpected("the Docker engine does not answer: " + got.error().text);
        if (*got == 0) return answer;
        answer.body.append(bytes, *got);
    }
    return std::unexpected("the Docker engine's answer is too long");
}

std::string_view docker_host() {
    return std::getenv("DOCKER_HOST") ? std::getenv("DOCKER_HOST") : "";
}

// "1.9" is older than "1.41".
bool older(std::string_view a, std::string_view b) {
    auto minor = [](std::string_view version) {
        return base::parse_unsigned(base::cut(version, '.').second).value_or(0);
    };
    return minor(a) < minor(b);
}

}  // namespace

DockerEngine::DockerEngine(std::string socket_path, std::string api_version)
    : path_(std::move(socket_path)), prefix_("/v" + std::move(api_version)) {
    if (!path_.empty()) return;
    const std::string_view host = docker_host();
    path_ = host.starts_with("unix://") ? std::string(host.substr(7)) : "/var/run/docker.sock";
}

base::Node DockerEngine::Answer::json() const {
    auto node = base::parse_json(body);
    return node ? std::move(*node) : base::Node();
}

std::string DockerEngine::Answer::message() const {
    std::string text = json()["message"].as_string();
    if (text.empty()) text = "the Docker engine answers " + std::to_string(status);
    while (text.ends_with('\n') || text.ends_with('.'))
        text.pop_back();
    return text;
}

std::expected<net::Socket, std::string> DockerEngine::connect(net::Deadline deadline) {
    auto address = net::Address::unix_path(path_);
    if (!address) return std::unexpected(address.error());
    auto socket = net::Socket::connect(*address, deadline);
    if (!socket)
        return std::unexpected("no Docker engine answers at " + path_ + ": " + socket.error().text);
    return std::move(*socket);
}

std::expected<DockerEngine::Answer, std::string> DockerEngine::call(
    std::string_view method, std::string_view path, const base::Node& body,
    std::chrono::milliseconds patience) {
    net::Deadline deadline = net::Deadline::after(patience);
    net::Socket socket = TRY(connect(deadline));
    std::string text = body.is_null() ? "" : base::to_json(body);
    auto sent = socket.write_all(
        head_of(method, prefix_, path, body.is_null() ? "" : "application/json", text.size()), text,
        deadline);
    if (!sent) return std::unexpected("the Docker engine does not answer: " + sent.error().text);
    return read_answer(socket, deadline);
}

std::expected<DockerEngine::Facts, std::string> DockerEngine::ask(
    const std::string& socket_path, std::chrono::milliseconds patience) {
    if (const std::string_view host = docker_host();
        socket_path.empty() && !host.empty() && !host.starts_with("unix://"))
        return std::unexpected(fmt::format(
            "DOCKER_HOST is {}; only an engine on this machine (unix://) can run tasks", host));
    DockerEngine engine(socket_path);
    engine.prefix_.clear();  // every engine answers this question without a version
    Answer answer = TRY(engine.call("GET", "/version", {}, patience));
    const base::Node facts = answer.json();
    if (!answer.ok() || facts["Version"].as_string().empty())
        return std::unexpected("what answers at " + engine.path_ + " is no Docker engine");
    const std::string& oldest = facts["MinAPIVersion"].as_string();
    return Facts{facts["Version"].as_string(), older("1.41", oldest) ? oldest : "1.41"};
}

std::expected<DockerEngine::Answer, std::string> DockerEngine::upload(std::string_view path,
                                                                      int file, uint64_t size) {
    net::Deadline deadline = net::Deadline::after(std::chrono::minutes(5));
    net::Socket socket = TRY(connect(deadline));
    auto sent =
        socket.write_all(head_of("POST", prefix_, path, "application/x-tar", size), deadline);
    std::string chunk(256 * 1024, '\0');
    for (uint64_t at = 0; sent && at < size;) {
        ssize_t got = ::pread(file, chunk.data(), chunk.size(), static_cast<off_t>(at));
        if (got <= 0)
            return std::unexpected(std::string("an image cannot be read: ") + strerror(errno));
        sent = socket.write_all({chunk.data(), static_cast<size_t>(got)}, deadline);
        at += static_cast<uint64_t>(got);
    }
    if (!sent)
        return std::unexpected("the Docker engine does not take an image: " + sent.error().text);
    return read_answer(socket, deadline);
}

std::expected<DockerEngine::Stream, std::string> DockerEngine::open_stream(std::string_view path,
                                                                           const base::Node& body) {
    net::Deadline deadline = net::Deadline::after(std::chrono::seconds(30));
    Stream stream;
    stream.socket = TRY(connect(deadline));
    std::string text = body.is_null() ? "{}" : base::to_json(body);
    auto sent = stream.socket.write_all(
        head_of("POST", prefix_, path, "application/json", text.size()), text, deadline);
    if (!sent) return std::unexpected("the Docker engine does not answer: " + sent.error().text);
    int status = TRY(read_head(stream.socket, stream.first, deadline));
    if (status >= 200 && status < 300) return stream;
    Answer answer{status, stream.first};
    return std::unexpected(answer.message());
}

bool FrameReader::next(Frame& frame) {
    if (buffer_.size() < 8) return false;
    auto byte = [&](size_t at) {
        return static_cast<uint32_t>(static_cast<unsigned char>(buffer_[at]));
    };
    uint32_t size = byte(4) << 24 | byte(5) << 16 | byte(6) << 8 | byte(7);
    size = std::min(size, kMaxFrameBytes);
    if (buffer_.size() < 8 + size) return false;
    frame.error_stream = byte(0) == 2;
    frame.bytes = buffer_.substr(8, size);
    buffer_.erase(0, 8 + size);
    return true;
}

}  // namespace containers

// Viewer over cpp-httplib.
#include "scenarios/runner/viewer.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <filesystem>

#include "base/result.h"
#include "base/text.h"
#include "scenarios/runner/stream.h"

namespace scenarios {
namespace {

using std::chrono::steady_clock;

constexpr size_t kMaxBodyBytes = 256 << 20;
constexpr auto kConnectTimeout = std::chrono::seconds(5);

base::microseconds since(steady_clock::time_point start) {
    return std::chrono::duration_cast<base::microseconds>(steady_clock::now() - start);
}

}  // namespace

std::string local_name(int socket) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    char text[INET6_ADDRSTRLEN] = {};
    if (address.ss_family == AF_INET) {
        const auto* in = reinterpret_cast<const sockaddr_in*>(&address);
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        return fmt::format("{}:{}", text, ntohs(in->sin_port));
    }
    const auto* in = reinterpret_cast<const sockaddr_in6*>(&address);
    inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
    return fmt::format("[{}]:{}", text, ntohs(in->sin6_port));
}

std::string host_without_port(std::string_view host) {
    return std::string(host.substr(0, host.starts_with('[') ? host.find(']') + 1 : host.find(':')));
}

// A handshake that proves nothing, and the file is there.
void wake_authority(const Target& target, const std::string& name, const std::string& ca_file) {
    if (std::filesystem::exists(ca_file)) return;
    httplib::Client client(fmt::format("https://{}:{}", name, target.port));
    client.set_hostname_addr_map({{name, target.address}});
    client.enable_server_certificate_verification(false);
    client.set_connection_timeout(kConnectTimeout);
    (void)client.Head("/");
}

namespace {

void bind_source(int socket, const std::string& from) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    if (!from.empty() && inet_pton(AF_INET, from.c_str(), &address.sin_addr) == 1)
        (void)bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
}

// HTTP/1.0: a connection of its own, whose end is the answer's.
std::expected<ViewerResponse, ViewerError> send_alone(const ViewerRequest& request,
                                                      const std::string& ca_file) {
    const auto begun = steady_clock::now();
    StreamedAnswer answer = TRY(StreamedAnswer::ask(request, ca_file, {}));
    ViewerResponse response = answer.head;
    while (request.method != "HEAD" && !answer.whole()) {
        const auto read = answer.read(response.body, begun + request.timeout);
        if (response.body.size() > kMaxBodyBytes)
            return std::unexpected(ViewerError{ViewerError::Kind::TooLarge,
                                               "the answer is larger than 256 MiB", response.peer});
        if (read == Stream::Read::Late)
            return std::unexpected(ViewerError{ViewerError::Kind::Timeout,
                                               "the answer did not end in time", response.peer});
        if (read == Stream::Read::Closed) break;
    }
    response.took = since(begun);
    return response;
}

}  // namespace

struct Viewer::Connection {
    std::unique_ptr<httplib::Client> client;
    int socket = -1;
    std::string peer;
};

const std::string* ViewerResponse::header(std::string_view name) const {
    for (const auto& [key, value] : headers)
        if (base::equals_ignoring_case(key, name)) return &value;
    return nullptr;
}

Viewer::Viewer(std::string ca_file) : ca_file_(std::move(ca_file)) {}
Viewer::~Viewer() = default;
Viewer::Viewer(Viewer&&) noexcept = default;

std::expected<ViewerResponse, ViewerError> Viewer::send(const ViewerRequest& request) {
    const Target& target = request.target;
    if (request.version == "1.0") return send_alone(request, ca_file_);
    const std::string name = host_without_port(target.host);
    auto& slot = connections_[fmt::format("{}|{}|{}|{}|{}", target.tls, target.address, target.port,
                                          target.host, request.from)];
    if (!slot) {
        slot = std::make_unique<Connection>();
        // With TLS the name is for SNI and the certificate; the address map says where it is.
        const std::string& dialled = target.tls ? name : target.address;
        slot->client = std::make_unique<httplib::Client>(
            fmt::format("{}://{}:{}", target.tls ? "https" : "http", dialled, target.port));
        if (target.tls) {
            slot->client->set_hostname_addr_map({{name, target.address}});
            if (!ca_file_.empty()) {
                wake_authority(target, name, ca_file_);
                slot->client->set_ca_cert_path(ca_file_);
            }
        }
        slot->client->set_keep_alive(true);
        slot->client->set_tcp_nodelay(true);
        slot->client->set_url_encode(false);
        slot->client->set_decompress(false);
        slot->client->set_connection_timeout(kConnectTimeout);
        slot->client->set_socket_options(
            [connection = slot.get(), from = request.from](int socket) {
                connection->socket = socket;
                bind_source(socket, from);
            });
    }
    Connection& connection = *slot;
    connection.client->set_read_timeout(request.timeout);
    connection.client->set_write_timeout(request.timeout);

    httplib::Request outgoing;
    outgoing.method = request.method;
    outgoing.path = target.path;
    bool has_host = false, has_agent = false;
    for (const auto& [key, value] : request.headers) {
        has_host = has_host || base::equals_ignoring_case(key, "host");
        has_agent = has_agent || base::equals_ignoring_case(key, "user-agent");
        outgoing.headers.emplace(key, value);
    }
    if (!has_host) outgoing.headers.emplace("Host", target.host);
    if (!has_agent) outgoing.headers.emplace("User-Agent", "dodam-run");
    outgoing.body = request.body;

    ViewerResponse response;
    bool too_large = false;
    const auto start = steady_clock::now();
    outgoing.response_handler = [&](const httplib::Response& head) {
        response.first_byte = since(start);
        connection.peer = local_name(connection.socket);
        response.version =
            head.version.starts_with("HTTP/") ? head.version.substr(5) : head.version;
        return true;
    };
    outgoing.content_receiver = [&](const char* data, size_t size, uint64_t, uint64_t) {
        too_large = response.body.size() + size > kMaxBodyBytes;
        if (!too_large) response.body.append(data, size);
        return !too_large;
    };
    httplib::Response incoming;
    httplib::Error error = httplib::Error::Success;
    const bool sent = connection.client->send(outgoing, incoming, error);
    response.took = since(start);
    response.peer = connection.peer;
    if (!sent) {
        connections_.erase(fmt::format("{}|{}|{}|{}|{}", target.tls, target.address, target.port,
                                       target.host, request.from));
        const std::string where = fmt::format("{}:{}", target.address, target.port);
        ViewerError failure{ViewerError::Kind::Closed,
                            fmt::format("{} closed the connection without a whole answer", where),
                            response.peer};
        if (too_large)
            failure = {ViewerError::Kind::TooLarge, "the answer is larger than 256 MiB",
                       response.peer};
        else if (error == httplib::Error::Connection || error == httplib::Error::ConnectionTimeout)
            failure = {ViewerError::Kind::Unreachable, fmt::format("nothing answers at {}", where),
                       ""};
        else if (error == httplib::Error::SSLConnection ||
                 error == httplib::Error::SSLServerVerification ||
                 error == httplib::Error::SSLLoadingCerts)
            failure = {
                ViewerError::Kind::Tls,
                fmt::format("no TLS with {} as {} ({})", where, name, httplib::to_string(error)),
                ""};
        else if (response.took >= request.timeout)
            failure = {
                ViewerError::Kind::Timeout,
                fmt::format("no answer from {} after {} ms", where, request.timeout.count() / 1000),
                response.peer};
        return std::unexpected(std::move(failure));
    }
    response.status = incoming.status;
    for (const auto& [key, value] : incoming.headers)
        response.headers.emplace_back(key, value);
    return response;
}

}  // namespace scenarios

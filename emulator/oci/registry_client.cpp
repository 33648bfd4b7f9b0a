#include "oci/registry_client.h"

#include <errno.h>
#include <httplib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/result.h"
#include "base/text.h"
#include "oci/layout.h"
#include "oci/manifest.h"
#include "oci/reach.h"

namespace oci {
namespace {

constexpr int kConnectSeconds = 4;  // also for the first answer
constexpr int kSilenceSeconds = 60;
constexpr size_t kMaxManifestBytes = 4 << 20;
constexpr size_t kChunkBytes = 256 * 1024;

bool is_loopback(const std::string& host) {
    std::string name(base::cut(host, ':').first);
    return name == "localhost" || name.starts_with("127.");
}

SourceError unreachable(const std::string& host, const std::string& reason) {
    return {SourceError::Kind::Unreachable, "the registry " + host + " does not answer: " + reason};
}
SourceError unreachable(const std::string& host, httplib::Error error) {
    return unreachable(host, httplib::to_string(error));
}

// The distribution-spec's error document, when there is one.
std::string reason_of(const httplib::Response& response) {
    auto node = base::parse_json(response.body);
    if (node && !(*node)["errors"].items().empty()) {
        const base::Node& first = (*node)["errors"].items()[0];
        return first["code"].as_string() + ": " + first["message"].as_string();
    }
    return "status " + std::to_string(response.status);
}

SourceError refused(const Reference& reference, const httplib::Response& response) {
    auto kind = response.status == 404                             ? SourceError::Kind::NotFound
                : response.status == 401 || response.status == 403 ? SourceError::Kind::Denied
                                                                   : SourceError::Kind::Malformed;
    return {kind, reference.written + ": the registry answers " + reason_of(response)};
}

// Bearer realm="https://auth…/token",service="…",scope="…"
std::string parameter(const std::string& header, const std::string& name) {
    size_t at = header.find(name + "=\"");
    if (at == std::string::npos) return "";
    at += name.size() + 2;
    return header.substr(at, header.find('"', at) - at);
}

struct Url {
    std::string origin, path;
};
Url cut_url(const std::string& url) {
    size_t scheme = url.find("://");
    size_t slash = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
    if (slash == std::string::npos) return {url, "/"};
    return {url.substr(0, slash), url.substr(slash)};
}

void set_patience(httplib::Client& client) {
    client.set_tcp_nodelay(true);
    client.set_connection_timeout(kConnectSeconds);
    client.set_read_timeout(kSilenceSeconds);
    client.set_write_timeout(kSilenceSeconds);
    client.set_keep_alive(true);
}

}  // namespace

struct RegistryClient::Inside {
    std::string host, scratch;
    Credentials credentials;
    httplib::Client client;
    std::string authorization;
    bool found = false, answered = false;

    Inside(std::string given, Credentials credentials, std::string scratch)
        : host(std::move(given)),
          scratch(std::move(scratch)),
          credentials(std::move(credentials)),
          client((is_loopback(host) ? "http://" : "https://") + name()) {
        set_patience(client);
        if (!this->credentials.user.empty())
            authorization = "Basic " + base::to_base64(this->credentials.user + ":" +
                                                       this->credentials.password);
    }

    std::string name() const { return host == "docker.io" ? "registry-1.docker.io" : host; }

    // Before the first request. An address in brackets is left to the client.
    std::expected<void, SourceError> find() {
        if (found || is_loopback(host) || host.starts_with('[')) return {};
        const std::string full = name();
        const auto [plain, port] = base::cut(full, ':');
        const auto ip = reach(std::string(plain), port.empty() ? "443" : std::string(port),
                              std::chrono::seconds(kConnectSeconds));
        if (!ip) return std::unexpected(unreachable(host, ip.error()));
        client.set_hostname_addr_map({{std::string(plain), *ip}});
        found = true;
        return {};
    }

    httplib::Headers headers(
        std::initializer_list<std::pair<const std::string, std::string>> more = {}) const {
        httplib::Headers out(more);
        if (!authorization.empty()) out.emplace("Authorization", authorization);
        return out;
    }

    // Public registries want a token even from strangers. True when another try makes sense.
    bool take_token(const httplib::Response& response) {
        std::string challenge = response.get_header_value("WWW-Authenticate");
        if (response.status != 401 || !challenge.starts_with("Bearer ") ||
            authorization.starts_with("Bearer "))
            return false;
        Url realm = cut_url(parameter(challenge, "realm"));
        httplib::Client client(realm.origin);
        set_patience(client);
        httplib::Headers basic;
        if (!authorization.empty()) basic.emplace("Authorization", authorization);
        auto answer = client.Get(
            realm.path + "?service=" + base::percent_encode(parameter(challenge, "service")) +
                "&scope=" + base::percent_encode(parameter(challenge, "scope")),
            basic);
        if (!answer || answer->status != 200) return false;
        auto node = base::parse_json(answer->body);
        if (!node) return false;
        std::string token = (*node)["token"].as_string();
        if (token.empty()) token = (*node)["access_token"].as_string();
        authorization = "Bearer " + token;
        return !token.empty();
    }
};

RegistryClient::RegistryClient(std::string host, Credentials credentials, std::string scratch)
    : inside_(
          std::make_unique<Inside>(std::move(host), std::move(credentials), std::move(scratch))) {}
RegistryClient::~RegistryClient() = default;

namespace {
// Docker's own registry keeps one-word names under library/.
std::string path_of(const std::string& host, const Reference& reference) {
    bool library = host == "docker.io" && reference.repository.find('/') == std::string::npos;
    return "/v2/" + std::string(library ? "library/" : "") + reference.repository;
}
}  // namespace

std::expected<ManifestBytes, SourceError> RegistryClient::manifest(const Reference& reference) {
    std::string accept;
    for (std::string_view type : {kManifestType, kIndexType, kDockerManifestType, kDockerListType})
        accept += (accept.empty() ? "" : ", ") + std::string(type);
    std::string path =
        path_of(inside_->host, reference) + "/manifests/" + reference.tag_or_digest();
    TRY(inside_->find());
    // A network may carry the first packets alone.
    if (!inside_->answered) inside_->client.set_read_timeout(kConnectSeconds);
    auto answer = inside_->client.Get(path, inside_->headers({{"Accept", accept}}));
    inside_->answered = inside_->answered || answer;
    inside_->client.set_read_timeout(kSilenceSeconds);
    if (answer && inside_->take_token(*answer))
        answer = inside_->client.Get(path, inside_->headers({{"Accept", accept}}));
    if (!answer) return std::unexpected(unreachable(inside_->host, answer.error()));
    if (answer->status != 200) return std::unexpected(refused(reference, *answer));
    ManifestBytes manifest{Digest::of(answer->body), answer->get_header_value("Content-Type"),
                           std::move(answer->body)};
    bool wrong = !reference.digest.empty() && manifest.digest != reference.digest;
    if (manifest.bytes.size() > kMaxManifestBytes || wrong)
        return std::unexpected(
            SourceError{SourceError::Kind::Malformed,
                        reference.written + ": the manifest does not have its digest"});
    return manifest;
}

std::expected<int, SourceError> RegistryClient::open_blob(const Reference& reference,
                                                          const Digest& digest) {
    TRY(inside_->find());
    int file = open_scratch(inside_->scratch);
    if (file < 0)
        return std::unexpected(
            SourceError{SourceError::Kind::Unreachable,
                        inside_->scratch + " cannot take a blob: " + strerror(errno)});
    bool stored = true;
    inside_->client.set_follow_location(true);
    auto answer = inside_->client.Get(
        path_of(inside_->host, reference) + "/blobs/" + digest.to_string(), inside_->headers(),
        [&](const httplib::Response& response) { return response.status == 200; },
        [&](const char* bytes, size_t size) {
            while (size > 0) {
                ssize_t wrote = ::write(file, bytes, size);
                if (wrote <= 0) return stored = false;
                bytes += wrote, size -= static_cast<size_t>(wrote);
            }
            return true;
        });
    inside_->client.set_follow_location(false);
    if (!answer || answer->status != 200 || !stored) {
        ::close(file);
        if (!stored)
            return std::unexpected(
                SourceError{SourceError::Kind::Unreachable,
                            "the disk does not take blob " + digest.to_string()});
        if (!answer) return std::unexpected(unreachable(inside_->host, answer.error()));
        return std::unexpected(refused(reference, *answer));
    }
    ::lseek(file, 0, SEEK_SET);
    return file;
}

std::expected<void, SourceError> RegistryClient::push_blob(const Reference& reference,
                                                           ImageSource& from,
                                                           const Digest& digest) {
    std::string base_path = path_of(inside_->host, reference) + "/blobs/";
    auto head = inside_->client.Head(base_path + digest.to_string(), inside_->headers());
    if (!head) return std::unexpected(unreachable(inside_->host, head.error()));
    if (head->status == 200) return {};
    if (head->status != 404) return std::unexpected(refused(reference, *head));

    auto session = inside_->client.Post(base_path + "uploads/", inside_->headers(), "",
                                        "application/octet-stream");
    if (!session) return std::unexpected(unreachable(inside_->host, session.error()));
    if (session->status != 202) return std::unexpected(refused(reference, *session));
    std::string location = session->get_header_value("Location");
    if (location.find("://") != std::string::npos) location = cut_url(location).path;
    location += (location.find('?') == std::string::npos ? "?digest=" : "&digest=") +
                base::percent_encode(digest.to_string());

    int file = TRY(from.open_blob(reference, digest));
    struct stat facts{};
    ::fstat(file, &facts);
    std::string chunk(kChunkBytes, '\0');
    auto put = inside_->client.Put(
        location, inside_->headers(), static_cast<size_t>(facts.st_size),
        [&](size_t offset, size_t length, httplib::DataSink& sink) {
            ssize_t got = ::pread(file, chunk.data(), std::min(length, chunk.size()),
                                  static_cast<off_t>(offset));
            return got > 0 && sink.write(chunk.data(), static_cast<size_t>(got));
        },
        "application/octet-stream");
    ::close(file);
    if (!put) return std::unexpected(unreachable(inside_->host, put.error()));
    if (put->status != 201) return std::unexpected(refused(reference, *put));
    return {};
}

std::expected<Digest, SourceError> RegistryClient::push(const Reference& reference,
                                                        ImageSource& from,
                                                        const ManifestBytes& bytes) {
    auto manifest = parse_manifest(bytes.bytes);
    if (!manifest)
        return std::unexpected(
            SourceError{SourceError::Kind::Malformed, reference.written + ": " + manifest.error()});
    TRY(inside_->find());
    for (const Descriptor& layer : manifest->layers)
        TRY(push_blob(reference, from, layer.digest));
    TRY(push_blob(reference, from, manifest->config.digest));
    auto put = inside_->client.Put(
        path_of(inside_->host, reference) + "/manifests/" + reference.tag_or_digest(),
        inside_->headers(), bytes.bytes, bytes.media_type);
    if (!put) return std::unexpected(unreachable(inside_->host, put.error()));
    if (put->status != 201) return std::unexpected(refused(reference, *put));
    return bytes.digest;
}

}  // namespace oci

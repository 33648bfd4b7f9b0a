// Push and pull over HTTP against a small registry (OCI distribution-spec, "Push", "Pull").
#include "oci/registry_client.h"

#include <httplib.h>

#include <catch2/catch.hpp>
#include <map>
#include <mutex>
#include <thread>

#include "base/encoding.h"
#include "oci/layer_store.h"
#include "oci/layout.h"
#include "support/temporary_directory.h"

using namespace oci;

namespace {

// Keeps what it is given, and counts the blobs that arrive.
class Registry {
  public:
    Registry() {
        server_.set_tcp_nodelay(true);
        server_.set_pre_routing_handler(
            [](const httplib::Request& request, httplib::Response& response) {
                if (request.get_header_value("Authorization") ==
                    "Basic " + base::to_base64("AWS:secret"))
                    return httplib::Server::HandlerResponse::Unhandled;
                response.status = 401;
                response.set_header("WWW-Authenticate", "Basic realm=\"ecr\"");
                response.set_content("Not Authorized\n", "text/plain");
                return httplib::Server::HandlerResponse::Handled;
            });
        server_.Get(R"(/v2/app/blobs/(.+))", [this](const auto& request, auto& response) {
            give(blobs_, request.matches[1], response);
        });
        server_.Get(R"(/v2/app/manifests/(.+))", [this](const auto& request, auto& response) {
            give(manifests_, request.matches[1], response);
        });
        server_.Post("/v2/app/blobs/uploads/", [](const auto&, auto& response) {
            response.status = 202;
            response.set_header("Location", "/v2/app/blobs/uploads/1?state=x");
        });
        server_.Put(R"(/v2/app/blobs/uploads/1)", [this](const auto& request, auto& response) {
            std::lock_guard lock(mutex_);
            ++uploads;
            std::string digest = request.get_param_value("digest");
            response.status = Digest::of(request.body).to_string() == digest ? 201 : 400;
            blobs_[digest] = request.body;
        });
        server_.Put(R"(/v2/app/manifests/(.+))", [this](const auto& request, auto& response) {
            std::lock_guard lock(mutex_);
            manifests_[request.matches[1]] = request.body;
            manifests_[Digest::of(request.body).to_string()] = request.body;
            response.status = 201;
        });
        port_ = server_.bind_to_any_port("127.0.0.1");
        thread_ = std::thread([this] { server_.listen_after_bind(); });
    }
    ~Registry() {
        server_.stop();
        thread_.join();
    }
    std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
    int uploads = 0;

  private:
    void give(std::map<std::string, std::string>& from, const std::string& name,
              httplib::Response& response) {
        std::lock_guard lock(mutex_);
        auto found = from.find(name);
        if (found == from.end()) {
            response.status = 404;
            response.set_content(
                R"({"errors":[{"code":"NAME_UNKNOWN","message":"no such thing"}]})",
                "application/json");
            return;
        }
        response.set_content(found->second, &from == &manifests_
                                                ? std::string(kManifestType).c_str()
                                                : "application/octet-stream");
    }

    httplib::Server server_;
    std::mutex mutex_;
    std::map<std::string, std::string> blobs_, manifests_;
    int port_ = 0;
    std::thread thread_;
};

}  // namespace

TEST_CASE("registry client: what is pushed comes back, and is sent once") {
    support::TemporaryDirectory directory;
    ImageLayout layout(directory / "layout");
    std::string layer_bytes(700'000, 'l'), config = R"({"os":"linux"})";
    Manifest manifest;
    manifest.media_type = kManifestType;
    manifest.config = {std::string(kConfigType), *layout.put_blob(config), config.size()};
    manifest.layers = {
        {std::string(kLayerType), *layout.put_blob(layer_bytes), layer_bytes.size()}};
    std::string bytes = write_manifest(manifest);
    ManifestBytes pushed{Digest::of(bytes), manifest.media_type, bytes};

    Registry registry;
    Reference reference = *Reference::parse(registry.host() + "/app:v1");
    RegistryClient client(registry.host(), {"AWS", "secret"}, directory / "scratch");
    auto digest = client.push(reference, layout, pushed);
    if (!digest) FAIL(digest.error().text);
    CHECK(*digest == pushed.digest);
    CHECK(registry.uploads == 2);
    REQUIRE(client.push(reference, layout, pushed));
    CHECK(registry.uploads == 2);

    auto back = client.manifest(reference);
    REQUIRE(back);
    CHECK(back->bytes == bytes);
    int file = *client.open_blob(reference, manifest.layers[0].digest);
    CHECK(*digest_of_file(file) == manifest.layers[0].digest);
    ::close(file);

    auto missing = client.manifest(*Reference::parse(registry.host() + "/app:none"));
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind == SourceError::Kind::NotFound);
    CHECK(missing.error().text.find("NAME_UNKNOWN: no such thing") != std::string::npos);
    RegistryClient stranger(registry.host(), {}, directory / "scratch");
    CHECK(stranger.manifest(reference).error().kind == SourceError::Kind::Denied);
    RegistryClient nobody("127.0.0.1:1", {}, directory / "scratch");
    CHECK(nobody.manifest(reference).error().kind == SourceError::Kind::Unreachable);
}

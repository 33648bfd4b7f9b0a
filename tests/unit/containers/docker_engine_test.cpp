// Who answers at the engine's socket: what `--runtime auto` decides by, and which version of the
// API is spoken.
#include "containers/docker_engine.h"

#include <catch2/catch.hpp>

#include "containers/choose_runtime.h"
#include "net/listener.h"
#include "support/temporary_directory.h"

namespace {

// An engine that answers every request with one text; "" = never.
std::unique_ptr<net::Listener> engine_at(const std::string& path, std::string answer) {
    auto listener = net::Listener::open(
        *net::Address::unix_path(path), "engine", [answer](net::Socket& socket) {
            char bytes[4096];
            (void)socket.read_some(bytes, net::Deadline::after(std::chrono::seconds(5)));
            if (answer.empty())
                (void)socket.read_some(bytes, net::Deadline::after(std::chrono::seconds(5)));
            else
                (void)socket.write_all("HTTP/1.0 200 OK\r\n\r\n" + answer,
                                       net::Deadline::after(std::chrono::seconds(5)));
        });
    REQUIRE(listener);
    (*listener)->start();
    return std::move(*listener);
}

}  // namespace

TEST_CASE("docker engine: version, and the oldest version of its API that is not older than ours") {
    struct Case {
        const char *answer, *version, *api, *error;
    };
    const Case cases[] = {
        {R"({"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12"})", "20.10.24", "1.41",
         ""},
        {R"({"Version":"29.0.1","ApiVersion":"1.52","MinAPIVersion":"1.44"})", "29.0.1", "1.44",
         ""},
        {R"({"Version":"27.1.0","MinAPIVersion":"1.9"})", "27.1.0", "1.41", ""},
        {"{}", "", "", "is no Docker engine"},
        {"hello", "", "", "is no Docker engine"},
        {"", "", "", "does not answer"},
    };
    support::TemporaryDirectory directory;
    int number = 0;
    for (const Case& c : cases) {
        INFO(c.answer);
        const std::string path = directory / ("engine" + std::to_string(number++));
        auto listener = engine_at(path, c.answer);
        auto facts =
            containers::DockerEngine::ask(path, std::chrono::milliseconds(*c.answer ? 2000 : 50));
        if (*c.error) {
            REQUIRE(!facts);
            CHECK_THAT(facts.error(), Catch::Matchers::Contains(c.error));
        } else {
            REQUIRE(facts);
            CHECK(facts->version == c.version);
            CHECK(facts->api_version == c.api);
        }
    }
    CHECK_THAT(
        containers::DockerEngine::ask(directory / "absent", std::chrono::milliseconds(50)).error(),
        Catch::Matchers::Contains("no Docker engine answers at " + (directory / "absent")));
}

// The endpoint behind the real server, driven by the real clients.
#include "http/server.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "base/process.h"
#include "stack.h"

using namespace s3_test;

namespace {

// aws CLI, boto3: a script that gets the endpoint's URL and a scratch directory; its failure is the
// test's.
base::Finished run_script(std::string_view name, const net::Address& at,
                          const std::string& scratch) {
    base::Spawner spawner;
    base::ProcessOptions options;
    options.command = {"/bin/bash", std::string(SOURCE_DIR) + "/tests/e2e/" + std::string(name),
                       "http://" + at.to_string(), scratch};
    auto finished = base::run(spawner, options, std::chrono::seconds(300));
    REQUIRE(finished);
    return *finished;
}

}  // namespace

TEST_CASE("aws s3 and aws s3api do what they do at AWS: s3.md §9 #144 to #150", "[slow][cli]") {
    Stack stack;
    stack.keys.add_user("test", "test", "dev");
    // The CLI signs with real time.
    stack.clock.advance(std::chrono::floor<base::microseconds>(
        std::chrono::microseconds(base::SystemClock().now() - stack.clock.now())));
    auto server = http::Server::open(*net::Address::tcp("127.0.0.1", 0), stack.endpoint, {});
    REQUIRE(server);
    (*server)->start();
    base::Finished finished = run_script("s3_cli.sh", (*server)->address(), stack.directory.path());
    (*server)->stop();
    INFO(finished.output << finished.error);
    CHECK(finished.exit_code == 0);
}

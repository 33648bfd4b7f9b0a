// The server alone: a fixed body on every path. `bench_http [BYTES [SECONDS]]` prints its port and pid and
// serves for SECONDS (60); script/bench drives it with wrk beside nginx.
#include <cstdio>
#include <cstdlib>
#include <string>

#include <unistd.h>

#include "base/clock.h"
#include "http/server.h"

namespace {

class Fixed final : public http::Handler {
  public:
    explicit Fixed(size_t size_bytes) : body_(size_bytes, 'x') {
        head_.headers.add("Server", "bench");
        head_.headers.add("Date", "Tue, 24 Nov 2026 15:00:00 GMT");
        head_.headers.add("Content-Type", "text/plain");
        head_.headers.add("Last-Modified", "Tue, 24 Nov 2026 15:00:00 GMT");
        head_.headers.add("ETag", "\"65608a80-400\"");
    }
    void handle(http::Exchange& exchange) override { (void)exchange.respond(head_, body_); }

  private:
    std::string body_;
    http::ResponseHead head_;
};

}  // namespace

int main(int count, char** arguments) {
    Fixed handler(count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 1024);
    auto server = http::Server::open(net::Address::loopback(0), handler, {});
    if (!server) {
        std::fprintf(stderr, "%s\n", server.error().c_str());
        return 1;
    }
    (*server)->start();
    std::printf("%d %d\n", (*server)->address().port(), getpid());
    std::fflush(stdout);
    base::SystemClock clock;
    clock.wait_until(clock.now() + base::seconds(count > 2 ? std::atol(arguments[2]) : 60));
    (*server)->stop();
}

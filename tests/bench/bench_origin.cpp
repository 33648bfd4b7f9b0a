// The origin of script/bench, the same for everybody measured: `bench_origin PORT` (0 = any) prints
// its port and serves until its standard input ends. /b/SIZE/ANYTHING has SIZE bytes and may be
// cached for a day, /slow/ANYTHING answers after a while, /count tells how many requests for other
// paths have come.
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/clock.h"
#include "base/text.h"
#include "http/server.h"

namespace {

constexpr size_t kMaxBodyBytes = 16 << 20;
constexpr base::milliseconds kSlow{400};

class Origin final : public http::Handler {
  public:
    void handle(http::Exchange& exchange) override {
        std::string_view path = exchange.request().target;
        if (path == "/count") {
            http::ResponseHead head;
            head.headers.add("Cache-Control", "no-store");
            (void)exchange.respond(head, std::to_string(count_.load()));
            return;
        }
        count_.fetch_add(1, std::memory_order_relaxed);
        size_t size = 1024;
        if (path.starts_with("/b/")) {
            std::string_view digits = path.substr(3, path.find('/', 3) - 3);
            size = std::min<size_t>(base::parse_unsigned(digits).value_or(size), kMaxBodyBytes);
        }
        if (path.starts_with("/slow/")) clock_.wait_until(clock_.now() + kSlow);
        (void)exchange.respond(head_, std::string_view(body_).substr(0, size));
    }

  private:
    base::SystemClock clock_;
    std::string body_ = std::string(kMaxBodyBytes, 'x');
    http::ResponseHead head_{200,
                             "OK",
                             1,
                             1,
                             {{"Server", "bench"},
                              {"Date", "Tue, 24 Nov 2026 15:00:00 GMT"},
                              {"Content-Type", "application/octet-stream"},
                              {"Cache-Control", "public, max-age=86400"},
                              {"Last-Modified", "Tue, 24 Nov 2026 14:00:00 GMT"},
                              {"ETag", "\"65608a80-400\""}},
                             {}};
    std::atomic<uint64_t> count_{0};
};

}  // namespace

int main(int count, char** arguments) {
    Origin handler;
    uint16_t port = static_cast<uint16_t>(count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 0);
    auto server = http::Server::open(net::Address::loopback(port), handler, {});
    if (!server) {
        std::fprintf(stderr, "%s\n", server.error().c_str());
        return 1;
    }
    (*server)->start();
    std::printf("%d\n", (*server)->address().port());
    std::fflush(stdout);
    char byte;
    while (::read(0, &byte, 1) > 0) {
    }
    (*server)->stop();
}

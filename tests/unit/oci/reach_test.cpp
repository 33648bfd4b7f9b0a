// Which address of a registry answers, where some swallow packets.
#include "oci/reach.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace oci;
using std::chrono::milliseconds;

namespace {

// A port of loopback. One that swallows has a full queue of connections: further SYNs are dropped.
class Port {
  public:
    enum class Kind { Answers, Refuses, Swallows };
    explicit Port(Kind kind) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&at), size) == 0);
        REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
        address = {std::to_string(ntohs(at.sin_port)),
                   std::string(reinterpret_cast<const char*>(&at), size)};
        if (kind != Kind::Refuses) REQUIRE(::listen(socket_, kind == Kind::Swallows ? 0 : 8) == 0);
        for (int& one : waiting_) {
            if (kind != Kind::Swallows) break;
            one = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            (void)::connect(one, reinterpret_cast<sockaddr*>(&at), size);
        }
    }
    ~Port() {
        ::close(socket_);
        for (int one : waiting_)
            if (one >= 0) ::close(one);
    }
    Port(const Port&) = delete;
    SocketAddress address;  // `ip` is the port: which one it is

  private:
    int socket_;
    int waiting_[2] = {-1, -1};
};

}  // namespace

TEST_CASE("the first address that accepts is taken, whatever the others do") {
    const Port answers(Port::Kind::Answers), refuses(Port::Kind::Refuses),
        swallows(Port::Kind::Swallows), swallows_too(Port::Kind::Swallows);
    const auto found =
        first_to_answer({swallows.address, refuses.address, answers.address}, milliseconds(10'000));
    REQUIRE(found);
    CHECK(*found == answers.address.ip);
    CHECK(first_to_answer({refuses.address}, milliseconds(10'000)).error() == "Connection refused");
    // One patience for all of them.
    CHECK(
        first_to_answer({swallows.address, refuses.address, swallows_too.address}, milliseconds(50))
            .error() == "no connection within 0.05 s");
    CHECK(reach("127.0.0.1", answers.address.ip, milliseconds(10'000)).value() == "127.0.0.1");
    CHECK(reach("name.invalid", "443", milliseconds(10'000))
              .error()
              .starts_with("its name is not "
                           "found"));
}

// Viewer: HTTP as the world around the stack speaks it: one connection per session and peer, kept
// alive. Over cpp-httplib, so that an independent implementation judges ours; its header stays in
// viewer.cpp.
#pragma once
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "scenarios/runner/world.h"

namespace scenarios {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct ViewerRequest {
    std::string method = "GET";
    Target target;
    Headers headers;
    std::string body;
    std::string from;  // source address, "" = any
    base::microseconds timeout{30'000'000};
    std::string version = "1.1";  // or 1.0: a connection of its own, which ends with the answer
};

struct ViewerResponse {
    int status = 0;
    std::string version;  // "1.1"
    Headers headers;
    std::string body;
    std::string peer;  // our own side of the connection: IP:PORT
    base::microseconds took{0}, first_byte{0};
    const std::string* header(std::string_view name) const;
};

struct ViewerError {
    enum class Kind { Unreachable, Timeout, Closed, Tls, TooLarge };
    Kind kind = Kind::Unreachable;
    std::string text;  // one sentence
    std::string peer;
};

class Viewer {
  public:
    explicit Viewer(std::string ca_file);
    ~Viewer();
    Viewer(Viewer&&) noexcept;

    std::expected<ViewerResponse, ViewerError> send(const ViewerRequest& request);

  private:
    struct Connection;
    std::string ca_file_;
    std::map<std::string, std::unique_ptr<Connection>> connections_;
};

}  // namespace scenarios

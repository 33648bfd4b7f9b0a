// DockerEngine: the Engine API (v1.41, or the oldest that a newer engine still speaks) over its
// unix socket: one short HTTP/1.0 exchange per call, so that neither chunks nor connections outlive
// it, and the raw streams of attach and exec.
#pragma once
#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include "base/json.h"
#include "net/socket.h"

namespace containers {

class DockerEngine {
  public:
    // The socket's path; "" = DOCKER_HOST when that is unix://, else /var/run/docker.sock.
    explicit DockerEngine(std::string socket_path = "", std::string api_version = "1.41");

    struct Facts {
        std::string version;      // "20.10.24"
        std::string api_version;  // for the constructor
    };
    // Who answers there. An error is one sentence, also for an engine that DOCKER_HOST places
    // elsewhere.
    static std::expected<Facts, std::string> ask(const std::string& socket_path,
                                                 std::chrono::milliseconds patience);

    struct Answer {
        int status = 0;
        std::string body;
        bool ok() const { return status >= 200 && status < 300; }
        base::Node json() const;
        // The engine's own sentence.
        std::string message() const;
    };
    // An error is one sentence: the engine does not answer.
    std::expected<Answer, std::string> call(
        std::string_view method, std::string_view path, const base::Node& body = {},
        std::chrono::milliseconds patience = std::chrono::seconds(60));
    // The body is `size` bytes of a file.
    std::expected<Answer, std::string> upload(std::string_view path, int file, uint64_t size);

    // After the head of a successful answer the connection is a stream of frames (attach, exec).
    struct Stream {
        net::Socket socket;
        std::string first;  // what came with the head
    };
    std::expected<Stream, std::string> open_stream(std::string_view path,
                                                   const base::Node& body = {});

    const std::string& socket_path() const { return path_; }

  private:
    std::expected<net::Socket, std::string> connect(net::Deadline deadline);
    std::string path_, prefix_;
};

// The engine's multiplexed output (Engine API, "Attach to a container", stream format): 8 bytes of
// head, then the bytes.
class FrameReader {
  public:
    struct Frame {
        bool error_stream = false;
        std::string bytes;
    };
    void feed(std::string_view bytes) { buffer_.append(bytes); }
    // False when more bytes are needed.
    bool next(Frame& frame);

  private:
    std::string buffer_;
};

}  // namespace containers

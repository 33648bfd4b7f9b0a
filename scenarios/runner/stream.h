// Stream: one connection to a target, TCP or TLS, and HTTP read from it as it comes. For what the
// viewer's client does not speak: HTTP/1.0, WebSockets, answers that do not end.
#pragma once
#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "scenarios/runner/viewer.h"

namespace scenarios {

class Stream {
  public:
    using Deadline = std::chrono::steady_clock::time_point;

    // `from`: our own address, "" = any.
    static std::expected<Stream, ViewerError> open(const Target& target, const std::string& ca_file,
                                                   const std::string& from, Deadline deadline);
    Stream(Stream&&) noexcept;
    ~Stream();

    std::expected<void, ViewerError> write(std::string_view bytes, Deadline deadline);
    enum class Read { Data, Late, Closed };
    Read read(std::string& into, Deadline deadline);  // appends
    const std::string& local() const;                 // IP:PORT

  private:
    struct Inside;
    explicit Stream(std::unique_ptr<Inside> inside);
    std::unique_ptr<Inside> inside_;
};

// A request and its answer over a stream of its own. The body comes decoded from its framing.
class StreamedAnswer {
  public:
    // Sends the request with `version`; `extra` are headers of ours, unless the request has them.
    static std::expected<StreamedAnswer, ViewerError> ask(const ViewerRequest& request,
                                                          const std::string& ca_file,
                                                          const Headers& extra);

    ViewerResponse head;  // everything but the body
    // Appends what came; Closed: the body has ended.
    Stream::Read read(std::string& into, Stream::Deadline deadline);
    bool whole() const { return ended_; }  // it ended as its framing says
    // After a 101: the connection, with bytes that came along.
    Stream& connection() { return stream_; }
    std::string take_rest() { return std::exchange(rest_, {}); }

  private:
    explicit StreamedAnswer(Stream stream) : stream_(std::move(stream)) {}
    std::expected<void, ViewerError> read_head(Stream::Deadline deadline);
    void decode(std::string& into);
    void decode_chunks(std::string& into);

    Stream stream_;
    std::string rest_;
    bool chunked_ = false, ended_ = false;
    std::optional<uint64_t> left_;  // of Content-Length, or of the chunk
};

// The certificate of the stack's authority is made when TLS is first asked for: asks, when the file
// is not there yet.
void wake_authority(const Target& target, const std::string& name, const std::string& ca_file);
std::string local_name(int socket);
// "host:443" and "[::1]:443" without the port.
std::string host_without_port(std::string_view host);

}  // namespace scenarios

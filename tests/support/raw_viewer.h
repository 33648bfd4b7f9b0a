// RawViewer: bytes on a socket, as a test wrote them. Reads the answer as text.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "net/socket.h"

namespace test {

class RawViewer {
  public:
    explicit RawViewer(const net::Address& to) {
        auto socket = net::Socket::connect(to, soon());
        if (socket) socket_ = std::move(*socket);
    }

    bool send(std::string_view bytes) { return socket_.write_all(bytes, soon()).has_value(); }

    // Until `mark` was read (included), or the end.
    std::string read_until(std::string_view mark) {
        while (buffered_.find(mark) == buffered_.npos && fill()) {
        }
        const size_t at = buffered_.find(mark);
        return take(at == buffered_.npos ? buffered_.size() : at + mark.size());
    }
    // A head, and the body if it has a Content-Length.
    std::string read_response() {
        std::string response = read_until("\r\n\r\n");
        const size_t at = response.find("Content-Length: ");
        if (at == response.npos) return response;
        const size_t size = std::stoul(response.substr(at + 16));
        while (buffered_.size() < size && fill()) {
        }
        return response + take(std::min(size, buffered_.size()));
    }
    std::string read_to_end() {
        while (fill()) {
        }
        return take(buffered_.size());
    }
    bool was_reset() const { return reset_; }
    net::Socket& socket() { return socket_; }
    static net::Deadline soon() { return net::Deadline::after(std::chrono::seconds(5)); }

  private:
    bool fill() {
        char bytes[16 * 1024];
        const auto got = socket_.read_some(bytes, soon());
        if (!got) reset_ = got.error().kind == net::ErrorKind::Reset;
        if (!got || *got == 0) return false;
        buffered_.append(bytes, *got);
        return true;
    }
    std::string take(size_t size) {
        std::string taken = buffered_.substr(0, size);
        buffered_.erase(0, size);
        return taken;
    }

    net::Socket socket_;
    std::string buffered_;
    bool reset_ = false;
};

// What `request` is answered with on a connection of its own, to its end.
inline std::string answer_to(const net::Address& at, std::string_view request) {
    RawViewer viewer(at);
    viewer.send(request);
    viewer.socket().finish_writing();
    return viewer.read_to_end();
}

}  // namespace test

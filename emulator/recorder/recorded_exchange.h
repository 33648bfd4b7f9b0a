// RecordedExchange: an exchange that passes through, bytes unchanged, while a recording keeps a
// copy.
#pragma once
#include <optional>

#include "http/server.h"
#include "recorder/recorder.h"

namespace recorder {

// Whether it is a viewer's: what the edge itself asks of an origin that answers on the viewer port
// (a bucket's website) carries the edge's id.
bool is_recorded(const http::RequestHead& request);

class RecordedExchange final : public http::Exchange,
                               private http::BodyReader,
                               private http::BodyWriter {
  public:
    RecordedExchange(http::Exchange& inner, Recorder& recorder, base::Clock& clock);
    // Takes note, unless nothing was answered or the connection became a tunnel.
    ~RecordedExchange() override;

    http::RequestHead& request() override { return inner_.request(); }
    http::BodyReader& body() override { return *this; }
    net::Address peer() const override { return inner_.peer(); }
    net::Address local() const override { return inner_.local(); }
    bool is_tls() const override { return inner_.is_tls(); }
    const net::Socket& socket() const override { return inner_.socket(); }
    http::Result<void> respond(const http::ResponseHead& head, std::string_view body) override;
    http::Result<void> respond_prepared(int status, std::string_view head,
                                        const http::HeldBody& body) override;
    http::Result<http::BodyWriter*> respond_streaming(const http::ResponseHead& head,
                                                      http::BodyFraming framing) override;
    http::Result<uint64_t> respond_relay(const http::ResponseHead& head, http::BodyReader& body,
                                         std::chrono::milliseconds idle,
                                         http::BodyFraming framing) override;
    http::Result<void> inform(int status, const http::HeaderList& headers) override {
        return inner_.inform(status, headers);
    }
    http::Result<net::Socket*> upgrade(const http::ResponseHead& head,
                                       std::string& early) override {
        is_tunnel_ = true;
        return inner_.upgrade(head, early);
    }
    void close_after() override { inner_.close_after(); }
    void abort() override {
        passed_.response_body.is_cut = true;
        inner_.abort();
    }
    bool has_responded() const override { return inner_.has_responded(); }
    uint64_t sent_bytes() const override { return inner_.sent_bytes(); }

  private:
    http::Result<size_t> read(std::span<char> into, net::Deadline deadline) override;
    std::optional<uint64_t> length() const override { return inner_.body().length(); }
    const http::HeaderList& trailers() const override { return inner_.body().trailers(); }
    http::Result<void> write(std::string_view bytes, net::Deadline deadline) override;
    http::Result<void> finish(net::Deadline deadline, const http::HeaderList& trailers) override {
        return writer_->finish(deadline, trailers);
    }
    void read_the_rest();

    http::Exchange& inner_;
    Recorder& recorder_;
    base::Clock& clock_;
    Passed passed_;
    http::BodyWriter* writer_ = nullptr;
    bool is_answered_ = false, is_tunnel_ = false, is_read_ = false;
};

}  // namespace recorder

// RecordedExchange: a request made by a test and the answer that a handler gave, without sockets.
#pragma once
#include <string>

#include "http/server.h"

namespace support {

class RecordedExchange final : public http::Exchange, private http::BodyWriter {
  public:
    explicit RecordedExchange(http::RequestHead request, std::string body = {})
        : request_(std::move(request)), request_body_(std::move(body)) {}

    // What was answered.
    http::ResponseHead response;
    std::string response_body;
    bool closed = false, aborted = false;

    http::RequestHead& request() override { return request_; }
    http::BodyReader& body() override { return request_body_; }
    net::Address peer() const override { return net::Address::loopback(40000); }
    net::Address local() const override { return net::Address::loopback(4566); }
    bool is_tls() const override { return false; }
    const net::Socket& socket() const override { return socket_; }

    http::Result<void> respond(const http::ResponseHead& head, std::string_view body) override {
        response = head;
        response_body = body;
        responded_ = true;
        return {};
    }
    http::Result<http::BodyWriter*> respond_streaming(const http::ResponseHead& head,
                                                      http::BodyFraming) override {
        response = head;
        responded_ = true;
        return static_cast<http::BodyWriter*>(this);
    }
    http::Result<void> inform(int, const http::HeaderList&) override { return {}; }
    http::Result<net::Socket*> upgrade(const http::ResponseHead& head, std::string&) override {
        response = head;
        responded_ = true;
        return &socket_;
    }
    void close_after() override { closed = true; }
    void abort() override { aborted = true; }
    bool has_responded() const override { return responded_; }
    uint64_t sent_bytes() const override { return response_body.size(); }

  private:
    http::Result<void> write(std::string_view bytes, net::Deadline) override {
        response_body += bytes;
        return {};
    }
    http::Result<void> finish(net::Deadline, const http::HeaderList&) override { return {}; }

    http::RequestHead request_;
    http::StringBody request_body_;
    net::Socket socket_;
    bool responded_ = false;
};

}  // namespace support

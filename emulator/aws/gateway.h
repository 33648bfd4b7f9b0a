// The AWS port's front door: refuse foreign Hosts and Origins, identify the service (order below),
// verify the signature, dispatch, render answer or error, leave a trace. S3, /v2/ and /_dodam/ go
// on to their own handlers. Order: path /_dodam/, /v2/; Host of a known service or bucket; SigV4
// scope; X-Amz-Target; form Action + Version; else S3 path style.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aws/service.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/trace.h"
#include "http/server.h"

namespace aws {

struct GatewayParts {
    base::Clock& clock;
    base::TraceRing& traces;
    const base::Ids& ids;
    std::vector<Service*> services;
    http::Handler* s3 = nullptr;        // s3/endpoint: does its own REST, signatures included
    http::Handler* registry = nullptr;  // ecr/registry: /v2/
    http::Handler* console = nullptr;   // /_dodam/
    // Whether a Host label is an existing bucket (virtual-host style and CNAME-style addressing).
    std::function<bool(std::string_view)> is_bucket;
    std::function<std::optional<std::string>(std::string_view access_key)> secret_of;
    std::function<Caller(std::string_view access_key)> caller_of;
    std::function<void(std::string_view access_key, std::string_view session_token)> check_token =
        {};
};

class Gateway final : public http::Handler {
  public:
    explicit Gateway(GatewayParts parts) : parts_(std::move(parts)) {}
    void handle(http::Exchange& exchange) override;

  private:
    // Where a request goes: one of the handlers, a service, or nowhere (a service that is not
    // emulated).
    struct Destination {
        http::Handler* handler = nullptr;
        Service* service = nullptr;
        std::string unknown;  // signing name, target or Action of a service that nobody here serves
        std::string form;     // the Query protocol's fields, when they were looked at
    };
    Destination identify(http::Exchange& exchange) const;
    Destination by_host(std::string_view host) const;
    Service* find_service(std::string_view signing_name, std::string_view version) const;
    bool serves_host(std::string_view host) const;
    void serve(http::Exchange& exchange, Service& service, std::string form);
    Reply run(http::Exchange& exchange, Service& service, Call& call,
              const std::string& form) const;
    void authenticate(http::Exchange& exchange, const Service& service, Call& call,
                      std::string_view payload) const;
    void refuse(http::Exchange& exchange, int status, std::string_view text) const;
    void refuse_unknown(http::Exchange& exchange, const std::string& name) const;

    GatewayParts parts_;
};

// Requests above this are refused by the services' front; S3 streams its bodies and has no such
// limit.
inline constexpr size_t kMaxBodyBytes = 8 << 20;

}  // namespace aws

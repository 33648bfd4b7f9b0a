// The AWS port's front door: identify the service (decision order below), verify the signature, dispatch,
// render answer or error, leave a trace. S3, /v2/ and /_dodam/ go on to their own handlers.
// Order: path /_dodam/, /v2/; Host of a known service or bucket; SigV4 scope; X-Amz-Target; form
// Action + Version; else S3 path style.
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
    http::Handler* s3 = nullptr;           // s3/endpoint: does its own REST, signatures included
    http::Handler* registry = nullptr;     // ecr/registry: /v2/
    http::Handler* console = nullptr;      // /_dodam/
    // Whether a Host label is an existing bucket (virtual-host style and CNAME-style addressing).
    std::function<bool(std::string_view)> is_bucket;
    std::function<std::optional<std::string>(std::string_view access_key)> secret_of;
    std::function<Caller(std::string_view access_key)> caller_of;
};

class Gateway final : public http::Handler {
  public:
    explicit Gateway(GatewayParts parts) : parts_(std::move(parts)) {}
    void handle(http::Exchange& exchange) override;

  private:
    Service* identify(http::Exchange& exchange, const std::string& form) const;
    GatewayParts parts_;
};

}  // namespace aws

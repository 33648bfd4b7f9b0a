// Balancer: the request path, in order. A listener's own port calls serve() with its ARN; the
// viewer port calls handle(), which finds the load balancer by Host.
#pragma once
#include <string_view>

#include "elbv2/visit.h"
#include "http/server.h"

namespace elbv2 {

class Balancer final : public http::Handler {
  public:
    explicit Balancer(BalancerParts parts) : parts_(std::move(parts)) {}

    // Whether a Host (any case, with or without a port) is a load balancer's: its DNS name or
    // NAME.localhost.
    bool owns(std::string_view host) const;
    void handle(http::Exchange& exchange) override;
    void handle_incomplete(http::Exchange& exchange) override;

    void serve(http::Exchange& exchange, std::string_view listener_arn);
    void serve_incomplete(http::Exchange& exchange, std::string_view listener_arn);

  private:
    BalancerParts parts_;
};

}  // namespace elbv2

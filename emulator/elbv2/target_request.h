// The request as the target sees it: headers added, overwritten and dropped. Guide: "HTTP headers
// and Application Load Balancers", "X-Forwarded headers". Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "elbv2/snapshot.h"
#include "http/message.h"

namespace elbv2 {

struct ClientFacts {
    std::string peer_ip;
    uint16_t peer_port = 0;
    Protocol protocol = Protocol::Http;
    uint16_t listener_port = 80;
    std::string_view load_balancer_name;  // its DNS name
    std::string tls_version, tls_cipher;
};

enum class UpgradeWish : uint8_t { None, WebSocket };

struct TargetRequest {
    http::RequestHead
        head;  // framing headers stand where they stood; the connection writes their values
    std::vector<std::string> dropped;  // invalid names, when the attribute asks for it
    UpgradeWish upgrade = UpgradeWish::None;
};

// Host as rules, redirects and logs see it: the URI's authority if it is absolute, else the first
// Host, else (HTTP/1.0) the load balancer's own name. As sent, with its port.
std::string_view effective_host(const http::RequestHead& head, std::string_view load_balancer_name);
// The path and query of an absolute or origin-form target.
std::string_view origin_form(std::string_view target);
// Addresses over all X-Forwarded-For lines.
size_t count_forwarded_for(const http::HeaderList& headers);
std::string target_host(std::string_view host, uint16_t listener_port);
UpgradeWish wanted_upgrade(const http::RequestHead& head);

// Takes `head` apart. `trace_header` is the X-Amzn-Trace-Id to send on.
TargetRequest make_target_request(http::RequestHead head, const LoadBalancerSettings& settings,
                                  const ClientFacts& client, std::string_view trace_header);

}  // namespace elbv2

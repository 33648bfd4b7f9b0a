// The request that goes to the origin: what of the viewer's headers, cookies and query passes, by
// which policy, and what the edge adds. CloudFront guide, "Request and response behavior". Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "cloudfront/model.h"

namespace cloudfront {

struct Dropped {
    std::string name;  // "header X-Foo", "cookie a", "query t=1"
    std::string why;
};

struct OriginRequest {
    http::RequestHead head;
    std::vector<Dropped> dropped;
    bool https = false;
    uint16_t port = 80;
    std::string server_name;  // SNI, and the name the certificate must carry
    bool signs = false;       // an origin access control signs it
    bool upgrades = false;    // a WebSocket handshake: a 101 is an answer to it
};

struct OriginRequestContext {
    std::string_view request_id;  // X-Amz-Cf-Id
    std::string_view via_id;      // 32 hex digits
    bool has_body = false;
    bool will_cache = false;  // the edge stores the answer: the viewer's validators stay behind
    std::string_view range;   // the Range to ask for, "" = none
    bool has_copy = false;    // an expired one is held: the question is about that
};

// A handshake that asks for WebSocket ("Use WebSockets with CloudFront distributions").
bool is_websocket(const ViewerRequest& request);

OriginRequest build_origin_request(const ViewerRequest& request, const CacheBehavior& behavior,
                                   const Origin& origin, const OriginRequestContext& context);

// Sent = selected by the cache policy or by the origin request policy; with two block lists a name
// on either is dropped ("Understanding how origin request policies and cache policies work
// together").
bool is_forwarded(const Selection& key, const Selection& also, std::string_view name);

}  // namespace cloudfront

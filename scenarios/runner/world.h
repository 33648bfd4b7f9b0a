// World: where one copy of the stack answers, and what is known of it. Targets of scenarios
// ("front:/path") become an address to dial and a Host to send; nothing here asks a resolver.
#pragma once
#include <expected>
#include <string>
#include <string_view>

#include "base/json.h"

namespace scenarios {

struct World {
    std::string aws_endpoint;         // http://127.0.0.1:4566
    std::string viewer_endpoint;      // http://127.0.0.1:8080
    std::string viewer_tls_endpoint;  // https://127.0.0.1:8443, "" = none
    std::string ca_file;              // for it
    std::string token;                // of the control API
    std::string state, stack_file;  // the instance's directory, and its dodam.json; "" = not known
    std::string account, region = "us-east-1";
    std::string access_key = "test", secret_key = "test";
    std::string session_token;  // of temporary credentials
    // Attributes by the paths of dodam.json; "targets": {NAME: {"url": …}} adds targets of one's
    // own.
    base::Node stack = base::Node::object();
};

struct Target {
    bool tls = false;
    std::string address;  // 127.0.0.1
    int port = 0;
    std::string host;  // for Host and SNI
    std::string path;  // with query, "/" at least
    std::string url() const;
    bool same_peer(const Target& other) const;
};

// "NAME:/path", "http://…", "https://…". An error is one sentence.
std::expected<Target, std::string> resolve(const World& world, std::string_view text);

}  // namespace scenarios

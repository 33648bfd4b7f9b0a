// Targets: names of the stack and URLs to sockets on this machine.
#include "scenarios/runner/world.h"

#include <fmt/format.h>

#include "base/result.h"
#include "base/text.h"

namespace scenarios {
namespace {

struct Authority {
    bool tls = false;
    std::string host;
    int port = 0;
    std::string path;
};

std::expected<Authority, std::string> split_url(std::string_view url) {
    Authority out;
    out.tls = url.starts_with("https://");
    std::string_view rest = url.substr(std::min(url.size(), url.find("://") + 3));
    const size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
    std::string_view authority = rest.substr(0, slash);
    out.path = rest.substr(slash);
    if (auto fragment = out.path.find('#'); fragment != std::string::npos)
        out.path.resize(fragment);
    if (!out.path.starts_with('/')) out.path = "/" + out.path;
    out.port = out.tls ? 443 : 80;
    const size_t colon = authority.rfind(':');
    if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
        auto port = base::parse_unsigned(authority.substr(colon + 1));
        if (!port || *port == 0 || *port > 65535)
            return std::unexpected(fmt::format("\"{}\" has no valid port", url));
        out.port = static_cast<int>(*port);
        authority = authority.substr(0, colon);
    }
    if (authority.empty()) return std::unexpected(fmt::format("\"{}\" names no host", url));
    out.host = authority;
    return out;
}

bool is_loopback(std::string_view host) {
    return host.starts_with("127.") || host == "localhost" || host == "[::1]";
}

std::string with_port(const Authority& authority) {
    const int usual = authority.tls ? 443 : 80;
    return authority.port == usual ? authority.host
                                   : fmt::format("{}:{}", authority.host, authority.port);
}

enum class Door { Viewer, Aws };

// S3's REST names and everything else of amazonaws.com but load balancers, buckets' websites
// included in the viewer's.
Door door_of(std::string_view host) {
    const std::string name = base::lower(host);
    if (!name.ends_with(".amazonaws.com") && !name.ends_with(".s3.localhost")) return Door::Viewer;
    const bool viewer =
        name.ends_with(".elb.amazonaws.com") || name.find(".s3-website") != std::string::npos;
    return viewer ? Door::Viewer : Door::Aws;
}

std::expected<Target, std::string> dial(const World& world, Authority wanted) {
    Target target;
    target.tls = wanted.tls;
    target.host = with_port(wanted);
    target.path = wanted.path;
    if (is_loopback(wanted.host)) {
        target.address = wanted.host == "localhost" ? "127.0.0.1" : wanted.host;
        target.port = wanted.port;
        return target;
    }
    const std::string& endpoint = door_of(wanted.host) == Door::Aws ? world.aws_endpoint
                                  : wanted.tls                      ? world.viewer_tls_endpoint
                                                                    : world.viewer_endpoint;
    if (endpoint.empty())
        return std::unexpected(
            fmt::format("the stack does not answer {} here", wanted.tls ? "https" : "http"));
    // The AWS port takes both, told apart by the first byte.
    Authority door = TRY(split_url(endpoint));
    target.address = door.host;
    target.port = door.port;
    return target;
}

}  // namespace

std::string Target::url() const {
    return fmt::format("{}://{}{}", tls ? "https" : "http", host, path);
}

bool Target::same_peer(const Target& other) const {
    return tls == other.tls && address == other.address && port == other.port && host == other.host;
}

std::expected<Target, std::string> resolve(const World& world, std::string_view text) {
    if (text.starts_with("http://") || text.starts_with("https://"))
        return dial(world, TRY(split_url(text)));
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos)
        return std::unexpected(fmt::format("\"{}\" is no target: write NAME:/path", text));
    const std::string_view name = text.substr(0, colon);
    const std::string path(text.substr(colon + 1));
    if (!path.starts_with('/'))
        return std::unexpected(fmt::format("the path of \"{}\" does not start with \"/\"", text));
    const base::Node& stack = world.stack;
    // Viewers of a distribution speak https where it is served.
    const std::string scheme = world.viewer_tls_endpoint.empty() ? "http" : "https";
    if (const auto& url = stack["targets"][name]["url"].as_string(); !url.empty())
        return dial(world, TRY(split_url(url + path)));
    if (const auto& domain = stack["distributions"][name]["domain"].as_string(); !domain.empty())
        return dial(world, TRY(split_url(fmt::format("{}://{}{}", scheme, domain, path))));
    if (const auto& domain = stack["loadBalancers"][name]["dnsName"].as_string(); !domain.empty())
        return dial(world, TRY(split_url(fmt::format("http://{}{}", domain, path))));
    if (const auto& domain = stack["buckets"][name]["domain"].as_string(); !domain.empty())
        return dial(world, TRY(split_url(fmt::format("http://{}{}", domain, path))));
    if (name == "aws") return dial(world, TRY(split_url(world.aws_endpoint + path)));
    if (name == "viewer") return dial(world, TRY(split_url(world.viewer_endpoint + path)));
    return std::unexpected(fmt::format("the stack has no \"{}\" that answers requests", name));
}

}  // namespace scenarios

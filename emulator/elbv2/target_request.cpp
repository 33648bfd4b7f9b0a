// See target_request.h. alb.md §5.
#include "elbv2/target_request.h"

#include <algorithm>

#include "base/text.h"
#include "elbv2/rule_match.h"

namespace elbv2 {
namespace {

bool has_scheme(std::string_view target) {
    return target.size() > 7 && (base::equals_ignoring_case(target.substr(0, 7), "http://") ||
                                 base::equals_ignoring_case(target.substr(0, 8), "https://"));
}

bool is(const http::Header& header, std::string_view name) {
    return base::equals_ignoring_case(header.name, name);
}

// Written anew for the target's connection, or by the balancer itself.
bool is_replaced(const http::Header& header) {
    static constexpr std::string_view kNames[] = {
        "connection",        "keep-alive",       "proxy-connection", "te", "upgrade", "expect",
        "x-forwarded-proto", "x-forwarded-port", "x-amzn-trace-id"};
    return std::ranges::any_of(kNames, [&](std::string_view name) { return is(header, name); });
}

bool is_valid_name(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-';
    });
}

std::string client_element(const LoadBalancerSettings& settings, const ClientFacts& client) {
    if (settings.forwarded_for_port == Toggle::Off) return client.peer_ip;
    bool is_v6 = client.peer_ip.find(':') != std::string::npos;
    std::string ip = is_v6 ? "[" + client.peer_ip + "]" : client.peer_ip;
    return ip + ":" + std::to_string(client.peer_port);
}

void add_forwarded_for(http::HeaderList& to, const http::HeaderList& from,
                       const LoadBalancerSettings& settings, const ClientFacts& client) {
    switch (settings.forwarded_for) {
        case ForwardedForMode::Remove: return;
        case ForwardedForMode::Preserve:
            for (std::string_view value : from.all("x-forwarded-for"))
                to.add("X-Forwarded-For", value);
            return;
        case ForwardedForMode::Append: break;
    }
    std::string value = from.joined("x-forwarded-for");
    if (!value.empty()) value += ", ";
    to.add("X-Forwarded-For", value + client_element(settings, client));
}

void add_hosts(http::HeaderList& to, const http::RequestHead& head,
               const LoadBalancerSettings& settings, const ClientFacts& client) {
    if (settings.preserve_host == Toggle::On && head.headers.has("host")) {
        for (std::string_view host : head.headers.all("host"))
            to.add("Host", host);
        return;
    }
    to.add("Host",
           target_host(effective_host(head, client.load_balancer_name), client.listener_port));
}

// Names that the client's Connection header declares to be for this hop only.
std::vector<std::string> nominated(const http::HeaderList& headers) {
    std::vector<std::string> names;
    for (std::string_view line : headers.all("connection")) {
        for (std::string_view name : base::split(line, ',')) {
            std::string lower = base::lower(base::trim(name));
            if (lower != "close" && lower != "keep-alive" && lower != "upgrade" && lower != "host")
                names.push_back(std::move(lower));
        }
    }
    return names;
}

}  // namespace

std::string_view effective_host(const http::RequestHead& head,
                                std::string_view load_balancer_name) {
    if (has_scheme(head.target)) {
        std::string_view rest = std::string_view(head.target).substr(head.target.find("//") + 2);
        return rest.substr(0, rest.find_first_of("/?"));
    }
    std::string_view host = head.headers.get("host");
    return host.empty() ? load_balancer_name : host;
}

std::string_view origin_form(std::string_view target) {
    if (!has_scheme(target)) return target;
    std::string_view rest = target.substr(target.find("//") + 2);
    size_t path = rest.find_first_of("/?");
    return path == std::string_view::npos ? std::string_view("/") : rest.substr(path);
}

size_t count_forwarded_for(const http::HeaderList& headers) {
    size_t count = 0;
    for (const http::Header& header : headers)
        if (is(header, "x-forwarded-for"))
            count += 1 + static_cast<size_t>(std::ranges::count(header.value, ','));
    return count;
}

std::string target_host(std::string_view host, uint16_t listener_port) {
    std::string_view bare = host_without_port(host);
    bool usual = listener_port == 80 || listener_port == 443;
    if (usual) return base::lower(bare);
    if (bare.size() != host.size()) return base::lower(host);
    return base::lower(bare) + ":" + std::to_string(listener_port);
}

UpgradeWish wanted_upgrade(const http::RequestHead& head) {
    std::string_view upgrade = head.headers.get("upgrade");
    if (upgrade.empty() || head.minor < 1) return UpgradeWish::None;
    if (!base::equals_ignoring_case(upgrade, "websocket")) return UpgradeWish::None;
    std::string connection = base::lower(head.headers.joined("connection"));
    return connection.find("upgrade") != std::string::npos ? UpgradeWish::WebSocket
                                                           : UpgradeWish::None;
}

TargetRequest make_target_request(http::RequestHead head, const LoadBalancerSettings& settings,
                                  const ClientFacts& client, std::string_view trace_header) {
    TargetRequest out;
    out.upgrade = wanted_upgrade(head);
    http::HeaderList& to = out.head.headers;
    to.reserve(head.headers.size() + 8);
    // The balancer's own come first, as echo servers behind a real one show them.
    add_forwarded_for(to, head.headers, settings, client);
    to.add("X-Forwarded-Proto", client.protocol == Protocol::Https ? "https" : "http");
    to.add("X-Forwarded-Port", std::to_string(client.listener_port));
    add_hosts(to, head, settings, client);
    to.add("X-Amzn-Trace-Id", trace_header);
    if (settings.tls_headers == Toggle::On && client.protocol == Protocol::Https) {
        to.add("x-amzn-tls-version", client.tls_version);
        to.add("x-amzn-tls-cipher-suite", client.tls_cipher);
    }

    std::vector<std::string> hop_by_hop = nominated(head.headers);
    std::string upgrade(head.headers.get("upgrade"));
    for (http::Header& header : head.headers) {
        if (is_replaced(header) || is(header, "host") || is(header, "x-forwarded-for")) continue;
        bool of_this_hop = std::ranges::any_of(
            hop_by_hop, [&](const std::string& name) { return is(header, name); });
        if (of_this_hop) continue;
        if (settings.drop_invalid_headers == Toggle::On && !is_valid_name(header.name)) {
            out.dropped.push_back(std::move(header.name));
            continue;
        }
        to.add(std::move(header.name), std::move(header.value));
    }
    if (out.upgrade == UpgradeWish::WebSocket) {
        to.add("Connection", "Upgrade");
        to.add("Upgrade", upgrade);
    }
    out.head.target = origin_form(head.target);
    out.head.method = std::move(head.method);
    return out;
}

}  // namespace elbv2

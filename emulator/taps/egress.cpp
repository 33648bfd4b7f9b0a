// See egress.h.
#include "taps/egress.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "http/tunnel.h"
#include "net/dial.h"

namespace taps {

namespace {

// A name as RFC 1123 §2.1 allows: no address, since only names are answered, and no pattern, since
// each name is carried to one host.
bool is_host_name(std::string_view host) {
    if (host.empty() || host.size() > 253 || net::Address::tcp(host, 1)) return false;
    for (std::string_view label : base::split(host, '.')) {
        if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
            return false;
        if (!std::ranges::all_of(label,
                                 [](unsigned char c) { return std::isalnum(c) || c == '-'; }))
            return false;
    }
    return true;
}

void carry(net::Socket& task_side, const std::string& host, uint16_t port,
           const std::string& task) {
    auto world = net::dial(host, port, net::Deadline::after(kRelayConnect));
    if (!world) {
        base::log_warning("egress", fmt::format("task {} does not reach {}:{}: {}", task, host,
                                                port, world.error().text));
        return task_side.reset();
    }
    (void)http::run_tunnel(task_side, "", *world, "", kRelayIdle);
}

}  // namespace

std::expected<std::vector<Reachable>, std::string> egress(std::span<const std::string> entries) {
    std::vector<Reachable> all;
    for (const std::string& entry : entries) {
        const size_t colon = entry.rfind(':');
        const std::string host = base::lower(entry.substr(0, colon));
        std::vector<uint16_t> ports = {80, 443};
        if (colon != std::string::npos) {
            const auto port = base::parse_unsigned(entry.substr(colon + 1));
            if (!port || *port == 0 || *port > 65535)
                return std::unexpected(
                    fmt::format("egress: \"{}\" has no port after its colon", entry));
            ports = {static_cast<uint16_t>(*port)};
        }
        if (!is_host_name(host))
            return std::unexpected(
                fmt::format("egress: \"{}\" is no host name; it looks like \"api.example.com\" or "
                            "\"smtp.example.com:587\"",
                            entry));
        auto known =
            std::ranges::find_if(all, [&](const Reachable& one) { return one.names[0] == host; });
        if (known == all.end()) {
            if (all.size() == kMaxEgressHosts)
                return std::unexpected(fmt::format("egress: more than {} hosts", kMaxEgressHosts));
            all.push_back({{host},
                           fmt::format("198.18.1.{}", all.size() + 1),
                           {},
                           [host](net::Socket& task_side, uint16_t port, const std::string& task) {
                               carry(task_side, host, port, task);
                           }});
            known = std::prev(all.end());
        }
        for (uint16_t port : ports)
            if (std::ranges::find(known->ports, port) == known->ports.end())
                known->ports.push_back(port);
    }
    return all;
}

}  // namespace taps

#include "containers/closed_network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "http/tunnel.h"
#include "net/dial.h"

namespace containers {
namespace {

using std::chrono::seconds;

constexpr seconds kDial{20};
constexpr seconds kRelaySilence{120};
constexpr size_t kMostRefused = 20;  // names that are reported
constexpr const char* kResolver = "169.254.169.253";

void relay(net::Socket& step, const std::string& host, uint16_t port) {
    auto world = net::dial(host, port, net::Deadline::after(kDial));
    if (!world) return step.reset();
    (void)http::run_tunnel(step, "", *world, "", kRelaySilence);
}

bool names_match(const std::string& pattern, const std::string& name) {
    return pattern.starts_with("*.") ? name.ends_with(pattern.substr(1)) : name == pattern;
}

// Answers one DNS query: allowed names have their address, all others do not exist (RFC 1035 §4.1).
// "" when it is no query; `name` is what was asked for.
std::string answer_query(std::string_view query, const std::vector<Relay>& relays,
                         std::string& name, bool& known) {
    if (query.size() < 17 || (query[2] & 0x80)) return "";
    size_t at = 12;
    name.clear();
    while (at < query.size() && query[at] != 0) {
        size_t length = static_cast<unsigned char>(query[at]);
        if (length > 63 || at + 1 + length >= query.size()) return "";
        name += (name.empty() ? "" : ".") + base::lower(query.substr(at + 1, length));
        at += 1 + length;
    }
    if (at + 5 > query.size()) return "";
    unsigned type =
        static_cast<unsigned char>(query[at + 1]) << 8 | static_cast<unsigned char>(query[at + 2]);
    const auto found = std::ranges::find_if(relays, [&](const Relay& each) {
        return !each.name.empty() && names_match(each.name, name);
    });
    known = found != relays.end();
    bool has_address = known && type == 1;
    std::string out(query.substr(0, at + 5));
    out[2] = static_cast<char>(0x84 | (query[2] & 0x01));  // an authoritative answer
    out[3] = static_cast<char>(known ? 0x80 : 0x83);       // NXDOMAIN
    out[7] = has_address ? 1 : 0;
    out[8] = out[9] = out[10] = out[11] = 0;
    if (has_address) {
        in_addr address{};
        ::inet_pton(AF_INET, found->address.c_str(), &address);
        out += std::string("\xC0\x0C\x00\x01\x00\x01\x00\x00\x00\x3C\x00\x04", 12);
        out.append(reinterpret_cast<const char*>(&address), 4);
    }
    return out;
}

}  // namespace

std::vector<Relay> relays_of(const std::vector<std::string>& hosts) {
    std::vector<Relay> out;
    for (size_t i = 0; i < hosts.size(); ++i)
        for (uint16_t port : {80, 443})
            out.push_back({hosts[i], "198.18.0." + std::to_string(i + 1), port, hosts[i], port});
    return out;
}

ClosedNetwork::~ClosedNetwork() {
    for (auto& listener : listeners_)
        listener->stop();
    stopping_ = true;
    resolving_.join();
    if (names_ >= 0) ::close(names_);
}

std::expected<void, std::string> ClosedNetwork::open(HolderClient& client,
                                                     std::vector<Relay> relays) {
    relays_ = std::move(relays);
    auto lifted = [](const net::Error& error) { return std::unexpected(error.text); };
    for (auto each = relays_.begin(); each != relays_.end(); ++each) {
        // Several names may share a place.
        if (std::any_of(relays_.begin(), each, [&](const Relay& held) {
                return held.address == each->address && held.port == each->port;
            }))
            continue;
        auto listener = client.listen(*net::Address::tcp(each->address, each->port));
        if (!listener) return lifted(listener.error());
        listeners_.push_back(net::Listener::adopt(
            *listener, "relay", [host = each->host, port = each->to_port](net::Socket& socket) {
                relay(socket, host, port);
            }));
        listeners_.back()->start();
    }
    auto names = client.udp(*net::Address::tcp(kResolver, 53));
    if (!names) return lifted(names.error());
    names_ = *names;
    resolving_ = base::Thread("names", [this] { answer_names(); });
    return {};
}

void ClosedNetwork::answer_names() {
    while (!stopping_) {
        pollfd wait{names_, POLLIN, 0};
        if (::poll(&wait, 1, 100) > 0) answer();
    }
}

void ClosedNetwork::answer() {
    char query[1500];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    ssize_t got = ::recvfrom(names_, query, sizeof query, MSG_DONTWAIT,
                             reinterpret_cast<sockaddr*>(&from), &size);
    if (got <= 0) return;
    std::string name;
    bool known = false;
    std::string reply = answer_query({query, static_cast<size_t>(got)}, relays_, name, known);
    if (reply.empty()) return;
    // Service records of allowed hosts (apt asks for _http._tcp.…) are no names that somebody
    // misses.
    if (!known && !name.starts_with('_')) {
        std::lock_guard lock(mutex_);
        if (std::ranges::find(refused_, name) == refused_.end() && refused_.size() < kMostRefused)
            refused_.push_back(name);
    }
    (void)!::sendto(names_, reply.data(), reply.size(), MSG_DONTWAIT,
                    reinterpret_cast<sockaddr*>(&from), size);
}

std::vector<std::string> ClosedNetwork::refused_names() const {
    std::lock_guard lock(mutex_);
    return refused_;
}

std::string ClosedNetwork::hosts_file(std::string_view own_name) const {
    std::string out = "127.0.0.1 localhost " + std::string(own_name) + "\n";
    std::string last;
    for (const Relay& each : relays_) {
        if (each.name.empty() || each.name == last || each.name.starts_with("*.")) continue;
        out += each.address + " " + each.name + "\n";
        last = each.name;
    }
    return out;
}

std::string ClosedNetwork::resolver_file() {
    return std::string("nameserver ") + kResolver + "\noptions timeout:2 attempts:1\n";
}

}  // namespace containers

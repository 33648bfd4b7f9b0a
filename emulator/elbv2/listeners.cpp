// See listeners.h.
#include "elbv2/listeners.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "base/text.h"
#include "elbv2/limits.h"

namespace elbv2 {
namespace {

// Last numbers of a block that load balancers use: .10 to .249.
constexpr int kFirstHost = 10, kHosts = 240;

http::ServerOptions options_of(const RoutedListener& listener, net::TlsServer* tls) {
    const LoadBalancerSettings& settings = listener.owner->settings;
    http::ServerOptions options;
    options.name = "alb";
    options.max_target_bytes = kMaxRequestLineBytes;
    options.max_header_line_bytes = kMaxHeaderLineBytes - 1;
    options.max_head_bytes = kMaxRequestHeadBytes;
    options.idle = options.head = options.body = settings.idle_timeout;
    options.keep_alive_age = settings.client_keep_alive;
    if (listener.listener.protocol == Protocol::Https) {
        options.tls = tls;
        options.tls_only = true;
    }
    return options;
}

bool same_service(const http::ServerOptions& a, const http::ServerOptions& b) {
    return a.idle == b.idle && a.keep_alive_age == b.keep_alive_age && a.tls == b.tls;
}

}  // namespace

struct Listeners::Running final : http::Handler {
    Running(Balancer& balancer, std::string arn) : balancer(balancer), arn(std::move(arn)) {}
    void handle(http::Exchange& exchange) override { balancer.serve(exchange, arn); }
    void handle_incomplete(http::Exchange& exchange) override {
        balancer.serve_incomplete(exchange, arn);
    }

    Balancer& balancer;
    std::string arn, load_balancer, dns_name;
    Protocol protocol = Protocol::Http;
    uint16_t port = 0;
    http::ServerOptions options;
    std::unique_ptr<http::Server> server;
    std::string problem;
};

Listeners::Listeners(ListenersParts parts) : parts_(std::move(parts)) {}
Listeners::~Listeners() {
    stop();
}

// The same address in every world of a stack, unless two names fall on one.
std::string Listeners::address_of(const RoutedLoadBalancer& balancer) {
    std::string& address = addresses_[balancer.load_balancer.arn];
    if (!address.empty()) return address;
    unsigned hash = 0;
    for (unsigned char c : balancer.load_balancer.name)
        hash = hash * 31 + c;
    for (int i = 0; i < kHosts; ++i) {
        std::string candidate =
            parts_.block + std::to_string(kFirstHost + (hash + static_cast<unsigned>(i)) % kHosts);
        bool taken = std::ranges::any_of(
            addresses_, [&](const auto& entry) { return entry.second == candidate; });
        if (taken) continue;
        address = candidate;
        break;
    }
    return address;
}

std::unique_ptr<Listeners::Running> Listeners::start(const RoutedListener& listener) {
    auto running = std::make_unique<Running>(parts_.balancer, listener.listener.arn);
    running->load_balancer = listener.owner->load_balancer.name;
    running->dns_name = listener.owner->load_balancer.dns_name;
    running->protocol = listener.listener.protocol;
    running->port = listener.listener.port;
    running->options = options_of(listener, parts_.tls);
    if (running->protocol == Protocol::Http) running->options.loops = parts_.loops;
    if (running->protocol == Protocol::Https && !parts_.tls) {
        running->problem = "HTTPS listeners need TLS, which this instance has not";
        return running;
    }
    std::string ip = address_of(*listener.owner);
    // Ports under 1024 may be refused to us, and any port may be taken.
    for (uint16_t port : {listener.listener.port, uint16_t{0}}) {
        auto at = net::Address::tcp(ip, port);
        if (!at) break;
        auto server = http::Server::open(*at, *running, running->options);
        if (!server) {
            running->problem = server.error();
            continue;
        }
        running->server = std::move(*server);
        running->problem.clear();
        break;
    }
    if (!running->server) {
        base::log_warning("alb", "listener " + running->arn + " is not open: " + running->problem);
        return running;
    }
    running->server->start();
    parts_.resolver.set(running->dns_name, running->port, running->server->address());
    return running;
}

void Listeners::close(Running& running) {
    if (!running.server) return;
    parts_.resolver.remove(running.dns_name, running.port);
    running.server->stop();
    running.server.reset();
}

void Listeners::open(const RoutingSnapshot& snapshot) {
    std::lock_guard lock(mutex_);
    for (auto entry = running_.begin(); entry != running_.end();) {
        const RoutedListener* declared = snapshot.listener(entry->first);
        bool stays = declared && declared->listener.port == entry->second->port &&
                     declared->listener.protocol == entry->second->protocol &&
                     same_service(options_of(*declared, parts_.tls), entry->second->options);
        if (stays) {
            ++entry;
            continue;
        }
        close(*entry->second);
        entry = running_.erase(entry);
    }
    std::set<std::string> owners;
    for (const auto& balancer : snapshot.load_balancers) {
        owners.insert(balancer->load_balancer.arn);
        for (const RoutedListener& listener : balancer->listeners) {
            auto& running = running_[listener.listener.arn];
            if (!running) running = start(listener);
        }
    }
    std::erase_if(addresses_, [&](const auto& entry) { return !owners.contains(entry.first); });
}

std::vector<OpenListener> Listeners::status() const {
    std::lock_guard lock(mutex_);
    std::vector<OpenListener> all;
    for (const auto& [arn, running] : running_)
        all.push_back({arn, running->load_balancer, running->protocol, running->port,
                       running->server ? running->server->address() : net::Address(),
                       running->problem});
    return all;
}

void Listeners::stop() {
    std::lock_guard lock(mutex_);
    for (auto& [arn, running] : running_)
        close(*running);
    running_.clear();
}

}  // namespace elbv2

// The edge on real sockets: a scripted origin, a stack around it, and a viewer.
#pragma once
#include <httplib.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cloudfront/edge.h"
#include "make.h"

namespace cloudfront::test {

using base::seconds;

// Answers as told and remembers what it saw.
struct ScriptedOrigin {
    struct Seen {
        std::string method, target;
        httplib::Headers headers;
        std::string header(const std::string& name) const {
            auto found = headers.find(name);
            return found == headers.end() ? "" : found->second;
        }
    };
    using Reply = std::function<void(const httplib::Request&, httplib::Response&)>;

    httplib::Server server;
    int port = 0;
    std::thread thread;
    std::mutex mutex;
    std::condition_variable released;
    bool hold = false;
    std::vector<Seen> seen;
    Reply reply = [](const httplib::Request&, httplib::Response& response) {
        response.set_content("body", "text/plain");
    };

    ScriptedOrigin() {
        auto handle = [this](const httplib::Request& request, httplib::Response& response) {
            Reply answer;
            {
                std::unique_lock lock(mutex);
                seen.push_back({request.method, request.target, request.headers});
                released.notify_all();
                released.wait_for(lock, std::chrono::seconds(10), [this] { return !hold; });
                answer = reply;
            }
            answer(request, response);
        };
        server.set_tcp_nodelay(true);
        server.set_keep_alive_timeout(1);
        server.Get(".*", handle)
            .Post(".*", handle)
            .Options(".*", handle)
            .Put(".*", handle)
            .Delete(".*", handle);
        port = server.bind_to_any_port("127.0.0.1");
        thread = std::thread([this] { server.listen_after_bind(); });
        while (!server.is_running())
            std::this_thread::yield();
    }
    ~ScriptedOrigin() {
        release();
        server.stop();
        thread.join();
    }
    void release() {
        std::lock_guard lock(mutex);
        hold = false;
        released.notify_all();
    }
    void wait_for(size_t requests) {
        std::unique_lock lock(mutex);
        released.wait_for(lock, std::chrono::seconds(10), [&] { return seen.size() >= requests; });
    }
    size_t count() {
        std::lock_guard lock(mutex);
        return seen.size();
    }
    Seen last() {
        std::lock_guard lock(mutex);
        return seen.back();
    }
};

struct Stack {
    base::ManualClock clock;
    base::TraceRing traces{1 << 20};
    base::Published<EdgeSnapshot> snapshot;
    net::Resolver resolver;
    std::optional<http::Upstream> upstream{std::in_place, resolver};
    Cache cache{CacheBudget{16 << 20, 64 << 20, "/tmp"}};
    std::string country;
    ScriptedOrigin origin, second;
    net::Loops loops{"test", 2};  // as the emulator's viewer port
    std::unique_ptr<Edge> edge;
    std::unique_ptr<http::Server> server;
    std::unique_ptr<httplib::Client> client;
    std::vector<std::pair<std::string, std::string>> logs;

    explicit Stack(std::string_view changes = "{}", const Policies& policies = {}) {
        resolver.set("origin.example.com", 80,
                     net::Address::loopback(static_cast<uint16_t>(origin.port)));
        resolver.set("second.example.com", 80,
                     net::Address::loopback(static_cast<uint16_t>(second.port)));
        resolver.set("closed.example.com", 80, net::Address::loopback(1));
        configure(changes, policies);
        edge = std::make_unique<Edge>(
            EdgeParts{clock,
                      traces,
                      snapshot,
                      *upstream,
                      cache,
                      nullptr,
                      {},
                      [this](std::string_view) { return country; },
                      [this](const std::string&, const std::string& key, std::string bytes) {
                          logs.emplace_back(key, std::move(bytes));
                          return true;
                      }});
        server =
            std::move(*http::Server::open(net::Address::loopback(0), *edge, {.loops = &loops}));
        server->start();
        client = std::make_unique<httplib::Client>("127.0.0.1", server->address().port());
        client->set_keep_alive(true);
        client->set_tcp_nodelay(true);
    }
    ~Stack() {
        origin.release();
        client.reset();
        server->stop();
        edge.reset();
        // Its idle connections would keep the origins' servers waiting.
        upstream.reset();
    }
    void configure(std::string_view changes, const Policies& policies = {}) {
        auto next = std::make_shared<EdgeSnapshot>();
        auto distribution =
            std::make_shared<const Distribution>(make_distribution(changes, policies));
        next->hosts.add(distribution);
        next->by_id[distribution->id] = distribution;
        snapshot.set(next);
    }
    uint64_t requests = 0;
    static httplib::Headers with_host(httplib::Headers headers) {
        if (!headers.contains("Host")) headers.emplace("Host", "d111111abcdef8.cloudfront.net");
        return headers;
    }
    httplib::Response get(const std::string& path, httplib::Headers headers = {}) {
        ++requests;
        auto result = client->Get(path, with_host(std::move(headers)));
        if (!result) return {};
        return *result;
    }
    httplib::Response send(const std::string& method, const std::string& path,
                           httplib::Headers headers = {}, std::string body = {}) {
        ++requests;
        httplib::Request request;
        request.method = method;
        request.path = path;
        request.headers = with_host(std::move(headers));
        request.body = std::move(body);
        auto result = client->send(request);
        if (!result) return {};
        return *result;
    }
    static std::string cache_of(const httplib::Response& response) {
        std::string value = response.get_header_value("X-Cache");
        return value.substr(0, value.find(' '));
    }
    void origin_replies(int status, std::string body, httplib::Headers headers = {},
                        std::string type = "text/plain") {
        std::lock_guard lock(origin.mutex);
        origin.reply = [=](const httplib::Request& request, httplib::Response& response) {
            response.status = status;
            for (const auto& [name, value] : headers)
                response.set_header(name, value);
            if (status != 304) response.set_content(body, type);
            (void)request;
        };
    }
    // The decisions of the newest request's span with this key, joined. The span follows the
    // answer.
    std::string told(std::string_view key) {
        while (traces.last_sequence() < requests)
            std::this_thread::yield();
        std::string text;
        auto spans = traces.latest(1);
        edge->expand(spans.at(0));
        for (const base::Decision& decision : spans[0].decisions)
            if (decision.key == key) text += decision.text + "\n";
        return text;
    }
};

inline constexpr std::string_view kAllMethods =
    R"("AllowedMethods": {"Quantity": 7, "Items": ["GET","HEAD","OPTIONS","PUT","POST","PATCH","DELETE"]})";

inline std::string behavior(std::string_view members) {
    return R"({"DefaultCacheBehavior": {)" + std::string(members) + "}}";
}

}  // namespace cloudfront::test

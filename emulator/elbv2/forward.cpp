// See forward.h. alb.md §3 (target side), §6 (response), §10 (status codes), §15, §16.
#include "elbv2/forward.h"

#include <sys/socket.h>

#include <optional>

#include "base/date.h"
#include "base/ids.h"
#include "base/text.h"
#include "elbv2/actions.h"
#include "elbv2/client_response.h"
#include "elbv2/limits.h"
#include "elbv2/stickiness.h"
#include "elbv2/target_choice.h"
#include "elbv2/target_fault.h"
#include "elbv2/target_request.h"
#include "elbv2/tunnel.h"

namespace elbv2 {
namespace {

using Kind = http::Error::Kind;

constexpr base::milliseconds kWorthAskingForClient{
    5};  // an answer later than this may find the client gone

// A target's certificate is never verified.
net::TlsClient& target_tls() {
    static net::TlsClient client;
    return client;
}

// Stickiness cookies: what the request brought, and what the response will set.
class Cookies {
  public:
    Cookies(const Visit& visit, const http::HeaderList& headers)
        : visit_(visit), headers_(headers) {}

    std::string pinned_group(const RoutedRule& rule) const {
        if (!rule.action.forward.sticky) return {};
        return read("AWSALBTG", "AWSALBTGCORS", rule.rule.arn);
    }
    std::string pinned_target(const RoutedGroup& group) const {
        switch (group.settings.stickiness) {
            case Stickiness::None: return {};
            case Stickiness::LoadBalancerCookie:
                return read("AWSALB", "AWSALBCORS", group.group.arn);
            case Stickiness::AppCookie: return read("AWSALBAPP-0", "", group.group.arn);
        }
        return {};
    }

    static std::vector<std::string> to_set(const Visit& visit, const RoutedRule& rule,
                                           const RoutedGroup& group, const RoutedTarget& target,
                                           const http::HeaderList& response) {
        std::vector<std::string> lines;
        auto add_pair = [&](std::string_view name, const std::string& value) {
            lines.push_back(sticky_cookie(name, value, visit.now));
            lines.push_back(sticky_cors_cookie(std::string(name) + "CORS", value, visit.now));
        };
        if (rule.action.forward.sticky)
            add_pair("AWSALBTG", make_sticky_value(rule.rule.arn, group.group.arn,
                                                   visit.now + rule.action.forward.sticky_for));
        auto target_value = [&] {
            return make_sticky_value(group.group.arn, target.address,
                                     visit.now + group.settings.sticky_for);
        };
        if (group.settings.stickiness == Stickiness::LoadBalancerCookie)
            add_pair("AWSALB", target_value());
        // Only the application's own cookie starts a session.
        if (group.settings.stickiness == Stickiness::AppCookie &&
            sets_cookie(response, group.settings.app_cookie))
            lines.push_back(sticky_cookie("AWSALBAPP-0", target_value(), visit.now));
        return lines;
    }

  private:
    std::string read(std::string_view name, std::string_view twin, const std::string& scope) const {
        std::string_view value = find_cookie(headers_, name);
        if (value.empty() && !twin.empty()) value = find_cookie(headers_, twin);
        if (value.empty()) return {};
        return read_sticky_value(scope, value, visit_.now).value_or(std::string());
    }

    const Visit& visit_;
    const http::HeaderList& headers_;
};

// 464 before any contact: the protocol of the request and of the group do not fit.
const char* protocol_mismatch(const http::RequestHead& head, const RoutedGroup& group) {
    bool is_grpc = head.headers.get("content-type").starts_with("application/grpc");
    if (group.group.protocol_version == ProtocolVersion::Http1)
        return is_grpc ? "a gRPC request to an HTTP1 target group" : nullptr;
    if (head.major < 2)
        return group.group.protocol_version == ProtocolVersion::Grpc
                   ? "an HTTP/1.1 request to a GRPC target group"
                   : "an HTTP/1.1 request to an HTTP2 target group";
    return nullptr;
}

bool has_body(const http::RequestHead& head) {
    return head.headers.has("content-length") || head.headers.has("transfer-encoding");
}

// FIN or RST seen while waiting for the target.
bool client_left(http::Exchange& exchange) {
    char byte;
    int descriptor = exchange.socket().descriptor();
    if (descriptor < 0 || !exchange.socket().readable_now()) return false;
    return ::recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

ClientFacts client_facts(const Visit& visit) {
    const Listener& listener = visit.listener.listener;
    ClientFacts facts;
    facts.peer_ip = visit.peer_ip;
    facts.peer_port = visit.peer_port;
    facts.protocol = listener.protocol;
    facts.listener_port = listener.port;
    facts.load_balancer_name = visit.balancer.load_balancer.dns_name;
    if (visit.settings().tls_headers == Toggle::On && visit.exchange.is_tls()) {
        facts.tls_version = net::tls_version(visit.exchange.socket());
        facts.tls_cipher = net::tls_cipher(visit.exchange.socket());
    }
    return facts;
}

http::AttemptTimeouts timeouts(const Visit& visit, LiveTarget::Claim& claim) {
    http::AttemptTimeouts waits;
    waits.cancellation = &claim.cancellation();
    waits.connect = kConnectTimeout;
    waits.tls_handshake = kTlsHandshakeTimeout;
    waits.first_byte = waits.between_bytes = waits.idle_pooled = visit.idle();
    return waits;
}

http::Endpoint endpoint(const RoutedGroup& group, const RoutedTarget& target) {
    http::Endpoint to;
    to.host = target.target.id;
    to.port = target.target.port;
    if (group.group.protocol == Protocol::Https) to.tls = &target_tls();
    return to;
}

// The client's side failed while its body was being sent on.
void answer_client_fault(Visit& visit, const http::Error& error) {
    visit.close();
    if (error.kind == Kind::ReadTimeout)
        return visit.answer(408, "the client stopped sending its body");
    if (error.kind == Kind::Malformed)
        return visit.answer(400, "the request's body is malformed: " + error.text);
    visit.span.status = visit.log.status = 400;
    visit.decide(
        "answer",
        "400 in the log, nobody to send it to: the client left before its body was complete");
    visit.exchange.abort();
}

void answer_target_fault(Visit& visit, const http::Error& error, const RoutedTarget& target) {
    std::string why = explain(error, target, visit.settings().idle_timeout);
    visit.decide("error", why);
    bool waited = error.kind == Kind::ReadTimeout;
    if (!waited && client_left(visit.exchange))
        visit.decide("client", "left before the answer (460 in the log)"), visit.log.status = 460;
    int status = status_of(error);
    // gRPC keeps the status and carries its own, without a page.
    visit.answer(status, why);
}

void open_tunnel(Visit& visit, http::UpstreamResponse& response, http::Cancellation& cancellation) {
    std::string from_client, from_target;
    http::ResponseHead head = std::move(response.head());
    net::Socket target = response.take_socket(from_target);
    visit.span.status = visit.log.status = 101;
    visit.log.type = visit.log.scheme == "https" ? "wss" : "ws";
    auto client = visit.exchange.upgrade(head, from_client);
    if (!client) return visit.decide("tunnel", "the client left before the 101");
    cancellation.watch(target.descriptor());
    TunnelEnd end = run_tunnel({**client, from_client}, {target, from_target}, visit.idle());
    cancellation.unwatch();
    visit.decide("tunnel", "ended after " + base::show_duration(visit.elapsed()) + ": " + end.why +
                               "; " + std::to_string(end.from_client_bytes) +
                               " bytes from the client, " + std::to_string(end.from_target_bytes) +
                               " from the target");
    visit.log.received_bytes += end.from_client_bytes;
}

void relay_response(Visit& visit, const RoutedRule& rule, const RoutedGroup& group,
                    const RoutedTarget& target, http::UpstreamResponse& response, bool is_head) {
    auto cookies = Cookies::to_set(visit, rule, group, target, response.head().headers);
    int status = response.head().status;
    bool bodiless = is_head || status == 204 || status == 304;
    bool chunks = !bodiless && !response.head().headers.has("content-length") &&
                  visit.exchange.request().minor >= 1;
    http::ResponseHead head = make_client_response(
        std::move(response.head()), visit.listener.settings, cookies,
        chunks ? ClientFraming::Chunked : ClientFraming::AsDeclared, visit.now);
    visit.span.status = visit.log.status = status;
    if (!cookies.empty()) visit.decide("cookies", "set: stickiness for " + target.address);
    auto sent = visit.exchange.respond_relay(head, response.body(), visit.idle());
    if (sent) return;
    if (sent.error().source == http::Error::Source::Viewer)
        return visit.decide("client",
                            "left before the response was complete: " + sent.error().text);
    // The status is out already: the client sees a truncated body.
    visit.broke_off = true;
    visit.decide("error",
                 target.address + " broke off within its response body: " + sent.error().text);
}

void decide_timings(Visit& visit, const http::UpstreamResponse& response) {
    std::string text = response.reused_connection()
                           ? std::string("kept connection")
                           : "connected in " + base::show_duration(response.connect_took());
    visit.decide("timing",
                 text + ", first byte after " + base::show_duration(response.first_byte_took()));
}

std::string list_added(const http::HeaderList& headers, const TargetRequest& request) {
    std::string text = "added X-Forwarded-For: " + std::string(headers.get("x-forwarded-for")) +
                       ", X-Forwarded-Proto: " + std::string(headers.get("x-forwarded-proto")) +
                       ", X-Forwarded-Port: " + std::string(headers.get("x-forwarded-port")) +
                       ", X-Amzn-Trace-Id; Host: " + std::string(headers.get("host"));
    if (!request.dropped.empty()) text += "; dropped invalid " + base::join(request.dropped, ", ");
    return text;
}

void send_to_target(Visit& visit, const RoutedRule& rule, const RoutedGroup& group,
                    const RoutedTarget& target) {
    http::RequestHead& received = visit.exchange.request();
    bool is_head = received.method == "HEAD", with_body = has_body(received);
    int minor = received.minor;
    TargetRequest request = make_target_request(std::move(received), visit.settings(),
                                                client_facts(visit), visit.trace_header);
    received = {};
    received.minor = minor;
    if (visit.closes_both) request.head.headers.set("Connection", "close");
    visit.decide("headers", list_added(request.head.headers, request));

    LiveTarget::Claim claim(*target.live);
    base::microseconds before = visit.elapsed();
    auto response =
        broken_attempt(visit.parts.faults, group.group.arn, target.target.id, visit.idle(), [&] {
            return visit.parts.upstream.send(endpoint(group, target), request.head,
                                             with_body ? &visit.exchange.body() : nullptr,
                                             timeouts(visit, claim));
        });
    visit.log.request_took = before;
    if (!response) {
        bool connected =
            response.error().kind != Kind::Refused && response.error().kind != Kind::ConnectTimeout;
        if (!connected) visit.log.request_took.reset();
        if (response.error().source == http::Error::Source::Viewer)
            return answer_client_fault(visit, response.error());
        if (claim.cancellation().is_cancelled())
            return visit.answer(
                502, target.address + " was still working when its deregistration delay was over");
        return answer_target_fault(visit, response.error(), target);
    }
    decide_timings(visit, **response);
    visit.log.target_took = visit.elapsed() - before;
    if (auto fault = why_malformed((*response)->head())) {
        http::Error error{Kind::Malformed, http::Error::Source::Origin, http::Error::Retry::Never,
                          *fault};
        return answer_target_fault(visit, error, target);
    }
    visit.log.target_status = visit.target_status = (*response)->head().status;
    bool late = (*response)->first_byte_took() > kWorthAskingForClient;
    if (late && client_left(visit.exchange))
        visit.decide("client", "left while the target worked (460 in the log)");
    if ((*response)->head().status == 101)
        return open_tunnel(visit, **response, claim.cancellation());
    base::microseconds head_at = visit.elapsed();
    relay_response(visit, rule, group, target, **response, is_head);
    visit.log.response_took = visit.elapsed() - head_at;
}

}  // namespace

int status_of(const http::Error& error) {
    switch (error.kind) {
        case Kind::ConnectTimeout:
        case Kind::ReadTimeout:
        case Kind::WriteTimeout: return 504;
        default: return 502;
    }
}

std::string explain(const http::Error& error, const RoutedTarget& target,
                    std::chrono::seconds idle_timeout) {
    switch (error.kind) {
        case Kind::Refused:
            return target.address +
                   " refused the connection: nothing listens on the task's own address; an app "
                   "that binds 127.0.0.1 is not reachable";
        case Kind::ConnectTimeout:
            return target.address + " did not accept the connection within 10 s";
        case Kind::Unreachable: return target.address + " cannot be reached: " + error.text;
        case Kind::Reset: return target.address + " reset the connection before it answered";
        case Kind::Closed:
            return target.address + " closed the connection before it answered: " + error.text +
                   "; on a kept connection, its keep-alive timeout is shorter than the idle "
                   "timeout of " +
                   std::to_string(idle_timeout.count()) + " s";
        case Kind::ReadTimeout:
            return target.address + " sent nothing within the idle timeout of " +
                   std::to_string(idle_timeout.count()) + " s";
        case Kind::WriteTimeout: return target.address + " took no more of the request's body";
        case Kind::Malformed: return target.address + " sent a malformed response: " + error.text;
        case Kind::TooLarge: return target.address + " sent response headers of more than 32 K";
        case Kind::Tls:
            return "the TLS handshake with " + target.address + " failed: " + error.text;
        case Kind::Aborted: return target.address + ": " + error.text;
    }
    return target.address;
}

void forward(Visit& visit, const RoutedRule& rule) {
    const http::RequestHead& head = visit.exchange.request();
    Cookies cookies(visit, head.headers);
    uint64_t roll = rule.forwards.size() > 1 ? base::random_below(1'000'000'007) : 0;
    GroupChoice choice = choose_group(rule, cookies.pinned_group(rule), roll);
    if (!choice.forward) return visit.answer(503, choice.why);
    if (!choice.forward->group) return visit.answer(503, "the rule's target group was deleted");
    const RoutedGroup& group = *choice.forward->group;
    visit.log.target_group_arn = visit.group_arn = group.group.arn;
    if (const char* mismatch = protocol_mismatch(head, group)) return visit.answer(464, mismatch);

    ChoiceFacts facts;
    std::string sticky = cookies.pinned_target(group);
    facts.sticky_target = sticky;
    facts.now = visit.now;
    bool rolls = group.settings.algorithm == Algorithm::WeightedRandom ||
                 group.settings.slow_start.count() > 0;
    if (rolls) facts.roll = static_cast<double>(base::random_below(1 << 20)) / (1 << 20);
    facts.speed = visit.parts.clock.speed();
    TargetChoice target = choose_target(group, facts);
    visit.decide("group",
                 choice.why.empty() ? group.group.name : group.group.name + ": " + choice.why);
    if (!target.target) return visit.answer(503, target.why);
    visit.log.target = target.target->address;
    visit.chosen = target.target->live.get();
    visit.decide("target", target.target->address + ": " + target.why);
    send_to_target(visit, rule, group, *target.target);
}

}  // namespace elbv2

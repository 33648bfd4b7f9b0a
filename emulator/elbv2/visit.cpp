// See visit.h.
#include "elbv2/visit.h"

#include "base/ids.h"
#include "base/text.h"
#include "elbv2/generated_answer.h"
#include "elbv2/target_request.h"
#include "elbv2/trace_header.h"

namespace elbv2 {
namespace {

// The Root element: the id that every hop of a request shares.
std::string root_of(std::string_view trace_header) {
    size_t at = trace_header.find("Root=");
    if (at == std::string_view::npos) return std::string(trace_header);
    std::string_view rest = trace_header.substr(at + 5);
    return std::string(rest.substr(0, rest.find(';')));
}

std::string absolute_url(const Visit& visit, const http::RequestHead& head) {
    std::string scheme = visit.listener.listener.protocol == Protocol::Https ? "https" : "http";
    return scheme + "://" + std::string(host_without_port(visit.host)) + ":" +
           std::to_string(visit.listener.listener.port) + std::string(origin_form(head.target));
}

}  // namespace

Visit::Visit(const BalancerParts& parts, http::Exchange& exchange, const RoutedListener& listener)
    : parts(parts),
      exchange(exchange),
      listener(listener),
      balancer(*listener.owner),
      now(parts.clock.now()) {
    const http::RequestHead& head = exchange.request();
    host = effective_host(head, balancer.load_balancer.dns_name);
    user_agent = head.headers.get("user-agent");
    trace_header =
        next_trace_header(head.headers.get("x-amzn-trace-id"), now, base::random_hex(24));
    net::Address peer = exchange.peer();
    peer_ip = peer.ip();
    peer_port = peer.port();

    span.hop = "alb";
    span.resource = balancer.load_balancer.name;
    span.id = root_of(trace_header);
    span.parent = head.headers.get("x-amz-cf-id");
    span.peer = peer.to_string();
    span.method = head.method;
    span.host = host;
    span.target = head.target;
    span.started = now;
    span.decisions.reserve(6);
    if (!wants_log()) return;

    log.type = listener.listener.protocol == Protocol::Https ? "https" : "http";
    log.scheme = log.type;
    log.created = now;
    log.load_balancer = "app/" + balancer.load_balancer.name + "/" + balancer.load_balancer.id;
    log.client = span.peer;
    log.method = head.method;
    log.url = absolute_url(*this, head);
    log.version = "HTTP/" + std::to_string(head.major) + "." + std::to_string(head.minor);
    log.port = listener.listener.port;
    log.received_bytes =
        head.method.size() + head.target.size() + 12 + head.headers.wire_bytes() + 2;
    log.user_agent = user_agent;
    log.trace_id = trace_header;
    log.connection_trace_id = "TID_" + base::random_hex(32);
}

base::microseconds Visit::elapsed() const {
    return std::chrono::duration_cast<base::microseconds>(std::chrono::steady_clock::now() -
                                                          start_);
}

void Visit::decide(std::string_view key, std::string text) {
    span.decisions.push_back({std::string(key), std::move(text), elapsed()});
}

void Visit::answer(int status, std::string_view why) {
    decide("answer", std::to_string(status) + ": " + std::string(why));
    answer(error_answer(status, user_agent, now));
}

void Visit::answer(const GeneratedAnswer& generated) {
    span.status = generated.head.status;
    log.status = generated.head.status;
    http::ResponseHead head = generated.head;
    if (listener.settings.server_header == Toggle::Off) head.headers.remove("server");
    for (const http::Header& injected : listener.settings.injected)
        head.headers.set(injected.name, injected.value);
    // A client that is gone cannot be answered; nothing is left to do then.
    (void)exchange.respond(head, generated.body);
}

// The target's counts, and the failure with who gave it.
void Visit::account() {
    using Record = base::TargetRecord;
    const bool failed = span.status < 100 || span.status >= 400 || broke_off;
    if (chosen)
        chosen->requests().count(span.parent.empty() ? Record::From::Elsewhere : Record::From::Edge,
                                 failed ? Record::End::Failed : Record::End::Answered);
    if (!failed || !parts.failures) return;
    const bool by_app = target_status >= 400 && !broke_off;
    base::RequestFailure failure;
    failure.at = parts.clock.now();
    failure.layer = by_app   ? base::Layer::App
                    : chosen ? base::Layer::Target
                             : base::Layer::Balancer;
    failure.status = span.status;
    failure.resource = span.resource;
    failure.group = group_arn;
    failure.target = log.target;
    failure.method = span.method;
    failure.path = span.target.substr(0, span.target.find('?'));
    failure.id = span.parent.empty() ? span.id : span.parent;
    failure.cause = by_app ? "the app answered " + std::to_string(target_status) : why_failed();
    parts.failures->add(std::move(failure));
}

std::string Visit::why_failed() const {
    for (auto decision = span.decisions.rbegin(); decision != span.decisions.rend(); ++decision)
        if (decision->key == "error" || decision->key == "answer") return decision->text;
    return "no answer was sent";
}

void Visit::finish() {
    span.took = elapsed();
    account();
    span.sent_bytes = exchange.sent_bytes();
    if (wants_log()) {
        log.finished = parts.clock.now();
        log.sent_bytes = exchange.sent_bytes();
        parts.access_log(settings(), log);
    }
    parts.traces.add(std::move(span));
}

}  // namespace elbv2

// See balancer.h. Steps and their order: alb.md §1.
#include "elbv2/balancer.h"

#include <algorithm>

#include "base/text.h"
#include "elbv2/actions.h"
#include "elbv2/desync.h"
#include "elbv2/forward.h"
#include "elbv2/generated_answer.h"
#include "elbv2/limits.h"
#include "elbv2/rule_match.h"
#include "elbv2/target_request.h"

namespace elbv2 {
namespace {

// Limits, and what cannot be forwarded whatever the mode. True: answered.
bool refused(Visit& visit) {
    const http::RequestHead& head = visit.exchange.request();
    auto refusal = refuse(head);
    if (!refusal) return false;
    visit.close();
    if (refusal->status == 400) visit.log.method.clear(), visit.log.trace_id.clear();
    visit.answer(refusal->status, refusal->why);
    return true;
}

bool stopped_by_desync(Visit& visit) {
    const http::RequestHead& head = visit.exchange.request();
    Classification found = classify(head);
    visit.log.classification = found;
    if (found.tier == Tier::Compliant) return false;
    std::string why = std::string(name_of(found.tier)) + ", " + std::string(found.reason);
    switch (verdict(visit.settings().desync, found.tier)) {
        case Verdict::Forward: visit.decide("desync", why + ": forwarded"); break;
        case Verdict::ForwardThenClose:
            visit.decide("desync", why + ": forwarded once, then both connections close");
            visit.closes_both = true;
            visit.close();
            break;
        case Verdict::Refuse:
            visit.close();
            visit.answer(400, "desync mitigation: " + why);
            return true;
    }
    // Without a known coding the body has no end, so that even monitor mode cannot forward it.
    std::string coding = base::lower(head.headers.joined("transfer-encoding"));
    if (coding.empty() || coding.ends_with("chunked") || coding == "identity") return false;
    visit.close();
    visit.answer(501, "the transfer coding '" + coding + "' is not known");
    return true;
}

bool too_many_forwarded_for(Visit& visit) {
    size_t count = count_forwarded_for(visit.exchange.request().headers);
    if (count <= kMaxForwardedForEntries) return false;
    visit.answer(463, "X-Forwarded-For has " + std::to_string(count) + " addresses, more than 30");
    return true;
}

RequestFacts facts_of(const Visit& visit) {
    const http::RequestHead& head = visit.exchange.request();
    std::string_view target = origin_form(head.target);
    RequestFacts facts;
    facts.host = base::lower(host_without_port(visit.host));
    size_t question = target.find('?');
    facts.path = normalise_path(target.substr(0, question));
    if (question != std::string_view::npos) facts.query = target.substr(question + 1);
    facts.method = head.method;
    facts.headers = &head.headers;
    facts.peer_ip = visit.peer_ip;
    return facts;
}

std::string why_matched(const RoutedRule& rule, const RequestFacts& facts,
                        const std::string& not_matched) {
    std::string text = rule.label;
    for (size_t i = 0; i < rule.conditions.size(); ++i)
        text += (i == 0 ? ": " : " and ") + explain_match(rule.conditions[i].condition, facts);
    return not_matched.empty() ? text : text + "; not " + not_matched;
}

// The first rule whose conditions all hold; the default rule has none.
const RoutedRule* match_rule(Visit& visit, const RequestFacts& facts) {
    std::string not_matched;
    size_t explained = 0;
    for (const RoutedRule& rule : visit.listener.rules) {
        const CompiledCondition* mismatch = first_mismatch(rule.conditions, facts);
        if (!mismatch) {
            visit.log.matched_priority =
                rule.rule.is_default() ? "0" : std::to_string(rule.rule.priority);
            visit.decide("rule", why_matched(rule, facts, not_matched));
            return &rule;
        }
        if (explained++ >= kMaxExplainedRules) continue;
        if (!not_matched.empty()) not_matched += ", ";
        not_matched += rule.label + " (" + explain_mismatch(mismatch->condition, facts) + ")";
    }
    return nullptr;
}

void redirect(Visit& visit, const RedirectAction& action, const RequestFacts& facts) {
    std::string_view target = origin_form(visit.exchange.request().target);
    RedirectFacts from;
    from.protocol = visit.listener.listener.protocol;
    from.host = facts.host;
    from.port = visit.listener.listener.port;
    from.path = target.substr(0, target.find('?'));
    from.query = facts.query;
    std::string location = redirect_location(action, from);
    visit.log.actions = "redirect";
    if (location.size() > kMaxLocationBytes)
        return visit.answer(507, "the redirect's Location is over 8 K");
    visit.log.redirect_url = location;
    visit.decide("answer", std::to_string(action.status) + ": redirect to " + location);
    visit.answer(redirect_answer(action.status, location, visit.now));
}

void run_action(Visit& visit, const RoutedRule& rule, const RequestFacts& facts) {
    switch (rule.action.type) {
        case RuleAction::Type::Redirect: return redirect(visit, rule.action.redirect, facts);
        case RuleAction::Type::FixedResponse:
            visit.log.actions = "fixed-response";
            visit.decide("answer",
                         std::to_string(rule.action.fixed_response.status) + ": fixed response");
            return visit.answer(fixed_answer(rule.action.fixed_response, visit.now));
        case RuleAction::Type::Forward: visit.log.actions = "forward"; return forward(visit, rule);
    }
}

void serve_listener_request(Visit& visit) {
    if (refused(visit)) return;
    if (stopped_by_desync(visit)) return;
    if (too_many_forwarded_for(visit)) return;
    RequestFacts facts = facts_of(visit);
    const RoutedRule* rule = match_rule(visit, facts);
    if (!rule) return visit.answer(503, "the listener has no default rule");
    run_action(visit, *rule, facts);
}

// On the viewer port, a listener by the port in Host, else the protocol's usual one, else the first
// of the same protocol. GUESS: where only the other protocol is listened for, that one serves.
const RoutedListener* viewer_listener(const RoutedLoadBalancer& balancer, std::string_view host,
                                      Protocol protocol) {
    std::string_view port = host.substr(host_without_port(host).size());
    if (port.starts_with(':'))
        if (auto number = base::parse_unsigned(port.substr(1)); number && *number <= 65535)
            if (const RoutedListener* named = balancer.on_port(static_cast<uint16_t>(*number)))
                return named;
    const RoutedListener* usual = balancer.on_port(protocol == Protocol::Https ? 443 : 80);
    if (usual) return usual;
    for (const RoutedListener& listener : balancer.listeners)
        if (listener.listener.protocol == protocol) return &listener;
    return balancer.listeners.empty() ? nullptr : &balancer.listeners.front();
}

}  // namespace

bool Balancer::owns(std::string_view host) const {
    return parts_.snapshot.get()->host(host) != nullptr;
}

void Balancer::handle(http::Exchange& exchange) {
    auto snapshot = parts_.snapshot.get();
    std::string host(effective_host(exchange.request(), {}));
    const RoutedLoadBalancer* balancer = snapshot->host(host);
    Protocol protocol = exchange.is_tls() ? Protocol::Https : Protocol::Http;
    const RoutedListener* listener =
        balancer ? viewer_listener(*balancer, host, protocol) : nullptr;
    // No listener on the port: a real load balancer would not accept the connection.
    if (!listener) return exchange.abort();
    Visit visit(parts_, exchange, *listener);
    serve_listener_request(visit);
    visit.finish();
}

void Balancer::handle_incomplete(http::Exchange&) {}

void Balancer::serve(http::Exchange& exchange, std::string_view listener_arn) {
    auto snapshot = parts_.snapshot.get();
    const RoutedListener* listener = snapshot->listener(listener_arn);
    if (!listener) return exchange.abort();
    Visit visit(parts_, exchange, *listener);
    serve_listener_request(visit);
    visit.finish();
}

void Balancer::serve_incomplete(http::Exchange& exchange, std::string_view listener_arn) {
    auto snapshot = parts_.snapshot.get();
    const RoutedListener* listener = snapshot->listener(listener_arn);
    if (!listener) return exchange.abort();
    Visit visit(parts_, exchange, *listener);
    visit.close();
    visit.answer(408, "the client did not finish its request within the idle timeout");
    visit.finish();
}

}  // namespace elbv2

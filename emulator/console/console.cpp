// The control API: a row per view or action, and the embedded page.
#include "console/console.h"

#include <algorithm>

#include "base/date.h"
#include "base/encoding.h"
#include "base/text.h"
#include "http/query.h"

extern "C" const char console_page_begin[], console_page_end[];

namespace console {
namespace {

constexpr size_t kMaxBodyBytes = 1 << 20;
constexpr size_t kMaxTraces = 500;
constexpr auto kBodyWait = std::chrono::seconds(10);

// What the page may do: run its own script and style, ask its own origin, and nothing else; no
// other page may frame it.
constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string_view host_name(std::string_view host) {
    if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
    return host.substr(0, host.rfind(':'));
}

// 127.0.0.0/8 as an address: "127.evil.example" is a name that anybody may point here.
bool is_loopback_address(std::string_view name) {
    return name == "[::1]" || (name.starts_with("127.") &&
                               name.find_first_not_of("0123456789.") == std::string_view::npos);
}

// Names that a browser resolves to this machine and nobody else can point here (RFC 6761 §6.3).
bool is_our_host(std::string_view host) {
    const std::string name = base::lower(host_name(host));
    return name == "localhost" || name.ends_with(".localhost") || is_loopback_address(name);
}

// A page of another origin must not read or steer. No Origin: not a cross-origin browser request.
bool is_our_origin(std::string_view origin, std::string_view host) {
    if (origin.empty()) return true;
    auto scheme = origin.find("://");
    return scheme != std::string_view::npos &&
           base::lower(origin.substr(scheme + 3)) == base::lower(host);
}

bool same_secret(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    unsigned char difference = 0;
    for (size_t i = 0; i < a.size(); ++i)
        difference |= static_cast<unsigned char>(a[i] ^ b[i]);
    return difference == 0;
}

std::string_view token_of(const http::RequestHead& request) {
    if (auto token = request.headers.get("x-dodam-token"); !token.empty()) return token;
    auto [scheme, token] = base::cut(request.headers.get("authorization"), ' ');
    return base::lower(scheme) == "bearer" ? token : std::string_view();
}

Answer traces(Parts& parts, const base::Node& input) {
    const auto count =
        static_cast<size_t>(std::clamp<int64_t>(input["n"].as_int(50), 1, kMaxTraces));
    std::vector<base::Span> spans;
    if (const auto& id = input["id"].as_string(); !id.empty())
        spans = parts.traces.by_id(id);
    else if (const auto& peer = input["peer"].as_string(); !peer.empty())
        spans = parts.traces.by_peer(peer, count);
    else if (input.find("since"))
        spans = parts.traces.since(static_cast<uint64_t>(input["since"].as_int()), count);
    else
        spans = parts.traces.latest(count);
    base::Node list = base::Node::array();
    for (auto& span : spans) {
        if (parts.expand) parts.expand(span);
        list.push_back(to_node(span));
    }
    Answer answer;
    answer.body.set("spans", std::move(list));
    answer.body.set("last", static_cast<int64_t>(parts.traces.last_sequence()));
    return answer;
}

Answer clock_view(Parts& parts, const base::Node&) {
    Answer answer;
    answer.body.set("now", base::iso_date_millis(parts.clock.now()));
    answer.body.set("real", base::iso_date_millis(parts.clock.real_now()));
    answer.body.set("speed", parts.clock.speed());
    return answer;
}

Answer clock_advance(Parts& parts, const base::Node& input) {
    std::string_view text = input["advance"].as_string();
    if (text.starts_with('+')) text.remove_prefix(1);
    auto by = base::parse_duration(text);
    if (!by)
        return Answer::error(
            400,
            "\"advance\" takes a duration such as \"+30s\" or \"+1d\"; the clock never goes back");
    parts.clock.advance(*by);
    return clock_view(parts, input);
}

Answer stop(Parts& parts, const base::Node&) {
    parts.stop();
    Answer answer;
    answer.body.set("stopping", true);
    return answer;
}

enum class Access { Read, Token };

struct Row {
    std::string_view method, path;
    Access access;
    Answer (*run)(Parts&, const base::Node&);
};

constexpr Row kRows[] = {
    {"GET", "/status", Access::Read, [](Parts& p, const base::Node& i) { return p.status(i); }},
    {"GET", "/traces", Access::Read, traces},
    {"GET", "/clock", Access::Read, clock_view},
    {"POST", "/clock", Access::Token, clock_advance},
    {"GET", "/logs", Access::Read, [](Parts& p, const base::Node& i) { return p.logs(i); }},
    {"GET", "/cache", Access::Read, [](Parts& p, const base::Node& i) { return p.cache(i); }},
    {"GET", "/deployments", Access::Read,
     [](Parts& p, const base::Node& i) { return p.deployments(i); }},
    {"POST", "/credentials", Access::Token,
     [](Parts& p, const base::Node& i) { return p.credentials(i); }},
    {"GET", "/faults", Access::Read, [](Parts& p, const base::Node& i) { return p.faults(i); }},
    {"POST", "/faults", Access::Token, [](Parts& p, const base::Node& i) { return p.faults(i); }},
    {"POST", "/reset", Access::Token, [](Parts& p, const base::Node& i) { return p.reset(i); }},
    {"GET", "/oidc/token", Access::Token,
     [](Parts& p, const base::Node& i) { return p.identity_token(i); }},
    {"POST", "/oidc/token", Access::Token,
     [](Parts& p, const base::Node& i) { return p.identity_token(i); }},
    {"POST", "/baseline", Access::Token,
     [](Parts& p, const base::Node& i) { return p.baseline(i); }},
    {"POST", "/snapshots", Access::Token,
     [](Parts& p, const base::Node& i) { return p.snapshots(i); }},
    {"POST", "/recording", Access::Token,
     [](Parts& p, const base::Node& i) { return p.recording(i); }},
    {"POST", "/stop", Access::Token, stop},
};

// Query values as text, then the JSON body's members over them.
std::optional<base::Node> read_input(http::Exchange& exchange, std::string& problem) {
    base::Node input = base::Node::object();
    for (const auto& field : http::parse_form(exchange.request().query())) {
        auto number = base::parse_signed(field.value);
        input.set(field.name, number ? base::Node(*number) : base::Node(field.value));
    }
    auto body = http::read_all(exchange.body(), kMaxBodyBytes, net::Deadline::after(kBodyWait));
    if (!body) {
        problem = body.error().text;
        return std::nullopt;
    }
    if (body->empty()) return input;
    auto json = base::parse_json(*body);
    if (!json || !json->is_object()) {
        problem = "the body must be a JSON object";
        return std::nullopt;
    }
    for (auto& [name, value] : json->members())
        input.set(name, value);
    return input;
}

void send(http::Exchange& exchange, int status, std::string_view type, std::string_view body) {
    http::ResponseHead head{status};
    head.headers.add("Content-Type", type);
    head.headers.add("Cache-Control", "no-store");
    head.headers.add("X-Content-Type-Options", "nosniff");
    if (type.starts_with("text/html")) head.headers.add("Content-Security-Policy", kPagePolicy);
    (void)exchange.respond(head, body);
}

}  // namespace

Answer Answer::error(int status, std::string message) {
    Answer answer{status, base::Node::object()};
    answer.body.set("message", std::move(message));
    return answer;
}

std::optional<Answer> Console::route(http::Exchange& exchange, const base::Node& input) {
    const auto& request = exchange.request();
    std::string_view path = request.path();
    path.remove_prefix(std::string_view("/_dodam/v1").size());
    const bool has_token = same_secret(token_of(request), parts_.token);
    const auto no_token = Answer::error(
        403,
        "this call needs the instance's token: send it as X-Dodam-Token (it is in instance.json)");
    if (path == "/exec" && request.method == "POST" && parts_.exec)
        return has_token ? parts_.exec(exchange, input) : no_token;
    bool path_known = false;
    for (const Row& row : kRows) {
        if (row.path != path) continue;
        path_known = true;
        if (row.method != request.method) continue;
        if (row.access == Access::Token && !has_token) return no_token;
        return row.run(parts_, input);
    }
    return path_known ? Answer::error(405, "this path takes another method")
                      : Answer::error(404, "the control API has no such path");
}

void Console::handle(http::Exchange& exchange) {
    const auto& request = exchange.request();
    const std::string_view host = request.headers.get("host");
    if (!is_our_host(host))
        return send(exchange, 421, "text/plain",
                    "The control API answers to localhost and 127.0.0.0/8 only.\n");
    if (!is_our_origin(request.headers.get("origin"), host))
        return send(exchange, 403, "text/plain",
                    "Pages of another origin may not use the control API.\n");

    if (request.path().starts_with("/_dodam/v1/")) {
        std::string problem;
        auto input = read_input(exchange, problem);
        auto answer = input ? route(exchange, *input) : Answer::error(400, problem);
        if (!answer) return;
        return send(exchange, answer->status, "application/json",
                    base::to_json(answer->body) + "\n");
    }
    if (request.path() == "/_dodam/" || request.path() == "/_dodam")
        return send(exchange, 200, "text/html; charset=utf-8",
                    std::string_view(console_page_begin,
                                     static_cast<size_t>(console_page_end - console_page_begin)));
    send(exchange, 404, "text/plain", "The console has one page: /_dodam/\n");
}

}  // namespace console

// GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS: one request as a viewer makes it.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/encoding.h"
#include "base/result.h"
#include "base/text.h"
#include "scenarios/runner/context.h"
#include "scenarios/runner/names.h"
#include "scenarios/runner/scripted_origin.h"
#include "scenarios/runner/steps/request.h"
#include "scenarios/runner/steps/steps.h"

namespace scenarios {
namespace {

using base::Node;

constexpr int kMaxRedirects = 10;

constexpr Key kKeys[] = {
    {"headers", Shape::Object, "Request headers; a list repeats one."},
    {"query", Shape::Object, "Added to the path."},
    {"json", Shape::Any, "The body, as JSON."},
    {"form", Shape::Object, "The body, as application/x-www-form-urlencoded."},
    {"body", Shape::Text, "The body, as it is."},
    {"file", Shape::File, "The body, from a file."},
    {"auth", Shape::Text, "The Authorization header: \"Bearer {{access}}\"."},
    {"from", Shape::Text, "Address that the viewer comes from, in 127.0.0.0/8."},
    {"http", Shape::HttpVersion, "Version of the request: 1.0 or 1.1."},
    {"as", Shape::Text, "A named session: its connections and its cookies."},
    {"follow", Shape::Bool, "true: follow redirects."},
};
constexpr size_t kSessionKeys = 2;  // the last of them, which a load has not

constexpr std::string_view kMethods[] = {"GET",   "HEAD",   "POST",   "PUT",
                                         "PATCH", "DELETE", "OPTIONS"};

constexpr std::string_view kExpects[] = {
    "$",         "header.",     "cookie.",    "xpath ",   "regex ",   "hop.",
    "status",    "body",        "bytes",      "sha256",   "ttfb",     "cache",
    "origin",    "attempts",    "hops",       "task",     "http",     "url",
    "redirects", "saw.header.", "saw.method", "saw.path", "saw.body", "saw.count"};

constexpr std::string_view kOfTrace[] = {"origin", "attempts", "hops", "task", "hop."};

StepError wrong(std::string message, std::string hint = "") {
    return {std::move(message), std::move(hint)};
}

std::string with_query(std::string path, const Node& query) {
    for (const auto& [name, value] : query.members()) {
        auto add = [&, &name = name](const Node& one) {
            path += path.find('?') == std::string::npos ? '?' : '&';
            path += base::percent_encode(name) + "=" + base::percent_encode(as_text(one));
        };
        if (value.is_array())
            for (const Node& item : value.items())
                add(item);
        else
            add(value);
    }
    return path;
}

std::expected<Headers, StepError> read_headers(const Node& node) {
    Headers out;
    auto add = [&](const std::string& name, const Node& value) {
        out.emplace_back(name, as_text(value));
        return out.back().second.find_first_of("\r\n") == std::string::npos && !name.empty() &&
               name.find_first_of(" :\r\n") == std::string::npos;
    };
    for (const auto& [name, value] : node.members()) {
        bool right = true;
        if (value.is_array())
            for (const Node& item : value.items())
                right = add(name, item) && right;
        else
            right = add(name, value);
        if (!right)
            return std::unexpected(wrong(fmt::format("the header \"{}\" cannot be sent so", name),
                                         "line ends and odd names go out with the verb \"raw\""));
    }
    return out;
}

std::string form_of(const Node& form) {
    return with_query("?", form).substr(std::min<size_t>(2, with_query("?", form).size()));
}

bool has(const Headers& headers, std::string_view name) {
    for (const auto& header : headers)
        if (base::equals_ignoring_case(header.first, name)) return true;
    return false;
}

std::expected<void, StepError> read_body(Context& context, const Node& step,
                                         ViewerRequest& request) {
    std::string type;
    if (const Node* json = step.find("json")) {
        request.body = base::to_json(*json);
        type = "application/json";
    } else if (const Node* form = step.find("form")) {
        request.body = form_of(*form);
        type = "application/x-www-form-urlencoded";
    } else if (const Node* body = step.find("body")) {
        request.body = body->as_string();
    } else if (const Node* file = step.find("file")) {
        std::ifstream in(context.path(file->as_string()), std::ios::binary);
        if (!in)
            return std::unexpected(
                wrong(fmt::format("cannot read {}", context.path(file->as_string()))));
        std::ostringstream text;
        text << in.rdbuf();
        request.body = std::move(text).str();
    }
    if (!type.empty() && !has(request.headers, "content-type"))
        request.headers.emplace_back("content-type", type);
    return {};
}

// --- Cookies of a named session (RFC 6265, host-only, as much as a test needs)
// ------------------------

void send_cookies(Context::Session& session, ViewerRequest& request) {
    std::string line;
    for (const auto& [name, value] : session.cookies[request.target.host])
        line += (line.empty() ? "" : "; ") + name + "=" + value;
    if (!line.empty() && !has(request.headers, "cookie"))
        request.headers.emplace_back("cookie", line);
}

void keep_cookies(Context::Session& session, const ViewerRequest& request,
                  const ViewerResponse& response) {
    for (const auto& [key, line] : response.headers) {
        if (!base::equals_ignoring_case(key, "set-cookie")) continue;
        const auto [pair, attributes] = base::cut(line, ';');
        const auto [name, value] = base::cut(base::trim(pair), '=');
        const std::string lower = base::lower(attributes);
        const bool gone = lower.find("max-age=0") != std::string::npos ||
                          lower.find("01 jan 1970") != std::string::npos;
        auto& jar = session.cookies[request.target.host];
        if (gone)
            jar.erase(std::string(name));
        else
            jar.insert_or_assign(std::string(name), std::string(value));
    }
}

// --- One request
// --------------------------------------------------------------------------------------

// Where a redirect leads: absolute, or relative to what was asked (RFC 3986 §5, without dot
// segments).
std::expected<Target, std::string> redirected(const World& world, const Target& from,
                                              const std::string& location) {
    if (location.starts_with("http://") || location.starts_with("https://"))
        return resolve(world, location);
    Target next = from;
    if (location.starts_with("//"))
        return resolve(world, (from.tls ? "https:" : "http:") + location);
    next.path = location.starts_with('/')
                    ? location
                    : from.path.substr(0, from.path.rfind('/', from.path.find('?')) + 1) + location;
    return next;
}

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::expected<Answer, StepError> send(Context& context, std::string_view method, const Node& step) {
    ViewerRequest request = TRY(make_request(context, method, step));
    const std::string session_name = step["as"].as_string();
    Context::Session& session = context.session(session_name);
    Answer answer;
    int64_t redirects = 0;
    while (true) {
        if (!session_name.empty()) send_cookies(session, request);
        context.exchange =
            Exchange{.request = request,
                     .started_ms = context.clock.real_now().time_since_epoch().count() / 1000};
        Exchange& exchange = *context.exchange;
        auto response = session.viewer.send(request);
        if (!response) {
            exchange.failure = response.error().text;
            exchange.peer = response.error().peer;
            const auto kind = response.error().kind;
            const bool gone = kind == ViewerError::Kind::Unreachable;
            return std::unexpected(
                StepError{response.error().text,
                          gone ? "the emulator does not listen there: is it still running?" : "",
                          gone ? StepError::Cause::Stack : StepError::Cause::Failed});
        }
        exchange.peer = response->peer;
        exchange.response = std::move(*response);
        if (!session_name.empty()) keep_cookies(session, request, *exchange.response);
        const std::string* location = exchange.response->header("location");
        if (!step["follow"].as_bool() || !is_redirect(exchange.response->status) ||
            location == nullptr)
            break;
        if (++redirects > kMaxRedirects)
            return std::unexpected(wrong(fmt::format("more than {} redirects", kMaxRedirects)));
        auto next = redirected(context.world, request.target, *location);
        if (!next) return std::unexpected(wrong("the redirect leads nowhere: " + next.error()));
        request.target = std::move(*next);
        const bool becomes_get = exchange.response->status == 303 ||
                                 (exchange.response->status < 303 && request.method == "POST");
        if (becomes_get) {
            request.method = "GET";
            request.body.clear();
        }
        std::erase_if(request.headers, [](const auto& header) {
            return base::equals_ignoring_case(header.first, "cookie");
        });
    }

    Exchange& exchange = *context.exchange;
    const ViewerResponse& response = *exchange.response;
    answer.headers = response.headers;
    answer.body = response.body;
    answer.set("status", response.status);
    answer.set("ms", static_cast<double>(response.took.count()) / 1000.0);
    answer.set("ttfb", static_cast<double>(response.first_byte.count()) / 1000.0);
    answer.set("http", response.version);
    answer.set("url", request.target.url());
    answer.set("redirects", redirects);
    if (const std::string* cache = response.header("x-cache"))
        answer.set("cache", base::lower(base::cut(*cache, ' ').first));
    if (std::any_of(std::begin(kOfTrace), std::end(kOfTrace),
                    [&](std::string_view word) { return context.asks(word); })) {
        fetch_trace(context, exchange);
        answer_from_trace(exchange, answer);
    }
    if (context.origin) context.origin->tell(answer);
    return answer;
}

constexpr Verb verb(std::string_view name, bool repeatable, std::string_view help,
                    std::expected<Answer, StepError> (*run)(Context&, const Node&)) {
    return {{name, Shape::Target, help}, kKeys, kExpects, repeatable, run};
}

constexpr Verb kVerbs[] = {
    verb("GET", true, "A request as a viewer: NAME:/path or a URL.",
         [](Context& c, const Node& s) { return send(c, "GET", s); }),
    verb("HEAD", true, "HEAD.", [](Context& c, const Node& s) { return send(c, "HEAD", s); }),
    verb("POST", false, "POST.", [](Context& c, const Node& s) { return send(c, "POST", s); }),
    verb("PUT", false, "PUT.", [](Context& c, const Node& s) { return send(c, "PUT", s); }),
    verb("PATCH", false, "PATCH.", [](Context& c, const Node& s) { return send(c, "PATCH", s); }),
    verb("DELETE", false, "DELETE.",
         [](Context& c, const Node& s) { return send(c, "DELETE", s); }),
    verb("OPTIONS", true, "OPTIONS.",
         [](Context& c, const Node& s) { return send(c, "OPTIONS", s); }),
};

}  // namespace

std::span<const std::string_view> http_methods() {
    return kMethods;
}
std::span<const Key> request_keys() {
    return std::span(kKeys).first(std::size(kKeys) - kSessionKeys);
}

std::expected<ViewerRequest, StepError> make_request(Context& context, std::string_view method,
                                                     const Node& step) {
    auto target = resolve(context.world, as_text(step[method]));
    if (!target) return std::unexpected(wrong(target.error()));
    ViewerRequest request{std::string(method),      std::move(*target), {}, "",
                          step["from"].as_string(), context.left()};
    if (step.find("http")) request.version = as_text(step["http"]);
    request.target.path = with_query(request.target.path, step["query"]);
    request.headers = TRY(read_headers(step["headers"]));
    if (step.find("auth")) request.headers.emplace_back("authorization", step["auth"].as_string());
    TRY(read_body(context, step, request));
    return request;
}

const std::span<const Verb> http_verbs = kVerbs;

}  // namespace scenarios

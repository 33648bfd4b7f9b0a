// See edge.h. Order of the steps: CloudFront guide, "How CloudFront delivers content"; where nobody
// says (country, protocol, method, signature) viewer_access.h does.
#include "cloudfront/edge.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/date.h"
#include "base/ids.h"
#include "base/text.h"
#include "cloudfront/behavior_match.h"
#include "cloudfront/generated_page.h"
#include "cloudfront/guesses.h"
#include "cloudfront/limits.h"
#include "cloudfront/signed_request.h"
#include "cloudfront/tunnel.h"
#include "cloudfront/viewer_access.h"
#include "cloudfront/viewer_headers.h"
#include "cloudfront/visit.h"
#include "http/conditional.h"

namespace cloudfront {

namespace {

// 40 random bytes in base64url: 54 characters and "==".
std::string make_request_id() {
    std::string id = base::random_base64url(56);
    id.replace(54, 2, "==");
    return id;
}

bool has_body(const http::RequestHead& head) {
    std::string_view length = head.headers.get("Content-Length");
    return head.headers.has("Transfer-Encoding") || (!length.empty() && length != "0");
}

// What the head reader noticed that CloudFront does not forgive.
// GUESS: everything that could be read in two ways is refused; the rest is passed on repaired.
int status_of_anomaly(http::Anomaly anomaly) {
    using enum http::Anomaly;
    switch (anomaly) {
        case TargetTooLong:
        case HeaderTooLarge:
        case HeadTooLarge: return guesses::kTooLargeStatus;
        case GetOrHeadWithBody:  // has its own answer, 403
        case GetOrHeadZeroContentLength:
        case UndefinedContentLength:
        case MultipleContentLength:
        case NonAsciiTarget: return 0;
        default: return 400;
    }
}

std::string tls_text(const http::Exchange& exchange) {
    if (!exchange.is_tls()) return {};
    return fmt::format("{}:{}:fullHandshake", net::tls_version(exchange.socket()),
                       net::tls_cipher(exchange.socket()));
}

// Whether a hit's bytes may not be all of the answer.
bool has_conditions(const http::HeaderList& headers) {
    for (const http::Header& header : headers) {
        if (header.name.size() < 5) continue;
        char first = header.name[0] | 0x20, second = header.name[1] | 0x20;
        if (first == 'i' && second == 'f' && header.name[2] == '-') return true;
        if (first == 'u' && second == 'p' && base::equals_ignoring_case(header.name, "Upgrade"))
            return true;
        if (first == 'r' && base::equals_ignoring_case(header.name, "Range")) return true;
        if (first == 'x' && base::equals_ignoring_case(header.name, "x-dodam-explain")) return true;
    }
    return false;
}

// A body that must have ended by then, however steadily it comes.
class BodyUntil final : public http::BodyReader {
  public:
    BodyUntil(http::BodyReader& body, net::Deadline end) : body_(body), end_(end) {}
    http::Result<size_t> read(std::span<char> into, net::Deadline deadline) override {
        return body_.read(into, net::Deadline::earlier(deadline, end_));
    }
    std::optional<uint64_t> length() const override { return body_.length(); }
    const http::HeaderList& trailers() const override { return body_.trailers(); }

  private:
    http::BodyReader& body_;
    net::Deadline end_;
};

// "If you do not specify an ETag value, CloudFront ignores subsequent If-Match or If-None-Match
// headers".
http::Condition viewer_condition(const http::HeaderList& request,
                                 const http::Validators& validators) {
    if (!validators.etag.empty() || !(request.has("If-Match") || request.has("If-None-Match")))
        return http::evaluate_conditions("GET", request, validators);
    http::HeaderList rest = request;
    rest.remove("If-Match");
    rest.remove("If-None-Match");
    return http::evaluate_conditions("GET", rest, validators);
}

base::microseconds since(std::chrono::steady_clock::time_point begun) {
    return std::chrono::duration_cast<base::microseconds>(std::chrono::steady_clock::now() - begun);
}

}  // namespace

// A background refresh: a copy of the request that found the stale object, and its thread.
struct Edge::Refresh {
    http::RequestHead head;
    std::string path, query, host;
    Inquiry inquiry;
    base::Span span;
    EntryPtr entry;
    std::atomic<bool> done{false};
    base::Thread thread;
};

Edge::Edge(EdgeParts parts)
    : parts_(std::move(parts)),
      lookup_({parts_.clock,
               parts_.cache,
               {parts_.clock, parts_.upstream, parts_.origin_tls, parts_.signing_credentials,
                parts_.faults},
               base::random_hex(32)}),
      access_logs_("cloudfront", parts_.deliver_log) {}

Edge::~Edge() {
    {
        std::lock_guard lock(refreshes_mutex_);
        stopping_ = true;
    }
    for (auto& refresh : refreshes_)
        refresh->thread.join();
    if (parts_.deliver_log) access_logs_.flush();
}

void Edge::handle(http::Exchange& exchange) {
    Visit visit(exchange);
    if (!answer_now(visit)) answer_waiting(visit);
    record(visit);
}

bool Edge::try_answer_now(http::Exchange& exchange) {
    Visit visit(exchange);
    if (!answer_now(visit)) return false;
    record(visit);
    return true;
}

void Edge::answer(http::Exchange& exchange) {
    handle(exchange);
}

// The steps that need no waiting. False: the origin, or another request, must be waited for.
bool Edge::answer_now(Visit& visit) {
    if (!is_well_formed(visit)) return true;
    if (!find_distribution(visit)) return true;
    Inquiry& inquiry = visit.inquiry;
    inquiry.behavior = &match_behavior(*inquiry.distribution, inquiry.request.path);
    visit.stamped = true;
    if (!admit(visit)) return true;
    if (!Lookup::may_be_cached(inquiry)) return false;
    build_cache_key(*inquiry.distribution, *inquiry.behavior, inquiry.request, inquiry.key);
    if (send_hit(visit)) return true;
    return false;
}

void Edge::answer_waiting(Visit& visit) {
    Inquiry& inquiry = visit.inquiry;
    inquiry.upgrades = is_websocket(inquiry.request);
    visit.span.decide("behavior", explain_behavior(*inquiry.distribution, *inquiry.behavior,
                                                   inquiry.request.path));
    if (Lookup::may_be_cached(inquiry))
        for (const KeyPart& part :
             explain_cache_key(*inquiry.distribution, *inquiry.behavior, inquiry.request))
            visit.span.decide("key", fmt::format("{} = {} ({})", part.name, part.value, part.why));
    if (ends_chain(visit)) return;
    if (visit.has_body) inquiry.body = &visit.exchange.body();
    bool refresh = false;
    std::optional<Answer> held;
    if (Lookup::may_be_cached(inquiry)) held = lookup_.from_cache(inquiry, refresh);
    Answer answer = held ? std::move(*held) : lookup_.obtain(inquiry, refresh);
    if (refresh) refresh_in_background(inquiry);
    answer = with_error_page(visit, std::move(answer));
    send(visit, answer);
    if (answer.fill) parts_.cache.finish(answer.fill);
}

bool Edge::is_well_formed(Visit& visit) {
    http::RequestHead& head = visit.exchange.request();
    Inquiry& inquiry = visit.inquiry;
    inquiry.now = parts_.clock.now();
    inquiry.request_id = make_request_id();
    inquiry.span = &visit.span;
    visit.has_body = has_body(head);
    visit.explains = head.headers.get("x-dodam-explain") == "1";
    net::Address peer = visit.exchange.peer();
    ViewerRequest& request = inquiry.request;
    request.head = &head;
    request.method = method_of(head.method);
    request.host = head.headers.get("Host");
    request.ip = peer.ip();
    request.port = peer.port();
    request.https = visit.exchange.is_tls();
    // Absolute form: the target's authority is the host (RFC 9112 §3.2.2).
    std::string_view target = head.target;
    if (size_t scheme = target.find("://");
        scheme != std::string_view::npos && !target.starts_with('/')) {
        std::string_view rest = target.substr(scheme + 3);
        size_t slash = rest.find_first_of("/?");
        request.host = rest.substr(0, slash);
        target = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
    }
    size_t question = target.find('?');
    request.path = target.substr(0, question);
    request.query =
        question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
    if (request.path.empty()) request.path = "/";
    visit.asked_path = request.path;
    visit.asks_query = question != std::string_view::npos;

    int status = 0;
    for (http::Anomaly anomaly : head.anomalies)
        if (status = status_of_anomaly(anomaly); status != 0) {
            visit.span.decide("refused", fmt::format("{}: {}", status, http::name_of(anomaly)));
            break;
        }
    if (status == 0 && (target.size() > kMaxUrlBytes ||
                        head.headers.wire_bytes() + target.size() > kMaxRequestHeadBytes)) {
        status = guesses::kTooLargeStatus;
        visit.span.decide(
            "refused",
            fmt::format("{}: the URL or the headers are larger than CloudFront accepts", status));
    }
    if (status == 0 && !request.path.starts_with('/') && request.path != "*") status = 400;
    if (status == 0) return true;
    Answer answer =
        lookup_.generated(status, guesses::kPlainSentence, "InvalidRequest", inquiry.request_id);
    visit.exchange.close_after();
    send(visit, answer);
    return false;
}

bool Edge::find_distribution(Visit& visit) {
    Inquiry& inquiry = visit.inquiry;
    auto snapshot = parts_.snapshot.get();
    const auto* found = snapshot->hosts.find(inquiry.request.host);
    if (found == nullptr) {
        visit.span.decide(
            "distribution",
            fmt::format("403: no enabled distribution has the name {}", inquiry.request.host));
        Answer answer =
            lookup_.generated(403, "Bad request.", "InvalidRequest", inquiry.request_id);
        send(visit, answer);
        return false;
    }
    inquiry.distribution = *found;
    // Exactly "/", before behaviours are matched; every method.
    if (inquiry.request.path == "/" && !inquiry.distribution->default_root_object.empty()) {
        visit.path = "/" + inquiry.distribution->default_root_object;
        inquiry.request.path = visit.path;
    }
    return true;
}

bool Edge::admit(Visit& visit) {
    Inquiry& inquiry = visit.inquiry;
    const CacheBehavior& behavior = *inquiry.behavior;
    ViewerRequest& request = inquiry.request;
    bool names_country = inquiry.distribution->geo.mode != GeoRestriction::Mode::None;
    auto wants_generated = [](const Selection& selection) {
        for (const std::string& name : selection.names)
            if (name.starts_with("cloudfront-")) return true;
        return false;
    };
    if (names_country || wants_generated(behavior.key_headers) ||
        wants_generated(behavior.also_headers)) {
        if (parts_.country_of) request.country = parts_.country_of(request.ip);
        request.tls = tls_text(visit.exchange);
    }
    AccessDecision decision = check_country(*inquiry.distribution, request);
    if (decision.outcome == Access::Admitted)
        decision = check_access(behavior, request, visit.has_body, inquiry.now);
    if (decision.outcome == Access::Admitted) {
        if (behavior.needs_signature) {
            visit.query = without_signature_parameters(request.query);
            request.query = visit.query;
        }
        return true;
    }
    visit.span.decide("access", explain_access(decision, behavior, request));
    Answer answer = lookup_.generated(decision.status, decision.sentence, decision.log_type,
                                      inquiry.request_id);
    if (decision.outcome == Access::RedirectToHttps ||
        decision.outcome == Access::RedirectKeepingMethod) {
        answer.cache_status = CacheStatus::Redirect;
        answer.page = redirect_page(decision.status);
        answer.headers.add(
            "Location", fmt::format("https://{}{}{}{}", https_host(request.host), visit.asked_path,
                                    visit.asks_query ? "?" : "", request.query));
    } else if (decision.outcome == Access::SignatureRefused) {
        answer.page = signature_error(decision.code, decision.message);
        answer.headers.set("Content-Type", "text/xml");
    }
    answer.headers.set("Content-Length", fmt::format("{}", answer.page.size()));
    // A custom error response's page stands for what the origin refuses, and for what the edge
    // refuses itself: a blocked country, a missing or untrue signature.
    if (decision.outcome == Access::CountryBlocked ||
        decision.outcome == Access::SignatureRefused ||
        (guesses::kMethodErrorsHavePages && decision.outcome == Access::MethodNotAllowed))
        answer = with_error_page(visit, std::move(answer));
    send(visit, answer);
    if (answer.fill) parts_.cache.finish(answer.fill);
    return false;
}

// CloudFront listens on 80 and 443, so a Host tells no port. One that does came to a port of this
// machine.
std::string Edge::https_host(std::string_view host) const {
    const std::string_view name = host_without_port(host);
    if (name.size() == host.size() || host.ends_with('.')) return std::string(host);
    const uint16_t port = https_port_;
    return port == 443 ? std::string(name) : fmt::format("{}:{}", name, port);
}

// "Quotas": distributions that are each other's origins, or in a circle. Asked before the origin
// is: what is held needs nobody further.
bool Edge::ends_chain(Visit& visit) {
    const std::string via = visit.inquiry.request.headers().joined("Via");
    size_t passed = 0;
    for (size_t at = 0; (at = via.find(kViaSuffix, at)) != std::string::npos; ++at)
        ++passed;
    if (passed < kMaxChainedDistributions) return false;
    visit.span.decide("refused", fmt::format("403: the request came through {} distributions, each "
                                             "the origin of the one before",
                                             passed));
    Answer answer =
        lookup_.generated(403, guesses::kPlainSentence, "InvalidRequest", visit.inquiry.request_id);
    send(visit, answer);
    return true;
}

// The page that stands for an error, fetched through the behaviour that its own path matches.
Answer Edge::with_error_page(Visit& visit, Answer answer) {
    Inquiry& inquiry = visit.inquiry;
    if (answer.status < 400) return answer;
    if (!answer.entry && !answer.origin && !answer.truncated) visit.own_error = answer.status;
    const CustomErrorResponse* custom = inquiry.distribution->error_response(answer.status);
    if (custom == nullptr || custom->page_path.empty()) return answer;
    visit.span.decide("error page", fmt::format("{} becomes {} with {}", answer.status,
                                                custom->response_code, custom->page_path));
    // The error's own body is not wanted: read what is being stored, let go of the rest.
    lookup_.drain(answer);
    answer.origin.reset();

    http::RequestHead head = *inquiry.request.head;
    head.method = "GET";
    for (std::string_view name :
         {"Range", "If-Range", "If-None-Match", "If-Modified-Since", "If-Match",
          "If-Unmodified-Since", "Content-Length", "Content-Type", "Transfer-Encoding"})
        head.headers.remove(name);
    Inquiry page;
    page.distribution = inquiry.distribution;
    page.behavior = &match_behavior(*inquiry.distribution, custom->page_path);
    page.request = inquiry.request;
    page.request.head = &head;
    page.request.method = Method::Get;
    page.request.path = custom->page_path;
    page.request.query = {};
    page.request_id = inquiry.request_id;
    page.now = inquiry.now;
    page.span = inquiry.span;
    build_cache_key(*page.distribution, *page.behavior, page.request, page.key);
    bool refresh = false;
    Answer shown = lookup_.obtain(page, refresh);
    if (refresh) refresh_in_background(page);
    // "If the page is not available, the viewer gets the status that its fetch produced".
    if (shown.status < 400) shown.status = custom->response_code;
    shown.cache_status = CacheStatus::Error;
    shown.is_page = true;
    return shown;
}

// The fast way out: whole, fresh, in memory, no conditions. Everything but the id and the age is
// bytes already.
bool Edge::send_hit(Visit& visit) {
    Inquiry& inquiry = visit.inquiry;
    if (parts_.faults && parts_.faults->active("edge")) return false;  // cold: nothing held is used
    const EntryPtr entry = parts_.cache.find(inquiry.key.text);
    if (!entry || !entry->fresh(inquiry.now) || !entry->prepared ||
        entry->prepared->behavior != inquiry.behavior)
        return false;
    const http::HeldBody& body = entry->body->held();
    if (body.bytes.empty() || has_conditions(inquiry.request.headers())) return false;
    entry->used.store(true, std::memory_order_relaxed);
    entry->hits.fetch_add(1, std::memory_order_relaxed);
    auto age = std::chrono::floor<seconds>(inquiry.now - entry->fetched).count();
    thread_local std::string head;
    head.assign(entry->prepared->text);
    head += inquiry.request_id;
    head += "\r\nAge: ";
    char digits[24];
    head.append(digits, fmt::format_to_n(digits, sizeof digits, "{}", age).size);
    head += "\r\n";
    visit.status = entry->status;
    visit.result = CacheStatus::Hit;
    visit.span.decisions.reserve(3);
    visit.span.decide("behavior", inquiry.behavior->pattern);
    visit.span.decide("key", std::move(inquiry.key.text));
    visit.span.decide("cache", "hit: " + entry->why);
    visit.first_byte = since(visit.begun);
    (void)visit.exchange.respond_prepared(
        entry->status, head, inquiry.request.method == Method::Head ? http::HeldBody{} : body);
    return true;
}

void Edge::stamp(Visit& visit, Answer& answer) {
    const CacheBehavior* behavior = visit.stamped ? visit.inquiry.behavior : nullptr;
    std::string timing;
    if (behavior != nullptr && behavior->response_headers &&
        behavior->response_headers->server_timing_rate) {
        double rate = *behavior->response_headers->server_timing_rate;
        bool asked =
            base::lower(visit.inquiry.request.headers().get("Pragma")).find("server-timing") !=
            std::string::npos;
        if (asked || static_cast<double>(base::random_below(1'000'000)) < rate * 10'000) {
            std::string_view layer = answer.cache_status == CacheStatus::Hit ? "cdn-cache-hit"
                                     : answer.cache_status == CacheStatus::RefreshHit
                                         ? "cdn-cache-refresh"
                                         : "cdn-cache-miss";
            timing = fmt::format("{},cdn-pop;desc=\"{}\",cdn-rid;desc=\"{}\"", layer, kPop,
                                 visit.inquiry.request_id);
            if (answer.cache_status == CacheStatus::Hit) timing += ",cdn-hit-layer;desc=\"EDGE\"";
            timing += fmt::format(",cdn-downstream-fbl;dur={}", since(visit.begun).count() / 1000);
        }
    }
    finish_response_headers(answer.headers, behavior, visit.inquiry.request,
                            {answer.cache_status, visit.inquiry.request_id, lookup_.via_id(),
                             answer.age, timing, visit.inquiry.now});
    if (visit.explains) {
        std::string text;
        for (const base::Decision& decision : visit.span.decisions) {
            if (!text.empty()) text += " | ";
            text += decision.key + ": " + decision.text;
        }
        for (char& c : text)
            if (c == '\n' || c == '\r') c = ' ';
        if (text.size() > 6000) text.resize(6000);
        answer.headers.add("x-dodam-explain", text);
    }
    visit.status = answer.status;
    visit.result = answer.cache_status;
    visit.log_type = answer.log_type;
    visit.content_type = answer.headers.get("Content-Type");
    visit.content_length = answer.headers.get("Content-Length");
    visit.first_byte = since(visit.begun);
}

void Edge::send(Visit& visit, Answer& answer) {
    if (answer.truncated || (!answer.entry && !answer.origin)) return send_page(visit, answer);
    if (answer.status == 101 && answer.origin) return send_upgrade(visit, answer);
    if (answer.entry && answer.origin) return send_filling(visit, answer);
    if (answer.origin) return send_relayed(visit, answer);
    return send_stored(visit, answer);
}

void Edge::send_page(Visit& visit, Answer& answer) {
    stamp(visit, answer);
    if (answer.status >= 400 && !answer.truncated && !answer.is_page)
        visit.own_error = answer.status;
    http::ResponseHead head{answer.status, {}, 1, 1, std::move(answer.headers), {}};
    if (!answer.truncated) {
        (void)visit.exchange.respond(head, answer.page);
        return;
    }
    // "Relayed to the viewer, not stored": the same broken length.
    auto writer = visit.exchange.respond_streaming(head);
    if (writer) (void)(*writer)->write(answer.page, net::Deadline::after(kViewerWrite));
    visit.exchange.abort();
}

// What the copy held cannot answer; a page may stand for it.
void Edge::send_refusal(Visit& visit, Answer refused) {
    Answer answer = with_error_page(visit, std::move(refused));
    send(visit, answer);
    if (answer.fill) parts_.cache.finish(answer.fill);
}

// Whole or growing, by whoever fills it.
void Edge::send_stored(Visit& visit, Answer& answer) {
    const http::HeaderList& request = visit.inquiry.request.headers();
    const CacheEntry& entry = *answer.entry;
    const http::Validators validators = validators_of(entry);
    bool reading =
        visit.inquiry.request.method == Method::Get || visit.inquiry.request.method == Method::Head;
    if (!answer.is_page && reading && answer.status < 300) {
        http::Condition condition = viewer_condition(request, validators);
        if (condition == http::Condition::Failed) {
            visit.span.decide(
                "condition",
                "412: If-Match or If-Unmodified-Since does not hold for the copy held");
            Answer refused =
                lookup_.generated(412, "Bad request.", "Error", visit.inquiry.request_id);
            return send_page(visit, refused);
        }
        if (condition == http::Condition::NotModified) {
            visit.span.decide("condition", "304: the viewer's copy is the one held");
            answer.status = 304;
            for (std::string_view name :
                 {"Content-Length", "Content-Type", "Content-Encoding", "Content-Range"})
                answer.headers.remove(name);
            return send_page(visit, answer);
        }
    }
    std::array<char, 1> probe;
    bool whole =
        answer.entry->body->read(0, probe, net::Deadline::after(std::chrono::milliseconds(0)))
            .state != StoredBody::State::Growing;
    if (!whole) return send_growing(visit, answer);
    uint64_t size = answer.entry->body->size_bytes();
    std::string_view range = request.get("Range");
    // "If the origin does not support range requests, it returns the entire object. CloudFront
    // serves the entire object": the answer to a miss is what the origin said, ranges are cut from
    // what is held.
    bool held_before = answer.cache_status != CacheStatus::Miss;
    if (!range.empty() && held_before && !answer.is_page &&
        visit.inquiry.request.method == Method::Get &&
        (answer.status == 200 || answer.status == 206) &&
        http::if_range_holds(request, validators)) {
        uint64_t offset = 0, total = size;
        if (auto held = parse_content_range(entry.range)) {
            offset = held->range.first;
            total = held->total;
        }
        http::RangeSet decision = evaluate_range(range, total);
        if (decision.kind == http::RangeSet::Kind::Unsatisfiable) {
            visit.span.decide("range",
                              fmt::format("416: nothing of {} within {} bytes", range, total));
            Answer refused =
                lookup_.generated(416, "Bad request.", "Error", visit.inquiry.request_id);
            refused.headers.add("Content-Range", http::unsatisfied_range(total));
            return send_refusal(visit, std::move(refused));
        }
        if (decision.kind == http::RangeSet::Kind::Satisfiable) {
            for (const http::ByteRange& part : decision.ranges) {
                if (part.first < offset || part.last >= offset + size)
                    return send_growing(visit, answer);
            }
            return send_ranges(visit, answer, decision.ranges, total);
        }
    }
    std::string_view view = answer.entry->body->view();
    if (view.size() != size) return send_growing(visit, answer);
    answer.headers.set("Content-Length", fmt::format("{}", size));
    stamp(visit, answer);
    http::ResponseHead head{answer.status, {}, 1, 1, std::move(answer.headers), {}};
    (void)visit.exchange.respond(head, view);
}

void Edge::send_ranges(Visit& visit, Answer& answer, const std::vector<http::ByteRange>& ranges,
                       uint64_t total) {
    uint64_t offset = 0;
    if (auto held = parse_content_range(answer.entry->range)) offset = held->range.first;
    visit.span.decide(
        "range",
        fmt::format("206: {} of {} bytes",
                    ranges.size() == 1 ? fmt::format("{}-{}", ranges[0].first, ranges[0].last)
                                       : fmt::format("{} ranges", ranges.size()),
                    total));
    visit.range_start = fmt::format("{}", ranges.front().first);
    visit.range_end = fmt::format("{}", ranges.back().last);
    answer.status = 206;
    bool several = ranges.size() > 1;
    http::MultipartRanges parts(std::string(guesses::kBoundaryPrefix) + base::random_hex(32),
                                std::string(answer.headers.get("Content-Type")), total);
    if (several) {
        answer.headers.set("Content-Type", parts.media_type());
        answer.headers.remove("Content-Range");
    } else {
        answer.headers.set("Content-Range", http::content_range(ranges[0], total));
    }
    uint64_t length = several ? parts.size_bytes(ranges) : ranges[0].size_bytes();
    answer.headers.set("Content-Length", fmt::format("{}", length));
    stamp(visit, answer);
    http::ResponseHead head{206, {}, 1, 1, std::move(answer.headers), {}};
    auto writer = visit.exchange.respond_streaming(head);
    if (!writer) return;
    std::array<char, kRelayBytes> buffer;
    for (const http::ByteRange& range : ranges) {
        if (several && !(*writer)->write(parts.before(range), net::Deadline::after(kViewerWrite)))
            return;
        for (uint64_t at = range.first; at <= range.last;) {
            size_t want =
                static_cast<size_t>(std::min<uint64_t>(buffer.size(), range.last + 1 - at));
            auto piece = answer.entry->body->read(at - offset, {buffer.data(), want},
                                                  net::Deadline::after(kViewerWrite));
            if (piece.bytes == 0) return visit.exchange.abort();
            if (!(*writer)->write({buffer.data(), piece.bytes}, net::Deadline::after(kViewerWrite)))
                return;
            at += piece.bytes;
        }
    }
    if (several && !(*writer)->write(parts.end(), net::Deadline::after(kViewerWrite))) return;
    (void)(*writer)->finish(net::Deadline::after(kViewerWrite));
}

// A body on disk, or one that another request is still receiving.
void Edge::send_growing(Visit& visit, Answer& answer) {
    stamp(visit, answer);
    http::ResponseHead head{answer.status, {}, 1, 1, std::move(answer.headers), {}};
    bool head_only = visit.inquiry.request.method == Method::Head;
    if (head_only) {
        (void)visit.exchange.respond(head, "");
        return;
    }
    auto writer = visit.exchange.respond_streaming(head);
    if (!writer) return;
    std::array<char, kRelayBytes> buffer;
    for (uint64_t at = 0;;) {
        auto piece = answer.entry->body->read(at, buffer, net::Deadline::after(kCollapseWait));
        if (piece.bytes == 0) {
            if (piece.state == StoredBody::State::Complete) break;
            return visit.exchange.abort();
        }
        if (!(*writer)->write({buffer.data(), piece.bytes}, net::Deadline::after(kViewerWrite)))
            return;
        at += piece.bytes;
    }
    (void)(*writer)->finish(net::Deadline::after(kViewerWrite));
}

// From the origin into the cache and to the viewer at once.
void Edge::send_filling(Visit& visit, Answer& answer) {
    EntryPtr entry = answer.entry;
    const http::HeaderList& request = visit.inquiry.request.headers();
    bool to_viewer = true;
    bool conditional =
        !answer.is_page && answer.status < 300 &&
        viewer_condition(request, validators_of(*entry)) == http::Condition::NotModified;
    http::HeaderList headers = answer.headers;
    http::BodyWriter* writer = nullptr;
    int status = answer.status;
    if (conditional) {
        answer.status = 304;
        for (std::string_view name : {"Content-Length", "Content-Type", "Content-Encoding"})
            answer.headers.remove(name);
    }
    bool head_only = visit.inquiry.request.method == Method::Head;
    stamp(visit, answer);
    http::ResponseHead head{answer.status, {}, 1, 1, answer.headers, {}};
    if (conditional || head_only) {
        (void)visit.exchange.respond(head, "");
        to_viewer = false;
    } else if (auto opened = visit.exchange.respond_streaming(head)) {
        writer = *opened;
    } else {
        to_viewer = false;
    }
    answer.status = status;
    std::array<char, kRelayBytes> buffer;
    bool left = !conditional && !head_only && !to_viewer, broken = false;
    for (;;) {
        // "If the viewer ends the connection, CloudFront does not cache the object", unless others
        // wait for it.
        if (left && (!answer.fill || parts_.cache.abandon(answer.fill))) {
            broken = true;
            break;
        }
        auto got = answer.origin->body().read(
            buffer, net::Deadline::earlier(net::Deadline::after(answer.origin_idle),
                                           answer.origin_deadline));
        if (!got) {
            broken = true;
            break;
        }
        if (*got == 0) break;
        std::string_view bytes(buffer.data(), *got);
        if (!entry->body->append(bytes)) {
            visit.span.decide("stored", "no: neither memory nor disk takes the body");
            broken = true;
        }
        if (to_viewer && !writer->write(bytes, net::Deadline::after(kViewerWrite))) {
            to_viewer = false;
            left = true;
        }
        if (broken && !to_viewer) break;
        if (broken) {  // the viewer still gets the rest
            BodyUntil body(answer.origin->body(), answer.origin_deadline);
            auto rest = http::relay(body, *writer, answer.origin_idle);
            if (rest)
                (void)writer->finish(net::Deadline::after(kViewerWrite));
            else
                visit.exchange.abort();
            to_viewer = false;
            break;
        }
    }
    // Before the viewer learns of the end: whoever asks then must not join what broke.
    if (broken && answer.fill) parts_.cache.finish(answer.fill);
    entry->body->finish(broken ? StoredBody::State::Broken : StoredBody::State::Complete);
    answer.origin.reset();
    if (broken) {
        visit.span.decide("stored",
                          left ? "no: the viewer left" : "no: the origin's body was cut short");
        if (to_viewer) visit.exchange.abort();
        return;
    }
    lookup_.store(answer, &visit.span);
    if (to_viewer) (void)writer->finish(net::Deadline::after(kViewerWrite));
}

void Edge::send_relayed(Visit& visit, Answer& answer) {
    stamp(visit, answer);
    http::ResponseHead head{answer.status, {}, 1, 1, std::move(answer.headers), {}};
    BodyUntil body(answer.origin->body(), answer.origin_deadline);
    auto sent = visit.exchange.respond_relay(head, body, answer.origin_idle);
    if (!sent) {
        visit.span.decide("relay", fmt::format("ended early: {}", sent.error().text));
        visit.exchange.abort();
    }
}

void Edge::send_upgrade(Visit& visit, Answer& answer) {
    // Hop-by-hop headers were taken out; a 101 needs these two.
    answer.headers.add("Upgrade", answer.origin->head().headers.get("Upgrade"));
    answer.headers.add("Connection", "Upgrade");
    answer.headers.remove("Content-Length");
    stamp(visit, answer);
    visit.span.decide("upgrade", "101: bytes both ways from here");
    std::string from_viewer, from_origin;
    net::Socket origin = answer.origin->take_socket(from_origin);
    auto viewer =
        visit.exchange.upgrade({101, {}, 1, 1, std::move(answer.headers), {}}, from_viewer);
    if (viewer) tunnel(**viewer, origin, from_viewer, from_origin);
}

void Edge::refresh_in_background(const Inquiry& from) {
    reap_refreshes();
    auto refresh = std::make_unique<Refresh>();
    refresh->entry = parts_.cache.find(from.key.text);
    if (!refresh->entry) return;
    refresh->head = *from.request.head;
    // HEAD is answered from GET's object; OPTIONS has its own.
    const Method method = from.request.method == Method::Options ? Method::Options : Method::Get;
    refresh->head.method = method == Method::Options ? "OPTIONS" : "GET";
    refresh->head.headers.remove("Range");
    refresh->path = from.request.path;
    refresh->query = from.request.query;
    refresh->host = from.request.host;
    refresh->inquiry = from;
    Inquiry& inquiry = refresh->inquiry;
    inquiry.body = nullptr;
    inquiry.request.head = &refresh->head;
    inquiry.request.method = method;
    inquiry.request.path = refresh->path;
    inquiry.request.query = refresh->query;
    inquiry.request.host = refresh->host;
    inquiry.request_id = make_request_id();
    inquiry.span = &refresh->span;
    refresh->span = {};
    refresh->span.hop = "edge";
    refresh->span.resource = from.distribution->id;
    refresh->span.id = inquiry.request_id;
    refresh->span.parent = from.request_id;
    refresh->span.method = refresh->head.method;
    refresh->span.host = refresh->host;
    refresh->span.target = refresh->path;
    refresh->span.started = from.now;
    Refresh* work = refresh.get();
    std::lock_guard lock(refreshes_mutex_);
    if (stopping_ || refreshes_.size() >= kMaxBackgroundRefreshes) {
        work->entry->refreshing = false;
        return;
    }
    work->thread = base::Thread("edge-refresh", [this, work] {
        work->span.decide(
            "refresh", "in the background: a stale copy was served within stale-while-revalidate");
        Answer answer = lookup_.refresh(work->inquiry, work->entry);
        work->span.status = answer.status;
        lookup_.drain(answer);
        work->entry->refreshing = false;
        parts_.traces.add(std::move(work->span));
        work->done = true;
    });
    refreshes_.push_back(std::move(refresh));
}

void Edge::reap_refreshes() {
    std::list<std::unique_ptr<Refresh>> ended;
    {
        std::lock_guard lock(refreshes_mutex_);
        for (auto at = refreshes_.begin(); at != refreshes_.end();) {
            auto next = std::next(at);
            if ((*at)->done) ended.splice(ended.end(), refreshes_, at);
            at = next;
        }
    }
    for (auto& refresh : ended)
        refresh->thread.join();
}

// The edge's own error, with the decision that led to it.
void Edge::note_failure(const Visit& visit) {
    constexpr std::string_view kCauses[] = {"attempt",      "access",    "refused",
                                            "distribution", "condition", "range"};
    base::RequestFailure failure;
    failure.at = parts_.clock.now();
    failure.layer = base::Layer::Edge;
    failure.status = visit.own_error;
    failure.resource = visit.span.resource;
    failure.method = visit.span.method;
    failure.path = visit.inquiry.request.path;
    failure.id = visit.span.id;
    failure.cause = "the edge answered by itself";
    for (const base::Decision& decision : visit.span.decisions) {
        if (std::ranges::find(kCauses, decision.key) == std::end(kCauses)) continue;
        failure.cause = decision.text;
        // "2: refused after 3 ms": the same cause whichever attempt, however long.
        if (decision.key != "attempt") continue;
        failure.cause.resize(std::min(failure.cause.size(), failure.cause.rfind(" after ")));
        failure.cause = "the origin failed: " + failure.cause.substr(failure.cause.find(' ') + 1);
    }
    parts_.failures->add(std::move(failure));
}

void Edge::record(Visit& visit) {
    const Inquiry& inquiry = visit.inquiry;
    const ViewerRequest& request = inquiry.request;
    base::Span& span = visit.span;
    span.hop = "edge";
    if (inquiry.distribution) span.resource = inquiry.distribution->id;
    span.id = std::move(visit.inquiry.request_id);
    span.peer = fmt::format("{}:{}", request.ip, request.port);
    span.method = request.head->method;
    span.host = request.host;
    span.target = request.head->target;
    span.status = visit.status;
    span.sent_bytes = visit.exchange.sent_bytes();
    span.started = inquiry.now;
    span.took = since(visit.begun);
    if (visit.result == CacheStatus::Hit) hits_.fetch_add(1, std::memory_order_relaxed);
    if (visit.own_error != 0 && parts_.failures) note_failure(visit);
    if (inquiry.distribution && inquiry.distribution->logging.enabled) {
        AccessRecord record;
        record.at = inquiry.now;
        record.distribution = inquiry.distribution.get();
        record.request = &request;
        record.target_query = request.head->query();
        record.request_id = span.id;
        record.status = visit.status;
        record.sent_bytes = span.sent_bytes;
        // "That the viewer included in the request, including headers". GAP: chunks are not
        // counted.
        const auto body = base::parse_unsigned(request.headers().get("Content-Length"));
        record.received_bytes = request.head->method.size() + request.head->target.size() + 12 +
                                request.head->headers.wire_bytes() + 2 + body.value_or(0);
        record.took = span.took;
        record.first_byte = visit.first_byte;
        record.result = record.response_result = name_of(visit.result);
        record.detailed_result = visit.log_type.empty() ? record.result : visit.log_type;
        record.content_type = visit.content_type;
        record.content_length = visit.content_length;
        record.range_start = visit.range_start;
        record.range_end = visit.range_end;
        std::string protocol, cipher;
        if (request.https) {
            protocol = net::tls_version(visit.exchange.socket());
            cipher = net::tls_cipher(visit.exchange.socket());
        }
        record.tls_protocol = protocol;
        record.tls_cipher = cipher;
        add_to_access_log(access_logs_, record);
    }
    parts_.traces.add(std::move(span));
}

void Edge::step(base::Time now) {
    reap_refreshes();
    access_logs_.step(now);
}

}  // namespace cloudfront

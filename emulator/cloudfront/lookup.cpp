// See lookup.h. CloudFront guide, "How CloudFront processes requests", "Simultaneous requests for
// the same object", "Serving stale content", "Range GETs".
#include "cloudfront/lookup.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/date.h"
#include "base/text.h"
#include "cloudfront/compression.h"
#include "cloudfront/generated_page.h"
#include "cloudfront/guesses.h"
#include "cloudfront/limits.h"
#include "cloudfront/ttl.h"
#include "net/loop.h"

namespace cloudfront {

namespace {

int64_t micros(Time time) {
    return time.time_since_epoch().count();
}

std::string asked_range(const Inquiry& inquiry) {
    if (inquiry.request.method != Method::Get) return {};
    return single_range(inquiry.request.headers().get("Range"));
}

// Whether a 206's entry holds all that a (canonical) range asks for.
bool covers(const CacheEntry& part, std::string_view range) {
    auto held = parse_content_range(part.range);
    if (!held) return false;
    http::RangeSet asked = evaluate_range(range, held->total);
    return asked.kind == http::RangeSet::Kind::Satisfiable && asked.ranges.size() == 1 &&
           asked.ranges[0].first >= held->range.first && asked.ranges[0].last <= held->range.last;
}

std::string stale_text(const CacheEntry& entry, Time now) {
    return base::show_duration(now - entry.fresh_until);
}

}  // namespace

http::Validators validators_of(const CacheEntry& entry) {
    return {entry.etag, base::parse_http_date(entry.last_modified)};
}

Usable usable(const CacheEntry& entry, Time now) {
    if (entry.fresh(now)) return Usable::Fresh;
    if (now >= entry.usable_until) return Usable::Expired;
    if (now < entry.stale_while_revalidate_until) return Usable::StaleWhileRevalidating;
    if (micros(now) < entry.retry_after.load(std::memory_order_relaxed))
        return Usable::StaleAfterError;
    return Usable::Expired;
}

bool Lookup::may_be_cached(const Inquiry& inquiry) {
    Method method = inquiry.request.method;
    bool cached_method =
        method == Method::Get || method == Method::Head ||
        (method == Method::Options && inquiry.behavior->cached.has(Method::Options));
    return cached_method && !inquiry.behavior->caching_disabled && !inquiry.upgrades;
}

Answer Lookup::generated(int status, std::string_view sentence, std::string_view log_type,
                         std::string_view request_id) const {
    Answer answer;
    answer.status = status;
    answer.cache_status = CacheStatus::Error;
    answer.log_type = log_type;
    answer.page = error_page(status, sentence, request_id);
    answer.headers = {{"Server", "CloudFront"},
                      {"Date", base::http_date(parts_.clock.now())},
                      {"Content-Type", "text/html"},
                      {"Content-Length", fmt::format("{}", answer.page.size())},
                      {"Connection", "keep-alive"}};
    return answer;
}

Answer Lookup::from_stored(const EntryPtr& entry, CacheStatus status,
                           const Inquiry& inquiry) const {
    entry->used.store(true, std::memory_order_relaxed);
    entry->hits.fetch_add(1, std::memory_order_relaxed);
    if (!entry->body) {
        // A failure that is remembered: the page is written anew, with this request's id.
        return generated(entry->status, entry->origin, {}, inquiry.request_id);
    }
    Answer answer;
    answer.status = entry->status;
    answer.headers = entry->headers;
    answer.entry = entry;
    answer.cache_status = entry->status >= 400 ? CacheStatus::Error : status;
    answer.age =
        std::max<int64_t>(0, std::chrono::floor<seconds>(inquiry.now - entry->fetched).count());
    return answer;
}

EntryPtr Lookup::covering_part(const Inquiry& inquiry) const {
    std::string range = asked_range(inquiry);
    if (range.empty()) return nullptr;
    for (const EntryPtr& part : parts_.cache.parts(inquiry.key.text))
        if (part->fresh(inquiry.now) && covers(*part, range) &&
            http::if_range_holds(inquiry.request.headers(), validators_of(*part)))
            return part;
    return nullptr;
}

// The behaviour was changed since the entry was made, or the entry comes from a snapshot: its bytes
// are made anew, once.
void Lookup::prepare_again(const Inquiry& inquiry, const EntryPtr& entry) const {
    if (entry->prepared && entry->prepared->behavior == inquiry.behavior) return;
    uint64_t epoch = parts_.cache.epoch();
    auto prepared = prepare(inquiry, *entry);
    if (!prepared && !entry->prepared) return;  // of those that cannot be prepared
    auto copy = std::make_shared<CacheEntry>(*entry, std::move(prepared));
    if (parts_.cache.find(inquiry.key.text) == entry) parts_.cache.store(copy, epoch);
}

std::optional<Answer> Lookup::from_cache(const Inquiry& inquiry, bool& refresh) const {
    if (const faults::Faults* faults = parts_.fetch.faults; faults && faults->active("edge")) {
        inquiry.span->decide("cache", "cold: a fault keeps everything held from being used");
        return std::nullopt;
    }
    EntryPtr entry = parts_.cache.find(inquiry.key.text);
    if (!entry) {
        EntryPtr part = covering_part(inquiry);
        if (!part) return std::nullopt;
        inquiry.span->decide("cache",
                             fmt::format("hit: part {} is held; {}", part->range, part->why));
        return from_stored(part, CacheStatus::Hit, inquiry);
    }
    switch (usable(*entry, inquiry.now)) {
        case Usable::Fresh:
            inquiry.span->decide("cache", "hit: " + entry->why);
            prepare_again(inquiry, entry);
            break;
        case Usable::StaleWhileRevalidating:
            refresh = !entry->refreshing.exchange(true);
            inquiry.span->decide(
                "cache", fmt::format("hit: stale for {} and within stale-while-revalidate{}",
                                     stale_text(*entry, inquiry.now),
                                     refresh ? "; a refresh is on its way" : ""));
            break;
        case Usable::StaleAfterError:
            inquiry.span->decide("cache",
                                 "hit: stale, and the origin failed a moment ago: not asked again "
                                 "before ErrorCachingMinTTL is over");
            break;
        case Usable::Expired: return std::nullopt;
    }
    return from_stored(entry, entry->fresh(inquiry.now) ? CacheStatus::Hit : guesses::kStaleStatus,
                       inquiry);
}

Answer Lookup::obtain(Inquiry& inquiry, bool& refresh) {
    if (!may_be_cached(inquiry)) {
        inquiry.span->decide(
            "cache", inquiry.behavior->caching_disabled
                         ? "not asked: caching is disabled by " + inquiry.behavior->key_source
                         : fmt::format("not asked: {} is not a cached method",
                                       inquiry.upgrades ? "a WebSocket handshake"
                                                        : inquiry.request.head->method));
        return ask(inquiry, nullptr, nullptr, 0);
    }
    if (auto answer = from_cache(inquiry, refresh)) return std::move(*answer);
    EntryPtr stale = parts_.cache.find(inquiry.key.text);
    if (parts_.fetch.faults && parts_.fetch.faults->active("edge")) stale = nullptr;  // cold
    inquiry.span->decide("cache", stale ? fmt::format("expired {} ago ({})",
                                                      stale_text(*stale, inquiry.now), stale->why)
                                        : "miss: nothing is held under this key");
    // HEAD's answer has no body to keep, and cookies forwarded keep requests apart.
    if (inquiry.request.method == Method::Head || inquiry.behavior->forwards_cookies())
        return ask_for_itself(inquiry, stale);
    CacheKey key = inquiry.key;
    if (std::string range = asked_range(inquiry); !range.empty() && !stale)
        key.text += "r:" + range + inquiry.request.headers().joined("If-Range");
    Cache::Joined joined = parts_.cache.join(key);
    if (joined.first) {
        // What another request stored between our look and the join is as good.
        if (auto answer = from_cache(inquiry, refresh)) {
            parts_.cache.finish(joined.fill);
            return std::move(*answer);
        }
        return ask(inquiry, stale, joined.fill, joined.fill->epoch());
    }
    Fill::Seen seen = joined.fill->wait(net::Deadline::after(kCollapseWait));
    if (seen.state == Fill::State::Streaming) {
        inquiry.span->decide(
            "cache",
            "hit: waited for the request that was already at the origin; " + seen.entry->why);
        return from_stored(seen.entry, CacheStatus::Hit, inquiry);
    }
    inquiry.span->decide(
        "cache", "waited for a request already at the origin, whose answer cannot be shared");
    return ask_for_itself(inquiry, stale);
}

Answer Lookup::ask_for_itself(Inquiry& inquiry, const EntryPtr& stale) {
    return ask(inquiry, stale, nullptr, parts_.cache.epoch());
}

EntryPtr Lookup::stale_instead(const Inquiry& inquiry, const EntryPtr& stale, int status) const {
    if (!stale || !stale->body || stale->status >= 400 || status < 500 ||
        inquiry.now >= stale->usable_until)
        return nullptr;
    if (stale->stale_if_error_until != Time::max() && inquiry.now >= stale->stale_if_error_until) {
        inquiry.span->decide("cache", "the copy held is older than stale-if-error allows");
        return nullptr;
    }
    seconds pause = error_caching_min_ttl(*inquiry.distribution, status);
    stale->retry_after.store(micros(inquiry.now + pause));
    inquiry.span->decide(
        "cache", fmt::format("the origin failed ({}): the stale copy is served for {} s", status,
                             pause.count()));
    return stale;
}

Answer Lookup::failed(const Inquiry& inquiry, const FetchAnswer& fetched,
                      const std::shared_ptr<Fill>& fill, uint64_t epoch) {
    Answer answer =
        generated(fetched.status, fetched.sentence, fetched.log_type, inquiry.request_id);
    answer.fill = fill;
    seconds ttl = error_caching_min_ttl(*inquiry.distribution, fetched.status);
    if (!may_be_cached(inquiry) || ttl == seconds(0) || inquiry.request.method == Method::Head ||
        fetched.status < 500)
        return answer;
    auto entry = std::make_shared<CacheEntry>();
    entry->key = inquiry.key;
    entry->pattern = inquiry.behavior->pattern;
    entry->status = fetched.status;
    entry->origin = fetched.sentence;
    entry->why = fmt::format("error {}: ErrorCachingMinTTL {} s", fetched.status, ttl.count());
    entry->fetched = inquiry.now;
    entry->fresh_until = entry->stale_while_revalidate_until = entry->stale_if_error_until =
        entry->usable_until = inquiry.now + ttl;
    parts_.cache.store(entry, epoch);
    if (fill) fill->stream(entry);
    return answer;
}

Answer Lookup::refreshed(const Inquiry& inquiry, const EntryPtr& stale,
                         const http::HeaderList& headers, const Origin& origin, uint64_t epoch) {
    auto entry = std::make_shared<CacheEntry>();
    entry->key = stale->key;
    entry->pattern = stale->pattern;
    entry->range = stale->range;
    entry->status = stale->status;
    entry->headers = stale->headers;
    // The 304's headers replace the stored ones (RFC 9111 §3.2); what frames the body stays.
    for (const http::Header& header :
         clean_origin_headers(headers, *inquiry.behavior, origin.kind).headers) {
        std::string name = base::lower(header.name);
        if (name == "content-length" || name == "content-encoding" || name == "content-range" ||
            name == "content-md5" || name == "vary" || name == "etag")
            continue;
        entry->headers.set(header.name, header.value);
    }
    // A 304 without directives: the stored ones go on.
    Freshness freshness = decide_freshness(
        *inquiry.distribution, *inquiry.behavior,
        {stale->status, &entry->headers, origin.kind == Origin::Kind::S3}, inquiry.now);
    entry->headers.remove("Age");
    entry->body = stale->body;
    entry->etag = stale->etag;
    entry->last_modified = stale->last_modified;
    entry->origin = origin.id;
    entry->why = freshness.why;
    entry->fetched = inquiry.now - freshness.age;
    entry->fresh_until = inquiry.now + freshness.ttl;
    entry->stale_while_revalidate_until = entry->fresh_until + freshness.stale_while_revalidate;
    entry->stale_if_error_until =
        freshness.stale_if_error ? entry->fresh_until + *freshness.stale_if_error : Time::max();
    entry->usable_until = std::max(inquiry.now + inquiry.behavior->max_ttl, entry->fresh_until);
    entry->prepared = prepare(inquiry, *entry);
    inquiry.span->decide("cache", "the origin says 304: refreshed; " + freshness.why);
    if (freshness.store)
        parts_.cache.store(entry, epoch);
    else
        parts_.cache.remove(stale);
    Answer answer = from_stored(entry, CacheStatus::RefreshHit, inquiry);
    return answer;
}

Answer Lookup::ask(Inquiry& inquiry, const EntryPtr& stale, const std::shared_ptr<Fill>& fill,
                   uint64_t epoch) {
    const CacheBehavior& behavior = *inquiry.behavior;
    bool caches = may_be_cached(inquiry) && inquiry.request.method != Method::Head;
    // "Behaviors that forward cookies make no conditional requests to the origin".
    bool revalidates =
        caches && stale && stale->body && stale->status < 400 && !behavior.forwards_cookies();
    FetchQuestion question{inquiry.request,
                           *inquiry.distribution,
                           behavior,
                           inquiry.request_id,
                           parts_.via_id,
                           inquiry.body,
                           caches,
                           stale != nullptr,
                           {},
                           {},
                           {}};
    std::string range;
    if (!caches)
        range = inquiry.request.headers().joined("Range");
    else if (!stale)
        range = asked_range(inquiry);
    question.range = range;
    // What was compressed here has an ETag of its own: the origin knows it by its strong form.
    std::string etag;
    if (revalidates) {
        etag = stale->etag.starts_with("W/\"") && stale->headers.has("Content-Encoding")
                   ? stale->etag.substr(2)
                   : stale->etag;
        question.if_none_match = etag;
        question.if_modified_since = stale->last_modified;
        revalidates = !etag.empty() || !stale->last_modified.empty();
    }
    const auto asked = std::chrono::steady_clock::now();
    FetchAnswer fetched = fetch_from_origin(parts_.fetch, question, *inquiry.span);
    int status = fetched.response ? fetched.response->head().status : fetched.status;
    if (status >= 500) {
        if (EntryPtr instead = stale_instead(inquiry, stale, status)) {
            if (fill) fill->stream(instead);
            Answer answer = from_stored(instead, guesses::kStaleStatus, inquiry);
            answer.fill = fill;
            return answer;
        }
    }
    if (!fetched.response) return failed(inquiry, fetched, fill, epoch);
    const http::HeaderList& from_origin = fetched.response->head().headers;
    if (status == 304 && revalidates) {
        Answer answer = refreshed(inquiry, stale, from_origin, *fetched.origin, epoch);
        // Answers that must be asked for each time are not shared with those who wait.
        if (fill && answer.entry->fresh(inquiry.now))
            fill->stream(answer.entry);
        else if (fill)
            fill->decline();
        answer.fill = fill;
        return answer;
    }

    Answer answer;
    answer.status = status;
    answer.cache_status = status >= 400 ? CacheStatus::Error : CacheStatus::Miss;
    answer.fill = fill;
    answer.epoch = epoch;
    answer.origin_idle = std::chrono::milliseconds(fetched.origin->read_timeout);
    if (fetched.origin->completion_timeout)
        answer.origin_deadline =
            net::Deadline::after(std::chrono::microseconds(*fetched.origin->completion_timeout) -
                                 std::chrono::duration_cast<std::chrono::microseconds>(
                                     std::chrono::steady_clock::now() - asked));
    CleanedHeaders cleaned = clean_origin_headers(from_origin, behavior, fetched.origin->kind);
    answer.headers = std::move(cleaned.headers);
    for (std::string& dropped : cleaned.dropped)
        inquiry.span->decide("removed", std::move(dropped));
    // S3's request id leads to its own hop's trace.
    if (const std::string* id = from_origin.find("x-amz-request-id"))
        inquiry.span->decide("s3", *id);
    if (!answer.headers.has("Date")) answer.headers.add("Date", base::http_date(inquiry.now));
    if (!answer.headers.has("Server")) answer.headers.add("Server", "CloudFront");
    http::HeaderList original = from_origin;
    answer.origin = std::move(fetched.response);
    if (caches)
        keep(inquiry, answer, *fetched.origin, original);
    else
        inquiry.span->decide(
            "stored",
            "no: " + (behavior.caching_disabled ? "caching is disabled by " + behavior.key_source
                                                : inquiry.request.head->method + " is not stored"));
    return answer;
}

// Decides whether the answer is stored and, if so, gives it an entry that grows while it is
// relayed.
void Lookup::keep(const Inquiry& inquiry, Answer& answer, const Origin& origin,
                  const http::HeaderList& from_origin) {
    OriginAnswer facts{answer.status, &from_origin, origin.kind == Origin::Kind::S3};
    Freshness freshness =
        decide_freshness(*inquiry.distribution, *inquiry.behavior, facts, inquiry.now);
    auto length = base::parse_unsigned(from_origin.get("Content-Length"));
    std::optional<ContentRange> part;
    if (answer.status == 206) {
        part = parse_content_range(from_origin.get("Content-Range"));
        if (!part || asked_range(inquiry).empty())
            freshness = {.why = "a 206 without one plain Content-Range"};
    }
    if (length && *length > kMaxCacheableBodyBytes) freshness = {.why = "larger than 50 GB"};
    if (!freshness.store) {
        inquiry.span->decide("stored", "no: " + freshness.why);
        if (answer.fill) answer.fill->decline();
        return;
    }
    auto entry = std::make_shared<CacheEntry>();
    entry->key = inquiry.key;
    entry->pattern = inquiry.behavior->pattern;
    entry->status = answer.status;
    if (part) entry->range = from_origin.get("Content-Range");
    entry->origin = origin.id;
    entry->why = freshness.why;
    entry->fetched = inquiry.now - freshness.age;
    entry->fresh_until = inquiry.now + freshness.ttl;
    entry->stale_while_revalidate_until = entry->fresh_until + freshness.stale_while_revalidate;
    entry->stale_if_error_until =
        freshness.stale_if_error ? entry->fresh_until + *freshness.stale_if_error : Time::max();
    // "Unavailable after MaxTTL": and an object is always usable while it is fresh.
    entry->usable_until = std::max(inquiry.now + inquiry.behavior->max_ttl, entry->fresh_until);
    entry->body = std::make_shared<StoredBody>(parts_.cache.budget().directory);
    answer.entry = entry;
    answer.store = true;
    compress_if_due(inquiry, answer, from_origin);
    entry->headers = answer.headers;
    entry->headers.remove("Age");
    for (const std::string& name : freshness.withheld_headers)
        entry->headers.remove(name);
    entry->etag = entry->headers.get("ETag");
    entry->last_modified = entry->headers.get("Last-Modified");
    if (!answer.truncated) read_small_body(answer);
    if (answer.truncated) {
        inquiry.span->decide("stored", "no: the origin's body was cut short");
        answer.entry.reset();
        answer.store = false;
        if (answer.fill) answer.fill->decline();
        return;
    }
    entry->prepared = prepare(inquiry, *entry);
    inquiry.span->decide("stored", fmt::format("yes: {}", freshness.why));
    if (!answer.origin) store(answer, inquiry.span);
    // Answers that must be asked for each time are not shared with those who wait.
    if (answer.fill && freshness.ttl > seconds(0))
        answer.fill->stream(entry);
    else if (answer.fill)
        answer.fill->decline();
}

void Lookup::compress_if_due(const Inquiry& inquiry, Answer& answer,
                             const http::HeaderList& from_origin) {
    AcceptEncoding accepted = normalized_accept_encoding(*inquiry.behavior, inquiry.request);
    CompressionDecision decision = decide_compression(*inquiry.behavior, accepted, inquiry.request,
                                                      answer.status, from_origin);
    if (decision.vary) {
        std::string vary = answer.headers.joined("Vary");
        if (base::lower(vary).find("accept-encoding") == std::string::npos)
            answer.headers.set("Vary",
                               vary.empty() ? "Accept-Encoding" : vary + ", Accept-Encoding");
    }
    if (!decision.coding) {
        if (inquiry.behavior->compress)
            inquiry.span->decide("compressed", fmt::format("no: {}", decision.why));
        return;
    }
    std::string bytes;
    read_whole(answer, *base::parse_unsigned(from_origin.get("Content-Length")), bytes);
    if (answer.truncated) return;
    net::leave_loop();  // up to seconds of work
    std::string smaller = http::encode_all(*decision.coding, bytes);
    inquiry.span->decide("compressed",
                         fmt::format("{}: {} bytes to {}", http::name_of(*decision.coding),
                                     bytes.size(), smaller.size()));
    answer.headers.set("Content-Length", fmt::format("{}", smaller.size()));
    answer.headers.set("Content-Encoding", http::name_of(*decision.coding));
    answer.headers.remove("Accept-Ranges");
    std::string etag = weaken_etag(answer.headers.get("ETag"));
    if (etag.empty())
        answer.headers.remove("ETag");
    else
        answer.headers.set("ETag", etag);
    answer.entry->body->append(smaller);
    answer.entry->body->finish(StoredBody::State::Complete);
}

// A body that fits one write is read before the answer starts: one system call, and a true length.
void Lookup::read_small_body(Answer& answer) {
    if (!answer.origin) return;
    auto length = answer.origin->body().length();
    if (!length || *length > kRelayBytes) return;
    std::string bytes;
    read_whole(answer, *length, bytes);
    if (answer.truncated) return;
    answer.entry->body->append(bytes);
    answer.entry->body->finish(StoredBody::State::Complete);
}

// The origin's whole body, or what came of it: then the answer is `truncated` and has it as its
// page.
void Lookup::read_whole(Answer& answer, uint64_t length, std::string& bytes) const {
    bytes.resize(length);
    size_t have = 0;
    while (have < length) {
        auto got = answer.origin->body().read(
            {bytes.data() + have, length - have},
            net::Deadline::earlier(net::Deadline::after(answer.origin_idle),
                                   answer.origin_deadline));
        if (!got || *got == 0) break;
        have += *got;
    }
    if (have == length) {
        // One more read sees the end, and the connection returns to its pool.
        char none;
        (void)answer.origin->body().read({&none, 1},
                                         net::Deadline::after(std::chrono::milliseconds(50)));
    }
    answer.origin.reset();
    if (have == length) return;
    answer.truncated = true;
    bytes.resize(have);
    answer.page = std::move(bytes);
    answer.entry->body->finish(StoredBody::State::Broken);
}

bool Lookup::store(Answer& answer, base::Span* span) {
    if (!answer.store || !answer.entry) return false;
    answer.store = false;
    if (parts_.cache.store(answer.entry, answer.epoch)) return true;
    if (span != nullptr)
        span->decide("stored", "no: an invalidation came while it was being fetched");
    return false;
}

void Lookup::drain(Answer& answer) {
    if (answer.origin && answer.entry) {
        std::array<char, kRelayBytes> buffer;
        StoredBody& body = *answer.entry->body;
        for (;;) {
            auto got = answer.origin->body().read(
                buffer, net::Deadline::earlier(net::Deadline::after(answer.origin_idle),
                                               answer.origin_deadline));
            if (!got) body.finish(StoredBody::State::Broken);
            if (!got || *got == 0 || !body.append({buffer.data(), *got})) break;
        }
        body.finish(StoredBody::State::Complete);
        std::array<char, 1> probe;
        if (body.read(body.size_bytes(), probe, net::Deadline::after(std::chrono::milliseconds(0)))
                .state == StoredBody::State::Complete)
            store(answer, nullptr);
    }
    if (answer.fill) parts_.cache.finish(answer.fill);
}

std::string response_head_text(int status, const http::HeaderList& headers) {
    std::string text = fmt::format("HTTP/1.1 {} {}\r\n", status, http::standard_reason(status));
    for (const http::Header& header : headers) {
        text += header.name;
        text += ": ";
        text += header.value;
        text += "\r\n";
    }
    return text;
}

std::shared_ptr<const PreparedHead> Lookup::prepare(const Inquiry& inquiry,
                                                    const CacheEntry& entry) const {
    if (policy_depends_on_request(inquiry.behavior->response_headers.get())) return nullptr;
    auto length = base::parse_unsigned(entry.headers.get("Content-Length"));
    if (!length || entry.status >= 400 || !entry.range.empty()) return nullptr;
    auto prepared = std::make_shared<PreparedHead>();
    prepared->behavior = inquiry.behavior;
    prepared->distribution = inquiry.distribution;
    http::HeaderList headers = entry.headers;
    finish_response_headers(headers, inquiry.behavior, inquiry.request,
                            {CacheStatus::Hit, "", parts_.via_id, std::nullopt, {}, {}});
    headers.remove("X-Amz-Cf-Id");
    prepared->text = response_head_text(entry.status, headers) + "X-Amz-Cf-Id: ";
    return prepared;
}

}  // namespace cloudfront

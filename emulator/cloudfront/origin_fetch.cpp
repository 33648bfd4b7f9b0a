// See origin_fetch.h.
#include "cloudfront/origin_fetch.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/date.h"
#include "base/text.h"
#include "cloudfront/guesses.h"
#include "cloudfront/limits.h"
#include "cloudfront/origin_fault.h"
#include "cloudfront/viewer_response.h"

namespace cloudfront {

namespace {

constexpr std::string_view kDnsSentence =
    "CloudFront wasn't able to resolve the origin domain name.";
constexpr std::string_view kConnectSentence = "CloudFront wasn't able to connect to the origin.";
constexpr std::string_view kClosedSentence = "The origin closed the connection.";
constexpr std::string_view kTimeoutSentence =
    "CloudFront attempted to establish a connection with the origin, but either the attempt failed "
    "or the origin closed "
    "the connection.";

using Milliseconds = std::chrono::milliseconds;

// One origin being asked.
class Asking {
  public:
    Asking(const FetchParts& parts, const FetchQuestion& question, const Origin& origin,
           base::Span& span)
        : parts_(parts), question_(question), origin_(origin), span_(span) {}

    FetchAnswer run() {
        request_ =
            build_origin_request(question_.request, question_.behavior, origin_,
                                 {question_.request_id, question_.via_id, question_.body != nullptr,
                                  question_.will_cache, question_.range, question_.has_copy});
        add_validators();
        sign();
        describe();
        return attempts();
    }

  private:
    void add_validators() {
        if (!question_.if_none_match.empty())
            request_.head.headers.set("If-None-Match", question_.if_none_match);
        if (!question_.if_modified_since.empty())
            request_.head.headers.set("If-Modified-Since", question_.if_modified_since);
    }

    void sign() {
        if (!request_.signs || !parts_.signing_credentials) return;
        // GUESS: the edge does not hash what it streams.
        std::string_view payload =
            question_.body ? "UNSIGNED-PAYLOAD"
                           : "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        aws::sign(request_.head, parts_.signing_credentials(question_.distribution, origin_),
                  origin_.region.empty() ? "us-east-1" : origin_.region, "s3", payload,
                  parts_.clock.now(), aws::PathEncoding::Once);
    }

    void describe() {
        span_.decide("origin",
                     fmt::format("{} {}://{}:{}{}{}", origin_.id, request_.https ? "https" : "http",
                                 origin_.domain_name, request_.port, request_.head.target,
                                 request_.signs ? ", signed by its origin access control" : ""));
        for (const Dropped& dropped : request_.dropped)
            span_.decide("dropped", fmt::format("{}: {}", dropped.name, dropped.why));
    }

    http::Endpoint endpoint() const {
        http::Endpoint to;
        to.host = origin_.domain_name;
        to.port = request_.port;
        if (request_.https) {
            to.tls = parts_.origin_tls;
            to.server_name = request_.server_name;
        }
        return to;
    }

    http::AttemptTimeouts timeouts() const {
        http::AttemptTimeouts timeouts;
        timeouts.connect = timeouts.tls_handshake = Milliseconds(origin_.connection_timeout);
        timeouts.first_byte = timeouts.between_bytes = Milliseconds(origin_.read_timeout);
        timeouts.idle_pooled = Milliseconds(origin_.keepalive_timeout);
        return timeouts;
    }

    FetchAnswer attempts() {
        if (request_.https && parts_.origin_tls == nullptr)
            return failed({http::Error::Kind::Tls, http::Error::Source::Origin,
                           http::Error::Retry::Never, "no TLS client"});
        http::Endpoint to = endpoint();
        http::AttemptTimeouts waits = timeouts();
        bool reading =
            question_.request.method == Method::Get || question_.request.method == Method::Head;
        bool fresh = false;
        for (int attempt = 1;; ++attempt) {
            auto begun = std::chrono::steady_clock::now();
            auto response = broken_attempt(parts_.faults, origin_, [&] {
                return fresh ? parts_.upstream.send_fresh(to, request_.head, question_.body, waits)
                             : parts_.upstream.send(to, request_.head, question_.body, waits);
            });
            auto took = std::chrono::duration_cast<base::microseconds>(
                std::chrono::steady_clock::now() - begun);
            if (response) {
                span_.decide(
                    "attempt",
                    fmt::format("{}: {} in {}{}", attempt, (*response)->head().status,
                                base::show_duration(took),
                                (*response)->reused_connection() ? " on a kept connection" : ""));
                if (auto wrong = contradiction((*response)->head())) return given_up(*wrong);
                return {std::move(*response), &origin_, 0, {}, {}};
            }
            const http::Error& error = response.error();
            if (error.source == http::Error::Source::Viewer) return viewer_failed(error);
            span_.decide("attempt",
                         fmt::format("{}: {} after {}", attempt,
                                     error.text.empty() ? http::name_of(error.kind) : error.text,
                                     base::show_duration(took)));
            if (error.retry == http::Error::Retry::OnFreshConnection && !fresh &&
                question_.body == nullptr) {
                fresh = true;  // a kept connection that had ended: no attempt of its own
                --attempt;
                continue;
            }
            if (attempt >= origin_.connection_attempts || !may_try_again(error, reading))
                return failed(error);
        }
    }

    // "CloudFront tries again to connect for every method; a response timeout is retried for GET
    // and HEAD of custom origins alone". An unknown name stays unknown.
    bool may_try_again(const http::Error& error, bool reading) const {
        using Kind = http::Error::Kind;
        if (error.kind == Kind::ConnectTimeout || error.kind == Kind::Refused) return true;
        return error.kind == Kind::ReadTimeout && reading && origin_.kind == Origin::Kind::Custom;
    }

    // An answer that is none: a 101 to what was no handshake, a body that is as long as its chunks
    // and as its Content-Length says (RFC 9112 §6.3: an error), a part that is not as long as its
    // Content-Range says ("OriginContentRangeLengthError").
    std::optional<OriginFailure> contradiction(const http::ResponseHead& head) const {
        if ((head.status == 101 && !request_.upgrades) ||
            (head.headers.has("Transfer-Encoding") && head.headers.has("Content-Length")))
            return OriginFailure{502, guesses::kInvalidAnswerSentence,
                                 "OriginInvalidResponseError"};
        const std::string_view range = head.headers.get("Content-Range");
        if (head.status != 206 || !range.starts_with("bytes ") || range.ends_with("/*"))
            return std::nullopt;
        const auto part = parse_content_range(range);
        const auto length = base::parse_unsigned(head.headers.get("Content-Length"));
        if (part && (!length || *length == part->range.size_bytes())) return std::nullopt;
        return OriginFailure{502, guesses::kInvalidAnswerSentence, "OriginContentRangeLengthError"};
    }

    FetchAnswer given_up(const OriginFailure& failure) {
        span_.decide("origin", fmt::format("{}: {}", failure.status, failure.log_type));
        return {nullptr, &origin_, failure.status, failure.sentence, failure.log_type};
    }

    // The viewer's body broke off or is no body: none of the origin's doing. GUESS: the page.
    FetchAnswer viewer_failed(const http::Error& error) {
        span_.decide("refused",
                     fmt::format("400: the viewer's body: {}",
                                 error.text.empty() ? http::name_of(error.kind) : error.text));
        return {nullptr, &origin_, 400, guesses::kPlainSentence, "ClientCommError"};
    }

    FetchAnswer failed(const http::Error& error) {
        OriginFailure failure = failure_of(error);
        span_.decide("origin",
                     fmt::format("{}: {} ({})", failure.status, failure.log_type,
                                 error.text.empty() ? http::name_of(error.kind) : error.text));
        return {nullptr, &origin_, failure.status, failure.sentence, failure.log_type};
    }

    const FetchParts& parts_;
    const FetchQuestion& question_;
    const Origin& origin_;
    base::Span& span_;
    OriginRequest request_;
};

bool fails_over(const OriginGroup& group, const FetchAnswer& answer) {
    if (!answer.response) return answer.status >= 500;
    int status = answer.response->head().status;
    return std::ranges::find(group.failover_statuses, status) != group.failover_statuses.end();
}

}  // namespace

OriginFailure failure_of(const http::Error& error) {
    using Kind = http::Error::Kind;
    switch (error.kind) {
        case Kind::Unreachable: return {502, kDnsSentence, "OriginDnsError"};
        case Kind::Refused:
        case Kind::Tls: return {502, kConnectSentence, "OriginConnectError"};
        case Kind::Reset:
        case Kind::Closed:
        case Kind::Aborted: return {502, kClosedSentence, "OriginCommError"};
        case Kind::ConnectTimeout:
        case Kind::ReadTimeout:
        case Kind::WriteTimeout: return {504, kTimeoutSentence, "OriginCommError"};
        case Kind::TooLarge:
            return {502, guesses::kInvalidAnswerSentence, "OriginHeaderTooBigError"};
        case Kind::Malformed:
            return {502, guesses::kInvalidAnswerSentence, "OriginInvalidResponseError"};
    }
    return {502, guesses::kInvalidAnswerSentence, "OriginError"};
}

FetchAnswer fetch_from_origin(const FetchParts& parts, const FetchQuestion& question,
                              base::Span& span) {
    const Distribution& distribution = question.distribution;
    const std::string& target = question.behavior.target_id;
    const OriginGroup* group = distribution.group(target);
    const Origin* primary = distribution.origin(group ? group->members[0] : target);
    if (primary == nullptr)
        return {nullptr, nullptr, 502, guesses::kInvalidAnswerSentence, "OriginError"};
    FetchAnswer answer = Asking(parts, question, *primary, span).run();
    if (group == nullptr || !fails_over(*group, answer)) return answer;
    // "CloudFront fails over only when the viewer's method is GET, HEAD or OPTIONS".
    Method method = question.request.method;
    if (method != Method::Get && method != Method::Head && method != Method::Options) {
        span.decide("failover", fmt::format("none for {}", question.request.head->method));
        return answer;
    }
    const Origin* secondary = distribution.origin(group->members[1]);
    if (secondary == nullptr) return answer;
    span.decide(
        "failover",
        fmt::format(
            "{} {}: origin group {} turns to {}", primary->id,
            answer.response ? fmt::format("answered {}", answer.response->head().status) : "failed",
            group->id, secondary->id));
    answer.response.reset();
    return Asking(parts, question, *secondary, span).run();
}

}  // namespace cloudfront

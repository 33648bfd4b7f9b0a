// The default verdicts, for fronts that have no table of their own: what may be framed one way only
// is answered, the rest is refused. Edge and balancer bring theirs.
#include "http/server.h"

namespace http {

Verdict default_verdict(Anomaly anomaly) {
    constexpr Verdict forward{Verdict::Kind::Forward, 0};
    const auto reject = [](int status) { return Verdict{Verdict::Kind::Reject, status}; };
    switch (anomaly) {
        // Readable one way only, or harmless where nothing is passed on.
        case Anomaly::BareLf:
        case Anomaly::NonAsciiTarget:
        case Anomaly::GetOrHeadWithBody:
        case Anomaly::GetOrHeadZeroContentLength:
        case Anomaly::UndefinedContentLength:
        case Anomaly::MultipleContentLength: return forward;
        case Anomaly::BareCr:
        case Anomaly::ObsFold:
        case Anomaly::SpaceBeforeColon:
        case Anomaly::EmptyHeaderName:
        case Anomaly::BadHeaderName:
        case Anomaly::BadHeaderValue:
        case Anomaly::HeaderWithoutColon:
        case Anomaly::BadMethod:
        case Anomaly::BadTarget:
        case Anomaly::BadStatusLine:
        case Anomaly::MultipleHosts:
        case Anomaly::MissingHost:
        case Anomaly::BadHost:
        case Anomaly::ConflictingContentLength:
        case Anomaly::BadContentLength:
        case Anomaly::ContentLengthAndTransferEncoding:
        case Anomaly::MultipleTransferEncoding:
        case Anomaly::TransferEncodingInHttp10: return reject(400);
        case Anomaly::BadTransferEncoding: return reject(501);
        case Anomaly::Http09:
        case Anomaly::BadVersion: return reject(505);
        case Anomaly::TargetTooLong: return reject(414);
        case Anomaly::HeaderTooLarge:
        case Anomaly::HeadTooLarge: return reject(431);
    }
    return forward;
}

bool answered_by_default(Exchange& exchange) {
    const RequestHead& request = exchange.request();
    for (const Anomaly anomaly : request.anomalies) {
        const Verdict verdict = default_verdict(anomaly);
        if (verdict.kind == Verdict::Kind::Forward) continue;
        exchange.close_after();
        if (verdict.kind == Verdict::Kind::Close) {
            exchange.abort();
            return true;
        }
        ResponseHead head;
        head.status = verdict.status;
        head.headers.add("Content-Type", "text/plain");
        // A peer that is gone needs no answer.
        (void)exchange.respond(head,
                               "The request is malformed: " + std::string(name_of(anomaly)) + "\n");
        return true;
    }
    return false;
}

}  // namespace http

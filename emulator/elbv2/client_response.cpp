// See client_response.h. alb.md §3 (response validation) and §6.
#include "elbv2/client_response.h"

#include <algorithm>

#include "base/date.h"
#include "base/text.h"
#include "elbv2/limits.h"

namespace elbv2 {
namespace {

using http::Anomaly;

struct Fault {
    Anomaly anomaly;
    std::string_view text;
};
constexpr Fault kFaults[] = {
    {Anomaly::BadStatusLine, "its status line is malformed"},
    {Anomaly::HeaderWithoutColon, "a header line has no colon"},
    {Anomaly::BareCr, "a header contains a carriage return"},
    {Anomaly::BadHeaderValue, "a header contains a NUL or control character"},
    {Anomaly::BadContentLength, "its Content-Length is not a number"},
    {Anomaly::ConflictingContentLength, "it has several Content-Length values"},
    {Anomaly::ContentLengthAndTransferEncoding, "it has both Content-Length and Transfer-Encoding"},
    {Anomaly::BadTransferEncoding, "its Transfer-Encoding is not chunked"},
    {Anomaly::HeaderTooLarge, "its headers are over 32 K"},
    {Anomaly::HeadTooLarge, "its headers are over 32 K"},
};

bool is(const http::Header& header, std::string_view name) {
    return base::equals_ignoring_case(header.name, name);
}

bool stays_behind(const http::Header& header) {
    static constexpr std::string_view kNames[] = {
        "date",       "content-type", "content-length",   "transfer-encoding",
        "connection", "keep-alive",   "proxy-connection", "upgrade"};
    return std::ranges::any_of(kNames, [&](std::string_view name) { return is(header, name); });
}

}  // namespace

std::optional<std::string> why_malformed(const http::ResponseHead& head) {
    auto has = [&](Anomaly anomaly) {
        return std::ranges::find(head.anomalies, anomaly) != head.anomalies.end();
    };
    for (const Fault& fault : kFaults)
        if (has(fault.anomaly)) return std::string(fault.text);
    if (head.headers.wire_bytes() > kMaxResponseHeadBytes)
        return std::string("its headers are over 32 K");
    if (head.status < 100 || head.status > 599)
        return "its status " + std::to_string(head.status) + " is none";
    return std::nullopt;
}

http::ResponseHead make_client_response(http::ResponseHead head, const ListenerSettings& settings,
                                        const std::vector<std::string>& cookies,
                                        ClientFraming framing, base::Time now) {
    http::ResponseHead out;
    out.status = head.status;
    out.reason = std::move(head.reason);
    http::HeaderList& to = out.headers;
    to.reserve(head.headers.size() + settings.injected.size() + cookies.size() + 3);
    // GUESS: a missing Date is added.
    const std::string* date = head.headers.find("date");
    to.add("Date", date ? *date : base::http_date(now));
    if (const std::string* type = head.headers.find("content-type")) to.add("Content-Type", *type);
    if (const std::string* length = head.headers.find("content-length"))
        to.add("Content-Length", *length);
    else if (framing == ClientFraming::Chunked)
        to.add("Transfer-Encoding", "chunked");
    to.add("Connection", "keep-alive");
    for (const std::string& cookie : cookies)
        to.add("set-cookie", cookie);

    bool hide_server = settings.server_header == Toggle::Off;
    for (http::Header& header : head.headers) {
        if (stays_behind(header) || (hide_server && is(header, "server"))) continue;
        bool overwritten = std::ranges::any_of(
            settings.injected,
            [&](const http::Header& injected) { return is(header, injected.name); });
        if (!overwritten) to.add(std::move(header.name), std::move(header.value));
    }
    for (const http::Header& injected : settings.injected)
        to.add(injected.name, injected.value);
    return out;
}

}  // namespace elbv2

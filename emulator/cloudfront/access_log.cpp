// See access_log.h.
#include "cloudfront/access_log.h"

#include <fmt/format.h>

#include "base/date.h"
#include "base/ids.h"
#include "cloudfront/distribution_match.h"
#include "cloudfront/limits.h"

namespace cloudfront {

namespace {

constexpr base::seconds kDeliveryDelay{60};

// "-" for nothing; bytes 0-32, 127 and up and a few others are written as %XX.
std::string field(std::string_view value) {
    if (value.empty()) return "-";
    std::string out;
    for (unsigned char c : value) {
        if (c <= 32 || c >= 127 ||
            std::string_view("<>\"#%{}|\\^~[]`'").find(static_cast<char>(c)) !=
                std::string_view::npos)
            out += fmt::format("%{:02X}", c);
        else
            out += static_cast<char>(c);
    }
    return out;
}

// "logs.example.s3.amazonaws.com", as the configuration names it: a bucket's name may hold dots.
std::string bucket_of(std::string_view domain) {
    return std::string(domain.substr(0, domain.find(".s3")));
}

std::string seconds_text(base::microseconds took) {
    return fmt::format("{:.3f}", static_cast<double>(took.count()) / 1e6);
}

std::string cookies_field(const AccessRecord& record) {
    return record.distribution->logging.include_cookies
               ? field(record.request->headers().joined("Cookie"))
               : "-";
}

}  // namespace

std::string access_log_line(const AccessRecord& record) {
    const ViewerRequest& request = *record.request;
    std::string date = base::iso_date(record.at);  // 2026-11-24T15:02:07Z
    return fmt::format(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}"
        "\t{}\t-\t-\t{}\t{}\t{}\t{}\t{}"
        "\t{}\t{}\n",
        date.substr(0, 10), date.substr(11, 8), kPop, record.sent_bytes, request.ip,
        request.head->method, record.distribution->domain_name, field(request.head->path()),
        fmt::format("{:03}", record.status), field(request.headers().get("Referer")),
        field(request.headers().get("User-Agent")), field(record.target_query),
        cookies_field(record), record.result, record.request_id, field(request.host),
        request.https ? "https" : "http", record.received_bytes, seconds_text(record.took),
        field(request.headers().joined("X-Forwarded-For")), field(record.tls_protocol),
        field(record.tls_cipher), record.response_result,
        fmt::format("HTTP/{}.{}", request.head->major, request.head->minor), request.port,
        seconds_text(record.first_byte), record.detailed_result, field(record.content_type),
        field(record.content_length), field(record.range_start), field(record.range_end));
}

void add_to_access_log(aws::LogFiles& files, const AccessRecord& record) {
    const std::string date = base::iso_date(record.at);
    const std::string hour = date.substr(0, 10) + "-" + date.substr(11, 2);
    const Distribution& distribution = *record.distribution;
    files.add(distribution.id + "." + hour, access_log_line(record), [&] {
        const auto next_hour =
            std::chrono::floor<std::chrono::hours>(record.at) + std::chrono::hours(1);
        return aws::LogFiles::File{bucket_of(distribution.logging.bucket),
                                   fmt::format("{}{}.{}.{}.gz", distribution.logging.prefix,
                                               distribution.id, hour, base::random_hex(8)),
                                   std::string(kAccessLogHead),
                                   std::min<base::Time>(record.at + kDeliveryDelay, next_hour)};
    });
}

}  // namespace cloudfront

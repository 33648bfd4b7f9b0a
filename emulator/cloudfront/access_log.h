// Standard access logs: one line per request, delivered in gzip files to the distribution's log
// bucket. CloudFront guide, "Configuring and using standard logs (access logs)".
#pragma once
#include <string>
#include <string_view>

#include "aws/log_files.h"
#include "base/clock.h"
#include "cloudfront/model.h"

namespace cloudfront {

struct AccessRecord {
    base::Time at;
    const Distribution* distribution = nullptr;
    const ViewerRequest* request = nullptr;
    std::string_view target_query;  // the whole query, as sent
    std::string_view request_id;
    int status = 0;  // 0: the viewer left before the answer
    uint64_t sent_bytes = 0, received_bytes = 0;
    base::microseconds took{0}, first_byte{0};
    std::string_view result, response_result, detailed_result;
    std::string_view content_type, content_length, range_start, range_end;
    std::string_view tls_protocol, tls_cipher;
};

std::string access_log_line(const AccessRecord& record);
inline constexpr std::string_view kAccessLogHead =
    "#Version: 1.0\n"
    "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status "
    "cs(Referer) cs(User-Agent) "
    "cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol "
    "cs-bytes time-taken "
    "x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version "
    "fle-status "
    "fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type "
    "sc-content-len "
    "sc-range-start sc-range-end\n";

// Gathers the line in the file of its distribution and hour, which is due after a minute or when
// the hour is over.
void add_to_access_log(aws::LogFiles& files, const AccessRecord& record);

}  // namespace cloudfront

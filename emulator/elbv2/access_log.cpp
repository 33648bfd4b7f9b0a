// See access_log.h. alb.md §19: 33 fields, strings in quotes.
#include "elbv2/access_log.h"

#include <fmt/format.h>

#include "base/date.h"
#include "base/ids.h"
#include "base/text.h"

namespace elbv2 {
namespace {

constexpr size_t kMaxUserAgentBytes = 8 * 1024;

std::string_view or_dash(std::string_view text) {
    return text.empty() ? std::string_view("-") : text;
}

std::string took(const std::optional<base::microseconds>& duration) {
    return duration ? fmt::format("{:.3f}", static_cast<double>(duration->count()) / 1e6) : "-1";
}

// Quotes, backslashes and control characters would break the line.
std::string quotable(std::string_view text) {
    std::string out;
    for (unsigned char c : text) {
        if (c == '"' || c == '\\')
            out += '\\', out += static_cast<char>(c);
        else if (c < 0x20 || c == 0x7f)
            out += fmt::format("\\x{:02x}", c);
        else
            out += static_cast<char>(c);
    }
    return out.empty() ? "-" : out;
}

std::string request_field(const AccessRecord& r) {
    if (r.method.empty())
        return fmt::format("- {}://{}:{}- -", r.scheme, or_dash(r.domain_name), r.port);
    return quotable(fmt::format("{} {} {}", r.method, r.url, r.version));
}

}  // namespace

std::string access_log_line(const AccessRecord& r) {
    std::string target = std::string(or_dash(r.target));
    std::string target_status = r.target_status ? std::to_string(r.target_status) : "-";
    bool compliant = r.classification.tier == Tier::Compliant;
    std::string line = fmt::format(
        "{} {} {} {} {} {} {} {}", r.type, base::iso_date_micros(r.finished), r.load_balancer,
        r.client, target, took(r.request_took), took(r.target_took), took(r.response_took));
    line += fmt::format(" {:03} {} {} {} \"{}\" \"{}\"", r.status, target_status, r.received_bytes,
                        r.sent_bytes, request_field(r),
                        quotable(std::string_view(r.user_agent).substr(0, kMaxUserAgentBytes)));
    line += fmt::format(" {} {} {} \"{}\" \"{}\" \"{}\"", or_dash(r.tls_cipher),
                        or_dash(r.tls_protocol), or_dash(r.target_group_arn), or_dash(r.trace_id),
                        or_dash(r.tls_protocol.empty() ? std::string_view() : r.domain_name),
                        or_dash(r.certificate_arn));
    line += fmt::format(" {} {} \"{}\" \"{}\" \"{}\"", or_dash(r.matched_priority),
                        base::iso_date_micros(r.created), or_dash(r.actions),
                        quotable(r.redirect_url), or_dash(r.error_reason));
    line += fmt::format(" \"{}\" \"{}\" \"{}\" \"{}\" {} \"-\" \"-\" \"-\"", target, target_status,
                        compliant ? "-" : name_of(r.classification.tier),
                        compliant ? "-" : r.classification.reason, r.connection_trace_id);
    return line;
}

std::string access_log_key(std::string_view prefix, std::string_view account,
                           std::string_view region, std::string_view load_balancer_id_path,
                           base::Time end, std::string_view ip, std::string_view unique) {
    std::string date = base::sigv4_date(end);  // yyyymmddThhmmssZ
    std::string name = base::replace_all(load_balancer_id_path, "/", ".");
    std::string folder = prefix.empty() ? std::string() : std::string(prefix) + "/";
    return fmt::format(
        "{}AWSLogs/{}/elasticloadbalancing/{}/{}/{}/{}/"
        "{}_elasticloadbalancing_{}_{}_{}Z_{}_{}.log.gz",
        folder, account, region, date.substr(0, 4), date.substr(4, 2), date.substr(6, 2), account,
        region, name, date.substr(0, 13), ip, unique);
}

void add_to_access_log(aws::LogFiles& files, const AccessRecord& record, const LogPlace& place,
                       std::string_view bucket, std::string_view prefix) {
    constexpr std::chrono::minutes kInterval{5};
    const auto since = record.finished.time_since_epoch();
    const base::Time end(since - since % kInterval + kInterval);
    const std::string name = record.load_balancer + "." + base::sigv4_date(end);
    files.add(name, access_log_line(record) + "\n", [&] {
        return aws::LogFiles::File{
            std::string(bucket),
            access_log_key(prefix, place.account, place.region, record.load_balancer, end, place.ip,
                           base::random_hex(8)),
            {},
            end};
    });
}

std::string access_log_test_key(std::string_view prefix, std::string_view account) {
    return fmt::format("{}{}AWSLogs/{}/ELBAccessLogTestFile", prefix, prefix.empty() ? "" : "/",
                       account);
}

}  // namespace elbv2

// Access log lines and files. Guide: "Access log entries", "Access log files".
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "aws/log_files.h"
#include "base/clock.h"
#include "elbv2/desync.h"

namespace elbv2 {

struct AccessRecord {
    std::string_view type = "http";  // http https h2 grpcs ws wss
    base::Time finished, created;
    std::string load_balancer;   // app/NAME/ID
    std::string client, target;  // IP:PORT; target "" if none
    // Seconds; nothing where the request did not get.
    std::optional<base::microseconds> request_took, target_took, response_took;
    int status = 0;         // 0 is written 000
    int target_status = 0;  // 0 is written -
    uint64_t received_bytes = 0, sent_bytes = 0;
    std::string method, url, version;  // url absolute with its port; method "" = malformed
    uint16_t port = 80;
    std::string_view scheme = "http";
    std::string user_agent;
    std::string tls_cipher, tls_protocol;
    std::string target_group_arn, trace_id, domain_name, certificate_arn;
    std::string matched_priority;  // "0" the default rule; "" = none evaluated
    std::string actions, redirect_url, error_reason;
    Classification classification;
    std::string connection_trace_id;  // TID_ and 32 hex digits
};

std::string access_log_line(const AccessRecord& record);
// prefix/AWSLogs/ACCOUNT/elasticloadbalancing/REGION/yyyy/mm/dd/…log.gz
std::string access_log_key(std::string_view prefix, std::string_view account,
                           std::string_view region, std::string_view load_balancer_id_path,
                           base::Time end, std::string_view ip, std::string_view unique);

// Where files are put; a load balancer's attributes name the rest.
struct LogPlace {
    std::string account, region, ip;  // ip: of the load balancer's node
};
// Gathers the line in the file of its load balancer and five minutes, due when they are over
// (guide: "Access log files": a file every 5 minutes for each node, in UTC).
void add_to_access_log(aws::LogFiles& files, const AccessRecord& record, const LogPlace& place,
                       std::string_view bucket, std::string_view prefix);
// What is put when logs are turned on, to see that they can be.
std::string access_log_test_key(std::string_view prefix, std::string_view account);

}  // namespace elbv2

// Exchange: a request that somebody made and what was answered, however it was taken down: a HAR
// file (version 1.2), curl lines, lines of an access log.
#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace traffic {

struct Exchange {
    std::string method = "GET", url, body;
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
    int status = 0;                                            // 0 = not known
    std::vector<std::pair<std::string, std::string>> answer_headers;
    std::string answer;           // its body, where it is text
    bool is_request_cut = false;  // not all of the body is known
    uint64_t number = 0;          // in the order of the requests, where known

    std::string header(std::string_view name) const;  // "" when there is none
    std::string answer_header(std::string_view name) const;
};

Exchange of_har(const base::Node& entry);
// A HAR file of entries in their order.
base::Node to_har(std::vector<base::Node> entries);

std::expected<Exchange, std::string> of_curl(std::string_view text);

// The text of a file: a HAR file, curl lines, or an access log, whose paths are asked of `target`.
// `source` names it in errors.
std::expected<std::vector<Exchange>, std::string> read_traffic(const std::string& source,
                                                               const std::string& text,
                                                               const std::string& target);

}  // namespace traffic

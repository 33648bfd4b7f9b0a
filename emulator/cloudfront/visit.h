// Visit: one viewer request on its way through the edge, and what was found out about it so far.
#pragma once
#include <chrono>
#include <string>

#include "cloudfront/inquiry.h"
#include "http/server.h"

namespace cloudfront {

struct Visit {
    explicit Visit(http::Exchange& exchange) : exchange(exchange) {}
    Visit(const Visit&) = delete;

    http::Exchange& exchange;
    std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
    Inquiry inquiry;
    base::Span span;
    std::string path, query;  // storage for what differs from the head
    // As the viewer wrote it: without the default root object.
    std::string_view asked_path;
    bool asks_query = false;
    bool has_body = false;
    bool explains = false;  // the viewer asked for x-dodam-explain
    bool stamped = false;   // the policy of a behaviour applies (one was found)
    int status = 0;
    int own_error = 0;  // the status of an error that the edge itself gave
    CacheStatus result = CacheStatus::Miss;
    std::string_view log_type;
    std::string content_type, content_length, range_start, range_end;
    base::microseconds first_byte{0};
};

}  // namespace cloudfront

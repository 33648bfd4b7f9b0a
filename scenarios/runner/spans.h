// Spans: which of the stack's spans belong to a request: those joined by ids, and what its task
// asked of database and cache meanwhile. Pure. Source: harness.md §4.2, "Rules behind it".
#pragma once
#include <string>
#include <vector>

#include "base/json.h"

namespace scenarios {

// The request's hops, viewer's side first. `id`: of its answer; when that is "", the newest span of
// the peer with this method and target. Spans of "db" and "redis" are found by the time in which
// the request was at the task; where another request was there too they carry "approximate": true.
std::vector<base::Node> spans_of_request(const std::vector<base::Node>& all, const std::string& id,
                                         const std::string& peer, const std::string& method,
                                         const std::string& target);

// A hop before those that it asked. Writing ends in the opposite order, so times alone do not tell.
std::vector<base::Node> in_order(std::vector<base::Node> spans);
// Whether a hop of ours that an edge had its answer from is still to come: who answers writes its
// span when the last byte has left, and the edge may be done with that byte first.
bool lacks_a_hop(const std::vector<base::Node>& spans);
// The text of the span's last decision with the key, "" when there is none.
std::string decision(const base::Node& span, std::string_view key);
// What the origin answered the edge at last, before an error page ("1: 401 in 2 ms"); 0 = nothing.
int origin_status(const base::Node& edge);

}  // namespace scenarios

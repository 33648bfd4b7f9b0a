// Asking the origin: which one (groups fail over), how often (attempts), how long, signed where an
// origin access control says so; and which page stands for each way to fail. CloudFront guide,
// "Origin settings", "Optimizing high availability with origin failover", "HTTP 502/504 status
// codes".
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/trace.h"
#include "cloudfront/model.h"
#include "cloudfront/origin_request.h"
#include "faults/faults.h"
#include "http/upstream.h"

namespace cloudfront {

struct FetchParts {
    base::Clock& clock;
    http::Upstream& upstream;
    net::TlsClient* origin_tls =
        nullptr;  // verifies origins; without it https origins cannot be reached
    std::function<aws::Credentials(const Distribution&, const Origin&)> signing_credentials;
    const faults::Faults* faults = nullptr;
};

struct FetchQuestion {
    const ViewerRequest& request;
    const Distribution& distribution;
    const CacheBehavior& behavior;
    std::string_view request_id, via_id;
    http::BodyReader* body = nullptr;
    bool will_cache = false, has_copy = false;
    std::string_view range;
    std::string_view if_none_match, if_modified_since;  // of a stored copy
};

struct FetchAnswer {
    std::unique_ptr<http::UpstreamResponse> response;  // nullptr: nobody answered
    const Origin* origin = nullptr;                    // who answered, or was asked last
    // Without a response: the page that the edge writes.
    int status = 0;
    std::string_view sentence, log_type;
};

// Decisions ("origin", "dropped", "attempt") go to the span.
FetchAnswer fetch_from_origin(const FetchParts& parts, const FetchQuestion& question,
                              base::Span& span);

struct OriginFailure {
    int status;
    std::string_view sentence, log_type;
};
OriginFailure failure_of(const http::Error& error);

}  // namespace cloudfront

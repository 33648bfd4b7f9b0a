// The website endpoint: index and error documents, redirects, HTML error pages. Anonymous, GET and
// HEAD. S3 guide, "Website endpoints"; s3.md §5.2 to §5.5.
#pragma once
#include <string>

#include "s3/control_plane.h"

namespace s3 {

struct WebsiteCall {
    std::string raw_path, raw_query, host_id;
};
// `request.bucket` is nullptr when the host names no bucket that exists.
Reply serve_website(ControlPlane& s3, Request& request, const WebsiteCall& call);

}  // namespace s3

// The CloudFront-* request headers: made by the edge from what it knows of the viewer, never taken
// from the viewer. CloudFront guide, "Adding CloudFront request headers". Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "cloudfront/model.h"

namespace cloudfront {

// How each distribution that a request or an answer passed ends its element of Via.
inline constexpr std::string_view kViaSuffix = ".cloudfront.net (CloudFront)";

bool is_generated_header(std::string_view lower_name);
// The value, or nothing when the edge does not know it (then the header is absent).
std::optional<std::string> generated_header(std::string_view lower_name,
                                            const ViewerRequest& request);
// CloudFront's spelling of a generated header's name.
std::string generated_header_spelling(std::string_view lower_name);

}  // namespace cloudfront

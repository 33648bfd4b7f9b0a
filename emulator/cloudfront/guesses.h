// Guesses: what AWS does not document and nobody has published, each by name and in one place, so
// that a correction is one line. Texts of single API errors stand beside their checks, marked
// GUESS.
#pragma once
#include <string_view>

#include "cloudfront/viewer_response.h"

namespace cloudfront::guesses {

// Generated pages whose sentence is unknown: https-only, a body of GET or HEAD, sizes.
inline constexpr std::string_view kPlainSentence = "Bad request.";
// Larger than the quotas: 413 by the documentation; practice also has 400, 414 and 494.
inline constexpr int kTooLargeStatus = 413;
// The page for an answer of the origin that is no HTTP.
inline constexpr std::string_view kInvalidAnswerSentence = "Failed to contact the origin.";
// The 307 of redirect-to-https uses the 301's template with this title.
inline constexpr std::string_view kTemporaryRedirectTitle = "307 Temporary Redirect";
// A disabled distribution answers as if its name were unknown.
inline constexpr bool kDisabledIsUnknown = true;
// A method that is not allowed gets no custom error page (a blocked country does, as documented).
inline constexpr bool kMethodErrorsHavePages = false;
// X-Cache of a stale copy that stands in for an error, or is served while it is revalidated.
inline constexpr CacheStatus kStaleStatus = CacheStatus::Hit;
// Between the viewer's own X-Forwarded-For and its address; the guide's sample has a comma alone.
inline constexpr std::string_view kForwardedForSeparator = ", ";
// An invalidation path that differs from the keyed one by its percent-encoding alone is the same
// path.
inline constexpr bool kInvalidationDecodesPaths = true;
// Of multipart/byteranges answers, before 32 random digits.
inline constexpr std::string_view kBoundaryPrefix = "CloudFront:";

}  // namespace cloudfront::guesses

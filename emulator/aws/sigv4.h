// SigV4, both sides: verifying what clients send (header and presigned), signing what the edge
// sends to S3. Pure but for the key lookup. Source: "Signing AWS API requests" and S3's chunked
// payload pages.
#pragma once
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "aws/error.h"
#include "base/clock.h"
#include "http/message.h"

namespace aws {

struct Signature {
    std::string access_key, date, region, service;  // the credential scope
    std::string signed_headers;
    std::string signature;
    std::string session_token;  // X-Amz-Security-Token, "" if none
    std::string payload_hash;   // x-amz-content-sha256: hex, UNSIGNED-PAYLOAD, STREAMING-…
    std::string seed;           // = signature; chunk signatures chain from it
    std::string signing_key;    // raw, for chunk signatures
    base::Time signed_at;
    bool presigned = false;
    base::Time expires;  // presigned only
};

// nullopt: not signed at all (anonymous). Throws aws::Error for what is malformed or of another
// kind.
std::optional<Signature> parse_signature(const http::RequestHead& head);

struct Verification {
    // The secret of an access key, nullopt = unknown key.
    std::function<std::optional<std::string>(std::string_view access_key)> secret_of;
    base::Time now, real_now;  // skew passes if the date is near either
    std::string_view service;  // expected in the scope, "" = any; "s3" adds S3's own rules
    // Of the body, for services whose clients do not send x-amz-content-sha256; "" = the header's.
    std::string_view payload_hash = {};
    // Throws when the key needs another session token, or its session is over.
    std::function<void(std::string_view access_key, std::string_view session_token)> check_token =
        {};
};
// Throws aws::Error with S3's codes (InvalidAccessKeyId, SignatureDoesNotMatch,
// RequestTimeTooSkewed, AccessDenied "Request has expired"); the gateway renames them for other
// services.
enum class PathEncoding { Once, Twice };  // S3 signs the path encoded once, others twice
Signature verify_signature(const http::RequestHead& head, const Verification& verification,
                           PathEncoding encoding);

struct Credentials {
    std::string access_key, secret_key, session_token;
};
// Adds x-amz-date, x-amz-content-sha256 (and x-amz-security-token), then Authorization. Signs host
// and every x-amz-*; the path is signed as it stands in the target.
void sign(http::RequestHead& head, const Credentials& credentials, std::string_view region,
          std::string_view service, std::string_view payload_hash, base::Time now,
          PathEncoding encoding);

// One chunk of STREAMING-AWS4-HMAC-SHA256-PAYLOAD; returns the chunk's expected signature and
// advances `previous`.
std::string chunk_signature(const Signature& seed, std::string& previous,
                            std::string_view chunk_sha256_hex);
// Of the trailer lines, each "name:value" and LF.
std::string trailer_signature(const Signature& seed, std::string_view previous,
                              std::string_view trailers_sha256_hex);

}  // namespace aws

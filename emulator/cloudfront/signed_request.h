// Signed URLs and signed cookies: canned and custom policies, RSA and ECDSA keys, SHA-1 and
// SHA-256. CloudFront guide, "Serving private content with signed URLs and signed cookies".
#pragma once
#include <string>
#include <string_view>

#include "cloudfront/model.h"

namespace cloudfront {

struct SignatureCheck {
    bool admitted = false;
    std::string_view code, message;  // of the XML error
    std::string why;
};

SignatureCheck check_signature(const CacheBehavior& behavior, const ViewerRequest& request,
                               Time now);

// The query without Expires, Policy, Signature, Key-Pair-Id and Hash-Algorithm: they are neither
// keyed nor forwarded.
std::string without_signature_parameters(std::string_view query);

// A custom policy's Resource against the viewer's URL; wildcards stay within scheme, host, path or
// query, but a trailing * of the path covers the query too.
bool resource_matches(std::string_view resource, std::string_view scheme, std::string_view host,
                      std::string_view path, std::string_view query);
// RSA (PKCS #1 v1.5) or ECDSA by the kind of key. `signature` is raw.
bool verify_with_key(std::string_view pem, std::string_view message, std::string_view signature,
                     bool sha256);
// Whether a PEM text holds a public key CloudFront takes: RSA 2048 or ECDSA P-256.
bool is_public_key(std::string_view pem);

}  // namespace cloudfront

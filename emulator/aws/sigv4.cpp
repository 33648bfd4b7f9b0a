// SigV4. IAM guide, "Create a signed AWS API request"; S3 API reference, "Authenticating Requests"
// (header, query parameters, chunked uploads, trailers). Error texts: s3.md §2.4 and §2.6.
#include "aws/sigv4.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "base/date.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/text.h"
#include "http/query.h"

namespace aws {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kUnsigned = "UNSIGNED-PAYLOAD";
constexpr std::string_view kTerminal = "aws4_request";
constexpr std::string_view kExpectedCredential =
    "expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";
constexpr auto kSkew = std::chrono::minutes(15);
constexpr int64_t kLongestPresigned = 604'800;

constexpr std::array<std::string_view, 6> kPresignedNames = {
    "X-Amz-Algorithm", "X-Amz-Credential",    "X-Amz-Date",
    "X-Amz-Expires",   "X-Amz-SignedHeaders", "X-Amz-Signature"};
constexpr std::array<std::string_view, 6> kPayloadWords = {
    kUnsigned,
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"};

using QueryMap = std::map<std::string, std::string, std::less<>>;

QueryMap decoded_query(const http::RequestHead& head) {
    QueryMap query;
    for (const http::QueryPair& pair : http::split_query(head.query()))
        query.emplace(base::percent_decode(pair.name), base::percent_decode(pair.value));
    return query;
}

std::string_view value_of(const QueryMap& query, std::string_view name) {
    auto found = query.find(name);
    return found == query.end() ? std::string_view() : std::string_view(found->second);
}

// Says where the credential was sent, since the two places have codes of their own.
struct Place {
    bool presigned;
    [[noreturn]] void malformed(const std::string& what) const {
        if (presigned) throw Error(400, "AuthorizationQueryParametersError", what);
        throw Error(400, "AuthorizationHeaderMalformed",
                    "The authorization header is malformed; " + what);
    }
    [[noreturn]] void malformed_credential(const std::string& what) const {
        malformed((presigned ? "Error parsing the X-Amz-Credential parameter; " : "") + what);
    }
};

bool is_date(std::string_view text) {
    return text.size() == 8 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

void read_credential(std::string_view credential, Signature& signature, Place place) {
    auto parts = base::split(credential, '/');
    // An access key may hold slashes: the scope is counted from the end.
    if (parts.size() < 5)
        place.malformed_credential("the Credential is mal-formed; " +
                                   std::string(kExpectedCredential));
    size_t count = parts.size();
    if (parts[count - 1] != kTerminal)
        place.malformed_credential("incorrect terminal \"" + std::string(parts[count - 1]) +
                                   "\". This endpoint uses \"aws4_request\".");
    if (!is_date(parts[count - 4]))
        place.malformed_credential(
            "incorrect date format \"" + std::string(parts[count - 4]) +
            "\". This date in the credential must be in the format \"yyyyMMdd\".");
    size_t scope_size = parts[count - 4].size() + parts[count - 3].size() +
                        parts[count - 2].size() + kTerminal.size() + 4;
    signature.access_key = credential.substr(0, credential.size() - scope_size);
    signature.date = parts[count - 4];
    signature.region = parts[count - 3];
    signature.service = parts[count - 2];
}

Signature parse_presigned(const http::RequestHead& head, const QueryMap& query) {
    Place place{true};
    for (std::string_view name : kPresignedNames)
        if (value_of(query, name).empty())
            place.malformed(
                "Query-string authentication version 4 requires the X-Amz-Algorithm, "
                "X-Amz-Credential, "
                "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.");
    if (value_of(query, "X-Amz-Algorithm") != kAlgorithm)
        place.malformed(
            "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"");
    Signature signature;
    signature.presigned = true;
    read_credential(value_of(query, "X-Amz-Credential"), signature, place);
    auto signed_at = base::parse_sigv4_date(value_of(query, "X-Amz-Date"));
    if (!signed_at)
        place.malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
    auto expires = base::parse_signed(value_of(query, "X-Amz-Expires"));
    if (!expires) place.malformed("X-Amz-Expires should be a number");
    if (*expires < 0) place.malformed("X-Amz-Expires must be non-negative");
    if (*expires > kLongestPresigned)
        place.malformed(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires "
            "must be less "
            "than 604800 seconds");
    signature.signed_at = *signed_at;
    signature.expires = *signed_at + base::seconds(*expires);
    signature.signed_headers = value_of(query, "X-Amz-SignedHeaders");
    signature.signature = value_of(query, "X-Amz-Signature");
    signature.session_token = value_of(query, "X-Amz-Security-Token");
    signature.payload_hash = value_of(query, "X-Amz-Content-Sha256");
    // An unsigned x-amz-content-sha256 header beside a presigned URL is ignored (s3.md §2.2).
    auto names = base::split(signature.signed_headers, ';');
    if (signature.payload_hash.empty() &&
        std::find(names.begin(), names.end(), "x-amz-content-sha256") != names.end())
        signature.payload_hash = head.headers.get("x-amz-content-sha256");
    return signature;
}

Signature parse_header(const http::RequestHead& head, std::string_view authorization) {
    Place place{false};
    Signature signature;
    bool has_credential = false;
    std::string_view rest = base::trim(authorization.substr(kAlgorithm.size()));
    for (std::string_view part : base::split(rest, ',')) {
        auto [name, value] = base::cut(base::trim(part), '=');
        if (name == "Credential") {
            has_credential = true;
            read_credential(value, signature, place);
        } else if (name == "SignedHeaders") {
            signature.signed_headers = value;
        } else if (name == "Signature") {
            signature.signature = value;
        } else {
            place.malformed("the authorization component \"" + std::string(base::trim(part)) +
                            "\" is malformed.");
        }
    }
    if (!has_credential) place.malformed("missing Credential.");
    if (signature.signed_headers.empty()) place.malformed("missing SignedHeaders.");
    if (signature.signature.empty()) place.malformed("missing Signature.");
    auto signed_at = base::parse_sigv4_date(head.headers.get("x-amz-date"));
    if (!head.headers.has("x-amz-date"))
        signed_at = base::parse_http_date(head.headers.get("date"));
    if (!signed_at)
        throw Error(403, "AccessDenied",
                    "AWS authentication requires a valid Date or x-amz-date header");
    signature.signed_at = *signed_at;
    if (!base::sigv4_date(*signed_at).starts_with(signature.date))
        place.malformed("Invalid credential date. Date is not the same as X-Amz-Date.");
    signature.session_token = head.headers.get("x-amz-security-token");
    signature.payload_hash = head.headers.get("x-amz-content-sha256");
    return signature;
}

std::string scope_of(const Signature& signature) {
    return signature.date + "/" + signature.region + "/" + signature.service + "/" +
           std::string(kTerminal);
}

std::string signing_key(std::string_view secret, const Signature& signature) {
    std::string key = base::hmac_sha256("AWS4" + std::string(secret), signature.date);
    key = base::hmac_sha256(key, signature.region);
    key = base::hmac_sha256(key, signature.service);
    return base::hmac_sha256(key, kTerminal);
}

// RFC 3986 §5.2.4 and no empty segments: what all services but S3 do before they sign a path.
std::string normalized_path(std::string_view path) {
    std::vector<std::string_view> kept;
    for (std::string_view segment : base::split(path, '/')) {
        if (segment.empty() || segment == ".") continue;
        if (segment != "..")
            kept.push_back(segment);
        else if (!kept.empty())
            kept.pop_back();
    }
    std::string out;
    for (std::string_view segment : kept) {
        out += '/';
        out += segment;
    }
    if (out.empty() || path.ends_with('/')) out += '/';
    return out;
}

// The spellings of a path that a signer may have used. Clients that send characters bare sign them
// encoded.
std::vector<std::string> canonical_paths(std::string_view path, PathEncoding encoding) {
    if (path.empty()) path = "/";
    std::vector<std::string> paths;
    if (encoding == PathEncoding::Twice) {
        paths.push_back(base::percent_encode(normalized_path(path), base::Slash::Keep));
        paths.push_back(
            base::percent_encode(base::percent_decode(normalized_path(path)), base::Slash::Keep));
    } else {
        paths.emplace_back(path);
        paths.push_back(base::percent_encode(base::percent_decode(path), base::Slash::Keep));
    }
    if (paths[0] == paths[1]) paths.pop_back();
    return paths;
}

std::string canonical_query(std::string_view query, base::Plus plus) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const http::QueryPair& pair : http::split_query(query)) {
        if (pair.name.empty() && pair.value.empty()) continue;
        std::string name = base::percent_decode(pair.name, plus);
        if (name == "X-Amz-Signature") continue;
        pairs.emplace_back(base::percent_encode(name),
                           base::percent_encode(base::percent_decode(pair.value, plus)));
    }
    std::sort(pairs.begin(), pairs.end());
    std::string out;
    for (const auto& [name, value] : pairs) {
        if (!out.empty()) out += '&';
        out += name + "=" + value;
    }
    return out;
}

std::string canonical_value(std::string_view value) {
    std::string out;
    for (char c : base::trim(value))
        if (c != ' ' || out.empty() || out.back() != ' ') out += c;
    return out;
}

// "name:value" lines. A signed name that came as a query parameter counts as if it were a header.
std::string canonical_headers(const http::RequestHead& head, std::string_view signed_headers,
                              const QueryMap& query) {
    std::string out;
    for (std::string_view name : base::split(signed_headers, ';')) {
        out += name;
        out += ':';
        auto values = head.headers.all(name);
        if (values.empty()) {
            for (const auto& [key, value] : query)
                if (base::equals_ignoring_case(key, name)) out += canonical_value(value);
        }
        for (size_t i = 0; i < values.size(); ++i) {
            if (i > 0) out += ',';
            out += canonical_value(values[i]);
        }
        out += '\n';
    }
    return out;
}

std::string string_to_sign(const Signature& signature, std::string_view canonical_request) {
    return std::string(kAlgorithm) + "\n" + base::sigv4_date(signature.signed_at) + "\n" +
           scope_of(signature) + "\n" + base::sha256_hex(canonical_request);
}

std::string spaced_hex(std::string_view bytes) {
    std::string out, hex = base::to_hex(bytes);
    for (size_t i = 0; i < hex.size(); i += 2) {
        if (i > 0) out += ' ';
        out += hex.substr(i, 2);
    }
    return out;
}

void check_payload_word(const Signature& signature) {
    std::string_view hash = signature.payload_hash;
    if (hash.empty()) {
        if (signature.presigned) return;
        throw Error(400, "InvalidRequest",
                    "Missing required header for this request: x-amz-content-sha256");
    }
    bool is_hash = hash.size() == 64 && base::from_hex(hash).has_value();
    if (is_hash ||
        std::find(kPayloadWords.begin(), kPayloadWords.end(), hash) != kPayloadWords.end())
        return;
    throw Error(
        400, "InvalidArgument",
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, "
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, "
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid "
        "sha256 value.")
        .with("ArgumentName", "x-amz-content-sha256")
        .with("ArgumentValue", std::string(hash));
}

void check_clock(const Signature& signature, const Verification& verification) {
    auto near = [&](base::Time now) {
        return signature.signed_at <= now + kSkew && signature.signed_at >= now - kSkew;
    };
    if (!signature.presigned) {
        if (near(verification.now) || near(verification.real_now)) return;
        throw Error(403, "RequestTimeTooSkewed",
                    "The difference between the request time and the current time is too large.")
            .with("RequestTime", base::sigv4_date(signature.signed_at))
            .with("ServerTime", base::iso_date(verification.now))
            .with("MaxAllowedSkewMilliseconds", "900000");
    }
    // Presigned URLs live by stack time; they may have been made by a client that has real time.
    if (signature.signed_at > std::max(verification.now, verification.real_now) + kSkew)
        throw Error(403, "AccessDenied", "Request is not valid yet");
    if (verification.now > signature.expires)
        throw Error(403, "AccessDenied", "Request has expired")
            .with("X-Amz-Expires", std::to_string(std::chrono::duration_cast<base::seconds>(
                                                      signature.expires - signature.signed_at)
                                                      .count()))
            .with("Expires", base::iso_date(signature.expires))
            .with("ServerTime", base::iso_date(verification.now));
}

// S3 refuses x-amz-* headers that the signature does not cover (s3.md §2.2).
void check_headers_signed(const http::RequestHead& head, const Signature& signature) {
    auto names = base::split(signature.signed_headers, ';');
    std::string missing;
    for (const http::Header& header : head.headers) {
        std::string name = base::lower(header.name);
        if (!name.starts_with("x-amz-") ||
            std::find(names.begin(), names.end(), name) != names.end())
            continue;
        if (signature.presigned && name == "x-amz-content-sha256") continue;
        if (!missing.empty()) missing += ", ";
        missing += name;
    }
    if (!missing.empty())
        throw Error(403, "AccessDenied",
                    "There were headers present in the request which were not signed")
            .with("HeadersNotSigned", missing);
}

std::string chunk_string(const Signature& seed, std::string_view kind, std::string_view previous) {
    return std::string(kind) + "\n" + base::sigv4_date(seed.signed_at) + "\n" + scope_of(seed) +
           "\n" + std::string(previous) + "\n";
}

}  // namespace

std::optional<Signature> parse_signature(const http::RequestHead& head) {
    const std::string* authorization = head.headers.find("authorization");
    QueryMap query = decoded_query(head);
    bool presigned = query.contains("X-Amz-Algorithm");
    if (authorization == nullptr && !presigned) {
        if (query.contains("AWSAccessKeyId") && query.contains("Signature"))
            throw Error(400, "InvalidRequest",
                        "The authorization mechanism you have provided is not supported. Please "
                        "use AWS4-HMAC-SHA256.");
        return std::nullopt;
    }
    if (authorization != nullptr && presigned)
        throw Error(400, "InvalidArgument",
                    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
                    "Signature query string "
                    "parameter or the Authorization header should be specified")
            .with("ArgumentName", "Authorization")
            .with("ArgumentValue", *authorization);
    if (presigned) return parse_presigned(head, query);
    std::string_view scheme = base::cut(*authorization, ' ').first;
    if (scheme == kAlgorithm) return parse_header(head, *authorization);
    // GAP: signatures of version 2 and of the asymmetric 4a are refused; AWS still takes them in
    // places.
    if (scheme == "AWS" || scheme == "AWS4-ECDSA-P256-SHA256")
        throw Error(400, "InvalidRequest",
                    "The authorization mechanism you have provided is not supported. Please use "
                    "AWS4-HMAC-SHA256.");
    throw Error(400, "InvalidArgument", "Unsupported Authorization Type")
        .with("ArgumentName", "Authorization")
        .with("ArgumentValue", *authorization);
}

Signature verify_signature(const http::RequestHead& head, const Verification& verification,
                           PathEncoding encoding) {
    auto parsed = parse_signature(head);
    if (!parsed)
        throw Error(403, "MissingAuthenticationToken", "Request is missing Authentication Token");
    Signature& signature = *parsed;
    Place place{signature.presigned};
    const bool is_s3 = verification.service == "s3";
    if (!verification.service.empty() && signature.service != verification.service)
        place.malformed_credential("incorrect service \"" + signature.service +
                                   "\". This endpoint belongs to \"" +
                                   std::string(verification.service) + "\".");
    if (is_s3) check_payload_word(signature);

    auto secret = verification.secret_of(signature.access_key);
    if (!secret)
        throw Error(403, "InvalidAccessKeyId",
                    "The AWS Access Key Id you provided does not exist in our records.")
            .with("AWSAccessKeyId", signature.access_key);
    check_clock(signature, verification);

    if (signature.payload_hash.empty())
        signature.payload_hash =
            verification.payload_hash.empty() ? kUnsigned : verification.payload_hash;
    signature.signing_key = signing_key(*secret, signature);
    signature.seed = signature.signature;
    std::string headers = canonical_headers(head, signature.signed_headers, decoded_query(head));
    auto request_with = [&](std::string_view path, base::Plus plus) {
        return head.method + "\n" + std::string(path) + "\n" + canonical_query(head.query(), plus) +
               "\n" + headers + "\n" + signature.signed_headers + "\n" + signature.payload_hash;
    };
    std::string first;
    bool matches = false;
    for (const std::string& path : canonical_paths(head.path(), encoding)) {
        // GUESS: whether a bare "+" in a query was signed as a plus or as a space depends on the
        // client: both pass.
        for (base::Plus plus : {base::Plus::IsPlus, base::Plus::IsSpace}) {
            if (matches ||
                (plus == base::Plus::IsSpace && head.query().find('+') == std::string_view::npos))
                continue;
            std::string request = request_with(path, plus);
            std::string expected = base::to_hex(
                base::hmac_sha256(signature.signing_key, string_to_sign(signature, request)));
            matches = expected == signature.signature;
            if (first.empty()) first = std::move(request);
        }
    }
    if (!matches) {
        std::string to_sign = string_to_sign(signature, first);
        throw Error(403, "SignatureDoesNotMatch",
                    "The request signature we calculated does not match the signature you "
                    "provided. Check your key and "
                    "signing method.")
            .with("AWSAccessKeyId", signature.access_key)
            .with("StringToSign", to_sign)
            .with("SignatureProvided", signature.signature)
            .with("StringToSignBytes", spaced_hex(to_sign))
            .with("CanonicalRequest", first)
            .with("CanonicalRequestBytes", spaced_hex(first));
    }
    if (is_s3) check_headers_signed(head, signature);
    if (verification.check_token)
        verification.check_token(signature.access_key, signature.session_token);
    return std::move(signature);
}

void sign(http::RequestHead& head, const Credentials& credentials, std::string_view region,
          std::string_view service, std::string_view payload_hash, base::Time now,
          PathEncoding encoding) {
    Signature signature;
    signature.access_key = credentials.access_key;
    signature.signed_at = now;
    signature.date = base::sigv4_date(now).substr(0, 8);
    signature.region = region;
    signature.service = service;
    head.headers.remove("authorization");
    head.headers.set("x-amz-date", base::sigv4_date(now));
    head.headers.set("x-amz-content-sha256", payload_hash);
    if (!credentials.session_token.empty())
        head.headers.set("x-amz-security-token", credentials.session_token);

    std::vector<std::string> names = {"host"};
    for (const http::Header& header : head.headers)
        if (std::string name = base::lower(header.name); name.starts_with("x-amz-"))
            names.push_back(std::move(name));
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    signature.signed_headers = base::join(names, ";");
    std::string request = head.method + "\n" + canonical_paths(head.path(), encoding)[0] + "\n" +
                          canonical_query(head.query(), base::Plus::IsPlus) + "\n" +
                          canonical_headers(head, signature.signed_headers, {}) + "\n" +
                          signature.signed_headers + "\n" + std::string(payload_hash);
    std::string key = signing_key(credentials.secret_key, signature);
    head.headers.add("Authorization",
                     std::string(kAlgorithm) + " Credential=" + signature.access_key + "/" +
                         scope_of(signature) + ", SignedHeaders=" + signature.signed_headers +
                         ", Signature=" +
                         base::to_hex(base::hmac_sha256(key, string_to_sign(signature, request))));
}

std::string chunk_signature(const Signature& seed, std::string& previous,
                            std::string_view chunk_sha256_hex) {
    static const std::string kEmptyHash = base::sha256_hex("");
    std::string text = chunk_string(seed, "AWS4-HMAC-SHA256-PAYLOAD", previous) + kEmptyHash +
                       "\n" + std::string(chunk_sha256_hex);
    previous = base::to_hex(base::hmac_sha256(seed.signing_key, text));
    return previous;
}

std::string trailer_signature(const Signature& seed, std::string_view previous,
                              std::string_view trailers_sha256_hex) {
    std::string text =
        chunk_string(seed, "AWS4-HMAC-SHA256-TRAILER", previous) + std::string(trailers_sha256_hex);
    return base::to_hex(base::hmac_sha256(seed.signing_key, text));
}

}  // namespace aws

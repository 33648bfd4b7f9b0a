// See signed_request.h. Order of the checks: key id present, known, signature readable, policy
// readable, signature true, conditions.
#include "cloudfront/signed_request.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "cloudfront/cache_key.h"
#include "cloudfront/distribution_match.h"

namespace cloudfront {

namespace {

constexpr std::array kParameters = {"Expires", "Policy", "Signature", "Key-Pair-Id",
                                    "Hash-Algorithm"};

// What the request carries, from the URL or from cookies.
struct Parameters {
    std::string expires, policy, signature, key_id, hash;
    bool from_url = false;
};

bool is_parameter(std::string_view name) {
    return std::ranges::find(kParameters, name) != kParameters.end();
}

Parameters url_parameters(std::string_view query) {
    Parameters found;
    for (std::string_view pair : base::split(query, '&')) {
        auto [name, value] = base::cut(pair, '=');
        if (name == "Expires")
            found.expires = value;
        else if (name == "Policy")
            found.policy = value;
        else if (name == "Signature")
            found.signature = value;
        else if (name == "Key-Pair-Id")
            found.key_id = value;
        else if (name == "Hash-Algorithm")
            found.hash = value;
    }
    found.from_url = !found.key_id.empty() || !found.signature.empty() || !found.policy.empty();
    return found;
}

Parameters cookie_parameters(const http::HeaderList& headers) {
    Parameters found;
    for (const http::CookiePair& cookie : sorted_cookies(headers)) {
        if (cookie.name == "CloudFront-Expires")
            found.expires = cookie.value;
        else if (cookie.name == "CloudFront-Policy")
            found.policy = cookie.value;
        else if (cookie.name == "CloudFront-Signature")
            found.signature = cookie.value;
        else if (cookie.name == "CloudFront-Key-Pair-Id")
            found.key_id = cookie.value;
        else if (cookie.name == "CloudFront-Hash-Algorithm")
            found.hash = cookie.value;
    }
    return found;
}

// CloudFront's base64: - for +, _ for =, ~ for /.
std::optional<std::string> decode(std::string_view text) {
    std::string plain(text);
    for (char& c : plain)
        c = c == '-' ? '+' : c == '_' ? '=' : c == '~' ? '/' : c;
    return base::from_base64(plain);
}

SignatureCheck refused(std::string_view code, std::string_view message, std::string why) {
    return {false, code, message, std::move(why)};
}

SignatureCheck denied(std::string why) {
    return refused("AccessDenied", "Access denied", std::move(why));
}

struct Conditions {
    std::string resource;  // "" = any
    int64_t before = 0;
    std::optional<int64_t> after;
    std::string source;  // CIDR, "" = any
};

std::optional<Conditions> parse_policy(std::string_view text) {
    auto document = base::parse_json(text);
    if (!document) return std::nullopt;
    const base::Node& statements = (*document)["Statement"];
    if (!statements.is_array() || statements.size() != 1) return std::nullopt;
    const base::Node& statement = statements.items().front();
    const base::Node& condition = statement["Condition"];
    const base::Node& before = condition["DateLessThan"]["AWS:EpochTime"];
    if (!before.is_integer()) return std::nullopt;
    Conditions conditions;
    conditions.resource = statement["Resource"].as_string();
    conditions.before = before.as_int();
    const base::Node& after = condition["DateGreaterThan"]["AWS:EpochTime"];
    if (after.is_integer()) conditions.after = after.as_int();
    conditions.source = condition["IpAddress"]["AWS:SourceIp"].as_string();
    return conditions;
}

std::optional<uint32_t> ipv4(std::string_view text) {
    uint32_t value = 0;
    auto parts = base::split(text, '.');
    if (parts.size() != 4) return std::nullopt;
    for (std::string_view part : parts) {
        auto number = base::parse_unsigned(part);
        if (!number || *number > 255) return std::nullopt;
        value = value << 8 | static_cast<uint32_t>(*number);
    }
    return value;
}

bool in_network(std::string_view ip, std::string_view cidr) {
    auto [network, bits_text] = base::cut(cidr, '/');
    auto address = ipv4(ip), base_address = ipv4(network);
    auto bits = bits_text.empty() ? std::optional<uint64_t>(32) : base::parse_unsigned(bits_text);
    if (!address || !base_address || !bits || *bits > 32) return false;
    uint32_t mask = *bits == 0 ? 0 : ~uint32_t(0) << (32 - *bits);
    return (*address & mask) == (*base_address & mask);
}

std::string canned_policy(const ViewerRequest& request, std::string_view expires) {
    std::string url =
        fmt::format("{}://{}{}", request.https ? "https" : "http", request.host, request.path);
    std::string query = without_signature_parameters(request.query);
    if (!query.empty()) url += "?" + query;
    return fmt::format(
        R"({{"Statement":[{{"Resource":"{}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{}}}}}}}]}})",
        url, expires);
}

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Key read_key(std::string_view pem) {
    std::unique_ptr<BIO, decltype(&BIO_free)> bio(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
    return Key(bio ? PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr) : nullptr,
               EVP_PKEY_free);
}

SignatureCheck check_conditions(const Conditions& conditions, const ViewerRequest& request,
                                Time now) {
    int64_t epoch = std::chrono::floor<seconds>(now).time_since_epoch().count();
    if (epoch >= conditions.before)
        return denied(fmt::format("expired {} s ago", epoch - conditions.before));
    if (conditions.after && epoch <= *conditions.after)
        return denied(fmt::format("not valid for another {} s", *conditions.after - epoch));
    if (!conditions.source.empty() && !in_network(request.ip, conditions.source))
        return denied(fmt::format("viewer {} is not in {}", request.ip, conditions.source));
    if (!conditions.resource.empty() &&
        !resource_matches(conditions.resource, request.https ? "https" : "http", request.host,
                          request.path, without_signature_parameters(request.query)))
        return denied(fmt::format("the policy's resource {} does not cover the requested URL",
                                  conditions.resource));
    return {true, {}, {}, {}};
}

}  // namespace

std::string without_signature_parameters(std::string_view query) {
    std::string kept;
    for (std::string_view pair : base::split(query, '&')) {
        if (is_parameter(base::cut(pair, '=').first)) continue;
        if (!kept.empty()) kept += '&';
        kept += pair;
    }
    return kept;
}

bool resource_matches(std::string_view resource, std::string_view scheme, std::string_view host,
                      std::string_view path, std::string_view query) {
    if (resource == "*") return true;
    size_t scheme_end = resource.find("://");
    if (scheme_end == std::string_view::npos) return false;
    if (!base::wildcard_match(resource.substr(0, scheme_end), scheme)) return false;
    std::string_view rest = resource.substr(scheme_end + 3);
    size_t slash = rest.find('/');
    if (!base::wildcard_match(base::lower(rest.substr(0, slash)), base::lower(host))) return false;
    if (slash == std::string_view::npos) return path == "/" && query.empty();
    std::string_view wanted = rest.substr(slash);
    // A question mark is a wildcard, unless a backslash says that the query begins here.
    size_t escaped = wanted.find("\\?");
    if (escaped != std::string_view::npos)
        return base::wildcard_match(wanted.substr(0, escaped), path) &&
               base::wildcard_match(wanted.substr(escaped + 2), query);
    std::string whole(path);
    if (!query.empty()) whole += "?" + std::string(query);
    if (wanted.ends_with('*') || wanted.find('?') != std::string_view::npos)
        return base::wildcard_match(wanted, whole);
    return query.empty() && base::wildcard_match(wanted, path);
}

bool is_public_key(std::string_view pem) {
    Key key = read_key(pem);
    if (!key) return false;
    int kind = EVP_PKEY_base_id(key.get());
    return (kind == EVP_PKEY_RSA && EVP_PKEY_bits(key.get()) == 2048) ||
           (kind == EVP_PKEY_EC && EVP_PKEY_bits(key.get()) == 256);
}

bool verify_with_key(std::string_view pem, std::string_view message, std::string_view signature,
                     bool sha256) {
    Key key = read_key(pem);
    if (!key) return false;
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                    EVP_MD_CTX_free);
    if (EVP_DigestVerifyInit(context.get(), nullptr, sha256 ? EVP_sha256() : EVP_sha1(), nullptr,
                             key.get()) != 1)
        return false;
    return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                            signature.size(),
                            reinterpret_cast<const unsigned char*>(message.data()),
                            message.size()) == 1;
}

SignatureCheck check_signature(const CacheBehavior& behavior, const ViewerRequest& request,
                               Time now) {
    Parameters parameters = url_parameters(request.query);
    if (!parameters.from_url) parameters = cookie_parameters(request.headers());
    if (parameters.key_id.empty())
        return refused("MissingKey", "Missing Key-Pair-Id query parameter or cookie value",
                       "neither the URL nor a cookie carries a Key-Pair-Id");
    auto key = std::ranges::find(behavior.trusted_keys, parameters.key_id, &TrustedKey::id);
    if (key == behavior.trusted_keys.end())
        return refused("InvalidKey", "Unknown Key",
                       fmt::format("{} is in no key group that behavior {} trusts",
                                   parameters.key_id, behavior.pattern));
    auto signature = decode(parameters.signature);
    if (!signature || signature->empty())
        return refused("MalformedSignature", "Could not unencode Signature",
                       "the signature is not CloudFront's base64");

    std::string signed_text;
    Conditions conditions;
    if (!parameters.policy.empty()) {
        auto text = decode(parameters.policy);
        auto parsed = text ? parse_policy(*text) : std::nullopt;
        if (!parsed)
            return refused("MalformedPolicy", "Malformed Policy",
                           "the policy is not base64 of a policy document");
        signed_text = std::move(*text);
        conditions = std::move(*parsed);
    } else {
        auto expires = base::parse_signed(parameters.expires);
        if (!expires)
            return refused("MalformedPolicy", "Malformed Policy",
                           "no Policy, and Expires is not a number");
        signed_text = canned_policy(request, parameters.expires);
        conditions.before = *expires;
    }
    bool sha256 = base::equals_ignoring_case(parameters.hash, "SHA256");
    if (!verify_with_key(key->pem, signed_text, *signature, sha256))
        return denied(fmt::format("the signature is not {}'s over {}", key->id, signed_text));
    return check_conditions(conditions, request, now);
}

}  // namespace cloudfront

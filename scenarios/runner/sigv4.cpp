// SigV4: canonical request, string to sign, derived key.
#include "scenarios/runner/sigv4.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/date.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/text.h"

namespace scenarios {
namespace {

std::string canonical_query(std::string_view query) {
    std::vector<std::string> parts;
    if (!query.empty())
        for (std::string_view part : base::split(query, '&')) {
            const auto [name, value] = base::cut(part, '=');
            parts.push_back(fmt::format("{}={}", base::percent_encode(base::percent_decode(name)),
                                        base::percent_encode(base::percent_decode(value))));
        }
    std::sort(parts.begin(), parts.end());
    return base::join(parts, "&");
}

}  // namespace

std::vector<std::pair<std::string, std::string>> sign(
    const SigningKey& key, std::string_view method, std::string_view path, std::string_view query,
    const std::vector<std::pair<std::string, std::string>>& headers, std::string_view body,
    base::Time now) {
    const std::string moment = base::sigv4_date(now), day = moment.substr(0, 8),
                      hash = base::sha256_hex(body);
    std::vector<std::pair<std::string, std::string>> added{{"X-Amz-Date", moment},
                                                           {"X-Amz-Content-Sha256", hash}};
    std::map<std::string, std::string> signed_headers;
    auto take = [&](const auto& list) {
        for (const auto& [name, value] : list)
            signed_headers[base::lower(name)] = base::trim(value);
    };
    take(headers);
    take(added);
    std::string canonical_headers, names;
    for (const auto& [name, value] : signed_headers) {
        canonical_headers += name + ":" + value + "\n";
        names += (names.empty() ? "" : ";") + name;
    }
    const std::string canonical_path =
        key.service == "s3" ? std::string(path) : base::percent_encode(path, base::Slash::Keep);
    const std::string request = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", method, canonical_path,
                                            canonical_query(query), canonical_headers, names, hash);
    const std::string scope = fmt::format("{}/{}/{}/aws4_request", day, key.region, key.service);
    const std::string text =
        fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", moment, scope, base::sha256_hex(request));
    std::string derived = "AWS4" + key.secret_key;
    for (std::string_view part : {std::string_view(day), std::string_view(key.region),
                                  std::string_view(key.service), std::string_view("aws4_request")})
        derived = base::hmac_sha256(derived, part);
    added.emplace_back(
        "Authorization",
        fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                    key.access_key, scope, names, base::to_hex(base::hmac_sha256(derived, text))));
    return added;
}

}  // namespace scenarios

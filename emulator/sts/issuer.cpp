// Tokens of web identities (see issuer.h). OpenSSL's headers stay here.
#include "sts/issuer.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/text.h"
#include "state/instance.h"

namespace sts {
namespace {

using base::Node;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

constexpr unsigned kKeyBits = 2048;
constexpr std::string_view kKeyId = "dodam-1";
constexpr size_t kMaxTokenBytes = 20'000;  // STS: WebIdentityToken has at most 20,000 characters
// As GitHub's tokens: good for five minutes, and from ten minutes ago for clocks that run late.
constexpr base::seconds kLifetime{300}, kEarlier{600};

std::string to_base64url(std::string_view bytes) {
    std::string text = base::to_base64(bytes);
    text = base::replace_all(base::replace_all(text, "+", "-"), "/", "_");
    text.resize(text.find_last_not_of('=') + 1);
    return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
    std::string plain(text);
    plain = base::replace_all(base::replace_all(plain, "-", "+"), "_", "/");
    plain.resize((plain.size() + 3) / 4 * 4, '=');
    return base::from_base64(plain);
}

std::optional<Node> object_in(std::string_view part) {
    auto node = base::parse_json(from_base64url(part).value_or(""));
    if (!node || !node->is_object()) return std::nullopt;
    return std::move(*node);
}

Key read_key(const std::string& pem) {
    Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
    return {PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free};
}

std::string make_key() {
    Key key(EVP_RSA_gen(kKeyBits), EVP_PKEY_free);
    Bio bio(BIO_new(BIO_s_mem()), BIO_free);
    if (!key ||
        PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
        return {};
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &bytes);
    return {bytes, static_cast<size_t>(size)};
}

std::string text_or(const std::string& given, std::string_view fallback) {
    return given.empty() ? std::string(fallback) : given;
}

int64_t seconds_of(base::Time time) {
    return std::chrono::floor<base::seconds>(time.time_since_epoch()).count();
}

// A deployment's environment outranks the event, and that the branch.
std::string subject_of(const JobIdentity& job, const std::string& repository,
                       const std::string& ref) {
    if (!job.environment.empty())
        return fmt::format("repo:{}:environment:{}", repository, job.environment);
    if (job.event == "pull_request") return fmt::format("repo:{}:pull_request", repository);
    return fmt::format("repo:{}:ref:{}", repository, ref);
}

}  // namespace

Node claims_of(const JobIdentity& job, base::Time now) {
    const std::string repository = text_or(job.repository, "dodam/app");
    const std::string ref = text_or(job.ref, "refs/heads/main");
    const std::string owner(base::cut(repository, '/').first);
    const std::string actor = text_or(job.actor, owner);
    Node claims = Node::object({{"jti", base::random_uuid()},
                                {"sub", subject_of(job, repository, ref)},
                                {"aud", text_or(job.audience, "https://github.com/" + owner)},
                                {"iss", std::string(kIssuerUrl)},
                                {"ref", ref},
                                {"ref_type", ref.starts_with("refs/tags/") ? "tag" : "branch"},
                                {"sha", text_or(job.sha, std::string(40, '0'))},
                                {"repository", repository},
                                {"repository_owner", owner},
                                {"workflow", text_or(job.workflow, "deploy")},
                                {"actor", actor},
                                {"event_name", text_or(job.event, "push")},
                                {"run_id", "1"},
                                {"run_number", "1"},
                                {"run_attempt", "1"},
                                {"runner_environment", "github-hosted"}});
    if (!job.environment.empty()) claims.set("environment", job.environment);
    claims.set("iat", seconds_of(now));
    claims.set("nbf", seconds_of(now - kEarlier));
    claims.set("exp", seconds_of(now + kLifetime));
    return claims;
}

std::expected<std::string, std::string> Issuer::key() {
    std::lock_guard lock(mutex_);
    if (!pem_.empty()) return pem_;
    if (auto kept = state::read_file(key_file_); kept && read_key(*kept)) return pem_ = *kept;
    std::string made = make_key();
    if (made.empty()) return std::unexpected("OpenSSL made no RSA key");
    TRY(state::write_file(key_file_, made, 0600));
    return pem_ = std::move(made);
}

std::expected<std::string, std::string> Issuer::sign(const Node& claims) {
    const std::string pem = TRY(key());
    const Key private_key = read_key(pem);
    const std::string header = base::to_json(
        Node::object({{"typ", "JWT"}, {"alg", "RS256"}, {"kid", std::string(kKeyId)}}));
    const std::string signed_part =
        to_base64url(header) + "." + to_base64url(base::to_json(claims));
    Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    const auto* bytes = reinterpret_cast<const unsigned char*>(signed_part.data());
    std::string signature(kKeyBits / 8, '\0');
    size_t size = signature.size();
    if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, private_key.get()) != 1 ||
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       bytes, signed_part.size()) != 1)
        return std::unexpected("OpenSSL signed nothing");
    signature.resize(size);
    return signed_part + "." + to_base64url(signature);
}

// GAP: a token that another key signed (GitHub's own) cannot be verified offline: its claims are
// believed. An unsigned one never is.
std::expected<Node, Issuer::Problem> Issuer::read(std::string_view token) {
    const auto parts = base::split(token, '.');
    if (token.size() > kMaxTokenBytes || parts.size() != 3)
        return std::unexpected(Problem::NotAToken);
    auto header = object_in(parts[0]), claims = object_in(parts[1]);
    auto signature = from_base64url(parts[2]);
    if (!header || !claims || !signature || signature->empty() ||
        (*header)["alg"].as_string() != "RS256" || (*header)["kid"].as_string().empty())
        return std::unexpected(Problem::NotAToken);
    if ((*header)["kid"].as_string() != kKeyId) return std::move(*claims);

    auto pem = key();
    if (!pem) return std::unexpected(Problem::BadSignature);
    const Key own_key = read_key(*pem);
    const std::string_view signed_part = token.substr(0, parts[0].size() + 1 + parts[1].size());
    Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    if (EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, own_key.get()) != 1 ||
        EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature->data()),
                         signature->size(),
                         reinterpret_cast<const unsigned char*>(signed_part.data()),
                         signed_part.size()) != 1)
        return std::unexpected(Problem::BadSignature);
    return std::move(*claims);
}

}  // namespace sts

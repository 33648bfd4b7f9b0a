// The identity provider whose tokens web identities show: issues and checks JSON Web Tokens (RFC
// 7515, RFC 7519) as GitHub's does for a workflow's job. The key (RSA, 2048 bits) is made on first
// need and kept in one file, so tokens outlive a restart. Thread-safe.
#pragma once
#include <expected>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"

namespace sts {

// IAM's provider of this name is assumed to exist in the account; no other does.
inline constexpr std::string_view kIssuerUrl = "https://token.actions.githubusercontent.com";
inline constexpr std::string_view kIssuerName = "token.actions.githubusercontent.com";
inline constexpr std::string_view kAudience = "sts.amazonaws.com";

// What a job is about; empty members take defaults. GitHub docs, "OpenID Connect reference".
struct JobIdentity {
    std::string audience;    // default: the owner's page
    std::string repository;  // "owner/name"
    std::string ref;         // "refs/heads/main"
    std::string sha, workflow, actor, event, environment;
};
base::Node claims_of(const JobIdentity& job, base::Time now);

class Issuer {
  public:
    explicit Issuer(std::string key_file) : key_file_(std::move(key_file)) {}

    // A token signed with RS256; the error is one sentence (the key cannot be made or kept).
    std::expected<std::string, std::string> sign(const base::Node& claims);

    // What a token says, unless it is none or bears a wrong signature in this issuer's name.
    enum class Problem : uint8_t { NotAToken, BadSignature };
    std::expected<base::Node, Problem> read(std::string_view token);

  private:
    // The key in PEM, or why there is none.
    std::expected<std::string, std::string> key();
    const std::string key_file_;
    std::mutex mutex_;
    std::string pem_;
};

}  // namespace sts

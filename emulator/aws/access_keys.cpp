// Keys and sessions. Shapes of ids and ARNs: IAM guide, "IAM identifiers" (AKIA, ASIA, AIDA, AROA).
#include "aws/access_keys.h"

#include "base/digest.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/text.h"

namespace aws {

namespace {

// Sessions that ended longer ago than this are unknown instead of expired.
constexpr auto kRememberExpired = std::chrono::hours(24);
constexpr size_t kMostKeys = 10'000;

std::string random_of(std::string_view alphabet, size_t characters) {
    std::string text;
    for (size_t i = 0; i < characters; ++i)
        text += alphabet[base::random_below(alphabet.size())];
    return text;
}

std::string secret_key() {
    return base::random_base64url(40);
}

// An id that follows from the name, so that it is equal in every run.
std::string stable_id(std::string_view prefix, std::string_view seed) {
    std::string id(prefix);
    for (char c : base::sha256(seed).substr(0, 17))
        id += base::Ids::kUpperAlnum[static_cast<unsigned char>(c) % base::Ids::kUpperAlnum.size()];
    return id;
}

}  // namespace

AccessKeys::AccessKeys(std::string account, const base::Clock& clock)
    : account_(std::move(account)), clock_(clock) {
    add_user("test", "test", "dev");
}

void AccessKeys::add_user(std::string access_key, std::string secret, std::string_view user_name) {
    std::string arn = "arn:aws:iam::" + account_ + ":user/" + std::string(user_name);
    Key key{std::move(secret),
            "",
            base::Time::max(),
            {access_key, account_, arn, stable_id("AIDA", arn), "", ""}};
    std::lock_guard lock(mutex_);
    keys_.insert_or_assign(std::move(access_key), std::move(key));
}

AccessKeys::Session AccessKeys::add_session(std::string_view role_arn,
                                            std::string_view session_name, base::seconds lifetime) {
    std::string_view role_name = role_arn.substr(role_arn.rfind('/') + 1);
    auto parts = base::split(role_arn, ':');
    Caller caller;
    caller.account = parts.size() > 4 && !parts[4].empty() ? std::string(parts[4]) : account_;
    caller.arn = "arn:aws:sts::" + caller.account + ":assumed-role/" + std::string(role_name) +
                 "/" + std::string(session_name);
    caller.user_id = stable_id("AROA", role_arn) + ":" + std::string(session_name);
    return add_temporary(std::move(caller), lifetime);
}

AccessKeys::Session AccessKeys::add_user_session(const Caller& user, base::seconds lifetime) {
    return add_temporary(user, lifetime);
}

AccessKeys::Session AccessKeys::add_temporary(Caller caller, base::seconds lifetime) {
    Session session;
    session.credentials = {"ASIA" + random_of(base::Ids::kUpperAlnum, 16), secret_key(),
                           base::random_base64url(256)};
    session.expires = clock_.now() + lifetime;
    caller.access_key = session.credentials.access_key;
    session.caller = caller;
    std::lock_guard lock(mutex_);
    base::Time forgotten = clock_.now() - kRememberExpired;
    if (keys_.size() >= kMostKeys) forgotten = clock_.now();
    std::erase_if(keys_, [&](const auto& entry) { return entry.second.expires < forgotten; });
    keys_.insert_or_assign(session.credentials.access_key,
                           Key{session.credentials.secret_key, session.credentials.session_token,
                               session.expires, std::move(caller)});
    return session;
}

Credentials AccessKeys::service_key(std::string_view principal, std::string_view source_arn) {
    std::lock_guard lock(mutex_);
    auto found = service_keys_.find(source_arn);
    if (found != service_keys_.end()) return found->second;
    Credentials credentials{"ASIA" + random_of(base::Ids::kUpperAlnum, 16), secret_key(), ""};
    auto parts = base::split(source_arn, ':');
    Caller caller;
    caller.access_key = credentials.access_key;
    caller.account = parts.size() > 4 ? std::string(parts[4]) : account_;
    caller.service_principal = principal;
    caller.source_arn = source_arn;
    keys_.insert_or_assign(credentials.access_key,
                           Key{credentials.secret_key, "", base::Time::max(), std::move(caller)});
    service_keys_.emplace(std::string(source_arn), credentials);
    return credentials;
}

Credentials AccessKeys::identity_key(std::string_view arn, std::string_view canonical_user) {
    std::lock_guard lock(mutex_);
    auto found = service_keys_.find(arn);
    if (found != service_keys_.end()) return found->second;
    Credentials credentials{"ASIA" + random_of(base::Ids::kUpperAlnum, 16), secret_key(), ""};
    Caller caller;
    caller.access_key = credentials.access_key;
    caller.arn = arn;
    caller.user_id = canonical_user;
    keys_.insert_or_assign(credentials.access_key,
                           Key{credentials.secret_key, "", base::Time::max(), std::move(caller)});
    service_keys_.emplace(std::string(arn), credentials);
    return credentials;
}

void AccessKeys::remove(std::string_view access_key) {
    std::lock_guard lock(mutex_);
    if (auto found = keys_.find(access_key); found != keys_.end()) {
        service_keys_.erase(found->second.caller.source_arn);
        keys_.erase(found);
    }
}

std::optional<AccessKeys::Key> AccessKeys::find(std::string_view access_key) const {
    std::lock_guard lock(mutex_);
    auto found = keys_.find(access_key);
    if (found == keys_.end()) return std::nullopt;
    return found->second;
}

std::optional<std::string> AccessKeys::secret_of(std::string_view access_key) const {
    auto key = find(access_key);
    if (!key) return std::nullopt;
    return std::move(key->secret_key);
}

Caller AccessKeys::caller_of(std::string_view access_key) const {
    auto key = find(access_key);
    return key ? std::move(key->caller) : Caller();
}

void AccessKeys::check_token(std::string_view access_key, std::string_view session_token) const {
    auto key = find(access_key);
    // A token beside a long-lived key is refused, as AWS does; `test` is no secret and any token
    // passes, since tools that demand one send a dummy.
    if (!key || access_key == "test") return;
    if (key->session_token != session_token)
        throw Error(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
            .with("Token-0", std::string(session_token));
    if (clock_.now() >= key->expires)
        throw Error(400, "ExpiredToken", "The provided token has expired.")
            .with("Token-0", std::string(session_token));
}

}  // namespace aws

// AccessKeys: the keys that this instance knows and who stands behind them. `test`/`test`, keys
// from the configuration, sessions (assumed roles, task roles), and one internal key per
// distribution with which the edge signs for CloudFront's service principal. Thread-safe.
#pragma once
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "aws/call.h"
#include "aws/sigv4.h"
#include "base/clock.h"

namespace aws {

class AccessKeys {
  public:
    AccessKeys(std::string account, const base::Clock& clock);

    // A long-lived key of the account's user `user_name`; replaces one of the same name.
    void add_user(std::string access_key, std::string secret_key, std::string_view user_name);
    // Temporary credentials of a role (arn:aws:iam::ACCOUNT:role/NAME).
    struct Session {
        Credentials credentials;
        base::Time expires;
        Caller caller;
    };
    // GAP: sessions live in memory: after a restart of the emulator clients must ask for new ones.
    Session add_session(std::string_view role_arn, std::string_view session_name,
                        base::seconds lifetime);
    // Temporary credentials of an existing user (GetSessionToken).
    Session add_user_session(const Caller& user, base::seconds lifetime);
    // The key with which `principal` ("cloudfront.amazonaws.com") signs for the resource
    // `source_arn`: the same one at each call, secret to this process.
    Credentials service_key(std::string_view principal, std::string_view source_arn);
    // The key that signs as `arn`, an identity without an account (CloudFront's older way into a
    // bucket).
    Credentials identity_key(std::string_view arn, std::string_view canonical_user);
    void remove(std::string_view access_key);

    std::optional<std::string> secret_of(std::string_view access_key) const;
    Caller caller_of(std::string_view access_key) const;  // anonymous when unknown
    // Throws aws::Error ExpiredToken or InvalidToken (S3's codes, as sigv4's).
    void check_token(std::string_view access_key, std::string_view session_token) const;

  private:
    struct Key {
        std::string secret_key;
        std::string session_token;
        base::Time expires = base::Time::max();
        Caller caller;
    };
    Session add_temporary(Caller caller, base::seconds lifetime);
    std::optional<Key> find(std::string_view access_key) const;

    const std::string account_;
    const base::Clock& clock_;
    mutable std::mutex mutex_;
    std::map<std::string, Key, std::less<>> keys_;
    std::map<std::string, Credentials, std::less<>>
        service_keys_;  // by source ARN, or the identity's
};

}  // namespace aws

// Ids: AWS-looking identifiers. Random where AWS's are random per event (request ids, upload ids);
// a pure function of (account, region, kind, name) where the stack names a resource, so that they
// are equal in every world and after a reset. The only reader of randomness.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace base {

// Random text from the process's own generator (seeded once from the kernel). Thread-safe.
void random_bytes(void* out, size_t size_bytes);
std::string random_hex(size_t digits);            // lower case
std::string random_uuid();                        // 8-4-4-4-12, version 4
std::string random_base64url(size_t characters);  // A-Z a-z 0-9 - _
uint64_t random_below(uint64_t bound);

class Ids {
  public:
    Ids(std::string account, std::string region)
        : account_(std::move(account)), region_(std::move(region)) {}

    const std::string& account() const { return account_; }
    const std::string& region() const { return region_; }

    // A pin from dodam.json: `attribute` is "id", "domain", "dnsName", "arn" …
    void pin(std::string_view kind, std::string_view name, std::string_view attribute,
             std::string value);
    std::string pinned(std::string_view kind, std::string_view name,
                       std::string_view attribute) const;  // "" if none

    // The pin, else `digits` characters of `alphabet` derived from (account, region, kind, name,
    // attribute).
    std::string derive(std::string_view kind, std::string_view name, std::string_view attribute,
                       size_t digits, std::string_view alphabet) const;

    // The same as a version 4 UUID.
    std::string derive_uuid(std::string_view kind, std::string_view name,
                            std::string_view attribute) const;

    static constexpr std::string_view kHex = "0123456789abcdef";
    static constexpr std::string_view kUpperAlnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    static constexpr std::string_view kLowerAlnum = "abcdefghijklmnopqrstuvwxyz0123456789";

  private:
    std::string account_;
    std::string region_;
    mutable std::mutex mutex_;
    std::map<std::string, std::string, std::less<>> pins_;
};

}  // namespace base

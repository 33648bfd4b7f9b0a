// Pattern: regular expressions over PCRE2, with a limit on the work that one match may take: a
// pattern meets bodies and log lines of any size, and std::regex answers those by overflowing the
// stack.
#pragma once
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace base {

class Pattern {
  public:
    struct Error {
        std::string message;
        size_t offset = 0;
    };
    static std::expected<Pattern, Error> compile(std::string_view text);

    // The first group when there is one, else the whole match. An error: the limit was reached.
    std::expected<std::optional<std::string>, std::string> find(std::string_view text) const;

  private:
    std::shared_ptr<void> code_;
};

}  // namespace base

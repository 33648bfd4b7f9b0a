// Names: what a task's resolver answers. Production names of the stack's own parts get an address
// behind the task's gateway; everything else does not exist, and one log line says which name was
// asked.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace taps {

// Name (lower case; "*.suffix" allowed) to IPv4 address.
class NameTable {
  public:
    void set(std::string name, std::string address) {
        names_[std::move(name)] = std::move(address);
    }
    // "" when unknown. Exact names first, then the longest suffix.
    std::string find(std::string_view name) const;

  private:
    std::map<std::string, std::string, std::less<>> names_;
};

// One DNS query to its answer: A from the table, AAAA empty for known names, NXDOMAIN otherwise. ""
// for what is no query. `unknown` is told the name that was not found. Source: RFC 1035 §4.
std::string answer_dns(std::string_view query, const NameTable& names,
                       const std::function<void(std::string_view)>& unknown);

}  // namespace taps

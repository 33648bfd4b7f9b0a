// A resolver's answers, from a table.
#include "taps/names.h"

#include <arpa/inet.h>

#include "base/text.h"

namespace taps {
namespace {

constexpr size_t kHeaderBytes = 12;
constexpr size_t kMaxNameBytes = 255;
constexpr uint16_t kTypeA = 1;
constexpr char kTtlSeconds = 5;

// The question's name in dotted lower case; `at` moves behind it. "" when malformed (pointers are
// refused).
std::string read_name(std::string_view query, size_t& at) {
    std::string name;
    while (at < query.size()) {
        const auto size = static_cast<unsigned char>(query[at++]);
        if (size == 0) return name.empty() ? "." : name;
        if (size > 63 || at + size > query.size() || name.size() + size > kMaxNameBytes) return {};
        if (!name.empty()) name += '.';
        name += base::lower(query.substr(at, size));
        at += size;
    }
    return {};
}

}  // namespace

std::string NameTable::find(std::string_view name) const {
    if (auto found = names_.find(name); found != names_.end()) return found->second;
    for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1))
        if (auto found = names_.find("*" + std::string(name.substr(dot))); found != names_.end())
            return found->second;
    return {};
}

std::string answer_dns(std::string_view query, const NameTable& names,
                       const std::function<void(std::string_view)>& unknown) {
    if (query.size() < kHeaderBytes + 5 || (query[2] & 0x80) != 0) return {};
    size_t at = kHeaderBytes;
    const std::string name = read_name(query, at);
    if (name.empty() || at + 4 > query.size()) return {};
    const auto type = static_cast<uint16_t>(static_cast<unsigned char>(query[at]) << 8 |
                                            static_cast<unsigned char>(query[at + 1]));
    const std::string address = names.find(name);
    if (address.empty()) unknown(name);

    std::string answer(query.substr(0, at + 4));
    answer[2] = static_cast<char>((query[2] & 0x79) | 0x84);  // an answer, authoritative
    answer[3] =
        static_cast<char>(0x80 | (address.empty() ? 3 : 0));  // recursion available; NXDOMAIN
    answer[4] = 0, answer[5] = 1;
    for (size_t i = 6; i < kHeaderBytes; ++i)
        answer[i] = 0;
    if (!address.empty() && type == kTypeA) {
        answer[7] = 1;
        in_addr bytes{};
        ::inet_pton(AF_INET, address.c_str(), &bytes);
        answer +=
            std::string("\xc0\x0c\0\x01\0\x01\0\0\0", 9) + kTtlSeconds + std::string("\0\x04", 2);
        answer.append(reinterpret_cast<const char*>(&bytes), 4);
    }
    return answer;
}

}  // namespace taps

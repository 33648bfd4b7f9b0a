#include "net/resolver.h"

#include <mutex>

#include "base/text.h"

namespace net {

namespace {

std::string canonical(std::string_view name) {
    if (name.size() > 2 && name.front() == '[' && name.back() == ']')
        name = name.substr(1, name.size() - 2);
    if (name.size() > 1 && name.back() == '.') name.remove_suffix(1);
    return base::lower(name);
}

}  // namespace

void Resolver::set(std::string_view name, uint16_t port, Dial dial) {
    std::unique_lock lock(mutex_);
    entries_[{canonical(name), port}] = std::move(dial);
}

void Resolver::set(std::string_view name, uint16_t port, Address address) {
    set(name, port, [address](Deadline deadline) { return Socket::connect(address, deadline); });
}

void Resolver::remove(std::string_view name, uint16_t port) {
    std::unique_lock lock(mutex_);
    entries_.erase({canonical(name), port});
}

std::optional<Resolver::Dial> Resolver::find(std::string_view name, uint16_t port) const {
    std::shared_lock lock(mutex_);
    const std::string key = canonical(name);
    auto at = [&](const std::string& entry) {
        auto found = entries_.find({entry, port});
        return found == entries_.end() ? entries_.find({entry, 0}) : found;
    };
    auto found = at(key);
    // "*.suffix" stands for every name below the suffix; the longest one counts.
    for (auto dot = key.find('.'); found == entries_.end() && dot != std::string::npos;
         dot = key.find('.', dot + 1))
        found = at("*" + key.substr(dot));
    if (found == entries_.end()) return std::nullopt;
    return found->second;
}

bool Resolver::knows(std::string_view name, uint16_t port) const {
    if (find(name, port)) return true;
    if (canonical(name) == "localhost") return true;
    const auto literal = Address::tcp(name, port);
    return literal && literal->is_loopback();
}

Result<Socket> Resolver::dial(std::string_view name, uint16_t port, Deadline deadline) const {
    if (const auto entry = find(name, port)) return (*entry)(deadline);
    if (canonical(name) == "localhost") return Socket::connect(Address::loopback(port), deadline);
    const auto literal = Address::tcp(name, port);
    if (literal && literal->is_loopback()) return Socket::connect(*literal, deadline);
    return std::unexpected(
        Error{ErrorKind::Unreachable, 0,
              std::string(name) + ":" + std::to_string(port) + " is not a name of this stack"});
}

}  // namespace net

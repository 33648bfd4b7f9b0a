// A server that somebody else runs, in a container of ours (compose) or anywhere (given): how it is
// reached, waited for, and whether it may be emptied. Both makers of database and cache share it.
#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "backing/door.h"
#include "net/socket.h"

namespace backing {

inline constexpr const char* kInterrupted = "the start was interrupted";

enum class Owner { Us, Them };  // theirs is never emptied

struct Served {
    std::string name;   // "MariaDB", "Redis": in sentences
    std::string place;  // "in Docker Compose", "at 127.0.0.1:3306"
    Owner owner = Owner::Them;
    Door door;
    std::function<net::Result<net::Socket>()> connect;  // a task's connection
    std::chrono::seconds patience{5};
    // Why waiting is in vain, e.g. the container ended.
    std::function<std::optional<std::string>()> gone = [] { return std::nullopt; };
    std::function<void(const std::string&)> progress = [](const std::string&) {};

    std::function<bool()> interrupted = [] { return false; };

    // Tries until `attempt` gives no error; tells now and then what it waits for. The last error
    // when patience ends.
    std::optional<std::string> wait_for(
        const std::function<std::optional<std::string>()>& attempt) const;
    bool answers() const { return connect().has_value(); }
};

// The sentence of a reset that is refused.
std::string kept_as_it_is(const Served& served);

}  // namespace backing

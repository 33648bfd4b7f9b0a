// http::Error: what went wrong on the data plane, on whose side, and whether another try may help.
// One function per plane (edge, balancer) maps it to 502, 503 or 504.
#pragma once
#include <cstdint>
#include <expected>
#include <string>

#include "net/socket.h"

namespace http {

struct [[nodiscard]] Error {
    enum class Kind : uint8_t {
        ConnectTimeout,
        Refused,
        Unreachable,
        Reset,
        Closed,
        ReadTimeout,
        WriteTimeout,
        Malformed,
        TooLarge,
        Tls,
        Aborted
    };
    enum class Source : uint8_t { Viewer, Origin, Internal };
    enum class Retry : uint8_t { Never, OnFreshConnection, Yes };

    Kind kind;
    Source source;
    Retry retry = Retry::Never;
    std::string text;
};

template <class T>
using Result = std::expected<T, Error>;

std::string_view name_of(Error::Kind kind);
Error from_net(const net::Error& error, Error::Source source, bool while_connecting);

}  // namespace http

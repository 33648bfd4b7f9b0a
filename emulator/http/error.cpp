#include "http/error.h"

namespace http {

std::string_view name_of(Error::Kind kind) {
    switch (kind) {
        case Error::Kind::ConnectTimeout: return "ConnectTimeout";
        case Error::Kind::Refused: return "Refused";
        case Error::Kind::Unreachable: return "Unreachable";
        case Error::Kind::Reset: return "Reset";
        case Error::Kind::Closed: return "Closed";
        case Error::Kind::ReadTimeout: return "ReadTimeout";
        case Error::Kind::WriteTimeout: return "WriteTimeout";
        case Error::Kind::Malformed: return "Malformed";
        case Error::Kind::TooLarge: return "TooLarge";
        case Error::Kind::Tls: return "Tls";
        case Error::Kind::Aborted: return "Aborted";
    }
    return "";
}

Error from_net(const net::Error& error, Error::Source source, bool while_connecting) {
    // Nothing was sent while connecting, so another try cannot do harm.
    const auto retry = while_connecting ? Error::Retry::Yes : Error::Retry::Never;
    Error::Kind kind = Error::Kind::Reset;
    switch (error.kind) {
        case net::ErrorKind::Timeout:
            kind = while_connecting ? Error::Kind::ConnectTimeout : Error::Kind::ReadTimeout;
            break;
        case net::ErrorKind::Refused: kind = Error::Kind::Refused; break;
        case net::ErrorKind::Unreachable: kind = Error::Kind::Unreachable; break;
        case net::ErrorKind::Reset: kind = Error::Kind::Reset; break;
        case net::ErrorKind::Closed: kind = Error::Kind::Closed; break;
        case net::ErrorKind::Tls: kind = Error::Kind::Tls; break;
        case net::ErrorKind::System:
            kind = while_connecting ? Error::Kind::Unreachable : Error::Kind::Reset;
            break;
    }
    return {kind, source, retry, error.text};
}

}  // namespace http

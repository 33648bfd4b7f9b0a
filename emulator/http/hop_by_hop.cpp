#include "http/hop_by_hop.h"

#include <algorithm>

#include "base/text.h"

namespace http {

bool is_hop_by_hop(std::string_view name) {
    constexpr std::string_view kNames[] = {"connection",
                                           "keep-alive",
                                           "proxy-authenticate",
                                           "proxy-authorization",
                                           "proxy-connection",
                                           "te",
                                           "trailer",
                                           "transfer-encoding",
                                           "upgrade"};
    return std::ranges::any_of(
        kNames, [name](std::string_view one) { return base::equals_ignoring_case(one, name); });
}

std::vector<std::string> nominated_headers(const HeaderList& headers) {
    // A sender that names these would have them taken from the message's meaning, not from its
    // connection.
    constexpr std::string_view kNeverDropped[] = {"host",  "content-length", "cache-control",
                                                  "close", "keep-alive",     "upgrade"};
    std::vector<std::string> names;
    for (const std::string_view value : headers.all("connection")) {
        for (const std::string_view part : base::split(value, ',')) {
            std::string name = base::lower(base::trim(part));
            if (!name.empty() &&
                std::ranges::find(kNeverDropped, name) == std::end(kNeverDropped)) {
                names.push_back(std::move(name));
            }
        }
    }
    return names;
}

size_t remove_hop_by_hop(HeaderList& headers) {
    const auto nominated = nominated_headers(headers);
    return headers.remove_if([&](const Header& header) {
        return is_hop_by_hop(header.name) ||
               std::ranges::any_of(nominated, [&](const std::string& name) {
                   return base::equals_ignoring_case(name, header.name);
               });
    });
}

}  // namespace http

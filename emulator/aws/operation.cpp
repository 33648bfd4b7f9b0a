// URI patterns and discriminators of REST operations, as Smithy's "httpTrait" describes them.
#include "aws/operation.h"

#include "base/encoding.h"

namespace aws {

bool match_uri(std::string_view pattern, std::string_view path,
               std::map<std::string, std::string, std::less<>>& parameters) {
    auto next = [](std::string_view& rest) {
        size_t slash = rest.find('/');
        std::string_view segment = rest.substr(0, slash);
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
        return std::pair(segment, slash == std::string_view::npos);
    };
    if (!pattern.starts_with('/') || !path.starts_with('/')) return false;
    pattern.remove_prefix(1);
    path.remove_prefix(1);
    while (true) {
        if (pattern.starts_with('{') && pattern.ends_with("+}")) {
            if (path.empty()) return false;
            parameters[std::string(pattern.substr(1, pattern.size() - 3))] =
                base::percent_decode(path);
            return true;
        }
        auto [wanted, wanted_last] = next(pattern);
        auto [segment, last] = next(path);
        if (wanted.starts_with('{') && wanted.ends_with('}')) {
            if (segment.empty()) return false;
            parameters[std::string(wanted.substr(1, wanted.size() - 2))] =
                base::percent_decode(segment);
        } else if (wanted != segment) {
            return false;
        }
        // A slash at the end of the path is forgiven, as AWS does for its REST services.
        if (wanted_last) return last || path.empty();
        if (last) return false;
    }
}

bool match_discriminator(std::string_view discriminator,
                         const std::map<std::string, std::string, std::less<>>& query) {
    if (discriminator.empty()) return true;
    if (discriminator.starts_with('?')) discriminator.remove_prefix(1);
    size_t equals = discriminator.find('=');
    auto found = query.find(discriminator.substr(0, equals));
    if (found == query.end()) return false;
    return equals == std::string_view::npos || found->second == discriminator.substr(equals + 1);
}

}  // namespace aws

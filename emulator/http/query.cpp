#include "http/query.h"

#include "base/encoding.h"

namespace http {

std::vector<QueryPair> split_query(std::string_view query) {
    std::vector<QueryPair> pairs;
    while (!query.empty()) {
        const size_t end = std::min(query.find('&'), query.size());
        const std::string_view part = query.substr(0, end);
        query.remove_prefix(end < query.size() ? end + 1 : end);
        if (part.empty()) continue;  // "a&&b": nothing between them
        const size_t equals = part.find('=');
        if (equals == part.npos)
            pairs.push_back({part, {}, false});
        else
            pairs.push_back({part.substr(0, equals), part.substr(equals + 1), true});
    }
    return pairs;
}

std::vector<FormField> parse_form(std::string_view text) {
    std::vector<FormField> fields;
    for (const auto& pair : split_query(text)) {
        fields.push_back({base::percent_decode(pair.name, base::Plus::IsSpace),
                          base::percent_decode(pair.value, base::Plus::IsSpace)});
    }
    return fields;
}

}  // namespace http

// Query strings: raw pairs in order, undecoded, and form decoding.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace http {

struct QueryPair {
    std::string_view name, value;  // raw, as on the wire
    bool has_equals = false;
};
std::vector<QueryPair> split_query(std::string_view query);

struct FormField {
    std::string name, value;  // decoded: + is a space, %XX
};
std::vector<FormField> parse_form(std::string_view text);

}  // namespace http

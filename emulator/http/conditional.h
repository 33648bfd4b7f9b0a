// Conditional requests: entity tags and the order in which preconditions count. RFC 9110 §8.8.3,
// §13.
#pragma once
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "http/message.h"

namespace http {

struct EntityTag {
    bool weak = false;
    std::string_view opaque;  // without quotes
};

std::optional<EntityTag> parse_etag(std::string_view text);  // "x" or W/"x"
// Whether a list ("*" or tags) names the tag. Strong: both must be strong (§8.8.3.2).
enum class Comparison : uint8_t { Strong, Weak };
bool etag_list_matches(std::string_view list, std::string_view etag, Comparison comparison);

enum class Condition : uint8_t { Holds, NotModified, Failed };  // the method's own answer, 304, 412

// What is there: "" and nothing = unknown; `exists` false = If-Match: * fails.
struct Validators {
    std::string_view etag;
    std::optional<base::Time> last_modified;
    bool exists = true;
};
// The order of §13.2.2. Dates that cannot be read are as if absent.
Condition evaluate_conditions(std::string_view method, const HeaderList& request,
                              const Validators& current);
// Whether a Range may be answered in part (§13.1.5); true without If-Range.
bool if_range_holds(const HeaderList& request, const Validators& current);

}  // namespace http

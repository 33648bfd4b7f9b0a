// See trace_header.h. alb.md §5, "X-Amzn-Trace-Id".
#include "elbv2/trace_header.h"

#include <vector>

#include "base/text.h"
#include "elbv2/limits.h"

namespace elbv2 {
namespace {

std::string element(base::Time now, std::string_view unique) {
    static constexpr char kDigits[] = "0123456789abcdef";
    auto epoch = std::chrono::duration_cast<base::seconds>(now.time_since_epoch()).count();
    std::string out = "1-";
    for (int shift = 28; shift >= 0; shift -= 4)
        out += kDigits[(epoch >> shift) & 15];
    return out.append("-").append(unique);
}

}  // namespace

std::string next_trace_header(std::string_view incoming, base::Time now, std::string_view unique) {
    std::string fresh = element(now, unique);
    if (incoming.empty() || incoming.size() > kMaxTraceHeaderBytes) return "Root=" + fresh;

    bool has_root = false;
    std::vector<std::string> kept;
    for (std::string_view field : base::split(incoming, ';')) {
        field = base::trim(field);
        std::string_view name = base::cut(field, '=').first;
        if (field.empty() || base::equals_ignoring_case(name, "Self")) continue;
        has_root = has_root || base::equals_ignoring_case(name, "Root");
        kept.emplace_back(field);
    }
    // GUESS: without a Root, the generated one stands before the custom fields.
    std::string out = (has_root ? "Self=" : "Root=") + fresh;
    for (const std::string& field : kept)
        out.append(";").append(field);
    return out;
}

}  // namespace elbv2

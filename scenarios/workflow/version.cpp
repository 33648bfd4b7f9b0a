#include "scenarios/workflow/version.h"

#include <string>
#include <vector>

#include "base/text.h"

namespace workflow {
namespace {

// The names of Node's long-term releases.
struct Line {
    std::string_view name;
    unsigned major;
};
constexpr Line kLines[] = {{"argon", 4},   {"boron", 6},    {"carbon", 8},   {"dubnium", 10},
                           {"erbium", 12}, {"fermium", 14}, {"gallium", 16}, {"hydrogen", 18},
                           {"iron", 20},   {"jod", 22},     {"krypton", 24}};

struct Partial {
    Version version{};
    unsigned given = 0;  // how many numbers were written
};

std::optional<Partial> parse_partial(std::string_view text) {
    if (text.starts_with('v') || text.starts_with('=')) text.remove_prefix(1);
    Partial out;
    text = text.substr(0, text.find_first_of("-+"));
    for (std::string_view part : base::split(text, '.')) {
        if (part == "x" || part == "X" || part == "*" || part.empty()) return out;
        const auto number = base::parse_unsigned(part);
        if (!number || *number > 100'000 || out.given == 3) return {};
        out.version[out.given++] = static_cast<unsigned>(*number);
    }
    return out;
}

// The first version after all that begin with the numbers given.
Version after(Partial partial, unsigned keep) {
    Version next = partial.version;
    ++next[keep - 1];
    for (unsigned i = keep; i < 3; ++i)
        next[i] = 0;
    return next;
}

bool comparator_matches(std::string_view text, const Version& version) {
    std::string_view sign;
    for (std::string_view each : {">=", "<=", ">", "<", "^", "~", "="})
        if (text.starts_with(each)) {
            sign = each;
            break;
        }
    text = base::trim(text.substr(sign.size()));
    if (text.empty() || text == "*" || text == "x" || text == "latest" || text == "node" ||
        text == "current")
        return true;
    if (text.starts_with("lts/")) {
        const std::string name = base::lower(text.substr(4));
        for (const Line& line : kLines)
            if (line.name == name) return version[0] == line.major;
        return name == "*" && version[0] % 2 == 0;
    }
    const auto partial = parse_partial(text);
    if (!partial) return false;
    if (partial->given == 0) return true;
    const Version& least = partial->version;
    if (sign == ">=") return version >= least;
    if (sign == "<") return version < least;
    if (sign == ">")
        return partial->given == 3 ? version > least : version >= after(*partial, partial->given);
    if (sign == "<=") return version < after(*partial, partial->given);
    if (sign == "^") {
        unsigned keep = 1;  // the first number that is not zero holds
        while (keep < partial->given && least[keep - 1] == 0)
            ++keep;
        return version >= least && version < after(*partial, keep);
    }
    if (sign == "~")
        return version >= least && version < after(*partial, std::min(2u, partial->given));
    return version >= least && version < after(*partial, partial->given);
}

}  // namespace

std::optional<Version> parse_version(std::string_view text) {
    const auto partial = parse_partial(base::trim(text));
    if (!partial || partial->given == 0) return {};
    return partial->version;
}

bool version_matches(std::string_view range, const Version& version) {
    size_t at = 0;
    while (true) {
        const size_t bar = range.find("||", at);
        std::string part(base::trim(range.substr(at, bar == range.npos ? range.npos : bar - at)));
        for (const char* sign : {">= ", "<= ", "> ", "< ", "^ ", "~ "})
            part = base::replace_all(part, sign, base::trim(sign));
        bool all = true;
        if (const size_t dash = part.find(" - "); dash != std::string::npos) {
            all = comparator_matches(">=" + part.substr(0, dash), version) &&
                  comparator_matches("<=" + part.substr(dash + 3), version);
        } else {
            for (std::string_view word : base::split(part, ' '))
                all = all && (word.empty() || comparator_matches(word, version));
        }
        if (all) return true;
        if (bar == range.npos) return false;
        at = bar + 2;
    }
}

}  // namespace workflow

#include "scenarios/workflow/filters.h"

#include <optional>
#include <utility>

#include "base/text.h"
#include "scenarios/workflow/image_builder_dockerfile.h"

namespace workflow {
namespace {

struct Unit {
    enum class What { Character, Class, NoSlash, Anything, Directories } what = What::Character;
    char character = 0;
    std::string members;  // of a class, ranges written out
    size_t least = 1;
    bool many = false;

    bool takes(char c) const {
        switch (what) {
            case What::Character: return c == character;
            case What::Class: return members.find(c) != members.npos;
            case What::NoSlash: return c != '/';
            default: return true;
        }
    }
};

std::vector<Unit> units_of(std::string_view pattern) {
    std::vector<Unit> out;
    for (size_t at = 0; at < pattern.size(); ++at) {
        const char c = pattern[at];
        Unit unit;
        if (c == '*') {
            unit.least = 0;
            unit.many = true;
            unit.what = Unit::What::NoSlash;
            if (pattern.substr(at).starts_with("**")) {
                unit.what = Unit::What::Anything;
                ++at;
                // "**/" also matches no directory at all.
                if (at + 1 < pattern.size() && pattern[at + 1] == '/' &&
                    (at == 1 || pattern[at - 2] == '/')) {
                    unit.what = Unit::What::Directories;
                    ++at;
                }
            }
        } else if ((c == '?' || c == '+') && !out.empty() && !out.back().many &&
                   out.back().least == 1) {
            if (c == '?') out.back().least = 0;
            if (c == '+') out.back().many = true;
            continue;
        } else if (c == '[' && pattern.find(']', at + 1) != pattern.npos) {
            const size_t close = pattern.find(']', at + 1);
            unit.what = Unit::What::Class;
            for (size_t i = at + 1; i < close; ++i)
                if (i + 2 < close && pattern[i + 1] == '-') {
                    for (int member = pattern[i]; member <= pattern[i + 2]; ++member)
                        unit.members += static_cast<char>(member);
                    i += 2;
                } else {
                    unit.members += pattern[i];
                }
            at = close;
        } else {
            if (c == '\\' && at + 1 < pattern.size()) ++at;
            unit.character = pattern[at];
        }
        out.push_back(std::move(unit));
    }
    return out;
}

// Which places of the text are reached after each unit: linear in both, whatever the pattern.
bool matches(const std::vector<Unit>& units, std::string_view text) {
    std::vector<char> reached(text.size() + 1, 0);
    reached[0] = 1;
    for (const Unit& unit : units) {
        std::vector<char> next(text.size() + 1, 0);
        if (unit.what == Unit::What::Directories) {
            bool inside = false;
            for (size_t at = 0; at <= text.size(); ++at) {
                if (reached[at]) next[at] = 1, inside = true;
                if (inside && at > 0 && text[at - 1] == '/') next[at] = 1;
            }
        } else {
            bool running = false;
            for (size_t at = 0; at <= text.size(); ++at) {
                // `running`: some run of this unit ends here.
                if (at > 0)
                    running =
                        (reached[at - 1] || (running && unit.many)) && unit.takes(text[at - 1]);
                next[at] = running || (unit.least == 0 && reached[at]);
            }
        }
        reached.swap(next);
    }
    return reached[text.size()];
}

}  // namespace

bool filter_matches(std::string_view pattern, std::string_view text) {
    return matches(units_of(pattern), text);
}

bool filters_match(const std::vector<std::string>& patterns, std::string_view text) {
    bool matched = false;
    for (std::string_view pattern : patterns) {
        const bool taken_back = pattern.starts_with('!');
        if (taken_back) pattern.remove_prefix(1);
        if (filter_matches(pattern, text)) matched = !taken_back;
    }
    return matched;
}

bool glob_matches(std::string_view pattern, std::string_view path) {
    while (pattern.starts_with("./"))
        pattern.remove_prefix(2);
    while (pattern.ends_with('/'))
        pattern.remove_suffix(1);
    if (pattern.empty() || pattern == ".") return true;
    if (scenarios::path_matches(pattern, path)) return true;
    for (size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
        if (scenarios::path_matches(pattern, path.substr(0, slash))) return true;
    return false;
}

bool globs_match(const std::vector<std::string>& patterns, std::string_view path) {
    bool matched = false;
    for (std::string_view pattern : patterns) {
        const bool taken_back = pattern.starts_with('!');
        if (taken_back) pattern.remove_prefix(1);
        if (glob_matches(base::trim(pattern), path)) matched = !taken_back;
    }
    return matched;
}

}  // namespace workflow

// A change's scenarios.
#include "scenarios/push/selection.h"

#include <algorithm>

#include "base/text.h"

namespace push {
namespace {

constexpr const char* kSmoke = "smoke";
constexpr std::string_view kAreas[] = {"frontend", "backend"};

bool is_scenario(std::string_view path) {
    for (std::string_view end : {".scenario.json", ".scenario.yaml", ".scenario.yml"})
        if (path.ends_with(end)) return true;
    return false;
}

bool has(const Candidate& candidate, const std::string& tag) {
    return std::ranges::find(candidate.tags, tag) != candidate.tags.end();
}

}  // namespace

std::string Areas::to_string() const {
    std::vector<std::string> words(tags.begin(), tags.end());
    words.insert(words.end(), scenarios.begin(), scenarios.end());
    return base::join(words, ", ");
}

Areas areas_of(const std::vector<std::string>& paths) {
    Areas out;
    for (const std::string& path : paths) {
        const std::string top(base::cut(path, '/').first);
        if (is_scenario(path))
            out.scenarios.insert(path);
        else if (std::ranges::find(kAreas, top) != std::end(kAreas) && path.size() > top.size())
            out.tags.insert(top);
        else
            out.tags.insert(kSmoke);
    }
    if (out.tags.empty() && out.scenarios.empty()) out.tags.insert(kSmoke);
    return out;
}

Selection select(const Areas& areas, const std::vector<Candidate>& all) {
    std::set<std::string> tags;
    for (const std::string& tag : areas.tags) {
        const bool known = std::ranges::any_of(
            all, [&](const Candidate& candidate) { return has(candidate, tag); });
        tags.insert(known ? tag : kSmoke);
    }
    Selection out;
    for (const Candidate& candidate : all) {
        const bool chosen =
            areas.scenarios.contains(candidate.file) ||
            std::ranges::any_of(tags, [&](const auto& tag) { return has(candidate, tag); });
        (chosen ? out.files : out.left_out).push_back(candidate.file);
    }
    if (out.files.empty()) std::swap(out.files, out.left_out);
    return out;
}

}  // namespace push

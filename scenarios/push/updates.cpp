// git's lines to a pre-push hook.
#include "scenarios/push/updates.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace push {
namespace {

constexpr size_t kObjectDigits[] = {40, 64};  // SHA-1, SHA-256

bool is_object(std::string_view text) {
    return std::ranges::find(kObjectDigits, text.size()) != std::end(kObjectDigits) &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_zero(std::string_view object) {
    return object.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

bool Update::is_deletion() const {
    return is_zero(local_object);
}
bool Update::is_new_branch() const {
    return is_zero(remote_object);
}

std::expected<std::vector<Update>, std::string> parse_updates(std::string_view text) {
    std::vector<Update> out;
    for (std::string_view line : base::split(text, '\n')) {
        line = base::trim(line);
        if (line.empty()) continue;
        // A local "ref" is what the user wrote: "HEAD~1:main" has no space either.
        const auto words = base::split(line, ' ');
        if (words.size() != 4 || !is_object(words[1]) || !is_object(words[3]))
            return std::unexpected(
                fmt::format("\"{}\" is no line of git's to a pre-push hook: <local ref> <local "
                            "object> <remote ref> <remote object>",
                            line.substr(0, 200)));
        out.push_back({std::string(words[0]), std::string(words[1]), std::string(words[2]),
                       std::string(words[3])});
    }
    return out;
}

std::vector<Choice> choose(const std::vector<Pushed>& all) {
    std::vector<Choice> out;
    for (const Pushed& pushed : all) {
        Choice choice{.pushed = &pushed};
        if (pushed.update.is_deletion()) {
            choice.why = Why::Deletion;
        } else if (pushed.commit.empty()) {
            choice.why = Why::NoCommit;
        } else {
            for (const Choice& before : out)
                if (before.why == Why::Judged && before.pushed->tree == pushed.tree) {
                    choice.why = Why::SameFiles;
                    choice.same_as = before.pushed;
                }
        }
        out.push_back(choice);
    }
    return out;
}

std::string short_name(std::string_view ref) {
    for (const auto& [prefix, shown] :
         {std::pair<std::string_view, std::string_view>{"refs/heads/", ""}, {"refs/tags/", "tag "}})
        if (ref.starts_with(prefix))
            return std::string(shown) + std::string(ref.substr(prefix.size()));
    return std::string(ref);
}

}  // namespace push

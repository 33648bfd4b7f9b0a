// Updates: what git tells a pre-push hook, and which of it is judged. Pure. Source: githooks(5),
// "pre-push"; harness.md §4.4.
#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace push {

// "<local ref> <local object> <remote ref> <remote object>"
struct Update {
    std::string local_ref, local_object, remote_ref, remote_object;

    bool is_deletion() const;    // the local object's name is all zeros
    bool is_new_branch() const;  // the remote's is
};

// An error is one sentence, with the line.
std::expected<std::vector<Update>, std::string> parse_updates(std::string_view text);

// What git knows of an update's local object.
struct Pushed {
    Update update;
    std::string commit, tree;  // "" = a tag of something that is no commit
};

enum class Why { Judged, Deletion, NoCommit, SameFiles };

struct Choice {
    const Pushed* pushed = nullptr;
    Why why = Why::Judged;
    const Pushed* same_as = nullptr;  // judged, with the same files
};
// In git's order, one for each.
std::vector<Choice> choose(const std::vector<Pushed>& all);

// "refs/heads/main" → "main", "refs/tags/v1" → "tag v1"
std::string short_name(std::string_view ref);

}  // namespace push

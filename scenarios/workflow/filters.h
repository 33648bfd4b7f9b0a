// Filter patterns of `on:` and the globs of hashFiles. Pure. Source: GitHub docs, "Workflow syntax
// › Filter pattern cheat sheet".
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace workflow {

// One pattern without its `!`: * no slash, ** anything, ? and + repeat the character before, [a-z]
// one of.
bool filter_matches(std::string_view pattern, std::string_view text);
// A list in its order: the last pattern that matches decides, `!` takes back.
bool filters_match(const std::vector<std::string>& patterns, std::string_view text);

// A glob of hashFiles or of an action's `path`: components, ** spans them, a directory means what
// is below.
bool glob_matches(std::string_view pattern, std::string_view path);
bool globs_match(const std::vector<std::string>& patterns, std::string_view path);

}  // namespace workflow

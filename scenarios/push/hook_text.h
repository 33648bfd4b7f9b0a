// Hook text: a line of ours in a pre-push hook that somebody else owns, and out again without a
// trace. Pure. Source: harness.md §4.4 ("it never overwrites").
#pragma once
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace push {

// The hook with `command` in front of what it does; git's lines reach both. Nothing there yet: a
// hook of ours alone. With a block of ours already in it, that one is renewed. An error is one
// sentence: it is no shell script.
std::expected<std::string, std::string> with_command(std::optional<std::string_view> hook,
                                                     std::string_view command);

// The hook as it was before; nothing: it was ours alone, and the file goes.
std::optional<std::string> without_command(std::string_view hook);

bool has_command(std::string_view hook);

// For a shell: 'it'\''s'
std::string quoted(std::string_view word);

}  // namespace push

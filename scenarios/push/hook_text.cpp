// The block of ours in a shell script.
#include "scenarios/push/hook_text.h"

#include <fmt/format.h>

#include "base/text.h"

namespace push {
namespace {

constexpr std::string_view kBegin = "# >>> dodam hook (remove it with `dodam hook remove`)";
constexpr std::string_view kEnd = "# <<< dodam hook";
constexpr std::string_view kOurs = "#!/bin/sh\n";

// git's lines come on standard input: read for us, then given to what follows.
std::string block(std::string_view command) {
    return fmt::format(
        "{}\n"
        "dodam_lines=$(cat)\n"
        "printf '%s\\n' \"$dodam_lines\" | {} || exit $?\n"
        "if [ -n \"$dodam_lines\" ]; then\n"
        "exec <<DODAM_LINES\n"
        "$dodam_lines\n"
        "DODAM_LINES\n"
        "else\n"
        "exec </dev/null\n"
        "fi\n"
        "{}\n",
        kBegin, command, kEnd);
}

// A hook of ours alone has nobody behind it.
std::string alone(std::string_view command) {
    return fmt::format("{}{}\n{}\n{}\n", kOurs, kBegin, command, kEnd);
}

// The program of "#!/usr/bin/env -S bash -e": "bash".
std::string interpreter(std::string_view hook) {
    std::string_view line = hook.substr(2, hook.find('\n') - 2);
    for (std::string_view word : base::split(base::trim(line), ' ')) {
        const std::string_view name = word.substr(word.rfind('/') + 1);
        if (name.empty() || name == "env" || name.starts_with('-')) continue;
        return std::string(name);
    }
    return {};
}

}  // namespace

bool has_command(std::string_view hook) {
    return hook.find(kBegin) != std::string_view::npos;
}

std::expected<std::string, std::string> with_command(std::optional<std::string_view> hook,
                                                     std::string_view command) {
    if (!hook) return alone(command);
    if (has_command(*hook)) {
        const auto before = without_command(*hook);
        return with_command(before ? std::optional<std::string_view>(*before) : std::nullopt,
                            command);
    }
    size_t at = 0;
    if (hook->starts_with("#!")) {
        const std::string program = interpreter(*hook);
        if (program != "sh" && program != "bash" && program != "dash" && program != "zsh" &&
            program != "ksh")
            return std::unexpected(fmt::format("it is a program for {}, not a shell script",
                                               program.empty() ? "another interpreter" : program));
        at = hook->find('\n');
        // Its only line has no end: ours stands behind it, and takes that end along.
        if (at == std::string_view::npos) {
            std::string text = std::string(*hook) + "\n" + block(command);
            text.pop_back();
            return text;
        }
        ++at;
    } else if (hook->find('\0') != std::string_view::npos) {
        return std::unexpected("it is no text");
    }
    return std::string(hook->substr(0, at)) + block(command) + std::string(hook->substr(at));
}

std::optional<std::string> without_command(std::string_view hook) {
    const size_t begin = hook.find(kBegin);
    const size_t end = begin == std::string_view::npos ? begin : hook.find(kEnd, begin);
    if (end == std::string_view::npos) return std::string(hook);
    std::string_view before = hook.substr(0, begin), after = hook.substr(end + kEnd.size());
    const bool ours = hook.find("dodam_lines=", begin) > end;
    if (after.starts_with('\n'))
        after.remove_prefix(1);
    else if (before.ends_with('\n'))
        before.remove_suffix(1);
    if (ours && before == kOurs && after.empty()) return std::nullopt;
    return std::string(before) + std::string(after);
}

std::string quoted(std::string_view word) {
    return "'" + base::replace_all(word, "'", "'\\''") + "'";
}

}  // namespace push

// The pre-push side: git's lines, what is judged of them, which scenarios a change is about, the
// hook's text, remembered verdicts. Source: harness.md §4.4; githooks(5), "pre-push".
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "scenarios/push/hook_text.h"
#include "scenarios/push/selection.h"
#include "scenarios/push/updates.h"
#include "scenarios/push/verdicts.h"

namespace {

const std::string kZero(40, '0'), kOne(40, '1'), kTwo(40, '2'), kLong(64, 'a'), kLongZero(64, '0');

push::Inputs inputs_of(std::string files, std::string selection = "") {
    push::Inputs inputs;
    inputs.add("files", std::move(files));
    inputs.add("selection", std::move(selection));
    return inputs;
}

}  // namespace

TEST_CASE("git's lines to a pre-push hook") {
    struct Row {
        std::string text;
        size_t updates;  // 99 = refused
        bool deletion = false, new_branch = false;
    };
    const Row rows[] = {
        {"", 0},
        {"\n", 0},
        {"refs/heads/a " + kOne + " refs/heads/a " + kTwo + "\n", 1},
        {"refs/heads/a " + kOne + " refs/heads/a " + kTwo, 1},
        {"refs/heads/a " + kOne + " refs/heads/b " + kZero + "\n", 1, false, true},
        {"(delete) " + kZero + " refs/heads/a " + kTwo + "\n", 1, true},
        {"HEAD~ " + kOne + " refs/heads/a " + kTwo + "\nrefs/tags/v " + kTwo + " refs/tags/v " +
             kZero + "\n",
         2},
        {"refs/heads/a " + kLong + " refs/heads/a " + kLongZero + "\n", 1, false, true},
        {"refs/heads/a " + kOne + " refs/heads/a\n", 99},
        {"refs/heads/a abc refs/heads/a " + kTwo + "\n", 99},
        {"refs/heads/a " + kOne + " refs/heads/a " + kTwo + " more\n", 99},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        auto updates = push::parse_updates(row.text);
        REQUIRE(updates.has_value() == (row.updates != 99));
        if (!updates) continue;
        REQUIRE(updates->size() == row.updates);
        if (updates->size() != 1) continue;
        CHECK(updates->front().is_deletion() == row.deletion);
        CHECK(updates->front().is_new_branch() == row.new_branch);
    }
    CHECK(push::short_name("refs/heads/feature/x") == "feature/x");
    CHECK(push::short_name("refs/tags/v1") == "tag v1");
    CHECK(push::short_name("refs/notes/x") == "refs/notes/x");
}

TEST_CASE("deletions and what is no commit are not judged, the same files once") {
    using enum push::Why;
    const std::vector<push::Pushed> pushed = {
        {{"(delete)", kZero, "refs/heads/old", kOne}, "", ""},
        {{"refs/heads/a", kOne, "refs/heads/a", kZero}, "c1", "t1"},
        {{"refs/tags/blob", kTwo, "refs/tags/blob", kZero}, "", ""},
        {{"refs/tags/v1", kTwo, "refs/tags/v1", kZero}, "c1", "t1"},
        {{"refs/heads/revert", kTwo, "refs/heads/revert", kOne}, "c3", "t1"},
        {{"refs/heads/b", kTwo, "refs/heads/b", kOne}, "c2", "t2"}};
    const auto choices = push::choose(pushed);
    const push::Why wanted[] = {Deletion, Judged, NoCommit, SameFiles, SameFiles, Judged};
    REQUIRE(choices.size() == std::size(wanted));
    for (size_t i = 0; i < choices.size(); ++i) {
        CAPTURE(i);
        CHECK(choices[i].why == wanted[i]);
        CHECK(choices[i].same_as == (wanted[i] == SameFiles ? &pushed[1] : nullptr));
    }
}

TEST_CASE("a change selects the scenarios that are about it") {
    const std::vector<push::Candidate> tagged = {{"scenarios/doors.scenario.json", {"smoke"}},
                                                 {"scenarios/page.scenario.json", {"frontend"}},
                                                 {"scenarios/login.scenario.json", {"backend"}},
                                                 {"scenarios/slow.scenario.json", {"slow"}}};
    const std::vector<push::Candidate> untagged = {{"scenarios/a.scenario.json", {}},
                                                   {"scenarios/b.scenario.json", {}}};
    const std::vector<push::Candidate> smoke = {{"scenarios/a.scenario.json", {"smoke"}},
                                                {"scenarios/b.scenario.json", {}}};
    struct Row {
        std::vector<std::string> paths;
        const std::vector<push::Candidate>& all;
        std::vector<std::string> files;
    };
    const Row rows[] = {
        {{"frontend/src/a.js"}, tagged, {"page"}},
        {{"backend/src/a.js"}, tagged, {"login"}},
        {{"backend/a", "frontend/b"}, tagged, {"page", "login"}},
        {{".github/workflows/deploy.yml"}, tagged, {"doors"}},
        {{"dodam.json"}, tagged, {"doors"}},
        {{"README.md", "backend/a"}, tagged, {"doors", "login"}},
        {{"scenarios/slow.scenario.json"}, tagged, {"slow"}},
        {{"scenarios/slow.scenario.json", "backend/a"}, tagged, {"login", "slow"}},
        {{"scenarios/gone.scenario.json"}, tagged, {"doors", "page", "login", "slow"}},
        {{"frontend"}, tagged, {"doors"}},        // a file of that name
        {{"frontends/a.js"}, tagged, {"doors"}},  // another directory
        {{}, tagged, {"doors"}},                  // a merge of nothing
        {{"backend/a"}, smoke, {"a"}},            // no such tag: smoke stands for it
        {{"backend/a"}, untagged, {"a", "b"}},    // a gate that checked nothing would be red
    };
    for (const Row& row : rows) {
        CAPTURE(row.paths);
        std::vector<std::string> wanted;
        for (const std::string& name : row.files)
            wanted.push_back("scenarios/" + name + ".scenario.json");
        const auto selection = push::select(push::areas_of(row.paths), row.all);
        CHECK(selection.files == wanted);
        CHECK(selection.files.size() + selection.left_out.size() == row.all.size());
    }
    CHECK(push::areas_of({"frontend/b", "backend/a", "frontend/a"}).to_string() ==
          push::areas_of({"backend/x", "frontend/y"}).to_string());
}

TEST_CASE("a hook gets our line and loses it again, byte by byte") {
    const char* hooks[] = {"#!/bin/sh\necho mine\n",
                           "#!/bin/sh\n",
                           "#!/bin/sh",
                           "#!/usr/bin/env bash\nset -e\nexit 0",
                           "#!/usr/bin/env -S bash -e\nexit 0\n",
                           "npm test\n",
                           "",
                           "\n\n#!/bin/sh\n"};
    for (const char* hook : hooks) {
        CAPTURE(hook);
        auto installed = push::with_command(hook, "dodam hook run");
        REQUIRE(installed);
        CHECK(push::has_command(*installed));
        CHECK(installed->find("| dodam hook run ||") != std::string::npos);
        CHECK(push::without_command(*installed) == hook);
        // Again is no change; another command takes the place of the first.
        CHECK(push::with_command(*installed, "dodam hook run") == *installed);
        auto renewed = push::with_command(*installed, "dodam hook run --budget 30s");
        REQUIRE(renewed);
        CHECK(push::without_command(*renewed) == hook);
    }
    auto ours = push::with_command(std::nullopt, "dodam hook run");
    REQUIRE(ours);
    CHECK(ours->starts_with("#!/bin/sh\n"));
    CHECK(push::without_command(*ours) == std::nullopt);
    CHECK(push::with_command(*ours, "dodam hook run") == *ours);
    // Somebody wrote below it: that stays.
    CHECK(push::without_command(*ours + "echo mine\n") == "#!/bin/sh\necho mine\n");
    CHECK(push::without_command("#!/bin/sh\necho mine\n") == "#!/bin/sh\necho mine\n");

    for (const char* other : {"#!/usr/bin/env python3\n", "#!/usr/bin/node\nx\n", "#!\n"}) {
        CAPTURE(other);
        CHECK_FALSE(push::with_command(other, "dodam hook run"));
    }
    CHECK_FALSE(push::with_command(std::string_view("\x7f"
                                                    "ELF\0\1",
                                                    6),
                                   "dodam hook run"));
    CHECK(push::quoted("/a b/it's") == "'/a b/it'\\''s'");
}

TEST_CASE("a GO is remembered for exactly its inputs") {
    std::vector<push::Verdict> verdicts;
    CHECK(push::recall(verdicts, {inputs_of("a")}) == nullptr);
    CHECK(push::changed_since(verdicts, inputs_of("a")).empty());

    push::remember(verdicts, inputs_of("a"), 1, "c1", "r1");
    push::remember(verdicts, inputs_of("b", "backend"), 2, "c2", "r2");
    verdicts = push::read_verdicts(push::write_verdicts(verdicts));  // as it is kept
    REQUIRE(verdicts.size() == 2);
    REQUIRE(push::recall(verdicts, {inputs_of("a")}));
    CHECK(push::recall(verdicts, {inputs_of("a")})->run == "r1");
    CHECK(push::recall(verdicts, {inputs_of("b")}) == nullptr);  // part of it only
    CHECK(push::recall(verdicts, {inputs_of("a", "smoke"), inputs_of("a")})->commit == "c1");
    CHECK(push::changed_since(verdicts, inputs_of("c", "backend")) ==
          std::vector<std::string>{"files"});

    // The same again is newer, not twice; old ones go.
    push::remember(verdicts, inputs_of("a"), 3, "c1", "r3");
    REQUIRE(verdicts.size() == 2);
    CHECK(verdicts.front().run == "r3");
    for (size_t i = 0; i < push::kKeptVerdicts; ++i)
        push::remember(verdicts, inputs_of(fmt::format("n{}", i)), 4, "", "");
    CHECK(verdicts.size() == push::kKeptVerdicts);
    CHECK(push::recall(verdicts, {inputs_of("a")}) == nullptr);
}

TEST_CASE("inputs that differ anywhere have another key") {
    push::Inputs joined, split;
    joined.add("files", "a1:b");
    split.add("files", "a");
    split.add("b", "");
    const std::string keys[] = {inputs_of("a").key(), inputs_of("b").key(),
                                inputs_of("a", "x").key(), joined.key(), split.key()};
    for (size_t i = 0; i < std::size(keys); ++i)
        for (size_t j = 0; j < i; ++j)
            CHECK(keys[i] != keys[j]);
    CHECK(inputs_of("a", "x").with("selection", "").key() == inputs_of("a").key());
}

TEST_CASE("verdicts of another version, and what is none, are not remembered") {
    for (const char* text : {"", "{", "[]", R"({"version":2,"go":[{"key":"k"}]})",
                             R"({"version":1,"go":[{}]})", R"({"version":1})"}) {
        CAPTURE(text);
        CHECK(push::read_verdicts(text).empty());
    }
}

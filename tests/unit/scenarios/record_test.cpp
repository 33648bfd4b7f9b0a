// Reports made from a record, as they read.
#include "scenarios/runner/record.h"

#include <catch2/catch.hpp>

using namespace scenarios;
using base::Node;

namespace {

Node sample() {
    return *base::parse_json(
        R"J({"version": 1, "seed": "5eed", "exit": 1, "took_us": 1500000, "why_stopped": "the run's time is over (1 s)",
      "not_run": [{"id": "z", "file": "s/z.scenario.json", "scenario": "Never came"}],
      "scenarios": [
        {"id": "a", "row": "", "file": "s/a.scenario.json", "scenario": "It works", "outcome": "passed", "verdict": "", "took_us": 1000, "earlier": [],
         "steps": [{"number": "1", "name": "GET x:/", "outcome": "passed", "line": 3, "took_us": 900, "failures": []},
                   {"number": "2", "name": "later", "outcome": "known", "note": "BUG-1: why", "line": 4, "took_us": 1, "failures": []}]},
        {"id": "b", "row": "n=1", "file": "s/b,1.scenario.json", "scenario": "It | <b>breaks</b>", "outcome": "failed", "verdict": "", "took_us": 2000, "earlier": [],
         "story": "FAIL b\n</script><b>\n", "source": "{}",
         "steps": [{"number": "1", "name": "GET #1", "outcome": "failed", "line": 7, "took_us": 900, "note": "",
                    "failures": [{"query": "status", "message": "expected 200, got 503\n100%", "line": 7, "column": 9, "shown": "place", "differences": []}]}]}]})J");
}

}  // namespace

TEST_CASE("TAP reads so") {
    CHECK(tap_report(sample()) == R"(TAP version 14
1..3
# Subtest: a
    1..2
    ok 1 - 1 GET x:/
    not ok 2 - 2 later # TO)"
                                  R"(DO BUG-1: why
ok 1 - a: It works
# Subtest: b [n=1]
    1..1
    not ok 1 - 1 GET \#1
      ---
      message: "status: expected 200, got 503\n100%"
      at: { line: 7, column: 9 }
      ...
not ok 2 - b [n=1]: It | <b>breaks</b>
ok 3 - z # SKIP the run's time is over (1 s)
)");
}

TEST_CASE("GitHub's annotations read so, at most ten") {
    CHECK(github_annotations(sample()) ==
          "::error file=s/b%2C1.scenario.json,line=7,col=9,title=b [n=1]::status: expected 200, "
          "got 503%0A100%25\n");
    Node many = sample();
    for (int i = 0; i < 14; ++i) {
        Node copy = many["scenarios"].items()[1];
        many.find("scenarios")->push_back(std::move(copy));
    }
    const std::string text = github_annotations(many);
    CHECK(std::count(text.begin(), text.end(), '\n') == 10);
    CHECK(text.ends_with("(and 5 more)\n"));
}

TEST_CASE("the step summary reads so") {
    CHECK(github_summary(sample()) == R"(## dodam: no go

1 of 2 promises hold, 1.5 s, seed `5eed`

| | scenario | promise | time |
|---|---|---|---|
| passed | a | It works | 0.0 s |
| failed | b [n=1] | It \| &lt;b>breaks&lt;/b> | 0.0 s |
| not run | z | Never came | |

<details><summary>b [n=1]: status: expected 200, got 503 100%</summary>

````text
FAIL b
</script><b>
````
</details>
)");
}

TEST_CASE("nothing in a record ends the page's script") {
    const std::string page = html_report(sample());
    CHECK(page.find("\\u003c/script>\\u003cb>") != std::string::npos);
    CHECK(page.find("</script><b>") == std::string::npos);
    CHECK(page.find("@RECORD@") == std::string::npos);
    // Opens from disk without a network.
    CHECK(page.find("src=") == std::string::npos);
    CHECK(page.find("default-src 'none'") != std::string::npos);
}

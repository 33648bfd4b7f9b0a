// Conformance: every tests/conformance/SERVICE/TOPIC/CASE.json is a Catch2 case of its own, so it
// lists, filters and fails alone; every SERVICE has a checklist whose ids must be covered.
#define CATCH_CONFIG_RUNNER
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "base/text.h"
#include "checklist.h"
#include "scenarios/runner/report.h"
#include "scenarios/runner/runner.h"
#include "scenarios/runner/scenario.h"
#include "state/instance.h"
#include "worlds.h"

namespace {

namespace fs = std::filesystem;
using namespace conformance;

const std::string kCases = SOURCE_DIR "/tests/conformance";

// A function with its data, as Catch2 wants it.
class Invoker final : public Catch::ITestInvoker {
  public:
    explicit Invoker(std::function<void()> run) : run_(std::move(run)) {}
    void invoke() const override { run_(); }

  private:
    std::function<void()> run_;
};

void add(const std::string& name, const std::string& tags, const std::string& file,
         std::function<void()> run) {
    // Catch2 keeps the pointer to the file's name.
    static std::list<std::string> files;
    Catch::getMutableRegistryHub().registerTest(Catch::makeTestCase(
        new Invoker(std::move(run)), "", {name, tags}, {files.emplace_back(file).c_str(), 1}));
}

// `given` is what a scenario without one of its own runs on.
void run_case(Worlds& worlds, const std::string& file, const base::Node& given) {
    scenarios::Loaded loaded = scenarios::load_scenario(file, {});
    for (const auto& problem : loaded.problems)
        UNSCOPED_INFO(scenarios::show(loaded.scenario.source, problem));
    if (!loaded.problems.empty()) FAIL("the case is no scenario");
    const Worlds::Place place =
        worlds.place(loaded.scenario.given.is_null() ? given : loaded.scenario.given);
    // The names of its stack are checked once there is one.
    loaded = scenarios::load_scenario(file, {&place.world.stack, {}});
    for (const auto& problem : loaded.problems)
        UNSCOPED_INFO(scenarios::show(loaded.scenario.source, problem));
    if (!loaded.problems.empty()) FAIL("the case names what its stack has not");
    for (const auto& result : scenarios::run_scenario(loaded.scenario, place.world, worlds.clock(),
                                                      {.seed = loaded.scenario.id}, place.origin)) {
        if (result.outcome == scenarios::Outcome::Failed)
            FAIL(scenarios::show_result(result, place.world, {}));
        SUCCEED();
    }
}

void check_coverage(const std::string& service) {
    std::map<std::string, std::vector<std::string>> covers;
    for (const auto& file : scenarios::find_scenario_files({kCases + "/" + service})) {
        const auto loaded = scenarios::load_scenario(file, {});
        for (const auto& id : loaded.scenario.covers)
            covers[id].push_back(loaded.scenario.id);
    }
    // A service without a checklist has nothing that a case could cover.
    const Checklist checklist =
        parse_checklist(state::read_file(kCases + "/" + service + "/CHECKLIST.md").value_or(""));
    const auto problems = coverage_problems(checklist, covers);
    for (const auto& problem : problems)
        UNSCOPED_INFO(problem);
    CHECK(problems.empty());
    const auto deferred = std::count_if(
        checklist.lines.begin(), checklist.lines.end(),
        [](const auto& line) { return line.second.place == ChecklistLine::Place::Deferred; });
    WARN(fmt::format("{}: {} assertions, {} of them deferred, {} covered by cases", service,
                     checklist.lines.size(), deferred, covers.size()));
}

// Scenarios for users to run against their instance, and run here so that they hold.
struct Guide {
    const char* folder;
    std::vector<std::pair<std::string, base::Node>> overlay;  // of the dodam.json beside them
};

void register_guides(Worlds& worlds) {
    const Guide guides[] = {
        {"surprises",
         {{"distributions.front.config.Origins.Items.api.CustomOriginConfig.HTTPPort",
           "{{origin.port}}"}}},
        {"deployments", {}}};
    for (const Guide& guide : guides) {
        base::Node given =
            base::Node::object({{"stack", fmt::format("scenarios/{}/dodam.json", guide.folder)}});
        for (const auto& [path, value] : guide.overlay)
            given.set(path, value);
        for (const auto& file : scenarios::find_scenario_files(
                 {fmt::format("{}/scenarios/{}", SOURCE_DIR, guide.folder)})) {
            std::string name = fs::relative(file, SOURCE_DIR "/scenarios").string();
            name.resize(name.size() - std::string_view(".scenario.json").size());
            add(name, fmt::format("[{}]", guide.folder), file,
                [&worlds, file, given] { run_case(worlds, file, given); });
        }
    }
}

void register_all(Worlds& worlds) {
    const base::Node empty = base::Node::object({{"stack", "empty"}});
    std::vector<std::string> services;
    for (const auto& entry : fs::directory_iterator(kCases))
        if (entry.is_directory()) services.push_back(entry.path().filename().string());
    std::sort(services.begin(), services.end());
    for (const std::string& service : services) {
        const std::string home = kCases + "/" + service;
        for (const auto& file : scenarios::find_scenario_files({home})) {
            std::string name = fs::relative(file, kCases).string();
            name.resize(name.size() - std::string_view(".scenario.json").size());
            std::string tags = "[" + service + "]";
            for (const auto& tag : scenarios::load_scenario(file, {}).scenario.tags)
                tags += "[" + tag + "]";
            add(name, tags, file, [&worlds, file, empty] { run_case(worlds, file, empty); });
        }
        add(service + ": every assertion of its checklist has a place",
            "[" + service + "][coverage]", home + "/CHECKLIST.md",
            [service] { check_coverage(service); });
    }
}

}  // namespace

TEST_CASE("a checklist says what is uncovered, unknown, twice there or deferred for no reason",
          "[coverage]") {
    const auto list = parse_checklist(
        "# S3\n- 1 unit\n- 2\n- 3 case\n- 4 deferred: later\n- 5 deferred\n- 2 e2e\n- 6 "
        "nowhere\nwords\n- a list of words\n");
    CHECK(list.lines.size() == 6);
    CHECK(list.problems ==
          std::vector<std::string>{"line 6: 5 is deferred without a reason",
                                   "line 7: 2 is listed twice",
                                   "line 8: \"nowhere\" is no place: unit, e2e, case or deferred"});
    const auto problems =
        coverage_problems(parse_checklist("- 1 unit\n- 2\n- 3 case\n- 4 deferred: later\n"),
                          {{"2", {"a"}}, {"9", {"b"}}});
    CHECK(problems == std::vector<std::string>{"3 is covered by no case",
                                               "9 is not in the checklist, but covered by b"});
}

int main(int argument_count, char** arguments) {
    Catch::Session session;
    if (const int wrong = session.applyCommandLine(argument_count, arguments)) return wrong;
    Worlds worlds;
    register_all(worlds);
    register_guides(worlds);
    return session.run();
}

// Worlds: where scenarios run. The instance itself (--here), or processes of their own that start
// from the instance's baseline. Source: DECISIONS 12.
#pragma once
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/process.h"
#include "commands/client.h"
#include "commands/scenarios.h"
#include "scenarios/runner/session.h"

namespace commands {

// What the instance behind a state directory is to scenarios. An error is printed; it is the exit
// code.
std::expected<scenarios::WorldSource::Place, int> place_of(const state::InstanceInfo& info,
                                                           const std::string& directory);

// The running instance: one world, never reset.
class HereSource final : public scenarios::WorldSource {
  public:
    HereSource(Place place, std::shared_ptr<scenarios::ScriptedOrigin> origin);
    std::string kind_of(const scenarios::Scenario&) const override { return {}; }
    std::expected<Place, Problem> prepare(size_t worker, const scenarios::Scenario&) override;
    void finished(size_t, const scenarios::ScenarioResult&, After) override {}

  private:
    Place place_;
};

// `dodam up` for a process that nobody else finds: a state directory of its own, free ports.
std::vector<std::string> world_command(const std::string& self, const std::string& directory,
                                       const std::string& speed, const std::string& runtime);

struct WorldOptions {
    std::string instance;    // its state directory; need not exist
    std::string stack_file;  // "" = none
    std::string runtime = "auto";
    double speed = 20;
    std::shared_ptr<scenarios::ScriptedOrigin> origin;
    std::function<void(const std::string&)> say = [](const std::string&) {};
};

// Worlds: an emulator each, below `<state>/worlds`, made from the instance's baseline (what was
// deployed there, with a fresh database and cache) and an overlay, kept running for the next run.
// Between scenarios only what is dirty goes back; what cannot is made anew.
class Worlds final : public scenarios::WorldSource {
  public:
    Worlds(WorldOptions options, base::Clock& clock);
    ~Worlds() override;

    std::string kind_of(const scenarios::Scenario& scenario) const override;
    std::expected<Place, Problem> prepare(size_t worker,
                                          const scenarios::Scenario& scenario) override;
    void finished(size_t worker, const scenarios::ScenarioResult& result, After after) override;

    // Directories of the worlds that were kept for a look, with the scenario's id.
    const std::vector<std::pair<std::string, std::string>>& kept() const { return kept_; }

  private:
    struct World;
    std::expected<World*, std::string> hold(size_t worker, const std::string& overlay);
    std::expected<void, Problem> build(World& world, const scenarios::Scenario& scenario);
    void in_use(size_t worker, World* world);
    bool go_back(World& world);
    std::expected<void, std::string> steady(World& world);
    std::string fingerprint(const scenarios::Scenario& scenario);

    WorldOptions options_;
    base::Clock& clock_;
    base::Spawner spawner_;
    std::string baseline_;  // digest of the instance, read once
    std::mutex mutex_;
    std::map<std::pair<size_t, std::string>, std::unique_ptr<World>> worlds_;
    std::map<size_t, World*> in_use_;
    std::vector<std::pair<std::string, std::string>> kept_;
};

// The stack file's own files named so that a copy of it elsewhere finds them, with the overlay.
std::expected<base::Node, std::string> overlaid_stack(const std::string& stack_file,
                                                      const base::Node& overlay);

}  // namespace commands

// Worlds: where scenarios run. The instance itself (--here), or processes of their own that start
// from the instance's baseline. Source: DECISIONS 12.
#pragma once
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
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
    std::expected<Place, std::string> prepare(size_t worker, const scenarios::Scenario&) override;
    void finished(size_t, const scenarios::ScenarioResult&, After) override {}

  private:
    Place place_;
};

}  // namespace commands

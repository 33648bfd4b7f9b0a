// Worlds: emulators in this process, one per "given", made when first needed and kept: between
// cases only what a case can dirty is emptied.
#pragma once
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "scenarios/runner/scripted_origin.h"
#include "scenarios/runner/world.h"

namespace conformance {

class Worlds {
  public:
    Worlds();
    ~Worlds();

    struct Place {
        scenarios::World world;
        std::shared_ptr<scenarios::ScriptedOrigin> origin;
    };
    // `given`: {"stack": NAME of fixtures/stacks or FILE of the checkout, and an overlay: path →
    // value}. {{origin.port}} in the stack is the scripted origin's; a repository "probe" holds the
    // probe's image as latest (tests/probe). Throws std::runtime_error with one sentence.
    Place place(const base::Node& given);
    base::Clock& clock() { return clock_; }

  private:
    struct Running;
    base::SystemClock clock_;
    std::map<std::string, std::unique_ptr<Running>> running_;
};

}  // namespace conformance

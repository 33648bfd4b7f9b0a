// BuildRunner: RUN inside the image that is being built, in the same sandbox as a task, root of its
// own users. Its network is a task's, empty, with one difference: the allowed registries answer
// behind the gateway, relayed byte for byte (decision 27). Every other name is refused and
// reported.
#pragma once
#include <string>
#include <vector>

#include "base/process.h"
#include "oci/layer_store.h"
#include "oci/step_runner.h"

namespace containers {

struct BuildRunnerOptions {
    std::string holder;  // path of dodam-holder; "" = find_holder()
    // Hosts that a step may reach, on ports 80 and 443.
    std::vector<std::string> hosts = {"registry.npmjs.org", "deb.debian.org",
                                      "security.debian.org"};
};

class BuildRunner final : public oci::StepRunner {
  public:
    BuildRunner(base::Spawner& spawner, const oci::LayerStore& store,
                BuildRunnerOptions options = {})
        : spawner_(spawner), store_(store), options_(std::move(options)) {}
    std::expected<oci::RunOutcome, std::string> run(const oci::RunStep& step,
                                                    oci::BuildLog& log) override;

  private:
    base::Spawner& spawner_;
    const oci::LayerStore& store_;
    BuildRunnerOptions options_;
};

}  // namespace containers

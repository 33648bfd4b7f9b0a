// Deployed: the deployed stack as the checks ask it, while its world lives.
#pragma once
#include <vector>

#include "commands/client.h"
#include "commands/gate/stages.h"
#include "scenarios/checks/checks.h"
#include "scenarios/checks/observed.h"
#include "scenarios/checks/repository.h"
#include "scenarios/checks/served.h"

namespace commands {

class Deployed {
  public:
    Deployed(const Gate& gate, const checks::Repository& repository, const Client& client);

    const base::Node& status() const { return status_; }

    // What a browser would find out about what was built.
    std::vector<checks::Finding> served() const;

    // What the run's own requests show.
    std::vector<checks::Finding> observed(const base::Node& record);

    // The last thing that is done to the world: afterwards tasks may be unhealthy.
    std::vector<checks::Finding> without_database() const;

  private:
    checks::Ask ask() const;

    // What the stack remembers since the deploy, page by page.
    std::vector<base::Node> spans() const;

    const Client& client_;
    checks::Project project_;
    base::Node status_;
    int64_t before_ = 0;
};

}  // namespace commands

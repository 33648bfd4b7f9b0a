// ClosedSpace: where the programs of a workflow's steps run: this machine's own tools, to be read
// only, in a network in which nothing answers but what is relayed (decision 25). Programs share a
// space as the steps of a job share a runner: what one leaves running, the next one finds.
#pragma once
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/thread.h"
#include "containers/closed_network.h"
#include "containers/holder_client.h"

namespace containers {

struct ClosedSpaceOptions {
    std::string holder;  // path of dodam-holder; "" = find_holder()
    std::vector<std::string> writable,
        readable;  // directories; the rest of the machine is read-only, /tmp is empty
    std::vector<Relay> relays;
};

class ClosedSpace {
  public:
    // An error is one sentence: namespaces are refused, with the setting.
    static std::expected<std::unique_ptr<ClosedSpace>, std::string> open(
        base::Spawner& spawner, const ClosedSpaceOptions& options);
    ~ClosedSpace();

    struct Program {
        std::string name;
        int pidfd = -1;
        std::vector<int> outputs;  // read ends; the caller closes all three
    };
    std::expected<Program, std::string> start(const std::vector<std::string>& command,
                                              const std::map<std::string, std::string>& environment,
                                              const std::string& directory);
    // Exit code, 128 + signal; nothing while it runs.
    std::optional<int> wait(const std::string& name, std::chrono::milliseconds at_most);
    // To the program's whole session.
    void signal(const Program& program, int number);

    std::vector<std::string> refused_names() const { return network_.refused_names(); }

  private:
    ClosedSpace() = default;
    void hear();
    std::shared_ptr<HolderClient> client_;
    ClosedNetwork network_;
    std::atomic<bool> stopping_{false};
    base::Thread hearing_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, int> ended_;
    bool gone_ = false;
    unsigned next_ = 0;
};

}  // namespace containers

#include "containers/build_runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>

#include "base/result.h"
#include "base/thread.h"
#include "containers/closed_network.h"
#include "containers/container_plan.h"
#include "containers/holder/wire.h"
#include "containers/holder_client.h"
#include "containers/line_splitter.h"

namespace containers {
namespace {

constexpr const char* kAddress = "10.0.0.10";

void put_pair(std::string& out, std::string_view key, std::string_view value) {
    holder::put(out, key);
    holder::put(out, value);
}

// One RUN while it runs.
class Step {
  public:
    Step(base::Spawner& spawner, const oci::LayerStore& store, const BuildRunnerOptions& options,
         const oci::RunStep& step, oci::BuildLog& log)
        : spawner_(spawner),
          store_(store),
          options_(options),
          step_(step),
          log_(log),
          name_(oci::LayerStore::temporary_name()),
          directory_(store.directory() + "/tasks/" + name_) {}

    ~Step() {
        network_.reset();
        if (client_) client_->close();
        stopping_ = true;
        hearing_.join();
        oci::remove_tree(directory_);
    }

    std::expected<oci::RunOutcome, std::string> run() {
        bool one = store_.ownership() == oci::Ownership::Own;
        for (const std::string& path : {directory_, directory_ + "/upper", directory_ + "/work"}) {
            if (::mkdir(path.c_str(), 0755) < 0)
                return std::unexpected(path + " cannot be made: " + strerror(errno));
            if (!one) (void)!::chown(path.c_str(), holder::kFirstIdentity, holder::kFirstIdentity);
        }
        client_ = TRY(HolderClient::start(
            spawner_, {.program = options_.holder.empty() ? find_holder() : options_.holder,
                       .directory = store_.layers_directory(),
                       .address = kAddress,
                       .one_identity = one}));
        hearing_ = base::Thread("build", [this] { hear(); });
        network_ = std::make_unique<ClosedNetwork>();
        TRY(network_->open(*client_, relays_of(options_.hosts)));
        HolderClient::Reply reply = client_->run("run", describe(one), {});
        if (reply.code) return std::unexpected(reply.text);
        ::close(reply.descriptors[0]);
        follow(reply.descriptors[1], reply.descriptors[2]);

        oci::RunOutcome outcome;
        while (status_.load() < 0 && !stopping_)
            status_.wait(-1);
        int status = status_.load();
        outcome.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        outcome.refused_names = network_->refused_names();
        client_->close();  // and with it the mount whose upper directory is taken next
        outcome.changes = store_.scratch_path();
        if (::rename((directory_ + "/upper").c_str(), outcome.changes.c_str()) < 0)
            return std::unexpected("the changes of the step cannot be kept: " +
                                   std::string(strerror(errno)));
        return outcome;
    }

  private:
    // Replies and the exit arrive here.
    void hear() {
        while (!stopping_) {
            pollfd wait{client_->descriptor(), POLLIN, 0};
            if (::poll(&wait, 1, 1000) <= 0) continue;
            auto event = client_->receive();
            if (!event) continue;
            bool gone = event->kind == HolderEvent::Kind::Gone;
            int expected = -1;
            status_.compare_exchange_strong(expected, gone ? SIGKILL : event->wait_status);
            status_.notify_all();
            if (gone) return;
        }
    }

    std::string describe(bool one) const {
        std::string out;
        ContainerOptions defaults;
        defaults.name = "run";
        defaults.command = step_.command;
        auto plan = plan_container(defaults);
        for (const std::string& word : step_.command)
            put_pair(out, "arg", word);
        for (const std::string& entry : step_.environment)
            put_pair(out, "env", entry);
        if (plan)
            for (const std::string& name : plan->capabilities)
                put_pair(out, "capability", name);
        for (size_t i = step_.layers.size(); i-- > 0;)
            if (std::find(step_.layers.begin() + static_cast<long>(i) + 1, step_.layers.end(),
                          step_.layers[i]) == step_.layers.end())
                put_pair(out, "layer", oci::LayerStore::name_of(step_.layers[i]));
        put_pair(out, "upper", "../tasks/" + name_ + "/upper");
        put_pair(out, "work", "../tasks/" + name_ + "/work");
        put_pair(out, "cwd", step_.working_directory);
        put_pair(out, "user", step_.user);
        put_pair(out, "hostname", "buildkitsandbox");
        put_pair(out, "identities", one ? "one" : "range");
        for (const auto& [path, content] :
             {std::pair<const char*, std::string>{"/etc/hosts",
                                                  network_->hosts_file("buildkitsandbox")},
              {"/etc/resolv.conf", ClosedNetwork::resolver_file()}}) {
            put_pair(out, "file", path);
            put_pair(out, "mode", "644");
            put_pair(out, "content", content);
        }
        return out;
    }

    // Output to the log until the step has closed both outputs.
    void follow(int output, int error) {
        pollfd waits[2] = {{output, POLLIN, 0}, {error, POLLIN, 0}};
        LineSplitter lines[2];
        while (waits[0].fd >= 0 || waits[1].fd >= 0) {
            if (::poll(waits, 2, -1) < 0) continue;
            for (int i = 0; i < 2; ++i) {
                if (waits[i].fd < 0 || !waits[i].revents) continue;
                char bytes[16 * 1024];
                ssize_t got = ::read(waits[i].fd, bytes, sizeof bytes);
                for (const std::string& line :
                     got > 0 ? lines[i].feed({bytes, static_cast<size_t>(got)}) : lines[i].finish())
                    log_.line("  " + line);
                if (got > 0) continue;
                ::close(waits[i].fd);
                waits[i].fd = -1;
            }
        }
    }

    base::Spawner& spawner_;
    const oci::LayerStore& store_;
    const BuildRunnerOptions& options_;
    const oci::RunStep& step_;
    oci::BuildLog& log_;
    std::string name_, directory_;
    std::shared_ptr<HolderClient> client_;
    base::Thread hearing_;
    std::atomic<bool> stopping_{false};
    std::atomic<int> status_{-1};
    std::unique_ptr<ClosedNetwork> network_;
};

}  // namespace

std::expected<oci::RunOutcome, std::string> BuildRunner::run(const oci::RunStep& step,
                                                             oci::BuildLog& log) {
    return Step(spawner_, store_, options_, step, log).run();
}

}  // namespace containers

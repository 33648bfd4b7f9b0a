#include "containers/build_runner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>

#include "base/result.h"
#include "base/text.h"
#include "base/thread.h"
#include "containers/container_plan.h"
#include "containers/holder/wire.h"
#include "containers/holder_client.h"
#include "containers/line_splitter.h"
#include "http/tunnel.h"
#include "net/dial.h"
#include "net/listener.h"

namespace containers {
namespace {

using std::chrono::seconds;

constexpr seconds kDial{20};
constexpr seconds kRelaySilence{120};
constexpr const char* kAddress = "10.0.0.10";

void put_pair(std::string& out, std::string_view key, std::string_view value) {
    holder::put(out, key);
    holder::put(out, value);
}

// The address that the host has in the step's network.
std::string address_of(size_t index) {
    return "198.18.0." + std::to_string(index + 1);
}

void relay(net::Socket& step, const std::string& host, uint16_t port) {
    auto world = net::dial(host, port, net::Deadline::after(kDial));
    if (!world) return step.reset();
    (void)http::run_tunnel(step, "", *world, "", kRelaySilence);
}

// Answers one DNS query: allowed names have their address, all others do not exist (RFC 1035 §4.1).
// "" when it is no query; `name` is what was asked for.
std::string answer_query(std::string_view query, const std::vector<std::string>& hosts,
                         std::string& name, bool& known) {
    if (query.size() < 17 || (query[2] & 0x80)) return "";
    size_t at = 12;
    name.clear();
    while (at < query.size() && query[at] != 0) {
        size_t length = static_cast<unsigned char>(query[at]);
        if (length > 63 || at + 1 + length >= query.size()) return "";
        name += (name.empty() ? "" : ".") + base::lower(query.substr(at + 1, length));
        at += 1 + length;
    }
    if (at + 5 > query.size()) return "";
    unsigned type =
        static_cast<unsigned char>(query[at + 1]) << 8 | static_cast<unsigned char>(query[at + 2]);
    size_t index = static_cast<size_t>(std::ranges::find(hosts, name) - hosts.begin());
    known = index < hosts.size();
    bool has_address = known && type == 1;
    std::string out(query.substr(0, at + 5));
    out[2] = static_cast<char>(0x84 | (query[2] & 0x01));  // an authoritative answer
    out[3] = static_cast<char>(known ? 0x80 : 0x83);       // NXDOMAIN
    out[7] = has_address ? 1 : 0;
    out[8] = out[9] = out[10] = out[11] = 0;
    if (has_address) {
        in_addr address{};
        ::inet_pton(AF_INET, address_of(index).c_str(), &address);
        out += std::string("\xC0\x0C\x00\x01\x00\x01\x00\x00\x00\x3C\x00\x04", 12);
        out.append(reinterpret_cast<const char*>(&address), 4);
    }
    return out;
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
        for (auto& listener : listeners_)
            listener->stop();
        if (client_) client_->close();
        stopping_ = true;
        hearing_.join();
        if (names_ >= 0) ::close(names_);
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
        TRY(open_network());
        HolderClient::Reply reply = client_->run("run", describe(one), {});
        if (reply.code) return std::unexpected(reply.text);
        ::close(reply.descriptors[0]);
        follow(reply.descriptors[1], reply.descriptors[2]);

        oci::RunOutcome outcome;
        while (status_.load() < 0 && !stopping_)
            status_.wait(-1);
        int status = status_.load();
        outcome.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        outcome.refused_names = refused_;
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

    std::expected<void, std::string> open_network() {
        auto lifted = [](const net::Error& error) { return std::unexpected(error.text); };
        for (size_t i = 0; i < options_.hosts.size(); ++i)
            for (uint16_t port : {80, 443}) {
                auto listener = client_->listen(*net::Address::tcp(address_of(i), port));
                if (!listener) return lifted(listener.error());
                listeners_.push_back(net::Listener::adopt(
                    *listener, "relay", [host = options_.hosts[i], port](net::Socket& socket) {
                        relay(socket, host, port);
                    }));
                listeners_.back()->start();
            }
        auto names = client_->udp(*net::Address::tcp("169.254.169.253", 53));
        if (!names) return lifted(names.error());
        names_ = *names;
        return {};
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
        std::string hosts = "127.0.0.1 localhost buildkitsandbox\n";
        for (size_t i = 0; i < options_.hosts.size(); ++i)
            hosts += address_of(i) + " " + options_.hosts[i] + "\n";
        for (const auto& [path, content] :
             {std::pair<const char*, std::string>{"/etc/hosts", hosts},
              {"/etc/resolv.conf", "nameserver 169.254.169.253\noptions timeout:2 attempts:1\n"}}) {
            put_pair(out, "file", path);
            put_pair(out, "mode", "644");
            put_pair(out, "content", content);
        }
        return out;
    }

    // Output to the log, queries to answers, until the step has closed both outputs.
    void follow(int output, int error) {
        pollfd waits[3] = {{output, POLLIN, 0}, {error, POLLIN, 0}, {names_, POLLIN, 0}};
        LineSplitter lines[2];
        while (waits[0].fd >= 0 || waits[1].fd >= 0) {
            if (::poll(waits, 3, -1) < 0) continue;
            if (waits[2].revents) answer();
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

    void answer() {
        char query[1500];
        sockaddr_in from{};
        socklen_t size = sizeof from;
        ssize_t got = ::recvfrom(names_, query, sizeof query, MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&from), &size);
        if (got <= 0) return;
        std::string name;
        bool known = false;
        std::string reply =
            answer_query({query, static_cast<size_t>(got)}, options_.hosts, name, known);
        if (reply.empty()) return;
        // Service records of allowed hosts (apt asks for _http._tcp.…) are no names that somebody
        // misses.
        if (!known && !name.starts_with('_') &&
            std::ranges::find(refused_, name) == refused_.end() && refused_.size() < 20)
            refused_.push_back(name);
        (void)!::sendto(names_, reply.data(), reply.size(), MSG_DONTWAIT,
                        reinterpret_cast<sockaddr*>(&from), size);
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
    std::vector<std::unique_ptr<net::Listener>> listeners_;
    int names_ = -1;
    std::vector<std::string> refused_;
};

}  // namespace

std::expected<oci::RunOutcome, std::string> BuildRunner::run(const oci::RunStep& step,
                                                             oci::BuildLog& log) {
    return Step(spawner_, store_, options_, step, log).run();
}

}  // namespace containers

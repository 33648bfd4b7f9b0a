// Redis as a child process, configured as ElastiCache Serverless presents it.
#include "backing/redis.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "backing/redis_command.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/text.h"

namespace backing {
namespace {

namespace fs = std::filesystem;

// Debian's redis-tools carries the server under the name of its check tool; it acts by the name it
// is called by, and installs no system service.
constexpr const char* kPrograms[] = {"/usr/bin/redis-server", "/usr/bin/redis-check-rdb"};
constexpr auto kConnectWait = std::chrono::seconds(5);
constexpr auto kStartWait = std::chrono::seconds(10);
constexpr auto kStopWait = std::chrono::seconds(5);
constexpr int kStarts = 4;  // the bus's port may be taken between our choice and Redis's bind

std::string configuration(const CacheSpec& spec, const std::string& directory,
                          const std::string& socket, const std::string& acl) {
    std::string text = fmt::format(
        "port 0\nunixsocket {}\nunixsocketperm 700\ndir {}\nsave \"\"\nappendonly no\naclfile "
        "{}\nbind 127.0.0.1\n"
        "daemonize no\nlogfile {}/redis.log\n",
        socket, directory, acl, directory);
    if (spec.cluster_mode) {
        // The cluster's bus wants a port even when nobody else is in the cluster. Below what the
        // kernel gives to outgoing connections.
        const int bus = 20000 + static_cast<int>(base::random_below(12000));
        text += fmt::format(
            "cluster-enabled yes\ncluster-config-file nodes.conf\ncluster-port "
            "{}\ncluster-require-full-coverage no\n"
            "cluster-announce-hostname {}\ncluster-preferred-endpoint-type "
            "hostname\ncluster-announce-port {}\ncluster-announce-tls-port {}\n",
            bus, spec.host, spec.port, spec.port);
    }
    return text;
}

// A master that starts again is not writable for 2 s, so that a cluster of several can agree on it;
// there is nobody to agree with here. So the node starts as the replica of a master that does not
// exist and takes its place: every slot is its own at once. The state file says who is who.
struct Nodes {
    std::string own = base::random_hex(40), absent = base::random_hex(40);

    std::string state_file() const {
        return fmt::format(
            "{0} :0@0 myself,slave {1} 0 0 1 connected\n"
            "{1} :0@0 master,noaddr - 0 0 1 disconnected 0-16383\n"
            "vars currentEpoch 1 lastVoteEpoch 0\n",
            own, absent);
    }
};

// The last complaint of Redis's log ("… # Failed listening on port 20001 (tcp), aborting.").
std::string last_complaint(const std::string& file) {
    const std::string text = state::read_file(file).value_or("");
    std::string out;
    for (auto line : base::split(text, '\n'))
        if (auto at = line.find(" # "); at != std::string_view::npos)
            out = std::string(line.substr(at + 3));
    return out;
}

std::string acl_file(const CacheSpec& spec, const std::string& admin_user,
                     const std::string& admin_password) {
    auto sha = [](const std::string& password) { return base::sha256_hex(password); };
    std::string text =
        spec.default_user ? "user default on nopass ~* &* +@all\n" : "user default off\n";
    text += fmt::format("user {} on #{} ~* &* +@all\n", admin_user, sha(admin_password));
    if (!spec.user.empty())
        text += fmt::format("user {} {}\n", spec.user, base::join(redis_user_rules(spec), " "));
    return text;
}

}  // namespace

std::string redis_program() {
    for (const char* program : kPrograms)
        if (::access(program, X_OK) == 0) return program;
    return {};
}

Redis::Redis(base::Spawner& spawner, std::string directory, std::string sockets)
    : spawner_(spawner),
      directory_(std::move(directory)),
      sockets_(std::move(sockets)),
      admin_password_(base::random_hex(32)) {}

bool Redis::is_running() const {
    std::lock_guard lock(mutex_);
    return server_ && !server_->wait(std::chrono::milliseconds(0));
}

std::expected<std::string, std::string> Redis::command(const std::vector<std::string>& words) {
    return redis_command(door(), words);
}

net::Result<net::Socket> Redis::connect() {
    auto path = net::Address::unix_path(socket());
    return net::Socket::connect(*path, net::Deadline::after(kConnectWait));
}

std::expected<void, state::Problem> Redis::start(const CacheSpec& spec) {
    const std::string program = redis_program();
    if (program.empty())
        return std::unexpected(state::Problem{
            "the Redis server is missing: apt-get install redis-tools, or use --backing compose"});
    if (base::split(spec.user, ' ').size() > 1)
        return std::unexpected(state::Problem{"cache.user must be one word", 2});
    std::error_code error;
    fs::create_directories(directory_, error);
    if (error)
        return std::unexpected(
            state::Problem{fmt::format("cannot make {}: {}", directory_, error.message())});
    const std::string starting = sockets_ + "/redis-starting.sock";
    const Nodes nodes;

    const std::string acl = directory_ + "/users.acl", file = directory_ + "/redis.conf";
    if (auto written = state::write_file(acl, acl_file(spec, admin_user_, admin_password_), 0600);
        !written)
        return std::unexpected(state::Problem{written.error()});
    std::unique_ptr<base::Process> process;
    auto launch = [&]() -> std::expected<void, state::Problem> {
        for (const auto& [name, text] :
             {std::pair{file, configuration(spec, directory_, starting, acl)},
              {directory_ + "/nodes.conf", spec.cluster_mode ? nodes.state_file() : ""}})
            if (auto written = state::write_file(name, text, 0600); !written)
                return std::unexpected(state::Problem{written.error()});
        base::ProcessOptions options;
        options.command = {program, file};
        options.argv0 = "redis-server";
        auto spawned = spawner_.spawn(std::move(options));
        if (!spawned)
            return std::unexpected(
                state::Problem{"Redis could not be started: " + spawned.error()});
        process = std::move(*spawned);
        return {};
    };
    TRY(launch());

    base::SystemClock clock;
    const base::Time end = clock.now() + kStartWait;
    const Door door{starting, admin_user_, admin_password_};
    bool is_master = !spec.cluster_mode;
    for (int starts = 1; clock.now() < end;) {
        if (auto code = process->wait(std::chrono::milliseconds(5))) {
            const std::string complaint = last_complaint(directory_ + "/redis.log");
            if (++starts > kStarts || complaint.find("istening on port") == std::string::npos)
                return std::unexpected(state::Problem{
                    fmt::format("Redis ended at once with {}: {} (its log is {}/redis.log)", *code,
                                complaint, directory_)});
            TRY(launch());
            is_master = !spec.cluster_mode;
            continue;
        }
        if (!is_master) {
            is_master = redis_command(door, {"CLUSTER", "FAILOVER", "TAKEOVER"}).has_value();
            continue;
        }
        if (spec.cluster_mode) (void)redis_command(door, {"CLUSTER", "FORGET", nodes.absent});
        auto info = redis_command(door, {"CLUSTER", "INFO"});
        const bool ready = spec.cluster_mode
                               ? info && info->find("cluster_state:ok") != std::string::npos
                               : redis_command(door, {"PING"}).has_value();
        if (!ready) continue;
        // Nobody meets it before.
        fs::rename(starting, socket(), error);
        if (error)
            return std::unexpected(
                state::Problem{fmt::format("cannot make {}: {}", socket(), error.message())});
        std::lock_guard lock(mutex_);
        server_ = std::move(process);
        return {};
    }
    return std::unexpected(
        state::Problem{fmt::format("Redis was not ready within {} s; its log is {}/redis.log",
                                   kStartWait.count(), directory_)});
}

std::expected<void, std::string> Redis::reset() {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"FLUSHALL"}, {"SCRIPT", "FLUSH"}, {"FUNCTION", "FLUSH"}})
        if (auto done = command(words); !done) return std::unexpected(done.error());
    return {};
}

void Redis::stop() {
    std::unique_ptr<base::Process> server;
    {
        std::lock_guard lock(mutex_);
        server = std::move(server_);
    }
    if (!server) return;
    server->signal(SIGTERM);
    if (!server->wait(kStopWait)) server->signal(SIGKILL);
}

}  // namespace backing

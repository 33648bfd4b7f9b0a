// The composition root. Order of the members is order of construction; stop() goes the other way round.
#include "emulator.h"

#include <unistd.h>

#include <atomic>
#include <mutex>

#include <fmt/format.h>

#include "aws/access_keys.h"
#include "aws/gateway.h"
#include "backing/mariadb.h"
#include "backing/redis.h"
#include "base/date.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/process.h"
#include "base/result.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/trace.h"
#include "cloudfront/control_plane.h"
#include "console/console.h"
#include "faults/faults.h"
#include "http/server.h"
#include "http/upstream.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "stack/api_client.h"
#include "stack/apply.h"
#include "stack/attributes.h"
#include "stack/stack_file.h"
#include "state/database.h"
#include "sts/control_plane.h"
#include "taps/mysql.h"
#include "taps/redis.h"
#include "taps/tap.h"

namespace {

using base::Node;

constexpr size_t kCacheMemoryBytes = 64 << 20;
constexpr uint64_t kCacheDiskBytes = 1ull << 30;
constexpr auto kDrain = std::chrono::milliseconds(500);

// Everything by Host: distributions, load balancers, websites, else CloudFront's own 403.
class ViewerPort final : public http::Handler {
  public:
    void handle(http::Exchange& exchange) override {
        http::ResponseHead head{403};
        head.headers.add("Content-Type", "text/plain");
        (void)exchange.respond(head, "no distribution answers to this Host\n");
    }
};

std::string show_problems(const std::string& file, const std::vector<stack::Problem>& problems) {
    const std::string text = state::read_file(file).value_or("");
    std::string out = problems.size() == 1 ? "the stack file has a problem; nothing was started\n"
                                           : fmt::format("the stack file has {} problems; nothing was started\n", problems.size());
    for (const auto& problem : problems) out += stack::show(file, text, problem);
    out.pop_back();
    return out;
}

std::string url_of(const net::Address& address, std::string_view scheme) { return fmt::format("{}://{}", scheme, address.to_string()); }

}  // namespace

struct Emulator::Inside {
    Inside(state::StateDirectory given, stack::Stack what, std::unique_ptr<state::Database> opened)
        : directory(std::move(given)), stack(std::move(what)), ids(stack.account, stack.region), database(std::move(opened)) {
        stack::pin_all(ids, stack.root);
    }

    // ---- What everything stands on ----
    state::StateDirectory directory;
    stack::Stack stack;
    base::SystemClock clock;
    base::Ids ids;
    base::TraceRing traces;
    faults::Faults faults{clock};
    base::Spawner spawner;
    std::unique_ptr<state::Database> database;
    aws::AccessKeys keys{ids.account(), clock};
    net::Authority authority{directory.file("ca")};
    net::TlsServer tls{authority};
    net::Resolver resolver;
    http::Upstream upstream{resolver};
    state::InstanceInfo info;

    // ---- Services ----
    sts::ControlPlane sts{keys, clock};
    cloudfront::Cache cache{{kCacheMemoryBytes, kCacheDiskBytes, directory.file("edge")}};
    cloudfront::ControlPlane cloudfront{*database, clock, ids, cache};

    // ---- Fronts ----
    ViewerPort viewer_port;
    std::unique_ptr<console::Console> console;
    std::unique_ptr<aws::Gateway> gateway;
    std::unique_ptr<http::Server> aws_server, viewer_server, viewer_tls_server;

    std::atomic<const char*> phase{"starting"};
    std::mutex stop_mutex;
    std::function<void()> stop_request;

    std::expected<void, state::Problem> open_ports(const EmulatorOptions& options);
    std::expected<void, state::Problem> apply_stack(const stack::SecretValue& secret, const Progress& progress);
    std::vector<aws::Service*> services() { return {&sts, &cloudfront}; }
    console::Parts console_parts();
    Node status();
    void stop();
};

std::expected<void, state::Problem> Emulator::Inside::open_ports(const EmulatorOptions& options) {
    keys.add_user("test", "test", "dev");
    info.token = base::random_hex(32);
    console = std::make_unique<console::Console>(console_parts());
    gateway = std::make_unique<aws::Gateway>(aws::GatewayParts{
        .clock = clock,
        .traces = traces,
        .ids = ids,
        .services = services(),
        .console = console.get(),
        .is_bucket = [](std::string_view) { return false; },
        .secret_of = [this](std::string_view key) { return keys.secret_of(key); },
        .caller_of = [this](std::string_view key) { return keys.caller_of(key); },
        .check_token = [this](std::string_view key, std::string_view token) { keys.check_token(key, token); },
    });

    auto open = [&](std::unique_ptr<http::Server>& server, uint16_t port, http::Handler& handler, http::ServerOptions server_options,
                    std::string_view flag) -> std::expected<void, state::Problem> {
        auto address = net::Address::tcp(options.bind, port);
        if (!address) return std::unexpected(state::Problem{address.error(), 2});
        auto opened = http::Server::open(*address, handler, std::move(server_options));
        if (!opened) return std::unexpected(state::Problem{fmt::format("{}; choose another port with --{} (0 = any free one)", opened.error(), flag)});
        server = std::move(*opened);
        return {};
    };
    TRY(open(aws_server, options.aws_port, *gateway, {.name = "aws", .tls = &tls}, "aws-port"));
    TRY(open(viewer_server, options.http_port, viewer_port, {.name = "viewer"}, "http-port"));
    TRY(open(viewer_tls_server, options.https_port, viewer_port, {.name = "viewer-tls", .tls = &tls, .tls_only = true}, "https-port"));
    for (auto* server : {aws_server.get(), viewer_server.get(), viewer_tls_server.get()}) server->start();

    info.pid = ::getpid();
    info.id = directory.id();
    info.aws_endpoint = url_of(aws_server->address(), "http");
    info.viewer_endpoint = url_of(viewer_server->address(), "http");
    info.viewer_tls_endpoint = url_of(viewer_tls_server->address(), "https");
    info.stack_file = stack.file;
    info.started_ms = std::chrono::duration_cast<std::chrono::milliseconds>(clock.real_now().time_since_epoch()).count();
    return directory.publish(info);
}

std::expected<void, state::Problem> Emulator::Inside::apply_stack(const stack::SecretValue& secret, const Progress& progress) {
    if (stack.file.empty()) return {};
    phase = "applying";
    std::vector<const aws::ServiceInfo*> infos;
    for (auto* service : services()) infos.push_back(&service->info());
    stack::ApiClient api(aws_server->address(), {"test", "test", ""}, stack.region, clock, infos);
    stack::AppliedDigests digests(directory.file("applied.json"));
    size_t created = 0, updated = 0, unchanged = 0;
    auto applied = stack::apply(stack, api, digests, secret, [&](const stack::Applied& one) {
        (one.outcome == stack::Outcome::Created ? created : one.outcome == stack::Outcome::Updated ? updated : unchanged)++;
    });
    if (!applied) return std::unexpected(state::Problem{show_problems(stack.file, {applied.error()}), 2});
    progress(fmt::format("stack       {}: {} created, {} updated, {} unchanged", stack.file, created, updated, unchanged));
    return {};
}

console::Parts Emulator::Inside::console_parts() {
    auto not_yet = [](const Node&) { return console::Answer::error(404, "this part of the stack is empty"); };
    return {
        .token = info.token,
        .clock = clock,
        .traces = traces,
        .status = [this](const Node&) { return console::Answer{200, status()}; },
        .logs = not_yet,
        .cache = not_yet,
        .credentials = not_yet,
        .deployments = not_yet,
        .faults = not_yet,
        .reset = not_yet,
        .exec = not_yet,
        .stop =
            [this] {
                std::lock_guard lock(stop_mutex);
                if (stop_request) stop_request();
            },
    };
}

Node Emulator::Inside::status() {
    Node node = Node::object();
    node.set("pid", info.pid);
    node.set("id", info.id);
    node.set("phase", phase.load());
    node.set("aws_endpoint", info.aws_endpoint);
    node.set("viewer_endpoint", info.viewer_endpoint);
    node.set("viewer_tls_endpoint", info.viewer_tls_endpoint);
    node.set("console", info.aws_endpoint + "/_dodam/");
    for (std::string_view section : {"distributions", "load_balancers", "target_groups", "services", "buckets"})
        node.set(std::string(section), Node::object());
    return node;
}

void Emulator::Inside::stop() {
    for (auto* server : {viewer_tls_server.get(), viewer_server.get(), aws_server.get()})
        if (server) server->stop(kDrain);
    clock.stop();
}

Emulator::Emulator(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Emulator::~Emulator() { inside_->stop(); }
const state::InstanceInfo& Emulator::info() const { return inside_->info; }
base::Node Emulator::status() const { return inside_->status(); }

void Emulator::on_stop_request(std::function<void()> callback) {
    std::lock_guard lock(inside_->stop_mutex);
    inside_->stop_request = std::move(callback);
}

std::expected<std::unique_ptr<Emulator>, state::Problem> Emulator::start(const EmulatorOptions& options, const Progress& progress) {
    auto directory = state::StateDirectory::open(options.state_directory);
    if (!directory) return std::unexpected(directory.error());
    state::Secrets secrets(directory->file("secrets.env"));
    const stack::SecretValue secret = [&](const std::string& name) { return secrets.value(name); };

    stack::Stack stack;
    if (!options.stack_file.empty()) {
        auto read = stack::read_stack(options.stack_file, secret);
        if (!read) return std::unexpected(state::Problem{show_problems(options.stack_file, read.error()), 2});
        stack = std::move(*read);
    }
    auto database = state::Database::open(directory->file("state.db"), options.durable ? state::Durability::Power : state::Durability::Process);
    if (!database) return std::unexpected(state::Problem{database.error()});

    auto inside = std::make_unique<Inside>(std::move(*directory), std::move(stack), std::move(*database));
    inside->clock.set_speed(options.speed > 0 ? options.speed : inside->stack.speed);
    if (auto opened = inside->open_ports(options); !opened) return std::unexpected(opened.error());
    progress(fmt::format("aws         {}", inside->info.aws_endpoint));
    progress(fmt::format("viewer      {}   {}", inside->info.viewer_endpoint, inside->info.viewer_tls_endpoint));
    std::unique_ptr<Emulator> emulator(new Emulator(std::move(inside)));
    if (auto applied = emulator->inside_->apply_stack(secret, progress); !applied) return std::unexpected(applied.error());
    emulator->inside_->phase = "ready";
    return emulator;
}

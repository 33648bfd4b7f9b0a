// The composition root. Order of the members is order of construction; stop() goes the other way
// round.
#include "emulator.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <mutex>

#include "adapters.h"
#include "aws/access_keys.h"
#include "aws/gateway.h"
#include "aws/log_files.h"
#include "backing/backing.h"
#include "base/date.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/process.h"
#include "base/request_records.h"
#include "base/result.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/trace.h"
#include "cloudfront/cache_file.h"
#include "cloudfront/control_plane.h"
#include "cloudfront/country_map.h"
#include "cloudfront/edge.h"
#include "cloudfront/limits.h"
#include "console/console.h"
#include "containers/choose_runtime.h"
#include "containers/exec_frames.h"
#include "containers/exec_stream.h"
#include "containers/placeholder.h"
#include "ecr/control_plane.h"
#include "ecr/image_source.h"
#include "ecr/registry.h"
#include "ecs/control_plane.h"
#include "ecs/jobs.h"
#include "ecs/reconciler.h"
#include "elbv2/balancer.h"
#include "elbv2/control_plane.h"
#include "elbv2/health.h"
#include "elbv2/listeners.h"
#include "faults/faults.h"
#include "http/server.h"
#include "http/tunnel.h"
#include "http/upstream.h"
#include "logs/control_plane.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "oci/layout.h"
#include "recorder/recorded_exchange.h"
#include "recorder/recorder.h"
#include "s3/control_plane.h"
#include "s3/endpoint.h"
#include "secretsmanager/control_plane.h"
#include "snapshots/manifest.h"
#include "snapshots/state_copy.h"
#include "ssm/control_plane.h"
#include "stack/api_client.h"
#include "stack/apply.h"
#include "stack/attributes.h"
#include "stack/stack_file.h"
#include "state/database.h"
#include "state/names.h"
#include "sts/control_plane.h"
#include "taps/egress.h"
#include "views.h"

namespace {

using base::Node;

constexpr size_t kCacheMemoryBytes = 64 << 20;
constexpr uint64_t kCacheDiskBytes = 1ull << 30;
constexpr const char* kEdgeFile = "/edge-cache";  // of a snapshot
constexpr auto kHousekeeping = std::chrono::seconds(1);
constexpr auto kDrain = std::chrono::milliseconds(500);

// Everything by Host: distributions, load balancers, buckets' websites, else CloudFront's own 403.
class ViewerPort final : public http::Handler {
  public:
    ViewerPort(cloudfront::Edge& edge, elbv2::Balancer& balancer, s3::Endpoint& s3,
               recorder::Recorder& recorder, base::Clock& clock)
        : edge_(edge), balancer_(balancer), s3_(s3), recorder_(recorder), clock_(clock) {}
    void handle(http::Exchange& exchange) override {
        if (!recorder_.is_active() || !recorder::is_recorded(exchange.request()))
            return choose(exchange).handle(exchange);
        recorder::RecordedExchange recorded(exchange, recorder_, clock_);
        choose(exchange).handle(recorded);
    }
    void handle_incomplete(http::Exchange& exchange) override {
        choose(exchange).handle_incomplete(exchange);
    }

  private:
    http::Handler& choose(http::Exchange& exchange) {
        const std::string_view host = exchange.request().headers.get("host");
        if (edge_.owns(host)) return edge_;
        if (balancer_.owns(host)) return balancer_;
        if (host.find(".s3-website") != std::string_view::npos) return s3_;
        return edge_;
    }
    cloudfront::Edge& edge_;
    elbv2::Balancer& balancer_;
    s3::Endpoint& s3_;
    recorder::Recorder& recorder_;
    base::Clock& clock_;
};

// S3 is no service of the gateway's: it has a front door of its own. What a client needs to know of
// it:
const aws::ServiceInfo kS3{.name = "s3",
                           .signing_name = "s3",
                           .target_prefix = "",
                           .version = "",
                           .protocol = aws::Protocol::RestXml,
                           .xml_namespace = "http://s3.amazonaws.com/doc/2006-03-01/",
                           .known_operations = "",
                           .list_names = "RoutingRules=RoutingRule"};

const aws::ServiceInfo* const kS3Alone[] = {&kS3};

std::string show_problems(const std::string& file, const std::vector<stack::Problem>& problems) {
    const std::string text = state::read_file(file).value_or("");
    std::string out =
        problems.size() == 1
            ? "the stack file has a problem; nothing was started\n"
            : fmt::format("the stack file has {} problems; nothing was started\n", problems.size());
    for (const auto& problem : problems)
        out += stack::show(file, text, problem);
    out.pop_back();
    return out;
}

// Unpacked layers are shared by every instance of this user: a layer is its digest.
std::string layer_directory() {
    if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache)
        return std::string(cache) + "/dodam";
    const char* home = std::getenv("HOME");
    return std::string(home ? home : "/tmp") + "/.cache/dodam";
}

// An address to dial for one that is bound: every address of a container is reached by its
// published loopback port.
net::Address dialled(const net::Address& bound) {
    const bool any = bound.ip() == "0.0.0.0" || bound.ip() == "::";
    return any ? net::Address::loopback(bound.port()) : bound;
}

std::string url_of(const net::Address& address, std::string_view scheme) {
    return fmt::format("{}://{}", scheme, address.to_string());
}

}  // namespace

struct Emulator::Inside {
    Inside(state::StateDirectory given, stack::Stack what, std::unique_ptr<state::Database> opened)
        : directory(std::move(given)),
          stack(std::move(what)),
          ids(stack.account, stack.region),
          database(std::move(opened)) {
        stack::pin_all(ids, stack.root);
    }

    // ---- What everything stands on ----
    state::StateDirectory directory;
    stack::Stack stack;
    base::SystemClock clock;
    base::Ids ids;
    base::TraceRing traces;
    base::RequestFailures failures;
    faults::Faults faults{clock};
    recorder::Recorder recorder{clock};
    base::Spawner spawner;
    std::unique_ptr<state::Database> database;
    aws::AccessKeys keys{ids.account(), clock};
    net::Authority authority{directory.file("ca")};
    net::TlsServer tls{authority};
    net::Resolver resolver;
    net::Loops loops{"loop"};
    http::Upstream upstream{resolver};
    state::InstanceInfo info;

    // ---- Services ----
    sts::ControlPlane sts{keys, clock, directory.file("oidc.pem")};
    cloudfront::Cache cache{{kCacheMemoryBytes, kCacheDiskBytes, directory.file("edge")}};
    cloudfront::ControlPlane cloudfront{*database, clock, ids, cache};
    s3::Blobs blobs{directory.file("blobs"), state::Durability::Process, &faults};
    s3::ControlPlane s3{*database, clock, ids, blobs};
    s3::Endpoint s3_endpoint{s3, traces, s3_keys(), &faults};
    elbv2::ControlPlane elbv2{*database, clock, ids};
    ecr::ControlPlane ecr{*database, clock, ids, directory.file("images"), ""};
    ecr::Registry registry{ecr};
    logs::ControlPlane logs{*database, clock, ids};
    ssm::ControlPlane ssm{*database, clock, ids};
    secretsmanager::ControlPlane secretsmanager{*database, clock, ids};

    TargetAdapter target_adapter{elbv2};
    LogAdapter log_adapter{logs};
    SecretAdapter secret_adapter{ssm, secretsmanager, s3};
    RoleAdapter role_adapter{keys};
    NameAdapter name_adapter{authority, secret_adapter};
    ecs::ControlPlane ecs{*database,
                          clock,
                          ids,
                          {target_adapter, log_adapter, secret_adapter, role_adapter, name_adapter,
                           [this] { return edge.hits(); }}};
    ecr::RegistrySource registry_source{ecr};
    containers::PlaceholderSource placeholder{directory.file("placeholder")};
    // Not BaseImages, which builds use: a task's start depends on no network.
    oci::OfflineImages offline_images;
    StackImages images{placeholder, registry_source, offline_images, faults};
    ecs::WorkerJobs jobs;
    std::unique_ptr<containers::Runtime> runtime;
    std::string runtime_reason;
    std::unique_ptr<ecs::Reconciler> reconciler;

    backing::Backing backing{{clock, traces, spawner, faults, authority, directory.path(),
                              directory.sockets(), directory.id()},
                             stack.section("database"),
                             stack.section("cache"),
                             stack.directory};

    // ---- Fronts ----
    net::TlsClient origin_tls{authority};
    http::Upstream edge_upstream{resolver,
                                 {.max_response_head_bytes = cloudfront::kMaxResponseHeadBytes}};
    cloudfront::CountryMap countries = declared_countries();
    std::unique_ptr<stack::ApiClient>
        log_client;  // access logs reach their buckets as an ordinary client's objects
    cloudfront::Edge edge{edge_parts()};
    Views views{clock,
                info,
                state::Names(*database),
                cloudfront,
                edge,
                elbv2,
                ecs,
                ecr,
                logs,
                s3,
                faults,
                failures,
                [this](const std::string& task, const std::string& container, int signal) {
                    if (runtime) (void)runtime->kill(task, container, signal);
                }};
    aws::LogFiles balancer_logs{
        "elbv2", [this](const std::string& bucket, const std::string& key, std::string bytes) {
            return deliver_log(bucket, key, bytes);
        }};
    elbv2::Balancer balancer{{.clock = clock,
                              .traces = traces,
                              .snapshot = elbv2.snapshot(),
                              .upstream = upstream,
                              .access_log =
                                  [this](const elbv2::LoadBalancerSettings& settings,
                                         const elbv2::AccessRecord& record) {
                                      elbv2::add_to_access_log(
                                          balancer_logs, record,
                                          {stack.account, stack.region, "127.0.0.1"},
                                          settings.access_log_bucket, settings.access_log_prefix);
                                  },
                              .failures = &failures,
                              .faults = &faults}};
    elbv2::Listeners listeners{{.balancer = balancer,
                                .resolver = resolver,
                                .tls = &tls,
                                .block = loopback_block(),
                                .loops = &loops}};
    elbv2::Health health{
        {.clock = clock, .control_plane = elbv2, .resolver = resolver, .faults = &faults}};
    ViewerPort viewer_port{edge, balancer, s3_endpoint, recorder, clock};
    std::unique_ptr<console::Console> console;
    std::unique_ptr<aws::Gateway> gateway;
    std::unique_ptr<http::Server> aws_server, viewer_server, viewer_tls_server;

    base::Thread housekeeping;
    std::atomic<const char*> phase{"starting"};
    // What a world goes back to between scenarios.
    struct Baseline {
        std::map<std::string, std::string, std::less<>> digests;  // of the state's parts
        bool has_database_copy = false;  // else a fresh one is the baseline
        std::string database_position;
        base::microseconds clock_ahead{0};
    };
    std::mutex baseline_mutex;
    std::optional<Baseline> marked;

    std::mutex stop_mutex;
    std::function<void()> stop_request;

    std::expected<void, state::Problem> open_ports(const EmulatorOptions& options);
    std::expected<void, state::Problem> start_tasks(const EmulatorOptions& options);
    std::expected<std::vector<taps::Reachable>, std::string> reachable();
    std::expected<void, state::Problem> apply_stack(const stack::SecretValue& secret,
                                                    const Progress& progress);
    std::vector<aws::Service*> services() {
        return {&sts, &cloudfront, &elbv2, &ecr, &logs, &ssm, &secretsmanager, &ecs};
    }
    cloudfront::EdgeParts edge_parts() {
        return {
            .clock = clock,
            .traces = traces,
            .snapshot = cloudfront.snapshot(),
            .upstream = edge_upstream,
            .cache = cache,
            .origin_tls = &origin_tls,
            .signing_credentials =
                [this](const cloudfront::Distribution& distribution,
                       const cloudfront::Origin& origin) {
                    if (!origin.identity_id.empty())
                        return keys.identity_key(
                            "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity " +
                                origin.identity_id,
                            cloudfront::canonical_user_of_identity(origin.identity_id));
                    return keys.service_key("cloudfront.amazonaws.com",
                                            cloudfront.arn("distribution", distribution.id));
                },
            .country_of = [this](std::string_view ip) { return countries.country_of(ip); },
            .deliver_log = [this](const std::string& bucket, const std::string& key,
                                  std::string bytes) { return deliver_log(bucket, key, bytes); },
            .failures = &failures,
            .faults = &faults};
    }
    cloudfront::CountryMap declared_countries() const {
        cloudfront::CountryMap map;
        for (const auto& [range, country] : stack.section("countries").members())
            map.add(range, country.as_string());
        return map;
    }
    bool deliver_log(const std::string& bucket, const std::string& key, std::string_view bytes);
    // 127.x.y. with x.y from the instance's id, out of the way of 127.0.0 and 127.0.1.
    std::string loopback_block() const {
        const auto number = std::stoul(directory.id(), nullptr, 16);
        return fmt::format("127.{}.{}.", 64 + number % 128, (number >> 8) % 256);
    }
    s3::Keys s3_keys() {
        return {
            [this](std::string_view key) { return keys.secret_of(key); },
            [this](std::string_view key) { return keys.caller_of(key); },
            [this](std::string_view key, std::string_view token) { keys.check_token(key, token); }};
    }
    void name_everything();
    void name_origins();
    void keep_house();
    console::Parts console_parts();
    console::Answer credentials();
    std::optional<console::Answer> exec(http::Exchange& exchange, const Node& input);
    console::Answer reset(const Node& input);
    console::Answer baseline(const Node& input);
    std::expected<void, std::string> mark_baseline();
    std::expected<Node, std::string> back_to_baseline();
    std::expected<void, std::string> save_world(const std::string& to);
    console::Answer snapshots(const Node& input);
    console::Answer identity_token(const Node& input);
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
        .s3 = &s3_endpoint,
        .registry = &registry,
        .console = console.get(),
        .is_bucket = [this](std::string_view name) { return s3.is_bucket(name); },
        .secret_of = [this](std::string_view key) { return keys.secret_of(key); },
        .caller_of = [this](std::string_view key) { return keys.caller_of(key); },
        .check_token = [this](std::string_view key,
                              std::string_view token) { keys.check_token(key, token); },
    });

    auto open = [&](std::unique_ptr<http::Server>& server, uint16_t port, http::Handler& handler,
                    http::ServerOptions server_options,
                    std::string_view flag) -> std::expected<void, state::Problem> {
        auto address = net::Address::tcp(options.bind, port);
        if (!address) return std::unexpected(state::Problem{address.error(), 2});
        auto opened = http::Server::open(*address, handler, std::move(server_options));
        if (!opened)
            return std::unexpected(state::Problem{fmt::format(
                "{}; choose another port with --{} (0 = any free one)", opened.error(), flag)});
        server = std::move(*opened);
        return {};
    };
    TRY(open(aws_server, options.aws_port, *gateway, {.name = "aws", .tls = &tls}, "aws-port"));
    TRY(open(viewer_server, options.http_port, viewer_port, {.name = "viewer", .loops = &loops},
             "http-port"));
    TRY(open(viewer_tls_server, options.https_port, viewer_port,
             {.name = "viewer-tls", .tls = &tls, .tls_only = true}, "https-port"));
    name_origins();
    edge.tell_https_port(dialled(viewer_tls_server->address()).port());
    log_client = std::make_unique<stack::ApiClient>(dialled(aws_server->address()),
                                                    aws::Credentials{"test", "test", ""},
                                                    stack.region, clock, kS3Alone);
    // Listeners follow what is declared: the kept ones open here, later ones before the operation
    // that made them answers.
    elbv2.on_log_bucket([this](const std::string& bucket, const std::string& key) {
        return deliver_log(bucket, key, "Enable AccessLog for ELB: the object is a test");
    });
    elbv2.on_publish([this](const elbv2::RoutingSnapshot& snapshot) { listeners.open(snapshot); });
    listeners.open(*elbv2.snapshot().get());
    for (auto* server : {aws_server.get(), viewer_server.get(), viewer_tls_server.get()})
        server->start();
    health.start();
    housekeeping = base::Thread("housekeeping", [this] { keep_house(); });

    info.pid = ::getpid();
    info.id = directory.id();
    info.aws_endpoint = url_of(dialled(aws_server->address()), "http");
    info.viewer_endpoint = url_of(dialled(viewer_server->address()), "http");
    info.viewer_tls_endpoint = url_of(dialled(viewer_tls_server->address()), "https");
    info.stack_file = stack.file;
    ecr.set_endpoint(dialled(aws_server->address()).to_string());
    info.started_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(clock.real_now().time_since_epoch())
            .count();
    return directory.publish(info);
}

// GAP: written as the account itself; AWS's delivery account needs a grant, and a bucket whose ACLs
// are disabled is refused when the distribution is made.
bool Emulator::Inside::deliver_log(const std::string& bucket, const std::string& key,
                                   std::string_view bytes) {
    try {
        log_client->rest("s3", "PUT",
                         fmt::format("/{}/{}", base::percent_encode(bucket),
                                     base::percent_encode(key, base::Slash::Keep)),
                         bytes);
        return true;
    } catch (const aws::Error& error) {
        base::log_warning("emulator", fmt::format("the access log {} is lost: bucket {}: {}", key,
                                                  bucket, error.message));
        return false;
    }
}

// Where AWS-looking names of origins really answer.
void Emulator::Inside::name_origins() {
    const net::Address aws = dialled(aws_server->address());
    for (const std::string& suffix :
         {std::string("s3.amazonaws.com"), fmt::format("s3.{}.amazonaws.com", stack.region)}) {
        for (uint16_t port : {uint16_t(80), uint16_t(443)}) {
            resolver.set(suffix, port, aws);
            resolver.set("*." + suffix, port, aws);
        }
    }
    for (const std::string& website : {fmt::format("*.s3-website.{}.amazonaws.com", stack.region),
                                       fmt::format("*.s3-website-{}.amazonaws.com", stack.region)})
        resolver.set(website, 80, dialled(viewer_server->address()));
    resolver.set("*.cloudfront.net", 80, dialled(viewer_server->address()));
    resolver.set("*.cloudfront.net", 443, dialled(viewer_tls_server->address()));
}

// What tasks reach by production's names: database and cache through the taps, the AWS APIs, and
// the stack's own distributions and load balancers.
std::expected<std::vector<taps::Reachable>, std::string> Emulator::Inside::reachable() {
    auto relay_to = [](net::Address http, net::Address https) {
        return [http, https](net::Socket& task_side, uint16_t port, const std::string&) {
            auto other = net::Socket::connect(port == 443 ? https : http,
                                              net::Deadline::after(taps::kRelayConnect));
            if (!other) return task_side.reset();
            (void)http::run_tunnel(task_side, "", *other, "", taps::kRelayIdle);
        };
    };
    auto all = backing.reachable();
    const net::Address aws = dialled(aws_server->address());
    std::vector<std::string> apis = {"s3.amazonaws.com", "*.s3.amazonaws.com", "sts.amazonaws.com",
                                     "cloudfront.amazonaws.com"};
    for (std::string_view service : {"s3", "*.s3", "sts", "ssm", "secretsmanager", "logs", "ecs",
                                     "api.ecr", "*.dkr.ecr", "elasticloadbalancing"})
        apis.push_back(fmt::format("{}.{}.amazonaws.com", service, stack.region));
    all.push_back({apis, "198.18.0.12", {80, 443}, relay_to(aws, aws)});

    std::vector<std::string> sites = {fmt::format("*.{}.elb.amazonaws.com", stack.region),
                                      fmt::format("*.s3-website.{}.amazonaws.com", stack.region),
                                      "*.cloudfront.net"};
    for (const auto& [name, distribution] : stack.section("distributions").members())
        for (const Node& alias : distribution["config"]["Aliases"]["Items"].items())
            sites.push_back(base::lower(alias.as_string()));
    all.push_back(
        {sites,
         "198.18.0.13",
         {80, 443},
         relay_to(dialled(viewer_server->address()), dialled(viewer_tls_server->address()))});
    std::vector<std::string> outside;
    for (const Node& host : stack.section("egress").items())
        outside.push_back(host.as_string());
    for (taps::Reachable& host : TRY(taps::egress(outside)))
        all.push_back(std::move(host));
    return all;
}

std::expected<void, state::Problem> Emulator::Inside::start_tasks(const EmulatorOptions& options) {
    std::vector<std::pair<std::string, std::string>> environment, secrets;
    auto collect = [](const Node& variables,
                      std::vector<std::pair<std::string, std::string>>& into) {
        for (const auto& [variable, value] : variables.members())
            into.emplace_back(variable,
                              value.is_string() ? value.as_string() : value.number_text());
    };
    for (const auto& [name, service] : stack.section("services").members()) {
        collect(service["environment"], environment);
        collect(service["secrets"], secrets);
    }
    auto parts = reachable();
    if (!parts) return std::unexpected(state::Problem{stack.file + ": " + parts.error(), 2});
    name_adapter.configure(std::move(*parts), std::move(environment), std::move(secrets));

    auto chosen = containers::choose_runtime(
        options.runtime, spawner,
        {.instance = directory.id(),
         .run_directory = directory.sockets() + "/t",
         .socket_path = "",
         .holder = "",
         .mark = directory.file("engine")},
        {.directory = layer_directory(), .instance = directory.id(), .holder = ""});
    if (!chosen) return std::unexpected(state::Problem{chosen.error()});
    runtime_reason = std::move(chosen->reason);
    runtime = std::move(chosen->runtime);
    // Refused namespaces end a stack with services at once; without any, the first task would say
    // it.
    if (runtime->facilities().runtime == "process" &&
        stack.section("services").members().size() > 0)
        if (auto problem = containers::why_no_sandbox(spawner); !problem.empty())
            return std::unexpected(state::Problem{problem});
    reconciler = std::make_unique<ecs::Reconciler>(ecs::ReconcilerParts{
        .ecs = ecs, .runtime = *runtime, .images = images, .resolver = resolver, .jobs = jobs});
    reconciler->start();
    return {};
}

// What is due now and then: access logs are delivered, old log events go, lifecycle policies are
// applied.
void Emulator::Inside::keep_house() {
    while (clock.wait_until(clock.now() + kHousekeeping)) {
        edge.step(clock.now());
        balancer_logs.step(clock.now());
        logs.expire();
        recorder.step();
        ecr.step(clock.now(), [this] { return ecs.running_digests(); });
    }
}

// The stack's own names, for status, console and scenarios.
void Emulator::Inside::name_everything() {
    state::Names names(*database);
    for (const auto& [kind, section] : stack.root.members()) {
        if (stack::attribute_names(kind).empty() || kind == "database" || kind == "cache") continue;
        for (const auto& [name, thing] : section.members()) {
            auto attributes = stack::attributes_of(ids, kind, name, thing);
            const bool by_arn = kind == "loadBalancers" || kind == "targetGroups";
            names.set(kind, name,
                      attributes.contains("id") ? attributes["id"]
                      : by_arn                  ? attributes["arn"]
                                                : attributes["name"]);
        }
    }
}

std::expected<void, state::Problem> Emulator::Inside::apply_stack(const stack::SecretValue& secret,
                                                                  const Progress& progress) {
    if (stack.file.empty()) return {};
    phase = "applying";
    name_everything();
    std::vector<const aws::ServiceInfo*> infos = {&kS3};
    for (auto* service : services())
        infos.push_back(&service->info());
    stack::ApiClient api(dialled(aws_server->address()), {"test", "test", ""}, stack.region, clock,
                         infos);
    stack::AppliedDigests digests(directory.file("applied.json"));
    size_t created = 0, updated = 0, unchanged = 0;
    auto applied = stack::apply(stack, api, digests, secret, [&](const stack::Applied& one) {
        (one.outcome == stack::Outcome::Created   ? created
         : one.outcome == stack::Outcome::Updated ? updated
                                                  : unchanged)++;
    });
    if (!applied)
        return std::unexpected(state::Problem{
            "the stack file could not be applied\n" +
                stack::show(stack.file, state::read_file(stack.file).value_or(""), applied.error()),
            2});
    progress(fmt::format("stack       {}: {} created, {} updated, {} unchanged", stack.file,
                         created, updated, unchanged));
    return {};
}

console::Parts Emulator::Inside::console_parts() {
    return {
        .token = info.token,
        .clock = clock,
        .traces = traces,
        .expand = [this](base::Span& span) { edge.expand(span); },
        .status = [this](const Node&) { return console::Answer{200, status()}; },
        .logs = [this](const Node& input) { return views.find_logs(input); },
        .cache = [this](const Node& input) { return views.cache_view(input); },
        .credentials = [this](const Node&) { return credentials(); },
        .deployments = [this](const Node& input) { return views.deployments(input); },
        .faults = [this](const Node& input) { return views.fault_view(input); },
        .reset = [this](const Node& input) { return reset(input); },
        .baseline = [this](const Node& input) { return baseline(input); },
        .snapshots = [this](const Node& input) { return snapshots(input); },
        .recording =
            [this](const Node& input) {
                auto answer = recorder.ask(input);
                return answer ? console::Answer{200, std::move(*answer)}
                              : console::Answer::error(404, answer.error());
            },
        .identity_token = [this](const Node& input) { return identity_token(input); },
        .stop =
            [this] {
                std::lock_guard lock(stop_mutex);
                if (stop_request) stop_request();
            },
        .exec = [this](http::Exchange& exchange,
                       const Node& input) { return exec(exchange, input); },
    };
}

// The connection becomes the program's streams (containers/exec_frames.h).
std::optional<console::Answer> Emulator::Inside::exec(http::Exchange& exchange, const Node& input) {
    if (!base::equals_ignoring_case(exchange.request().headers.get("upgrade"), "dodam-exec"))
        return console::Answer::error(
            400, "a program's streams need the connection: send Upgrade: dodam-exec");
    if (!runtime) return console::Answer::error(503, "the runtime is not there yet");
    // A service by its name in the stack file, too.
    std::string target = input["target"].as_string();
    if (std::string name = state::Names(*database).id_of("services", target); !name.empty())
        target = name;
    auto place = ecs.find_running(target, input["container"].as_string());
    if (!place) return console::Answer::error(404, place.error());
    containers::SessionOptions options;
    for (const Node& word : input["command"].items())
        options.command.push_back(word.as_string());
    if (input["terminal"].as_bool()) {
        options.streams = containers::SessionStreams::Terminal;
        options.window = containers::read_window(input["window"].as_string());
        if (const std::string& term = input["term"].as_string(); !term.empty())
            options.environment.emplace_back("TERM", term);
    }
    auto session = runtime->open_session(place->task, place->container, options);
    if (!session) return console::Answer::error(400, session.error().text);
    http::ResponseHead head{101};
    head.headers.add("Upgrade", "dodam-exec");
    head.headers.add("Connection", "Upgrade");
    std::string early;
    if (auto socket = exchange.upgrade(head, early))
        containers::carry_session(**session, **socket, std::move(early));
    return std::nullopt;
}

// What tests dirty, or the parts named.
console::Answer Emulator::Inside::reset(const Node& input) {
    constexpr std::string_view kParts[] = {"edge", "database", "redis", "faults"};
    std::vector<std::string> parts;
    for (const Node& part : input["parts"].items())
        parts.push_back(part.as_string());
    // All or nothing: a wrong name is found before anything is emptied.
    for (const std::string& part : parts) {
        if (std::ranges::find(kParts, part) == std::end(kParts))
            return console::Answer::error(
                400, fmt::format("\"{}\" cannot be reset; {} can", part, fmt::join(kParts, ", ")));
        if ((part == "database" && !backing.has_database()) ||
            (part == "redis" && !backing.has_cache()))
            return console::Answer::error(
                400, fmt::format("this stack has no {}", part == "redis" ? "cache" : part));
    }
    if (parts.empty()) parts.assign(std::begin(kParts), std::end(kParts));
    Node done = Node::array();
    for (const std::string& part : parts) {
        std::expected<void, std::string> outcome;
        if (part == "edge")
            cache.clear();
        else if (part == "faults")
            faults.clear_all();
        else if (part == "database" ? !backing.has_database() : !backing.has_cache())
            continue;
        else
            outcome = part == "database" ? backing.reset_database() : backing.reset_cache();
        if (!outcome) return console::Answer::error(500, outcome.error());
        done.push_back(part);
    }
    return {200, Node::object({{"reset", done}})};
}

console::Answer Emulator::Inside::identity_token(const Node& input) {
    auto text = [&](std::string_view name) {
        return input[name].is_number() ? input[name].number_text() : input[name].as_string();
    };
    auto token = sts.issuer().sign(sts::claims_of({.audience = text("audience"),
                                                   .repository = text("repository"),
                                                   .ref = text("ref"),
                                                   .sha = text("sha"),
                                                   .workflow = text("workflow"),
                                                   .actor = text("actor"),
                                                   .event = text("event"),
                                                   .environment = text("environment")},
                                                  clock.now()));
    if (!token) return console::Answer::error(500, token.error());
    return {200, Node::object({{"count", static_cast<int64_t>(token->size())}, {"value", *token}})};
}

std::expected<void, std::string> Emulator::Inside::mark_baseline() {
    Baseline now;
    const std::string place = directory.file("baseline");
    std::error_code ignored;
    std::filesystem::remove_all(place, ignored);
    TRY(::snapshots::save_buckets(*database, directory.path(), place));
    // Tasks may have written at their start (migrations): then a fresh database is not it.
    if (backing.has_database() && backing.database_position() != backing.fresh_position()) {
        TRY(backing.save_database(place + "/database"));
        now.has_database_copy = true;
    }
    if (backing.has_database()) now.database_position = backing.database_position();
    if (backing.has_cache()) TRY(backing.save_cache(place + "/redis"));
    for (std::string_view part : ::snapshots::parts())
        now.digests.emplace(part, ::snapshots::digest(*database, part));
    now.clock_ahead = clock.now() - clock.real_now();
    marked = std::move(now);
    return {};
}

// Only what is dirty: the stores say what was written, the state's digests what was changed.
std::expected<Node, std::string> Emulator::Inside::back_to_baseline() {
    if (!marked) return std::unexpected(std::string("no baseline was marked"));
    const std::string place = directory.file("baseline");
    Node done = Node::array(), differs = Node::array();
    faults.clear_all();
    if (::snapshots::digest(*database, "buckets") != marked->digests["buckets"]) {
        TRY(::snapshots::restore_buckets(*database, directory.path(), place));
        done.push_back("buckets");
    }
    if (backing.has_cache()) TRY(backing.load_cache(place + "/redis"));
    if (backing.has_database() && (marked->database_position.empty() ||
                                   backing.database_position() != marked->database_position)) {
        if (marked->has_database_copy)
            TRY(backing.load_database(place + "/database"));
        else
            TRY(backing.reset_database());
        marked->database_position = backing.database_position();
        done.push_back("database");
    }
    cache.clear();  // last: nothing of the old contents comes back
    for (std::string_view part : ::snapshots::parts())
        if (::snapshots::digest(*database, part) != marked->digests.find(part)->second)
            differs.push_back(part);
    if (clock.now() - clock.real_now() - marked->clock_ahead > base::seconds(1))
        differs.push_back("clock");
    return Node::object({{"reset", done}, {"differs", differs}});
}

console::Answer Emulator::Inside::baseline(const Node& input) {
    std::lock_guard lock(baseline_mutex);
    try {
        if (input["mark"].as_bool()) {
            if (auto made = mark_baseline(); !made)
                return console::Answer::error(500, made.error());
            return {200, Node::object({{"marked", true}})};
        }
        auto done = back_to_baseline();
        if (!done) return console::Answer::error(marked ? 500 : 400, done.error());
        return {200, std::move(*done)};
    } catch (const state::DatabaseError& error) {
        return console::Answer::error(500, error.what());
    }
}

// What the edge held before everything else was copied and holds after it: an object is never newer
// than its origin, and none that was invalidated meanwhile is kept.
std::expected<void, std::string> Emulator::Inside::save_world(const std::string& to) {
    auto held = cache.held();
    const base::Time now = clock.now();
    TRY(::snapshots::copy_directory(directory.path(), to));
    TRY(backing.save(to));
    std::erase_if(held, [&](const auto& entry) { return !cache.holds(*entry); });
    TRY(cloudfront::write_cache_file(to + kEdgeFile, held, now));
    return ::snapshots::write_manifest(to);
}

// Database, cache, buckets and the edge, into a directory and back; "differs" names the parts of a
// deployment that are other ones, which only a start with the saved state brings back. Whatever is
// wrong with a snapshot is found before anything is touched.
console::Answer Emulator::Inside::snapshots(const Node& input) {
    std::lock_guard lock(baseline_mutex);
    try {
        if (const auto& to = input["save"].as_string(); !to.empty()) {
            if (auto saved = save_world(to); !saved)
                return console::Answer::error(500, saved.error());
            return {200, Node::object({{"saved", to}})};
        }
        const auto& from = input["load"].as_string();
        if (from.empty() || !std::filesystem::exists(from))
            return console::Answer::error(400, "there is no snapshot in \"" + from + "\"");
        if (auto whole = ::snapshots::check_manifest(from); !whole)
            return console::Answer::error(400, whole.error());
        cloudfront::Cache edge_then(cache.budget());
        if (auto read = cloudfront::read_cache_file(from + kEdgeFile, edge_then, clock.now());
            !read)
            return console::Answer::error(400, read.error());
        auto other = state::Database::open_other(from + "/state.db");
        if (!other) return console::Answer::error(400, other.error());
        Node differs = Node::array();
        for (std::string_view part : ::snapshots::parts())
            if (part != "buckets" &&
                ::snapshots::digest(*database, part) != ::snapshots::digest(**other, part))
                differs.push_back(part);
        if (differs.size() == 0) {
            auto restored = ::snapshots::restore_buckets(*database, directory.path(), from);
            if (restored) restored = backing.load(from);
            if (!restored) return console::Answer::error(500, restored.error());
            faults.clear_all();
            cache.replace_with(edge_then);  // last: nothing of the old contents comes back
        }
        return {200, Node::object({{"loaded", differs.size() == 0}, {"differs", differs}})};
    } catch (const state::DatabaseError& error) {
        return console::Answer::error(500, error.what());
    }
}

console::Answer Emulator::Inside::credentials() {
    Node node = backing.credentials();
    node.set("ecr", Node::object({{"user", "AWS"}, {"password", ecr.make_token().password}}));
    node.set("aws", Node::object({{"access_key", "test"}, {"secret_key", "test"}}));
    return {200, std::move(node)};
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
    node.set("distributions", views.distributions());
    node.set("load_balancers", views.load_balancers());
    node.set("target_groups", views.target_groups());
    node.set("buckets", views.buckets());
    node.set("services", views.services());
    if (runtime) {
        node.set("runtime", runtime->facilities().runtime);
        node.set("runtime_reason", runtime_reason);
    }
    if (backing.has_database()) node.set("database", backing.database_status());
    if (backing.has_cache()) node.set("cache", backing.cache_status());
    Node problems = Node::array();
    for (std::string_view part : {"database", "cache"})
        if (const auto& problem = node[part]["problem"].as_string(); !problem.empty())
            problems.push_back(problem);
    node.set("problems", std::move(problems));
    return node;
}

void Emulator::Inside::stop() {
    faults.clear_all();  // nobody is held back any longer
    for (auto* server : {viewer_tls_server.get(), viewer_server.get()})
        if (server) server->stop(kDrain);
    clock.stop();
    housekeeping.join();
    if (reconciler) reconciler->stop();
    health.stop();
    listeners.stop();
    backing.stop();
    edge.flush_logs();
    balancer_logs.flush();
    if (aws_server) aws_server->stop(kDrain);
}

Emulator::Emulator(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Emulator::~Emulator() {
    inside_->stop();
}
const state::InstanceInfo& Emulator::info() const {
    return inside_->info;
}
base::Node Emulator::status() const {
    return inside_->status();
}

uint64_t Emulator::requests_seen() const {
    return inside_->traces.last_sequence();
}

void Emulator::on_stop_request(std::function<void()> callback) {
    std::lock_guard lock(inside_->stop_mutex);
    inside_->stop_request = std::move(callback);
}

std::expected<std::unique_ptr<Emulator>, state::Problem> Emulator::start(
    const EmulatorOptions& options, const Progress& progress) {
    auto directory = state::StateDirectory::open(options.state_directory);
    if (!directory) return std::unexpected(directory.error());
    state::Secrets secrets(directory->file("secrets.env"));
    const stack::SecretValue secret = [&](const std::string& name) { return secrets.value(name); };

    stack::Stack stack;
    if (!options.stack_file.empty()) {
        auto read = stack::read_stack(options.stack_file, secret);
        if (!read)
            return std::unexpected(
                state::Problem{show_problems(options.stack_file, read.error()), 2});
        stack = std::move(*read);
    }
    auto database = state::Database::open(
        directory->file("state.db"),
        options.durable ? state::Durability::Power : state::Durability::Process);
    if (!database) return std::unexpected(state::Problem{database.error()});

    auto inside =
        std::make_unique<Inside>(std::move(*directory), std::move(stack), std::move(*database));
    inside->clock.set_speed(options.speed > 0 ? options.speed : inside->stack.speed);
    if (auto chosen = inside->backing.choose({options.backing, options.database_url,
                                              options.cache_url, progress, options.interrupted});
        !chosen)
        return std::unexpected(chosen.error());
    if (auto opened = inside->open_ports(options); !opened) return std::unexpected(opened.error());
    progress(fmt::format("aws         {}", inside->info.aws_endpoint));
    progress(fmt::format("viewer      {}   {}", inside->info.viewer_endpoint,
                         inside->info.viewer_tls_endpoint));
    std::unique_ptr<Emulator> emulator(new Emulator(std::move(inside)));
    // Database and cache start beside the API calls; the first time is by far the longest part.
    std::expected<void, state::Problem> backed;
    base::Thread backing_thread("backing", [&] { backed = emulator->inside_->backing.start(); });
    auto tasks = emulator->inside_->start_tasks(options);
    auto applied = tasks ? emulator->inside_->apply_stack(secret, progress)
                         : std::expected<void, state::Problem>();
    backing_thread.join();
    if (!tasks) return std::unexpected(tasks.error());
    if (!applied) return std::unexpected(applied.error());
    if (!backed) return std::unexpected(backed.error());
    emulator->inside_->phase = "ready";
    return emulator;
}

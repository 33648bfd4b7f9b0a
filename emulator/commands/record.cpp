// dodam record: what viewers ask of the running instance, taken down while it happens, to a
// scenario. The instance keeps the traffic only as long as we look at it (recorder/recorder.h).
#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "base/clock.h"
#include "base/date.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "commands/interruption.h"
#include "commands/traffic.h"
#include "commands/worlds.h"

namespace commands {
namespace {

using base::Node;

constexpr auto kLook = base::milliseconds(100);

struct Bounds {
    std::optional<base::microseconds> time;
    std::string path;  // "" = none
};

std::expected<Bounds, int> bounds_of(const Arguments& arguments) {
    Bounds bounds;
    bounds.path = arguments.get("until");
    if (!bounds.path.empty() && !bounds.path.starts_with('/'))
        return std::unexpected(fail(kWrongInput, "--until takes a path, such as /done"));
    if (!arguments.has("for")) return bounds;
    bounds.time = base::parse_duration(arguments.get("for"));
    if (!bounds.time || bounds.time->count() <= 0)
        return std::unexpected(fail(kWrongInput, "--for takes a duration such as 2m"));
    return bounds;
}

class Recording {
  public:
    Recording(const Client& client, const Node& stack, std::string until)
        : client_(client), stack_(stack), until_(std::move(until)) {}

    std::expected<void, Refusal> begin() {
        auto begun = client_.post("/recording", Node::object());
        if (!begun) return std::unexpected(begun.error());
        id_ = (*begun)["id"].as_string();
        return {};
    }

    // What came since the last look, a line each.
    std::expected<void, Refusal> look(bool is_last = false) {
        auto news = client_.post("/recording", Node::object({{"id", id_}, {"end", is_last}}));
        if (!news) return std::unexpected(news.error());
        missed_ = (*news)["missed"].as_int();
        for (Node& entry : (*news).find("entries")->items()) {
            visit_.push_back(traffic::of_har(entry));
            show(visit_.back(), entry);
            entries_.push_back(std::move(entry));
        }
        return {};
    }

    bool is_done() const { return is_done_; }
    int64_t missed() const { return missed_; }
    std::vector<traffic::Exchange>& visit() { return visit_; }
    std::vector<Node>& entries() { return entries_; }

  private:
    // Never the query: it may hold what nobody should see.
    void show(const traffic::Exchange& exchange, const Node& entry) {
        std::string target = traffic::target_of(exchange, stack_);
        const size_t query = target.find('?');
        if (query != std::string::npos) target = target.substr(0, query) + "?…";
        const std::string cache = exchange.answer_header("x-cache");
        fmt::print(stderr, "{:>4}  {:<6} {:<56} {}  {:>8.1f} ms  {}\n", visit_.size(),
                   exchange.method, target, exchange.status, entry["time"].as_double(),
                   base::lower(base::cut(cache, ' ').first));
        const std::string path = target.substr(0, target.find('?'));
        is_done_ = is_done_ || (!until_.empty() && path.ends_with(until_) &&
                                path.find('/', path.find(':') + 1) == path.size() - until_.size());
    }

    const Client& client_;
    const Node& stack_;
    std::string until_, id_;
    std::vector<traffic::Exchange> visit_;
    std::vector<Node> entries_;
    int64_t missed_ = 0;
    bool is_done_ = false;
};

int record(const Arguments& arguments) {
    const std::string file = arguments.get("out");
    auto bounds = bounds_of(arguments);
    if (!bounds) return bounds.error();
    if (const int code = check_new(file); code != kOk) return code;
    auto again = second_recording(arguments);
    if (!again) return again.error();
    auto client = Client::find(arguments);
    if (!client) return client.error();
    auto place = place_of(client->info(), client->directory());
    if (!place) return place.error();
    const Node& stack = place->world.stack;
    std::string world;
    if (arguments.has("snapshot")) {
        if (const int code = save_snapshot(*client, arguments.get("snapshot")); code != kOk)
            return code;
        world = "snapshot:" + arguments.get("snapshot");
    }

    Interruption interruption;
    base::SystemClock clock;
    Recording recording(*client, stack, bounds->path);
    if (auto begun = recording.begin(); !begun) return fail(begun.error());
    fmt::print(stderr, "recording what is asked of {} and {}; Ctrl-C ends it\n",
               client->info().viewer_endpoint, client->info().viewer_tls_endpoint);
    const base::Time begun = clock.real_now();
    std::expected<void, Refusal> looked;
    while (looked && !interruption.asked() && !recording.is_done() &&
           (!bounds->time || clock.real_now() - begun < *bounds->time)) {
        clock.wait_until(clock.now() + kLook);
        looked = recording.look();
    }
    if (looked) looked = recording.look(true);
    if (!looked)
        fmt::print(stderr, "dodam: {}; what came before is kept\n", looked.error().sentence);
    if (recording.missed() > 0)
        fmt::print(stderr, "dodam: {} requests are missing: they came faster than they were read\n",
                   recording.missed());
    if (recording.visit().empty())
        return fail(kNothingRan, "nobody asked for anything, so there is nothing to write");
    if (!file.ends_with(".har")) {
        const int code = write_scenario(file, std::move(recording.visit()), std::move(*again),
                                        {arguments.get("name"), "", world, stack});
        return code != kOk || looked ? code : looked.error().exit_code;
    }
    const Node har = traffic::to_har(std::move(recording.entries()));
    if (auto written = state::write_file(file, base::to_json(har, 1) + "\n", 0600); !written)
        return fail(kWrongInput, written.error());
    fmt::print("{}: {} requests, nothing hidden; dodam import {} makes a scenario of it\n", file,
               recording.visit().size(), file);
    return looked ? kOk : looked.error().exit_code;
}

constexpr Flag kFlags[] = {
    {"-f,--file", "FILE", "the stack file whose instance is meant"},
    kStateFlag,
    {"--out", "FILE", "write it there (default: print it); FILE.har: the traffic itself"},
    kNameFlag,
    {"--for", "DURATION", "end after so long"},
    {"--until", "PATH", "end when this path was answered"},
    {"--snapshot", "NAME",
     "save the whole world under a name first: the scenario starts where the visit started"},
    kDiffFlag};

}  // namespace

const Command kRecord{
    "record",
    "Make a scenario from what viewers ask of the running instance, live",
    "",
    kFlags,
    "  dodam record --out scenarios/visit.scenario.json      until Ctrl-C\n"
    "  dodam record --out first.har --for 2m                 the same visit twice:\n"
    "  dodam record --out visit.scenario.json --diff first.har   what differs varies\n"
    "  dodam record --out s.scenario.json --snapshot before  starts from the data of now\n",
    record};

}  // namespace commands

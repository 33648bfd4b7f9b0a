// Setting, renewing, undoing.
#include "scenarios/runner/fault_hold.h"

#include <fmt/format.h>

namespace scenarios {
namespace {

using base::Node;

constexpr std::string_view kLease = "15s";
constexpr auto kRenewal = std::chrono::seconds(4);

}  // namespace

FaultHold::FaultHold(const World& world) : viewer_(world.ca_file), control_(world, viewer_) {}

std::expected<std::unique_ptr<FaultHold>, StepError> FaultHold::set(const World& world,
                                                                    const Node& faults) {
    std::unique_ptr<FaultHold> hold(new FaultHold(world));
    for (const auto& [target, how] : faults.members()) {
        auto answer = hold->control_.post(
            "/faults", Node::object({{"target", target}, {"fault", how}, {"lease", kLease}}));
        if (!answer) return std::unexpected(answer.error());  // ~FaultHold undoes the others
        hold->held_.push_back({(*answer)["id"].as_int(), target});
    }
    hold->thread_ = base::Thread("fault-lease", [raw = hold.get()] { raw->renew(); });
    return hold;
}

FaultHold::~FaultHold() {
    {
        std::lock_guard lock(mutex_);
        done_ = true;
    }
    changed_.notify_all();
    thread_.join();
    for (const Held& each : held_)
        (void)control_.post("/faults", Node::object({{"clear", each.id}}));
}

void FaultHold::renew() {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kRenewal, [this] { return done_; })) {
        for (const Held& each : held_) {
            auto answer =
                control_.post("/faults", Node::object({{"renew", each.id}, {"lease", kLease}}));
            if (!answer && lost_.empty())
                lost_ = fmt::format("the fault on {} ended before its steps: {}", each.target,
                                    answer.error().message);
        }
    }
}

std::string FaultHold::lost() {
    std::lock_guard lock(mutex_);
    return lost_;
}

}  // namespace scenarios

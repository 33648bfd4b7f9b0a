// See live_target.h.
#include "elbv2/live_target.h"

namespace elbv2 {

LiveTarget::Claim::Claim(LiveTarget& target) : target_(target) {
    target.in_flight_.fetch_add(1, std::memory_order_relaxed);
    std::lock_guard lock(target.claims_mutex_);
    place_ = target.claims_.insert(target.claims_.end(), this);
}

LiveTarget::Claim::~Claim() {
    target_.in_flight_.fetch_sub(1, std::memory_order_relaxed);
    std::lock_guard lock(target_.claims_mutex_);
    target_.claims_.erase(place_);
}

void LiveTarget::cut() {
    std::lock_guard lock(claims_mutex_);
    for (Claim* claim : claims_)
        claim->cancellation_.cancel();
}

std::shared_ptr<LiveTarget> LiveTargets::target(const std::string& group_arn, const std::string& id,
                                                uint16_t port) {
    std::lock_guard lock(mutex_);
    auto& found = targets_[Key{group_arn, id, port}];
    if (!found) {
        found = std::make_shared<LiveTarget>();
        found->update([](HealthRecord& record) {
            record.shown = {HealthState::Initial,
                            "Elb.RegistrationInProgress",
                            "Target registration is in progress",
                            {}};
        });
    }
    return found;
}

std::shared_ptr<LiveGroup> LiveTargets::group(const std::string& group_arn) {
    std::lock_guard lock(mutex_);
    auto& found = groups_[group_arn];
    if (!found) found = std::make_shared<LiveGroup>();
    return found;
}

void LiveTargets::forget(const std::string& group_arn, const std::string& id, uint16_t port) {
    std::lock_guard lock(mutex_);
    targets_.erase(Key{group_arn, id, port});
}

void LiveTargets::forget_group(const std::string& group_arn) {
    std::lock_guard lock(mutex_);
    groups_.erase(group_arn);
    std::erase_if(targets_, [&](const auto& entry) { return entry.first.group_arn == group_arn; });
}

}  // namespace elbv2

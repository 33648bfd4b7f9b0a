// See request_records.h.
#include "base/request_records.h"

namespace base {
namespace {

void cut_text(std::string& text) {
    if (text.size() > kMaxFailureText) text.resize(kMaxFailureText);
}

}  // namespace

void TargetRecord::add_probe(ProbeRecord probe) {
    cut_text(probe.text);
    std::lock_guard lock(mutex_);
    probes_.push_back(std::move(probe));
    if (probes_.size() > kProbesKept) probes_.pop_front();
    probes_made_.fetch_add(1, std::memory_order_relaxed);
}

std::vector<ProbeRecord> TargetRecord::probes() const {
    std::lock_guard lock(mutex_);
    return {probes_.begin(), probes_.end()};
}

std::string_view name_of(Layer layer) {
    constexpr std::string_view kNames[] = {"edge", "balancer", "target", "app"};
    return kNames[static_cast<size_t>(layer)];
}

void RequestFailures::add(RequestFailure failure) {
    for (std::string* text : {&failure.resource, &failure.group, &failure.target, &failure.method,
                              &failure.path, &failure.cause})
        cut_text(*text);
    std::lock_guard lock(mutex_);
    failures_.push_back(std::move(failure));
    if (failures_.size() <= kFailuresKept) return;
    complete_since_ = failures_.front().at + microseconds(1);
    failures_.pop_front();
}

std::vector<RequestFailure> RequestFailures::between(Time from, Time to) const {
    std::lock_guard lock(mutex_);
    std::vector<RequestFailure> found;
    for (const RequestFailure& failure : failures_)
        if (failure.at >= from && failure.at <= to) found.push_back(failure);
    return found;
}

Time RequestFailures::complete_since() const {
    std::lock_guard lock(mutex_);
    return complete_since_;
}

}  // namespace base

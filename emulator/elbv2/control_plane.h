// ControlPlane: what the ELBv2 operations act on: the store, the live targets, and the snapshot
// that is published after each change. ECS registers its tasks through the plain calls, as in AWS
// through the API.
#pragma once
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/operation.h"
#include "aws/service.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/published.h"
#include "elbv2/live_target.h"
#include "elbv2/snapshot.h"
#include "elbv2/store.h"
#include "state/database.h"

namespace elbv2 {

struct TargetAddress {
    std::string id;
    uint16_t port = 0;  // 0 = the group's
};

struct TargetStatus {
    std::string id;
    uint16_t port = 0;
    TargetHealth health;
    std::string detail;  // why the last probe failed, in plain words
};

// For status and console.
struct GroupStatus {
    std::string name, arn;
    std::vector<TargetStatus> targets;
};
struct ListenerStatus {
    Protocol protocol;
    uint16_t port;  // declared
    std::string arn;
};
struct LoadBalancerStatus {
    std::string name, arn, dns_name;
    std::vector<ListenerStatus> listeners;
    std::vector<GroupStatus> groups;
};

class ControlPlane final : public aws::Service {
  public:
    ControlPlane(state::Database& database, base::Clock& clock, base::Ids& ids);

    const aws::ServiceInfo& info() const override;
    std::optional<aws::Reply> serve(aws::Call& call) override;

    // Throw aws::Error (TargetGroupNotFound). Idempotent.
    void register_targets(const std::string& group_arn, const std::vector<TargetAddress>& targets);
    void deregister_targets(const std::string& group_arn,
                            const std::vector<TargetAddress>& targets);
    // Every registered target, draining ones included.
    std::vector<TargetStatus> describe_targets(const std::string& group_arn) const;
    // Requests and probes of a registered target; null where it is not registered.
    std::shared_ptr<const base::TargetRecord> requests_of(const std::string& group_arn,
                                                          const std::string& id,
                                                          uint16_t port) const;
    // Whether some listener or rule forwards to the group.
    bool is_attached(const std::string& group_arn) const;
    std::vector<LoadBalancerStatus> status() const;

    const base::Published<RoutingSnapshot>& snapshot() const { return snapshot_; }
    // Called with each new snapshot, before the operation that made it answers: opens and closes
    // listeners.
    void on_publish(std::function<void(const RoutingSnapshot&)> open) {
        on_publish_ = std::move(open);
    }
    // Called when access logs are turned on, with the object that shows that they can be put there:
    // false refuses it.
    void on_log_bucket(std::function<bool(const std::string& bucket, const std::string& key)> put) {
        put_test_log_ = std::move(put);
    }
    bool may_log_to(const std::string& bucket, const std::string& key) const {
        return !put_test_log_ || put_test_log_(bucket, key);
    }
    // Forgets targets whose deregistration delay is over; what is still in flight to them is cut.
    void finish_draining(base::Time now);

    // For operations and the health loop.
    Store& store() { return store_; }
    LiveTargets& live() { return live_; }
    base::Clock& clock() { return clock_; }
    const base::Ids& ids() const { return ids_; }

  private:
    template <class Change>
    void commit(Change change);
    void publish();

    state::Database& database_;
    base::Clock& clock_;
    base::Ids& ids_;
    std::mutex mutex_;  // one change at a time
    Store store_;
    LiveTargets live_;
    base::Published<RoutingSnapshot> snapshot_;
    std::function<void(const RoutingSnapshot&)> on_publish_;
    std::function<bool(const std::string&, const std::string&)> put_test_log_;
};

using Operation = aws::Operation<ControlPlane>;

// What DescribeTargetHealth says of a registered target.
TargetHealth shown_health(const RoutedGroup& group, const RoutedTarget& target);

}  // namespace elbv2

// See control_plane.h. Operations are found in the files of api/, one span each.
#include "elbv2/control_plane.h"

#include <algorithm>

#include "elbv2/api/operations.h"
#include "elbv2/api/targets.h"

namespace elbv2 {
namespace {

constexpr std::string_view kKnownOperations =
    "AddListenerCertificates\nAddTags\nAddTrustStoreRevocations\nCreateListener\nCreateLoadBalancer"
    "\nCreateRule\n"
    "CreateTargetGroup\nCreateTrustStore\nDeleteListener\nDeleteLoadBalancer\nDeleteRule\n"
    "DeleteSharedTrustStoreAssociation\nDeleteTargetGroup\nDeleteTrustStore\nDeregisterTargets\n"
    "DescribeAccountLimits\nDescribeCapacityReservation\nDescribeListenerAttributes\n"
    "DescribeListenerCertificates\nDescribeListeners\nDescribeLoadBalancerAttributes\nDescribeLoadB"
    "alancers\n"
    "DescribeRules\nDescribeSSLPolicies\nDescribeTags\nDescribeTargetGroupAttributes\nDescribeTarge"
    "tGroups\n"
    "DescribeTargetHealth\nDescribeTrustStoreAssociations\nDescribeTrustStoreRevocations\nDescribeT"
    "rustStores\n"
    "GetResourcePolicy\nGetTrustStoreCaCertificatesBundle\nGetTrustStoreRevocationContent\n"
    "ModifyCapacityReservation\nModifyIpPools\nModifyListener\nModifyListenerAttributes\n"
    "ModifyLoadBalancerAttributes\nModifyRule\nModifyTargetGroup\nModifyTargetGroupAttributes\n"
    "ModifyTrustStore\nRegisterTargets\nRemoveListenerCertificates\nRemoveTags\nRemoveTrustStoreRev"
    "ocations\n"
    "SetIpAddressType\nSetRulePriorities\nSetSecurityGroups\nSetSubnets";

constexpr aws::ServiceInfo kInfo = {
    .name = "elbv2",
    .signing_name = "elasticloadbalancing",
    .target_prefix = "",
    .version = "2015-12-01",
    .protocol = aws::Protocol::Query,
    .xml_namespace = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
    .known_operations = kKnownOperations,
};

const aws::OperationTable<ControlPlane>& table() {
    static const aws::OperationTable<ControlPlane> kTable{
        load_balancer_operations, listener_operations, rule_operations,
        target_group_operations,  target_operations,   tag_operations};
    return kTable;
}

bool only_reads(std::string_view operation) {
    return operation.starts_with("Describe");
}

}  // namespace

ControlPlane::ControlPlane(state::Database& database, base::Clock& clock, base::Ids& ids)
    : database_(database), clock_(clock), ids_(ids), store_(database) {
    publish();
}

const aws::ServiceInfo& ControlPlane::info() const {
    return kInfo;
}

template <class Change>
void ControlPlane::commit(Change change) {
    std::lock_guard lock(mutex_);
    state::Transaction transaction(database_);
    change();
    transaction.commit();
    publish();
}

void ControlPlane::publish() {
    auto snapshot = build_snapshot(store_.load(), live_);
    snapshot_.set(snapshot);
    if (on_publish_) on_publish_(*snapshot);
}

std::optional<aws::Reply> ControlPlane::serve(aws::Call& call) {
    const Operation* row = table().find(call.operation);
    if (!row) return std::nullopt;
    aws::Reply reply;
    if (only_reads(call.operation)) {
        std::lock_guard lock(database_.mutex());
        return row->run(*this, call);
    }
    commit([&] { reply = row->run(*this, call); });
    return reply;
}

void ControlPlane::register_targets(const std::string& group_arn,
                                    const std::vector<TargetAddress>& targets) {
    commit([&] { elbv2::register_targets(*this, group_arn, targets, {}); });
}

void ControlPlane::deregister_targets(const std::string& group_arn,
                                      const std::vector<TargetAddress>& targets) {
    commit([&] { elbv2::deregister_targets(*this, group_arn, targets); });
}

std::vector<TargetStatus> ControlPlane::describe_targets(const std::string& group_arn) const {
    std::vector<TargetStatus> found;
    auto snapshot = snapshot_.get();
    const RoutedGroup* group = snapshot->group(group_arn);
    if (!group) return found;
    for (const RoutedTarget& target : group->targets)
        found.push_back({target.target.id, target.target.port, shown_health(*group, target),
                         target.live->record().detail});
    return found;
}

std::shared_ptr<const base::TargetRecord> ControlPlane::requests_of(const std::string& group_arn,
                                                                    const std::string& id,
                                                                    uint16_t port) const {
    auto snapshot = snapshot_.get();
    const RoutedGroup* group = snapshot->group(group_arn);
    if (!group) return nullptr;
    for (const RoutedTarget& target : group->targets)
        if (target.target.id == id && target.target.port == port)
            return {target.live, &target.live->requests()};
    return nullptr;
}

bool ControlPlane::is_attached(const std::string& group_arn) const {
    auto snapshot = snapshot_.get();
    const RoutedGroup* group = snapshot->group(group_arn);
    return group && !group->load_balancer_arn.empty();
}

std::vector<LoadBalancerStatus> ControlPlane::status() const {
    std::vector<LoadBalancerStatus> all;
    auto snapshot = snapshot_.get();
    for (const auto& routed : snapshot->load_balancers) {
        const LoadBalancer& lb = routed->load_balancer;
        LoadBalancerStatus status{lb.name, lb.arn, lb.dns_name, {}, {}};
        for (const RoutedListener& listener : routed->listeners)
            status.listeners.push_back(
                {listener.listener.protocol, listener.listener.port, listener.listener.arn});
        for (const auto& group : snapshot->groups) {
            if (group->load_balancer_arn != lb.arn) continue;
            status.groups.push_back(
                {group->group.name, group->group.arn, describe_targets(group->group.arn)});
        }
        all.push_back(std::move(status));
    }
    return all;
}

void ControlPlane::finish_draining(base::Time now) {
    struct Over {
        std::string group_arn;
        Target target;
    };
    std::vector<Over> over;
    auto snapshot = snapshot_.get();
    for (const auto& group : snapshot->groups) {
        base::microseconds delay = clock_.scaled(group->settings.deregistration_delay);
        for (const RoutedTarget& target : group->targets) {
            bool waiting =
                !target.target.is_draining() || now < target.target.draining_since + delay;
            if (!waiting) over.push_back({group->group.arn, target.target});
        }
    }
    if (over.empty()) return;
    commit([&] {
        for (const Over& gone : over) {
            // It may have been registered anew in the meantime.
            auto targets = store_.targets(gone.group_arn);
            bool still = std::ranges::any_of(targets, [&](const Target& target) {
                return target.id == gone.target.id && target.port == gone.target.port &&
                       target.is_draining();
            });
            if (!still) continue;
            store_.remove_target(gone.group_arn, gone.target.id, gone.target.port);
            live_.target(gone.group_arn, gone.target.id, gone.target.port)->cut();
            live_.forget(gone.group_arn, gone.target.id, gone.target.port);
        }
    });
}

TargetHealth shown_health(const RoutedGroup& group, const RoutedTarget& target) {
    if (target.target.is_draining())
        return {HealthState::Draining, "Target.DeregistrationInProgress",
                "Target deregistration is in progress", target.target.draining_since};
    if (group.load_balancer_arn.empty())
        return {HealthState::Unused, "Target.NotInUse",
                "Target group is not configured to receive traffic from the load balancer",
                target.target.registered};
    return target.live->record().shown;
}

}  // namespace elbv2

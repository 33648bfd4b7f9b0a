// Invalidations: purge at once, tell what was purged, Completed after the propagation delay.
// API reference, "CreateInvalidation"; guide, "Invalidating files".
#include <fmt/format.h>

#include <algorithm>

#include "aws/error.h"
#include "base/date.h"
#include "base/log.h"
#include "cloudfront/api/operations.h"
#include "cloudfront/limits.h"
#include "cloudfront/rules.h"
#include "cloudfront/shapes.h"

namespace cloudfront {

using base::Node;

namespace {

std::string distribution_id(ControlPlane& control, const aws::Call& call) {
    const std::string& id = call.path.find("DistributionId")->second;
    if (!control.store().find(kDistributionKind, id))
        throw aws::Error(404, "NoSuchDistribution", "The specified distribution does not exist.");
    return id;
}

std::string status_of(const ControlPlane& control, const StoredInvalidation& invalidation) {
    return control.settled(invalidation.created) ? "Completed" : "InProgress";
}

Node to_invalidation(const ControlPlane& control, const StoredInvalidation& invalidation) {
    return Node::object({
        {"Id", invalidation.id},
        {"Status", status_of(control, invalidation)},
        {"CreateTime", base::iso_date_millis(invalidation.created)},
        {"InvalidationBatch", Node::object({{"Paths", items_node(invalidation.paths)},
                                            {"CallerReference", invalidation.caller_reference}})},
    });
}

aws::Reply created_invalidation(const ControlPlane& control,
                                const StoredInvalidation& invalidation) {
    aws::Reply answer = reply(201, "Invalidation", to_invalidation(control, invalidation));
    answer.headers.add(
        "Location",
        fmt::format("https://cloudfront.amazonaws.com/2020-05-31/distribution/{}/invalidation/{}",
                    invalidation.distribution_id, invalidation.id));
    return answer;
}

void check_quota(ControlPlane& control, const std::string& id,
                 const std::vector<std::string>& paths) {
    auto is_wildcard = [](const std::string& path) { return path.ends_with('*'); };
    size_t wildcards = std::ranges::count_if(paths, is_wildcard), plain = paths.size() - wildcards;
    if (plain > kMaxInvalidationPaths || wildcards > kMaxInvalidationWildcards)
        throw aws::Error(413, "BatchTooLarge", "Invalidation batch specified is too large.");
    for (const StoredInvalidation& open : control.store().invalidations(id)) {
        if (control.settled(open.created)) break;
        size_t open_wildcards = std::ranges::count_if(open.paths, is_wildcard);
        wildcards += open_wildcards;
        plain += open.paths.size() - open_wildcards;
    }
    if (plain > kMaxInvalidationPaths || wildcards > kMaxInvalidationWildcards)
        throw aws::Error(400, "TooManyInvalidationsInProgress",
                         "You have exceeded the maximum number of allowable InProgress "
                         "invalidation batch requests, or "
                         "invalidation objects.");
}

Node report_node(const std::vector<PathReport>& reports) {
    Node node = Node::array();
    for (const PathReport& report : reports) {
        Node entry = Node::object({{"path", report.path},
                                   {"objects", static_cast<int64_t>(report.objects)},
                                   {"filling", static_cast<int64_t>(report.filling)}});
        if (!report.warning.empty()) entry.set("warning", report.warning);
        node.push_back(entry);
    }
    return node;
}

std::string told(const PathReport& report) {
    if (!report.warning.empty())
        return fmt::format("{} removed nothing: {}", report.path, report.warning);
    std::string text = fmt::format("{} removed {} object{}", report.path, report.objects,
                                   report.objects == 1 ? "" : "s");
    if (report.filling > 0) text += fmt::format("; {} on the way will not be kept", report.filling);
    return text;
}

// For the trace of the call, and for the log.
void tell(aws::Reply& answer, const std::string& distribution,
          const std::vector<PathReport>& reports) {
    for (const PathReport& report : reports) {
        const std::string text = told(report);
        (report.warning.empty() ? base::log_info : base::log_warning)(
            "cloudfront", fmt::format("{}: invalidation of {}", distribution, text));
        answer.decisions.push_back({report.warning.empty() ? "invalidated" : "warning", text, {}});
    }
}

aws::Reply create_invalidation(ControlPlane& control, const aws::Call& call) {
    std::string id = distribution_id(control, call);
    Node batch = normalize(kInvalidationBatchShape, body_of(call));
    StoredInvalidation invalidation;
    invalidation.distribution_id = id;
    invalidation.caller_reference = batch["CallerReference"].as_string();
    for (const Node& path : batch["Paths"]["Items"].items())
        invalidation.paths.push_back(path.as_string());
    check_invalidation_paths(invalidation.paths);
    for (const StoredInvalidation& other : control.store().invalidations(id)) {
        if (other.caller_reference != invalidation.caller_reference) continue;
        std::vector<std::string> mine = invalidation.paths, theirs = other.paths;
        std::ranges::sort(mine);
        std::ranges::sort(theirs);
        if (mine == theirs) return created_invalidation(control, other);
        throw aws::Error(400, "InvalidArgument",
                         "Your request contains a caller reference that was used for a previous "
                         "invalidation batch for the "
                         "same distribution.");
    }
    check_quota(control, id, invalidation.paths);
    invalidation.created = control.now();
    invalidation.id = random_id('I', 25);
    // Before the answer: whoever waits for Completed finds nothing old.
    std::vector<PathReport> reports = control.cache().invalidate(id, invalidation.paths);
    invalidation.report = report_node(reports);
    control.store().insert(invalidation);
    aws::Reply answer = created_invalidation(control, invalidation);
    tell(answer, id, reports);
    return answer;
}

aws::Reply get_invalidation(ControlPlane& control, const aws::Call& call) {
    std::string id = distribution_id(control, call);
    for (const StoredInvalidation& invalidation : control.store().invalidations(id))
        if (invalidation.id == call.path.find("Id")->second)
            return reply(200, "Invalidation", to_invalidation(control, invalidation));
    throw aws::Error(404, "NoSuchInvalidation", "The specified invalidation does not exist.");
}

aws::Reply list_invalidations(ControlPlane& control, const aws::Call& call) {
    std::vector<std::pair<std::string, Node>> all;
    for (const StoredInvalidation& invalidation :
         control.store().invalidations(distribution_id(control, call)))
        all.emplace_back(invalidation.id,
                         Node::object({{"Id", invalidation.id},
                                       {"CreateTime", base::iso_date_millis(invalidation.created)},
                                       {"Status", status_of(control, invalidation)}}));
    return reply(200, "InvalidationList", list_node(paginate(call, all)));
}

constexpr Operation kOperations[] = {
    {"CreateInvalidation", create_invalidation, "POST",
     "/2020-05-31/distribution/{DistributionId}/invalidation"},
    {"GetInvalidation", get_invalidation, "GET",
     "/2020-05-31/distribution/{DistributionId}/invalidation/{Id}"},
    {"ListInvalidations", list_invalidations, "GET",
     "/2020-05-31/distribution/{DistributionId}/invalidation"},
};

}  // namespace

const std::span<const Operation> invalidation_operations = kOperations;

}  // namespace cloudfront

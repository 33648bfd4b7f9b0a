// Every operation that the real Amazon CloudWatch Logs API has (service model 2014-03-28 and later
// additions): known but unbuilt ones answer 501, others AWS's own error.
#pragma once
#include <string_view>

namespace logs {

inline constexpr std::string_view kKnownOperations = R"(
AssociateKmsKey
CancelExportTask
CreateExportTask
CreateLogGroup
CreateLogStream
DeleteDataProtectionPolicy
DeleteDestination
DeleteLogGroup
DeleteLogStream
DeleteMetricFilter
DeleteQueryDefinition
DeleteResourcePolicy
DeleteRetentionPolicy
DeleteSubscriptionFilter
DescribeDestinations
DescribeExportTasks
DescribeLogGroups
DescribeLogStreams
DescribeMetricFilters
DescribeQueries
DescribeQueryDefinitions
DescribeResourcePolicies
DescribeSubscriptionFilters
DisassociateKmsKey
FilterLogEvents
GetDataProtectionPolicy
GetLogEvents
GetLogGroupFields
GetLogRecord
GetQueryResults
ListLogGroups
ListTagsForResource
ListTagsLogGroup
PutDataProtectionPolicy
PutDestination
PutDestinationPolicy
PutLogEvents
PutMetricFilter
PutQueryDefinition
PutResourcePolicy
PutRetentionPolicy
PutSubscriptionFilter
StartLiveTail
StartQuery
StopQuery
TagLogGroup
TagResource
TestMetricFilter
UntagLogGroup
UntagResource
)";

}  // namespace logs

// Every operation that the real AWS Secrets Manager API has (service model 2017-10-17 and later
// additions): known but unbuilt ones answer 501, others AWS's own error.
#pragma once
#include <string_view>

namespace secretsmanager {

inline constexpr std::string_view kKnownOperations = R"(
BatchGetSecretValue
CancelRotateSecret
CreateSecret
DeleteResourcePolicy
DeleteSecret
DescribeSecret
GetRandomPassword
GetResourcePolicy
GetSecretValue
ListSecretVersionIds
ListSecrets
PutResourcePolicy
PutSecretValue
RemoveRegionsFromReplication
ReplicateSecretToRegions
RestoreSecret
RotateSecret
StopReplicationToReplica
TagResource
UntagResource
UpdateSecret
UpdateSecretVersionStage
ValidateResourcePolicy
)";

}  // namespace secretsmanager

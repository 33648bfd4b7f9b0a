// Operations of the service model that are not built: asked for by name, they are an honest 501.
#include "cloudfront/api/operations.h"

namespace cloudfront {

const std::string_view known_operations =
    "CopyDistribution POST /2020-05-31/distribution/{Id}/copy\n"
    "CreateAnycastIpList POST /2020-05-31/anycast-ip-list\n"
    "CreateConnectionGroup POST /2020-05-31/connection-group\n"
    "CreateContinuousDeploymentPolicy POST /2020-05-31/continuous-deployment-policy\n"
    "CreateDistributionTenant POST /2020-05-31/distribution-tenant\n"
    "CreateFieldLevelEncryptionConfig POST /2020-05-31/field-level-encryption\n"
    "CreateFieldLevelEncryptionProfile POST /2020-05-31/field-level-encryption-profile\n"
    "CreateFunction POST /2020-05-31/function\n"
    "CreateKeyValueStore POST /2020-05-31/key-value-store\n"
    "CreateRealtimeLogConfig POST /2020-05-31/realtime-log-config\n"
    "CreateStreamingDistribution POST /2020-05-31/streaming-distribution\n"
    "CreateVpcOrigin POST /2020-05-31/vpc-origin\n"
    "DeleteFunction DELETE /2020-05-31/function/{Name}\n"
    "DescribeFunction GET /2020-05-31/function/{Name}/describe\n"
    "DescribeKeyValueStore GET /2020-05-31/key-value-store/{Name}\n"
    "GetContinuousDeploymentPolicy GET /2020-05-31/continuous-deployment-policy/{Id}\n"
    "GetFieldLevelEncryption GET /2020-05-31/field-level-encryption/{Id}\n"
    "GetFunction GET /2020-05-31/function/{Name}\n"
    "GetRealtimeLogConfig POST /2020-05-31/get-realtime-log-config\n"
    "GetStreamingDistribution GET /2020-05-31/streaming-distribution/{Id}\n"
    "GetVpcOrigin GET /2020-05-31/vpc-origin/{Id}\n"
    "ListConflictingAliases GET /2020-05-31/conflicting-alias\n"
    "ListFieldLevelEncryptionConfigs GET /2020-05-31/field-level-encryption\n"
    "ListRealtimeLogConfigs GET /2020-05-31/realtime-log-config\n"
    "ListVpcOrigins GET /2020-05-31/vpc-origin\n"
    "PublishFunction POST /2020-05-31/function/{Name}/publish\n"
    "TestFunction POST /2020-05-31/function/{Name}/test\n"
    "UpdateDistributionWithStagingConfig PUT /2020-05-31/distribution/{Id}/promote-staging-config\n"
    "UpdateFunction PUT /2020-05-31/function/{Name}\n"
    "UpdateKeyValueStore PUT /2020-05-31/key-value-store/{Name}\n";

}  // namespace cloudfront

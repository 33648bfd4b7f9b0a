// AwsClient: AWS APIs as an ordinary client speaks them: Query, JSON, REST-XML. Answers look as the
// AWS CLI prints them.
#pragma once
#include <expected>
#include <string>
#include <string_view>

#include "base/json.h"
#include "scenarios/runner/context.h"

namespace scenarios {

struct AwsError {
    int status = 0;  // 0: no answer
    std::string code, message;
};

struct AwsBody {  // of S3 objects
    std::string bytes, type;
};

// `operation`: "ecs.DescribeServices".
std::expected<base::Node, AwsError> call_aws(Context& context, std::string_view operation,
                                             const base::Node& input, const AwsBody& body = {});

// Why it cannot be called, "" when it can.
std::string operation_problem(std::string_view operation);

}  // namespace scenarios

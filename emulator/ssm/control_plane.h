// SSM Parameter Store: what task definitions' secrets, the CLI and infrastructure tools call.
#pragma once
#include <expected>
#include <string>

#include "aws/operation.h"
#include "aws/service.h"
#include "base/ids.h"
#include "ssm/store.h"

namespace ssm {

class ControlPlane final : public aws::Service {
  public:
    ControlPlane(state::Database& database, base::Clock& clock, const base::Ids& ids)
        : clock_(clock), ids_(ids), store_(database) {
        store_.mask_values();
    }

    const aws::ServiceInfo& info() const override;
    std::optional<aws::Reply> serve(aws::Call& call) override;

    // For tasks: the value by name or ARN, decrypted; nothing when there is no such parameter.
    std::optional<std::string> value(std::string_view name_or_arn);

    // name, ARN, name:version, name:label. Throws ParameterNotFound or ParameterVersionNotFound.
    Parameter find(std::string_view reference);
    std::string arn(std::string_view name) const;
    Store& store() { return store_; }
    base::Clock& clock() { return clock_; }

  private:
    base::Clock& clock_;
    const base::Ids& ids_;
    Store store_;
};

using Operation = aws::Operation<ControlPlane>;
extern const std::span<const Operation> parameter_operations;

}  // namespace ssm

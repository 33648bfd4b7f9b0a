// Secrets Manager: what task definitions' secrets, the CLI and infrastructure tools call.
#pragma once
#include <expected>
#include <string>

#include "aws/operation.h"
#include "aws/service.h"
#include "base/ids.h"
#include "secretsmanager/store.h"

namespace secretsmanager {

class ControlPlane final : public aws::Service {
  public:
    ControlPlane(state::Database& database, base::Clock& clock, const base::Ids& ids)
        : clock_(clock), ids_(ids), store_(database) {
        store_.mask_values();
    }

    const aws::ServiceInfo& info() const override;
    std::optional<aws::Reply> serve(aws::Call& call) override;

    // For tasks: the secret's text by name or ARN; stage and version may be "". An error is AWS's
    // sentence with its code in front.
    std::expected<std::string, std::string> value(std::string_view id, std::string_view stage,
                                                  std::string_view version);

    Secret find(std::string_view id);  // throws ResourceNotFoundException
    Secret find_active(
        std::string_view id);  // … or InvalidRequestException when it is being deleted
    const Version& choose(Secret& secret, std::string_view stage, std::string_view version);
    // The pin, else a suffix that is a function of the name.
    std::string arn_for(const std::string& name) const;
    Store& store() { return store_; }
    base::Clock& clock() { return clock_; }

  private:
    base::Clock& clock_;
    const base::Ids& ids_;
    Store store_;
};

using Operation = aws::Operation<ControlPlane>;
extern const std::span<const Operation> secret_operations;
extern const std::span<const Operation> value_operations;

const std::string& required(const aws::Call& call, std::string_view member);
// A new version with the value in the call, at the stages; moves them from their former versions.
// Nothing when the call has no value.
Version* add_version(Secret& secret, const aws::Call& call, std::vector<std::string> stages);

}  // namespace secretsmanager

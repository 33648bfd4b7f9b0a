// STS: who am I, and temporary credentials. Source: STS API reference (Query, 2011-06-15).
#pragma once
#include "aws/access_keys.h"
#include "aws/operation.h"
#include "aws/service.h"

namespace sts {

class ControlPlane final : public aws::Service {
  public:
    ControlPlane(aws::AccessKeys& keys, const base::Clock& clock) : keys_(keys), clock_(clock) {}

    const aws::ServiceInfo& info() const override;
    std::optional<aws::Reply> serve(aws::Call& call) override;

    aws::AccessKeys& keys() { return keys_; }
    const base::Clock& clock() const { return clock_; }

  private:
    aws::AccessKeys& keys_;
    const base::Clock& clock_;
};

using Operation = aws::Operation<ControlPlane>;
extern const std::span<const Operation> session_operations;  // api/sessions.cpp

}  // namespace sts

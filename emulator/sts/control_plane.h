// STS: who am I, and temporary credentials. Source: STS API reference (Query, 2011-06-15).
#pragma once
#include "aws/access_keys.h"
#include "aws/operation.h"
#include "aws/service.h"
#include "sts/issuer.h"

namespace sts {

class ControlPlane final : public aws::Service {
  public:
    // The key file is the issuer's (issuer.h).
    ControlPlane(aws::AccessKeys& keys, const base::Clock& clock, std::string key_file)
        : keys_(keys), clock_(clock), issuer_(std::move(key_file)) {}

    const aws::ServiceInfo& info() const override;
    std::optional<aws::Reply> serve(aws::Call& call) override;

    aws::AccessKeys& keys() { return keys_; }
    const base::Clock& clock() const { return clock_; }
    Issuer& issuer() { return issuer_; }

  private:
    aws::AccessKeys& keys_;
    const base::Clock& clock_;
    Issuer issuer_;
};

using Operation = aws::Operation<ControlPlane>;
extern const std::span<const Operation> session_operations;  // api/sessions.cpp

}  // namespace sts

// Endpoint: S3's front door on the AWS port and on S3 hosts: address, signature, bucket, operation
// row, authorization, the operation, CORS, and one place that renders answers and errors. S3 API
// reference, "REST API"; s3.md §1, §2.1.
#pragma once
#include "base/trace.h"
#include "faults/faults.h"
#include "http/server.h"
#include "s3/control_plane.h"

namespace s3 {

class Endpoint final : public http::Handler {
  public:
    Endpoint(ControlPlane& s3, base::TraceRing& traces, Keys keys,
             const faults::Faults* faults = nullptr)
        : s3_(s3), traces_(traces), keys_(std::move(keys)), faults_(faults) {}

    void handle(http::Exchange& exchange) override;

  private:
    ControlPlane& s3_;
    base::TraceRing& traces_;
    Keys keys_;
    const faults::Faults* faults_;
};

}  // namespace s3

// The operation table of STS, and what the gateway needs to know about the service.
#include "sts/control_plane.h"

extern "C" const char dodam_sts_operations_begin[], dodam_sts_operations_end[];

namespace sts {

const aws::ServiceInfo& ControlPlane::info() const {
    static const aws::ServiceInfo kInfo = {
        .name = "sts",
        .signing_name = "sts",
        .version = "2011-06-15",
        .protocol = aws::Protocol::Query,
        .xml_namespace = "https://sts.amazonaws.com/doc/2011-06-15/",
        .known_operations = {dodam_sts_operations_begin,
                             static_cast<size_t>(dodam_sts_operations_end -
                                                 dodam_sts_operations_begin)},
    };
    return kInfo;
}

std::optional<aws::Reply> ControlPlane::serve(aws::Call& call) {
    static const aws::OperationTable<ControlPlane> kTable = {session_operations};
    const Operation* operation = kTable.find(call.operation);
    if (operation == nullptr) return std::nullopt;
    return operation->run(*this, call);
}

}  // namespace sts

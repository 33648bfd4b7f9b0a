// AWS JSON 1.0 and 1.1, and REST-JSON's answers. Smithy, "AWS JSON 1.1 protocol".
#include "aws/protocol.h"

namespace aws {

namespace {

std::string_view content_type(Protocol protocol) {
    switch (protocol) {
        case Protocol::Json10: return "application/x-amz-json-1.0";
        case Protocol::RestJson: return "application/json";
        default: return "application/x-amz-json-1.1";
    }
}

Rendered rendered(const ServiceInfo& service, const Call& call, int status, std::string body) {
    return {status,
            {{"x-amzn-RequestId", call.request_id},
             {"Content-Type", std::string(content_type(service.protocol))}},
            std::move(body)};
}

}  // namespace

Rendered render_json(const ServiceInfo& service, const Call& call, const Reply& reply) {
    // An operation without output answers {} where the body is the output, nothing in REST.
    std::string body = reply.output.is_null() ? (service.protocol == Protocol::RestJson ? "" : "{}")
                                              : base::to_json(reply.output);
    return rendered(service, call, reply.status, std::move(body));
}

Rendered render_json_error(const ServiceInfo& service, const Call& call, const Error& error) {
    base::Node body = base::Node::object({{"__type", error.code}});
    if (!error.message.empty()) body.set("message", error.message);
    for (const auto& [name, value] : error.fields)
        body.set(name, value);
    Rendered answer = rendered(service, call, error.status, base::to_json(body));
    answer.headers.add("x-amzn-ErrorType", error.code);
    return answer;
}

}  // namespace aws

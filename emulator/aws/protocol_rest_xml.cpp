// REST-XML answers: CloudFront's document shapes (S3 writes its own). Smithy, "AWS restXml
// protocol".
#include "aws/protocol.h"

namespace aws {

Rendered render_rest_xml(const ServiceInfo& service, const Call& call, const Reply& reply) {
    Rendered answer{reply.status, {{"x-amzn-RequestId", call.request_id}}, {}};
    if (reply.root.empty()) return answer;
    answer.headers.add("Content-Type", "text/xml");
    std::string_view space =
        reply.xml_namespace.empty() ? service.xml_namespace : reply.xml_namespace;
    answer.body = to_xml(reply.root, space, reply.output, service.list_names);
    return answer;
}

Rendered render_rest_xml_error(const ServiceInfo& service, const Call& call, const Error& error) {
    Rendered answer = render_query_error(service, call, error);
    answer.body.insert(0, "<?xml version=\"1.0\"?>\n");
    return answer;
}

}  // namespace aws

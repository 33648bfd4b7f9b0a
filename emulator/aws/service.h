// Service: what the gateway needs of one AWS API: its protocol, how it is recognised, and the call.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aws/call.h"

namespace aws {

enum class Protocol { Query, Json10, Json11, RestXml, RestJson };

struct ServiceInfo {
    std::string_view name;          // our folder: "elbv2"
    std::string_view signing_name;  // credential scope: "elasticloadbalancing"
    std::string_view
        target_prefix;  // JSON: X-Amz-Target before the dot ("AmazonEC2ContainerServiceV20141113")
    std::string_view
        version;  // Query: Version parameter ("2015-12-01"); REST: path prefix ("/2020-05-31/")
    Protocol protocol;
    std::string_view xml_namespace;  // Query and REST-XML
    // Every operation the real API has, one per line (a data file): known but unbuilt is a 501,
    // unknown AWS's own 400 or 404. REST: "Name METHOD /uri/{Id}", with "?discriminator" at its end
    // where there is one.
    std::string_view known_operations;
    // Element name of a list member where it is not "member": "Parent.List=Element" per line.
    // Nothing after the "=" is a flattened list: the list's own name is repeated.
    std::string_view list_names = {};
};

class Service {
  public:
    virtual ~Service() = default;
    virtual const ServiceInfo& info() const = 0;
    // Throws aws::Error. For REST the service finds its row itself (call.operation is still empty).
    // Nothing found: nullopt; the gateway answers 501 or unknown.
    virtual std::optional<Reply> serve(Call& call) = 0;
};

}  // namespace aws

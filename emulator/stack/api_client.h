// ApiClient: an ordinary client of the AWS port: signs, sends over a socket, reads the answer. What
// applies the stack file uses, so that there is no second path into the services.
#pragma once
#include <expected>
#include <map>
#include <span>
#include <string>

#include "aws/error.h"
#include "aws/service.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/json.h"
#include "http/upstream.h"
#include "net/resolver.h"

namespace stack {

class ApiClient {
  public:
    ApiClient(net::Address aws_port, aws::Credentials credentials, std::string region,
              const base::Clock& clock, std::span<const aws::ServiceInfo* const> services);

    // Query and JSON protocols. `service` is our folder's name. Throws aws::Error with the answer's
    // code and text.
    base::Node call(std::string_view service, std::string_view operation, const base::Node& input);

    // REST-XML: the body as a tree under `root` ("" = no body), or as it is. Gives the answer's
    // tree.
    struct RestAnswer {
        int status = 0;
        http::HeaderList headers;
        std::string body;
    };
    RestAnswer rest(std::string_view service, std::string_view method, const std::string& target,
                    std::string_view body = {}, const http::HeaderList& headers = {});
    std::string xml(std::string_view service, std::string_view root, const base::Node& tree) const;

  private:
    const aws::ServiceInfo& info(std::string_view service) const;
    RestAnswer send(const aws::ServiceInfo& info, std::string_view method,
                    const std::string& target, std::string_view body, http::HeaderList headers);

    net::Address aws_port_;
    aws::Credentials credentials_;
    std::string region_;
    const base::Clock& clock_;
    std::span<const aws::ServiceInfo* const> services_;
    net::Resolver resolver_;
    http::Upstream upstream_;
};

}  // namespace stack

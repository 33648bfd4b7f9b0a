// Call and Reply: one API call after its protocol was read, one answer before it is written.
// Query and JSON protocols: `input` holds the parameters as a tree (Query's `A.member.1.B` becomes
// arrays and objects, every leaf text). REST: `path` parameters, `query`, `headers`, and the body.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/trace.h"
#include "http/body.h"
#include "http/message.h"
#include "http/server.h"

namespace aws {

// Who signed. `access_key` is "" for an anonymous call.
struct Caller {
    std::string access_key;
    std::string account;
    std::string arn;  // arn:aws:iam::…:user/dev, or a task role's session, or a service principal's
    std::string user_id;
    // An AWS service acting for a resource (CloudFront with origin access control): who, and
    // aws:SourceArn.
    std::string service_principal;
    std::string source_arn;
    bool is_anonymous() const { return access_key.empty(); }
};

struct Call {
    std::string service;    // "elbv2", "ecs", "s3" …
    std::string operation;  // "CreateTargetGroup"
    std::string region;     // of the credential scope, else the stack's
    std::string account;
    Caller caller;
    std::string request_id;
    base::Time now;  // stack time at arrival

    base::Node input;  // Query and JSON protocols; REST-XML: the parsed body
    std::map<std::string, std::string, std::less<>> path;   // REST: {Id} … decoded
    std::map<std::string, std::string, std::less<>> query;  // REST: decoded, first value wins
    http::Exchange* exchange = nullptr;  // REST: headers, raw body, streaming answers

    const http::HeaderList& headers() const { return exchange->request().headers; }
    std::string_view query_value(std::string_view name) const {
        auto found = query.find(name);
        return found == query.end() ? std::string_view() : std::string_view(found->second);
    }
};

struct Reply {
    int status = 200;
    http::HeaderList headers;
    // Query, JSON, REST-XML: the output as a tree; the protocol writes it (XML list names from
    // `shapes`).
    base::Node output;
    std::string root;  // REST-XML: the document element's name
    std::string xml_namespace;
    std::optional<std::string> raw;         // already bytes (Content-Type among the headers)
    std::vector<base::Decision> decisions;  // what the operation tells the trace
    bool already_sent = false;  // the operation streamed its own answer through the exchange
};

}  // namespace aws

// Protocols: bytes to Call::input, Reply::output to bytes. Query, JSON 1.0/1.1, REST-XML.
#pragma once
#include <expected>
#include <string>
#include <string_view>

#include "aws/call.h"
#include "aws/error.h"
#include "aws/service.h"

namespace aws {

struct Rendered {
    int status;
    http::HeaderList headers;   // Content-Type and the request id in the protocol's spelling
    std::string body;
};

// Query: form fields to a tree; `X.member.N` and `X.entry.N` become arrays (objects of entries: arrays of {key, value}).
base::Node parse_query_input(std::string_view form);
Rendered render_query(const ServiceInfo& service, const Call& call, const Reply& reply);
Rendered render_query_error(const ServiceInfo& service, const Call& call, const Error& error);

Rendered render_json(const ServiceInfo& service, const Call& call, const Reply& reply);
Rendered render_json_error(const ServiceInfo& service, const Call& call, const Error& error);

// REST-XML: a document to a tree (repeated elements become arrays only under names listed in `list_names`;
// an attribute such as xsi:type is the member "@xsi:type"), and back.
std::expected<base::Node, std::string> parse_xml(std::string_view text, std::string_view list_names);
std::string to_xml(std::string_view root, std::string_view xml_namespace, const base::Node& tree, std::string_view list_names);
Rendered render_rest_xml(const ServiceInfo& service, const Call& call, const Reply& reply);
Rendered render_rest_xml_error(const ServiceInfo& service, const Call& call, const Error& error);

std::string xml_escape(std::string_view text);

}  // namespace aws

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
    http::HeaderList headers;  // Content-Type and the request id in the protocol's spelling
    std::string body;
};

// Query: form fields (without Action and Version) to a tree, every leaf a text; `X.member.N` and
// `X.entry.N` become arrays (objects of entries: arrays of {key, value}). Throws aws::Error
// MalformedQueryString for a name that is both a value and a structure.
base::Node parse_query_input(std::string_view form);
Rendered render_query(const ServiceInfo& service, const Call& call, const Reply& reply);
Rendered render_query_error(const ServiceInfo& service, const Call& call, const Error& error);

Rendered render_json(const ServiceInfo& service, const Call& call, const Reply& reply);
Rendered render_json_error(const ServiceInfo& service, const Call& call, const Error& error);

// REST-XML: a document to a tree, and back. The tree is the content of the document element:
// elements with children are objects, others are texts. Elements become arrays only under names
// listed in `list_names` (see ServiceInfo); any other repeated element is an error. An attribute
// such as xsi:type is the member "@xsi:type", text beside attributes the member "#text". No DTD, no
// entities of one's own, bounded depth and size.
inline constexpr size_t kMaxXmlBytes = 8 << 20;
inline constexpr int kMaxXmlDepth = 64;
std::expected<base::Node, std::string> parse_xml(std::string_view text, std::string_view list_names,
                                                 std::string* root = nullptr);
std::string to_xml(std::string_view root, std::string_view xml_namespace, const base::Node& tree,
                   std::string_view list_names);
Rendered render_rest_xml(const ServiceInfo& service, const Call& call, const Reply& reply);
Rendered render_rest_xml_error(const ServiceInfo& service, const Call& call, const Error& error);

std::string xml_escape(std::string_view text);

}  // namespace aws

// AWS Query: a form in, XML out. Smithy, "AWS query protocol".
#include <map>

#include "aws/protocol.h"
#include "aws/xml.h"
#include "base/text.h"
#include "http/query.h"

namespace aws {

namespace {

constexpr size_t kMaxSegments = 32;
constexpr size_t kMaxFields = 20'000;

// A form's dotted names as a tree; numbers are still names here.
struct Branch {
    std::map<std::string, Branch, std::less<>> children;
    std::optional<std::string> value;
};

[[noreturn]] void malformed(std::string message) {
    throw Error(400, "MalformedQueryString", std::move(message));
}

bool is_index(std::string_view name) {
    return base::parse_unsigned(name).has_value();
}

bool all_indexes(const Branch& branch) {
    for (const auto& [name, child] : branch.children)
        if (!is_index(name)) return false;
    return !branch.children.empty();
}

base::Node to_tree(const Branch& branch, std::string_view name);

base::Node to_list(const Branch& branch, std::string_view name) {
    std::map<uint64_t, const Branch*> ordered;
    for (const auto& [index, child] : branch.children)
        ordered[*base::parse_unsigned(index)] = &child;
    base::Node list = base::Node::array();
    for (const auto& [index, child] : ordered)
        list.push_back(to_tree(*child, name));
    return list;
}

base::Node to_tree(const Branch& branch, std::string_view name) {
    if (branch.children.empty()) return base::Node(branch.value.value_or(""));
    // An empty list is sent as "Name=", so a value beside members is a contradiction only when it
    // says something.
    if (branch.value && !branch.value->empty())
        malformed("The parameter " + std::string(name) + " is both a value and a structure");
    if (branch.children.size() == 1) {
        const auto& [only, child] = *branch.children.begin();
        if ((only == "member" || only == "entry") && all_indexes(child))
            return to_list(child, name);
    }
    if (all_indexes(branch)) return to_list(branch, name);
    base::Node tree = base::Node::object();
    for (const auto& [key, child] : branch.children)
        tree.members().emplace_back(key, to_tree(child, key));
    return tree;
}

Rendered rendered(const Call& call, int status, std::string body) {
    return {status,
            {{"x-amzn-RequestId", call.request_id}, {"Content-Type", "text/xml"}},
            std::move(body)};
}

}  // namespace

base::Node parse_query_input(std::string_view form) {
    Branch root;
    auto fields = http::parse_form(form);
    if (fields.size() > kMaxFields) malformed("Too many parameters");
    for (auto& field : fields) {
        if (field.name.empty() || field.name == "Action" || field.name == "Version") continue;
        auto segments = base::split(field.name, '.');
        if (segments.size() > kMaxSegments) malformed("A parameter's name is nested too deeply");
        Branch* at = &root;
        for (std::string_view segment : segments)
            at = &at->children[std::string(segment)];
        at->value = std::move(field.value);
    }
    base::Node tree = base::Node::object();
    for (const auto& [key, child] : root.children)
        tree.members().emplace_back(key, to_tree(child, key));
    return tree;
}

Rendered render_query(const ServiceInfo& service, const Call& call, const Reply& reply) {
    XmlNames names(service.list_names);
    std::string result = call.operation + "Result";
    std::string body =
        "<" + call.operation + "Response xmlns=\"" + xml_escape(service.xml_namespace) + "\">";
    append_xml(body, "", result, reply.output.is_null() ? base::Node::object() : reply.output,
               names);
    body += "<ResponseMetadata><RequestId>" + xml_escape(call.request_id) +
            "</RequestId></ResponseMetadata></" + call.operation + "Response>";
    return rendered(call, reply.status, std::move(body));
}

Rendered render_query_error(const ServiceInfo& service, const Call& call, const Error& error) {
    std::string body = "<ErrorResponse";
    if (!service.xml_namespace.empty())
        body += " xmlns=\"" + xml_escape(service.xml_namespace) + "\"";
    body += std::string("><Error><Type>") + (error.status < 500 ? "Sender" : "Receiver") +
            "</Type><Code>" + xml_escape(error.code) + "</Code><Message>" +
            xml_escape(error.message) + "</Message>";
    for (const auto& [name, value] : error.fields)
        body += "<" + name + ">" + xml_escape(value) + "</" + name + ">";
    body += "</Error><RequestId>" + xml_escape(call.request_id) + "</RequestId></ErrorResponse>";
    return rendered(call, error.status, std::move(body));
}

}  // namespace aws

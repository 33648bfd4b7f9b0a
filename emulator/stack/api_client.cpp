// An ordinary client of the AWS port.
#include "stack/api_client.h"

#include <fmt/format.h>

#include "aws/protocol.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/result.h"

namespace stack {
namespace {

using base::Node;

constexpr size_t kMaxAnswerBytes = 16 << 20;

// Query protocol: A.member.1.B=…
void flatten(const Node& node, const std::string& prefix, std::string& form) {
    if (node.is_object()) {
        for (const auto& [name, value] : node.members())
            flatten(value, prefix.empty() ? name : prefix + "." + name, form);
        return;
    }
    if (node.is_array()) {
        size_t index = 0;
        for (const Node& item : node.items())
            flatten(item, fmt::format("{}.member.{}", prefix, ++index), form);
        return;
    }
    std::string text = node.is_string() ? node.as_string()
                       : node.is_bool() ? std::string(node.as_bool() ? "true" : "false")
                                        : node.number_text();
    form += fmt::format("&{}={}", prefix, base::percent_encode(text));
}

[[noreturn]] void throw_json_error(int status, const std::string& body) {
    auto node = base::parse_json(body);
    if (!node) throw aws::Error(status, "InternalFailure", body.substr(0, 200));
    std::string code = (*node)["__type"].as_string();
    if (auto hash = code.find('#'); hash != std::string::npos) code.erase(0, hash + 1);
    const std::string& lower = (*node)["message"].as_string();
    throw aws::Error(status, code, lower.empty() ? (*node)["Message"].as_string() : lower);
}

[[noreturn]] void throw_xml_error(int status, const std::string& body) {
    auto tree = aws::parse_xml(body, "");
    if (!tree) throw aws::Error(status, "InternalFailure", body.substr(0, 200));
    const Node& error = tree->find("Error") ? (*tree)["Error"] : *tree;
    throw aws::Error(status, error["Code"].as_string(), error["Message"].as_string());
}

}  // namespace

ApiClient::ApiClient(net::Address aws_port, aws::Credentials credentials, std::string region,
                     const base::Clock& clock, std::span<const aws::ServiceInfo* const> services)
    : aws_port_(std::move(aws_port)),
      credentials_(std::move(credentials)),
      region_(std::move(region)),
      clock_(clock),
      services_(services),
      upstream_(resolver_) {}

const aws::ServiceInfo& ApiClient::info(std::string_view service) const {
    for (const auto* info : services_)
        if (info->name == service) return *info;
    ASSERT(false && "the stack file names a service that is not wired");
    __builtin_unreachable();
}

ApiClient::RestAnswer ApiClient::send(const aws::ServiceInfo& info, std::string_view method,
                                      const std::string& target, std::string_view body,
                                      http::HeaderList headers) {
    http::RequestHead head;
    head.method = method;
    head.target = target;
    head.headers.add("Host", aws_port_.to_string());
    for (const auto& header : headers)
        head.headers.add(header.name, header.value);
    aws::sign(head, credentials_, region_, info.signing_name, base::sha256_hex(body),
              clock_.real_now(),
              info.name == "s3" ? aws::PathEncoding::Once : aws::PathEncoding::Twice);
    http::StringBody stream{std::string(body)};
    http::Endpoint endpoint{aws_port_.ip(), aws_port_.port()};
    auto response = upstream_.send(endpoint, head, &stream, {});
    if (!response)
        throw aws::Error(503, "ServiceUnavailable",
                         "the AWS port does not answer: " + response.error().text);
    auto text = http::read_all((*response)->body(), kMaxAnswerBytes,
                               net::Deadline::after(std::chrono::seconds(60)));
    if (!text)
        throw aws::Error(503, "ServiceUnavailable",
                         "the AWS port's answer was cut: " + text.error().text);
    return {(*response)->head().status, (*response)->head().headers, std::move(*text)};
}

Node ApiClient::call(std::string_view service, std::string_view operation, const Node& input) {
    const aws::ServiceInfo& info = this->info(service);
    if (info.protocol == aws::Protocol::Query) {
        std::string form = fmt::format("Action={}&Version={}", operation, info.version);
        flatten(input, "", form);
        auto answer = send(info, "POST", "/", form,
                           {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}});
        if (answer.status >= 300) throw_xml_error(answer.status, answer.body);
        auto tree = aws::parse_xml(answer.body, info.list_names);
        return tree ? (*tree)[fmt::format("{}Result", operation)] : Node();
    }
    const bool json10 = info.protocol == aws::Protocol::Json10;
    auto answer = send(
        info, "POST", "/", input.is_null() ? "{}" : base::to_json(input),
        {{"Content-Type", json10 ? "application/x-amz-json-1.0" : "application/x-amz-json-1.1"},
         {"X-Amz-Target", fmt::format("{}.{}", info.target_prefix, operation)}});
    if (answer.status >= 300) throw_json_error(answer.status, answer.body);
    auto tree = base::parse_json(answer.body.empty() ? "{}" : answer.body);
    return tree ? std::move(*tree) : Node();
}

ApiClient::RestAnswer ApiClient::rest(std::string_view service, std::string_view method,
                                      const std::string& target, std::string_view body,
                                      const http::HeaderList& headers) {
    auto answer = send(info(service), method, target, body, headers);
    if (answer.status < 400) return answer;
    if (answer.body.empty())
        throw aws::Error(answer.status, answer.status == 404 ? "NotFound" : "Error",
                         fmt::format("HTTP {}", answer.status));
    throw_xml_error(answer.status, answer.body);
}

std::string ApiClient::xml(std::string_view service, std::string_view root,
                           const Node& tree) const {
    const aws::ServiceInfo& info = this->info(service);
    return aws::to_xml(root, info.xml_namespace, tree, info.list_names);
}

}  // namespace stack

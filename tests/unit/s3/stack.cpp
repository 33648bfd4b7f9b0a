#include "stack.h"

#include <filesystem>

#include "base/encoding.h"
#include "base/text.h"

namespace s3_test {
namespace {

void collect(const s3::Element& element, std::string_view name, std::vector<std::string>& found) {
    if (element.name == name) found.push_back(element.text);
    for (const s3::Element& child : element.children)
        collect(child, name, found);
}

s3::Keys functions(aws::AccessKeys& keys) {
    return {[&](std::string_view key) { return keys.secret_of(key); },
            [&](std::string_view key) { return keys.caller_of(key); },
            [&](std::string_view key, std::string_view token) { keys.check_token(key, token); }};
}

}  // namespace

std::vector<std::string> Answer::elements(std::string_view name) const {
    std::vector<std::string> found;
    if (auto document = s3::parse_xml(body)) collect(*document, name, found);
    return found;
}

std::string Answer::element(std::string_view name) const {
    auto found = elements(name);
    return found.empty() ? std::string() : found[0];
}

Stack::Stack()
    : database(std::move(*state::Database::open(":memory:"))),
      blobs(directory / "blobs"),
      keys(std::string(kAccount), clock),
      s3(*database, clock, ids, blobs),
      endpoint(s3, traces, functions(keys)) {
    keys.add_user("AKIDTEST", "secret", "dev");
}

http::RequestHead Stack::signed_head(const Ask& ask) const {
    http::RequestHead head;
    head.method = ask.method;
    head.target = ask.target;
    head.headers = ask.headers;
    head.headers.add("Host", ask.host);
    bool has_body = !ask.body.empty() || ask.method == "PUT" || ask.method == "POST";
    if (ask.framed && has_body && !head.headers.has("Transfer-Encoding") &&
        !head.headers.has("Content-Length"))
        head.headers.add("Content-Length", std::to_string(ask.body.size()));
    if (ask.as == As::Anonymous) return head;
    aws::Credentials credentials{"AKIDTEST", "secret", ""};
    auto& all_keys = const_cast<aws::AccessKeys&>(keys);
    if (ask.as == As::Distribution)
        credentials = all_keys.service_key("cloudfront.amazonaws.com", kDistribution);
    if (ask.as == As::OtherDistribution)
        credentials = all_keys.service_key("cloudfront.amazonaws.com",
                                           "arn:aws:cloudfront::000000000000:distribution/E2");
    std::string hash = ask.unsigned_payload ? "UNSIGNED-PAYLOAD" : base::sha256_hex(ask.body);
    if (!ask.payload_hash.empty()) hash = ask.payload_hash;
    aws::sign(head, credentials, ask.region, "s3", hash, clock.now(), aws::PathEncoding::Once);
    return head;
}

Answer Stack::send(Ask ask) {
    http::RequestHead head = signed_head(ask);
    return send_head(std::move(head), std::move(ask.body));
}

Answer Stack::send_head(http::RequestHead head, std::string body) {
    support::RecordedExchange exchange(std::move(head), std::move(body));
    endpoint.handle(exchange);
    return {exchange.response.status, exchange.response.headers, exchange.response_body};
}

std::string Stack::decision(std::string_view key) const {
    std::string text;
    base::Span span = traces.latest(1).at(0);
    for (const base::Decision& decision : span.decisions)
        if (decision.key == key) text = decision.text;
    return text;
}

size_t Stack::blob_count() const {
    size_t count = 0;
    if (!std::filesystem::exists(blobs.directory())) return 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(blobs.directory()))
        count += entry.is_regular_file();
    return count;
}

void Stack::open_to_the_public(std::string_view bucket) {
    std::string name(bucket);
    remove("/" + name + "?publicAccessBlock");
    put("/" + name + "?policy",
        R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::)" +
            name + R"(/*"}]})");
}

std::string list_of_parts(const std::vector<std::pair<int, std::string>>& parts) {
    std::string xml = "<CompleteMultipartUpload>";
    for (const auto& [number, etag] : parts)
        xml += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + etag +
               "</ETag></Part>";
    return xml + "</CompleteMultipartUpload>";
}

}  // namespace s3_test

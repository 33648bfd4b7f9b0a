// AWS protocols from the client's side: a row per service, a row per REST operation.
#include "scenarios/runner/aws_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <pugixml.hpp>

#include "base/encoding.h"
#include "base/result.h"
#include "base/text.h"
#include "scenarios/runner/names.h"
#include "scenarios/runner/sigv4.h"

namespace scenarios {
namespace {

using base::Node;

enum class Protocol { Query, Json, RestXml };

struct Service {
    std::string_view name, signing_name;
    Protocol protocol;
    std::string_view prefix;  // Query: version; JSON: target prefix
};

constexpr Service kServices[] = {
    {"acm", "acm", Protocol::Json, "CertificateManager"},
    {"cloudfront", "cloudfront", Protocol::RestXml, "2020-05-31"},
    {"ecr", "ecr", Protocol::Json, "AmazonEC2ContainerRegistry_V20150921"},
    {"ecs", "ecs", Protocol::Json, "AmazonEC2ContainerServiceV20141113"},
    {"elbv2", "elasticloadbalancing", Protocol::Query, "2015-12-01"},
    {"logs", "logs", Protocol::Json, "Logs_20140328"},
    {"s3", "s3", Protocol::RestXml, ""},
    {"secretsmanager", "secretsmanager", Protocol::Json, "secretsmanager"},
    {"ssm", "ssm", Protocol::Json, "AmazonSSM"},
    {"sts", "sts", Protocol::Query, "2011-06-15"},
};

// {Name} stands for the input's member; members that are neither in the path nor the body go where
// `query` says, and else to headers.
struct RestRow {
    std::string_view service, operation, method, path;
    std::string_view query;  // "Prefix=prefix Delimiter=delimiter", and fixed words ("list-type=2")
};

constexpr RestRow kRows[] = {
    {"s3", "ListBuckets", "GET", "/", ""},
    {"s3", "CreateBucket", "PUT", "/{Bucket}", ""},
    {"s3", "HeadBucket", "HEAD", "/{Bucket}", ""},
    {"s3", "DeleteBucket", "DELETE", "/{Bucket}", ""},
    {"s3", "GetBucketPolicy", "GET", "/{Bucket}", "policy"},
    {"s3", "GetBucketLocation", "GET", "/{Bucket}", "location"},
    {"s3", "GetBucketVersioning", "GET", "/{Bucket}", "versioning"},
    {"s3", "GetPublicAccessBlock", "GET", "/{Bucket}", "publicAccessBlock"},
    {"s3", "ListObjectsV2", "GET", "/{Bucket}",
     "list-type=2 Prefix:prefix Delimiter:delimiter MaxKeys:max-keys "
     "ContinuationToken:continuation-token StartAfter:start-after"},
    {"s3", "ListObjectVersions", "GET", "/{Bucket}", "versions Prefix:prefix"},
    {"s3", "HeadObject", "HEAD", "/{Bucket}/{Key}", "VersionId:versionId"},
    {"s3", "GetObject", "GET", "/{Bucket}/{Key}", "VersionId:versionId"},
    {"s3", "PutObject", "PUT", "/{Bucket}/{Key}", ""},
    {"s3", "DeleteObject", "DELETE", "/{Bucket}/{Key}", "VersionId:versionId"},
    {"cloudfront", "GetDistribution", "GET", "/2020-05-31/distribution/{Id}", ""},
    {"cloudfront", "GetDistributionConfig", "GET", "/2020-05-31/distribution/{Id}/config", ""},
    {"cloudfront", "ListDistributions", "GET", "/2020-05-31/distribution",
     "Marker:Marker MaxItems:MaxItems"},
    {"cloudfront", "CreateInvalidation", "POST",
     "/2020-05-31/distribution/{DistributionId}/invalidation", ""},
    {"cloudfront", "GetInvalidation", "GET",
     "/2020-05-31/distribution/{DistributionId}/invalidation/{Id}", ""},
    {"cloudfront", "ListInvalidations", "GET",
     "/2020-05-31/distribution/{DistributionId}/invalidation", "Marker:Marker MaxItems:MaxItems"},
    {"cloudfront", "CreateDistribution", "POST", "/2020-05-31/distribution", ""},
    {"cloudfront", "UpdateDistribution", "PUT", "/2020-05-31/distribution/{Id}/config", ""},
    {"cloudfront", "DeleteDistribution", "DELETE", "/2020-05-31/distribution/{Id}", ""},
    {"cloudfront", "CreateFunction", "POST", "/2020-05-31/function", ""},
    {"cloudfront", "GetCachePolicy", "GET", "/2020-05-31/cache-policy/{Id}", ""},
    {"cloudfront", "CreateCachePolicy", "POST", "/2020-05-31/cache-policy", ""},
    {"cloudfront", "ListCachePolicies", "GET", "/2020-05-31/cache-policy", "Type:Type"},
};

struct HeaderName {
    std::string_view member, header;
};
constexpr HeaderName kHeaders[] = {
    {"ContentType", "content-type"},
    {"CacheControl", "cache-control"},
    {"ContentEncoding", "content-encoding"},
    {"ContentDisposition", "content-disposition"},
    {"ContentLength", "content-length"},
    {"ContentLanguage", "content-language"},
    {"ETag", "etag"},
    {"LastModified", "last-modified"},
    {"VersionId", "x-amz-version-id"},
    {"DeleteMarker", "x-amz-delete-marker"},
    {"AcceptRanges", "accept-ranges"},
    {"ContentRange", "content-range"},
    {"ServerSideEncryption", "x-amz-server-side-encryption"},
    {"WebsiteRedirectLocation", "x-amz-website-redirect-location"},
    {"BucketRegion", "x-amz-bucket-region"},
    {"IfMatch", "if-match"},
    {"IfNoneMatch", "if-none-match"},
    {"Range", "range"},
};

// XML says nothing of types. These are the numbers; "true" and "false" are booleans anywhere but in
// a "Value".
constexpr std::string_view kNumbers[] = {"ConnectionAttempts",
                                         "ConnectionTimeout",
                                         "ContentLength",
                                         "DefaultTTL",
                                         "DurationSeconds",
                                         "ErrorCachingMinTTL",
                                         "ErrorCode",
                                         "HTTPPort",
                                         "HTTPSPort",
                                         "HealthCheckIntervalSeconds",
                                         "HealthCheckTimeoutSeconds",
                                         "HealthyThresholdCount",
                                         "InProgressInvalidationBatches",
                                         "KeyCount",
                                         "MaxItems",
                                         "MaxKeys",
                                         "MaxTTL",
                                         "MinTTL",
                                         "OriginKeepaliveTimeout",
                                         "OriginReadTimeout",
                                         "Port",
                                         "Quantity",
                                         "Size",
                                         "UnhealthyThresholdCount",
                                         "Weight"};
// Lists without an element of their own around them.
constexpr std::string_view kFlatLists[] = {"Contents", "CommonPrefixes", "Version",
                                           "Version",  "DeleteMarker",   "Deleted",
                                           "Grant",    "Rule",           "CORSRule"};
// Lists whose element is named in the singular.
constexpr std::string_view kWrappedLists[] = {"Items", "Buckets", "TagSet"};

template <class List>
bool contains(const List& list, std::string_view word) {
    return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

Node leaf(std::string_view name, const std::string& text) {
    if (contains(kNumbers, name))
        if (auto number = base::parse_signed(text)) return Node(*number);
    if (name != "Value" && (text == "true" || text == "false")) return Node(text == "true");
    return Node(text);
}

Node tree(const pugi::xml_node& element) {
    const auto first = element.find_child(
        [](const pugi::xml_node& child) { return child.type() == pugi::node_element; });
    if (!first)
        return contains(kWrappedLists, element.name()) ? Node::array()
                                                       : leaf(element.name(), element.text().get());
    if (std::string_view(first.name()) == "member" || contains(kWrappedLists, element.name())) {
        Node list = Node::array();
        for (const pugi::xml_node& child : element.children())
            if (child.type() == pugi::node_element) list.push_back(tree(child));
        return list;
    }
    Node object = Node::object();
    for (const pugi::xml_node& child : element.children()) {
        if (child.type() != pugi::node_element) continue;
        if (contains(kFlatLists, child.name())) {
            const std::string plural = child.name() == std::string_view("Version") ? "Versions"
                                       : child.name() == std::string_view("DeleteMarker")
                                           ? "DeleteMarkers"
                                           : child.name();
            if (!object.find(plural)) object.set(plural, Node::array());
            object.find(plural)->push_back(tree(child));
        } else {
            object.set(child.name(), tree(child));
        }
    }
    return object;
}

void flatten(const Node& node, const std::string& prefix, std::string& form) {
    for (const auto& [name, value] : node.members())
        flatten(value, prefix.empty() ? name : prefix + "." + name, form);
    size_t index = 0;
    for (const Node& item : node.items())
        flatten(item, fmt::format("{}.member.{}", prefix, ++index), form);
    if (!node.is_object() && !node.is_array())
        form += fmt::format("&{}={}", prefix, base::percent_encode(as_text(node)));
}

const Service* find_service(std::string_view name) {
    const auto* row = std::find_if(std::begin(kServices), std::end(kServices),
                                   [&](const Service& each) { return each.name == name; });
    return row == std::end(kServices) ? nullptr : row;
}

const RestRow* find_row(std::string_view service, std::string_view operation) {
    const auto* row = std::find_if(std::begin(kRows), std::end(kRows), [&](const RestRow& each) {
        return each.service == service && each.operation == operation;
    });
    return row == std::end(kRows) ? nullptr : row;
}

using Sent = std::expected<ViewerResponse, AwsError>;

Sent send(Context& context, const Service& service, std::string_view method,
          const std::string& path, const std::string& query, Headers headers, std::string body) {
    auto target = resolve(context.world, "aws:/");
    if (!target) return std::unexpected(AwsError{0, "", target.error()});
    headers.emplace_back("Host", target->host);
    if (!context.world.session_token.empty())
        headers.emplace_back("X-Amz-Security-Token", context.world.session_token);
    const SigningKey key{context.world.access_key, context.world.secret_key,
                         service.name == "cloudfront" ? "us-east-1" : context.world.region,
                         std::string(service.signing_name)};
    for (auto& header : sign(key, method, path, query, headers, body, context.clock.real_now()))
        headers.push_back(std::move(header));
    target->path = query.empty() ? path : path + "?" + query;
    auto response = context.viewer.send(
        {std::string(method), *target, std::move(headers), std::move(body), "", context.left()});
    if (!response) return std::unexpected(AwsError{0, "", response.error().text});
    return std::move(*response);
}

AwsError json_error(const ViewerResponse& response) {
    auto node = base::parse_json(response.body);
    if (!node) return {response.status, "InternalFailure", response.body.substr(0, 200)};
    std::string code = (*node)["__type"].as_string();
    if (auto hash = code.find('#'); hash != std::string::npos) code.erase(0, hash + 1);
    const std::string& message = (*node)["message"].as_string();
    return {response.status, code, message.empty() ? (*node)["Message"].as_string() : message};
}

AwsError xml_error(const ViewerResponse& response) {
    pugi::xml_document document;
    document.load_buffer(response.body.data(), response.body.size());
    auto found = document.find_node(
        [](const pugi::xml_node& node) { return std::string_view(node.name()) == "Code"; });
    if (!found)
        return {response.status,
                response.status == 404   ? "NotFound"
                : response.status == 403 ? "Forbidden"
                                         : "Error",
                fmt::format("HTTP {}", response.status)};
    return {response.status, found.text().get(), found.parent().child("Message").text().get()};
}

std::expected<Node, AwsError> call_json(Context& context, const Service& service,
                                        std::string_view operation, const Node& input) {
    auto response = send(context, service, "POST", "/", "",
                         {{"Content-Type", "application/x-amz-json-1.1"},
                          {"X-Amz-Target", fmt::format("{}.{}", service.prefix, operation)}},
                         input.is_null() ? "{}" : base::to_json(input));
    if (!response) return std::unexpected(response.error());
    if (response->status >= 300) return std::unexpected(json_error(*response));
    auto node = base::parse_json(response->body.empty() ? "{}" : response->body);
    if (!node)
        return std::unexpected(
            AwsError{response->status, "", "the answer is not JSON: " + node.error().message});
    return std::move(*node);
}

std::expected<Node, AwsError> call_query(Context& context, const Service& service,
                                         std::string_view operation, const Node& input) {
    std::string form = fmt::format("Action={}&Version={}", operation, service.prefix);
    flatten(input, "", form);
    auto response = send(context, service, "POST", "/", "",
                         {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
                         std::move(form));
    if (!response) return std::unexpected(response.error());
    if (response->status >= 300) return std::unexpected(xml_error(*response));
    pugi::xml_document document;
    if (!document.load_buffer(response->body.data(), response->body.size()))
        return std::unexpected(AwsError{response->status, "", "the answer is not XML"});
    const auto result =
        document.document_element().child(fmt::format("{}Result", operation).c_str());
    Node node = result ? tree(result) : Node::object();
    return node.is_object() ? std::move(node) : Node::object();
}

// What the elements of CloudFront's lists are called, by the list.
struct ListName {
    std::string_view list, element;
};
constexpr ListName kListNames[] = {
    {"Aliases", "CNAME"},
    {"Origins", "Origin"},
    {"CustomHeaders", "OriginCustomHeader"},
    {"OriginSslProtocols", "SslProtocol"},
    {"OriginGroups", "OriginGroup"},
    {"StatusCodes", "StatusCode"},
    {"Members", "OriginGroupMember"},
    {"CacheBehaviors", "CacheBehavior"},
    {"AllowedMethods", "Method"},
    {"CachedMethods", "Method"},
    {"TrustedKeyGroups", "KeyGroup"},
    {"CustomErrorResponses", "CustomErrorResponse"},
    {"GeoRestriction", "Location"},
    {"Paths", "Path"},
};

void write_xml(pugi::xml_node into, std::string_view owner, const Node& node) {
    for (const auto& [name, value] : node.members())
        write_xml(into.append_child(name.c_str()), name == "Items" ? owner : std::string_view(name),
                  value);
    const auto* row = std::find_if(std::begin(kListNames), std::end(kListNames),
                                   [&](const ListName& each) { return each.list == owner; });
    // Headers, cookies, query keys: names.
    const std::string element(row == std::end(kListNames) ? "Name" : row->element);
    for (const Node& item : node.items())
        write_xml(into.append_child(element.c_str()), element, item);
    if (!node.is_object() && !node.is_array()) into.text() = as_text(node).c_str();
}

// A document as the service's XML.
std::string cloudfront_xml(std::string_view root, const Node& input) {
    pugi::xml_document document;
    auto element = document.append_child(std::string(root).c_str());
    element.append_attribute("xmlns") = "http://cloudfront.amazonaws.com/doc/2020-05-31/";
    write_xml(element, root, input);
    std::ostringstream out;
    document.save(out, "", pugi::format_raw);
    return std::move(out).str();
}

// The input's member that is the body of an operation.
std::string cloudfront_body(const Node& input) {
    for (std::string_view root : {"DistributionConfig", "CachePolicyConfig"})
        if (const Node* document = input.find(root)) return cloudfront_xml(root, *document);
    const Node* batch = input.find("InvalidationBatch");
    if (batch == nullptr) return {};
    Node counted = *batch;
    Node paths = Node::object();
    paths.set("Quantity", static_cast<int64_t>(counted["Paths"]["Items"].items().size()));
    paths.set("Items", counted["Paths"]["Items"]);
    counted.set("Paths", std::move(paths));
    return cloudfront_xml("InvalidationBatch", counted);
}

// "Prefix:prefix" takes the input's member, other words stand as they are.
std::string rest_query(const RestRow& row, const Node& input) {
    std::string query;
    if (row.query.empty()) return query;
    for (std::string_view word : base::split(row.query, ' ')) {
        const auto [member, name] = base::cut(word, ':');
        std::string part;
        if (word.find(':') == std::string_view::npos)
            part = word.find('=') == std::string_view::npos ? std::string(word) + "="
                                                            : std::string(word);
        else if (const Node* value = input.find(member))
            part = fmt::format("{}={}", name, base::percent_encode(as_text(*value)));
        if (!part.empty()) query += (query.empty() ? "" : "&") + part;
    }
    return query;
}

std::expected<std::string, AwsError> rest_path(const RestRow& row, const Node& input) {
    std::string path;
    std::string_view rest = row.path;
    while (!rest.empty()) {
        const size_t open = std::min(rest.find('{'), rest.size());
        path += rest.substr(0, open);
        rest.remove_prefix(open);
        if (rest.empty()) break;
        const size_t close = rest.find('}');
        const Node* value = input.find(rest.substr(1, close - 1));
        if (value == nullptr)
            return std::unexpected(
                AwsError{0, "ParamValidation",
                         fmt::format("{}.{} needs \"{}\" in \"input\"", row.service, row.operation,
                                     rest.substr(1, close - 1))});
        path += base::percent_encode(as_text(*value), base::Slash::Keep);
        rest.remove_prefix(close + 1);
    }
    return path;
}

void headers_into(const ViewerResponse& response, Node& node) {
    for (const HeaderName& row : kHeaders)
        if (const std::string* value = response.header(row.header))
            node.set(std::string(row.member), leaf(row.member, *value));
    Node metadata = Node::object();
    for (const auto& [name, value] : response.headers)
        if (base::lower(name).starts_with("x-amz-meta-"))
            metadata.set(base::lower(name).substr(11), value);
    node.set("Metadata", std::move(metadata));
}

std::expected<Node, AwsError> call_rest(Context& context, const Service& service,
                                        const RestRow& row, const Node& input,
                                        const AwsBody& body) {
    const std::string path = TRY(rest_path(row, input));
    Headers headers;
    for (const HeaderName& name : kHeaders)
        if (const Node* value = input.find(name.member);
            value != nullptr && name.member != "VersionId")
            headers.emplace_back(name.header, as_text(*value));
    std::string bytes = input.find("Body") ? input["Body"].as_string() : body.bytes;
    if (service.name == "cloudfront") bytes = cloudfront_body(input);
    if (!body.type.empty())
        headers.emplace_back("Content-Type", body.type);
    else if (service.name == "cloudfront" && !bytes.empty())
        headers.emplace_back("Content-Type", "text/xml");
    auto response = send(context, service, row.method, path, rest_query(row, input),
                         std::move(headers), std::move(bytes));
    if (!response) return std::unexpected(response.error());
    if (response->status >= 300) return std::unexpected(xml_error(*response));
    Node node = Node::object();
    if (service.name == "s3" && (row.path.ends_with("{Key}"))) {
        headers_into(*response, node);
        if (row.operation == "GetObject") node.set("Body", response->body);
        return node;
    }
    if (row.operation == "GetBucketPolicy") {
        node.set("Policy", response->body);
        return node;
    }
    pugi::xml_document document;
    if (!response->body.empty() &&
        !document.load_buffer(response->body.data(), response->body.size()))
        return std::unexpected(AwsError{response->status, "", "the answer is not XML"});
    if (const auto root = document.document_element()) {
        Node parsed = tree(root);
        if (service.name == "cloudfront")
            node.set(root.name(), std::move(parsed));
        else if (parsed.is_object())
            node = std::move(parsed);
        else
            node.set(root.name(), std::move(parsed));
    }
    if (const std::string* etag = response->header("etag"); etag && service.name == "cloudfront")
        node.set("ETag", *etag);
    return node;
}

}  // namespace

std::string operation_problem(std::string_view operation) {
    const auto [service_name, name] = base::cut(operation, '.');
    if (name.empty())
        return fmt::format("\"{}\" is no operation: write SERVICE.Operation", operation);
    const Service* service = find_service(service_name);
    if (service == nullptr) {
        std::vector<std::string> names;
        for (const Service& each : kServices)
            names.emplace_back(each.name);
        const std::string near = base::closest(service_name, names);
        return fmt::format("no service is called \"{}\"; {}", service_name,
                           near.empty() ? "services are " + base::join(names, ", ")
                                        : fmt::format("did you mean \"{}\"?", near));
    }
    if (service->protocol != Protocol::RestXml || find_row(service_name, name) != nullptr)
        return {};
    std::vector<std::string> names;
    for (const RestRow& row : kRows)
        if (row.service == service_name) names.emplace_back(row.operation);
    const std::string near = base::closest(name, names);
    return fmt::format("the runner does not speak {}.{} yet; {}", service_name, name,
                       near.empty() ? "it speaks " + base::join(names, ", ")
                                    : fmt::format("did you mean \"{}\"?", near));
}

std::expected<Node, AwsError> call_aws(Context& context, std::string_view operation,
                                       const Node& input, const AwsBody& body) {
    if (std::string problem = operation_problem(operation); !problem.empty())
        return std::unexpected(AwsError{0, "UnknownOperation", problem});
    const auto [service_name, name] = base::cut(operation, '.');
    const Service& service = *find_service(service_name);
    switch (service.protocol) {
        case Protocol::Json: return call_json(context, service, name, input);
        case Protocol::Query: return call_query(context, service, name, input);
        case Protocol::RestXml:
            return call_rest(context, service, *find_row(service_name, name), input, body);
    }
    return Node();
}

}  // namespace scenarios

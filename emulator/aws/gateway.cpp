// The AWS port, request by request. Dispatch order and the Host rule are the project's; error codes
// for signatures and unknown operations are those of "Common Errors" in each service's API
// reference.
#include "aws/gateway.h"

#include <algorithm>
#include <array>

#include "aws/operation.h"
#include "aws/protocol.h"
#include "base/date.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"
#include "http/query.h"
#include "state/database.h"

namespace aws {

namespace {

constexpr auto kBodyWait = std::chrono::seconds(60);

// Answered without a signature: they are how a caller without keys gets some.
constexpr std::array<std::string_view, 2> kUnsignedOperations = {"AssumeRoleWithWebIdentity",
                                                                 "AssumeRoleWithSAML"};

// What a front forwards in spite of the head reader's remarks; everything else is a 400 and the end
// of the connection, since our peers are SDKs and never send it.
constexpr std::array<http::Anomaly, 4> kTolerated = {
    http::Anomaly::NonAsciiTarget, http::Anomaly::GetOrHeadWithBody,
    http::Anomaly::GetOrHeadZeroContentLength, http::Anomaly::UndefinedContentLength};

bool tolerated(http::Anomaly anomaly) {
    return std::find(kTolerated.begin(), kTolerated.end(), anomaly) != kTolerated.end();
}

std::string_view host_name(std::string_view host) {
    if (host.starts_with('[')) return host.substr(0, std::min(host.find(']'), host.size() - 1) + 1);
    return host.substr(0, host.rfind(':'));
}

bool is_ip_literal(std::string_view host) {
    return host.starts_with('[') ||
           (!host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

// The part of `host` before `suffix`; nothing if it does not end so.
std::optional<std::string_view> before(std::string_view host, std::string_view suffix) {
    if (!host.ends_with(suffix)) return std::nullopt;
    return host.substr(0, host.size() - suffix.size());
}

// Host label to signing name where the two differ.
std::string_view signing_name_of(std::string_view label) {
    if (label == "api.ecr") return "ecr";
    return label;
}

std::string_view host_of_origin(std::string_view origin) {
    size_t scheme = origin.find("://");
    return scheme == std::string_view::npos ? std::string_view() : origin.substr(scheme + 3);
}

bool is_form(const http::RequestHead& head) {
    return base::lower(head.headers.get("content-type"))
        .starts_with("application/x-www-form-urlencoded");
}

std::string field_of(std::string_view form, std::string_view name) {
    for (const http::FormField& field : http::parse_form(form))
        if (field.name == name) return field.value;
    return {};
}

bool speaks_json(Protocol protocol) {
    return protocol == Protocol::Json10 || protocol == Protocol::Json11 ||
           protocol == Protocol::RestJson;
}

bool is_rest(Protocol protocol) {
    return protocol == Protocol::RestXml || protocol == Protocol::RestJson;
}

Rendered render(const ServiceInfo& info, const Call& call, const Reply& reply) {
    if (reply.raw) return {reply.status, {{"x-amzn-RequestId", call.request_id}}, *reply.raw};
    if (speaks_json(info.protocol)) return render_json(info, call, reply);
    if (info.protocol == Protocol::RestXml) return render_rest_xml(info, call, reply);
    return render_query(info, call, reply);
}

Rendered render_error(const ServiceInfo& info, const Call& call, const Error& error) {
    if (speaks_json(info.protocol)) return render_json_error(info, call, error);
    if (info.protocol == Protocol::RestXml) return render_rest_xml_error(info, call, error);
    return render_query_error(info, call, error);
}

// sigv4 speaks S3's codes; other services have their own, and the JSON protocols others again.
struct Renamed {
    std::string_view s3, query, json, message;
};
constexpr Renamed kRenamed[] = {
    {"InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException",
     "The security token included in the request is invalid."},
    {"InvalidToken", "InvalidClientTokenId", "UnrecognizedClientException",
     "The security token included in the request is invalid."},
    {"SignatureDoesNotMatch", "SignatureDoesNotMatch", "InvalidSignatureException",
     "The request signature we calculated does not match the signature you provided. Check your "
     "AWS Secret Access Key "
     "and signing method. Consult the service documentation for details."},
    {"ExpiredToken", "ExpiredToken", "ExpiredTokenException",
     "The security token included in the request is expired"},
    {"RequestTimeTooSkewed", "SignatureDoesNotMatch", "InvalidSignatureException", ""},
    {"MissingAuthenticationToken", "MissingAuthenticationToken",
     "MissingAuthenticationTokenException", "Request is missing Authentication Token"},
};

Error renamed(const Error& error, Protocol protocol) {
    const bool json = speaks_json(protocol);
    for (const Renamed& row : kRenamed) {
        if (row.s3 != error.code) continue;
        std::string message(row.message.empty() ? std::string_view(error.message) : row.message);
        if (row.s3 == "RequestTimeTooSkewed" && error.fields.size() >= 2)
            message = "Signature expired: " + error.fields[0].second +
                      " is not within 15 min. of " + error.fields[1].second;
        return Error(json ? 400 : 403, std::string(json ? row.json : row.query),
                     std::move(message));
    }
    // Malformed in one way or another.
    return Error(json ? 400 : 403, json ? "IncompleteSignatureException" : "IncompleteSignature",
                 error.message);
}

// A line of known_operations: "Name", or "Name METHOD /uri?discriminator".
struct KnownOperation {
    std::string_view name, method, uri, discriminator;
};
KnownOperation known_operation(std::string_view line) {
    auto [name, rest] = base::cut(base::trim(line), ' ');
    auto [method, target] = base::cut(rest, ' ');
    auto [uri, discriminator] = base::cut(target, '?');
    return {name, method, uri, discriminator};
}

std::string known_name(const ServiceInfo& info, const Call& call, std::string_view method,
                       std::string_view path) {
    std::string best;
    size_t best_size = 0;
    for (std::string_view line : base::split(info.known_operations, '\n')) {
        KnownOperation known = known_operation(line);
        if (known.name.empty()) continue;
        if (!is_rest(info.protocol)) {
            if (known.name == call.operation) return call.operation;
            continue;
        }
        std::map<std::string, std::string, std::less<>> parameters;
        if (known.method != method || !match_uri(known.uri, path, parameters)) continue;
        if (!match_discriminator(known.discriminator, call.query)) continue;
        size_t size = known.uri.size() + known.discriminator.size() + 1;
        if (size > best_size) {
            best = known.name;
            best_size = size;
        }
    }
    return best;
}

[[noreturn]] void throw_not_served(const ServiceInfo& info, const Call& call,
                                   std::string_view method, std::string_view path) {
    std::string name = known_name(info, call, method, path);
    if (!name.empty())
        throw Error(501, "NotImplemented",
                    name + " of " + std::string(info.name) +
                        " is a real AWS operation that dodam does not emulate.");
    if (is_rest(info.protocol)) throw Error(404, "UnknownOperationException", "");
    if (speaks_json(info.protocol)) throw Error(400, "UnknownOperationException", "");
    if (call.operation.empty()) throw Error(400, "MissingAction", "Missing Action");
    throw Error(
        400, "InvalidAction",
        "Could not find operation " + call.operation + " for version " + std::string(info.version));
}

base::Node read_json_input(std::string_view body, Protocol protocol) {
    if (base::trim(body).empty()) return base::Node::object();
    auto tree = base::parse_json(body);
    if (!tree) throw Error(400, "SerializationException", tree.error().message);
    if (!tree->is_object() && protocol != Protocol::RestJson)
        throw Error(400, "SerializationException",
                    "Start of structure or map found where not expected.");
    // A member that is null counts as absent.
    std::erase_if(tree->members(),
                  [](const base::Node::Member& member) { return member.second.is_null(); });
    return std::move(*tree);
}

base::Node read_xml_input(std::string_view body, const ServiceInfo& info) {
    if (base::trim(body).empty()) return {};
    auto tree = parse_xml(body, info.list_names);
    if (!tree)
        throw Error(400, "MalformedXML",
                    "The XML you provided was not well-formed: " + tree.error());
    return std::move(*tree);
}

std::string read_body(http::Exchange& exchange) {
    auto body = http::read_all(exchange.body(), kMaxBodyBytes, net::Deadline::after(kBodyWait));
    if (body) return std::move(*body);
    exchange.close_after();
    if (body.error().kind == http::Error::Kind::TooLarge)
        throw Error(
            413, "RequestEntityTooLarge",
            "The request's body is larger than " + std::to_string(kMaxBodyBytes) + " bytes");
    throw Error(400, "IncompleteBody", "The request's body ended early: " + body.error().text);
}

}  // namespace

void Gateway::handle(http::Exchange& exchange) {
    const http::RequestHead& head = exchange.request();
    for (http::Anomaly anomaly : head.anomalies) {
        if (tolerated(anomaly)) continue;
        exchange.close_after();
        return refuse(exchange, 400, "Bad request: " + std::string(http::name_of(anomaly)));
    }
    // A web page must not reach this port: not by a name of its own (DNS rebinding), and not from
    // its origin. S3 has CORS rules of its own to answer by.
    std::string host = base::lower(head.headers.get("host"));
    if (!serves_host(host_name(host)))
        return refuse(exchange, 403,
                      "The Host \"" + host +
                          "\" is not served here. Use an address, localhost, or an AWS name.");
    Destination destination;
    try {
        destination = identify(exchange);
    } catch (const Error& error) {
        return refuse(exchange, error.status, error.message);
    }
    std::string_view origin = head.headers.get("origin");
    if (!origin.empty() && destination.handler != parts_.s3 &&
        base::lower(host_of_origin(origin)) != host)
        return refuse(exchange, 403,
                      "Requests from the origin \"" + std::string(origin) + "\" are not allowed.");
    if (destination.handler != nullptr) return destination.handler->handle(exchange);
    if (destination.service != nullptr)
        return serve(exchange, *destination.service, std::move(destination.form));
    refuse_unknown(exchange, destination.unknown);
}

bool Gateway::serves_host(std::string_view host) const {
    if (is_ip_literal(host) || host == "localhost" || host.ends_with(".localhost")) return true;
    if (host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") ||
        host.ends_with(".api.aws"))
        return true;
    // Names without a dot and .internal exist in private networks alone (a compose service, the
    // engine's host).
    if (!host.empty() && (host.find('.') == std::string_view::npos || host.ends_with(".internal")))
        return true;
    return parts_.is_bucket && parts_.is_bucket(host);
}

Gateway::Destination Gateway::by_host(std::string_view host) const {
    Destination destination;
    std::optional<std::string_view> label = before(host, ".localhost");
    if (!label) label = before(host, ".amazonaws.com");
    if (!label) label = before(host, ".amazonaws.com.cn");
    if (!label) {
        if (!is_ip_literal(host) && host.find('.') != std::string_view::npos && parts_.is_bucket &&
            parts_.is_bucket(host))
            destination.handler = parts_.s3;
        return destination;
    }
    // A = account, R = region, b = bucket: A.dkr.ecr.R, b.s3, b.s3.R, s3.R, s3-R, service.R,
    // service.
    std::string dotted = "." + std::string(*label) + ".";
    if (dotted.find(".dkr.ecr.") != std::string::npos) {
        destination.handler = parts_.registry;
    } else if (dotted.find(".s3.") != std::string::npos ||
               dotted.find(".s3-") != std::string::npos) {
        destination.handler = parts_.s3;
    } else {
        std::string_view name = *label;
        if (!name.starts_with("api.ecr"))
            name = base::cut(name, '.').first;
        else
            name = "api.ecr";
        destination.service = find_service(signing_name_of(name), "");
    }
    return destination;
}

Service* Gateway::find_service(std::string_view signing_name, std::string_view version) const {
    Service* found = nullptr;
    for (Service* service : parts_.services) {
        const ServiceInfo& info = service->info();
        if (info.signing_name != signing_name && info.name != signing_name) continue;
        // Two APIs may share a signing name (the load balancers' generations): the version decides.
        if (!version.empty() && info.protocol == Protocol::Query && info.version == version)
            return service;
        if (found == nullptr && (version.empty() || info.protocol != Protocol::Query))
            found = service;
    }
    return found;
}

Gateway::Destination Gateway::identify(http::Exchange& exchange) const {
    const http::RequestHead& head = exchange.request();
    std::string_view path = head.path();
    Destination destination;
    if (path == "/_dodam" || path.starts_with("/_dodam/")) {
        destination.handler = parts_.console;
        return destination;
    }
    if (path == "/v2" || path.starts_with("/v2/")) {
        destination.handler = parts_.registry;
        return destination;
    }
    destination = by_host(base::lower(host_name(head.headers.get("host"))));
    if (destination.handler != nullptr) return destination;

    std::string scope;
    try {
        if (auto signature = parse_signature(head)) scope = signature->service;
    } catch (const Error&) {
        // Who is meant is said elsewhere too; the same error is thrown again where it can be
        // answered.
    }
    if (scope == "s3" || scope == "s3express") {
        destination.handler = parts_.s3;
        destination.service = nullptr;
        return destination;
    }
    std::string_view target = head.headers.get("x-amz-target");
    if (target.empty() && destination.service == nullptr && is_form(head) && head.method == "POST")
        destination.form = read_body(exchange);
    if (destination.service != nullptr) return destination;
    std::string version = field_of(destination.form, "Version");
    std::string action = field_of(destination.form, "Action");
    if (action.empty()) {
        action = field_of(head.query(), "Action");
        version = field_of(head.query(), "Version");
    }
    if (!scope.empty()) {
        destination.service = find_service(scope, version);
        destination.unknown = scope;
        return destination;
    }
    if (!target.empty()) {
        std::string_view prefix = target.substr(0, target.rfind('.'));
        for (Service* service : parts_.services)
            if (!service->info().target_prefix.empty() && service->info().target_prefix == prefix)
                destination.service = service;
        destination.unknown = prefix;
        return destination;
    }
    if (!action.empty()) {
        for (Service* service : parts_.services)
            if (service->info().protocol == Protocol::Query && service->info().version == version)
                destination.service = service;
        destination.unknown = action;
        return destination;
    }
    // An unsigned REST call is known by its version in the path.
    for (Service* service : parts_.services)
        if (is_rest(service->info().protocol) && !service->info().version.empty() &&
            path.starts_with(service->info().version)) {
            destination.service = service;
            return destination;
        }
    destination.handler = parts_.s3;
    destination.unknown = "s3";
    return destination;
}

void Gateway::serve(http::Exchange& exchange, Service& service, std::string form) {
    const ServiceInfo& info = service.info();
    const http::RequestHead& head = exchange.request();
    const auto began = std::chrono::steady_clock::now();
    Call call;
    call.service = info.name;
    call.region = parts_.ids.region();
    call.account = parts_.ids.account();
    call.request_id = base::random_uuid();
    call.now = parts_.clock.now();
    call.exchange = &exchange;
    for (const http::QueryPair& pair : http::split_query(head.query()))
        call.query.emplace(base::percent_decode(pair.name, base::Plus::IsSpace),
                           base::percent_decode(pair.value, base::Plus::IsSpace));

    base::Span span;
    span.hop = "aws";
    span.resource = info.name;
    span.id = call.request_id;
    span.peer = exchange.peer().to_string();
    span.method = head.method;
    span.host = head.headers.get("host");
    span.target = head.target;
    span.started = call.now;

    Reply reply;
    Rendered answer{200, {}, {}};
    try {
        reply = run(exchange, service, call, form);
        if (!reply.already_sent)
            answer = render(info, call, reply);
        else
            answer.status = reply.status;
    } catch (const Error& error) {
        answer = render_error(info, call, error);
        span.decide("error", error.code + ": " + error.message);
    } catch (const std::exception& error) {
        const auto* database = dynamic_cast<const state::DatabaseError*>(&error);
        bool full = database != nullptr && database->kind == state::DatabaseError::Kind::Full;
        base::log_error("aws", std::string(info.name) + " " + call.operation + ": " + error.what());
        answer = render_error(
            info, call,
            Error(500, speaks_json(info.protocol) ? "InternalServerError" : "InternalFailure",
                  full ? "The disk that holds the emulator's state is full."
                       : "The request processing has failed because of an unknown error."));
        span.decide("error", error.what());
    }
    if (!reply.already_sent) {
        http::ResponseHead response;
        response.status = answer.status;
        response.headers = std::move(answer.headers);
        for (const http::Header& header : reply.headers)
            response.headers.set(header.name, header.value);
        response.headers.add("Date", base::http_date(call.now));
        // A peer that went away is no failure of the call.
        (void)exchange.respond(response, answer.body);
    }
    span.decide("operation", call.operation.empty() ? "none" : call.operation);
    for (base::Decision& decision : reply.decisions)
        span.decide(decision.key, std::move(decision.text));
    if (!call.caller.access_key.empty())
        span.decide("caller",
                    call.caller.arn.empty() ? call.caller.service_principal : call.caller.arn);
    span.status = answer.status;
    span.sent_bytes = exchange.sent_bytes();
    span.took =
        std::chrono::duration_cast<base::microseconds>(std::chrono::steady_clock::now() - began);
    parts_.traces.add(std::move(span));
}

Reply Gateway::run(http::Exchange& exchange, Service& service, Call& call,
                   const std::string& form) const {
    const ServiceInfo& info = service.info();
    const http::RequestHead& head = exchange.request();
    std::string body = form.empty() ? read_body(exchange) : form;
    if (info.protocol == Protocol::Query) {
        // A GET carries the fields in its query.
        std::string_view fields = body.empty() ? head.query() : std::string_view(body);
        call.operation = field_of(fields, "Action");
        authenticate(exchange, service, call, body);
        call.input = parse_query_input(fields);
    } else if (is_rest(info.protocol)) {
        authenticate(exchange, service, call, body);
        call.input = info.protocol == Protocol::RestXml ? read_xml_input(body, info)
                                                        : read_json_input(body, info.protocol);
    } else {
        std::string_view target = head.headers.get("x-amz-target");
        call.operation = target.substr(target.rfind('.') + 1);
        authenticate(exchange, service, call, body);
        call.input = read_json_input(body, info.protocol);
    }
    auto reply = service.serve(call);
    if (!reply) throw_not_served(info, call, head.method, head.path());
    return std::move(*reply);
}

void Gateway::authenticate(http::Exchange& exchange, const Service& service, Call& call,
                           std::string_view payload) const {
    const ServiceInfo& info = service.info();
    bool may_be_unsigned = std::find(kUnsignedOperations.begin(), kUnsignedOperations.end(),
                                     call.operation) != kUnsignedOperations.end();
    std::string hash = base::sha256_hex(payload);
    try {
        if (may_be_unsigned && !parse_signature(exchange.request())) return;
        Verification verification{
            parts_.secret_of,  parts_.clock.now(), parts_.clock.real_now(), "", hash,
            parts_.check_token};
        Signature signature =
            verify_signature(exchange.request(), verification, PathEncoding::Twice);
        if (signature.payload_hash != hash && signature.payload_hash != "UNSIGNED-PAYLOAD")
            throw Error(403, "SignatureDoesNotMatch", "");
        if (signature.service != info.signing_name) throw Error(403, "SignatureDoesNotMatch", "");
        call.region = signature.region;
        call.caller = parts_.caller_of(signature.access_key);
        if (!call.caller.account.empty()) call.account = call.caller.account;
    } catch (const Error& error) {
        throw renamed(error, info.protocol);
    }
}

void Gateway::refuse(http::Exchange& exchange, int status, std::string_view text) const {
    http::ResponseHead response;
    response.status = status;
    response.headers.add("Content-Type", "text/plain");
    response.headers.add("Date", base::http_date(parts_.clock.now()));
    (void)exchange.respond(response, std::string(text) + "\n");
}

// A service that nobody here emulates: said in the shape that the client's protocol reads.
void Gateway::refuse_unknown(http::Exchange& exchange, const std::string& name) const {
    bool json = exchange.request().headers.has("x-amz-target");
    ServiceInfo info{"", "", "", "", json ? Protocol::Json11 : Protocol::Query, "", ""};
    Call call;
    call.request_id = base::random_uuid();
    Rendered answer = render_error(
        info, call,
        Error(501, "NotImplemented", "dodam does not emulate the service of \"" + name + "\"."));
    http::ResponseHead response;
    response.status = answer.status;
    response.headers = std::move(answer.headers);
    response.headers.add("Date", base::http_date(parts_.clock.now()));
    (void)exchange.respond(response, answer.body);
}

}  // namespace aws

// See endpoint.h. serve() is the table of contents: one call per step of s3.md §2.1.
#include "s3/endpoint.h"

#include <algorithm>
#include <chrono>

#include "aws/sigv4.h"
#include "base/date.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/text.h"
#include "http/query.h"
#include "s3/address.h"
#include "s3/cors.h"
#include "s3/errors.h"
#include "s3/website_endpoint.h"
#include "s3/xml.h"

namespace s3 {
namespace {

constexpr size_t kRequestIdCharacters = 16, kHostIdBytes = 56;
constexpr auto kIdle = std::chrono::seconds(60);  // per read or write

constexpr std::string_view kSelectors[] = {"acl",
                                           "cors",
                                           "delete",
                                           "encryption",
                                           "lifecycle",
                                           "location",
                                           "logging",
                                           "notification",
                                           "ownershipControls",
                                           "policy",
                                           "policyStatus",
                                           "publicAccessBlock",
                                           "replication",
                                           "requestPayment",
                                           "tagging",
                                           "uploads",
                                           "uploadId",
                                           "versioning",
                                           "versions",
                                           "website",
                                           "object-lock",
                                           "accelerate",
                                           "analytics",
                                           "inventory",
                                           "metrics",
                                           "intelligent-tiering",
                                           "attributes",
                                           "legal-hold",
                                           "retention",
                                           "restore",
                                           "select",
                                           "torrent",
                                           "session",
                                           "renameObject",
                                           "metadataConfiguration",
                                           "metadataTable"};

// Operations that S3 has and dodam has not, by the sub-resource that means them.
struct Unbuilt {
    std::string_view selector, name;
};
constexpr Unbuilt kUnbuilt[] = {{"restore", "RestoreObject"},
                                {"select", "SelectObjectContent"},
                                {"torrent", "GetObjectTorrent"},
                                {"session", "CreateSession"},
                                {"renameObject", "RenameObject"},
                                {"metadataConfiguration", "BucketMetadataConfiguration"},
                                {"metadataTable", "BucketMetadataTableConfiguration"}};

// Query parameters of a presigned URL that say who signs; every other x-amz-* acts like the header.
// All request headers together (s3.md §1.3): what cookies sent on by CloudFront run into.
constexpr size_t kMaxHeaderBytes = 8192;
constexpr std::string_view kSigningParameters[] = {
    "x-amz-algorithm",     "x-amz-credential", "x-amz-date",           "x-amz-expires",
    "x-amz-signedheaders", "x-amz-signature",  "x-amz-security-token", "x-amz-content-sha256"};
constexpr std::string_view kHoistedHeaders[] = {
    "if-match",      "if-none-match",       "content-md5",      "content-type",
    "cache-control", "content-disposition", "content-encoding", "content-language"};

// Checksums are read from headers alone: those that SDKs move into a presigned URL's query are of
// the empty body that they had when they signed (aws-sdk#480, aws-sdk-go-v2#2610: S3 takes another
// body and verifies nothing).
bool is_checksum(std::string_view name) {
    return name.starts_with("x-amz-checksum-") || name == "x-amz-sdk-checksum-algorithm";
}

std::string random_request_id() {
    std::string id;
    for (size_t i = 0; i < kRequestIdCharacters; ++i)
        id += base::Ids::kUpperAlnum[base::random_below(base::Ids::kUpperAlnum.size())];
    return id;
}

std::string random_host_id() {
    std::string bytes(kHostIdBytes, '\0');
    base::random_bytes(bytes.data(), bytes.size());
    return base::to_base64(bytes);
}

// The bytes of an object as a stream; a disk that fails ends it early, which the client sees as
// truncated.
class BlobBody final : public http::BodyReader {
  public:
    explicit BlobBody(const ObjectBody& object) : object_(object) {}
    http::Result<size_t> read(std::span<char> into, net::Deadline) override {
        while (run_ < object_.runs.size()) {
            const ObjectBody::Run& run = object_.runs[run_];
            size_t count = 0;
            try {
                count = run.blob.read_at(
                    run.offset + done_,
                    into.first(std::min<uint64_t>(into.size(), run.size_bytes - done_)));
            } catch (const aws::Error& error) {
                return std::unexpected(http::Error{http::Error::Kind::Aborted,
                                                   http::Error::Source::Internal,
                                                   http::Error::Retry::Never, error.message});
            }
            done_ += count;
            if (count > 0 && done_ < run.size_bytes) return count;
            if (count == 0 && done_ < run.size_bytes)
                return std::unexpected(
                    http::Error{http::Error::Kind::Aborted, http::Error::Source::Internal,
                                http::Error::Retry::Never, "a blob is shorter than its row says"});
            ++run_;
            done_ = 0;
            if (count > 0) return count;
        }
        return 0;
    }
    std::optional<uint64_t> length() const override { return object_.size_bytes; }
    const http::HeaderList& trailers() const override { return trailers_; }

  private:
    const ObjectBody& object_;
    size_t run_ = 0;
    uint64_t done_ = 0;
    http::HeaderList trailers_;
};

// The same bytes, a tenth of a second's worth at a time, as long as the fault lasts.
class SlowBody final : public http::BodyReader {
  public:
    SlowBody(http::BodyReader& body, const faults::Faults* faults,
             const std::optional<faults::Fault>& fault)
        : body_(body), faults_(faults), fault_(fault) {}
    http::Result<size_t> read(std::span<char> into, net::Deadline deadline) override {
        if (!fault_) return body_.read(into, deadline);
        const uint64_t share = std::max<uint64_t>(1, fault_->bytes_per_second / 10);
        if (!faults_->hold(*fault_, base::milliseconds(100))) fault_.reset();
        return body_.read(into.first(std::min<uint64_t>(into.size(), share)), deadline);
    }
    std::optional<uint64_t> length() const override { return body_.length(); }
    const http::HeaderList& trailers() const override { return body_.trailers(); }

  private:
    http::BodyReader& body_;
    const faults::Faults* faults_;
    std::optional<faults::Fault> fault_;
};

Query decode_query(std::string_view text) {
    Query query;
    // The first value of a repeated parameter wins.
    for (http::FormField& field : http::parse_form(text))
        query.emplace(std::move(field.name), std::move(field.value));
    return query;
}

// One request on its way. Throws aws::Error from any step.
class Turn {
  public:
    Turn(ControlPlane& s3, const Keys& keys, http::Exchange& exchange, base::Span& span)
        : s3_(s3), keys_(keys), exchange_(exchange), head_(exchange.request()), span_(span) {}

    Reply serve();
    Reply error_reply(const aws::Error& error) const;
    void add_cors(http::HeaderList& headers) const;

    std::string request_id = random_request_id();
    std::string host_id = random_host_id();
    bool denied = false;  // by a fault: everything is answered 403

  private:
    void read_address();
    void refuse_head_of_subresource() const;
    std::string choose_selector() const;
    Reply preflight();
    void authenticate();
    PayloadOptions payload_options() const;
    http::HeaderList effective_headers() const;
    void check_expected_owner(const BucketState& bucket) const;
    const Operation& find_operation(const http::HeaderList& headers);
    ConditionValues conditions(const http::HeaderList& headers) const;
    Reply run(const Operation& row, http::HeaderList headers);
    Reply website();
    std::string level() const {
        return address_.bucket.empty() ? "/"
               : address_.key.empty()  ? "/{Bucket}"
                                       : "/{Bucket}/{Key+}";
    }
    std::string_view resource_type() const {
        return address_.bucket.empty() ? "SERVICE" : address_.key.empty() ? "BUCKET" : "OBJECT";
    }
    std::string allowed_methods(std::string_view selector) const;
    aws::Error wrong_method() const;
    base::Time now() const { return std::chrono::floor<std::chrono::seconds>(s3_.clock().now()); }
    std::string scheme() const { return exchange_.is_tls() ? "https" : "http"; }

    ControlPlane& s3_;
    const Keys& keys_;
    http::Exchange& exchange_;
    const http::RequestHead& head_;
    base::Span& span_;
    Address address_;
    Query query_;
    std::string selector_;
    std::shared_ptr<const BucketState> bucket_;
    std::optional<aws::Signature> signature_;
    Principal caller_;
};

Reply Turn::serve() {
    read_address();
    if (denied) throw access_denied();
    if (address_.style == Style::Website) return website();
    if (head_.headers.wire_bytes() > kMaxHeaderBytes)
        throw aws::Error(400, "RequestHeaderSectionTooLarge",
                         "Your request header section exceeds the maximum allowed size.")
            .with("MaxSizeAllowed", std::to_string(kMaxHeaderBytes));
    query_ = decode_query(head_.query());
    if (head_.method == "HEAD") refuse_head_of_subresource();
    if (head_.method == "OPTIONS") return preflight();
    selector_ = choose_selector();
    authenticate();
    if (!address_.bucket.empty()) bucket_ = s3_.state_of(address_.bucket);
    if (bucket_) check_expected_owner(*bucket_);
    http::HeaderList headers = effective_headers();
    const Operation& row = find_operation(headers);
    span_.decide("operation", std::string(row.name));
    for (const auto& [name, value] : query_)
        if (signature_ && signature_->presigned && is_checksum(base::lower(name)))
            span_.decide("ignored", name + "=" + value +
                                        " of the presigned URL: checksums count as headers only");
    // A missing bucket is 404 to every caller; a name that no bucket can have is said to be one.
    if (!bucket_ && !address_.bucket.empty() && row.name != "CreateBucket") {
        if (!is_valid_bucket_name(address_.bucket)) throw invalid_bucket_name(address_.bucket);
        throw no_such_bucket(address_.bucket);
    }
    return run(row, std::move(headers));
}

void Turn::read_address() {
    // A request that the edge forwards with the viewer's Host: AWS takes that host for a bucket
    // (s3.md §8 #14).
    bool from_edge = head_.headers.joined("Via").find("CloudFront") != std::string::npos;
    std::string_view path = head_.path();
    if (size_t scheme = path.find("://");
        !path.starts_with('/') && scheme != std::string_view::npos) {
        size_t slash = path.find('/', scheme + 3);
        path = slash == std::string_view::npos ? std::string_view("/") : path.substr(slash);
    }
    address_ = parse_address(
        head_.headers.get("Host"), path,
        [this](std::string_view name) { return s3_.is_bucket(name); },
        from_edge ? UnknownHost::IsBucket : UnknownHost::IsBucketIfItExists);
    span_.resource = address_.bucket;
    // AWS answers such a path with a bare 400, before anything else.
    if (address_.climbs) throw aws::Error(400, "", "the path leaves the bucket");
    std::string_view style = address_.style == Style::Path      ? "path style"
                             : address_.style == Style::Website ? "website host"
                                                                : "virtual host";
    span_.decide("address", std::string(style) + ": bucket \"" + address_.bucket + "\", key \"" +
                                address_.key + "\"");
}

// Decided before the bucket is looked up (measured on AWS: backlot#230).
void Turn::refuse_head_of_subresource() const {
    std::string_view found;
    for (std::string_view selector : kSelectors) {
        if (!query_.contains(selector)) continue;
        if (!found.empty())
            throw aws::Error(400, "BadRequest", "Conflicting query string parameters");
        found = selector;
    }
    if (found.empty()) return;
    throw method_not_allowed("HEAD", resource_type()).with("@Allow", allowed_methods(found));
}

std::string Turn::choose_selector() const {
    std::string found;
    for (std::string_view selector : kSelectors) {
        if (!query_.contains(selector)) continue;
        if (!found.empty())
            throw invalid_argument(
                "Conflicting query string parameters: " + found + ", " + std::string(selector),
                "ResourceType", selector);
        found = selector;
    }
    return found;
}

Reply Turn::preflight() {
    const std::string* origin = head_.headers.find("Origin");
    if (!origin)
        throw aws::Error(400, "BadRequest",
                         "Insufficient information. Origin request header needed.");
    std::string_view method = head_.headers.get("Access-Control-Request-Method");
    auto forbidden = [&](std::string_view message, std::string_view type) {
        return aws::Error(403, "AccessForbidden", "CORSResponse: " + std::string(message))
            .with("Method", method.empty() ? "OPTIONS" : std::string(method))
            .with("ResourceType", std::string(type));
    };
    auto bucket = s3_.state_of(address_.bucket);
    span_.decide("operation", "CORS preflight");
    if (!bucket) throw forbidden("Bucket not found", "BUCKET");
    if (bucket->cors.empty()) throw forbidden("CORS is not enabled for this bucket.", "BUCKET");
    constexpr std::string_view kMethods[] = {"GET", "PUT", "POST", "DELETE", "HEAD"};
    if (std::ranges::find(kMethods, method) == std::end(kMethods))
        throw aws::Error(400, "BadRequest",
                         "Invalid Access-Control-Request-Method: " +
                             (method.empty() ? "null" : std::string(method)));
    CorsRequest request{*origin, method,
                        requested_headers(head_.headers.joined("Access-Control-Request-Headers"))};
    auto match = match_cors(bucket->cors, request);
    if (!match)
        throw forbidden(
            "This CORS request is not allowed. This is usually because the evalution of Origin, "
            "request method / "
            "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted "
            "by the resource's CORS spec.",
            address_.key.empty() ? "BUCKET" : "OBJECT");
    Reply reply = Reply::empty(200);
    add_cors_headers(reply.headers, *match, request, CorsAnswer::Preflight);
    return reply;
}

void Turn::authenticate() {
    if (aws::parse_signature(head_)) {
        aws::Verification verification{
            keys_.secret_of,  s3_.clock().now(), s3_.clock().real_now(), "s3", {},
            keys_.check_token};
        signature_ = aws::verify_signature(head_, verification, aws::PathEncoding::Once);
        caller_ = principal_of(keys_.caller_of(signature_->access_key));
    }
    span_.decide("caller", caller_.to_string() + (!signature_             ? ""
                                                  : signature_->presigned ? ", presigned URL"
                                                                          : ", signed header"));
}

PayloadOptions Turn::payload_options() const {
    PayloadOptions options;
    options.idle = kIdle;
    std::string hash(signature_ ? std::string_view(signature_->payload_hash)
                                : head_.headers.get("x-amz-content-sha256"));
    if (hash.starts_with("STREAMING-")) {
        options.chunked = true;
        options.signed_chunks = hash.starts_with("STREAMING-AWS4");
        if (hash.starts_with("STREAMING-AWS4-HMAC")) options.seed = signature_;
        options.size_bytes =
            base::parse_unsigned(head_.headers.get("x-amz-decoded-content-length"));
        for (std::string_view value : head_.headers.all("x-amz-trailer"))
            for (std::string_view name : base::split(value, ','))
                if (!base::trim(name).empty())
                    options.trailers.push_back(base::lower(base::trim(name)));
        for (const std::string& name : options.trailers)
            if (!name.starts_with("x-amz-checksum-") ||
                !parse_checksum_algorithm(std::string_view(name).substr(15)))
                throw invalid_request(
                    "The value specified in the x-amz-trailer header is not supported");
    } else if (signature_ && hash != "UNSIGNED-PAYLOAD") {
        options.sha256_hex = base::lower(hash);
    }
    return options;
}

// Headers, and for presigned URLs the signed query parameters that stand for headers.
http::HeaderList Turn::effective_headers() const {
    http::HeaderList headers = head_.headers;
    if (!signature_ || !signature_->presigned) return headers;
    for (const auto& [name, value] : query_) {
        std::string lower = base::lower(name);
        bool hoisted =
            lower.starts_with("x-amz-")
                ? std::ranges::find(kSigningParameters, lower) == std::end(kSigningParameters)
                : std::ranges::find(kHoistedHeaders, lower) != std::end(kHoistedHeaders);
        if (hoisted && !is_checksum(lower) && !headers.has(lower)) headers.add(lower, value);
    }
    return headers;
}

void Turn::check_expected_owner(const BucketState& bucket) const {
    const std::string* expected = head_.headers.find("x-amz-expected-bucket-owner");
    if (!expected) return;
    if (expected->size() != 12 || expected->find_first_not_of("0123456789") != std::string::npos)
        throw aws::Error(
            400, "InvalidBucketOwnerAWSAccountID",
            "The value of the expected bucket owner parameter must be an AWS Account ID... [" +
                *expected + "]");
    if (*expected != bucket.bucket.owner) throw access_denied();
}

std::string Turn::allowed_methods(std::string_view selector) const {
    std::string allowed;
    for (std::string_view method : {"DELETE", "POST", "GET", "PUT"}) {
        // Parts are put, but AWS does not list that here.
        if (selector == "uploadId" && method == "PUT") continue;
        bool has = std::ranges::any_of(s3_.operations(), [&](const Operation& row) {
            return row.selector == selector && row.method == method;
        });
        if (!has) continue;
        if (!allowed.empty()) allowed += ", ";
        allowed += method;
    }
    return allowed;
}

aws::Error Turn::wrong_method() const {
    aws::Error error = method_not_allowed(head_.method, resource_type());
    if (!selector_.empty()) return error.with("@Allow", allowed_methods(selector_));
    return error.with("@Allow", address_.bucket.empty() ? "GET" : "GET, DELETE, HEAD, PUT");
}

const Operation& Turn::find_operation(const http::HeaderList& headers) {
    const Operation* row = s3_.find(head_.method, level(), selector_, headers);
    // A bucket's sub-resource on the path of a key is the bucket's (backlot#267).
    if (!row && !selector_.empty() && !address_.key.empty())
        row = s3_.find(head_.method, "/{Bucket}", selector_, headers);
    if (row) return *row;
    for (const Unbuilt& unbuilt : kUnbuilt)
        if (unbuilt.selector == selector_)
            throw aws::Error(501, "NotImplemented",
                             std::string(unbuilt.name) +
                                 " of s3 is a real AWS operation that dodam does not emulate.");
    throw wrong_method();
}

ConditionValues Turn::conditions(const http::HeaderList& headers) const {
    ConditionValues values;
    values["aws:sourceip"] = exchange_.peer().ip();
    values["aws:securetransport"] = exchange_.is_tls() ? "true" : "false";
    values["aws:currenttime"] = base::iso_date(s3_.clock().now());
    values["aws:epochtime"] =
        std::to_string(static_cast<int64_t>(base::epoch_seconds(s3_.clock().now())));
    auto from_header = [&](std::string_view key, std::string_view header) {
        if (const std::string* value = headers.find(header)) values[std::string(key)] = *value;
    };
    from_header("aws:referer", "Referer");
    from_header("aws:useragent", "User-Agent");
    from_header("s3:x-amz-acl", "x-amz-acl");
    from_header("s3:x-amz-content-sha256", "x-amz-content-sha256");
    from_header("s3:x-amz-server-side-encryption", "x-amz-server-side-encryption");
    from_header("s3:x-amz-storage-class", "x-amz-storage-class");
    from_header("s3:x-amz-copy-source", "x-amz-copy-source");
    from_header("s3:if-match", "If-Match");
    from_header("s3:if-none-match", "If-None-Match");
    auto from_query = [&](std::string_view key, std::string_view parameter) {
        if (auto found = query_.find(parameter); found != query_.end())
            values[std::string(key)] = found->second;
    };
    from_query("s3:prefix", "prefix");
    from_query("s3:delimiter", "delimiter");
    from_query("s3:max-keys", "max-keys");
    from_query("s3:versionid", "versionId");
    if (const std::string* tags = headers.find("x-amz-tagging"))
        for (const http::FormField& tag : http::parse_form(*tags))
            values["s3:requestobjecttag/" + base::lower(tag.name)] = tag.value;
    if (!caller_.is_anonymous()) {
        if (caller_.kind == Principal::Kind::Service) {
            values["aws:sourcearn"] = caller_.source_arn;
            values["aws:sourceaccount"] = caller_.account;
        } else {
            values["aws:principalarn"] = caller_.arn;
            values["aws:principalaccount"] = caller_.account;
            values["aws:username"] = caller_.arn.substr(caller_.arn.rfind('/') + 1);
        }
    }
    if (signature_) {
        values["s3:signatureversion"] = "AWS4-HMAC-SHA256";
        values["s3:authtype"] = signature_->presigned ? "REST-QUERY-STRING" : "REST-HEADER";
        auto age = std::chrono::duration_cast<base::milliseconds>(s3_.clock().now() -
                                                                  signature_->signed_at)
                       .count();
        values["s3:signatureage"] = std::to_string(age);
    }
    return values;
}

// s3:GetObject on a version that was named is s3:GetObjectVersion, and so on for every action on an
// object.
std::string action_of(const Operation& row, const Query& query) {
    std::string action(row.action);
    auto version = query.find("versionId");
    if (version == query.end() || version->second.empty() || row.uri != "/{Bucket}/{Key+}" ||
        action == "s3:PutObject")
        return action;
    size_t at = action.find("Object");
    if (at != std::string::npos) action.insert(at + 6, "Version");
    return action;
}

Reply Turn::run(const Operation& row, http::HeaderList headers) {
    Payload payload(exchange_.body(), payload_options());
    ConditionValues values = conditions(headers);
    Request request{head_.method,
                    address_.bucket,
                    address_.key,
                    query_,
                    std::move(headers),
                    caller_,
                    signature_ ? signature_->region : std::string(),
                    payload,
                    bucket_,
                    std::move(values),
                    now(),
                    std::string(head_.headers.get("Host")),
                    scheme(),
                    request_id,
                    keys_,
                    span_};
    if (!row.action.empty()) {
        bool on_object = row.uri == "/{Bucket}/{Key+}";
        s3_.authorize(request, action_of(row, query_), *bucket_,
                      on_object ? std::string_view(address_.key) : std::string_view());
    }
    return row.run(s3_, request);
}

Reply Turn::website() {
    bucket_ = address_.bucket.empty() ? nullptr : s3_.state_of(address_.bucket);
    if (head_.method == "OPTIONS" && bucket_) return preflight();
    Payload nothing(exchange_.body(), {});
    Request request{head_.method,
                    address_.bucket,
                    address_.key,
                    {},
                    head_.headers,
                    Principal{},
                    {},
                    nothing,
                    bucket_,
                    conditions(head_.headers),
                    now(),
                    std::string(head_.headers.get("Host")),
                    scheme(),
                    request_id,
                    keys_,
                    span_};
    return serve_website(s3_, request,
                         {std::string(head_.path()), std::string(head_.query()), host_id});
}

// Fields whose name starts with "@" are headers of the answer.
Reply Turn::error_reply(const aws::Error& error) const {
    Reply reply;
    reply.status = error.status;
    bool on_bucket = head_.method == "HEAD" && !address_.bucket.empty() && address_.key.empty();
    if (on_bucket && bucket_) reply.headers.add("x-amz-bucket-region", bucket_->bucket.region);
    for (const auto& [name, value] : error.fields)
        if (name.starts_with('@')) reply.headers.add(name.substr(1), value);
    if (error.code.empty()) return reply;  // the bare 400
    reply.headers.add("Content-Type", "application/xml");
    if (head_.method == "HEAD") return reply;
    XmlWriter xml("Error");
    xml.add("Code", error.code).add("Message", error.message);
    for (const auto& [name, value] : error.fields)
        if (!name.starts_with('@')) xml.add(name, value);
    xml.add("RequestId", request_id).add("HostId", host_id);
    reply.body = xml.finish();
    return reply;
}

void Turn::add_cors(http::HeaderList& headers) const {
    const std::string* origin = head_.headers.find("Origin");
    if (!origin || head_.method == "OPTIONS" || !bucket_ || bucket_->cors.empty()) return;
    const std::string* requested = head_.headers.find("Access-Control-Request-Method");
    CorsRequest request{*origin, requested ? *requested : head_.method,
                        requested_headers(head_.headers.joined("Access-Control-Request-Headers"))};
    if (auto match = match_cors(bucket_->cors, request))
        add_cors_headers(headers, *match, request, CorsAnswer::Actual);
}

aws::Error internal_error() {
    return aws::Error(500, "InternalError", "We encountered an internal error. Please try again.");
}

}  // namespace

void Endpoint::handle(http::Exchange& exchange) {
    auto began = std::chrono::steady_clock::now();
    const http::RequestHead& head = exchange.request();
    base::Span span;
    span.hop = "s3";
    span.peer = exchange.peer().to_string();
    span.method = head.method;
    span.host = head.headers.get("Host");
    span.target = head.target;
    span.started = s3_.clock().now();
    span.parent = head.headers.get("X-Amz-Cf-Id");

    Turn turn(s3_, keys_, exchange, span);
    span.id = turn.request_id;
    const auto fault = faults_ ? faults_->active("s3") : std::nullopt;
    turn.denied = fault && fault->kind == faults::Kind::Deny;
    Reply reply;
    try {
        reply = turn.serve();
    } catch (const aws::Error& error) {
        span.decide("error",
                    error.code.empty() ? error.message : error.code + ": " + error.message);
        reply = turn.error_reply(error);
    } catch (const state::DatabaseError& error) {
        bool full = error.kind == state::DatabaseError::Kind::Full;
        base::log_error("s3", head.method + " " + head.target + ": " + error.what());
        span.decide("error", error.what());
        reply = turn.error_reply(full ? storage_full("the emulator's state") : internal_error());
    } catch (const std::exception& error) {
        base::log_error("s3", head.method + " " + head.target + ": " + error.what());
        span.decide("error", error.what());
        reply = turn.error_reply(internal_error());
    }
    turn.add_cors(reply.headers);

    http::ResponseHead response;
    response.status = reply.status;
    response.headers = {{"x-amz-id-2", turn.host_id},
                        {"x-amz-request-id", turn.request_id},
                        {"Date", base::http_date(s3_.clock().now())}};
    for (const http::Header& header : reply.headers)
        response.headers.add(header.name, header.value);
    response.headers.add("Server", "AmazonS3");
    if (reply.object) {
        BlobBody blob(*reply.object);
        SlowBody slow(blob, faults_, fault);
        const bool is_slow = fault && fault->kind == faults::Kind::Slow;
        http::BodyReader& body = is_slow ? static_cast<http::BodyReader&>(slow) : blob;
        auto sent = exchange.respond_relay(response, body, kIdle);
        if (!sent) {
            span.decide("error", "the answer broke off: " + sent.error().text);
            exchange.abort();
        }
    } else if (auto sent = exchange.respond(response, reply.body); !sent) {
        span.decide("error", "the answer broke off: " + sent.error().text);
    }
    span.status = reply.status;
    span.sent_bytes = exchange.sent_bytes();
    span.took =
        std::chrono::duration_cast<base::microseconds>(std::chrono::steady_clock::now() - began);
    traces_.add(std::move(span));
}

}  // namespace s3

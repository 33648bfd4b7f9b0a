// See website_endpoint.h. serve() follows the numbered steps of s3.md §5.3.
#include "s3/website_endpoint.h"

#include "base/text.h"
#include "http/message.h"
#include "s3/address.h"
#include "s3/api/common.h"
#include "s3/errors.h"
#include "s3/website.h"
#include "s3/xml.h"

namespace s3 {
namespace {

constexpr std::string_view kHome = "https://aws.amazon.com/s3/";

std::string title_of(int status) {
    if (status == 416) return "416 Requested Range Not Satisfiable";
    return std::to_string(status) + " " + std::string(http::standard_reason(status));
}

void add_item(std::string& html, std::string_view name, std::string_view value) {
    ((html += "<li>") += name) += ": ";
    html += escape_xml(value);
    html += "</li>\n";
}

// One website request on its way.
class Visit {
  public:
    Visit(ControlPlane& s3, Request& request, const WebsiteCall& call)
        : s3_(s3), request_(request), call_(call), key_(request.key) {}

    Reply serve();
    Reply page(const aws::Error& error, const aws::Error* nested = nullptr) const;

  private:
    const Website& website() const { return *request_.bucket->website; }
    WebsiteRequest rule_request() const {
        return {key_, request_.scheme, request_.host, call_.raw_query};
    }
    Reply redirect(const Redirect& to) const;
    bool may_read(std::string_view key) const;
    bool exists(std::string_view key) const;
    Reply send(std::string_view key) const;
    Reply fail(const aws::Error& error) const;
    Reply error_document(const aws::Error& error) const;
    Reply folder_redirect() const;

    ControlPlane& s3_;
    Request& request_;
    const WebsiteCall& call_;
    std::string key_;  // as asked for, without an index suffix
};

Reply Visit::serve() {
    if (request_.bucket_name.empty()) {
        Reply reply = Reply::empty(301);
        reply.headers.add("Location", kHome);
        return reply;
    }
    // 1. Bucket and configuration.
    if (!request_.bucket) return page(no_such_bucket(request_.bucket_name));
    if (!request_.bucket->website)
        return page(not_set("NoSuchWebsiteConfiguration",
                            "The specified bucket does not have a website configuration",
                            request_.bucket_name));
    if (request_.method != "GET" && request_.method != "HEAD") {
        Reply reply = page(method_not_allowed(request_.method, "OBJECT"));
        reply.headers.add("Allow", "GET, HEAD, OPTIONS");
        return reply;
    }
    // 2. and 3. Redirects that need no object.
    if (website().redirect_all)
        return redirect(redirect_everything(website(), rule_request(), call_.raw_path));
    if (auto rule = redirect_before(website(), rule_request())) return redirect(*rule);
    // 4. to 7. The object, or why not.
    std::string candidate =
        key_.empty() || key_.ends_with('/') ? key_ + website().index_suffix : key_;
    if (exists(candidate)) {
        if (may_read(candidate)) return send(candidate);
        return fail(access_denied());
    }
    if (!key_.empty() && !key_.ends_with('/')) {
        std::string index = key_ + "/" + website().index_suffix;
        if (exists(index) && may_read(index)) return folder_redirect();
    }
    // Unlike the REST endpoint, who may read a missing key is told that it is missing.
    bool tells = may_read(candidate) ||
                 (request_.bucket->acls_enabled() && !request_.bucket->block.ignore_public_acls &&
                  grants(read_acl(request_.bucket->acl, request_.bucket->owner_id), "READ", false));
    return fail(tells ? no_such_key(candidate) : access_denied());
}

Reply Visit::redirect(const Redirect& to) const {
    request_.span.decide("website", to.rule + " redirects to " + to.location);
    Reply reply = Reply::empty(to.status);
    reply.headers.add("Location", to.location);
    return reply;
}

Reply Visit::folder_redirect() const {
    Reply reply = page(aws::Error(302, "Found", "Resource Found"));
    reply.headers.add("Location", "/" + encode_key(key_) + "/");
    request_.span.decide(
        "website", "\"" + key_ + "/\" has an index document: redirected, the query is dropped");
    return reply;
}

bool Visit::may_read(std::string_view key) const {
    Access access = s3_.access(request_, "s3:GetObject", *request_.bucket, key);
    request_.span.decide(access.allowed ? "allowed" : "denied", access.reason);
    return access.allowed;
}

bool Visit::exists(std::string_view key) const {
    if (key.size() > kMaxKeyBytes) return false;
    auto object = s3_.store().latest(request_.bucket_name, key);
    return object && !object->is_delete_marker;
}

// The object, or the redirect that it stands for.
Reply Visit::send(std::string_view key) const {
    auto object = s3_.store().latest(request_.bucket_name, key);
    if (object && !object->properties.redirect.empty())
        return redirect(
            {301, object->properties.redirect, "the object's website redirect location"});
    request_.key = key;
    try {
        Reply reply = read_object(s3_, request_);
        request_.span.decide("website", "object \"" + request_.key + "\"");
        return reply;
    } catch (const aws::Error& error) {
        return fail(error);
    }
}

// 8. to 10. Rules for the error, the error document, the page.
Reply Visit::fail(const aws::Error& error) const {
    if (auto rule = redirect_on_error(website(), rule_request(), error.status))
        return redirect(*rule);
    bool has_document = !website().error_key.empty() && error.status >= 400 && error.status < 500 &&
                        request_.method == "GET";
    return has_document ? error_document(error) : page(error);
}

Reply Visit::error_document(const aws::Error& error) const {
    const std::string& key = website().error_key;
    if (!exists(key) || !may_read(key)) {
        aws::Error nested = may_read(key) ? no_such_key(key) : access_denied();
        return page(error, &nested);
    }
    auto object = s3_.store().latest(request_.bucket_name, key);
    if (object && !object->properties.redirect.empty())
        return redirect(
            {301, object->properties.redirect, "the error document's website redirect location"});
    // The document whole, whatever range or condition the visitor had for the page that failed.
    for (std::string_view name : {"Range", "If-Range", "If-Match", "If-None-Match",
                                  "If-Modified-Since", "If-Unmodified-Since"})
        request_.headers.remove(name);
    request_.key = key;
    Reply reply = read_object(s3_, request_);
    reply.status = error.status;
    reply.headers.add("x-amz-error-code", error.code);
    reply.headers.add("x-amz-error-message", error.message);
    for (const auto& [name, value] : error.fields)
        if (name == "Key") reply.headers.add("x-amz-error-detail-Key", encode_key(value));
    request_.span.decide(
        "website", "error document \"" + key + "\" with status " + std::to_string(error.status));
    return reply;
}

// S3's own page, byte for byte (s3.md §5.5).
Reply Visit::page(const aws::Error& error, const aws::Error* nested) const {
    Reply reply;
    reply.status = error.status;
    reply.headers.add("x-amz-error-code", error.code);
    reply.headers.add("x-amz-error-message", error.message);
    for (const auto& [name, value] : error.fields)
        if (name == "Key" || name == "BucketName")
            reply.headers.add("x-amz-error-detail-" + name, encode_key(value));
    reply.headers.add("Content-Type", "text/html; charset=utf-8");
    if (request_.method == "HEAD") return reply;
    std::string title = title_of(error.status);
    std::string html =
        "<html>\n<head><title>" + title + "</title></head>\n<body>\n<h1>" + title + "</h1>\n<ul>\n";
    add_item(html, "Code", error.code);
    add_item(html, "Message", error.message);
    for (const auto& [name, value] : error.fields)
        add_item(html, name, value);
    add_item(html, "RequestId", request_.request_id);
    add_item(html, "HostId", call_.host_id);
    html += "</ul>\n";
    if (nested) {
        html +=
            "<h3>An Error Occurred While Attempting to Retrieve a Custom Error "
            "Document</h3>\n<ul>\n";
        add_item(html, "Code", nested->code);
        add_item(html, "Message", nested->message);
        for (const auto& [name, value] : nested->fields)
            add_item(html, name, value);
        html += "</ul>\n";
    }
    html += "<hr/>\n</body>\n</html>\n";
    reply.body = std::move(html);
    return reply;
}

}  // namespace

Reply serve_website(ControlPlane& s3, Request& request, const WebsiteCall& call) {
    return Visit(s3, request, call).serve();
}

}  // namespace s3

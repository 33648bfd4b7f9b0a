// PostObject: the browser's form upload. S3 API reference, "POST Object"; s3.md §3.13.
#include "aws/sigv4.h"
#include "base/date.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/text.h"
#include "s3/address.h"
#include "s3/api/common.h"
#include "s3/errors.h"
#include "s3/post_form.h"
#include "s3/properties.h"

namespace s3 {
namespace {

constexpr std::string_view kFileName = "${filename}";

// The fields that stand for headers of PutObject.
http::HeaderList headers_of(const FormFields& form) {
    http::HeaderList headers;
    for (const auto& [name, value] : form.fields) {
        bool kept = name.starts_with("x-amz-meta-") || name.starts_with("x-amz-checksum-") ||
                    name == "content-type" || name == "cache-control" ||
                    name == "content-disposition" || name == "content-encoding" ||
                    name == "content-language" || name == "expires" ||
                    name == "x-amz-storage-class" || name == "x-amz-server-side-encryption" ||
                    name == "x-amz-website-redirect-location";
        if (kept) headers.add(name, value);
        if (name == "acl") headers.add("x-amz-acl", value);
    }
    return headers;
}

// Who signed the policy. The scope and the chain are SigV4's; what is signed is the policy as sent.
Principal check_signature(const Request& request, const FormFields& form,
                          const std::string& policy) {
    auto field = [&](std::string_view name) {
        const std::string* value = form.find(name);
        if (!value)
            throw invalid_argument(
                "Bucket POST must contain a field named '" + std::string(name) +
                    "'.  If it is specified, please check the order of the fields.",
                name, "");
        return *value;
    };
    std::string signature = field("x-amz-signature"), credential = field("x-amz-credential");
    field("x-amz-date");
    if (field("x-amz-algorithm") != "AWS4-HMAC-SHA256")
        throw invalid_argument(
            "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"",
            "x-amz-algorithm", *form.find("x-amz-algorithm"));
    auto scope = base::split(credential, '/');
    if (scope.size() != 5)
        throw aws::Error(
            400, "AuthorizationQueryParametersError",
            "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "
            "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
    auto secret = request.keys.secret_of(scope[0]);
    if (!secret)
        throw aws::Error(403, "InvalidAccessKeyId",
                         "The AWS Access Key Id you provided does not exist in our records.")
            .with("AWSAccessKeyId", std::string(scope[0]));
    std::string key = "AWS4" + *secret;
    for (size_t i = 1; i < scope.size(); ++i)
        key = base::hmac_sha256(key, scope[i]);
    if (base::to_hex(base::hmac_sha256(key, policy)) != signature)
        throw aws::Error(403, "SignatureDoesNotMatch",
                         "The request signature we calculated does not match the signature you "
                         "provided. Check your key and signing method.")
            .with("AWSAccessKeyId", std::string(scope[0]))
            .with("StringToSign", policy)
            .with("SignatureProvided", signature);
    const std::string* token = form.find("x-amz-security-token");
    if (request.keys.check_token)
        request.keys.check_token(scope[0], token ? *token : std::string());
    return principal_of(request.keys.caller_of(scope[0]));
}

// `acl` and `tagging` have forms of their own; the tagging field is the document of
// PutObjectTagging.
Tags tags_of(const FormFields& form) {
    const std::string* field = form.find("tagging");
    if (!field) return {};
    auto document = parse_xml(*field);
    const Element* set = document ? document->child("TagSet") : nullptr;
    if (!set) throw malformed_xml();
    std::string text;
    for (const Element* tag : set->all("Tag"))
        text += (text.empty() ? "" : "&") + base::percent_encode(tag->child_text("Key")) + "=" +
                base::percent_encode(tag->child_text("Value"));
    return parse_tagging_header(text);
}

bool is_redirect_target(const std::string& url) {
    return url.starts_with("http://") || url.starts_with("https://");
}

Reply answer(const Request& request, const FormFields& form, const ObjectVersion& object) {
    Reply reply;
    reply.headers.add("x-amz-server-side-encryption", "AES256");
    reply.headers.add("ETag", quoted(object.etag));
    add_checksum_headers(reply.headers, *object.checksum);
    add_version_header(reply.headers, request.state(), object, VersionOf::Write);
    std::string location = request.scheme + "://" + request.host + "/" + request.bucket_name + "/" +
                           encode_key(object.key);
    const std::string* redirect = form.find("success_action_redirect");
    if (!redirect) redirect = form.find("redirect");
    if (redirect && is_redirect_target(*redirect)) {
        reply.status = 303;
        reply.headers.add("Location",
                          *redirect + (redirect->find('?') == std::string::npos ? "?" : "&") +
                              "bucket=" + base::percent_encode(object.bucket) + "&key=" +
                              base::percent_encode(object.key) + "&etag=%22" + object.etag + "%22");
        return reply;
    }
    reply.headers.add("Location", location);
    const std::string* status = form.find("success_action_status");
    reply.status = status && *status == "200" ? 200 : status && *status == "201" ? 201 : 204;
    if (reply.status == 201) {
        reply.headers.add("Content-Type", "application/xml");
        // The one result without a namespace.
        reply.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>" +
                     escape_xml(location) + "</Location><Bucket>" + escape_xml(object.bucket) +
                     "</Bucket><Key>" + escape_xml(object.key) + "</Key><ETag>" +
                     escape_xml(quoted(object.etag)) + "</ETag></PostResponse>";
    }
    return reply;
}

void check_size(uint64_t size, SizeRange range) {
    if (size > range.max)
        throw aws::Error(400, "EntityTooLarge",
                         "Your proposed upload exceeds the maximum allowed size")
            .with("ProposedSize", std::to_string(size))
            .with("MaxSizeAllowed", std::to_string(range.max));
    if (size < range.min)
        throw aws::Error(400, "EntityTooSmall",
                         "Your proposed upload is smaller than the minimum allowed size")
            .with("ProposedSize", std::to_string(size))
            .with("MinSizeAllowed", std::to_string(range.min));
}

Reply post_object(ControlPlane& s3, Request& request) {
    auto boundary = form_boundary(request.headers.get("Content-Type"));
    if (!boundary)
        throw precondition_failed("Bucket POST must be of the enclosure-type multipart/form-data");
    FormReader reader(request.payload, *boundary);
    FormFields form = reader.read_fields();
    const std::string* key = form.find("key");
    if (!key || key->empty())
        throw invalid_argument(
            "Bucket POST must contain a field named 'key'.  If it is specified, please check the "
            "order of the fields.",
            "key", "");

    SizeRange sizes{0, kMaxPutBytes};
    Principal caller;
    if (const std::string* policy = form.find("policy")) {
        caller = check_signature(request, form, *policy);
        SizeRange asked = check_form_policy(base::from_base64(*policy).value_or(""), form,
                                            request.bucket_name, s3.clock().now());
        sizes = {asked.min, std::min(asked.max, kMaxPutBytes)};
    }
    Payload file(reader, {});
    Request upload{"PUT",
                   request.bucket_name,
                   base::replace_all(*key, kFileName, form.file_name),
                   {},
                   headers_of(form),
                   caller,
                   request.region,
                   file,
                   request.bucket,
                   request.conditions,
                   request.now,
                   request.host,
                   request.scheme,
                   request.request_id,
                   request.keys,
                   request.span};
    check_key(upload.key);
    request.span.decide("caller", caller.to_string() + ", form policy");
    s3.authorize(upload, "s3:PutObject", request.state(), upload.key);

    ObjectVersion object;
    object.bucket = upload.bucket_name;
    object.key = upload.key;
    object.properties = read_properties(upload.headers);
    object.properties.tags = tags_of(form);
    object.properties.acl = checked_acl(upload);
    object.modified = request.now;
    upload.headers.add("Transfer-Encoding", "chunked");  // the file's length is known at its end
    StoredBody stored = store_body(s3, upload, sizes.max, DigestForm::Hex);
    object.size_bytes = stored.part.size_bytes;
    object.etag = stored.part.etag;
    object.checksum = stored.checksum;
    s3.drop(keep_or_drop(s3, stored.part.blob, [&] {
        check_size(object.size_bytes, sizes);
        return s3.store().put(object, {stored.part}, {});
    }));
    return answer(request, form, object);
}

constexpr Operation kOperations[] = {
    {"PostObject", post_object, "POST", "/{Bucket}", "", ""},
};

}  // namespace

const std::span<const Operation> form_operations = kOperations;

}  // namespace s3

// See errors.h.
#include "s3/errors.h"

namespace s3 {
namespace {

std::string str(std::string_view text) {
    return std::string(text);
}

}  // namespace

aws::Error no_such_bucket(std::string_view bucket) {
    return aws::Error(404, "NoSuchBucket", "The specified bucket does not exist")
        .with("BucketName", str(bucket));
}

aws::Error no_such_key(std::string_view key) {
    return aws::Error(404, "NoSuchKey", "The specified key does not exist.").with("Key", str(key));
}

aws::Error no_such_version(std::string_view key, std::string_view version) {
    return aws::Error(404, "NoSuchVersion", "The specified version does not exist.")
        .with("Key", str(key))
        .with("VersionId", str(version));
}

aws::Error no_such_upload(std::string_view upload) {
    return aws::Error(404, "NoSuchUpload",
                      "The specified upload does not exist. The upload ID may be invalid, or the "
                      "upload may have "
                      "been aborted or completed.")
        .with("UploadId", str(upload));
}

aws::Error access_denied(std::string_view message) {
    return aws::Error(403, "AccessDenied", str(message));
}

aws::Error invalid_argument(std::string_view message, std::string_view name,
                            std::string_view value) {
    return aws::Error(400, "InvalidArgument", str(message))
        .with("ArgumentName", str(name))
        .with("ArgumentValue", str(value));
}

aws::Error invalid_request(std::string_view message) {
    return aws::Error(400, "InvalidRequest", str(message));
}

aws::Error invalid_bucket_name(std::string_view bucket) {
    return aws::Error(400, "InvalidBucketName", "The specified bucket is not valid.")
        .with("BucketName", str(bucket));
}

aws::Error invalid_uri() {
    return aws::Error(400, "InvalidURI", "Couldn't parse the specified URI.");
}

aws::Error malformed_xml() {
    return aws::Error(400, "MalformedXML",
                      "The XML you provided was not well-formed or did not validate against our "
                      "published schema");
}

aws::Error malformed_policy(std::string_view message) {
    return aws::Error(400, "MalformedPolicy", str(message));
}

aws::Error precondition_failed(std::string_view condition) {
    return aws::Error(412, "PreconditionFailed",
                      "At least one of the pre-conditions you specified did not hold")
        .with("Condition", str(condition));
}

aws::Error not_implemented_header(std::string_view header, std::string_view additional) {
    aws::Error error(501, "NotImplemented",
                     "A header you provided implies functionality that is not implemented");
    error.with("Header", str(header));
    if (!additional.empty()) error.with("additionalMessage", str(additional));
    return error;
}

aws::Error method_not_allowed(std::string_view method, std::string_view resource_type) {
    return aws::Error(405, "MethodNotAllowed",
                      "The specified method is not allowed against this resource.")
        .with("Method", str(method))
        .with("ResourceType", str(resource_type));
}

aws::Error not_set(std::string_view code, std::string_view message, std::string_view bucket) {
    return aws::Error(404, str(code), str(message)).with("BucketName", str(bucket));
}

aws::Error missing_body() {
    return aws::Error(400, "MissingRequestBodyError", "Request Body is empty");
}

// Not a code of AWS, whose disks never fill: 507 so that no client retries a write that cannot
// succeed.
aws::Error storage_full(std::string_view where) {
    return aws::Error(507, "InsufficientStorage",
                      "No space left on the disk that holds " + str(where) +
                          ". Nothing was stored; free some space and send the request again.");
}

}  // namespace s3

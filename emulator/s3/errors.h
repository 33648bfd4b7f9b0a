// S3's errors that more than one place throws: code, status, text and further elements (s3.md §1.7,
// §3).
#pragma once
#include <string>
#include <string_view>

#include "aws/error.h"

namespace s3 {

aws::Error no_such_bucket(std::string_view bucket);
aws::Error no_such_key(std::string_view key);
aws::Error no_such_version(std::string_view key, std::string_view version);
aws::Error no_such_upload(std::string_view upload);
aws::Error access_denied(std::string_view message = "Access Denied");
aws::Error invalid_argument(std::string_view message, std::string_view name,
                            std::string_view value);
aws::Error invalid_request(std::string_view message);
aws::Error invalid_bucket_name(std::string_view bucket);
aws::Error invalid_uri();
aws::Error malformed_xml();
aws::Error malformed_policy(std::string_view message);
aws::Error precondition_failed(std::string_view condition);
aws::Error not_implemented_header(std::string_view header, std::string_view additional = {});
aws::Error method_not_allowed(std::string_view method, std::string_view resource_type);
aws::Error not_set(std::string_view code, std::string_view message, std::string_view bucket);
aws::Error missing_body();
aws::Error storage_full(std::string_view where);

}  // namespace s3

// Properties: which request headers an object keeps, and how it gives them back. Pure.
// S3 guide, "Working with object metadata"; s3.md §1.10.
#pragma once
#include <string>
#include <string_view>

#include "http/message.h"
#include "s3/model.h"

namespace s3 {

// From the headers of PutObject, CreateMultipartUpload, CopyObject (REPLACE), or a form's fields.
// Everything but the ACL. Throws aws::Error.
ObjectProperties read_properties(const http::HeaderList& headers);
// x-amz-tagging; throws for duplicates and more than ten.
Tags parse_tagging_header(std::string_view value);
void check_tag(std::string_view name, std::string_view value);
std::string checked_storage_class(std::string_view name);
void check_redirect(std::string_view location);
// Throws for an algorithm that S3 does not have.
void check_encryption(const http::HeaderList& headers);

// What GET and HEAD show of an object besides its length, range and checksums.
void add_object_headers(http::HeaderList& to, const ObjectVersion& object);
void add_checksum_headers(http::HeaderList& to, const Checksum& checksum);
std::string quoted(std::string_view etag);

}  // namespace s3

// Acl: canned ACLs, grant headers and AccessControlPolicy documents as one list of grants. Pure.
// S3 guide, "Access control list (ACL) overview"; s3.md §2.7 and §3.14.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "s3/xml.h"

namespace s3 {

inline constexpr std::string_view kAllUsers = "http://acs.amazonaws.com/groups/global/AllUsers";
inline constexpr std::string_view kAuthenticatedUsers =
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
inline constexpr std::string_view kLogDelivery = "http://acs.amazonaws.com/groups/s3/LogDelivery";

struct Grant {
    bool is_group = false;
    std::string grantee;     // canonical user id, or a group's URI
    std::string permission;  // READ, WRITE, READ_ACP, WRITE_ACP, FULL_CONTROL
};
using Acl = std::vector<Grant>;

bool is_canned_acl(std::string_view name);
// What is stored ("" = private, a canned name, or lines of grants) as grants.
Acl read_acl(std::string_view stored, std::string_view owner_id);
std::string write_acl(const Acl& acl);
// Throws aws::Error MalformedACLError, InvalidArgument …
Acl parse_acl(const Element& document);

// The ACL that a request's headers ask for, as it is stored; "" = none asked for. Throws for bad
// values.
std::string acl_from_headers(const http::HeaderList& headers);

bool is_public(const Acl& acl);
bool grants(const Acl& acl, std::string_view permission, bool authenticated);
std::string acl_document(const Acl& acl, std::string_view owner_id);

}  // namespace s3

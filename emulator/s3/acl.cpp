// See acl.h.
#include "s3/acl.h"

#include <algorithm>

#include "base/text.h"
#include "s3/errors.h"

namespace s3 {
namespace {

constexpr std::string_view kCanned[] = {
    "private",       "public-read",       "public-read-write",         "authenticated-read",
    "aws-exec-read", "bucket-owner-read", "bucket-owner-full-control", "log-delivery-write"};
constexpr std::string_view kPermissions[] = {"READ", "WRITE", "READ_ACP", "WRITE_ACP",
                                             "FULL_CONTROL"};
constexpr std::string_view kGroups[] = {kAllUsers, kAuthenticatedUsers, kLogDelivery};

struct GrantHeader {
    std::string_view header, permission;
};
constexpr GrantHeader kGrantHeaders[] = {{"x-amz-grant-read", "READ"},
                                         {"x-amz-grant-write", "WRITE"},
                                         {"x-amz-grant-read-acp", "READ_ACP"},
                                         {"x-amz-grant-write-acp", "WRITE_ACP"},
                                         {"x-amz-grant-full-control", "FULL_CONTROL"}};

bool is_canonical_id(std::string_view id) {
    return id.size() == 64 && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}
bool is_group(std::string_view uri) {
    return std::ranges::find(kGroups, uri) != std::end(kGroups);
}

Grant checked(bool group, std::string_view grantee, std::string_view permission) {
    if (group && !is_group(grantee)) throw invalid_argument("Invalid group uri", "uri", grantee);
    if (!group && !is_canonical_id(grantee)) throw invalid_argument("Invalid id", "id", grantee);
    return {group, std::string(grantee), std::string(permission)};
}

// id="…", uri="…", separated by commas.
void parse_grantees(std::string_view header, std::string_view value, std::string_view permission,
                    Acl& acl) {
    for (std::string_view one : base::split(value, ',')) {
        auto [kind, id] = base::cut(base::trim(one), '=');
        std::string_view bare = base::trim(id);
        if (bare.size() >= 2 && bare.front() == '"' && bare.back() == '"')
            bare = bare.substr(1, bare.size() - 2);
        if (kind != "id" && kind != "uri")
            throw invalid_argument("Argument format not recognized", header, value);
        acl.push_back(checked(kind == "uri", bare, permission));
    }
}

}  // namespace

bool is_canned_acl(std::string_view name) {
    return std::ranges::find(kCanned, name) != std::end(kCanned);
}

Acl read_acl(std::string_view stored, std::string_view owner_id) {
    Acl acl;
    if (!stored.empty() && !is_canned_acl(stored)) {
        for (std::string_view line : base::split(stored, '\n')) {
            auto words = base::split(line, ' ');
            if (words.size() == 3)
                acl.push_back({words[0] == "group", std::string(words[1]), std::string(words[2])});
        }
        return acl;
    }
    acl.push_back({false, std::string(owner_id), "FULL_CONTROL"});
    auto group = [&](std::string_view uri, std::string_view permission) {
        acl.push_back({true, std::string(uri), std::string(permission)});
    };
    if (stored == "public-read" || stored == "public-read-write") group(kAllUsers, "READ");
    if (stored == "public-read-write") group(kAllUsers, "WRITE");
    if (stored == "authenticated-read") group(kAuthenticatedUsers, "READ");
    if (stored == "log-delivery-write") {
        group(kLogDelivery, "WRITE");
        group(kLogDelivery, "READ_ACP");
    }
    return acl;
}

std::string write_acl(const Acl& acl) {
    std::string text;
    for (const Grant& grant : acl)
        text += std::string(grant.is_group ? "group " : "user ") + grant.grantee + " " +
                grant.permission + "\n";
    return text;
}

Acl parse_acl(const Element& document) {
    aws::Error malformed(400, "MalformedACLError", malformed_xml().message);
    const Element* list = document.child("AccessControlList");
    if (document.name != "AccessControlPolicy" || !list || !document.child("Owner"))
        throw malformed;
    Acl acl;
    for (const Element* element : list->all("Grant")) {
        const Element* grantee = element->child("Grantee");
        std::string_view permission = element->child_text("Permission");
        if (!grantee || std::ranges::find(kPermissions, permission) == std::end(kPermissions))
            throw malformed;
        if (grantee->child("URI"))
            acl.push_back(checked(true, grantee->child_text("URI"), permission));
        else if (grantee->child("ID"))
            acl.push_back(checked(false, grantee->child_text("ID"), permission));
        else
            throw malformed;
    }
    return acl;
}

std::string acl_from_headers(const http::HeaderList& headers) {
    const std::string* canned = headers.find("x-amz-acl");
    Acl acl;
    for (const GrantHeader& row : kGrantHeaders)
        if (const std::string* value = headers.find(row.header))
            parse_grantees(row.header, *value, row.permission, acl);
    if (canned && !acl.empty())
        throw invalid_request("Specifying both Canned ACLs and Header Grants is not allowed");
    if (canned && !is_canned_acl(*canned)) throw invalid_argument("", "x-amz-acl", *canned);
    return canned ? *canned : write_acl(acl);
}

bool is_public(const Acl& acl) {
    return std::ranges::any_of(
        acl, [](const Grant& grant) { return grant.is_group && grant.grantee != kLogDelivery; });
}

bool grants(const Acl& acl, std::string_view permission, bool authenticated) {
    return std::ranges::any_of(acl, [&](const Grant& grant) {
        bool in_group =
            grant.grantee == kAllUsers || (authenticated && grant.grantee == kAuthenticatedUsers);
        return grant.is_group && in_group &&
               (grant.permission == permission || grant.permission == "FULL_CONTROL");
    });
}

std::string acl_document(const Acl& acl, std::string_view owner_id) {
    constexpr std::string_view kType =
        "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=";
    XmlWriter xml("AccessControlPolicy");
    xml.open("Owner").add("ID", owner_id).close().open("AccessControlList");
    for (const Grant& grant : acl) {
        xml.open("Grant").open(
            "Grantee", std::string(kType) + (grant.is_group ? "\"Group\"" : "\"CanonicalUser\""));
        xml.add(grant.is_group ? "URI" : "ID", grant.grantee).close();
        xml.add("Permission", grant.permission).close();
    }
    return xml.finish();
}

}  // namespace s3

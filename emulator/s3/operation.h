// What an operation gets and gives, and the row that names it. S3 has its own rows beside
// aws::Operation: each carries the IAM action that guards it, and bodies are streamed both ways.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/error.h"
#include "base/trace.h"
#include "http/message.h"
#include "s3/authorize.h"
#include "s3/blobs.h"
#include "s3/payload.h"

namespace s3 {

class ControlPlane;

using Query = std::map<std::string, std::string, std::less<>>;  // decoded, first value wins

// Whose access keys there are: aws::AccessKeys, as functions.
struct Keys {
    std::function<std::optional<std::string>(std::string_view access_key)> secret_of;
    std::function<aws::Caller(std::string_view access_key)> caller_of;
    std::function<void(std::string_view access_key, std::string_view session_token)>
        check_token;  // may be empty
};

struct Request {
    std::string method;
    std::string bucket_name, key;
    Query query;
    http::HeaderList headers;  // signed query parameters such as x-amz-acl included
    Principal caller;
    std::string region;  // of the credential scope, "" for anonymous callers
    Payload& payload;
    std::shared_ptr<const BucketState> bucket;  // nullptr: service level, and CreateBucket
    ConditionValues conditions;
    base::Time now;  // whole seconds
    std::string host, scheme;
    std::string request_id;
    const Keys& keys;
    base::Span& span;

    std::string_view value(std::string_view name) const {
        auto found = query.find(name);
        return found == query.end() ? std::string_view() : std::string_view(found->second);
    }
    bool has(std::string_view name) const { return query.contains(name); }
    const BucketState& state() const { return *bucket; }
    // The Location of an object, as S3 writes it into results.
    std::string object_url() const;
};

// Bytes of an object to be sent: runs within blobs that are already open.
struct ObjectBody {
    struct Run {
        Blobs::Reader blob;
        uint64_t offset, size_bytes;
    };
    std::vector<Run> runs;
    uint64_t size_bytes = 0;
};

struct Reply {
    int status = 200;
    http::HeaderList headers;
    std::string body;
    std::optional<ObjectBody> object;  // instead of `body`

    static Reply xml(std::string document);
    static Reply empty(int status) { return {status, {}, {}, {}}; }
};

// `uri` is the level: "/", "/{Bucket}" or "/{Bucket}/{Key+}". `selector` is a query key, `header` a
// request header that must be present; the row with most of them wins. `action` "" = the operation
// asks for itself (by key, or for two actions).
struct Operation {
    std::string_view name;
    Reply (*run)(ControlPlane&, Request&);
    std::string_view method, uri, selector, action;
    std::string_view header = {};
};

}  // namespace s3

// Shapes: the structures of CloudFront's API (model 2020-05-31) as data: order of elements, types,
// lists and the defaults AWS writes into what it returns. normalize() is the one way in for a
// configuration.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"

namespace cloudfront {

struct Shape;

enum class FieldKind : uint8_t { Text, Bool, Integer, Decimal, Structure, List };
enum class Presence : uint8_t { Required, Optional, Default };

struct Field {
    std::string_view name;
    FieldKind kind;
    Presence fill = Presence::Optional;
    std::string_view value = {};  // the default, as text; a structure's default is its own defaults
    const Shape* shape =
        nullptr;  // of a structure, or of a list's members (nullptr = text members)
    std::string_view member = {};  // a list member's element name
};

struct Shape {
    std::string_view name;
    std::span<const Field> fields;
};

extern const Shape kDistributionConfigShape;
extern const Shape kCachePolicyConfigShape;
extern const Shape kOriginRequestPolicyConfigShape;
extern const Shape kResponseHeadersPolicyConfigShape;
extern const Shape kOriginAccessControlConfigShape;
extern const Shape kOriginAccessIdentityConfigShape;
extern const Shape kPublicKeyConfigShape;
extern const Shape kKeyGroupConfigShape;
extern const Shape kInvalidationBatchShape;
extern const Shape kTagsShape;
extern const Shape kTagKeysShape;

// The input with the shape's order, types and defaults. Throws aws::Error: InconsistentQuantities,
// InvalidArgument (missing, wrong type), MalformedInput (an element the model does not have).
base::Node normalize(const Shape& shape, const base::Node& input);

// Element names of list members ("Parent.List=Element" per line), for reading and writing XML.
extern const std::string_view kListNames;

}  // namespace cloudfront

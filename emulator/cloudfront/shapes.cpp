// See shapes.h. The tables follow the order of the service model; what a client leaves out is
// filled with what GetDistributionConfig shows for such a distribution.
#include "cloudfront/shapes.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws/error.h"
#include "base/text.h"

namespace cloudfront {

using base::Node;

namespace {

constexpr Field required(std::string_view name) {
    return {name, FieldKind::Text, Presence::Required};
}
constexpr Field text(std::string_view name) {
    return {name, FieldKind::Text};
}
constexpr Field text(std::string_view name, std::string_view value) {
    return {name, FieldKind::Text, Presence::Default, value};
}
constexpr Field boolean(std::string_view name) {
    return {name, FieldKind::Bool};
}
constexpr Field boolean(std::string_view name, std::string_view value) {
    return {name, FieldKind::Bool, Presence::Default, value};
}
constexpr Field integer(std::string_view name) {
    return {name, FieldKind::Integer};
}
constexpr Field integer(std::string_view name, std::string_view value) {
    return {name, FieldKind::Integer, Presence::Default, value};
}
constexpr Field needed(Field field) {
    field.fill = Presence::Required;
    return field;
}
constexpr Field structure(std::string_view name, const Shape& shape,
                          Presence fill = Presence::Optional) {
    return {name, FieldKind::Structure, fill, {}, &shape};
}
constexpr Field quantity() {
    return {"Quantity", FieldKind::Integer, Presence::Default, "0"};
}
constexpr Field items(std::string_view member, const Shape* shape = nullptr) {
    return {"Items", FieldKind::List, Presence::Optional, {}, shape, member};
}

// Lists of plain texts: Quantity and Items.
constexpr Field kNameFields[] = {quantity(), items("Name")};
constexpr Shape kNames{"Names", kNameFields};
constexpr Field kAliasFields[] = {quantity(), items("CNAME")};
constexpr Shape kAliases{"Aliases", kAliasFields};
constexpr Field kMethodListFields[] = {quantity(), items("Method")};
constexpr Shape kMethodList{"Methods", kMethodListFields};
constexpr Field kSslProtocolFields[] = {quantity(), items("SslProtocol")};
constexpr Shape kSslProtocols{"OriginSslProtocols", kSslProtocolFields};
constexpr Field kStatusCodeFields[] = {quantity(), items("StatusCode")};
constexpr Shape kStatusCodes{"StatusCodes", kStatusCodeFields};

// Origins.
constexpr Field kCustomHeaderFields[] = {required("HeaderName"), text("HeaderValue", "")};
constexpr Shape kCustomHeader{"OriginCustomHeader", kCustomHeaderFields};
constexpr Field kCustomHeadersFields[] = {quantity(), items("OriginCustomHeader", &kCustomHeader)};
constexpr Shape kCustomHeaders{"CustomHeaders", kCustomHeadersFields};
constexpr Field kS3OriginFields[] = {text("OriginAccessIdentity", ""),
                                     integer("OriginReadTimeout", "30")};
constexpr Shape kS3Origin{"S3OriginConfig", kS3OriginFields};
constexpr Field kCustomOriginFields[] = {
    integer("HTTPPort", "80"),
    integer("HTTPSPort", "443"),
    required("OriginProtocolPolicy"),
    structure("OriginSslProtocols", kSslProtocols),
    integer("OriginReadTimeout", "30"),
    integer("OriginKeepaliveTimeout", "5"),
    text("IpAddressType"),
};
constexpr Shape kCustomOrigin{"CustomOriginConfig", kCustomOriginFields};
constexpr Field kOriginShieldFields[] = {boolean("Enabled", "false"), text("OriginShieldRegion")};
constexpr Shape kOriginShield{"OriginShield", kOriginShieldFields};
constexpr Field kOriginFields[] = {
    required("Id"),
    required("DomainName"),
    text("OriginPath", ""),
    structure("CustomHeaders", kCustomHeaders, Presence::Default),
    structure("S3OriginConfig", kS3Origin),
    structure("CustomOriginConfig", kCustomOrigin),
    integer("ConnectionAttempts", "3"),
    integer("ConnectionTimeout", "10"),
    integer("ResponseCompletionTimeout"),
    structure("OriginShield", kOriginShield, Presence::Default),
    text("OriginAccessControlId", ""),
};
constexpr Shape kOrigin{"Origin", kOriginFields};
constexpr Field kOriginsFields[] = {quantity(), items("Origin", &kOrigin)};
constexpr Shape kOrigins{"Origins", kOriginsFields};

constexpr Field kFailoverFields[] = {structure("StatusCodes", kStatusCodes, Presence::Required)};
constexpr Shape kFailover{"FailoverCriteria", kFailoverFields};
constexpr Field kGroupMemberFields[] = {required("OriginId")};
constexpr Shape kGroupMember{"OriginGroupMember", kGroupMemberFields};
constexpr Field kGroupMembersFields[] = {quantity(), items("OriginGroupMember", &kGroupMember)};
constexpr Shape kGroupMembers{"Members", kGroupMembersFields};
constexpr Field kOriginGroupFields[] = {
    required("Id"),
    structure("FailoverCriteria", kFailover, Presence::Required),
    structure("Members", kGroupMembers, Presence::Required),
    text("SelectionCriteria", "default"),
};
constexpr Shape kOriginGroup{"OriginGroup", kOriginGroupFields};
constexpr Field kOriginGroupsFields[] = {quantity(), items("OriginGroup", &kOriginGroup)};
constexpr Shape kOriginGroups{"OriginGroups", kOriginGroupsFields};

// Behaviours.
constexpr Field kSignersFields[] = {boolean("Enabled", "false"), quantity(),
                                    items("AwsAccountNumber")};
constexpr Shape kSigners{"TrustedSigners", kSignersFields};
constexpr Field kKeyGroupsFields[] = {boolean("Enabled", "false"), quantity(), items("KeyGroup")};
constexpr Shape kKeyGroups{"TrustedKeyGroups", kKeyGroupsFields};
constexpr Field kAllowedMethodsFields[] = {quantity(), items("Method"),
                                           structure("CachedMethods", kMethodList)};
constexpr Shape kAllowedMethods{"AllowedMethods", kAllowedMethodsFields};
constexpr Field kLambdaFields[] = {required("LambdaFunctionARN"), required("EventType"),
                                   boolean("IncludeBody", "false")};
constexpr Shape kLambda{"LambdaFunctionAssociation", kLambdaFields};
constexpr Field kLambdasFields[] = {quantity(), items("LambdaFunctionAssociation", &kLambda)};
constexpr Shape kLambdas{"LambdaFunctionAssociations", kLambdasFields};
constexpr Field kFunctionFields[] = {required("FunctionARN"), required("EventType")};
constexpr Shape kFunction{"FunctionAssociation", kFunctionFields};
constexpr Field kFunctionsFields[] = {quantity(), items("FunctionAssociation", &kFunction)};
constexpr Shape kFunctions{"FunctionAssociations", kFunctionsFields};
constexpr Field kGrpcFields[] = {boolean("Enabled", "false")};
constexpr Shape kGrpc{"GrpcConfig", kGrpcFields};
constexpr Field kLegacyCookiesFields[] = {text("Forward", "none"),
                                          structure("WhitelistedNames", kNames)};
constexpr Shape kLegacyCookies{"Cookies", kLegacyCookiesFields};
constexpr Field kForwardedValuesFields[] = {
    boolean("QueryString", "false"),
    structure("Cookies", kLegacyCookies, Presence::Default),
    structure("Headers", kNames, Presence::Default),
    structure("QueryStringCacheKeys", kNames, Presence::Default),
};
constexpr Shape kForwardedValues{"ForwardedValues", kForwardedValuesFields};

#define BEHAVIOR_FIELDS                                                                          \
    required("TargetOriginId"), structure("TrustedSigners", kSigners, Presence::Default),        \
        structure("TrustedKeyGroups", kKeyGroups, Presence::Default),                            \
        required("ViewerProtocolPolicy"),                                                        \
        structure("AllowedMethods", kAllowedMethods, Presence::Default),                         \
        boolean("SmoothStreaming", "false"), boolean("Compress", "false"),                       \
        structure("LambdaFunctionAssociations", kLambdas, Presence::Default),                    \
        structure("FunctionAssociations", kFunctions, Presence::Default),                        \
        text("FieldLevelEncryptionId", ""), text("RealtimeLogConfigArn"), text("CachePolicyId"), \
        text("OriginRequestPolicyId"), text("ResponseHeadersPolicyId"),                          \
        structure("GrpcConfig", kGrpc), structure("ForwardedValues", kForwardedValues),          \
        integer("MinTTL"), integer("DefaultTTL"), integer("MaxTTL")

constexpr Field kDefaultBehaviorFields[] = {BEHAVIOR_FIELDS};
constexpr Field kBehaviorFields[] = {required("PathPattern"), BEHAVIOR_FIELDS};
#undef BEHAVIOR_FIELDS
constexpr Shape kDefaultBehavior{"DefaultCacheBehavior", kDefaultBehaviorFields};
constexpr Shape kBehavior{"CacheBehavior", kBehaviorFields};
constexpr Field kBehaviorsFields[] = {quantity(), items("CacheBehavior", &kBehavior)};
constexpr Shape kBehaviors{"CacheBehaviors", kBehaviorsFields};

// The rest of a distribution.
constexpr Field kErrorFields[] = {
    needed(integer("ErrorCode")),
    text("ResponsePagePath", ""),
    text("ResponseCode", ""),
    integer("ErrorCachingMinTTL", "10"),
};
constexpr Shape kError{"CustomErrorResponse", kErrorFields};
constexpr Field kErrorsFields[] = {quantity(), items("CustomErrorResponse", &kError)};
constexpr Shape kErrors{"CustomErrorResponses", kErrorsFields};
constexpr Field kLoggingFields[] = {boolean("Enabled", "false"), boolean("IncludeCookies", "false"),
                                    text("Bucket", ""), text("Prefix", "")};
constexpr Shape kLogging{"Logging", kLoggingFields};
constexpr Field kCertificateFields[] = {
    boolean("CloudFrontDefaultCertificate"),
    text("IAMCertificateId"),
    text("ACMCertificateArn"),
    text("SSLSupportMethod"),
    text("MinimumProtocolVersion"),
    text("Certificate"),
    text("CertificateSource"),
};
constexpr Shape kCertificate{"ViewerCertificate", kCertificateFields};
constexpr Field kGeoFields[] = {text("RestrictionType", "none"), quantity(), items("Location")};
constexpr Shape kGeo{"GeoRestriction", kGeoFields};
constexpr Field kRestrictionsFields[] = {structure("GeoRestriction", kGeo, Presence::Default)};
constexpr Shape kRestrictions{"Restrictions", kRestrictionsFields};

constexpr Field kDistributionFields[] = {
    required("CallerReference"),
    structure("Aliases", kAliases, Presence::Default),
    text("DefaultRootObject", ""),
    structure("Origins", kOrigins, Presence::Required),
    structure("OriginGroups", kOriginGroups, Presence::Default),
    structure("DefaultCacheBehavior", kDefaultBehavior, Presence::Required),
    structure("CacheBehaviors", kBehaviors, Presence::Default),
    structure("CustomErrorResponses", kErrors, Presence::Default),
    text("Comment", ""),
    structure("Logging", kLogging, Presence::Default),
    text("PriceClass", "PriceClass_All"),
    needed(boolean("Enabled")),
    structure("ViewerCertificate", kCertificate, Presence::Default),
    structure("Restrictions", kRestrictions, Presence::Default),
    text("WebACLId", ""),
    text("HttpVersion", "http2"),
    boolean("IsIPV6Enabled", "false"),
    text("ContinuousDeploymentPolicyId", ""),
    boolean("Staging", "false"),
};

// Policies.
constexpr Field kPolicyHeadersFields[] = {text("HeaderBehavior", "none"),
                                          structure("Headers", kNames)};
constexpr Shape kPolicyHeaders{"HeadersConfig", kPolicyHeadersFields};
constexpr Field kPolicyCookiesFields[] = {text("CookieBehavior", "none"),
                                          structure("Cookies", kNames)};
constexpr Shape kPolicyCookies{"CookiesConfig", kPolicyCookiesFields};
constexpr Field kPolicyQueryFields[] = {text("QueryStringBehavior", "none"),
                                        structure("QueryStrings", kNames)};
constexpr Shape kPolicyQuery{"QueryStringsConfig", kPolicyQueryFields};
constexpr Field kParametersFields[] = {
    boolean("EnableAcceptEncodingGzip", "false"),
    boolean("EnableAcceptEncodingBrotli", "false"),
    structure("HeadersConfig", kPolicyHeaders, Presence::Default),
    structure("CookiesConfig", kPolicyCookies, Presence::Default),
    structure("QueryStringsConfig", kPolicyQuery, Presence::Default),
};
constexpr Shape kParameters{"ParametersInCacheKeyAndForwardedToOrigin", kParametersFields};
constexpr Field kCachePolicyFields[] = {
    text("Comment", ""),
    required("Name"),
    integer("DefaultTTL"),
    integer("MaxTTL"),
    needed(integer("MinTTL")),
    structure("ParametersInCacheKeyAndForwardedToOrigin", kParameters, Presence::Default),
};
constexpr Field kOriginRequestPolicyFields[] = {
    text("Comment", ""),
    required("Name"),
    structure("HeadersConfig", kPolicyHeaders, Presence::Required),
    structure("CookiesConfig", kPolicyCookies, Presence::Required),
    structure("QueryStringsConfig", kPolicyQuery, Presence::Required),
};

constexpr Field kAllowOriginsFields[] = {quantity(), items("Origin")};
constexpr Shape kAllowOrigins{"AccessControlAllowOrigins", kAllowOriginsFields};
constexpr Field kHeaderListFields[] = {quantity(), items("Header")};
constexpr Shape kHeaderList{"AccessControlAllowHeaders", kHeaderListFields};
constexpr Field kCorsFields[] = {
    structure("AccessControlAllowOrigins", kAllowOrigins, Presence::Required),
    structure("AccessControlAllowHeaders", kHeaderList, Presence::Required),
    structure("AccessControlAllowMethods", kMethodList, Presence::Required),
    needed(boolean("AccessControlAllowCredentials")),
    structure("AccessControlExposeHeaders", kHeaderList),
    integer("AccessControlMaxAgeSec"),
    needed(boolean("OriginOverride")),
};
constexpr Shape kCors{"CorsConfig", kCorsFields};
constexpr Field kXssFields[] = {needed(boolean("Override")), needed(boolean("Protection")),
                                boolean("ModeBlock"), text("ReportUri")};
constexpr Shape kXss{"XSSProtection", kXssFields};
constexpr Field kFrameFields[] = {needed(boolean("Override")), required("FrameOption")};
constexpr Shape kFrame{"FrameOptions", kFrameFields};
constexpr Field kReferrerFields[] = {needed(boolean("Override")), required("ReferrerPolicy")};
constexpr Shape kReferrer{"ReferrerPolicy", kReferrerFields};
constexpr Field kCspFields[] = {needed(boolean("Override")), required("ContentSecurityPolicy")};
constexpr Shape kCsp{"ContentSecurityPolicy", kCspFields};
constexpr Field kContentTypeFields[] = {needed(boolean("Override"))};
constexpr Shape kContentType{"ContentTypeOptions", kContentTypeFields};
constexpr Field kStsFields[] = {needed(boolean("Override")), boolean("IncludeSubdomains"),
                                boolean("Preload"), needed(integer("AccessControlMaxAgeSec"))};
constexpr Shape kSts{"StrictTransportSecurity", kStsFields};
constexpr Field kSecurityFields[] = {
    structure("XSSProtection", kXss),
    structure("FrameOptions", kFrame),
    structure("ReferrerPolicy", kReferrer),
    structure("ContentSecurityPolicy", kCsp),
    structure("ContentTypeOptions", kContentType),
    structure("StrictTransportSecurity", kSts),
};
constexpr Shape kSecurity{"SecurityHeadersConfig", kSecurityFields};
constexpr Field kServerTimingFields[] = {needed(boolean("Enabled")),
                                         {"SamplingRate", FieldKind::Decimal}};
constexpr Shape kServerTiming{"ServerTimingHeadersConfig", kServerTimingFields};
constexpr Field kPolicyHeaderFields[] = {required("Header"), text("Value", ""),
                                         needed(boolean("Override"))};
constexpr Shape kPolicyHeader{"ResponseHeadersPolicyCustomHeader", kPolicyHeaderFields};
constexpr Field kPolicyHeadersListFields[] = {
    quantity(), items("ResponseHeadersPolicyCustomHeader", &kPolicyHeader)};
constexpr Shape kPolicyHeadersList{"CustomHeadersConfig", kPolicyHeadersListFields};
constexpr Field kRemoveHeaderFields[] = {required("Header")};
constexpr Shape kRemoveHeader{"ResponseHeadersPolicyRemoveHeader", kRemoveHeaderFields};
constexpr Field kRemoveHeadersFields[] = {
    quantity(), items("ResponseHeadersPolicyRemoveHeader", &kRemoveHeader)};
constexpr Shape kRemoveHeaders{"RemoveHeadersConfig", kRemoveHeadersFields};
constexpr Field kResponseHeadersPolicyFields[] = {
    text("Comment", ""),
    required("Name"),
    structure("CorsConfig", kCors),
    structure("SecurityHeadersConfig", kSecurity),
    structure("ServerTimingHeadersConfig", kServerTiming),
    structure("CustomHeadersConfig", kPolicyHeadersList),
    structure("RemoveHeadersConfig", kRemoveHeaders),
};

// Keys, identities, tags, invalidations.
constexpr Field kOacFields[] = {required("Name"), text("Description", ""),
                                required("SigningProtocol"), required("SigningBehavior"),
                                required("OriginAccessControlOriginType")};
constexpr Field kOaiFields[] = {required("CallerReference"), text("Comment", "")};
constexpr Field kPublicKeyFields[] = {required("CallerReference"), required("Name"),
                                      required("EncodedKey"), text("Comment", "")};
constexpr Field kKeyGroupFields[] = {
    required("Name"),
    {"Items", FieldKind::List, Presence::Required, {}, nullptr, "PublicKey"},
    text("Comment", "")};
constexpr Field kPathsFields[] = {quantity(), items("Path")};
constexpr Shape kPaths{"Paths", kPathsFields};
constexpr Field kInvalidationFields[] = {structure("Paths", kPaths, Presence::Required),
                                         required("CallerReference")};
constexpr Field kTagFields[] = {required("Key"), text("Value")};
constexpr Shape kTag{"Tag", kTagFields};
constexpr Field kTagsFields[] = {{"Items", FieldKind::List, Presence::Optional, {}, &kTag, "Tag"}};
constexpr Field kTagKeysFields[] = {
    {"Items", FieldKind::List, Presence::Optional, {}, nullptr, "Key"}};

[[noreturn]] void wrong(const Field& field, std::string_view expected, std::string_view got) {
    throw aws::Error(
        400, "InvalidArgument",
        fmt::format("The parameter {} must be {}, not '{}'.", field.name, expected, got));
}

// XML leaves are texts, JSON's are typed: one reading for both.
std::string leaf_text(const Field& field, const Node& value) {
    switch (value.kind()) {
        case Node::Kind::String: return value.as_string();
        case Node::Kind::Number: return value.number_text();
        case Node::Kind::Bool: return value.as_bool() ? "true" : "false";
        case Node::Kind::Null: return {};
        // An element without content may arrive as an empty object.
        case Node::Kind::Object:
            if (value.size() == 0) return {};
            break;
        case Node::Kind::Array: break;
    }
    wrong(field, "a value", "a structure");
}

Node leaf(const Field& field, const std::string& text) {
    switch (field.kind) {
        case FieldKind::Bool: {
            std::string_view trimmed = base::trim(text);
            if (trimmed != "true" && trimmed != "false") wrong(field, "true or false", text);
            return trimmed == "true";
        }
        case FieldKind::Integer: {
            auto number = base::parse_signed(base::trim(text));
            if (!number) wrong(field, "a whole number", text);
            return *number;
        }
        case FieldKind::Decimal: {
            if (!base::parse_double(base::trim(text))) wrong(field, "a number", text);
            return Node::number(std::string(base::trim(text)));
        }
        default: return text;
    }
}

Node list(const Field& field, const Node& value) {
    // The members, whether the reader made an array of them or left {Element: one or several}.
    std::vector<Node> members;
    if (value.is_array()) {
        members = value.items();
    } else if (const Node* inner = value.find(field.member)) {
        if (inner->is_array())
            members = inner->items();
        else
            members.push_back(*inner);
    } else if (!value.is_null() && value.size() > 0) {
        throw aws::Error(400, "MalformedInput",
                         fmt::format("{} must hold elements named {}.", field.name, field.member));
    }
    Node out = Node::array();
    for (const Node& member : members)
        out.push_back(field.shape != nullptr ? normalize(*field.shape, member)
                                             : Node(leaf_text(field, member)));
    return out;
}

void check_known(const Shape& shape, const Node& input) {
    for (const auto& [name, value] : input.members()) {
        bool known = name.starts_with('@') ||
                     std::ranges::find(shape.fields, name, &Field::name) != shape.fields.end();
        // Parts of the real API that are not built are refused by name, never kept as if they
        // worked.
        if (!known)
            throw aws::Error(400, "InvalidArgument",
                             fmt::format("{} in {} is not part of what this emulator supports.",
                                         name, shape.name));
    }
}

bool is_given(const Field& field, const Node* value) {
    if (value == nullptr || value->is_null()) return false;
    // <MinTTL></MinTTL> says as much as leaving it out.
    if (field.kind == FieldKind::Integer || field.kind == FieldKind::Bool ||
        field.kind == FieldKind::Decimal)
        return !leaf_text(field, *value).empty();
    return true;
}

void check_quantity(const Shape& shape, const Node& out, bool given) {
    const Node* count = out.find("Quantity");
    if (count == nullptr) return;
    int64_t members = static_cast<int64_t>(out["Items"].size());
    if (given && count->as_int() != members)
        throw aws::Error(
            400, "InconsistentQuantities",
            fmt::format("The value of Quantity and the size of Items do not match in {}.",
                        shape.name));
}

}  // namespace

constexpr Shape kDistributionConfigShape{"DistributionConfig", kDistributionFields};
constexpr Shape kCachePolicyConfigShape{"CachePolicyConfig", kCachePolicyFields};
constexpr Shape kOriginRequestPolicyConfigShape{"OriginRequestPolicyConfig",
                                                kOriginRequestPolicyFields};
constexpr Shape kResponseHeadersPolicyConfigShape{"ResponseHeadersPolicyConfig",
                                                  kResponseHeadersPolicyFields};
constexpr Shape kOriginAccessControlConfigShape{"OriginAccessControlConfig", kOacFields};
constexpr Shape kOriginAccessIdentityConfigShape{"CloudFrontOriginAccessIdentityConfig",
                                                 kOaiFields};
constexpr Shape kPublicKeyConfigShape{"PublicKeyConfig", kPublicKeyFields};
constexpr Shape kKeyGroupConfigShape{"KeyGroupConfig", kKeyGroupFields};
constexpr Shape kInvalidationBatchShape{"InvalidationBatch", kInvalidationFields};
constexpr Shape kTagsShape{"Tags", kTagsFields};
constexpr Shape kTagKeysShape{"TagKeys", kTagKeysFields};

Node normalize(const Shape& shape, const Node& input) {
    bool empty_text = input.is_string() && base::trim(input.as_string()).empty();
    if (!input.is_object() && !input.is_null() && !empty_text)
        throw aws::Error(400, "MalformedInput", fmt::format("{} must be a structure.", shape.name));
    check_known(shape, input);
    Node out = Node::object();
    bool quantity_given = false;
    for (const Field& field : shape.fields) {
        const Node* value = input.find(field.name);
        if (is_given(field, value)) {
            if (field.name == "Quantity") quantity_given = true;
            if (field.kind == FieldKind::Structure)
                out.set(std::string(field.name), normalize(*field.shape, *value));
            else if (field.kind != FieldKind::List)
                out.set(std::string(field.name), leaf(field, leaf_text(field, *value)));
            else if (Node members = list(field, *value);
                     members.size() > 0 || field.fill == Presence::Required)
                out.set(std::string(field.name), std::move(members));
        } else if (field.fill == Presence::Required) {
            throw aws::Error(400, "InvalidArgument",
                             fmt::format("The parameter {} is required.", field.name));
        } else if (field.fill == Presence::Default) {
            out.set(std::string(field.name), field.kind == FieldKind::Structure
                                                 ? normalize(*field.shape, Node::object())
                                                 : leaf(field, std::string(field.value)));
        }
    }
    check_quantity(shape, out, quantity_given);
    if (Node* count = out.find("Quantity"))
        *count = Node(static_cast<int64_t>(out["Items"].size()));
    return out;
}

const std::string_view kListNames =
    "AccessControlAllowHeaders.Items=Header\n"
    "AccessControlAllowMethods.Items=Method\n"
    "AccessControlAllowOrigins.Items=Origin\n"
    "AccessControlExposeHeaders.Items=Header\n"
    "ActiveTrustedKeyGroups.Items=KeyGroup\n"
    "ActiveTrustedSigners.Items=Signer\n"
    "Aliases.Items=CNAME\n"
    "AllowedMethods.Items=Method\n"
    "CacheBehaviors.Items=CacheBehavior\n"
    "CachePolicyList.Items=CachePolicySummary\n"
    "CachedMethods.Items=Method\n"
    "CloudFrontOriginAccessIdentityList.Items=CloudFrontOriginAccessIdentitySummary\n"
    "Cookies.Items=Name\n"
    "CustomErrorResponses.Items=CustomErrorResponse\n"
    "CustomHeaders.Items=OriginCustomHeader\n"
    "CustomHeadersConfig.Items=ResponseHeadersPolicyCustomHeader\n"
    "Distribution.AliasICPRecordals=AliasICPRecordal\n"
    "DistributionIdList.Items=DistributionId\n"
    "DistributionList.Items=DistributionSummary\n"
    "DistributionSummary.AliasICPRecordals=AliasICPRecordal\n"
    "FunctionAssociations.Items=FunctionAssociation\n"
    "GeoRestriction.Items=Location\n"
    "Headers.Items=Name\n"
    "InvalidationList.Items=InvalidationSummary\n"
    "KeyPairIds.Items=KeyPairId\n"
    "KeyGroupConfig.Items=PublicKey\n"
    "KeyGroupList.Items=KeyGroupSummary\n"
    "LambdaFunctionAssociations.Items=LambdaFunctionAssociation\n"
    "Members.Items=OriginGroupMember\n"
    "OriginAccessControlList.Items=OriginAccessControlSummary\n"
    "OriginGroups.Items=OriginGroup\n"
    "OriginRequestPolicyList.Items=OriginRequestPolicySummary\n"
    "OriginSslProtocols.Items=SslProtocol\n"
    "Origins.Items=Origin\n"
    "Paths.Items=Path\n"
    "PublicKeyList.Items=PublicKeySummary\n"
    "QueryStringCacheKeys.Items=Name\n"
    "QueryStrings.Items=Name\n"
    "RemoveHeadersConfig.Items=ResponseHeadersPolicyRemoveHeader\n"
    "ResponseHeadersPolicyList.Items=ResponseHeadersPolicySummary\n"
    "StatusCodes.Items=StatusCode\n"
    "TagKeys.Items=Key\n"
    "Tags.Items=Tag\n"
    "TrustedKeyGroups.Items=KeyGroup\n"
    "TrustedSigners.Items=AwsAccountNumber\n"
    "WhitelistedNames.Items=Name\n";

}  // namespace cloudfront

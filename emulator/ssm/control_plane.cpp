// SSM Parameter Store (see control_plane.h): the table, and references to parameters.
#include "ssm/control_plane.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws/arn.h"
#include "base/text.h"
#include "ssm/known_operations.h"

namespace ssm {

const aws::ServiceInfo& ControlPlane::info() const {
    static const aws::ServiceInfo info{.name = "ssm",
                                       .signing_name = "ssm",
                                       .target_prefix = "AmazonSSM",
                                       .version = "2014-11-06",
                                       .protocol = aws::Protocol::Json11,
                                       .xml_namespace = "",
                                       .known_operations = kKnownOperations};
    return info;
}

std::optional<aws::Reply> ControlPlane::serve(aws::Call& call) {
    static const aws::OperationTable<ControlPlane> table{parameter_operations};
    const Operation* operation = table.find(call.operation);
    if (!operation) return std::nullopt;
    return operation->run(*this, call);
}

// A name without a leading slash gets one in its ARN.
std::string ControlPlane::arn(std::string_view name) const {
    return aws::make_arn("ssm", ids_.region(), ids_.account(),
                         fmt::format("parameter{}{}", name.starts_with('/') ? "" : "/", name));
}

Parameter ControlPlane::find(std::string_view reference) {
    std::string name(reference), selector;
    if (name.starts_with("arn:")) {
        auto parsed = aws::parse_arn(name);
        if (!parsed || !parsed->resource.starts_with("parameter/"))
            throw aws::Error{400, "ParameterNotFound", ""};
        name = parsed->resource.substr(9);
        // The ARN of "db-url" and that of "/db-url" are the same text.
        std::string bare = name.substr(
            1, name.find(':') == std::string::npos ? std::string::npos : name.find(':') - 1);
        if (!store_.latest("/" + bare) && store_.latest(bare)) name.erase(0, 1);
    }
    if (size_t colon = name.find(':'); colon != std::string::npos) {
        selector = name.substr(colon + 1);
        name.resize(colon);
    }
    auto latest = store_.latest(name);
    if (!latest) throw aws::Error{400, "ParameterNotFound", ""};
    if (selector.empty()) return *latest;
    auto number = base::parse_unsigned(selector);
    for (const Parameter& version : store_.versions(name)) {
        if (number && version.version == static_cast<int>(*number)) return version;
        if (std::find(version.labels.begin(), version.labels.end(), selector) !=
            version.labels.end())
            return version;
    }
    throw aws::Error{
        400, "ParameterVersionNotFound",
        fmt::format(
            "Systems Manager could not find version {} of {}. Verify the version and try again.",
            selector, name)};
}

std::optional<std::string> ControlPlane::value(std::string_view name_or_arn) {
    try {
        return find(name_or_arn).value;
    } catch (const aws::Error&) {
        return std::nullopt;
    }
}

}  // namespace ssm

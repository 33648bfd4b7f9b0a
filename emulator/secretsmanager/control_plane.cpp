// Secrets Manager (see control_plane.h): the table, and finding secrets and versions.
#include "secretsmanager/control_plane.h"

#include <fmt/format.h>

#include "aws/arn.h"
#include "base/encoding.h"
#include "base/text.h"
#include "secretsmanager/known_operations.h"

namespace secretsmanager {

const aws::ServiceInfo& ControlPlane::info() const {
    static const aws::ServiceInfo info{.name = "secretsmanager",
                                       .signing_name = "secretsmanager",
                                       .target_prefix = "secretsmanager",
                                       .version = "2017-10-17",
                                       .protocol = aws::Protocol::Json11,
                                       .xml_namespace = "",
                                       .known_operations = kKnownOperations};
    return info;
}

std::optional<aws::Reply> ControlPlane::serve(aws::Call& call) {
    static const aws::OperationTable<ControlPlane> table{secret_operations, value_operations};
    const Operation* operation = table.find(call.operation);
    if (!operation) return std::nullopt;
    return operation->run(*this, call);
}

const std::string& required(const aws::Call& call, std::string_view member) {
    const std::string& value = call.input[member].as_string();
    if (value.empty())
        throw aws::Error{
            400, "ValidationException",
            fmt::format("1 validation error detected: Value null at '{}' failed to satisfy "
                        "constraint: Member must not be null",
                        base::lower(member.substr(0, 1)) + std::string(member.substr(1)))};
    return value;
}

std::string ControlPlane::arn_for(const std::string& name) const {
    if (std::string pinned = ids_.pinned("secret", name, "arn"); !pinned.empty()) return pinned;
    constexpr std::string_view kLettersAndDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    std::string suffix = ids_.derive("secret", name, "suffix", 6, kLettersAndDigits);
    return aws::make_arn("secretsmanager", ids_.region(), ids_.account(),
                         fmt::format("secret:{}-{}", name, suffix));
}

// A scheduled deletion whose day has come is carried out when the secret is next looked for.
Secret ControlPlane::find(std::string_view id) {
    auto secret = store_.find(id);
    if (secret && secret->deletes_at && *secret->deletes_at <= clock_.now()) {
        store_.remove(secret->name);
        secret.reset();
    }
    if (!secret)
        throw aws::Error{400, "ResourceNotFoundException",
                         "Secrets Manager can't find the specified secret."};
    return *secret;
}

Secret ControlPlane::find_active(std::string_view id) {
    Secret secret = find(id);
    if (secret.deletes_at)
        throw aws::Error{
            400, "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion."};
    return secret;
}

const Version& ControlPlane::choose(Secret& secret, std::string_view stage,
                                    std::string_view version) {
    Version* found = version.empty() ? secret.version_of_stage(stage.empty() ? kCurrent : stage)
                                     : secret.version(version);
    if (found && !version.empty() && !stage.empty() && !found->has_stage(stage)) found = nullptr;
    if (!found) {
        std::string what = version.empty()
                               ? fmt::format("staging label: {}", stage.empty() ? kCurrent : stage)
                               : fmt::format("VersionId: {}", version);
        throw aws::Error{400, "ResourceNotFoundException",
                         "Secrets Manager can't find the specified secret value for " + what};
    }
    return *found;
}

std::expected<std::string, std::string> ControlPlane::value(std::string_view id,
                                                            std::string_view stage,
                                                            std::string_view version) {
    try {
        Secret secret = find_active(id);
        const Version& chosen = choose(secret, stage, version);
        if (!chosen.text)
            return std::unexpected("InvalidRequestException: the secret has no SecretString");
        return *chosen.text;
    } catch (const aws::Error& error) {
        return std::unexpected(error.code + ": " + error.message);
    }
}

Version* add_version(Secret& secret, const aws::Call& call, std::vector<std::string> stages) {
    const base::Node& text = call.input["SecretString"];
    const base::Node& binary = call.input["SecretBinary"];
    if (!text.is_string() && !binary.is_string()) return nullptr;
    if (text.is_string() && binary.is_string())
        throw aws::Error{400, "InvalidParameterException",
                         "You can't specify both a binary secret value and a string secret value "
                         "in the same secret."};
    Version version;
    version.id = call.input["ClientRequestToken"].as_string();
    if (version.id.empty()) version.id = base::random_uuid();
    version.created_at = call.now;
    if (text.is_string())
        version.text = text.as_string();
    else
        version.binary = base::from_base64(binary.as_string());
    if (!version.text && !version.binary)
        throw aws::Error{400, "InvalidParameterException", "SecretBinary is not valid base64."};

    // The same token with the same value is a retry, with another value a mistake.
    if (Version* existing = secret.version(version.id)) {
        if (existing->text != version.text || existing->binary != version.binary)
            throw aws::Error{400, "ResourceExistsException",
                             fmt::format("You can't use ClientRequestToken {} because that value "
                                         "is already in use for a version of secret {}.",
                                         version.id, secret.arn)};
        return existing;
    }
    for (const std::string& stage : stages) {
        Version* former = secret.version_of_stage(stage);
        if (!former) continue;
        std::erase(former->stages, stage);
        if (stage != kCurrent) continue;
        if (Version* previous = secret.version_of_stage(kPrevious))
            std::erase(previous->stages, kPrevious);
        former->stages.emplace_back(kPrevious);
    }
    std::erase_if(secret.versions, [](const Version& old) { return old.stages.empty(); });
    version.stages = std::move(stages);
    secret.versions.push_back(std::move(version));
    secret.changed_at = call.now;
    return &secret.versions.back();
}

}  // namespace secretsmanager

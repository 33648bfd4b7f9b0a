// What ECS needs from others.
#include "adapters.h"

#include <fmt/format.h>

#include "aws/access_keys.h"
#include "aws/error.h"
#include "base/log.h"
#include "base/result.h"
#include "containers/placeholder.h"
#include "ecs/environment.h"
#include "elbv2/control_plane.h"
#include "logs/control_plane.h"
#include "s3/control_plane.h"
#include "secretsmanager/control_plane.h"
#include "ssm/control_plane.h"
#include "state/instance.h"

namespace {

constexpr const char* kHostBundle = "/etc/ssl/certs/ca-certificates.crt";
// Where distributions of Linux keep the bundle that OpenSSL, curl and Python read.
constexpr const char* kBundlePaths[] = {"/etc/ssl/certs/ca-certificates.crt",
                                        "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};
constexpr const char* kCaPath = "/etc/ssl/dodam-ca.pem";
constexpr uint64_t kMaxEnvironmentFileBytes = 1 << 20;
constexpr auto kSessionLifetime = std::chrono::hours(6);

// AWS's sentence with its code in front, as tasks report it.
std::string sentence(const aws::Error& error) {
    return fmt::format("{}: {}", error.code, error.message);
}

}  // namespace

// ---- Load balancers ----

std::optional<ecs::TargetGroupFacts> TargetAdapter::describe(const std::string& target_group) {
    auto snapshot = elb_.snapshot().get();
    auto group = snapshot->group(target_group);
    if (!group) return std::nullopt;
    ecs::TargetGroupFacts facts;
    facts.takes_ip_addresses = group->group.target_type == elbv2::TargetType::Ip;
    facts.has_load_balancer = elb_.is_attached(target_group);
    facts.health_path = group->group.health_check.path;
    return facts;
}

void TargetAdapter::register_target(const std::string& target_group, const std::string& address,
                                    int port) {
    elb_.register_targets(target_group, {{address, static_cast<uint16_t>(port)}});
}

void TargetAdapter::deregister_target(const std::string& target_group, const std::string& address,
                                      int port) {
    elb_.deregister_targets(target_group, {{address, static_cast<uint16_t>(port)}});
}

ecs::TargetHealth TargetAdapter::health(const std::string& target_group, const std::string& address,
                                        int port) {
    using State = ecs::TargetHealth::State;
    for (const auto& target : elb_.describe_targets(target_group)) {
        if (target.id != address || target.port != port) continue;
        switch (target.health.state) {
            case elbv2::HealthState::Healthy: return {State::Healthy, ""};
            case elbv2::HealthState::Unhealthy:
                return {State::Unhealthy, target.health.description, target.detail};
            case elbv2::HealthState::Draining: return {State::Draining, target.health.description};
            case elbv2::HealthState::Unused: return {State::Unused, target.health.description};
            default: return {State::Initial, target.health.description};
        }
    }
    return {State::Unused, "not registered"};
}

std::shared_ptr<const base::TargetRecord> TargetAdapter::requests(const std::string& target_group,
                                                                  const std::string& address,
                                                                  int port) {
    return elb_.requests_of(target_group, address, static_cast<uint16_t>(port));
}

// ---- Logs ----

std::expected<void, std::string> LogAdapter::open(const std::string& group,
                                                  const std::string& stream,
                                                  ecs::CreateGroup create) {
    return logs_.open_stream(
        group, stream,
        create == ecs::CreateGroup::Yes ? logs::MissingGroup::Create : logs::MissingGroup::Refuse);
}
void LogAdapter::append(const std::string& group, const std::string& stream, base::Time at,
                        std::string_view line) {
    logs_.append(group, stream, at, line);
}
void LogAdapter::flush() {
    logs_.flush();
}

// ---- Secrets and files ----

std::expected<std::string, std::string> SecretAdapter::parameter(const std::string& name_or_arn) {
    try {
        if (auto value = ssm_.value(name_or_arn)) return *value;
        return std::unexpected(
            fmt::format("ParameterNotFound: there is no parameter {}", name_or_arn));
    } catch (const aws::Error& error) {
        return std::unexpected(sentence(error));
    }
}

std::expected<std::string, std::string> SecretAdapter::secret(const std::string& arn,
                                                              const std::string& stage,
                                                              const std::string& version) {
    return secrets_.value(arn, stage, version);
}

std::expected<std::string, std::string> SecretAdapter::object(const std::string& arn) {
    constexpr std::string_view kPrefix = "arn:aws:s3:::";
    if (!arn.starts_with(kPrefix))
        return std::unexpected(fmt::format("{} is no ARN of an S3 object", arn));
    const std::string path = arn.substr(kPrefix.size());
    const auto slash = path.find('/');
    if (slash == std::string::npos)
        return std::unexpected(fmt::format("{} names a bucket, not an object", arn));
    auto object = s3_.store().latest(path.substr(0, slash), path.substr(slash + 1));
    if (!object || object->is_delete_marker)
        return std::unexpected(fmt::format("NoSuchKey: there is no object {}", arn));
    if (object->size_bytes > kMaxEnvironmentFileBytes)
        return std::unexpected(fmt::format("{} is too large for an environment file", arn));
    std::string text;
    for (const auto& part : s3_.store().parts(object->row)) {
        auto reader = s3_.blobs().open(part.blob);
        if (!reader) return std::unexpected(fmt::format("{} was replaced while it was read", arn));
        std::string bytes(part.size_bytes, '\0');
        bytes.resize(reader->read_at(0, bytes));
        text += bytes;
    }
    return text;
}

// ---- Images ----

oci::ImageSource& StackImages::source_of(const oci::Reference& reference) {
    if (containers::is_placeholder(reference)) return placeholder_;
    return reference.is_ecr() ? registry_ : bases_;
}
std::expected<oci::ManifestBytes, oci::SourceError> StackImages::manifest(
    const oci::Reference& reference) {
    if (const auto fault = reference.is_ecr() ? faults_.active("registry") : std::nullopt) {
        if (fault->kind == faults::Kind::Missing)
            return std::unexpected(oci::SourceError{oci::SourceError::Kind::NotFound,
                                                    reference.short_name() + ": not found"});
        faults_.hold(*fault, fault->delay());
    }
    return source_of(reference).manifest(reference);
}
std::expected<int, oci::SourceError> StackImages::open_blob(const oci::Reference& reference,
                                                            const oci::Digest& digest) {
    return source_of(reference).open_blob(reference, digest);
}

// ---- Identity ----

ecs::TaskCredentials RoleAdapter::assume(const std::string& role_arn, const std::string& session) {
    auto made = keys_.add_session(role_arn, session,
                                  std::chrono::duration_cast<base::seconds>(kSessionLifetime));
    return {made.credentials.access_key, made.credentials.secret_key,
            made.credentials.session_token, made.expires};
}

// ---- Names ----

void NameAdapter::configure(std::vector<taps::Reachable> parts,
                            std::vector<std::pair<std::string, std::string>> environment,
                            std::vector<std::pair<std::string, std::string>> secrets) {
    std::lock_guard lock(mutex_);
    parts_ = std::move(parts);
    environment_ = std::move(environment);
    secrets_ = std::move(secrets);
}

std::expected<std::unique_ptr<ecs::TaskNames::Attachment>, std::string> NameAdapter::attach(
    const std::string& task, containers::TaskNetwork& network) {
    struct Attached final : Attachment {
        std::unique_ptr<taps::TaskServices> services;
    };
    std::vector<taps::Reachable> parts;
    {
        std::lock_guard lock(mutex_);
        if (!ca_) {
            ca_ = std::make_shared<const std::string>(TRY(authority_.ca_pem()));
            bundle_ = std::make_shared<const std::string>(
                state::read_file(kHostBundle).value_or("") + *ca_);
        }
        parts = parts_;
    }
    auto services = taps::TaskServices::open(
        network, task, parts, [](const std::string& who, std::string_view name) {
            base::log_warning(
                "names",
                fmt::format(
                    "task {} asked for {}, which is not part of the stack: it does not exist here "
                    "(\"egress\" in dodam.json opens what the app needs)",
                    who, name));
        });
    if (!services) return std::unexpected(services.error());
    auto attached = std::make_unique<Attached>();
    attached->services = std::move(*services);
    return attached;
}

std::vector<containers::MountedFile> NameAdapter::files() {
    std::lock_guard lock(mutex_);
    std::vector<containers::MountedFile> files;
    if (!ca_) return files;
    for (const char* path : kBundlePaths)
        files.push_back({path, bundle_});
    files.push_back({kCaPath, ca_});
    return files;
}

std::vector<std::pair<std::string, std::string>> NameAdapter::environment() {
    std::lock_guard lock(mutex_);
    auto environment = environment_;
    for (const auto& [variable, value_from] : secrets_) {
        auto value = ecs::secret_value(value_from, source_);
        if (value)
            environment.emplace_back(variable, std::move(*value));
        else
            base::log_warning("names", fmt::format("tasks get no {}: {}", variable, value.error()));
    }
    if (ca_) environment.emplace_back("NODE_EXTRA_CA_CERTS", kCaPath);
    return environment;
}

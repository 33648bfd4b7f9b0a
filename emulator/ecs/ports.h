// Ports: what ECS needs from others, wired in the composition root. Every call may come from the
// reconciler's thread, a worker's or an API call's. Targets and logs are called with ECS's lock
// held and never call back; what may take long (secrets, roles, names) is called without it.
#pragma once
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/request_records.h"
#include "containers/runtime.h"

namespace ecs {

// --- load balancers
// ---------------------------------------------------------------------------------

struct TargetHealth {
    enum class State : uint8_t { Unused, Initial, Healthy, Unhealthy, Draining };
    State state = State::Unused;  // Unused: not registered (any more)
    std::string reason;           // "Health checks failed with these codes: [404]"
    std::string detail = {};      // in plain words: what the probe asked, and what came
};

struct TargetGroupFacts {
    bool takes_ip_addresses = true;  // target type ip
    bool has_load_balancer = false;  // some listener or rule forwards to it
    std::string health_path;         // "/" …, for the placeholder image
};

class TargetRegistrar {
  public:
    virtual ~TargetRegistrar() = default;
    virtual std::optional<TargetGroupFacts> describe(
        const std::string& target_group) = 0;  // nothing: no such group
    virtual void register_target(const std::string& target_group, const std::string& address,
                                 int port) = 0;
    // Starts the deregistration delay; health() says Draining until it is over, then Unused.
    virtual void deregister_target(const std::string& target_group, const std::string& address,
                                   int port) = 0;
    virtual TargetHealth health(const std::string& target_group, const std::string& address,
                                int port) = 0;
    // Its requests and probes, from its registration on; null where nobody counts.
    virtual std::shared_ptr<const base::TargetRecord> requests(const std::string& /*target_group*/,
                                                               const std::string& /*address*/,
                                                               int /*port*/) {
        return nullptr;
    }
};

// --- logs
// -------------------------------------------------------------------------------------------

enum class CreateGroup : uint8_t { No, Yes };

class LogSink {
  public:
    virtual ~LogSink() = default;
    // An error is AWS's sentence with its code in front ("ResourceNotFoundException: …").
    virtual std::expected<void, std::string> open(const std::string& group,
                                                  const std::string& stream,
                                                  CreateGroup create) = 0;
    virtual void append(const std::string& group, const std::string& stream, base::Time at,
                        std::string_view line) = 0;
    virtual void flush() = 0;
};

// --- secrets and files
// ------------------------------------------------------------------------------

class SecretSource {
  public:
    virtual ~SecretSource() = default;
    // Errors as AWS's sentence with its code in front.
    virtual std::expected<std::string, std::string> parameter(const std::string& name_or_arn) = 0;
    virtual std::expected<std::string, std::string> secret(const std::string& arn,
                                                           const std::string& stage,
                                                           const std::string& version) = 0;
    // An S3 object by ARN (environment files).
    virtual std::expected<std::string, std::string> object(const std::string& arn) = 0;
};

// --- identity
// ---------------------------------------------------------------------------------------

struct TaskCredentials {
    std::string access_key, secret_key, session_token;
    base::Time expires_at;
};

class RoleSource {
  public:
    virtual ~RoleSource() = default;
    virtual TaskCredentials assume(const std::string& role_arn, const std::string& session) = 0;
};

// --- names
// ------------------------------------------------------------------------------------------

// What a task finds in its network besides itself: resolver, database, cache, the emulator under
// AWS's names. Attached before any container starts; the attachment ends with the task.
class TaskNames {
  public:
    struct Attachment {
        virtual ~Attachment() = default;
    };
    virtual ~TaskNames() = default;
    virtual std::expected<std::unique_ptr<Attachment>, std::string> attach(
        const std::string& task, containers::TaskNetwork& network) = 0;
    // Files laid over every container's image (certificate bundles) and variables beside them.
    virtual std::vector<containers::MountedFile> files() { return {}; }
    virtual std::vector<std::pair<std::string, std::string>> environment() { return {}; }
};

struct Ports {
    TargetRegistrar& targets;
    LogSink& logs;
    SecretSource& secrets;
    RoleSource& roles;
    TaskNames& names;
    std::function<uint64_t()> edge_hits = {};  // requests that the edge has answered from its cache
};

}  // namespace ecs

// Adapters: what ECS needs from others, carried out by the others. The composition root's own glue:
// a class per port, each a few lines over one service.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ecs/ports.h"
#include "faults/faults.h"
#include "net/tls.h"
#include "oci/source.h"
#include "taps/task_services.h"

namespace aws {
class AccessKeys;
}
namespace elbv2 {
class ControlPlane;
}
namespace logs {
class ControlPlane;
}
namespace s3 {
class ControlPlane;
}
namespace secretsmanager {
class ControlPlane;
}
namespace ssm {
class ControlPlane;
}

class TargetAdapter final : public ecs::TargetRegistrar {
  public:
    explicit TargetAdapter(elbv2::ControlPlane& elb) : elb_(elb) {}
    std::optional<ecs::TargetGroupFacts> describe(const std::string& target_group) override;
    void register_target(const std::string& target_group, const std::string& address,
                         int port) override;
    void deregister_target(const std::string& target_group, const std::string& address,
                           int port) override;
    ecs::TargetHealth health(const std::string& target_group, const std::string& address,
                             int port) override;
    std::shared_ptr<const base::TargetRecord> requests(const std::string& target_group,
                                                       const std::string& address,
                                                       int port) override;

  private:
    elbv2::ControlPlane& elb_;
};

class LogAdapter final : public ecs::LogSink {
  public:
    explicit LogAdapter(logs::ControlPlane& logs) : logs_(logs) {}
    std::expected<void, std::string> open(const std::string& group, const std::string& stream,
                                          ecs::CreateGroup create) override;
    void append(const std::string& group, const std::string& stream, base::Time at,
                std::string_view line) override;
    void flush() override;

  private:
    logs::ControlPlane& logs_;
};

class SecretAdapter final : public ecs::SecretSource {
  public:
    SecretAdapter(ssm::ControlPlane& ssm, secretsmanager::ControlPlane& secrets,
                  s3::ControlPlane& s3)
        : ssm_(ssm), secrets_(secrets), s3_(s3) {}
    std::expected<std::string, std::string> parameter(const std::string& name_or_arn) override;
    std::expected<std::string, std::string> secret(const std::string& arn, const std::string& stage,
                                                   const std::string& version) override;
    std::expected<std::string, std::string> object(const std::string& arn) override;

  private:
    ssm::ControlPlane& ssm_;
    secretsmanager::ControlPlane& secrets_;
    s3::ControlPlane& s3_;
};

// An image by where its name points: the built-in placeholder, our registry, else the base images
// that were made for this machine.
class StackImages final : public oci::ImageSource {
  public:
    StackImages(oci::ImageSource& placeholder, oci::ImageSource& registry, oci::ImageSource& bases,
                const faults::Faults& faults)
        : placeholder_(placeholder), registry_(registry), bases_(bases), faults_(faults) {}
    std::expected<oci::ManifestBytes, oci::SourceError> manifest(
        const oci::Reference& reference) override;
    std::expected<int, oci::SourceError> open_blob(const oci::Reference& reference,
                                                   const oci::Digest& digest) override;

  private:
    oci::ImageSource& source_of(const oci::Reference& reference);
    oci::ImageSource &placeholder_, &registry_, &bases_;
    const faults::Faults& faults_;
};

class RoleAdapter final : public ecs::RoleSource {
  public:
    explicit RoleAdapter(aws::AccessKeys& keys) : keys_(keys) {}
    ecs::TaskCredentials assume(const std::string& role_arn, const std::string& session) override;

  private:
    aws::AccessKeys& keys_;
};

// Resolver, database, cache and AWS names inside each task's network; the instance's CA in its
// files.
class NameAdapter final : public ecs::TaskNames {
  public:
    // `authority` is asked for its certificate when the first task starts: an instance without
    // tasks makes none.
    NameAdapter(net::Authority& authority, ecs::SecretSource& secrets)
        : authority_(authority), source_(secrets) {}
    // Before the first task: what tasks reach; variables under the task definition's own, as values
    // and, as `secrets`, by their `valueFrom` as in a task definition.
    void configure(std::vector<taps::Reachable> parts,
                   std::vector<std::pair<std::string, std::string>> environment,
                   std::vector<std::pair<std::string, std::string>> secrets);

    std::expected<std::unique_ptr<Attachment>, std::string> attach(
        const std::string& task, containers::TaskNetwork& network) override;
    std::vector<containers::MountedFile> files() override;
    std::vector<std::pair<std::string, std::string>> environment() override;

  private:
    net::Authority& authority_;
    ecs::SecretSource& source_;
    std::mutex mutex_;
    std::vector<taps::Reachable> parts_;
    std::shared_ptr<const std::string> bundle_, ca_;  // none until the first task
    std::vector<std::pair<std::string, std::string>> environment_, secrets_;
};

// A Redis that somebody else runs. Ours (compose) is set up as the embedded one is: announced name,
// slots, users, default user. Of theirs only the stack's user is made when it is missing; its
// cluster mode must be what the stack declares, and what it announces must be what tasks know.
#pragma once
#include "backing/cache.h"
#include "backing/served.h"

namespace backing {

class ServedRedis final : public Cache {
  public:
    explicit ServedRedis(Served served) : served_(std::move(served)) {}

    std::expected<void, state::Problem> start(const CacheSpec& spec) override;
    std::expected<void, std::string> reset() override;
    std::expected<void, std::string> save(const std::string& file) override;
    std::expected<void, std::string> load(const std::string& file) override;
    void stop() override {}
    net::Result<net::Socket> connect() override { return served_.connect(); }
    Door door() const override { return served_.door; }
    bool is_running() const override { return served_.answers(); }
    std::string place() const override { return served_.place; }

  private:
    std::expected<void, std::string> set_up(const CacheSpec& spec);
    std::expected<void, std::string> admit(const CacheSpec& spec);

    Served served_;
};

}  // namespace backing

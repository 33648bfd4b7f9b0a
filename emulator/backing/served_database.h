// A MariaDB or MySQL that somebody else runs. Schema and user are made when they are missing,
// init.sql is loaded while the schema has no tables. Ours (compose) is reset by making the schema
// anew; theirs never.
#pragma once
#include "backing/database.h"
#include "backing/served.h"

namespace backing {

class ServedDatabase final : public Database {
  public:
    explicit ServedDatabase(Served served) : served_(std::move(served)) {}

    std::expected<void, state::Problem> start(const DatabaseSpec& spec) override;
    std::expected<void, std::string> reset() override;
    std::expected<void, std::string> save(const std::string& directory) override;
    std::expected<void, std::string> load(const std::string& directory) override;
    std::string position() override { return {}; }
    void stop() override {}
    net::Result<net::Socket> connect() override { return served_.connect(); }
    Door door() const override { return served_.door; }
    bool is_running() const override { return served_.answers(); }
    std::string place() const override { return served_.place; }

  private:
    std::expected<void, state::Problem> fill();
    std::optional<std::string> why_user_is_refused() const;

    Served served_;
    DatabaseSpec spec_;
};

}  // namespace backing

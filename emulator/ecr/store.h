// Repositories, manifests, tags and which layers a repository holds, in SQLite. The layers' bytes
// are in the blob store.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ecr/model.h"
#include "state/database.h"

namespace ecr {

class Store {
  public:
    explicit Store(state::Database& database) : database_(database) {}

    std::optional<Repository> repository(std::string_view name);
    std::vector<Repository> repositories();  // by name
    void save(const Repository& repository);
    void remove_repository(const std::string& name);  // with all its rows

    std::optional<Image> image(std::string_view repository, const oci::Digest& digest);
    std::optional<oci::Digest> digest_of_tag(std::string_view repository, std::string_view tag);
    std::vector<Image> images(std::string_view repository);      // oldest push first
    std::vector<std::string> tags(std::string_view repository);  // all, by name
    std::string manifest(std::string_view repository, const oci::Digest& digest);
    void add_image(const Image& image, std::string_view manifest);
    void set_pulled(const Image& image, base::Time at);
    void set_scanned(std::string_view repository, const oci::Digest& digest, base::Time at);
    std::optional<base::Time> scanned_at(std::string_view repository, const oci::Digest& digest);
    void remove_image(std::string_view repository, const oci::Digest& digest);
    void set_tag(std::string_view repository, std::string_view tag,
                 const oci::Digest& digest);  // moves it
    void remove_tag(std::string_view repository, std::string_view tag);

    void add_layer(std::string_view repository, const oci::Digest& digest, uint64_t size_bytes);
    bool has_layer(std::string_view repository, const oci::Digest& digest);
    void remove_layer(std::string_view repository, const oci::Digest& digest);
    bool any_repository_has_layer(const oci::Digest& digest);
    std::vector<oci::Digest> layers(std::string_view repository);
    std::vector<oci::Digest> all_layers();  // each once

    // A random key, made once, with which authorization tokens are signed.
    std::string token_key();

  private:
    state::Database& database_;
};

}  // namespace ecr

// The built-in placeholder image: what a service without an image runs until the first deploy, so
// that its desired count is true from the start (decision 11). 200 on DODAM_HEALTH_PATH, 503
// "nothing deployed yet" elsewhere, on PORT. Its one layer is dodam-holder itself, so it needs
// neither registry nor base image.
#pragma once
#include <mutex>
#include <string>

#include "oci/layout.h"

namespace containers {

inline constexpr const char* kPlaceholderImage = "dodam/placeholder:latest";
inline constexpr const char* kPlaceholderPortVariable = "PORT";
inline constexpr const char* kPlaceholderHealthVariable = "DODAM_HEALTH_PATH";

// "dodam/placeholder", with or without tag.
bool is_placeholder(const oci::Reference& reference);

// Made on first use in `directory`; same program, same digest.
class PlaceholderSource final : public oci::ImageSource {
  public:
    // `holder` = path of dodam-holder, "" = find_holder().
    explicit PlaceholderSource(std::string directory, std::string holder = "")
        : layout_(std::move(directory)), holder_(std::move(holder)) {}
    std::expected<oci::ManifestBytes, oci::SourceError> manifest(
        const oci::Reference& reference) override;
    std::expected<int, oci::SourceError> open_blob(const oci::Reference& reference,
                                                   const oci::Digest& digest) override;

  private:
    std::expected<void, std::string> make();
    oci::ImageLayout layout_;
    std::string holder_;
    std::mutex mutex_;
    bool made_ = false;
};

}  // namespace containers

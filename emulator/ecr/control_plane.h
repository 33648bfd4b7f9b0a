// ECR: what the JSON API and the registry protocol act on: repositories, images, tags, layers,
// tokens.
#pragma once
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "aws/operation.h"
#include "aws/service.h"
#include "base/clock.h"
#include "base/ids.h"
#include "ecr/blob_store.h"
#include "ecr/kept_blobs.h"
#include "ecr/store.h"

namespace ecr {

// What a pushed manifest is to become.
struct Push {
    std::string repository, manifest, media_type;
    std::string tag;     // "" = by digest only
    oci::Digest digest;  // what the client says it is; empty = it says nothing
};

// Whether a push that changes nothing is an error: PutImage says ImageAlreadyExistsException, the
// registry says 201.
enum class Repeated : uint8_t { Refused, Fine };

enum class TokenState : uint8_t { Valid, Expired, Wrong };

// The query member of a layer's URL that admits without a login (GetDownloadUrlForLayer).
inline constexpr const char* kDownloadToken = "token";

class ControlPlane final : public aws::Service {
  public:
    // `directory` holds the blobs; `endpoint` is host:port by which the registry is reached
    // ("127.0.0.1:4566").
    ControlPlane(state::Database& database, base::Clock& clock, const base::Ids& ids,
                 std::string directory, std::string endpoint);

    const aws::ServiceInfo& info() const override;
    std::optional<aws::Reply> serve(aws::Call& call) override;
    // The port is known only once it is bound.
    void set_endpoint(std::string endpoint);
    std::string endpoint() const;

    Repository repository(std::string_view name);  // throws RepositoryNotFoundException
    std::string arn(std::string_view repository) const;
    std::string uri(std::string_view repository) const;
    const std::string& registry_id() const { return ids_.account(); }

    // Checks and keeps a manifest; moves the tag. Throws aws::Error with the JSON API's codes.
    Image put_image(const Push& push, Repeated repeated);
    // By digest or tag; nothing when there is none.
    std::optional<Image> find_image(std::string_view repository, std::string_view tag_or_digest);
    // Their layers go later: step() sees to it.
    void delete_image(const std::string& repository, const oci::Digest& digest);
    void delete_repository(const std::string& repository);
    // The digests that the indexes among `images` list.
    std::vector<oci::Digest> listed_by_indexes(const std::vector<Image>& images);

    // Whether the repository holds the layer; true is a promise for the length of a push.
    bool has_layer(std::string_view repository, const oci::Digest& digest);
    void add_layer(std::string_view repository, const oci::Digest& digest, uint64_t size_bytes);
    // Its layers stay until the puller has had the time to fetch them.
    void image_is_pulled(const Image& image);
    // One round of what the registry does by itself, when it is due: images that lifecycle policies
    // expire go, then blobs that no image, no push or pull under way and no running task needs.
    // `running` gives the digests of the images that tasks run. Called by one thread.
    void step(base::Time now, const std::function<std::set<std::string>()>& running);
    // An index in the repository that lists the digest.
    std::optional<oci::Digest> index_that_lists(std::string_view repository,
                                                const oci::Digest& digest);
    std::vector<Image> referrers(std::string_view repository, const oci::Digest& subject);

    struct Token {
        std::string password;
        base::Time expires_at;
    };
    Token make_token() const;
    // Whoever has it may read what is at the path, and nothing else.
    Token make_download_token(std::string_view path) const;
    TokenState check_token(std::string_view password, std::string_view path = {}) const;

    Store& store() { return store_; }
    BlobStore& blobs() { return blobs_; }
    base::Clock& clock() { return clock_; }
    // Tags, manifests and layers change together.
    std::recursive_mutex& mutex() { return mutex_; }

  private:
    Token token_for(base::seconds age, std::string_view path) const;
    std::string signature_of(std::string_view expiry, std::string_view path) const;
    std::vector<oci::Digest> blobs_of(std::string_view repository, const Image& image);
    void check_tag(const Repository& repository, const std::string& tag);
    void expire(Repository repository, base::Time now);
    void collect();

    base::Clock& clock_;
    const base::Ids& ids_;
    Store store_;
    BlobStore blobs_;
    KeptBlobs kept_;
    base::Time next_step_;
    std::string token_key_;
    std::recursive_mutex mutex_;
    mutable std::mutex endpoint_mutex_;
    std::string endpoint_;
};

using Operation = aws::Operation<ControlPlane>;
extern const std::span<const Operation> repository_operations;
extern const std::span<const Operation> image_operations;
extern const std::span<const Operation> layer_operations;
extern const std::span<const Operation> policy_operations;

const std::string& required(const aws::Call& call, std::string_view member);
[[noreturn]] void invalid(std::string message);
base::Node to_node(const ControlPlane& ecr, const Repository& repository);

// One page of `count` items: where it starts, where it ends, and the token of the next.
struct Page {
    size_t from = 0, to = 0;
    std::string next;
};
Page page_of(const aws::Call& call, size_t count, size_t fallback);

}  // namespace ecr

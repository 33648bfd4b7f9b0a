// The registry protocol (see registry.h): one function per row of the specification's endpoint
// table.
#include "ecr/registry.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/encoding.h"
#include "base/log.h"
#include "base/text.h"
#include "ecr/limits.h"
#include "http/query.h"
#include "oci/manifest.h"
#include "oci/reference.h"

namespace ecr {
namespace {

// An answer in the registry's error shape.
struct Refusal {
    int status;
    std::string code, message;
    http::HeaderList headers = {};
};

net::Deadline transfer_deadline() {
    return net::Deadline::after(kTransferWait);
}

std::string query_value(const http::RequestHead& request, std::string_view name) {
    for (const http::FormField& field : http::parse_form(request.query()))
        if (field.name == name) return field.value;
    return {};
}

// The control plane's codes in the registry's vocabulary.
Refusal refusal_of(const aws::Error& error) {
    struct Row {
        std::string_view from;
        int status;
        const char* to;
    };
    // overhangio/tutor#1118: an index of what is no image in the repository (a build cache) is a
    // 400.
    constexpr Row kRows[] = {{"RepositoryNotFoundException", 404, "NAME_UNKNOWN"},
                             {"ImageTagAlreadyExistsException", 400, "TAG_INVALID"},
                             {"LayersNotFoundException", 404, "MANIFEST_BLOB_UNKNOWN"},
                             {"ReferencedImagesNotFoundException", 400, "MANIFEST_BLOB_UNKNOWN"},
                             {"ImageDigestDoesNotMatchException", 400, "DIGEST_INVALID"},
                             {"InvalidParameterException", 400, "MANIFEST_INVALID"}};
    for (const Row& row : kRows)
        if (row.from == error.code) return {row.status, row.to, error.message};
    return {500, "UNKNOWN", error.message};
}

Refusal refusal_of(const BlobError& error) {
    if (error.kind == BlobError::Kind::DigestMismatch)
        return {400, "DIGEST_INVALID",
                "The provided digest did not match the uploaded content: " + error.text};
    base::log_error("ecr", error.text);
    return {500, "UNKNOWN", error.text};
}

// One request: what every endpoint needs at hand.
class Visit {
  public:
    Visit(ControlPlane& ecr, http::Exchange& exchange)
        : ecr_(ecr),
          exchange_(exchange),
          request_(exchange.request()),
          path_(parse_registry_path(request_.path())) {}

    // Throws Refusal and aws::Error.
    void serve() {
        using Kind = RegistryPath::Kind;
        if (!authenticate()) return;
        if (path_.kind == Kind::None)
            throw Refusal{404, "UNSUPPORTED", "The path is not one of the registry API"};
        if (!path_.repository.empty()) ecr_.repository(path_.repository);
        const std::string& method = request_.method;
        bool reads = method == "GET" || method == "HEAD";
        switch (path_.kind) {
            case Kind::Root:
                if (reads) return respond(200, {}, "{}");
                break;
            case Kind::Catalog:
                if (reads) return catalog();
                break;
            case Kind::Tags:
                if (reads) return tags();
                break;
            case Kind::Referrers:
                if (reads) return referrers();
                break;
            case Kind::Blob:
                if (reads) return get_blob();
                break;
            case Kind::Uploads:
                if (method == "POST") return start_upload();
                break;
            case Kind::Upload:
                if (method == "PATCH") return patch_upload();
                if (method == "PUT") return put_upload();
                if (method == "GET") return upload_status();
                if (method == "DELETE") return cancel_upload();
                break;
            case Kind::Manifest:
                if (reads) return get_manifest();
                if (method == "PUT") return put_manifest();
                break;
            case Kind::None: break;
        }
        // Deleting is BatchDeleteImage's, as in ECR.
        throw Refusal{405, "UNSUPPORTED", "The operation is unsupported"};
    }

    void refuse(const Refusal& refusal) {
        base::Node error =
            base::Node::object({{"code", refusal.code}, {"message", refusal.message}});
        respond(
            refusal.status, refusal.headers,
            base::to_json(base::Node::object({{"errors", base::Node::array({std::move(error)})}})));
    }

  private:
    void respond(int status, http::HeaderList headers, std::string_view body,
                 std::string_view type = "application/json; charset=utf-8") {
        http::ResponseHead head;
        head.status = status;
        head.headers = std::move(headers);
        head.headers.add("Docker-Distribution-Api-Version", "registry/2.0");
        if (!body.empty() && !head.headers.has("Content-Type"))
            head.headers.add("Content-Type", type);
        (void)exchange_.respond(head, body);
    }

    // A URL of GetDownloadUrlForLayer, as ECR's, needs no login.
    bool is_signed_download() {
        if (path_.kind != RegistryPath::Kind::Blob ||
            (request_.method != "GET" && request_.method != "HEAD"))
            return false;
        const std::string token = query_value(request_, kDownloadToken);
        return !token.empty() && ecr_.check_token(token, request_.path()) == TokenState::Valid;
    }

    // Basic only, user AWS. Captured: 401 is a text of 15 bytes, an expired token 403.
    bool authenticate() {
        std::string_view given = request_.headers.get("Authorization");
        TokenState state = TokenState::Wrong;
        if (given.size() > 6 && base::equals_ignoring_case(given.substr(0, 6), "Basic ")) {
            std::string decoded = base::from_base64(base::trim(given.substr(6))).value_or("");
            auto [user, password] = base::cut(decoded, ':');
            if (user == "AWS") state = ecr_.check_token(password);
        }
        if (state == TokenState::Valid || is_signed_download()) return true;
        if (state == TokenState::Expired) {
            refuse({403, "DENIED",
                    "Your authorization token has expired. Reauthenticate and try again."});
            return false;
        }
        http::HeaderList headers{
            {"Www-Authenticate",
             fmt::format("Basic realm=\"http://{}/\",service=\"ecr.amazonaws.com\"",
                         request_.headers.get("Host"))}};
        respond(401, std::move(headers), "Not Authorized\n", "text/plain; charset=utf-8");
        return false;
    }

    // --- listing
    // -----------------------------------------------------------------------------------

    size_t page_size() {
        std::string given = query_value(request_, "n");
        if (given.empty()) return 100;
        auto n = base::parse_unsigned(given);
        if (!n || *n == 0 || *n > 1000)
            throw Refusal{400, "UNSUPPORTED",
                          "Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member "
                          "must have value less than or equal to 1000'"};
        return *n;
    }

    // Names after `last`, one page of them, and a Link to the next.
    base::Node page_of(const std::vector<std::string>& names, const std::string& path,
                       http::HeaderList& headers) {
        size_t limit = page_size();
        std::string last = query_value(request_, "last");
        base::Node list = base::Node::array();
        for (const std::string& name : names) {
            if (!last.empty() && name <= last) continue;
            if (list.size() == limit) {
                headers.add(
                    "Link",
                    fmt::format("<{}?last={}&n={}>; rel=\"next\"", path,
                                base::percent_encode(list.items().back().as_string()), limit));
                break;
            }
            list.push_back(name);
        }
        return list;
    }

    void catalog() {
        std::vector<std::string> names;
        for (const Repository& repository : ecr_.store().repositories())
            names.push_back(repository.name);
        http::HeaderList headers;
        base::Node list = page_of(names, "/v2/_catalog", headers);
        respond(200, std::move(headers),
                base::to_json(base::Node::object({{"repositories", std::move(list)}})));
    }

    void tags() {
        http::HeaderList headers;
        base::Node list = page_of(ecr_.store().tags(path_.repository),
                                  "/v2/" + path_.repository + "/tags/list", headers);
        respond(200, std::move(headers),
                base::to_json(
                    base::Node::object({{"name", path_.repository}, {"tags", std::move(list)}})),
                "text/plain; charset=utf-8");
    }

    void referrers() {
        auto subject = oci::Digest::parse(path_.reference);
        if (!subject) throw Refusal{400, "DIGEST_INVALID", "The reference is not a digest"};
        std::string wanted = query_value(request_, "artifactType");
        base::Node list = base::Node::array();
        for (const Image& image : ecr_.referrers(path_.repository, *subject)) {
            if (!wanted.empty() && image.artifact_type != wanted) continue;
            std::string manifest = ecr_.store().manifest(path_.repository, image.digest);
            base::Node node = base::Node::object({{"mediaType", image.media_type},
                                                  {"digest", image.digest.to_string()},
                                                  {"size", static_cast<int64_t>(manifest.size())}});
            if (!image.artifact_type.empty()) node.set("artifactType", image.artifact_type);
            if (auto parsed = base::parse_json(manifest); parsed && parsed->find("annotations"))
                node.set("annotations", (*parsed)["annotations"]);
            list.push_back(std::move(node));
        }
        http::HeaderList headers{{"Content-Type", std::string(oci::kIndexType)}};
        if (!wanted.empty()) headers.add("OCI-Filters-Applied", "artifactType");
        respond(200, std::move(headers),
                base::to_json(base::Node::object({{"schemaVersion", 2},
                                                  {"mediaType", std::string(oci::kIndexType)},
                                                  {"manifests", std::move(list)}})));
    }

    // --- blobs
    // -------------------------------------------------------------------------------------

    oci::Digest digest_in(const std::string& text) {
        auto digest = oci::Digest::parse(text);
        if (!digest) throw Refusal{400, "DIGEST_INVALID", "The provided digest is not valid"};
        return *digest;
    }

    // GAP: ECR answers 307 to object storage; here the bytes come at once.
    void get_blob() {
        oci::Digest digest = digest_in(path_.reference);
        auto size = ecr_.has_layer(path_.repository, digest) ? ecr_.blobs().size_bytes(digest)
                                                             : std::nullopt;
        if (!size) throw Refusal{404, "BLOB_UNKNOWN", "The specified blob does not exist"};
        http::ResponseHead head;
        head.headers = {{"Content-Type", "application/octet-stream"},
                        {"Docker-Content-Digest", digest.to_string()},
                        {"Docker-Distribution-Api-Version", "registry/2.0"},
                        {"Accept-Ranges", "bytes"}};
        uint64_t first = 0, last = *size == 0 ? 0 : *size - 1;
        if (auto range = parse_byte_range(request_.headers.get("Range"))) {
            if (range->first >= *size)
                throw Refusal{416,
                              "UNSUPPORTED",
                              "The range is not satisfiable",
                              {{"Content-Range", fmt::format("bytes */{}", *size)}}};
            first = range->first;
            last = std::min(last, range->last.value_or(last));
            head.status = 206;
            head.headers.add("Content-Range", fmt::format("bytes {}-{}/{}", first, last, *size));
        }
        uint64_t length = *size == 0 ? 0 : last - first + 1;
        head.headers.add("Content-Length", std::to_string(length));
        int descriptor = ecr_.blobs().open(digest);
        if (descriptor < 0) throw Refusal{404, "BLOB_UNKNOWN", "The specified blob does not exist"};
        send_file(head, descriptor, first, request_.method == "HEAD" ? 0 : length);
        ::close(descriptor);
    }

    void send_file(const http::ResponseHead& head, int descriptor, uint64_t offset, uint64_t left) {
        auto writer = exchange_.respond_streaming(head);
        if (!writer) return;
        std::vector<char> buffer(std::min<uint64_t>(kTransferBytes, std::max<uint64_t>(left, 1)));
        while (left > 0) {
            ssize_t got =
                ::pread(descriptor, buffer.data(), std::min<uint64_t>(buffer.size(), left),
                        static_cast<off_t>(offset));
            if (got <= 0) return exchange_.abort();
            if (!(*writer)->write({buffer.data(), static_cast<size_t>(got)}, transfer_deadline()))
                return;
            offset += static_cast<uint64_t>(got);
            left -= static_cast<uint64_t>(got);
        }
        (void)(*writer)->finish(transfer_deadline());
    }

    std::string location(const Upload& upload) const {
        return fmt::format("/v2/{}/blobs/uploads/{}", path_.repository, upload.id());
    }
    static std::string received(const Upload& upload) {
        return fmt::format("0-{}", upload.size_bytes() == 0 ? 0 : upload.size_bytes() - 1);
    }

    void respond_upload(int status, const Upload& upload) {
        respond(status,
                {{"Location", location(upload)},
                 {"Range", received(upload)},
                 {"Docker-Upload-UUID", upload.id()},
                 {"Content-Length", "0"}},
                "");
    }

    void respond_created(const oci::Digest& digest) {
        respond(201,
                {{"Location", fmt::format("/v2/{}/blobs/{}", path_.repository, digest.to_string())},
                 {"Docker-Content-Digest", digest.to_string()},
                 {"Content-Length", "0"}},
                "");
    }

    // Cross-repository mount: the layer is the same file, so only the row is new.
    bool mount() {
        std::string wanted = query_value(request_, "mount"), from = query_value(request_, "from");
        auto digest = oci::Digest::parse(wanted);
        if (!digest) return false;
        std::lock_guard lock(ecr_.mutex());
        bool readable = from.empty() ? ecr_.store().any_repository_has_layer(*digest)
                                     : ecr_.has_layer(from, *digest);
        auto size = ecr_.blobs().size_bytes(*digest);
        if (!readable || !size) return false;
        ecr_.add_layer(path_.repository, *digest, *size);
        respond_created(*digest);
        return true;
    }

    void start_upload() {
        if (!query_value(request_, "mount").empty() && mount()) return;
        auto upload = ecr_.blobs().start(path_.repository);
        if (!upload) throw refusal_of(upload.error());
        std::string digest = query_value(request_, "digest");
        if (digest.empty()) return respond_upload(202, **upload);
        finish(**upload, digest_in(digest));
    }

    std::shared_ptr<Upload> upload() {
        auto found = ecr_.blobs().find(path_.reference, path_.repository);
        if (!found) throw Refusal{404, "BLOB_UPLOAD_UNKNOWN", "The upload does not exist"};
        return found;
    }

    // A chunk must start where the last one ended.
    void check_range(const Upload& upload) {
        std::string_view given = request_.headers.get("Content-Range");
        if (given.empty()) return;
        auto range = parse_byte_range(given);
        if (!range || range->first != upload.size_bytes())
            throw Refusal{416,
                          "BLOB_UPLOAD_INVALID",
                          "The chunk does not follow the last one",
                          {{"Location", location(upload)}, {"Range", received(upload)}}};
    }

    void receive(Upload& upload) {
        std::vector<char> buffer(kTransferBytes);
        while (true) {
            auto got = exchange_.body().read(buffer, transfer_deadline());
            if (!got)
                throw Refusal{400, "BLOB_UPLOAD_INVALID",
                              "The upload was interrupted: " + got.error().text};
            if (*got == 0) return;
            if (auto written = upload.append({buffer.data(), *got}); !written) {
                ecr_.blobs().cancel(upload.id());
                throw refusal_of(written.error());
            }
        }
    }

    void patch_upload() {
        auto found = upload();
        std::lock_guard lock(found->mutex());
        check_range(*found);
        receive(*found);
        respond_upload(202, *found);
    }

    void put_upload() {
        auto found = upload();
        std::lock_guard lock(found->mutex());
        oci::Digest digest = digest_in(query_value(request_, "digest"));
        check_range(*found);
        finish(*found, digest);
    }

    void finish(Upload& upload, const oci::Digest& digest) {
        receive(upload);
        uint64_t size = upload.size_bytes();
        std::lock_guard lock(ecr_.mutex());
        auto finished = ecr_.blobs().finish(upload, digest);
        if (!finished) throw refusal_of(finished.error());
        ecr_.repository(path_.repository);  // it may have been deleted meanwhile
        ecr_.add_layer(path_.repository, digest, size);
        respond_created(digest);
    }

    void upload_status() {
        auto found = upload();
        std::lock_guard lock(found->mutex());
        respond(204,
                {{"Location", location(*found)},
                 {"Range", received(*found)},
                 {"Docker-Upload-UUID", found->id()}},
                "");
    }

    void cancel_upload() {
        ecr_.blobs().cancel(upload()->id());
        respond(204, {}, "");
    }

    // --- manifests
    // ---------------------------------------------------------------------------------

    void check_reference() {
        if (!oci::Digest::parse(path_.reference) && !oci::is_tag(path_.reference))
            throw Refusal{400, "TAG_INVALID",
                          fmt::format("Invalid parameter at 'imageTag' failed to satisfy "
                                      "constraint: '{}' is neither a tag nor a digest",
                                      path_.reference)};
    }

    void get_manifest() {
        check_reference();
        std::unique_lock lock(ecr_.mutex());
        auto image = ecr_.find_image(path_.repository, path_.reference);
        if (!image) throw Refusal{404, "MANIFEST_UNKNOWN", "Requested image not found"};
        std::string bytes = ecr_.store().manifest(path_.repository, image->digest);
        if (request_.method == "GET") ecr_.image_is_pulled(*image);
        lock.unlock();
        respond(200,
                {{"Content-Type", image->media_type},
                 {"Docker-Content-Digest", image->digest.to_string()}},
                bytes);
    }

    void put_manifest() {
        check_reference();
        auto body = http::read_all(exchange_.body(), kMaxManifestBytes, transfer_deadline());
        if (!body && body.error().kind == http::Error::Kind::TooLarge)
            throw Refusal{400, "MANIFEST_INVALID", "A manifest has at most 4 MiB"};
        if (!body)
            throw Refusal{400, "MANIFEST_INVALID",
                          "The manifest was not received: " + body.error().text};
        Push push;
        push.repository = path_.repository;
        push.manifest = std::move(*body);
        push.media_type = base::trim(base::cut(request_.headers.get("Content-Type"), ';').first);
        if (auto digest = oci::Digest::parse(path_.reference))
            push.digest = *digest;
        else
            push.tag = path_.reference;
        Image image = ecr_.put_image(push, Repeated::Fine);
        http::HeaderList headers{{"Docker-Content-Digest", image.digest.to_string()},
                                 {"Content-Length", "0"},
                                 {"Location", fmt::format("/v2/{}/manifests/{}", path_.repository,
                                                          image.digest.to_string())}};
        if (!image.subject.empty()) headers.add("OCI-Subject", image.subject.to_string());
        respond(201, std::move(headers), "");
    }

    ControlPlane& ecr_;
    http::Exchange& exchange_;
    http::RequestHead& request_;
    RegistryPath path_;
};

}  // namespace

// Repository names have slashes, so a path is read from its end.
RegistryPath parse_registry_path(std::string_view raw) {
    using Kind = RegistryPath::Kind;
    std::string decoded = base::percent_decode(raw);
    std::string_view path = decoded;
    RegistryPath result;
    if (path == "/v2" || path == "/v2/") return {Kind::Root, {}, {}};
    if (!path.starts_with("/v2/")) return result;
    path.remove_prefix(4);
    if (path == "_catalog") return {Kind::Catalog, {}, {}};
    if (path.ends_with("/tags/list")) {
        result = {Kind::Tags, std::string(path.substr(0, path.size() - 10)), {}};
    } else {
        struct Form {
            std::string_view infix;
            Kind kind;
        };
        for (const Form& form :
             {Form{"/blobs/uploads", Kind::Upload}, Form{"/blobs/", Kind::Blob},
              Form{"/manifests/", Kind::Manifest}, Form{"/referrers/", Kind::Referrers}}) {
            size_t at = path.rfind(form.infix);
            if (at == std::string_view::npos) continue;
            std::string_view reference = path.substr(at + form.infix.size());
            Kind kind = form.kind;
            if (kind == Kind::Upload) {
                if (!reference.empty() && !reference.starts_with('/')) continue;
                if (!reference.empty()) reference.remove_prefix(1);
                if (reference.empty()) kind = Kind::Uploads;
            }
            if (reference.find('/') != std::string_view::npos ||
                (reference.empty() && kind != Kind::Uploads))
                continue;
            result = {kind, std::string(path.substr(0, at)), std::string(reference)};
            break;
        }
    }
    if (!oci::is_repository_name(result.repository)) return {};
    return result;
}

std::optional<ByteRange> parse_byte_range(std::string_view text) {
    if (text.starts_with("bytes=") || text.starts_with("bytes ")) text.remove_prefix(6);
    auto [first, last] = base::cut(base::cut(text, '/').first, '-');
    auto from = base::parse_unsigned(first);
    if (!from || text.find('-') == std::string_view::npos) return std::nullopt;
    ByteRange range{*from, std::nullopt};
    if (last.empty()) return range;
    range.last = base::parse_unsigned(last);
    if (!range.last || *range.last < range.first) return std::nullopt;
    return range;
}

void Registry::handle(http::Exchange& exchange) {
    Visit visit(ecr_, exchange);
    try {
        visit.serve();
    } catch (const Refusal& refusal) {
        visit.refuse(refusal);
    } catch (const aws::Error& error) {
        visit.refuse(refusal_of(error));
    } catch (const state::DatabaseError& error) {
        base::log_error("ecr", error.what());
        visit.refuse({500, "UNKNOWN", error.what()});
    }
}

}  // namespace ecr

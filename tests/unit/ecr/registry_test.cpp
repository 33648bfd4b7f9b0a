// ecs-ecr.md §17, §18, §27 #63 to #80: the registry protocol and the JSON API over one store.
#include "ecr/registry.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/date.h"
#include "base/encoding.h"
#include "ecr/image_source.h"
#include "support/operation.h"
#include "support/recorded_exchange.h"
#include "support/temporary_directory.h"

using base::Node;

namespace {

constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kIndexType = "application/vnd.oci.image.index.v1+json";

struct Answer {
    int status;
    http::HeaderList headers;
    std::string body;
    std::string code() const {
        return base::parse_json(body).value_or(Node())["errors"].size()
                   ? base::parse_json(body).value()["errors"].items()[0]["code"].as_string()
                   : "";
    }
};

struct Fixture {
    support::TemporaryDirectory directory;
    std::unique_ptr<state::Database> database = state::Database::open(":memory:").value();
    base::ManualClock clock;
    base::Ids ids{"000000000000", "us-east-1"};
    ecr::ControlPlane ecr{*database, clock, ids, directory.path() + "/ecr", "127.0.0.1:4566"};
    std::string password = ecr.make_token().password;

    Fixture() { call("CreateRepository", R"({"repositoryName":"web"})"); }

    Node call(std::string operation, const std::string& input) {
        return support::call(ecr, clock.now(), std::move(operation), input);
    }
    std::string error(std::string operation, const std::string& input) {
        return support::refusal_of([&] { call(std::move(operation), input); }).to_string();
    }
    Answer ask(const std::string& method, const std::string& target, std::string body = {},
               http::HeaderList headers = {}, bool authenticated = true) {
        http::RequestHead head;
        head.method = method;
        head.target = target;
        head.headers = std::move(headers);
        head.headers.add("Host", "127.0.0.1:4566");
        if (authenticated)
            head.headers.add("Authorization", "Basic " + base::to_base64("AWS:" + password));
        support::RecordedExchange exchange(std::move(head), std::move(body));
        ecr::Registry(ecr).handle(exchange);
        return {exchange.response.status, exchange.response.headers, exchange.response_body};
    }
    static std::string digest(const std::string& bytes) {
        return oci::Digest::of(bytes).to_string();
    }
    // In one request (#70); its digest.
    std::string push_blob(const std::string& bytes, const std::string& repository = "web") {
        CHECK(ask("POST", "/v2/" + repository + "/blobs/uploads/?digest=" + digest(bytes), bytes)
                  .status == 201);
        return digest(bytes);
    }
    static std::string manifest_of(const std::string& config, const std::string& layer) {
        return R"({"schemaVersion":2,"mediaType":")" + std::string(kManifestType) +
               R"(","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":")" +
               digest(config) + R"(","size":)" + std::to_string(config.size()) +
               R"(},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":")" +
               digest(layer) + R"(","size":)" + std::to_string(layer.size()) + "}]}";
    }
    Answer put_manifest(const std::string& reference, const std::string& manifest,
                        const std::string& type = kManifestType,
                        const std::string& repository = "web") {
        return ask("PUT", "/v2/" + repository + "/manifests/" + reference, manifest,
                   {{"Content-Type", type}});
    }
    // A whole image; its digest.
    std::string push(const std::string& tag, const std::string& layer,
                     const std::string& repository = "web") {
        push_blob("{}", repository);
        push_blob(layer, repository);
        CHECK(put_manifest(tag, manifest_of("{}", layer), kManifestType, repository).status == 201);
        return digest(manifest_of("{}", layer));
    }
    // The registry's own work, an hour after the last push and with what tasks run.
    void keep_house(std::set<std::string> running = {}) {
        ecr.step(clock.now(), [&] { return running; });
        clock.advance(std::chrono::hours(1));
        ecr.step(clock.now(), [&] { return running; });
    }
    bool has(const std::string& blob) { return ecr.blobs().has(oci::Digest::of(blob)); }
    std::string tags_of(const std::string& wanted) {
        Node images = call("DescribeImages", R"({"repositoryName":"web"})")["imageDetails"];
        for (const Node& image : images.items())
            if (image["imageDigest"].as_string() == wanted)
                return base::to_json(image["imageTags"]);
        return "gone";
    }
};

}  // namespace

TEST_CASE("paths of the registry are read from their end") {
    using Kind = ecr::RegistryPath::Kind;
    struct Row {
        const char* path;
        Kind kind;
        const char *repository, *reference;
    };
    const std::string hex(64, 'a');
    for (const Row& row :
         {Row{"/v2/", Kind::Root, "", ""}, Row{"/v2", Kind::Root, "", ""},
          Row{"/v2/_catalog", Kind::Catalog, "", ""},
          Row{"/v2/a/b/tags/list", Kind::Tags, "a/b", ""},
          Row{"/v2/a/blobs/uploads/", Kind::Uploads, "a", ""},
          Row{"/v2/a/blobs/uploads", Kind::Uploads, "a", ""},
          Row{"/v2/a/blobs/uploads/id", Kind::Upload, "a", "id"},
          Row{"/v2/a/b/c/manifests/v1", Kind::Manifest, "a/b/c", "v1"},
          Row{"/v2/a/manifests/sha256%3Aff", Kind::Manifest, "a", "sha256:ff"},
          Row{"/v2/a/blobs/sha256:ff", Kind::Blob, "a", "sha256:ff"},
          Row{"/v2/a/referrers/sha256:ff", Kind::Referrers, "a", "sha256:ff"},
          Row{"/v2/../../etc/manifests/x", Kind::None, "", ""},
          Row{"/v2/A/manifests/x", Kind::None, "", ""}, Row{"/v2/a/manifests/", Kind::None, "", ""},
          Row{"/v2/manifests/x", Kind::None, "", ""}, Row{"/v3/", Kind::None, "", ""}}) {
        CAPTURE(row.path);
        auto path = ecr::parse_registry_path(row.path);
        CHECK(path.kind == row.kind);
        CHECK(path.repository == row.repository);
        CHECK(path.reference == row.reference);
    }
    CHECK(ecr::parse_byte_range("bytes=5-9")->first == 5);
    CHECK(ecr::parse_byte_range("0-1048575")->last == 1048575);
    CHECK_FALSE(ecr::parse_byte_range("9-5"));
    CHECK_FALSE(ecr::parse_byte_range("x"));
}

TEST_CASE("who may come in") {
    Fixture f;
    Answer none = f.ask("GET", "/v2/", "", {}, false);  // #65
    CHECK(none.status == 401);
    CHECK(none.body == "Not Authorized\n");
    CHECK(none.body.size() == 15);
    CHECK(none.headers.get("Www-Authenticate").starts_with("Basic realm="));
    CHECK(f.ask("GET", "/v2/").status == 200);
    Node data = f.call("GetAuthorizationToken", "{}")["authorizationData"].items()[0];
    std::string token = base::from_base64(data["authorizationToken"].as_string()).value();  // #64
    CHECK(token.starts_with("AWS:"));
    CHECK(token.find(':', 4) == std::string::npos);
    CHECK(token.find(':', 4) == std::string::npos);
    CHECK(data["proxyEndpoint"].as_string() == "http://127.0.0.1:4566");
    f.clock.advance(std::chrono::hours(13));
    Answer expired = f.ask("GET", "/v2/");  // #66
    CHECK(expired.status == 403);
    CHECK(expired.code() == "DENIED");
    f.password = "wrong";
    CHECK(f.ask("GET", "/v2/").status == 401);
}

TEST_CASE("a layer's URL needs no login, opens nothing else, and ends") {
    Fixture f;
    f.push("v1", "layer bytes");
    const std::string url = f.call("GetDownloadUrlForLayer",
                                   R"({"repositoryName":"web","layerDigest":")" +
                                       Fixture::digest("layer bytes") + R"("})")["downloadUrl"]
                                .as_string();
    const std::string target = url.substr(url.find("/v2/"));
    const std::string token = target.substr(target.find('?'));
    CHECK(f.ask("GET", target, "", {}, false).body == "layer bytes");
    CHECK(f.ask("GET", "/v2/web/tags/list" + token, "", {}, false).status == 401);
    CHECK(f.ask("GET", "/v2/web/blobs/" + Fixture::digest("{}") + token, "", {}, false).status ==
          401);
    CHECK(f.ask("GET", "/v2/", "",
                {{"Authorization", "Basic " + base::to_base64("AWS:" + token.substr(7))}}, false)
              .status == 401);
    f.clock.advance(std::chrono::hours(2));
    CHECK(f.ask("GET", target, "", {}, false).status == 401);
}

TEST_CASE("push and pull: what is stored is what was sent") {
    Fixture f;
    CHECK(f.call("DescribeRepositories", "{}")["repositories"]
              .items()[0]["repositoryUri"]
              .as_string() == "127.0.0.1:4566/web");  // #63
    std::string digest = f.push("v1", "layer bytes");
    Answer head = f.ask("HEAD", "/v2/web/manifests/v1");
    CHECK(head.headers.get("Docker-Content-Digest") == digest);  // #68
    Answer got = f.ask("GET", "/v2/web/manifests/" + digest);
    CHECK(Fixture::digest(got.body) == digest);
    CHECK(got.headers.get("Content-Type") == kManifestType);
    Answer blob = f.ask("GET", "/v2/web/blobs/" + Fixture::digest("layer bytes"));
    CHECK(blob.body == "layer bytes");
    Answer part = f.ask("GET", "/v2/web/blobs/" + Fixture::digest("layer bytes"), "",
                        {{"Range", "bytes=6-8"}});
    CHECK(part.status == 206);
    CHECK(part.body == "byt");
    CHECK(part.headers.get("Content-Range") == "bytes 6-8/11");
    CHECK(f.ask("GET", "/v2/web/manifests/none").code() == "MANIFEST_UNKNOWN");
    CHECK(f.ask("GET", "/v2/web/manifests/a+b").status == 400);
    Answer nowhere = f.put_manifest("v1", "{}", kManifestType, "ghost");  // #67
    CHECK(nowhere.status == 404);
    CHECK(nowhere.code() == "NAME_UNKNOWN");
    CHECK(nowhere.body.find("The repository with name 'ghost' does not exist in the registry with "
                            "id '000000000000'") != std::string::npos);
}

TEST_CASE("uploads in chunks, in one piece, mounted, wrong") {
    Fixture f;
    Answer start = f.ask("POST", "/v2/web/blobs/uploads/");
    CHECK(start.status == 202);
    std::string at(start.headers.get("Location"));
    CHECK(f.ask("PATCH", at, "abc", {{"Content-Range", "0-2"}}).status == 202);  // #69
    Answer gap = f.ask("PATCH", at, "xyz", {{"Content-Range", "5-7"}});
    CHECK(gap.status == 416);
    CHECK(gap.headers.get("Range") == "0-2");
    CHECK(f.ask("PATCH", at, "def").headers.get("Range") == "0-5");
    CHECK(f.ask("GET", at).status == 204);
    Answer done = f.ask("PUT", at + "?digest=" + Fixture::digest("abcdefghi"), "ghi");
    CHECK(done.status == 201);
    CHECK(done.headers.get("Docker-Content-Digest") == Fixture::digest("abcdefghi"));
    CHECK(f.ask("PUT", at + "?digest=" + Fixture::digest("abcdefghi")).code() ==
          "BLOB_UPLOAD_UNKNOWN");

    Answer wrong =
        f.ask("POST", "/v2/web/blobs/uploads/?digest=" + Fixture::digest("one"), "two");  // #72
    CHECK(wrong.status == 400);
    CHECK(wrong.code() == "DIGEST_INVALID");
    CHECK_FALSE(f.ecr.blobs().has(oci::Digest::of("two")));
    CHECK(f.ecr.blobs().uploads() == 0);
    CHECK(f.ask("POST", "/v2/web/blobs/uploads/?digest=../../etc/passwd", "x").code() ==
          "DIGEST_INVALID");

    f.call("CreateRepository", R"({"repositoryName":"other/one"})");
    CHECK(f.ask("HEAD", "/v2/other/one/blobs/" + Fixture::digest("abcdefghi")).status ==
          404);  // layers are per repository
    CHECK(
        f.ask("POST", "/v2/other/one/blobs/uploads/?from=web&mount=" + Fixture::digest("abcdefghi"))
            .status == 201);  // #71
    CHECK(f.ask("HEAD", "/v2/other/one/blobs/" + Fixture::digest("abcdefghi")).status == 200);
    CHECK(f.ask("POST", "/v2/other/one/blobs/uploads/?from=web&mount=" + Fixture::digest("unknown"))
              .status == 202);
}

TEST_CASE("a manifest is checked before it is kept") {
    Fixture f;
    f.push_blob("{}");
    CHECK(f.put_manifest("v1", "not JSON").code() == "MANIFEST_INVALID");
    CHECK(f.put_manifest("v1", R"({"schemaVersion":1})").code() == "MANIFEST_INVALID");
    CHECK(f.put_manifest("v1", Fixture::manifest_of("{}", "missing")).code() ==
          "MANIFEST_BLOB_UNKNOWN");
    f.push_blob("here");
    CHECK(f.put_manifest("sha256:" + std::string(64, '0'), Fixture::manifest_of("{}", "here"))
              .code() == "DIGEST_INVALID");
    CHECK(f.put_manifest("v1", Fixture::manifest_of("{}", "here"), kIndexType).code() ==
          "MANIFEST_INVALID");
    CHECK(f.put_manifest("v1", std::string(5 << 20, ' ')).status == 400);
    CHECK(f.put_manifest("v1", Fixture::manifest_of("{}", "here")).status == 201);
}

TEST_CASE("latest moves, and what it left is untagged") {
    Fixture f;
    std::string one = f.push("latest", "one");
    std::string two = f.push("latest", "two");
    CHECK(f.tags_of(one) == "null");  // #75
    CHECK(f.tags_of(two) == R"(["latest"])");
    CHECK(f.call("ListImages",
                 R"({"repositoryName":"web","filter":{"tagStatus":"UNTAGGED"}})")["imageIds"]
              .items()[0]["imageDigest"]
              .as_string() == one);
    CHECK(f.ask("GET", "/v2/web/manifests/" + one).status == 200);
    // Retagging through the API.
    Node image = f.call("BatchGetImage", R"({"repositoryName":"web","imageIds":[{"imageDigest":")" +
                                             one + "\"}]}")["images"]
                     .items()[0];  // #74
    f.call("PutImage", R"({"repositoryName":"web","imageTag":"kept","imageManifest":)" +
                           base::quote_json(image["imageManifest"].as_string()) + "}");
    CHECK(f.tags_of(one) == R"(["kept"])");
    CHECK(f.error("PutImage", R"({"repositoryName":"web","imageTag":"kept","imageManifest":)" +
                                  base::quote_json(image["imageManifest"].as_string()) + "}")
              .starts_with("ImageAlreadyExistsException"));
}

TEST_CASE("an immutable tag stays, exclusions excepted") {
    Fixture f;
    f.push("v1", "one");
    f.call(
        "PutImageTagMutability",
        R"({"repositoryName":"web","imageTagMutability":"IMMUTABLE_WITH_EXCLUSION","imageTagMutabilityExclusionFilters":[{"filterType":"WILDCARD","filter":"dev-*"}]})");
    f.push_blob("two");
    Answer refused = f.put_manifest("v1", Fixture::manifest_of("{}", "two"));  // #73
    CHECK(refused.status == 400);
    CHECK(refused.code() == "TAG_INVALID");
    CHECK(refused.body.find("The image tag 'v1' already exists in the 'web' repository and cannot "
                            "be overwritten because the repository is immutable.") !=
          std::string::npos);
    f.push("dev-1", "one");
    f.push("dev-1", "two");
}

TEST_CASE("tags are listed in pages") {
    Fixture f;
    for (const char* tag : {"a", "b", "c"})
        f.push(tag, "layer");
    Answer page = f.ask("GET", "/v2/web/tags/list?n=2");  // #76
    CHECK(page.body == R"({"name":"web","tags":["a","b"]})");
    CHECK(page.headers.get("Link") == "</v2/web/tags/list?last=b&n=2>; rel=\"next\"");
    Answer rest = f.ask("GET", "/v2/web/tags/list?n=2&last=b");
    CHECK(rest.body == R"({"name":"web","tags":["c"]})");
    CHECK_FALSE(rest.headers.has("Link"));
    CHECK(f.ask("GET", "/v2/web/tags/list?n=1001").code() == "UNSUPPORTED");
}

TEST_CASE("an index holds its children, which cannot be deleted under it") {
    Fixture f;
    std::string child = f.push("child", "layer");
    f.call("BatchDeleteImage", R"({"repositoryName":"web","imageIds":[{"imageTag":"nothing"}]})");
    std::string index = R"({"schemaVersion":2,"mediaType":")" + std::string(kIndexType) +
                        R"(","manifests":[{"mediaType":")" + kManifestType + R"(","digest":")" +
                        child + R"(","size":1,"platform":{"os":"linux","architecture":"amd64"}}]})";
    CHECK(f.put_manifest("v1", index, kIndexType).status == 201);  // #77
    Node failure =
        f.call("BatchDeleteImage", R"({"repositoryName":"web","imageIds":[{"imageDigest":")" +
                                       child + "\"}]}")["failures"]
            .items()[0];
    CHECK(failure["failureCode"].as_string() == "ImageReferencedByManifestList");
    Node both =
        f.call("BatchDeleteImage", R"({"repositoryName":"web","imageIds":[{"imageDigest":")" +
                                       child + R"("},{"imageTag":"v1"}]})");
    CHECK(both["failures"].size() == 0);
    std::string orphan = R"({"schemaVersion":2,"manifests":[{"mediaType":")" +
                         std::string(kManifestType) + R"(","digest":"sha256:)" +
                         std::string(64, '1') + R"(","size":1}]})";
    Answer refused = f.put_manifest("v1", orphan, kIndexType);
    CHECK(refused.status == 400);
    CHECK(refused.code() == "MANIFEST_BLOB_UNKNOWN");
}

TEST_CASE("deleting: a tag, the last tag, a digest; shared layers stay, others go from the disk") {
    Fixture f;
    std::string one = f.push("a", "shared");
    f.push("b", "shared");  // the same image under two tags
    f.push("c", "alone");
    f.call("BatchDeleteImage", R"({"repositoryName":"web","imageIds":[{"imageTag":"a"}]})");  // #78
    CHECK(f.tags_of(one) == R"(["b"])");
    f.call("BatchDeleteImage", R"({"repositoryName":"web","imageIds":[{"imageTag":"c"}]})");
    f.keep_house();
    CHECK_FALSE(f.has("alone"));
    CHECK(f.has("{}"));
    CHECK(f.has("shared"));
    f.call("BatchDeleteImage",
           R"({"repositoryName":"web","imageIds":[{"imageDigest":")" + one + "\"}]}");
    CHECK(f.tags_of(one) == "gone");
    f.keep_house();
    CHECK_FALSE(f.has("shared"));
    CHECK(f.ask("HEAD", "/v2/web/blobs/" + Fixture::digest("shared")).status == 404);
    CHECK(f.call("BatchGetImage",
                 R"({"repositoryName":"web","imageIds":[{"imageTag":"b"}]})")["failures"]
              .items()[0]["failureReason"]
              .as_string() == "Requested image not found");
}

TEST_CASE("no blob goes that a push, a pull or a running task needs") {
    Fixture f;
    const auto delete_image = [&](const std::string& digest) {
        f.call("BatchDeleteImage",
               R"({"repositoryName":"web","imageIds":[{"imageDigest":")" + digest + "\"}]}");
    };
    std::string first = f.push("v1", "layer");
    f.keep_house();

    // A client that was told that the layer is here does not upload it again.
    CHECK(f.ask("HEAD", "/v2/web/blobs/" + Fixture::digest("layer")).status == 200);
    CHECK(f.ask("HEAD", "/v2/web/blobs/" + Fixture::digest("{}")).status == 200);
    delete_image(first);
    f.clock.advance(std::chrono::minutes(59));
    f.ecr.step(f.clock.now(), [] { return std::set<std::string>(); });
    CHECK(f.put_manifest("v2", Fixture::manifest_of("{}", "layer")).status == 201);

    // A task that read the manifest fetches the layers.
    ecr::RegistrySource source(f.ecr);
    auto reference = oci::Reference::parse("127.0.0.1:4566/web:v2").value();
    f.keep_house();
    REQUIRE(source.manifest(reference));
    delete_image(first);
    f.ecr.step(f.clock.now() + std::chrono::minutes(2), [] { return std::set<std::string>(); });
    auto blob = source.open_blob(reference, oci::Digest::of("layer"));
    REQUIRE(blob);
    close(*blob);

    // The image that a task runs: its bytes stay until the task has ended, by whatever way it went.
    std::string running = f.push("v3", "program");
    f.keep_house({running});
    delete_image(running);
    CHECK(f.tags_of(running) == "gone");
    f.keep_house({running});
    CHECK(f.has("program"));
    CHECK_FALSE(f.has("layer"));
    f.call("DeleteRepository", R"({"repositoryName":"web","force":true})");
    f.keep_house({running});
    CHECK(f.has("program"));
    f.keep_house();
    CHECK_FALSE(f.has("program"));
}

TEST_CASE("a task runs an index's child: it stays too") {
    Fixture f;
    std::string child = f.push("child", "program");
    std::string index = R"({"schemaVersion":2,"mediaType":")" + std::string(kIndexType) +
                        R"(","manifests":[{"mediaType":")" + kManifestType + R"(","digest":")" +
                        child + R"(","size":1,"platform":{"os":"linux","architecture":"amd64"}}]})";
    CHECK(f.put_manifest("v1", index, kIndexType).status == 201);
    f.call("DeleteRepository", R"({"repositoryName":"web","force":true})");
    f.keep_house({Fixture::digest(index)});
    CHECK(f.has("program"));
    f.keep_house();
    CHECK_FALSE(f.has("program"));
}

TEST_CASE("repositories: once, described, not deleted when full") {
    Fixture f;
    CHECK(f.error("CreateRepository", R"({"repositoryName":"web"})") ==
          "RepositoryAlreadyExistsException: The repository with name 'web' already exists in the "
          "registry with id '000000000000'");
    CHECK(f.error("CreateRepository", R"({"repositoryName":"Web"})")
              .starts_with("InvalidParameterException"));
    CHECK(f.error("DescribeRepositories", R"({"repositoryNames":["ghost"]})") ==
          "RepositoryNotFoundException: The repository with name 'ghost' does not exist in the "
          "registry with id '000000000000'");
    f.push("v1", "layer");
    CHECK(f.error("DeleteRepository", R"({"repositoryName":"web"})") ==
          "RepositoryNotEmptyException: The repository with name 'web' in registry with id "
          "'000000000000' cannot be deleted because it still contains images");  // #80
    f.call("DeleteRepository", R"({"repositoryName":"web","force":true})");
    f.keep_house();
    CHECK_FALSE(f.has("layer"));
    CHECK(f.error("DescribeImages", R"({"repositoryName":"web"})")
              .starts_with("RepositoryNotFoundException"));
}

TEST_CASE("lifecycle policies are kept, previewed, and not found when there is none") {
    Fixture f;
    CHECK(f.error("GetLifecyclePolicy", R"({"repositoryName":"web"})")
              .starts_with("LifecyclePolicyNotFoundException"));  // #79
    std::string policy =
        R"({"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]})";
    f.call("PutLifecyclePolicy",
           R"({"repositoryName":"web","lifecyclePolicyText":)" + base::quote_json(policy) + "}");
    CHECK(f.call("GetLifecyclePolicy", R"({"repositoryName":"web"})")["lifecyclePolicyText"]
              .as_string() == policy);
    std::string old_image = f.push("a", "one");
    f.clock.advance(std::chrono::hours(1));
    f.push("b", "two");
    Node preview =
        f.call("GetLifecyclePolicyPreview", R"({"repositoryName":"web"})")["previewResults"];
    REQUIRE(preview.size() == 1);
    CHECK(preview.items()[0]["imageDigest"].as_string() == old_image);
    CHECK(f.error("PutLifecyclePolicy", R"({"repositoryName":"web","lifecyclePolicyText":"{}"})")
              .starts_with("InvalidParameterException"));
}

// ECR guide, "Lifecycle policies": an image that a rule expires is gone within 24 hours.
TEST_CASE("lifecycle policies are applied, a day after they were put and daily from then") {
    Fixture f;
    const auto step = [&](auto by) {
        f.clock.advance(by);
        f.password = f.ecr.make_token().password;
        f.ecr.step(f.clock.now(), [] { return std::set<std::string>(); });
    };
    const auto put = [&](const std::string& rules) {
        f.call("PutLifecyclePolicy", R"({"repositoryName":"web","lifecyclePolicyText":)" +
                                         base::quote_json(R"({"rules":[)" + rules + "]}") + "}");
    };
    using std::chrono::hours, std::chrono::minutes;
    f.call("CreateRepository", R"({"repositoryName":"other"})");
    f.push("only", "one", "other");
    std::string one = f.push("v1", "one");
    step(hours(1));
    std::string two = f.push("v2", "two");
    step(hours(1));
    std::string three = f.push("v3", "three");

    put(R"({"rulePriority":1,"selection":{"tagStatus":"tagged","tagPrefixList":["v"],"countType":"imageCountMoreThan","countNumber":2},"action":{"type":"expire"}})");
    step(hours(24) - minutes(1));
    CHECK(f.tags_of(one) == R"(["v1"])");
    step(minutes(1));
    CHECK(f.tags_of(one) == "gone");
    CHECK(f.tags_of(two) == R"(["v2"])");
    CHECK(f.tags_of(three) == R"(["v3"])");
    CHECK(f.call("DescribeImages", R"({"repositoryName":"other"})")["imageDetails"].size() == 1);
    CHECK(f.call("GetLifecyclePolicy", R"({"repositoryName":"web"})")["lastEvaluatedAt"]
              .as_double() == base::epoch_seconds(f.clock.now()));
    step(hours(2));
    CHECK(f.has("one"));  // the other repository's layer too

    // Untagged for a day; children of an index are not looked at before it is gone.
    std::string index = R"({"schemaVersion":2,"mediaType":")" + std::string(kIndexType) +
                        R"(","manifests":[{"mediaType":")" + kManifestType + R"(","digest":")" +
                        two + R"(","size":1}]})";
    CHECK(f.put_manifest("multi", index, kIndexType).status == 201);
    f.call("BatchDeleteImage", R"({"repositoryName":"web","imageIds":[{"imageTag":"v3"}]})");
    f.push("v2", "four");
    put(R"({"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":1},"action":{"type":"expire"}})");
    step(hours(24));
    CHECK(f.tags_of(two) == "null");
    f.call("BatchDeleteImage", R"({"repositoryName":"web","imageIds":[{"imageTag":"multi"}]})");
    step(hours(24));
    CHECK(f.tags_of(two) == "gone");

    // --speed divides the wait, not the rule's days.
    f.clock.set_speed(24);
    std::string five = f.push("v5", "five");
    f.call("BatchDeleteImage", R"({"repositoryName":"web","imageIds":[{"imageTag":"v2"}]})");
    std::string six = f.push("v5", "six");
    step(hours(1));
    CHECK(f.tags_of(five) == "null");
    step(hours(23));
    CHECK(f.tags_of(five) == "gone");
    CHECK(f.tags_of(six) == R"(["v5"])");
}

TEST_CASE("tasks pull from the same rows and files") {
    Fixture f;
    std::string digest = f.push("v1", "layer bytes");
    ecr::RegistrySource source(f.ecr);
    auto reference =
        oci::Reference::parse("000000000000.dkr.ecr.us-east-1.amazonaws.com/web:v1").value();
    auto manifest = source.manifest(reference);
    REQUIRE(manifest);
    CHECK(manifest->digest.to_string() == digest);
    auto blob = source.open_blob(reference, oci::Digest::of("layer bytes"));
    REQUIRE(blob);
    char bytes[16] = {};
    CHECK(read(*blob, bytes, sizeof bytes) == 11);
    close(*blob);
    CHECK(source.manifest(oci::Reference::parse("127.0.0.1:4566/web:none").value()).error().kind ==
          oci::SourceError::Kind::NotFound);
}

// Specification of the registry, section 18: where ECR departs from OCI, every client accepts what
// OCI says, and some need it.
TEST_CASE("where ECR departs from OCI's specification, the specification is kept to") {
    Fixture f;
    std::string at(f.ask("POST", "/v2/web/blobs/uploads/").headers.get("Location"));
    CHECK(f.ask("PATCH", at, "abc").status == 202);
    f.push_blob("{}");
    f.push_blob("layer");
    std::string manifest = Fixture::manifest_of("{}", "layer");
    Answer put = f.put_manifest("v1", manifest);
    CHECK(put.headers.get("Location") == "/v2/web/manifests/" + Fixture::digest(manifest));
    Answer got = f.ask("GET", "/v2/web/manifests/v1");
    CHECK(got.headers.get("Docker-Content-Digest") == Fixture::digest(manifest));
}

// Buckets and their configuration, through the endpoint. Numbers are those of s3.md §9.
#include <catch2/catch.hpp>

#include "stack.h"

using namespace s3_test;

TEST_CASE("create, create again, head, delete: #17 to #23") {
    Stack stack;
    Answer made = stack.put("/bucket");
    CHECK(made.status == 200);
    CHECK(made.header("Location") == "/bucket");
    CHECK(made.body.empty());
    CHECK(stack.put("/bucket").status == 200);

    CHECK(stack.head("/bucket").header("x-amz-bucket-region") == "us-east-1");
    CHECK(stack.head("/bucket").header("x-amz-bucket-arn") == "arn:aws:s3:::bucket");
    Answer missing = stack.head("/missing");
    CHECK(missing.status == 404);
    CHECK(missing.body.empty());
    CHECK(stack.get("/bucket?location")
              .body.ends_with(
                  "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>"));

    auto create = [&](std::string name, std::string region, std::string constraint) {
        std::string body = constraint.empty()
                               ? ""
                               : "<CreateBucketConfiguration><LocationConstraint>" + constraint +
                                     "</LocationConstraint></CreateBucketConfiguration>";
        return stack.send({.method = "PUT", .target = "/" + name, .body = body, .region = region});
    };
    CHECK(create("eur", "eu-west-1", "eu-west-1").status == 200);
    CHECK(stack.get("/eur?location").element("LocationConstraint") == "eu-west-1");
    Answer again = create("eur", "eu-west-1", "eu-west-1");
    CHECK(again.status == 409);
    CHECK(again.code() == "BucketAlreadyOwnedByYou");
    CHECK(again.element("BucketName") == "eur");
    struct Row {
        const char *region, *constraint, *code;
    };
    for (const Row& row : {Row{"us-east-1", "us-east-1", "InvalidLocationConstraint"},
                           Row{"us-east-1", "moon", "InvalidLocationConstraint"},
                           Row{"eu-west-1", "", "IllegalLocationConstraintException"},
                           Row{"eu-west-1", "us-west-2", "IllegalLocationConstraintException"}}) {
        INFO(row.region << " " << row.constraint);
        Answer answer = create("new", row.region, row.constraint);
        CHECK(answer.status == 400);
        CHECK(answer.code() == row.code);
    }
    CHECK(create("old-name", "eu-west-1", "EU").status == 200);
    CHECK(stack.get("/old-name?location").element("LocationConstraint") == "EU");

    stack.put("/bucket/k", "x");
    Answer full = stack.remove("/bucket");
    CHECK(full.status == 409);
    CHECK(full.code() == "BucketNotEmpty");
    CHECK(full.element("Message") == "The bucket you tried to delete is not empty");
    stack.put("/bucket?versioning",
              "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
    stack.remove("/bucket/k");
    stack.remove("/bucket/k?versionId=null");
    CHECK(
        stack.remove("/bucket").element("Message") ==
        "The bucket you tried to delete is not empty. You must delete all versions in the bucket.");
    CHECK(stack.remove("/eur").status == 204);
    CHECK(stack.head("/eur").status == 404);
}

TEST_CASE("names that no bucket may have: #6, #25") {
    Stack stack;
    for (const char* name : {"Ab", "ab", "a..b", "1.2.3.4", "xn--a1b"}) {
        Answer answer = stack.put("/" + std::string(name));
        CHECK(answer.status == 400);
        CHECK(answer.code() == "InvalidBucketName");
        CHECK(answer.element("BucketName") == name);
    }
    CHECK(stack.put("/" + std::string(64, 'a')).code() == "InvalidBucketName");
    for (As as : {As::Owner, As::Anonymous}) {
        for (const char* target : {"/missing", "/missing/key", "/missing?policy"}) {
            Answer answer = stack.send({.method = "GET", .target = target, .as = as});
            CHECK(answer.status == 404);
            CHECK(answer.code() == "NoSuchBucket");
            CHECK(answer.element("BucketName") == "missing");
        }
    }
}

TEST_CASE("buckets are listed in order and in pages: #24") {
    Stack stack;
    for (const char* name : {"ccc", "aaa", "bbb"})
        stack.put("/" + std::string(name));
    CHECK(stack.get("/").elements("Name") == std::vector<std::string>{"aaa", "bbb", "ccc"});
    CHECK(stack.get("/").elements("BucketRegion").empty());
    Answer page = stack.get("/?max-buckets=1");
    CHECK(page.elements("Name") == std::vector<std::string>{"aaa"});
    CHECK(page.element("BucketRegion") == "us-east-1");
    CHECK(stack.get("/?max-buckets=5&continuation-token=" + page.element("ContinuationToken"))
              .elements("Name") == std::vector<std::string>{"bbb", "ccc"});
    CHECK(stack.get("/?prefix=b").elements("Name") == std::vector<std::string>{"bbb"});
    CHECK(stack.get("/?max-buckets=0").code() == "InvalidArgument");
    CHECK(stack.get("/?bucket-region=moon").element("ArgumentName") == "bucket-region");
    Answer anonymous = stack.send({.method = "GET", .target = "/", .as = As::Anonymous});
    CHECK(anonymous.status == 403);
}

TEST_CASE(
    "addressing styles meet the same bucket, and every answer names itself: #1, #2, #13 to #16") {
    Stack stack;
    stack.put("/a.b.c");
    stack.put("/a.b.c/k", "x");
    Answer path = stack.get("/a.b.c"),
           host = stack.send({.method = "GET", .target = "/", .host = "a.b.c.s3.localhost:4566"});
    CHECK(path.status == 200);
    CHECK(path.body == host.body);
    CHECK(stack.get("/a.b.c?unknown=1").element("Name") == "a.b.c");
    CHECK(stack.get("/a.b.c?Location").element("Name") == "a.b.c");
    CHECK(stack.get("/a.b.c?location=1").body.find("LocationConstraint") != std::string::npos);

    Answer error = stack.get("/missing");
    CHECK(error.header("x-amz-request-id").size() == 16);
    CHECK(error.header("x-amz-id-2").size() == 76);
    CHECK(error.header("Server") == "AmazonS3");
    CHECK_FALSE(error.header("Date").empty());
    CHECK(error.element("RequestId") == error.header("x-amz-request-id"));
    CHECK(error.element("HostId") == error.header("x-amz-id-2"));

    struct Row {
        const char *target, *allow;
    };
    for (const Row& row : {Row{"/missing?location", "GET"}, Row{"/missing?versions", "GET"},
                           Row{"/missing?uploads", "POST, GET"}, Row{"/missing?acl", "GET, PUT"},
                           Row{"/a.b.c?tagging", "DELETE, GET, PUT"},
                           Row{"/a.b.c/k?uploadId=1", "DELETE, POST, GET"}}) {
        INFO(row.target);
        Answer answer = stack.head(row.target);
        CHECK(answer.status == 405);
        CHECK(answer.body.empty());
        CHECK(answer.header("Allow") == row.allow);
    }
    Answer wrong = stack.post("/a.b.c/k");
    CHECK(wrong.status == 405);
    CHECK(wrong.element("Method") == "POST");
    CHECK(wrong.element("ResourceType") == "OBJECT");
    CHECK(wrong.header("Allow") == "GET, DELETE, HEAD, PUT");
    CHECK(stack.post("/").element("ResourceType") == "SERVICE");
    CHECK(stack.get("/a.b.c/k?location").body.find("LocationConstraint") != std::string::npos);
    CHECK(stack.get("/a.b.c?acl&policy").element("Message") ==
          "Conflicting query string parameters: acl, policy");
    CHECK(stack.get("/a.b.c/k?torrent").status == 501);
}

TEST_CASE("what is not set says so in its own way, and deleting it twice is fine: #26") {
    Stack stack;
    stack.put("/bucket");
    struct Row {
        const char *selector, *code;
        bool deletable = true;
    };
    const Row rows[] = {
        {"policy", "NoSuchBucketPolicy"},
        {"website", "NoSuchWebsiteConfiguration"},
        {"cors", "NoSuchCORSConfiguration"},
        {"tagging", "NoSuchTagSet"},
        {"lifecycle", "NoSuchLifecycleConfiguration"},
        {"replication", "ReplicationConfigurationNotFoundError"},
        {"object-lock", "ObjectLockConfigurationNotFoundError", false},
        {"policyStatus", "NoSuchBucketPolicy", false},
    };
    for (const Row& row : rows) {
        INFO(row.selector);
        std::string target = "/bucket?" + std::string(row.selector);
        Answer answer = stack.get(target);
        CHECK(answer.status == 404);
        CHECK(answer.code() == row.code);
        CHECK(answer.element("BucketName") == "bucket");
        if (!row.deletable) continue;
        CHECK(stack.remove(target).status == 204);
        CHECK(stack.remove(target).status == 204);
    }
    for (const char* selector : {"publicAccessBlock", "ownershipControls"}) {
        std::string target = "/bucket?" + std::string(selector);
        CHECK(stack.get(target).status == 200);
        CHECK(stack.remove(target).status == 204);
        CHECK(stack.get(target).status == 404);
    }
    for (const char* selector : {"logging", "notification", "accelerate", "versioning",
                                 "requestPayment", "encryption", "acl"})
        CHECK(stack.get("/bucket?" + std::string(selector)).status == 200);
    CHECK(stack.get("/bucket?metrics&id=x").code() == "NoSuchConfiguration");
}

TEST_CASE("documents: empty, junk, kept: #27, #30") {
    Stack stack;
    stack.put("/bucket");
    for (const char* selector :
         {"website", "cors", "tagging", "lifecycle", "versioning", "publicAccessBlock",
          "ownershipControls", "encryption", "logging"}) {
        INFO(selector);
        std::string target = "/bucket?" + std::string(selector);
        CHECK(stack.put(target).code() == "MissingRequestBodyError");
        CHECK(stack.put(target, "junk").code() == "MalformedXML");
        CHECK(stack.put(target, "<Other/>").code() == "MalformedXML");
    }
    std::string tags =
        "<Tagging><TagSet><Tag><Key>a</Key><Value>b &amp; c</Value></Tag></TagSet></Tagging>";
    CHECK(stack.put("/bucket?tagging", tags).code() == "InvalidTag");
    tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>b c</Value></Tag></TagSet></Tagging>";
    CHECK(stack.put("/bucket?tagging", tags).status == 204);
    CHECK(stack.get("/bucket?tagging").element("Value") == "b c");
    CHECK(stack.put("/bucket?tagging", "<Tagging><TagSet/></Tagging>").status == 204);
    CHECK(stack.get("/bucket?tagging").code() == "NoSuchTagSet");
    stack.put("/bucket/k", "x");
    CHECK(stack.put("/bucket/k?tagging", tags).status == 200);
    CHECK(stack.get("/bucket/k?tagging").element("Key") == "a");
    CHECK(stack.head("/bucket/k").header("x-amz-tagging-count") == "1");
    CHECK(stack.remove("/bucket/k?tagging").status == 204);
    CHECK(stack.get("/bucket/k?tagging").status == 200);
    CHECK(stack.put("/bucket?versioning", "<VersioningConfiguration/>").code() ==
          "IllegalVersioningConfigurationException");
    std::string lifecycle =
        "<LifecycleConfiguration><Rule><ID>r</ID><Status>Enabled</Status><Filter><Prefix>a</"
        "Prefix></Filter><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>";
    CHECK(stack.put("/bucket?lifecycle", lifecycle).status == 200);
    CHECK(stack.get("/bucket?lifecycle").element("Days") == "1");
    CHECK(stack.get("/bucket?lifecycle").header("x-amz-transition-default-minimum-object-size") ==
          "all_storage_classes_128K");
}

TEST_CASE("a new bucket is closed: #28") {
    Stack stack;
    stack.put("/bucket");
    Answer block = stack.get("/bucket?publicAccessBlock");
    for (const char* setting :
         {"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"})
        CHECK(block.element(setting) == "true");
    CHECK(stack.get("/bucket?ownershipControls").element("ObjectOwnership") ==
          "BucketOwnerEnforced");
    CHECK(stack.get("/bucket?encryption").element("SSEAlgorithm") == "AES256");
    CHECK(stack.get("/bucket?versioning").elements("Status").empty());
    CHECK(stack.get("/bucket?acl").elements("Permission") ==
          std::vector<std::string>{"FULL_CONTROL"});
}

TEST_CASE("policies are kept as sent: #29") {
    Stack stack;
    stack.put("/bucket");
    std::string policy =
        R"({ "Statement": [{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}] })";
    CHECK(stack.put("/bucket?policy", policy).status == 204);
    CHECK(stack.get("/bucket?policy").body == policy);
    CHECK(stack.get("/bucket?policyStatus").element("IsPublic") == "false");
    CHECK(stack.put("/bucket?policy", "{}").element("Message") ==
          "Missing required field Statement");
    CHECK(stack.put("/bucket?policy", "x").element("Message") ==
          "Policies must be valid JSON and the first byte must be '{'");
    CHECK(stack.get("/bucket?policy").body == policy);
}

TEST_CASE("what was stored is there after a restart") {
    Stack stack;
    stack.put("/bucket");
    stack.put("/bucket/k", "bytes");
    stack.put("/bucket?website",
              "<WebsiteConfiguration><IndexDocument><Suffix>i</Suffix></IndexDocument></"
              "WebsiteConfiguration>");
    s3::ControlPlane again(*stack.database, stack.clock, stack.ids, stack.blobs);
    CHECK(again.is_bucket("bucket"));
    CHECK_FALSE(again.is_bucket("other"));
    REQUIRE(again.statuses().size() == 1);
    CHECK(again.statuses()[0].has_website);
    CHECK(stack.get("/bucket/k").body == "bytes");
}

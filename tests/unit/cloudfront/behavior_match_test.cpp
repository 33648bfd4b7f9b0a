// Behaviour selection: cloudfront.md §10 #1-#5, #15.
#include "cloudfront/behavior_match.h"

#include <catch2/catch.hpp>

#include "make.h"

using namespace cloudfront;

TEST_CASE("path patterns match as CloudFront's do (#2, #3, #4)", "[cloudfront]") {
    struct Row {
        std::string_view pattern, path;
        bool matches;
    };
    const Row rows[] = {
        {"*.jpg", "/p/x.jpg", true},
        {"*.jpg", "/p/X.JPG", false},
        {"api/*", "/api", false},
        {"api/*", "/api/", true},
        {"/api/*", "/api/a/b", true},
        {"/api*", "/apiary", true},
        {"/f?.txt", "/f1.txt", true},
        {"/f?.txt", "/f.txt", false},
        {"/f?.txt", "/f12.txt", false},
        {"*.doc?", "/x.doc", false},
        {"/x", "/x", true},
        {"/x", "/x/", false},
        {"images/*", "/my/images/a", false},
        {"*", "/anything", true},
    };
    for (const Row& row : rows) {
        INFO(row.pattern << " against " << row.path);
        CHECK(pattern_matches(row.pattern, row.path) == row.matches);
    }
}

TEST_CASE("the first listed pattern wins, the default behaviour last (#1, #5, #15)",
          "[cloudfront]") {
    auto behaviors = [](std::string_view first, std::string_view second) {
        std::string text = R"({"CacheBehaviors": {"Quantity": 2, "Items": [)";
        for (std::string_view pattern : {first, second})
            text +=
                std::string(pattern == first ? "" : ",") + R"({"PathPattern": ")" +
                std::string(pattern) +
                R"(", "TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", "CachePolicyId": ")" +
                std::string(test::kOptimized) + "\"}";
        return test::make_distribution(text + "]}}");
    };
    Distribution one = behaviors("/a/*", "*.jpg"), two = behaviors("*.jpg", "/a/*");
    CHECK(match_behavior(one, "/a/x.jpg").pattern == "/a/*");
    CHECK(match_behavior(two, "/a/x.jpg").pattern == "*.jpg");
    CHECK(match_behavior(one, "/b").is_default);
    CHECK(explain_behavior(one, match_behavior(one, "/a"), "/a").find("/a/* is near") !=
          std::string::npos);
}

// Lifecycle policies (see lifecycle.h).
#include "ecr/lifecycle.h"

#include <algorithm>

#include "base/text.h"

namespace ecr {
namespace {

std::unexpected<std::string> invalid(std::string_view what) {
    return std::unexpected(
        "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle "
        "policy validation failure: " +
        std::string(what) + "'");
}

bool selects(const LifecycleRule& rule, const Image& image) {
    if (rule.tag_status == "any") return true;
    if (rule.tag_status == "untagged") return image.tags.empty();
    if (image.tags.empty()) return false;
    auto any_tag = [&](auto matches) {
        return std::any_of(image.tags.begin(), image.tags.end(), matches);
    };
    // Every prefix or pattern of the list must match one of the image's tags.
    auto all = [&](const std::vector<std::string>& list, auto matches) {
        return std::all_of(list.begin(), list.end(), [&](const std::string& item) {
            return any_tag([&](const std::string& tag) { return matches(item, tag); });
        });
    };
    return all(rule.prefixes, [](const std::string& prefix,
                                 const std::string& tag) { return tag.starts_with(prefix); }) &&
           all(rule.patterns, [](const std::string& pattern, const std::string& tag) {
               return base::wildcard_match(pattern, tag);
           });
}

}  // namespace

std::expected<std::vector<LifecycleRule>, std::string> parse_lifecycle_policy(
    std::string_view text) {
    auto node = base::parse_json(text);
    if (!node) return invalid("not JSON: " + node.error().message);
    if ((*node)["rules"].size() == 0)
        return invalid("object has missing required properties ([\"rules\"])");
    std::vector<LifecycleRule> rules;
    for (const base::Node& given : (*node)["rules"].items()) {
        LifecycleRule rule;
        const base::Node& selection = given["selection"];
        rule.priority = static_cast<int>(given["rulePriority"].as_int());
        rule.tag_status = selection["tagStatus"].as_string();
        rule.by_age = selection["countType"].as_string() == "sinceImagePushed";
        rule.number = static_cast<int>(selection["countNumber"].as_int());
        for (const base::Node& prefix : selection["tagPrefixList"].items())
            rule.prefixes.push_back(prefix.as_string());
        for (const base::Node& pattern : selection["tagPatternList"].items())
            rule.patterns.push_back(pattern.as_string());
        if (rule.priority < 1) return invalid("rulePriority must be a positive integer");
        if (rule.tag_status != "tagged" && rule.tag_status != "untagged" &&
            rule.tag_status != "any")
            return invalid("tagStatus must be tagged, untagged or any");
        if (rule.tag_status == "tagged" && rule.prefixes.empty() && rule.patterns.empty())
            return invalid("tagged rules need a tagPrefixList or a tagPatternList");
        if (!rule.by_age && selection["countType"].as_string() != "imageCountMoreThan")
            return invalid("countType must be imageCountMoreThan or sinceImagePushed");
        if (rule.by_age && selection["countUnit"].as_string() != "days")
            return invalid("sinceImagePushed needs the countUnit days");
        if (rule.number < 1) return invalid("countNumber must be a positive integer");
        if (given["action"]["type"].as_string() != "expire")
            return invalid("the action type must be expire");
        rules.push_back(std::move(rule));
    }
    std::sort(rules.begin(), rules.end(),
              [](const auto& a, const auto& b) { return a.priority < b.priority; });
    for (size_t i = 0; i + 1 < rules.size(); ++i) {
        if (rules[i].priority == rules[i + 1].priority)
            return invalid("rulePriority must be unique");
        if (rules[i].tag_status == "any")
            return invalid("the rule with tagStatus any must have the highest rulePriority");
    }
    return rules;
}

std::vector<Expiry> expired_images(const std::vector<LifecycleRule>& rules,
                                   const std::vector<Image>& images,
                                   const std::vector<oci::Digest>& referenced, base::Time now) {
    std::vector<bool> claimed(images.size());
    for (size_t i = 0; i < images.size(); ++i)
        claimed[i] =
            std::find(referenced.begin(), referenced.end(), images[i].digest) != referenced.end();
    std::vector<Expiry> expired;
    for (const LifecycleRule& rule : rules) {
        std::vector<size_t> selected;
        for (size_t i = 0; i < images.size(); ++i)
            if (!claimed[i] && selects(rule, images[i])) selected.push_back(i);
        std::stable_sort(selected.begin(), selected.end(), [&](size_t a, size_t b) {
            return images[a].pushed_at > images[b].pushed_at;
        });
        for (size_t position = 0; position < selected.size(); ++position) {
            size_t i = selected[position];
            claimed[i] = true;
            bool expires = rule.by_age
                               ? images[i].pushed_at + std::chrono::hours(24) * rule.number <= now
                               : position >= static_cast<size_t>(rule.number);
            if (expires) expired.push_back({i, rule.priority});
        }
    }
    return expired;
}

}  // namespace ecr

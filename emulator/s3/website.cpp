// See website.h.
#include "s3/website.h"

#include <algorithm>

#include "base/text.h"
#include "s3/address.h"
#include "s3/errors.h"

namespace s3 {
namespace {

constexpr size_t kMaxRules = 50;

std::string parse_protocol(const Element& element) {
    const Element* protocol = element.child("Protocol");
    if (!protocol) return {};
    if (protocol->text != "http" && protocol->text != "https")
        throw invalid_request(
            "Invalid protocol, protocol can be http or https. If not defined the protocol will be "
            "selected automatically.");
    return protocol->text;
}

void parse_condition(const Element& condition, RoutingRule& rule) {
    if (const Element* prefix = condition.child("KeyPrefixEquals")) rule.key_prefix = prefix->text;
    if (const Element* code = condition.child("HttpErrorCodeReturnedEquals")) {
        auto number = base::parse_unsigned(base::trim(code->text));
        if (!number || *number < 400 || *number > 599)
            throw invalid_request("The provided HTTP error code (" + code->text +
                                  ") is not valid. Valid codes are 4XX or 5XX.");
        rule.error_code = static_cast<int>(*number);
    }
    if (!rule.key_prefix && !rule.error_code)
        throw invalid_request(
            "Condition cannot be empty. To redirect all requests without a condition, the "
            "condition element shouldn't be present.");
}

RoutingRule parse_rule(const Element& element) {
    RoutingRule rule;
    if (const Element* condition = element.child("Condition")) parse_condition(*condition, rule);
    const Element* redirect = element.child("Redirect");
    if (!redirect || redirect->children.empty()) throw malformed_xml();
    rule.protocol = parse_protocol(*redirect);
    rule.host = redirect->child_text("HostName");
    if (const Element* prefix = redirect->child("ReplaceKeyPrefixWith"))
        rule.replace_prefix = prefix->text;
    if (const Element* key = redirect->child("ReplaceKeyWith")) rule.replace_key = key->text;
    if (rule.replace_prefix && rule.replace_key)
        throw invalid_request("You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
    if (const Element* code = redirect->child("HttpRedirectCode")) {
        auto number = base::parse_unsigned(base::trim(code->text));
        if (!number || *number < 301 || *number > 399)
            throw invalid_request("The provided HTTP redirect code (" + code->text +
                                  ") is not valid. Valid codes are 3XX except 300.");
        rule.redirect_code = static_cast<int>(*number);
    }
    return rule;
}

std::string target_key(const RoutingRule& rule, std::string_view key) {
    if (rule.replace_key) return *rule.replace_key;
    if (!rule.replace_prefix) return std::string(key);
    return *rule.replace_prefix +
           std::string(key.substr(rule.key_prefix ? rule.key_prefix->size() : 0));
}

// GUESS: the query is kept by every kind of rule; two emulators keep it for prefix rules.
Redirect build(const RoutingRule& rule, const WebsiteRequest& request, size_t index) {
    Redirect redirect;
    redirect.status = rule.redirect_code;
    redirect.rule = "routing rule #" + std::to_string(index + 1);
    redirect.location = rule.protocol.empty() ? std::string(request.scheme) : rule.protocol;
    redirect.location += "://" + (rule.host.empty() ? std::string(request.host) : rule.host) + "/";
    redirect.location += encode_key(target_key(rule, request.key));
    if (!request.query.empty()) (redirect.location += '?') += request.query;
    return redirect;
}

}  // namespace

Website parse_website(const Element& document) {
    if (document.name != "WebsiteConfiguration") throw malformed_xml();
    Website website;
    const Element* all = document.child("RedirectAllRequestsTo");
    const Element* index = document.child("IndexDocument");
    const Element* error = document.child("ErrorDocument");
    const Element* rules = document.child("RoutingRules");
    if (all) {
        if (index || error || rules)
            throw invalid_argument(
                "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
                "RedirectAllRequestsTo", "not null");
        if (all->child_text("HostName").empty()) throw malformed_xml();
        website.redirect_all.emplace(all->child_text("HostName"), parse_protocol(*all));
        return website;
    }
    if (!index)
        throw invalid_argument(
            "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
            "IndexDocument", "null");
    if (!index->child("Suffix")) throw malformed_xml();
    website.index_suffix = index->child_text("Suffix");
    if (website.index_suffix.empty() || website.index_suffix.find('/') != std::string::npos)
        throw invalid_argument("The IndexDocument Suffix is not well formed", "IndexDocument",
                               website.index_suffix);
    if (error) {
        if (!error->child("Key")) throw malformed_xml();
        website.error_key = error->child_text("Key");
        if (website.error_key.empty())
            throw invalid_argument("The ErrorDocument Key is not well formed", "ErrorDocument", "");
    }
    if (!rules) return website;
    for (const Element* rule : rules->all("RoutingRule"))
        website.rules.push_back(parse_rule(*rule));
    if (website.rules.empty()) throw malformed_xml();
    if (website.rules.size() > kMaxRules)
        throw invalid_request(std::to_string(website.rules.size()) +
                              " routing rules provided, the number of routing rules in a website "
                              "configuration is limited to 50.");
    return website;
}

std::optional<Redirect> redirect_before(const Website& website, const WebsiteRequest& request) {
    for (size_t i = 0; i < website.rules.size(); ++i) {
        const RoutingRule& rule = website.rules[i];
        if (rule.error_code || (rule.key_prefix && !request.key.starts_with(*rule.key_prefix)))
            continue;
        return build(rule, request, i);
    }
    return std::nullopt;
}

std::optional<Redirect> redirect_on_error(const Website& website, const WebsiteRequest& request,
                                          int status) {
    for (size_t i = 0; i < website.rules.size(); ++i) {
        const RoutingRule& rule = website.rules[i];
        if (rule.error_code != status ||
            (rule.key_prefix && !request.key.starts_with(*rule.key_prefix)))
            continue;
        return build(rule, request, i);
    }
    return std::nullopt;
}

Redirect redirect_everything(const Website& website, const WebsiteRequest& request,
                             std::string_view raw_path) {
    const auto& [host, protocol] = *website.redirect_all;
    Redirect redirect{301,
                      (protocol.empty() ? std::string(request.scheme) : protocol) + "://" + host +
                          std::string(raw_path),
                      "RedirectAllRequestsTo"};
    if (!request.query.empty()) (redirect.location += '?') += request.query;
    return redirect;
}

}  // namespace s3

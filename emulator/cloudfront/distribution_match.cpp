// See distribution_match.h.
#include "cloudfront/distribution_match.h"

#include <algorithm>

#include "cloudfront/guesses.h"

namespace cloudfront {

namespace {

bool is_dns_label(std::string_view text) {
    return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

}  // namespace

std::string_view host_without_port(std::string_view host) {
    size_t colon = host.rfind(':');
    if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos)
        host = host.substr(0, colon);
    if (host.ends_with('.')) host.remove_suffix(1);
    return host;
}

void HostTable::add(const std::shared_ptr<const Distribution>& distribution) {
    exact_[distribution->domain_name] = distribution;
    if (is_dns_label(distribution->name)) exact_[distribution->name + ".localhost"] = distribution;
    for (const std::string& alias : distribution->aliases) {
        if (alias.starts_with("*."))
            wildcards_.push_back({alias.substr(1), distribution});
        else
            exact_[alias] = distribution;
    }
    std::ranges::stable_sort(wildcards_, std::greater<>{},
                             [](const Wildcard& w) { return w.suffix.size(); });
}

const std::shared_ptr<const Distribution>* HostTable::find_any(std::string_view host) const {
    host = host_without_port(host);
    if (auto found = exact_.find(host); found != exact_.end()) return &found->second;
    std::string folded = base::lower(host);
    if (auto found = exact_.find(std::string_view(folded)); found != exact_.end())
        return &found->second;
    for (const Wildcard& wildcard : wildcards_)
        // Any depth of subdomain, never the apex itself.
        if (folded.size() > wildcard.suffix.size() && folded.ends_with(wildcard.suffix))
            return &wildcard.distribution;
    return nullptr;
}

const std::shared_ptr<const Distribution>* HostTable::find(std::string_view host) const {
    auto* found = find_any(host);
    if (found != nullptr && guesses::kDisabledIsUnknown && !(*found)->enabled) return nullptr;
    return found;
}

bool HostTable::owns(std::string_view host) const {
    return find_any(host) != nullptr;
}

}  // namespace cloudfront

// Lookups inside the model. Lists are short (AWS's quotas), so they are walked.
#include "cloudfront/model.h"

#include <algorithm>

#include "base/text.h"

namespace cloudfront {

Method method_of(std::string_view name) {
    if (name == "GET") return Method::Get;
    if (name == "HEAD") return Method::Head;
    if (name == "OPTIONS") return Method::Options;
    if (name == "PUT") return Method::Put;
    if (name == "POST") return Method::Post;
    if (name == "PATCH") return Method::Patch;
    if (name == "DELETE") return Method::Delete;
    return Method::Other;
}

bool Selection::lists(std::string_view name) const {
    return std::ranges::any_of(names, [&](const std::string& listed) {
        return listed == name || (wildcards && base::wildcard_match(listed, name));
    });
}

bool Selection::selects(std::string_view name) const {
    switch (mode) {
        case Mode::None: return false;
        case Mode::Listed: return lists(name);
        case Mode::AllExcept: return !lists(name);
        case Mode::All: return true;
    }
    return false;
}

const Origin* Distribution::origin(std::string_view id) const {
    auto found = std::ranges::find(origins, id, &Origin::id);
    return found == origins.end() ? nullptr : &*found;
}

const OriginGroup* Distribution::group(std::string_view id) const {
    auto found = std::ranges::find(groups, id, &OriginGroup::id);
    return found == groups.end() ? nullptr : &*found;
}

const CustomErrorResponse* Distribution::error_response(int status) const {
    auto found = std::ranges::find(errors, status, &CustomErrorResponse::error_code);
    return found == errors.end() ? nullptr : &*found;
}

}  // namespace cloudfront

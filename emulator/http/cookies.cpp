#include "http/cookies.h"

#include "base/text.h"

namespace http {

std::vector<CookiePair> parse_cookies(std::string_view value) {
    std::vector<CookiePair> cookies;
    for (std::string_view part : base::split(value, ';')) {
        part = base::trim(part);
        if (part.empty()) continue;
        const size_t equals = part.find('=');
        if (equals == part.npos)
            cookies.push_back({part, {}, false});
        else
            cookies.push_back(
                {base::trim(part.substr(0, equals)), base::trim(part.substr(equals + 1)), true});
    }
    return cookies;
}

std::vector<CookiePair> parse_cookies(const HeaderList& headers) {
    std::vector<CookiePair> cookies;
    for (const std::string_view value : headers.all("cookie")) {
        const auto some = parse_cookies(value);
        cookies.insert(cookies.end(), some.begin(), some.end());
    }
    return cookies;
}

std::string join_cookies(const std::vector<CookiePair>& cookies) {
    std::string text;
    for (const auto& cookie : cookies) {
        if (!text.empty()) text += "; ";
        text += cookie.name;
        if (cookie.has_equals) text += '=';
        text += cookie.value;
    }
    return text;
}

}  // namespace http

#include "oci/reference.h"

#include <algorithm>

#include "base/text.h"

namespace oci {
namespace {

bool is_lower_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// [a-z0-9]+ joined by ".", "_", "__" or any number of "-".
bool is_component(std::string_view text) {
    if (text.empty() || !is_lower_alnum(text.front()) || !is_lower_alnum(text.back())) return false;
    for (size_t i = 0; i < text.size();) {
        if (is_lower_alnum(text[i])) {
            ++i;
            continue;
        }
        size_t end = i;
        while (end < text.size() && text[end] == text[i])
            ++end;
        size_t length = end - i;
        bool separator =
            text[i] == '-' || (text[i] == '.' && length == 1) || (text[i] == '_' && length <= 2);
        if (!separator || end == text.size() || !is_lower_alnum(text[end])) return false;
        i = end;
    }
    return true;
}

// The first component is a registry when it could not be a repository's: it has a dot or a port, or
// is "localhost".
bool looks_like_registry(std::string_view text) {
    return text == "localhost" || text.find('.') != text.npos || text.find(':') != text.npos;
}

bool is_registry(std::string_view text) {
    auto [host, port] = base::cut(text, ':');
    auto alphanumeric = [](char c) { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z'); };
    bool host_fine =
        !host.empty() && alphanumeric(host.front()) && alphanumeric(host.back()) &&
        std::ranges::all_of(host, [&](char c) { return alphanumeric(c) || c == '.' || c == '-'; });
    auto number = base::parse_unsigned(port);
    return host_fine && (text.find(':') == text.npos || (number && *number > 0 && *number < 65536));
}

}  // namespace

bool is_repository_name(std::string_view text) {
    return text.size() <= 256 && std::ranges::all_of(base::split(text, '/'), is_component);
}

bool is_tag(std::string_view text) {
    auto word = [](char c) { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z') || c == '_'; };
    return !text.empty() && text.size() <= 128 && word(text.front()) &&
           std::ranges::all_of(text, [&](char c) { return word(c) || c == '.' || c == '-'; });
}

std::expected<Reference, std::string> Reference::parse(std::string_view text) {
    auto wrong = [&](std::string_view what) {
        return std::unexpected("\"" + std::string(text) +
                               "\" is not an image reference: " + std::string(what));
    };
    Reference reference;
    reference.written = text;
    std::string_view rest = text;
    if (size_t at = rest.find('@'); at != rest.npos) {
        auto digest = Digest::parse(rest.substr(at + 1));
        if (!digest)
            return wrong("after @ a digest \"sha256:\" with 64 hexadecimal digits is expected");
        reference.digest = *digest;
        rest = rest.substr(0, at);
    }
    if (size_t slash = rest.find('/');
        slash != rest.npos && looks_like_registry(rest.substr(0, slash))) {
        reference.registry = rest.substr(0, slash);
        if (!is_registry(reference.registry))
            return wrong("its registry is no host name with a port");
        rest = rest.substr(slash + 1);
    }
    if (size_t colon = rest.rfind(':'); colon != rest.npos) {
        reference.tag = rest.substr(colon + 1);
        if (!is_tag(reference.tag)) return wrong("its tag has characters that a tag cannot have");
        rest = rest.substr(0, colon);
    }
    if (!is_repository_name(rest))
        return wrong("a repository has lower-case letters, digits and single separators");
    reference.repository = rest;
    if (reference.tag.empty() && reference.digest.empty()) reference.tag = "latest";
    return reference;
}

bool Reference::is_ecr() const {
    std::string host(base::cut(registry, ':').first);
    if (host == "127.0.0.1" || host == "localhost") return true;
    auto parts = base::split(host, '.');
    return parts.size() >= 6 && parts[0].size() == 12 && base::parse_unsigned(parts[0]) &&
           parts[1] == "dkr" && parts[2] == "ecr" && parts[4] == "amazonaws" && parts[5] == "com";
}

std::string Reference::short_name() const {
    return repository + (digest.empty() ? ":" + tag : "@" + digest.to_string());
}

}  // namespace oci

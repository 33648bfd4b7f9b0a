// See address.h. The rules are numbered in s3.md §1.1 to §1.3.
#include "s3/address.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/encoding.h"
#include "base/text.h"
#include "s3/errors.h"

namespace s3 {
namespace {

bool is_lower_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_ipv4(std::string_view text) {
    auto parts = base::split(text, '.');
    return parts.size() == 4 && std::ranges::all_of(parts, [](std::string_view part) {
               auto number = base::parse_unsigned(part);
               return part.size() <= 3 && number && *number <= 255;
           });
}

std::string_view without_port(std::string_view host) {
    if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
    return host.substr(0, host.find(':'));
}

struct HostName {
    bool website = false;
    std::string bucket;  // "" = none in the host
    std::string region;
};

// The service label that ends `labels`, longest first: s3.dualstack.R, s3-website.R, s3.R, s3-R, s3
// … Gives how many labels it takes.
std::optional<size_t> service_suffix(const std::vector<std::string_view>& labels, HostName& name) {
    size_t count = labels.size();
    auto label = [&](size_t from_right) {
        return from_right <= count ? labels[count - from_right] : std::string_view();
    };
    auto is_service = [&](std::string_view text, std::string_view service) {
        if (text == service) return true;
        if (!text.starts_with(service) || text.size() < service.size() + 2 ||
            text[service.size()] != '-')
            return false;
        std::string_view region = text.substr(service.size() + 1);
        if (!is_region_name(region)) return false;
        name.region = region;
        return true;
    };
    if (count >= 3 && is_region_name(label(1)) && label(2) == "dualstack" && label(3) == "s3") {
        name.region = label(1);
        return 3;
    }
    if (count >= 2 && is_region_name(label(1)) && (label(2) == "s3" || label(2) == "s3-website")) {
        name.region = label(1);
        name.website = label(2) == "s3-website";
        return 2;
    }
    if (count >= 1 && is_service(label(1), "s3-website")) {
        name.website = true;
        return 1;
    }
    if (count >= 1 && is_service(label(1), "s3")) return 1;
    return std::nullopt;
}

// A host under one of our domains or AWS's; nothing for any other host.
std::optional<HostName> parse_host(std::string_view host) {
    for (std::string_view domain :
         {std::string_view("localhost"), std::string_view("amazonaws.com")}) {
        if (host == domain) return HostName{};
        if (host.size() <= domain.size() || !host.ends_with(domain) ||
            host[host.size() - domain.size() - 1] != '.')
            continue;
        std::string_view rest = host.substr(0, host.size() - domain.size() - 1);
        auto labels = base::split(rest, '.');
        HostName name;
        if (auto taken = service_suffix(labels, name)) {
            size_t suffix = 0;
            for (size_t i = labels.size() - *taken; i < labels.size(); ++i)
                suffix += labels[i].size() + 1;
            if (rest.size() >= suffix) name.bucket = rest.substr(0, rest.size() - suffix);
            return name;
        }
        // What a client without path style makes of the endpoint http://localhost:PORT.
        if (domain == "localhost") {
            name.bucket = rest;
            return name;
        }
    }
    return std::nullopt;
}

// Percent-decoding of a path: strict, and `+` is a space (measured on AWS: imgix/js-core#88).
std::string decode_path(std::string_view raw) {
    std::string out;
    out.reserve(raw.size());
    for (size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] == '+') {
            out += ' ';
        } else if (raw[i] == '%') {
            auto byte = i + 2 < raw.size() ? base::from_hex(raw.substr(i + 1, 2)) : std::nullopt;
            if (!byte) throw invalid_uri();
            out += *byte;
            i += 2;
        } else {
            out += raw[i];
        }
    }
    if (!base::is_valid_utf8(out)) throw invalid_uri();
    return out;
}

// GUESS: AWS counts from the root of the request path; we count from the bucket in both styles, so
// a key never names anything outside its own bucket. Empty and `.` segments do not go down.
bool climbs_out(std::string_view key) {
    int depth = 0;
    for (std::string_view segment : base::split(key, '/')) {
        if (segment == "..") {
            if (--depth < 0) return true;
        } else if (!segment.empty() && segment != ".") {
            ++depth;
        }
    }
    return false;
}

}  // namespace

bool is_region_name(std::string_view name) {
    auto parts = base::split(name, '-');
    if (parts.size() < 3 || parts[0].size() != 2) return false;
    for (size_t i = 0; i + 1 < parts.size(); ++i)
        if (parts[i].empty() ||
            !std::ranges::all_of(parts[i], [](char c) { return c >= 'a' && c <= 'z'; }))
            return false;
    return parts.back().size() == 1 && parts.back()[0] >= '1' && parts.back()[0] <= '9';
}

// S3 guide, "General purpose bucket naming rules".
bool is_valid_bucket_name(std::string_view name) {
    if (name.size() < 3 || name.size() > 63) return false;
    if (!is_lower_or_digit(name.front()) || !is_lower_or_digit(name.back())) return false;
    if (!std::ranges::all_of(name,
                             [](char c) { return is_lower_or_digit(c) || c == '.' || c == '-'; }))
        return false;
    if (name.find("..") != std::string_view::npos || is_ipv4(name)) return false;
    for (std::string_view prefix : {"xn--", "sthree-", "amzn-s3-demo-"})
        if (name.starts_with(prefix)) return false;
    for (std::string_view suffix : {"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"})
        if (name.ends_with(suffix)) return false;
    return true;
}

bool is_s3_host(std::string_view host) {
    std::string name = base::lower(without_port(host));
    if (name == "localhost" || name == "amazonaws.com") return false;
    auto labels = base::split(name, '.');
    HostName parsed;
    for (std::string_view domain :
         {std::string_view(".localhost"), std::string_view(".amazonaws.com")}) {
        if (!name.ends_with(domain)) continue;
        std::string_view rest = std::string_view(name).substr(0, name.size() - domain.size());
        return service_suffix(base::split(rest, '.'), parsed).has_value();
    }
    return false;
}

Address parse_address(std::string_view host, std::string_view path,
                      const std::function<bool(std::string_view)>& is_bucket, UnknownHost unknown) {
    Address address;
    std::string name = base::lower(without_port(host));
    if (name.ends_with('.')) name.pop_back();
    std::string decoded = decode_path(path.starts_with('/') ? path.substr(1) : path);

    if (!name.empty() && !is_ipv4(name) && !name.starts_with('[')) {
        if (auto parsed = parse_host(name)) {
            address.region = parsed->region;
            if (parsed->website || !parsed->bucket.empty()) {
                address.style = parsed->website ? Style::Website : Style::VirtualHost;
                address.bucket = parsed->bucket;
            }
        } else if (unknown == UnknownHost::IsBucket || is_bucket(name)) {
            address.style = Style::VirtualHost;
            address.bucket = name;
        }
    }
    if (address.style == Style::Path) {
        size_t slash = decoded.find('/');
        address.bucket = decoded.substr(0, slash);
        address.key = slash == std::string::npos ? "" : decoded.substr(slash + 1);
        address.climbs = address.bucket == "..";
    } else {
        address.key = std::move(decoded);
    }
    address.climbs = address.climbs || climbs_out(address.key);
    return address;
}

std::string encode_key(std::string_view key) {
    return base::percent_encode(key, base::Slash::Keep);
}

}  // namespace s3

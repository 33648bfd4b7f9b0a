// Address: Host and path of a request to bucket and key: path style, virtual-host style, website
// hosts, and hosts that are bucket names. S3 guide, "Virtual hosting of general purpose buckets".
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace s3 {

enum class Style : uint8_t { Path, VirtualHost, Website };

struct Address {
    Style style = Style::Path;
    std::string bucket;   // "" = the service itself
    std::string key;      // decoded once; "" = the bucket
    bool climbs = false;  // a `..` leaves the bucket: AWS's bare 400
    std::string region;   // that the host names, "" if none
};

// How a host that is neither ours nor AWS's is read. AWS takes the whole of it for a bucket; here
// only existing buckets are, unless the request came through the edge with the viewer's Host.
enum class UnknownHost : uint8_t { IsBucketIfItExists, IsBucket };

// `path` is raw. Throws aws::Error InvalidURI for bad escapes and bad UTF-8.
Address parse_address(std::string_view host, std::string_view path,
                      const std::function<bool(std::string_view)>& is_bucket,
                      UnknownHost unknown = UnknownHost::IsBucketIfItExists);

// Whether a host belongs to S3 (service, bucket or website), for whoever shares a port with it.
bool is_s3_host(std::string_view host);

bool is_valid_bucket_name(std::string_view name);
bool is_region_name(std::string_view name);

// For Location headers and copy results: the path of a key, percent-encoded once, slashes kept.
std::string encode_key(std::string_view key);

}  // namespace s3

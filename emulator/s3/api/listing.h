// Parameters that all lists of S3 have.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "s3/listing.h"
#include "s3/operation.h"
#include "s3/xml.h"

namespace s3 {

// encoding-type: what it does to keys, prefixes and markers of the answer.
struct Encoding {
    bool url = false;
    std::string operator()(std::string_view text) const {
        return url ? encode_for_listing(text) : std::string(text);
    }
};
Encoding parse_encoding(const Request& request);
// max-keys, max-uploads, max-parts: at most 1000, 1000 when absent or empty; throws with S3's two
// texts.
size_t parse_max(const Request& request, std::string_view parameter,
                 std::string_view negative_text);
void write_common_prefixes(XmlWriter& xml, const std::vector<std::string>& prefixes,
                           Encoding encoding);

}  // namespace s3

// The pages CloudFront writes itself: the error page, the redirect page and the XML of refused
// signatures, byte for byte as captured from the real service.
#pragma once
#include <string>
#include <string_view>

namespace cloudfront {

std::string error_page(int status, std::string_view sentence, std::string_view request_id);
std::string redirect_page(int status);  // 301 or 307; 167 bytes for a 301
std::string signature_error(std::string_view code, std::string_view message);

}  // namespace cloudfront

// Headers that belong to one connection and are not passed on. RFC 9110 §7.6.1.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace http {

bool is_hop_by_hop(std::string_view name);
// What `Connection` names besides, in lower case; close, keep-alive and upgrade are options, not
// names.
std::vector<std::string> nominated_headers(const HeaderList& headers);
size_t remove_hop_by_hop(HeaderList& headers);  // both kinds; how many went

}  // namespace http

// The image that tests run: one static program (tests/probe) and the users root and app; it needs
// neither network nor base image.
#pragma once
#include <string>

#include "oci/layout.h"

namespace support {

// Writes it, named "probe:latest", into the layout. `program` is the path of dodam-probe. Throws
// std::runtime_error with one sentence.
void make_probe_image(oci::ImageLayout& layout, const std::string& program);

}  // namespace support

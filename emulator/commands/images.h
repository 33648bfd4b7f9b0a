// Images without an engine, as `dodam image` and the stand-in for docker use them: one cache for
// every instance of this user, one builder.
#pragma once
#include <string>
#include <vector>

#include "scenarios/workflow/image_builder.h"

namespace commands {

// Built images (below built/) and unpacked layers are shared by every instance of this user: a
// layer is its digest.
std::string image_cache_directory();

// Prints the steps, and what is wrong. The image gets all of the names.
int build_image(scenarios::BuildOptions options, const std::vector<std::string>& names);

}  // namespace commands

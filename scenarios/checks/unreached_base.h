// A base image that a Docker engine lacks, and whose registry it does not reach: found in what was
// written about it, and what is said instead. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace checks {

// The words of Docker's client and engine for a registry that gave no answer.
bool tells_of_no_answer(std::string_view text);

// The image, when that is what failed in a build's output; "" when it is not. Ours names it itself
// (commands/engine_bases), the classic builder in its step, BuildKit in its error.
std::string unreached_base(const std::vector<std::string>& lines);

std::string cause_of_unreached_base(const std::string& image);
std::string way_out_of_unreached_base(const std::string& image);

}  // namespace checks

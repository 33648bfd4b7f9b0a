// Matrices: the combinations that a job runs in. Pure. Source: GitHub docs, "Running variations of
// jobs in a workflow": include extends the combinations whose values it would not change, else it
// makes a new one.
#pragma once
#include <expected>
#include <string>
#include <vector>

#include "scenarios/workflow/value.h"

namespace workflow {

inline constexpr size_t kMaxMatrixJobs = 256;

// `matrix` is strategy.matrix with its expressions replaced. An error is one sentence.
std::expected<std::vector<Value>, std::string> expand_matrix(const Value& matrix);

// "build (20, linux)".
std::string matrix_name(const std::string& job, const Value& combination);

}  // namespace workflow

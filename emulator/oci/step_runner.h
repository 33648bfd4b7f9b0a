// StepRunner: executes one RUN of a Dockerfile inside an image that is being built. The builder
// knows no sandbox; the emulator's holder is one (containers/build_runner).
#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "oci/digest.h"

namespace oci {

// Where a build tells what it does, line by line.
class BuildLog {
  public:
    virtual ~BuildLog() = default;
    virtual void line(std::string_view text) = 0;
};

struct RunStep {
    std::vector<Digest> layers;  // diff ids, base first; all in the layer store
    std::vector<std::string> command;
    std::vector<std::string> environment;  // NAME=value
    std::string working_directory, user;
};

struct RunOutcome {
    int exit_code = 0;
    std::string changes;  // a directory as overlayfs writes it, to be packed; the caller removes it
    std::vector<std::string> refused_names;  // hosts that the step asked for and did not get
};

class StepRunner {
  public:
    virtual ~StepRunner() = default;
    // An error is one sentence: the step could not even start.
    virtual std::expected<RunOutcome, std::string> run(const RunStep& step, BuildLog& log) = 0;
};

}  // namespace oci

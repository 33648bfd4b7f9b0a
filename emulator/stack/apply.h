// Apply: makes the stack of the file by calling the operations that a client would call, in an
// order in which each finds what it refers to. A second time it creates what is missing and updates
// what differs, except what a deploy owns: a service's task definition and a bucket's objects.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "stack/api_client.h"
#include "stack/stack_file.h"

namespace stack {

enum class Outcome { Created, Updated, Unchanged };

struct Applied {
    std::string kind, name;  // as in the file
    Outcome outcome;
};

// What was applied last, to see what differs: kind.name to the digest of its resolved entry.
class AppliedDigests {
  public:
    explicit AppliedDigests(std::string file);
    bool is_same(const std::string& thing, const base::Node& entry) const;
    void remember(const std::string& thing, const base::Node& entry);
    void save() const;  // what cannot be written is applied again next time

  private:
    std::string file_;
    base::Node digests_ = base::Node::object();
};

// Values that secrets and parameters get at creation.
using Progress = std::function<void(const Applied&)>;

// The first operation that fails ends it: the problem names the entry's place in the file and AWS's
// answer.
std::expected<void, Problem> apply(const Stack& stack, ApiClient& api, AppliedDigests& digests,
                                   const SecretValue& secret, const Progress& progress);

}  // namespace stack

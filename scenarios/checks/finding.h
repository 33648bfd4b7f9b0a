// Finding: what a check has to say: which check, how bad, where, what is wrong and what to do about
// it.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"

namespace checks {

enum class Severity { Warning, Error };

struct Finding {
    std::string id;
    Severity severity = Severity::Error;
    std::string layer;        // "workflow", "image", "edge" …: whose fault it is
    std::string file;         // from the repository's top; "" when it is about no file
    base::Position position;  // line 0: about the whole file
    std::string message;      // what is wrong, and what follows from it
    std::string next;         // what to do about it
    std::string silenced;     // the reason somebody gave; "" = it counts
    std::string about;        // the distribution of the stack that it is about; "" = none
    // Requests that showed it ("GET /auth/me"): without any it was read, not seen.
    std::vector<std::string> seen_in;
};

// "file:12:3", "file", or "".
std::string place_of(const std::string& file, base::Position position);

}  // namespace checks

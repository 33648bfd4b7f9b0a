// Verdicts: which inputs were judged GO. A gate whose inputs are those of a remembered GO needs no
// run; a NO GO is never remembered: what was wrong may have been the machine's. Source: harness.md
// §4.4.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace push {

inline constexpr size_t kKeptVerdicts = 50;

// Everything a verdict depends on, by name. Only digests of it are kept: some are secrets.
struct Inputs {
    std::vector<std::pair<std::string, std::string>> parts;

    void add(std::string name, std::string value) {
        parts.emplace_back(std::move(name), std::move(value));
    }
    std::string key() const;
    // The same, had this part been another.
    Inputs with(std::string_view name, std::string value) const;
};

struct Verdict {
    std::string key;
    std::vector<std::pair<std::string, std::string>> digests;  // of the parts
    int64_t at_ms = 0;
    std::string commit, run;  // the run's recording
};

// Newest first. What cannot be read was written by another version: nothing is remembered.
std::vector<Verdict> read_verdicts(std::string_view text);
std::string write_verdicts(const std::vector<Verdict>& verdicts);

// The newest stands first, each key once, the oldest go.
void remember(std::vector<Verdict>& verdicts, const Inputs& inputs, int64_t now_ms,
              const std::string& commit, const std::string& run);

// The first of the inputs that were a GO: those of this run, or of a run that holds all of it.
const Verdict* recall(const std::vector<Verdict>& verdicts, const std::vector<Inputs>& any_of);

// What is not as it was at the newest GO, as names of parts; empty without one.
std::vector<std::string> changed_since(const std::vector<Verdict>& verdicts, const Inputs& inputs);

}  // namespace push

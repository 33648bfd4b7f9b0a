// dodam.json: the stack that production's console holds. Read with positions, checked as a whole
// (all problems at once, each with file:line:column and a suggestion), and its references resolved:
// the identifiers of everything are known before anything is made.
#pragma once
#include <expected>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/json.h"

namespace stack {

struct Problem {
    base::Position position;
    std::string message;
    std::string hint;  // the next step, "" when the message says it
};

// Values of secrets by their name in the file; an error is one sentence.
using SecretValue = std::function<std::expected<std::string, std::string>(const std::string& name)>;

struct Stack {
    std::string file;       // "" for an empty stack
    std::string directory;  // of the file: paths in it are relative to this
    std::string account = "000000000000";
    std::string region = "us-east-1";
    double speed = 1;
    // The file with every reference replaced; positions kept.
    base::Node root = base::Node::object();

    const base::Node& section(std::string_view kind) const { return root[kind]; }
    std::string path(std::string_view relative) const;
};

// Reads, checks and resolves. Pins every identifier in `ids` (see attributes.h) so that the create
// operations give what the file's references say. On problems nothing was made.
std::expected<Stack, std::vector<Problem>> read_stack(const std::string& file,
                                                      const SecretValue& secret);

// "dodam.json:12:5: error: …" with the line and a caret, and the hint below.
std::string show(const std::string& file, const std::string& text, const Problem& problem);

// The JSON Schema (draft-07) of the file, made from the table that checks it.
base::Node schema();

}  // namespace stack

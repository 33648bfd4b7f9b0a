// Expressions in a workflow's values: a node becomes a value, texts or a decision within a scope,
// or a trouble with the place where it stands. Pure.
#pragma once
#include <expected>
#include <map>
#include <string>

#include "scenarios/workflow/expression.h"
#include "scenarios/workflow/model.h"
#include "scenarios/workflow/value.h"

namespace workflow {

using Texts = std::map<std::string, std::string>;

// A run stops with a sentence: an expression that cannot be evaluated, a file that cannot be read.
struct Trouble {
    std::string message;
    Position position;
};

template <class T>
using Outcome = std::expected<T, Trouble>;

// What a workflow file's expressions are evaluated in, and where its nodes stand.
struct FileScope {
    const std::string& file;
    const std::string& text;
};

Outcome<Value> expand_node(const YamlNode& node, const Scope& scope, const FileScope& file,
                           Keep keep);
// No node: the fallback.
Outcome<std::string> expand_text(const YamlNode* node, const Scope& scope, const FileScope& file,
                                 const std::string& fallback = {});
// A mapping's values, as they are written where they hold no expression.
Outcome<Texts> expand_texts(const YamlNode* node, const Scope& scope, const FileScope& file);
// An if: condition; no node means success().
Outcome<bool> decide(const YamlNode* node, const Scope& scope, const FileScope& file);

Value object_of(const Texts& texts);

}  // namespace workflow

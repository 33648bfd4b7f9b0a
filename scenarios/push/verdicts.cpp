// Remembered verdicts, as JSON.
#include "scenarios/push/verdicts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "base/json.h"

namespace push {
namespace {

using base::Node;

constexpr int kVersion = 1;
constexpr size_t kDigestShown = 16;  // hex digits of a part's digest

std::vector<std::pair<std::string, std::string>> digests_of(const Inputs& inputs) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& [name, value] : inputs.parts)
        out.emplace_back(name, base::sha256_hex(value).substr(0, kDigestShown));
    return out;
}

}  // namespace

std::string Inputs::key() const {
    std::string all;  // lengths in front: no two lists of parts are the same text
    for (const auto& [name, value] : parts)
        all += fmt::format("{}:{}{}:{}", name.size(), name, value.size(), value);
    return base::sha256_hex(all);
}

Inputs Inputs::with(std::string_view name, std::string value) const {
    Inputs out = *this;
    for (auto& [part, held] : out.parts)
        if (part == name) held = value;
    return out;
}

std::vector<Verdict> read_verdicts(std::string_view text) {
    std::vector<Verdict> out;
    auto parsed = base::parse_json(text);
    if (!parsed || (*parsed)["version"].as_int() != kVersion) return out;
    for (const Node& each : (*parsed)["go"].items()) {
        Verdict verdict{.key = each["key"].as_string(),
                        .at_ms = each["at_ms"].as_int(),
                        .commit = each["commit"].as_string(),
                        .run = each["run"].as_string()};
        for (const auto& [name, digest] : each["inputs"].members())
            verdict.digests.emplace_back(name, digest.as_string());
        if (!verdict.key.empty()) out.push_back(std::move(verdict));
    }
    return out;
}

std::string write_verdicts(const std::vector<Verdict>& verdicts) {
    Node go = Node::array();
    for (const Verdict& verdict : verdicts) {
        Node inputs = Node::object();
        for (const auto& [name, digest] : verdict.digests)
            inputs.set(name, digest);
        go.push_back(Node::object({{"key", verdict.key},
                                   {"at_ms", verdict.at_ms},
                                   {"commit", verdict.commit},
                                   {"run", verdict.run},
                                   {"inputs", std::move(inputs)}}));
    }
    return base::to_json(Node::object({{"version", kVersion}, {"go", std::move(go)}}), 2) + "\n";
}

void remember(std::vector<Verdict>& verdicts, const Inputs& inputs, int64_t now_ms,
              const std::string& commit, const std::string& run) {
    const std::string key = inputs.key();
    std::erase_if(verdicts, [&](const Verdict& each) { return each.key == key; });
    verdicts.insert(verdicts.begin(), Verdict{key, digests_of(inputs), now_ms, commit, run});
    if (verdicts.size() > kKeptVerdicts) verdicts.resize(kKeptVerdicts);
}

const Verdict* recall(const std::vector<Verdict>& verdicts, const std::vector<Inputs>& any_of) {
    for (const Inputs& inputs : any_of) {
        const auto found = std::ranges::find(verdicts, inputs.key(), &Verdict::key);
        if (found != verdicts.end()) return &*found;
    }
    return nullptr;
}

std::vector<std::string> changed_since(const std::vector<Verdict>& verdicts, const Inputs& inputs) {
    std::vector<std::string> out;
    if (verdicts.empty()) return out;
    const auto& then = verdicts.front().digests;
    for (const auto& part : digests_of(inputs))
        if (std::ranges::find(then, part) == then.end()) out.push_back(part.first);
    return out;
}

}  // namespace push

#include "scenarios/checks/explanation.h"

#include <algorithm>

#include "base/text.h"
#include "scenarios/checks/checks.h"

namespace checks {
namespace {

bool has_words_of(const Check& check, std::string_view message) {
    if (check.explains.empty()) return false;
    for (std::string_view words : base::split(check.explains, '|'))
        if (message.find(words) != std::string_view::npos) return true;
    return false;
}

bool holds(const std::vector<std::string>& list, const std::string& one) {
    return std::ranges::find(list, one) != list.end();
}

// 0: it has nothing to do with the failure.
int weight(const Finding& finding, const Failure& failure) {
    const Check* check = find_check(finding.id);
    if (!check || !finding.silenced.empty() || !has_words_of(*check, failure.message)) return 0;
    if (!finding.about.empty() && !failure.distribution.empty() &&
        finding.about != failure.distribution)
        return 0;
    return 1 + (holds(finding.seen_in, failure.request) ? 16 : 0) +
           (!finding.about.empty() && finding.about == failure.distribution ? 8 : 0) +
           (finding.seen_in.empty() ? 0 : 4) + (finding.severity == Severity::Error ? 2 : 0);
}

}  // namespace

void confirm(std::vector<Finding>& findings, std::vector<Finding> seen) {
    std::vector<Finding> alone;
    for (Finding& one : seen) {
        const Check* check = find_check(one.id);
        auto read = std::ranges::find_if(findings, [&](const Finding& finding) {
            return check && finding.id == check->confirms && finding.about == one.about &&
                   finding.silenced.empty();
        });
        if (read == findings.end() || !one.silenced.empty()) {
            alone.push_back(std::move(one));
            continue;
        }
        read->message += (read->seen_in.empty() ? "; seen: " : "; ") + one.message;
        read->layer = one.layer;
        read->seen_in.insert(read->seen_in.end(), one.seen_in.begin(), one.seen_in.end());
    }
    findings.insert(findings.begin(), std::make_move_iterator(alone.begin()),
                    std::make_move_iterator(alone.end()));
}

const Finding* best_explanation(const std::vector<Finding>& findings, const Failure& failure) {
    const Finding* best = nullptr;
    int most = 0;
    for (const Finding& finding : findings)
        if (const int its = weight(finding, failure); its > most) {
            most = its;
            best = &finding;
        }
    return best;
}

}  // namespace checks

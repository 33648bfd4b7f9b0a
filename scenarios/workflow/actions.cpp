#include "scenarios/workflow/actions.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "scenarios/runner/aws_client.h"
#include "scenarios/workflow/runner.h"

namespace workflow {
namespace {
constexpr auto kCall = base::seconds(60);
}

std::span<const BuiltInAction> built_in_actions() {
    static const std::vector<BuiltInAction> all = [] {
        std::vector<BuiltInAction> out;
        for (const auto& table : {aws_actions, ecs_actions, source_actions})
            out.insert(out.end(), table.begin(), table.end());
        return out;
    }();
    return all;
}

const BuiltInAction* built_in_action(std::string_view name) {
    for (const BuiltInAction& action : built_in_actions())
        if (base::equals_ignoring_case(action.name, name)) return &action;
    return nullptr;
}

std::expected<base::Node, std::string> call_aws(ActionCall& call, std::string_view operation,
                                                const base::Node& input) {
    scenarios::World world = call.setup.world;
    if (const std::string key = call.variable("AWS_ACCESS_KEY_ID"); !key.empty()) {
        world.access_key = key;
        world.secret_key = call.variable("AWS_SECRET_ACCESS_KEY");
        world.session_token = call.variable("AWS_SESSION_TOKEN");
    } else {
        return std::unexpected("Could not load credentials from any providers");
    }
    if (const std::string region = call.variable("AWS_REGION"); !region.empty())
        world.region = region;
    base::SystemClock clock;
    scenarios::Context context(world, clock, call.workspace);
    context.deadline = clock.real_now() + kCall;
    auto answer = scenarios::call_aws(context, operation, input);
    if (!answer)
        return std::unexpected(answer.error().message.empty() ? answer.error().code
                                                              : answer.error().message);
    return std::move(*answer);
}

bool is_true(const std::string& text) {
    return text == "true" || text == "True" || text == "TRUE";
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> out;
    for (std::string_view line : base::split(text, '\n'))
        if (line = base::trim(line); !line.empty()) out.emplace_back(line);
    return out;
}

}  // namespace workflow

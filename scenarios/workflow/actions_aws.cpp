// aws-actions/configure-aws-credentials (as v4.3.1) and aws-actions/amazon-ecr-login (as v2.1.7).
#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/result.h"
#include "base/text.h"
#include "scenarios/workflow/actions.h"
#include "scenarios/workflow/runner.h"

namespace workflow {
namespace {

using base::Node;
using Done = std::expected<void, std::string>;

constexpr auto kAsk = base::seconds(30);

void export_variable(ActionCall& call, const std::string& name, const std::string& value) {
    call.exported.emplace_back(name, value);
    call.environment[name] = value;
}

void export_keys(ActionCall& call, const std::string& key, const std::string& secret,
                 const std::string& token) {
    for (const std::string& value : {key, secret, token})
        if (!value.empty()) call.masks.push_back(value);
    export_variable(call, "AWS_ACCESS_KEY_ID", key);
    export_variable(call, "AWS_SECRET_ACCESS_KEY", secret);
    // An earlier session's token would make these keys useless.
    if (!token.empty() || !call.variable("AWS_SESSION_TOKEN").empty())
        export_variable(call, "AWS_SESSION_TOKEN", token);
}

// The job's identity token, over the wire as the toolkit asks for it.
std::expected<std::string, std::string> identity_token(ActionCall& call,
                                                       const std::string& audience) {
    const std::string url = call.variable("ACTIONS_ID_TOKEN_REQUEST_URL");
    const std::string prefix = call.setup.world.aws_endpoint + "/_dodam/v1";
    if (!url.starts_with(prefix))
        return std::unexpected(
            "Error message: Unable to get ACTIONS_ID_TOKEN_REQUEST_URL env variable");
    base::SystemClock clock;
    scenarios::Context context(call.setup.world, clock, call.workspace);
    context.deadline = clock.real_now() + kAsk;
    auto answer = context.control.get(url.substr(prefix.size()) +
                                      "&audience=" + base::percent_encode(audience));
    if (!answer) return std::unexpected("Failed to get ID Token. " + answer.error().message);
    return (*answer)["value"].as_string();
}

Done assume_role(ActionCall& call, bool by_identity) {
    std::string role = call.input("role-to-assume");
    if (!role.starts_with("arn:aws")) {
        if (by_identity)
            return std::unexpected(
                "Source Account ID is needed if the Role Name is provided and not the Role Arn.");
        const Node caller = TRY(call_aws(call, "sts.GetCallerIdentity", Node::object()));
        role = fmt::format("arn:aws:iam::{}:role/{}", caller["Account"].as_string(), role);
    }
    const std::string session = call.input("role-session-name");
    Node input = Node::object();
    input.set("RoleArn", role);
    input.set("RoleSessionName", session.empty() ? "GitHubActions" : session);
    const auto seconds = base::parse_unsigned(call.input("role-duration-seconds"));
    input.set("DurationSeconds", static_cast<int64_t>(seconds.value_or(3600)));
    std::expected<Node, std::string> answer;
    if (by_identity) {
        auto token = identity_token(call, call.input("audience"));
        if (!token) return std::unexpected("getIDToken call failed: " + token.error());
        call.masks.push_back(*token);
        input.set("WebIdentityToken", *token);
        // The real one sends no signature here; the stack's own key stands for that.
        const auto environment = call.environment;
        call.environment["AWS_ACCESS_KEY_ID"] = call.setup.world.access_key;
        call.environment["AWS_SECRET_ACCESS_KEY"] = call.setup.world.secret_key;
        call.environment.erase("AWS_SESSION_TOKEN");
        answer = call_aws(call, "sts.AssumeRoleWithWebIdentity", input);
        call.environment = environment;
        if (!answer) return std::unexpected("Could not assume role with OIDC: " + answer.error());
    } else {
        if (!call.input("role-external-id").empty())
            input.set("ExternalId", call.input("role-external-id"));
        answer = call_aws(call, "sts.AssumeRole", input);
        if (!answer)
            return std::unexpected("Could not assume role with user credentials: " +
                                   answer.error());
    }
    const Node& credentials = (*answer)["Credentials"];
    export_keys(call, credentials["AccessKeyId"].as_string(),
                credentials["SecretAccessKey"].as_string(),
                credentials["SessionToken"].as_string());
    call.say(fmt::format("Authenticated as assumedRoleId {}",
                         (*answer)["AssumedRoleUser"]["AssumedRoleId"].as_string()));
    return {};
}

bool is_region(std::string_view text) {
    return !text.empty() &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == text.npos;
}

Done configure(ActionCall& call) {
    const std::string region = call.input("aws-region");
    if (!is_region(region)) return std::unexpected("Region is not valid: " + region);
    if (is_true(call.input("unset-current-credentials")))
        for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                                 "AWS_REGION", "AWS_DEFAULT_REGION"})
            export_variable(call, name, "");
    export_variable(call, "AWS_DEFAULT_REGION", region);
    export_variable(call, "AWS_REGION", region);

    const std::string key = call.input("aws-access-key-id"),
                      secret = call.input("aws-secret-access-key"),
                      role = call.input("role-to-assume");
    const bool by_identity = !role.empty() && key.empty() &&
                             call.input("web-identity-token-file").empty() &&
                             !is_true(call.input("role-chaining"));
    if (!key.empty()) {
        if (secret.empty())
            return std::unexpected(
                "'aws-secret-access-key' must be provided if 'aws-access-key-id' is provided");
        export_keys(call, key, secret, call.input("aws-session-token"));
    } else if (by_identity) {
        if (!call.may_ask_identity) {
            call.say(
                "It looks like you might be trying to authenticate with OIDC. Did you mean to set "
                "the `id-token` "
                "permission? If you are not trying to authenticate with OIDC and the action is "
                "working "
                "successfully, you can ignore this message.");
            return std::unexpected(
                "Credentials could not be loaded, please check your action inputs: Could not load "
                "credentials from any "
                "providers");
        }
    } else if (call.variable("AWS_ACCESS_KEY_ID").empty()) {
        return std::unexpected(
            "Credentials could not be loaded, please check your action inputs: Could not load "
            "credentials from any "
            "providers");
    }
    if (!role.empty()) TRY(assume_role(call, by_identity));

    auto caller = call_aws(call, "sts.GetCallerIdentity", Node::object());
    if (!caller) return std::unexpected(caller.error());
    const std::string account = (*caller)["Account"].as_string(),
                      arn = (*caller)["Arn"].as_string();
    std::vector<std::string> allowed;
    for (std::string_view each : base::split(call.input("allowed-account-ids"), ','))
        if (each = base::trim(each); !each.empty()) allowed.emplace_back(each);
    if (!allowed.empty() && std::ranges::find(allowed, account) == allowed.end())
        return std::unexpected(
            fmt::format("The account ID of the provided credentials ({}) does not match any of the "
                        "expected account "
                        "IDs: {}",
                        account, base::join(allowed, ", ")));
    if (is_true(call.input("mask-aws-account-id"))) call.masks.push_back(account);
    call.outputs.emplace_back("aws-account-id", account);
    call.outputs.emplace_back("authenticated-arn", arn);
    if (is_true(call.input("output-credentials"))) {
        call.outputs.emplace_back("aws-access-key-id", call.variable("AWS_ACCESS_KEY_ID"));
        call.outputs.emplace_back("aws-secret-access-key", call.variable("AWS_SECRET_ACCESS_KEY"));
        call.outputs.emplace_back("aws-session-token", call.variable("AWS_SESSION_TOKEN"));
    }
    call.detail = arn;
    return {};
}

Done forget_credentials(ActionCall& call) {
    for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                             "AWS_DEFAULT_REGION", "AWS_REGION"})
        export_variable(call, name, "");
    return {};
}

constexpr BuiltInInput kCredentialInputs[] = {
    {"aws-region", "", true},
    {"role-to-assume", ""},
    {"aws-access-key-id", ""},
    {"aws-secret-access-key", ""},
    {"aws-session-token", ""},
    {"web-identity-token-file", ""},
    {"role-chaining", ""},
    {"audience", "sts.amazonaws.com"},
    {"http-proxy", ""},
    {"no-proxy", ""},
    {"mask-aws-account-id", ""},
    {"role-duration-seconds", ""},
    {"role-external-id", ""},
    {"role-session-name", "GitHubActions"},
    {"role-skip-session-tagging", ""},
    {"inline-session-policy", ""},
    {"managed-session-policies", ""},
    {"output-credentials", ""},
    {"output-env-credentials", "true"},
    {"unset-current-credentials", ""},
    {"disable-retry", ""},
    {"retry-max-attempts", ""},
    {"special-characters-workaround", ""},
    {"use-existing-credentials", ""},
    {"allowed-account-ids", ""},
    {"force-skip-oidc", ""},
    {"action-timeout-s", ""},
    {"sts-endpoint", ""},
};
constexpr std::string_view kCredentialOutputs[] = {"aws-account-id",    "authenticated-arn",
                                                   "aws-access-key-id", "aws-secret-access-key",
                                                   "aws-session-token", "aws-expiration"};

// ---- amazon-ecr-login

Done login(ActionCall& call) {
    if (call.input("registry-type") == "public")
        return std::unexpected("registry-type public is ECR Public, which the stack does not have");
    Node input = Node::object();
    std::vector<std::string> ids;
    for (std::string_view each : base::split(call.input("registries"), ','))
        if (each = base::trim(each); !each.empty()) ids.emplace_back(each);
    if (!ids.empty()) {
        Node list = Node::array();
        for (const std::string& id : ids)
            list.push_back(id);
        input.set("registryIds", std::move(list));
    }
    const Node answer = TRY(call_aws(call, "ecr.GetAuthorizationToken", input));
    const auto& data = answer["authorizationData"].items();
    if (data.empty())
        return std::unexpected("Amazon ECR authorization token returned no authorization data");
    std::string registries;
    for (const Node& each : data) {
        const auto decoded = base::from_base64(each["authorizationToken"].as_string()).value_or("");
        const auto [user, password] = base::cut(decoded, ':');
        const std::string endpoint = each["proxyEndpoint"].as_string();
        const std::string registry = endpoint.substr(
            endpoint.find("://") == std::string::npos ? 0 : endpoint.find("://") + 3);
        if (is_true(call.input("mask-password"))) call.masks.emplace_back(password);
        std::string suffix;
        for (char c : registry)
            suffix += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
        std::string said;
        const auto show = call.say;
        call.say = [&](std::string_view line) { said += std::string(line) + "\n"; };
        auto ended = call.run(
            {"docker", "login", "-u", std::string(user), "-p", std::string(password), endpoint},
            {});
        call.say = show;
        if (!ended) return std::unexpected(ended.error());
        if (ended->exit_code != 0) {
            call.say(said);
            return std::unexpected("Could not login to registry " + registry + ": " +
                                   std::string(base::trim(said)));
        }
        call.say("Logged into registry " + registry);
        call.outputs.emplace_back("docker_username_" + suffix, user);
        call.outputs.emplace_back("docker_password_" + suffix, password);
        if (data.size() == 1) call.outputs.emplace_back("registry", registry);
        registries += (registries.empty() ? "" : ",") + registry;
        call.detail = registries;
    }
    call.saved.emplace_back("registries", registries);
    return {};
}

Done logout(ActionCall& call) {
    if (is_true(call.input("skip-logout"))) return {};
    for (std::string_view registry : base::split(call.state["registries"], ',')) {
        if (registry.empty()) continue;
        auto ended = call.run({"docker", "logout", std::string(registry)}, {});
        if (!ended) return std::unexpected(ended.error());
        if (ended->exit_code != 0)
            return std::unexpected("Failed to logout: " + std::string(registry));
    }
    return {};
}

constexpr BuiltInInput kLoginInputs[] = {
    {"http-proxy", ""},           {"mask-password", "true"}, {"registries", ""},
    {"registry-type", "private"}, {"skip-logout", "false"},
};
constexpr std::string_view kLoginOutputs[] = {"registry", "docker_username_*", "docker_password_*"};

constexpr BuiltInAction kActions[] = {
    {"aws-actions/configure-aws-credentials", "v4.3.1", kCredentialInputs, kCredentialOutputs,
     configure, forget_credentials},
    {"aws-actions/amazon-ecr-login", "v2.1.7", kLoginInputs, kLoginOutputs, login, logout},
};

}  // namespace

const std::span<const BuiltInAction> aws_actions = kActions;

}  // namespace workflow

// How commands reach the running instance.
#include "commands/client.h"

#include <fmt/format.h>
#include <httplib.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/text.h"

namespace commands {
namespace {

constexpr int kReadTimeoutSeconds = 120;

}  // namespace

int fail(int code, const std::string& sentence) {
    fmt::print(stderr, "dodam: {}\n", sentence);
    return code;
}

int fail(const Refusal& refusal) {
    return fail(refusal.exit_code, refusal.sentence);
}

std::expected<uint64_t, int> count_of(const Arguments& arguments, const std::string& flag,
                                      uint64_t fallback) {
    if (!arguments.has(flag)) return fallback;
    auto number = base::parse_unsigned(arguments.get(flag));
    if (!number || *number == 0)
        return std::unexpected(fail(
            kWrongInput,
            fmt::format("--{} takes a number from 1 up, not \"{}\"", flag, arguments.get(flag))));
    return *number;
}

std::string state_directory(const Arguments& arguments) {
    // A script that dodam started acts on the instance that it was started for.
    if (const char* given = std::getenv("DODAM_STATE");
        given && *given && !arguments.has("state") && !arguments.has("file"))
        return given;
    std::string file = arguments.get("file");
    if (file.empty() && std::filesystem::exists("dodam.json")) file = "dodam.json";
    return state::StateDirectory::choose(arguments.get("state"), file);
}

std::expected<Client, int> Client::find(const Arguments& arguments) {
    Client client;
    client.directory_ = state_directory(arguments);
    auto info = state::StateDirectory::running(client.directory_);
    if (!info)
        return std::unexpected(fail(
            kNotStarted,
            fmt::format("no emulator is running for {}; start one with `dodam up`, or name its "
                        "directory with --state",
                        client.directory_)));
    client.info_ = std::move(*info);
    return client;
}

std::expected<base::Node, Refusal> Client::get(const std::string& path) const {
    return call("GET", path, "");
}

std::expected<base::Node, Refusal> Client::post(const std::string& path,
                                                const base::Node& body) const {
    return call("POST", path, base::to_json(body));
}

std::expected<base::Node, Refusal> Client::call(const std::string& method, const std::string& path,
                                                const std::string& body) const {
    httplib::Client http(info_.aws_endpoint);
    http.set_tcp_nodelay(true);
    http.set_read_timeout(kReadTimeoutSeconds);
    httplib::Headers headers{{"X-Dodam-Token", info_.token}};
    auto result = method == "GET"
                      ? http.Get(("/_dodam/v1" + path).c_str(), headers)
                      : http.Post(("/_dodam/v1" + path).c_str(), headers, body, "application/json");
    if (!result)
        return std::unexpected(Refusal{
            fmt::format("the emulator at {} does not answer ({}); see its log in {}/emulator.log",
                        info_.aws_endpoint, httplib::to_string(result.error()), directory_)});
    auto node = base::parse_json(result->body);
    if (!node)
        return std::unexpected(Refusal{
            fmt::format("the emulator answered {} with something that is not JSON", result->status),
            kBug});
    if (result->status >= 300)
        return std::unexpected(Refusal{(*node)["message"].as_string(),
                                       result->status < 500 ? kWrongInput : kNotStarted});
    return std::move(*node);
}

}  // namespace commands

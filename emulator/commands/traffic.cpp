// See traffic.h.
#include "commands/traffic.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "base/text.h"
#include "commands/client.h"

namespace commands {

namespace fs = std::filesystem;

std::expected<std::vector<traffic::Exchange>, int> read_traffic_file(const std::string& file,
                                                                     const std::string& target) {
    const auto text = state::read_file(file);
    if (!text) return std::unexpected(fail(kWrongInput, text.error()));
    auto all = traffic::read_traffic(file, *text, target);
    if (!all) return std::unexpected(fail(kWrongInput, all.error()));
    return std::move(*all);
}

std::expected<std::vector<traffic::Exchange>, int> second_recording(const Arguments& arguments) {
    if (!arguments.has("diff")) return std::vector<traffic::Exchange>();
    return read_traffic_file(arguments.get("diff"), "front");
}

int check_new(const std::string& file) {
    if (file.empty() || !fs::exists(file)) return kOk;
    return fail(kWrongInput, fmt::format("{} is there already", file));
}

int write_scenario(const std::string& file, std::vector<traffic::Exchange> visit,
                   std::vector<traffic::Exchange> again, traffic::Wishes wishes) {
    const std::string name = fs::path(file).filename().string();
    wishes.files = file.empty() ? "" : name.substr(0, name.find('.')) + ".";
    auto made = traffic::scenario_of(std::move(visit), std::move(again), wishes);
    if (!made) return fail(kWrongInput, made.error());
    const std::string text = traffic::text_of(made->scenario);
    const fs::path home = file.empty() ? fs::path(".") : fs::path(file).parent_path();
    std::error_code none;
    if (!home.empty()) fs::create_directories(home, none);
    for (const auto& [beside, bytes] : made->files)
        if (auto written = state::write_file((home / beside).string(), bytes, 0600); !written)
            return fail(kWrongInput, written.error());
    if (file.empty()) {
        fmt::print("{}", text);
    } else {
        if (auto written = state::write_file(file, text); !written)
            return fail(kWrongInput, written.error());
        fmt::print("{}: {} step{}; say in it what a user can rely on, then dodam run {}\n", file,
                   made->steps, made->steps == 1 ? "" : "s", file);
    }
    for (const auto& each : made->files)
        fmt::print(stderr, "dodam: {} is the body of a request\n", (home / each.first).string());
    for (const std::string& note : made->notes)
        fmt::print(stderr, "dodam: {}\n", note);
    if (!made->to_be_given.empty())
        fmt::print(
            stderr,
            "dodam: {} came from before the first request and {} not in the file: give {}, or "
            "begin with the login\n",
            base::join(made->to_be_given, ", "), made->to_be_given.size() == 1 ? "is" : "are",
            "--var " + base::join(made->to_be_given, "=… --var ") + "=…");
    if (made->left_out > 0)
        fmt::print(stderr, "dodam: only the first {} of {} requests were taken\n", made->steps,
                   made->steps + made->left_out);
    return kOk;
}

}  // namespace commands

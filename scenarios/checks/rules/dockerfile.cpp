// Dockerfiles: their name, and the process that gets the signals.
#include <fmt/format.h>

#include "base/text.h"
#include "scenarios/checks/rules/common.h"

namespace checks {

void dockerfile_name(const Project& project, Report& report) {
    for (const std::string& path : project.repository.paths()) {
        const std::string_view name = name_of(path);
        if (name == "Dockerfile" || base::lower(name) != "dockerfile") continue;
        if (path.find("node_modules/") != std::string::npos) continue;
        const std::string directory = directory_of(path);
        if (project.repository.has(directory.empty() ? "Dockerfile" : directory + "/Dockerfile"))
            continue;
        report.add(
            path, {}, fmt::format("the file is called {}; docker looks for Dockerfile", name),
            fmt::format("git mv {} {}", project.repository.shown(path),
                        project.repository.shown(directory.empty() ? "Dockerfile"
                                                                   : directory + "/Dockerfile")));
    }
}

void first_process(const Project& project, Report& report) {
    for (const std::string& path : project.repository.paths()) {
        if (base::lower(name_of(path)) != "dockerfile" ||
            path.find("node_modules/") != std::string::npos)
            continue;
        // The last of each counts; an init as entry point passes signals on.
        std::string command, entry;
        uint32_t number = 0, command_line = 0, entry_line = 0;
        for (std::string_view line : lines_of(project.repository.text(path))) {
            ++number;
            const auto [word, rest] = base::cut(base::trim(line), ' ');
            if (base::equals_ignoring_case(word, "FROM")) command.clear(), entry.clear();
            if (base::equals_ignoring_case(word, "CMD"))
                command = base::trim(rest), command_line = number;
            if (base::equals_ignoring_case(word, "ENTRYPOINT"))
                entry = base::trim(rest), entry_line = number;
        }
        if (entry.find("tini") != std::string::npos || entry.find("dumb-init") != std::string::npos)
            continue;
        const std::string& first = entry.empty() ? command : entry;
        if (first.empty()) continue;
        const base::Position at{entry.empty() ? command_line : entry_line, 1};
        if (!first.starts_with('[')) {
            if (!first.starts_with("exec "))
                report.add(
                    path, at,
                    "shell form: /bin/sh is process 1, and SIGTERM does not reach the program");
        } else if (first.find("\"npm\"") < 3 || first.find("\"yarn\"") < 3 ||
                   first.find("\"pnpm\"") < 3) {
            report.add(
                path, at,
                "the package manager is process 1: SIGTERM may not reach the program in time");
        }
    }
}

}  // namespace checks

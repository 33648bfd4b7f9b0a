#include "scenarios/checks/unreached_base.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "oci/layout.h"

namespace checks {
namespace {

constexpr std::string_view kBefore = "the base image ",
                           kAfter = " is not in the Docker engine, and its registry";

}  // namespace

bool tells_of_no_answer(std::string_view text) {
    return text.find("dial tcp") != text.npos || text.find("Client.Timeout") != text.npos ||
           text.find("request canceled") != text.npos ||
           text.find("deadline exceeded") != text.npos ||
           text.find("handshake timeout") != text.npos;
}

std::string unreached_base(const std::vector<std::string>& lines) {
    constexpr std::string_view kFrom = " : FROM ",
                               kSource = "failed to resolve source metadata for ";
    std::string base;
    for (const std::string& line : lines) {
        if (const size_t end = line.find(kAfter); end != std::string::npos) {
            if (const size_t at = line.find(kBefore); at < end)
                return line.substr(at + kBefore.size(), end - at - kBefore.size());
        } else if (const size_t at = line.find(kSource); at != std::string::npos) {
            base = line.substr(at + kSource.size());
            base.resize(std::min(base.size(), base.find(": ")));
        } else if (const std::string_view step = base::trim(line); step.starts_with("Step ")) {
            const size_t from = step.find(kFrom);
            base = from == std::string_view::npos ? "" : step.substr(from + kFrom.size());
            base.resize(std::min(base.size(), base.find(' ')));
        }
        if (!base.empty() && line.find("/v2/") != std::string::npos && tells_of_no_answer(line))
            return base;
    }
    return {};
}

std::string cause_of_unreached_base(const std::string& image) {
    return fmt::format("{}{}{} cannot be reached", kBefore, image, kAfter);
}

std::string way_out_of_unreached_base(const std::string& image) {
    return fmt::format(
        "docker pull {} where a network answers (docker save and docker load carry it here); "
        "script/offline-images NAME makes {} in the engine, too",
        image, oci::kOfflineImages);
}

}  // namespace checks

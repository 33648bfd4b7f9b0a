// One line per file: SHA-256, two spaces, the path below the snapshot.
#include "snapshots/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/result.h"
#include "base/text.h"
#include "snapshots/state_copy.h"
#include "state/instance.h"

namespace snapshots {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kName = "SNAPSHOT";
constexpr std::string_view kFormat = "dodam snapshot ";
constexpr std::string_view kVersion = "1";

using Digests = std::map<std::string, std::string, std::less<>>;

std::expected<std::string, std::string> digest_of_file(const std::string& path) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                               std::fclose);
    if (!file) return std::unexpected(fmt::format("cannot read {}", path));
    base::Digest digest(base::DigestKind::Sha256);
    std::string buffer(256 << 10, '\0');
    while (const size_t got = std::fread(buffer.data(), 1, buffer.size(), file.get()))
        digest.update({buffer.data(), got});
    if (std::ferror(file.get()) != 0) return std::unexpected(fmt::format("cannot read {}", path));
    return base::to_hex(digest.finish());
}

std::expected<Digests, std::string> digests_of(const std::string& directory) {
    Digests all;
    std::error_code error;
    for (auto at = fs::recursive_directory_iterator(directory, error);
         !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
        const std::string path = at->path().lexically_relative(directory).string();
        const auto kind = at->symlink_status(error).type();
        if (kind == fs::file_type::directory || error) continue;
        if (kind != fs::file_type::regular)
            return std::unexpected(
                fmt::format("{}/{} is neither a file nor a directory", directory, path));
        const auto linked = linked_parts();
        if (path == kName || std::ranges::find(linked, base::cut(path, '/').first) != linked.end())
            continue;
        all.emplace(path, TRY(digest_of_file(at->path().string())));
    }
    if (error)
        return std::unexpected(fmt::format("cannot read {}: {}", directory, error.message()));
    return all;
}

}  // namespace

std::expected<void, std::string> write_manifest(const std::string& directory) {
    std::string text = fmt::format("{}{}\n", kFormat, kVersion);
    for (const auto& [path, digest] : TRY(digests_of(directory)))
        text += fmt::format("{}  {}\n", digest, path);
    return state::write_file(fmt::format("{}/{}", directory, kName), text);
}

std::expected<void, std::string> check_manifest(const std::string& directory) {
    const auto text = state::read_file(fmt::format("{}/{}", directory, kName));
    if (!text || !text->starts_with(kFormat))
        return std::unexpected(
            fmt::format("{} is no whole snapshot (it has no {} that says so); save it again",
                        directory, kName));
    const auto lines = base::split(*text, '\n');
    if (const auto version = lines[0].substr(kFormat.size()); version != kVersion)
        return std::unexpected(fmt::format(
            "{} has format {}, this dodam reads {}: load it with the dodam that saved it",
            directory, version, kVersion));
    Digests stated;
    for (size_t i = 1; i < lines.size(); ++i)
        if (lines[i].size() > 66) stated.emplace(lines[i].substr(66), lines[i].substr(0, 64));
    const Digests found = TRY(digests_of(directory));
    auto wrong = [&](const std::string& path, std::string_view how) {
        return std::unexpected(fmt::format("{}/{} {} since it was saved; save the snapshot again",
                                           directory, path, how));
    };
    for (const auto& [path, digest] : stated) {
        const auto at = found.find(path);
        if (at == found.end()) return wrong(path, "is gone");
        if (at->second != digest) return wrong(path, "was changed");
    }
    for (const auto& each : found)
        if (!stated.contains(each.first)) return wrong(each.first, "was added");
    return {};
}

}  // namespace snapshots

#include "scenarios/workflow/image_builder.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "base/date.h"
#include "base/digest.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/text.h"
#include "oci/image_tree.h"

namespace scenarios {
namespace {

namespace fs = std::filesystem;
using Kind = Instruction::Kind;

constexpr const char* kDefaultPath =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// A layer as it goes into the manifest.
struct Layer {
    oci::Digest diff_id;
    oci::Descriptor blob;
};

// A stage while it is built: the image so far.
struct Stage {
    std::string name;
    std::string key;  // of the cache: what led to here
    oci::ImageConfig config;
    std::vector<Layer> layers;
    std::map<std::string, std::string> arguments;  // ARG values in force
};

// One thing to be copied: where it lies, and its path relative to the copied directory ("" = the
// source itself).
struct Piece {
    std::string on_disk, relative;
    struct stat facts{};
};

std::string hex(std::string_view bytes) {
    return base::sha256_hex(bytes);
}

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::expected<std::string, std::string> digest_of_content(const Piece& piece) {
    if (S_ISLNK(piece.facts.st_mode)) return "link " + fs::read_symlink(piece.on_disk).string();
    if (!S_ISREG(piece.facts.st_mode)) return std::string("directory");
    int file = ::open(piece.on_disk.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) return std::unexpected(piece.on_disk + " cannot be read: " + strerror(errno));
    auto digest = oci::digest_of_file(file);
    ::close(file);
    if (!digest) return std::unexpected(piece.on_disk + " cannot be read: " + digest.error());
    return digest->to_string();
}

std::string shell_quoted(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words)
        out += (out.empty() ? "" : " ") + word;
    return out;
}

// A directory of scratch that is gone when the step is.
class Scratch {
  public:
    explicit Scratch(const oci::LayerStore& store) : path_(store.scratch_path()) {
        ::mkdir(path_.c_str(), 0755);
    }
    ~Scratch() { oci::remove_tree(path_); }
    Scratch(const Scratch&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

}  // namespace

class Build {
  public:
    Build(ImageBuilder& builder, const BuildOptions& options) : in_(builder), options_(options) {}

    BuildResult<BuiltImage> run();

  private:
    std::unexpected<BuildError> error(const std::string& text) const {
        return std::unexpected(BuildError{file_, line_, text});
    }
    template <class T>
    BuildResult<T> lifted(std::expected<T, std::string> result) const {
        if (!result) return error(result.error());
        if constexpr (std::is_void_v<T>)
            return {};
        else
            return std::move(*result);
    }

    BuildResult<void> from(const Instruction& instruction);
    BuildResult<void> execute(const Instruction& instruction);
    BuildResult<void> arg(const Instruction& instruction);
    BuildResult<void> workdir(const Instruction& instruction);
    BuildResult<void> run_step(const Instruction& instruction);
    BuildResult<void> copy(const Instruction& instruction);
    BuildResult<BuiltImage> finish(const Stage& stage);

    BuildResult<Stage> base_image(const std::string& name);
    BuildResult<std::vector<Piece>> context_pieces(const std::string& pattern);
    BuildResult<std::vector<Piece>> stage_pieces(const Stage& stage, const std::string& path);
    BuildResult<const Stage*> source_stage(const std::string& name);
    BuildResult<void> place(const std::string& root, const std::string& at, const Piece& piece,
                            unsigned mode, uid_t user, gid_t group);
    BuildResult<void> make_parents(const std::string& root, const std::string& directory);
    BuildResult<std::pair<uid_t, gid_t>> owner(const std::string& chown);
    BuildResult<void> add_layer(const std::string& directory, const std::string& key);
    bool from_cache(const std::string& key);
    std::string cache_path(const std::string& key) const {
        return in_.layout_.directory() + "/cache/" + key;
    }

    oci::ImageTree tree(const Stage& stage) const {
        std::vector<std::string> directories;
        for (const Layer& layer : stage.layers)
            directories.push_back(in_.store_.layers_directory() + "/" +
                                  oci::LayerStore::name_of(layer.diff_id));
        return oci::ImageTree(directories);
    }
    // ENV wins over ARG.
    std::map<std::string, std::string> variables() const {
        std::map<std::string, std::string> out = stage_ ? stage_->arguments : global_arguments_;
        if (stage_)
            for (const std::string& entry : stage_->config.env) {
                auto [name, value] = base::cut(entry, '=');
                out[std::string(name)] = value;
            }
        return out;
    }
    std::string expand(std::string_view text) const { return substitute(text, variables()); }
    std::string absolute(const std::string& path) const {
        if (path.starts_with('/')) return path;
        const std::string& directory = stage_->config.working_directory;
        return (directory.empty() ? "" : directory) + "/" + path;
    }

    ImageBuilder& in_;
    const BuildOptions& options_;
    std::string file_ = "Dockerfile";
    unsigned line_ = 0;
    IgnoreRules ignore_;
    std::map<std::string, std::string> global_arguments_;
    std::vector<std::unique_ptr<Stage>> stages_;
    std::map<std::string, std::unique_ptr<Stage>> images_;  // COPY --from=IMAGE
    Stage* stage_ = nullptr;
    unsigned steps_ = 0, cached_ = 0;
};

BuildResult<BuiltImage> Build::run() {
    std::string path =
        options_.dockerfile.empty() ? options_.context + "/Dockerfile" : options_.dockerfile;
    file_ = fs::path(path).filename();
    if (!fs::is_directory(options_.context))
        return error("the build context " + options_.context + " is not a directory");
    if (!fs::is_regular_file(path)) return error("there is no " + path);
    TRY(lifted(in_.store_.prepare()));
    TRY(lifted(in_.layout_.put_blob("")));
    ::mkdir((in_.layout_.directory() + "/cache").c_str(), 0755);
    ignore_ = IgnoreRules(read_file(options_.context + "/.dockerignore"));
    auto instructions = TRY(parse_dockerfile(file_, read_file(path)));
    for (const Instruction& instruction : instructions) {
        line_ = instruction.line;
        bool done = stage_ && !options_.target.empty() && stage_->name == options_.target &&
                    instruction.kind == Kind::From;
        if (done) break;
        in_.log_.line(fmt::format("{}:{}: {}", file_, line_, instruction.text));
        ++steps_;
        TRY(execute(instruction));
    }
    if (!options_.target.empty() && stage_->name != options_.target)
        return error("there is no stage " + options_.target);
    return finish(*stage_);
}

BuildResult<void> Build::execute(const Instruction& instruction) {
    switch (instruction.kind) {
        case Kind::From: return from(instruction);
        case Kind::Arg: return arg(instruction);
        case Kind::Workdir: return workdir(instruction);
        case Kind::Copy: return copy(instruction);
        case Kind::Run: return run_step(instruction);
        case Kind::Env: {
            auto values = variables();  // one ENV sees what was before it, not its own pairs
            for (const auto& [name, value] : instruction.pairs) {
                std::string entry = name + "=" + substitute(value, values);
                auto& env = stage_->config.env;
                auto existing = std::ranges::find_if(env, [&, name = name](const std::string& e) {
                    return base::cut(e, '=').first == name;
                });
                if (existing == env.end())
                    env.push_back(entry);
                else
                    *existing = entry;
            }
            break;
        }
        case Kind::Expose:
            for (const std::string& word : instruction.words) {
                std::string port = expand(word);
                auto [number, protocol] = base::cut(port, '/');
                auto value = base::parse_unsigned(number);
                if (!value || *value == 0 || *value > 65535 ||
                    !(protocol.empty() || protocol == "tcp" || protocol == "udp"))
                    return error("EXPOSE " + port + ": a port is 1 to 65535, with /tcp or /udp");
                std::string full =
                    std::string(number) + "/" + (protocol.empty() ? "tcp" : std::string(protocol));
                if (std::ranges::find(stage_->config.exposed_ports, full) ==
                    stage_->config.exposed_ports.end())
                    stage_->config.exposed_ports.push_back(full);
            }
            break;
        case Kind::User: stage_->config.user = expand(instruction.words[0]); break;
        case Kind::StopSignal: stage_->config.stop_signal = expand(instruction.words[0]); break;
        case Kind::Label: {
            const auto values = variables();
            for (const auto& [name, value] : instruction.pairs)
                stage_->config.labels[substitute(name, values)] = substitute(value, values);
            break;
        }
        case Kind::Volume:
            for (const std::string& word : instruction.words)
                if (const std::string path = expand(word);
                    std::ranges::find(stage_->config.volumes, path) == stage_->config.volumes.end())
                    stage_->config.volumes.push_back(path);
            break;
        // Nobody asks for it: "Amazon ECS doesn't monitor Docker health checks that are embedded
        // in a container image" (API reference, HealthCheck).
        case Kind::HealthCheck:
            in_.log_.line(
                "  ECS does not look at an image's HEALTHCHECK: the task definition's "
                "healthCheck is what counts");
            break;
        case Kind::Cmd:
        case Kind::Entrypoint: {
            std::vector<std::string> words = instruction.words;
            if (!instruction.exec_form) words = {"/bin/sh", "-c", instruction.rest};
            if (instruction.kind == Kind::Cmd)
                stage_->config.command = words;
            else
                stage_->config.entrypoint = words,
                stage_->config.command.clear();  // ENTRYPOINT resets the base's CMD
            break;
        }
    }
    stage_->key =
        hex(stage_->key + "\n" + instruction.text + "\n" + oci::write_config(stage_->config));
    return {};
}

// ---- stages
// --------------------------------------------------------------------------------------------------

BuildResult<void> Build::from(const Instruction& instruction) {
    stage_ = nullptr;  // only the ARGs before the first FROM count here
    std::string image = expand(instruction.words[0]);
    if (auto platform = instruction.flags.find("platform"); platform != instruction.flags.end()) {
        std::string wanted = expand(platform->second),
                    ours = "linux/" + std::string(oci::native_architecture());
        bool placeholder =
            platform->second == "$BUILDPLATFORM" || platform->second == "$TARGETPLATFORM" ||
            platform->second == "${BUILDPLATFORM}" || platform->second == "${TARGETPLATFORM}";
        if (!placeholder && wanted != ours)
            return error("FROM --platform=" + wanted + ": only " + ours + " can be built here");
    }
    auto stage = std::make_unique<Stage>();
    const Stage* earlier = nullptr;
    for (const auto& one : stages_)
        if (one->name == base::lower(image)) earlier = one.get();
    if (earlier)
        *stage = *earlier;
    else if (base::lower(image) == "scratch") {
        stage->config.architecture = oci::native_architecture();
        stage->config.os = "linux";
        stage->config.env = {kDefaultPath};
        stage->key = "scratch";
    } else
        *stage = TRY(base_image(image));
    stage->name = instruction.words.size() == 3 ? base::lower(instruction.words[2])
                                                : std::to_string(stages_.size());
    stage->arguments.clear();
    stages_.push_back(std::move(stage));
    stage_ = stages_.back().get();
    return {};
}

// Its layers are unpacked, and their blobs are in the layout: what is built must be complete there.
BuildResult<Stage> Build::base_image(const std::string& name) {
    auto reference = oci::Reference::parse(name);
    if (!reference) return error(reference.error());
    auto stored = in_.store_.pull(*reference, in_.bases_);
    if (!stored) return error(stored.error().text);
    Stage stage;
    stage.config = stored->config;
    stage.key = stored->manifest_digest.to_string();
    for (size_t i = 0; i < stored->manifest.layers.size(); ++i) {
        const oci::Descriptor& blob = stored->manifest.layers[i];
        stage.layers.push_back({stored->config.diff_ids[i], blob});
        if (in_.layout_.has_blob(blob.digest)) continue;
        auto from = in_.bases_.open_blob(*reference, blob.digest);
        if (!from) return error(from.error().text);
        std::string path = in_.store_.scratch_path();
        std::string source = "/proc/self/fd/" + std::to_string(*from);
        std::error_code failed;
        fs::copy_file(source, path, failed);
        ::close(*from);
        if (failed) return error(path + " cannot be written: " + failed.message());
        if (auto adopted = in_.layout_.adopt_blob(path, blob.digest); !adopted) {
            // The layout may lie on another file system.
            fs::copy_file(path, in_.layout_.blob_path(blob.digest),
                          fs::copy_options::overwrite_existing, failed);
            fs::remove(path);
            if (failed) return error(adopted.error());
        }
    }
    return stage;
}

BuildResult<void> Build::arg(const Instruction& instruction) {
    for (const auto& [name, value] : instruction.pairs) {
        auto given = options_.arguments.find(name);
        std::string result;
        if (given != options_.arguments.end())
            result = given->second;
        else if (value != kNoValue)
            result = expand(value);
        else if (auto global = global_arguments_.find(name);
                 stage_ && global != global_arguments_.end())
            result = global->second;
        else
            continue;
        (stage_ ? stage_->arguments : global_arguments_)[name] = result;
    }
    if (stage_)
        stage_->key = hex(stage_->key + "\n" + instruction.text + "\n" + expand(instruction.text));
    return {};
}

// ---- layers
// --------------------------------------------------------------------------------------------------

bool Build::from_cache(const std::string& key) {
    auto node = base::parse_json(read_file(cache_path(key)));
    if (!node) return false;
    auto digest = oci::Digest::parse((*node)["digest"].as_string());
    if (!digest || !in_.layout_.has_blob(*digest)) return false;
    if (!in_.store_.has(*digest)) {
        int file = ::open(in_.layout_.blob_path(*digest).c_str(), O_RDONLY | O_CLOEXEC);
        auto unpacked = in_.store_.unpack(file, *digest, *digest);
        if (file >= 0) ::close(file);
        if (!unpacked) return false;
    }
    uint64_t size = static_cast<uint64_t>((*node)["size"].as_int());
    stage_->layers.push_back({*digest, {std::string(oci::kLayerType), *digest, size}});
    stage_->key = key;
    ++cached_;
    in_.log_.line("  from the cache");
    return true;
}

BuildResult<void> Build::add_layer(const std::string& directory, const std::string& key) {
    std::string path = in_.layout_.directory() + "/blobs/" + base::random_hex(16);
    int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
    if (file < 0) return error(path + " cannot be written: " + strerror(errno));
    auto packed = oci::pack_layer(directory, file, in_.store_.ownership());
    std::expected<void, std::string> kept;
    if (!packed) kept = std::unexpected(packed.error());
    // Unpacked again from the very bytes that are pushed: the digest that is pushed is the digest
    // that runs.
    ::lseek(file, 0, SEEK_SET);
    if (kept && !in_.store_.has(packed->diff_id))
        kept = in_.store_.unpack(file, packed->diff_id, packed->diff_id);
    ::close(file);
    if (kept) kept = in_.layout_.adopt_blob(path, packed->diff_id);
    if (!kept) {
        ::unlink(path.c_str());
        return error(kept.error());
    }
    stage_->layers.push_back(
        {packed->diff_id, {std::string(oci::kLayerType), packed->diff_id, packed->size_bytes}});
    stage_->key = key;
    std::ofstream(cache_path(key)) << base::to_json(
        base::Node::object({{"digest", packed->diff_id.to_string()},
                            {"size", base::Node(static_cast<int64_t>(packed->size_bytes))}}));
    return {};
}

BuildResult<void> Build::run_step(const Instruction& instruction) {
    oci::RunStep step;
    for (const Layer& layer : stage_->layers)
        step.layers.push_back(layer.diff_id);
    step.command = instruction.exec_form
                       ? instruction.words
                       : std::vector<std::string>{"/bin/sh", "-c", instruction.rest};
    for (const auto& [name, value] : variables())
        step.environment.push_back(name + "=" + value);
    step.working_directory =
        stage_->config.working_directory.empty() ? "/" : stage_->config.working_directory;
    step.user = stage_->config.user;

    std::string key =
        hex(stage_->key + "\nRUN " + base::join(step.command, "\1") + "\n" +
            base::join(step.environment, "\1") + "\n" + step.working_directory + "\n" + step.user);
    if (from_cache(key)) return {};
    auto started = std::chrono::steady_clock::now();
    auto outcome = in_.runner_.run(step, in_.log_);
    if (!outcome) return error("RUN " + shell_quoted(instruction.words) + ": " + outcome.error());
    BuildResult<void> result;
    if (outcome->exit_code != 0) {
        std::string names = base::join(outcome->refused_names, ", ");
        result = error(fmt::format(
            "RUN {}: exit code {}{}", shell_quoted(instruction.words), outcome->exit_code,
            names.empty() ? "" : "; it asked for " + names + ", which no build step reaches"));
    } else {
        result = add_layer(outcome->changes, key);
    }
    oci::remove_tree(outcome->changes);
    if (result) {
        auto took = std::chrono::duration_cast<std::chrono::microseconds>(
            std::chrono::steady_clock::now() - started);
        in_.log_.line("  done in " + base::show_duration(took));
    }
    return result;
}

BuildResult<void> Build::workdir(const Instruction& instruction) {
    std::string path = absolute(expand(instruction.words[0]));
    stage_->config.working_directory = fs::path(path).lexically_normal();
    if (stage_->config.working_directory.size() > 1 &&
        stage_->config.working_directory.ends_with('/'))
        stage_->config.working_directory.pop_back();
    std::string key = hex(stage_->key + "\nWORKDIR " + stage_->config.working_directory);
    if (tree(*stage_).find(stage_->config.working_directory)) {
        stage_->key = key;
        return {};
    }
    if (from_cache(key)) return {};
    Scratch scratch(in_.store_);
    TRY(make_parents(scratch.path(), tree(*stage_).resolve(stage_->config.working_directory)));
    return add_layer(scratch.path(), key);
}

// ---- COPY
// ----------------------------------------------------------------------------------------------------

BuildResult<const Stage*> Build::source_stage(const std::string& name) {
    for (const auto& stage : stages_)
        if (stage->name == base::lower(name) && stage.get() != stage_) return stage.get();
    auto number = base::parse_unsigned(name);
    if (number && *number + 1 < stages_.size()) return stages_[*number].get();
    auto& image = images_[name];
    if (!image) image = std::make_unique<Stage>(TRY(base_image(name)));
    return image.get();
}

// Sorted, so that the layer and its cache key do not depend on the directory's order.
BuildResult<std::vector<Piece>> Build::context_pieces(const std::string& pattern) {
    std::string clean = fs::path(pattern).lexically_normal().relative_path();
    if (pattern.starts_with('/')) clean = fs::path(pattern.substr(1)).lexically_normal();
    while (clean.ends_with('/'))
        clean.pop_back();
    if (clean == ".." || clean.starts_with("../"))
        return error("COPY " + pattern + " leaves the build context");
    bool everything = clean.empty() || clean == ".";

    // Sources first: the matches of the pattern; then what lies below them.
    std::vector<std::string> sources;
    if (everything)
        sources.emplace_back("");
    else if (clean.find_first_of("*?[") == std::string::npos)
        sources.push_back(clean);
    else {
        for (auto at = fs::recursive_directory_iterator(options_.context);
             at != fs::recursive_directory_iterator(); ++at) {
            std::string relative = at->path().lexically_relative(options_.context);
            if (path_matches(clean, relative) && !ignore_.ignores(relative))
                sources.push_back(relative);
        }
        std::ranges::sort(sources);
    }
    std::vector<Piece> pieces;
    for (const std::string& source : sources) {
        std::string on_disk = options_.context + (source.empty() ? "" : "/" + source);
        Piece piece{on_disk, "", {}};
        bool missing = ::lstat(on_disk.c_str(), &piece.facts) < 0;
        if (missing ||
            (!source.empty() && !S_ISDIR(piece.facts.st_mode) && ignore_.ignores(source)))
            return error("COPY " + pattern + ": " +
                         (missing ? "not in the build context" : "kept out by .dockerignore"));
        // A link that is named itself is followed; it must stay inside.
        if (S_ISLNK(piece.facts.st_mode)) {
            std::error_code failed;
            std::string real = fs::canonical(on_disk, failed),
                        root = fs::canonical(options_.context, failed);
            if (failed || (real != root && !real.starts_with(root + "/")))
                return error("COPY " + pattern + " leaves the build context");
            piece.on_disk = on_disk = real;
            ::lstat(on_disk.c_str(), &piece.facts);
        }
        if (!S_ISDIR(piece.facts.st_mode)) {
            pieces.push_back(piece);
            continue;
        }
        std::vector<Piece> below;
        for (auto at = fs::recursive_directory_iterator(on_disk);
             at != fs::recursive_directory_iterator(); ++at) {
            std::string relative = at->path().lexically_relative(on_disk);
            std::string in_context = source.empty() ? relative : source + "/" + relative;
            Piece child{at->path(), relative, {}};
            if (::lstat(child.on_disk.c_str(), &child.facts) < 0) continue;
            if (ignore_.ignores(in_context)) {
                if (S_ISDIR(child.facts.st_mode) && !ignore_.has_exceptions())
                    at.disable_recursion_pending();
                continue;
            }
            below.push_back(std::move(child));
        }
        std::ranges::sort(below, {}, &Piece::relative);
        pieces.push_back(piece);
        pieces.insert(pieces.end(), std::make_move_iterator(below.begin()),
                      std::make_move_iterator(below.end()));
    }
    if (pieces.empty()) return error("COPY " + pattern + ": nothing in the build context matches");
    return pieces;
}

BuildResult<std::vector<Piece>> Build::stage_pieces(const Stage& stage, const std::string& path) {
    oci::ImageTree files = tree(stage);
    if (path.find_first_of("*?[") != std::string::npos)
        return error("COPY --from with a pattern is outside what can be built here");
    auto found = files.find(path);
    if (!found) return error("COPY --from=" + stage.name + ": there is no " + path);
    std::vector<Piece> pieces = {{found->on_disk, "", found->facts}};
    std::vector<std::pair<oci::ImageTree::Entry, std::string>> open;
    if (S_ISDIR(found->facts.st_mode)) open.emplace_back(*found, "");
    while (!open.empty()) {
        auto [directory, prefix] = std::move(open.back());
        open.pop_back();
        for (auto& [name, entry] : files.children(directory)) {
            pieces.push_back({entry.on_disk, prefix + name, entry.facts});
            if (S_ISDIR(entry.facts.st_mode)) open.emplace_back(entry, prefix + name + "/");
        }
    }
    std::ranges::sort(pieces, {}, &Piece::relative);
    return pieces;
}

// --chown=USER[:GROUP], names looked up in the image's own tables.
BuildResult<std::pair<uid_t, gid_t>> Build::owner(const std::string& chown) {
    if (chown.empty()) return std::pair<uid_t, gid_t>(0, 0);
    auto [user, group] = base::cut(chown, ':');
    oci::ImageTree files = tree(*stage_);
    auto look_up = [&](std::string_view name, const char* table,
                       size_t column) -> std::optional<unsigned> {
        std::string text = files.read(table);
        for (std::string_view line : base::split(text, '\n')) {
            auto fields = base::split(line, ':');
            if (fields.size() > column && fields[0] == name)
                if (auto id = base::parse_unsigned(fields[column]))
                    return static_cast<unsigned>(*id);
        }
        return std::nullopt;
    };
    auto number = [](std::string_view text) -> std::optional<unsigned> {
        auto value = base::parse_unsigned(text);
        return value && *value < oci::kShiftedIds ? std::optional(static_cast<unsigned>(*value))
                                                  : std::nullopt;
    };
    auto user_id = number(user);
    if (!user_id) user_id = look_up(user, "/etc/passwd", 2);
    if (!user_id) return error("COPY --chown: the image has no user " + std::string(user));
    std::optional<unsigned> group_id;
    if (group.empty())
        group_id = number(user) ? user_id : look_up(user, "/etc/passwd", 3);
    else if (!(group_id = number(group)))
        group_id = look_up(group, "/etc/group", 2);
    if (!group_id) return error("COPY --chown: the image has no group " + std::string(group));
    return std::pair<uid_t, gid_t>(*user_id, *group_id);
}

namespace {

void set_owner(const std::string& path, oci::Ownership ownership, uid_t user, gid_t group) {
    if (ownership == oci::Ownership::Shifted)
        (void)!::lchown(path.c_str(), oci::kFirstShiftedId + user, oci::kFirstShiftedId + group);
}

}  // namespace

// Directories that exist in the image keep their attributes: the layer must repeat them.
BuildResult<void> Build::make_parents(const std::string& root, const std::string& directory) {
    oci::ImageTree files = tree(*stage_);
    std::string so_far;
    for (std::string_view part : base::split(directory, '/')) {
        if (part.empty()) continue;
        so_far += "/" + std::string(part);
        std::string at = root + so_far;
        if (::mkdir(at.c_str(), 0755) < 0) {
            if (errno == EEXIST) continue;
            return error(at + " cannot be made: " + strerror(errno));
        }
        set_owner(at, in_.store_.ownership(), 0, 0);
        auto existing = files.find(so_far);
        if (!existing || !S_ISDIR(existing->facts.st_mode)) continue;
        if (in_.store_.ownership() == oci::Ownership::Shifted)
            (void)!::lchown(at.c_str(), existing->facts.st_uid, existing->facts.st_gid);
        ::chmod(at.c_str(), existing->facts.st_mode & 07777);
    }
    return {};
}

BuildResult<void> Build::place(const std::string& root, const std::string& at, const Piece& piece,
                               unsigned mode, uid_t user, gid_t group) {
    std::string target = root + at;
    if (S_ISDIR(piece.facts.st_mode)) {
        struct stat facts{};
        if (::lstat(target.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode)) return {};
        TRY(make_parents(root, at));
        set_owner(target, in_.store_.ownership(), user, group);
        if (auto existing = tree(*stage_).find(at); !existing) ::chmod(target.c_str(), mode);
        return {};
    }
    ::unlink(target.c_str());
    if (S_ISLNK(piece.facts.st_mode)) {
        std::error_code failed;
        fs::create_symlink(fs::read_symlink(piece.on_disk), target, failed);
        if (failed) return error(target + " cannot be linked: " + failed.message());
    } else if (S_ISREG(piece.facts.st_mode)) {
        std::error_code failed;
        fs::copy_file(piece.on_disk, target, fs::copy_options::overwrite_existing, failed);
        if (failed) return error(piece.on_disk + " cannot be copied: " + failed.message());
    } else {
        return {};  // sockets, devices and pipes are no build input
    }
    set_owner(target, in_.store_.ownership(), user, group);
    if (S_ISREG(piece.facts.st_mode)) ::chmod(target.c_str(), mode);
    return {};
}

BuildResult<void> Build::copy(const Instruction& instruction) {
    auto flag = [&](const char* name) {
        auto found = instruction.flags.find(name);
        return found == instruction.flags.end() ? std::string() : expand(found->second);
    };
    std::string from = flag("from");
    auto [user, group] = TRY(owner(flag("chown")));
    std::vector<std::string> words;
    for (const std::string& word : instruction.words)
        words.push_back(expand(word));
    std::string destination = words.back();
    words.pop_back();
    bool into_directory =
        destination.ends_with('/') || destination == "." || destination.ends_with("/.");
    std::string at = tree(*stage_).resolve(absolute(destination));
    if (auto existing = tree(*stage_).find(at); existing && S_ISDIR(existing->facts.st_mode))
        into_directory = true;

    // What goes where, and a key of all names, modes and contents.
    struct Placement {
        Piece piece;
        std::string at;
        unsigned mode;
    };
    std::vector<Placement> placements;
    std::string key =
        stage_->key + "\nCOPY " + at + " " + std::to_string(user) + ":" + std::to_string(group);
    const Stage* origin = nullptr;
    if (!from.empty()) {
        // What led to the other stage says what is in it: no need to read 8,000 files of
        // node_modules.
        origin = TRY(source_stage(from));
        key = hex(key + "\nfrom " + origin->key + "\n" + base::join(words, "\n"));
        if (from_cache(key)) return {};
    }
    for (const std::string& source : words) {
        auto pieces = origin ? TRY(stage_pieces(*origin, source)) : TRY(context_pieces(source));
        size_t sources = static_cast<size_t>(std::ranges::count_if(
            pieces, [](const Piece& piece) { return piece.relative.empty(); }));
        if ((words.size() > 1 || sources > 1) && !into_directory)
            return error("COPY with several sources needs a destination that ends with /");
        bool in_directory = false;
        for (Piece& piece : pieces) {
            bool is_directory = S_ISDIR(piece.facts.st_mode);
            if (piece.relative.empty()) in_directory = is_directory;
            // A directory gives its contents; a file goes into the directory, or becomes the
            // destination.
            std::string name = fs::path(source).filename();
            if (!in_directory && sources > 1) name = fs::path(piece.on_disk).filename();
            if (!in_directory && name.empty()) name = fs::path(piece.on_disk).filename();
            std::string target =
                in_directory
                    ? at + (piece.relative.empty() ? "" : (at == "/" ? "" : "/") + piece.relative)
                : into_directory ? (at == "/" ? "" : at) + "/" + name
                                 : at;
            if (in_directory && at == "/" && !piece.relative.empty()) target = "/" + piece.relative;
            // From the context: the check-out's umask is not content. From a stage: as it is.
            unsigned mode = piece.facts.st_mode & 07777;
            if (from.empty()) mode = is_directory || (mode & 0100) ? 0755 : 0644;
            if (!origin)
                key += "\n" + target + " " + std::to_string(mode) + " " +
                       TRY(lifted(digest_of_content(piece)));
            placements.push_back({std::move(piece), std::move(target), mode});
        }
    }
    if (!origin) {
        key = hex(key);
        if (from_cache(key)) return {};
    }
    Scratch scratch(in_.store_);
    for (const Placement& placement : placements) {
        std::string parent = fs::path(placement.at).parent_path();
        TRY(make_parents(scratch.path(), parent));
        TRY(place(scratch.path(), placement.at, placement.piece, placement.mode, user, group));
    }
    return add_layer(scratch.path(), key);
}

// ---- the image
// -----------------------------------------------------------------------------------------------

BuildResult<BuiltImage> Build::finish(const Stage& stage) {
    BuiltImage image;
    image.config = stage.config;
    image.config.diff_ids.clear();
    oci::Manifest manifest;
    manifest.media_type = oci::kManifestType;
    for (const Layer& layer : stage.layers) {
        image.config.diff_ids.push_back(layer.diff_id);
        manifest.layers.push_back(layer.blob);
    }
    std::string config = oci::write_config(image.config);
    manifest.config = {std::string(oci::kConfigType), TRY(lifted(in_.layout_.put_blob(config))),
                       config.size()};
    std::string bytes = oci::write_manifest(manifest);
    image.digest = TRY(lifted(in_.layout_.put_blob(bytes)));
    image.manifest = {image.digest, manifest.media_type, bytes};
    image.steps = steps_;
    image.cached = cached_;
    if (!options_.name.empty())
        TRY(lifted(in_.layout_.set_name(options_.name,
                                        {manifest.media_type, image.digest, bytes.size()})));
    in_.log_.line("built " + (options_.name.empty() ? "" : options_.name + " ") +
                  image.digest.to_string());
    return image;
}

BuildResult<BuiltImage> ImageBuilder::build(const BuildOptions& options) {
    return Build(*this, options).run();
}

}  // namespace scenarios

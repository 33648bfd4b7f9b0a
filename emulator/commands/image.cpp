// dodam image build, push: docker's words for both, without an engine.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/process.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "commands/images.h"
#include "containers/build_runner.h"
#include "oci/base_images.h"
#include "oci/layer.h"
#include "oci/layer_store.h"
#include "oci/layout.h"
#include "oci/registry_client.h"
#include "scenarios/workflow/image_builder.h"

namespace commands {
namespace {

namespace fs = std::filesystem;

class PrintedLog final : public oci::BuildLog {
  public:
    void line(std::string_view text) override {
        fmt::print("{}\n", text);
        std::fflush(stdout);
    }
};

// Layers on their way.
std::string scratch_directory() {
    const std::string scratch = image_cache_directory() + "/scratch";
    std::error_code ignored;
    fs::create_directories(scratch, ignored);
    return scratch;
}

int build(const Arguments& arguments) {
    if (arguments.positional.size() != 1)
        return fail(kWrongInput,
                    "name one directory: the build context, as in `dodam image build -t backend:1 "
                    "backend`");
    scenarios::BuildOptions options;
    options.context = arguments.positional[0];
    options.dockerfile = arguments.get("file");
    options.target = arguments.get("target");
    options.name = arguments.get("tag");
    if (options.name.empty())
        return fail(kWrongInput, "name the image with -t, as in -t backend:1");
    if (auto reference = oci::Reference::parse(options.name); !reference)
        return fail(kWrongInput, reference.error());
    if (!fs::is_directory(options.context))
        return fail(kWrongInput,
                    fmt::format("the build context {} is no directory", options.context));
    const std::string build_arguments = arguments.get("build-arg");
    for (auto pair : base::split(build_arguments, '\n')) {
        auto [name, value] = base::cut(pair, '=');
        if (!name.empty()) options.arguments[std::string(name)] = value;
    }

    return build_image(options, {options.name});
}

int push(const Arguments& arguments) {
    if (arguments.positional.size() != 1)
        return fail(kWrongInput,
                    "name one image, as in `dodam image push 127.0.0.1:4566/backend:1`");
    auto reference = oci::Reference::parse(arguments.positional[0]);
    if (!reference) return fail(kWrongInput, reference.error());
    if (reference->registry.empty())
        return fail(
            kWrongInput,
            fmt::format("{} names no registry; write the one that `dodam status` shows before it",
                        arguments.positional[0]));
    auto client = Client::find(arguments);
    if (!client) return client.error();
    auto credentials = client->post("/credentials", base::Node::object());
    if (!credentials) return fail(credentials.error());

    oci::ImageLayout layout(image_cache_directory() + "/built");
    auto named = oci::Reference::parse(arguments.positional[0]);
    auto manifest = layout.manifest(*named);
    if (!manifest)
        return fail(
            kWrongInput,
            fmt::format(
                "there is no image {} here; build it first: dodam image build -t {} CONTEXT",
                named->written, named->written));
    // Every spelling of our own registry is the instance's AWS port.
    const std::string host =
        reference->is_ecr() ? client->info().aws_endpoint.substr(std::string_view("http://").size())
                            : reference->registry;
    oci::RegistryClient registry(host, {"AWS", (*credentials)["ecr"]["password"].as_string()},
                                 scratch_directory());
    auto pushed = registry.push(*reference, layout, *manifest);
    if (!pushed) return fail(kFailed, pushed.error().text);
    fmt::print("pushed {} {}\n", reference->written, pushed->to_string());
    return kOk;
}

constexpr Flag kBuildFlags[] = {
    {"-t,--tag", "NAME", "the image's name"},
    {"-f,--file", "FILE", "the Dockerfile (default: CONTEXT/Dockerfile)"},
    {"--target", "STAGE", "build up to this stage"},
    {"--build-arg", "NAME=VALUE", "a value for ARG; may be repeated"},
};
constexpr Flag kPushFlags[] = {kStateFlag};

}  // namespace

std::string image_cache_directory() {
    if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache)
        return std::string(cache) + "/dodam";
    const char* home = std::getenv("HOME");
    return std::string(home ? home : "/tmp") + "/.cache/dodam";
}

int build_image(scenarios::BuildOptions options, const std::vector<std::string>& names) {
    base::Spawner spawner;
    oci::LayerStore store(image_cache_directory(), oci::native_ownership());
    if (auto prepared = store.prepare(); !prepared) return fail(kNotStarted, prepared.error());
    oci::ImageLayout layout(image_cache_directory() + "/built");
    oci::BaseImages bases(scratch_directory());
    containers::BuildRunner runner(spawner, store);
    PrintedLog log;
    options.name = names.empty() ? "" : names.front();
    auto built = scenarios::ImageBuilder(store, layout, bases, runner, log).build(options);
    if (!built)
        return fail(built.error().line ? kWrongInput : kNotStarted, built.error().to_string());
    const oci::Descriptor manifest{.media_type = built->manifest.media_type,
                                   .digest = built->manifest.digest,
                                   .size_bytes = built->manifest.bytes.size()};
    for (size_t i = 1; i < names.size(); ++i)
        if (auto named = layout.set_name(names[i], manifest); !named)
            return fail(kNotStarted, named.error());
    fmt::print("{} steps, {} of them from the cache\n", built->steps, built->cached);
    return kOk;
}

const Command kImageBuild{
    "image build", "Build an image from a Dockerfile, without an engine",       "CONTEXT",
    kBuildFlags,   "  dodam image build -t 127.0.0.1:4566/backend:1 backend\n", build};
const Command kImagePush{"image push",
                         "Push a built image to a registry",
                         "IMAGE",
                         kPushFlags,
                         "  dodam image push 127.0.0.1:4566/backend:1\n",
                         push};

}  // namespace commands

// ImageBuilder: a Dockerfile becomes an OCI image without an engine. COPY makes a layer from the
// build context or from another stage, RUN executes in the image (oci::StepRunner) and its changes
// are the layer. A step whose parent, instruction and content were seen before is taken from the
// cache; the same inputs give the same digest.
#pragma once
#include <map>
#include <string>

#include "oci/layer_store.h"
#include "oci/layout.h"
#include "oci/step_runner.h"
#include "scenarios/workflow/image_builder_dockerfile.h"

namespace scenarios {

struct BuildOptions {
    std::string context;                           // directory
    std::string dockerfile;                        // "" = CONTEXT/Dockerfile
    std::string target;                            // a stage's name, "" = the last
    std::map<std::string, std::string> arguments;  // --build-arg
    std::string name;  // under which the layout keeps it, "backend:1"; "" = only its digest
};

struct BuiltImage {
    oci::Digest digest;  // of the manifest
    oci::ManifestBytes manifest;
    oci::ImageConfig config;
    unsigned steps = 0, cached = 0;
};

class ImageBuilder {
  public:
    // `layout` keeps the built layers and images, and the cache beside them.
    ImageBuilder(oci::LayerStore& store, oci::ImageLayout& layout, oci::ImageSource& bases,
                 oci::StepRunner& runner, oci::BuildLog& log)
        : store_(store), layout_(layout), bases_(bases), runner_(runner), log_(log) {}

    BuildResult<BuiltImage> build(const BuildOptions& options);

  private:
    friend class Build;
    oci::LayerStore& store_;
    oci::ImageLayout& layout_;
    oci::ImageSource& bases_;
    oci::StepRunner& runner_;
    oci::BuildLog& log_;
};

}  // namespace scenarios

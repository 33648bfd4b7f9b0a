// The probe's image (see probe_image.h).
#include "support/probe_image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "oci/layer.h"
#include "oci/manifest.h"
#include "support/temporary_directory.h"

namespace support {
namespace {

void write(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
}

// The head of a program for another processor (elf(5), 64 bits, e_machine of S/390): no machine of
// ours begins it.
std::string foreign_program() {
    std::string head(
        "\x7f"
        "ELF\2\1\1",
        7);
    head.resize(64);
    head[16] = 2;   // e_type: executable
    head[18] = 22;  // e_machine
    head[20] = 1;   // e_version
    return head;
}

void need(bool done) {
    if (!done) throw std::runtime_error("the probe's image cannot be made");
}

}  // namespace

void make_probe_image(oci::ImageLayout& layout, const std::string& program) {
    TemporaryDirectory tree, scratch;
    std::filesystem::copy_file(program, tree / "probe");
    ::chmod((tree / "probe").c_str(), 0755);
    for (const char* directory : {"etc", "root", "home", "home/app", "srv"})
        std::filesystem::create_directory(tree / directory);
    write(tree / "srv/foreign", foreign_program());
    write(tree / "srv/script", "#!/no/such/shell\r\n");
    write(tree / "srv/data", "no program");
    for (const char* program : {"srv/foreign", "srv/script"})
        ::chmod((tree / program).c_str(), 0755);
    write(tree / "etc/passwd",
          "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n");
    write(tree / "etc/group", "root:x:0:\napp:x:1000:\nstaff:x:2000:app\n");

    std::string file = scratch / "layer.tar";
    int descriptor = ::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    auto layer = oci::pack_layer(tree.path(), descriptor, oci::native_ownership());
    ::close(descriptor);
    need(layer.has_value());
    need(layout.put_blob("").has_value());  // makes the layout
    std::filesystem::copy_file(file, layout.blob_path(layer->diff_id),
                               std::filesystem::copy_options::overwrite_existing);

    oci::ImageConfig config;
    config.architecture = oci::native_architecture();
    config.os = "linux";
    config.env = {"FROM_IMAGE=yes", "REPLACED=the image's"};
    config.entrypoint = {"/probe"};
    config.diff_ids = {layer->diff_id};
    std::string config_bytes = oci::write_config(config);
    oci::Manifest manifest;
    manifest.media_type = oci::kManifestType;
    manifest.config = {std::string(oci::kConfigType), *layout.put_blob(config_bytes),
                       config_bytes.size()};
    manifest.layers = {{std::string(oci::kLayerType), layer->diff_id, layer->size_bytes}};
    std::string bytes = oci::write_manifest(manifest);
    need(layout
             .set_name("probe:latest", {manifest.media_type, *layout.put_blob(bytes), bytes.size()})
             .has_value());
}

}  // namespace support

// The one suite that every containers::Runtime passes. Its image holds a single static program
// (tests/probe), so it needs neither network nor base images.
#pragma once
#include <span>
#include <string>

#include "containers/runtime.h"
#include "support/probe_image.h"

namespace support {

struct RuntimeUnderTest {
    containers::Runtime& runtime;
    oci::ImageSource& images;
    oci::Reference reference;  // of the probe's image
};

struct RuntimeCase {
    const char* name;
    void (*run)(RuntimeUnderTest&);
};

std::span<const RuntimeCase> runtime_suite();

}  // namespace support

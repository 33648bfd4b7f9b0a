// A directory that is gone at the end of the test, whatever the modes in it.
#pragma once
#include <stdlib.h>

#include <string>

#include "oci/layer.h"

namespace support {

class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        char pattern[] = "/tmp/dodam-test-XXXXXX";
        path_ = mkdtemp(pattern);
    }
    ~TemporaryDirectory() { oci::remove_tree(path_); }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    const std::string& path() const { return path_; }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

}  // namespace support

// See blobs.h.
#include "s3/blobs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/log.h"
#include "s3/errors.h"

namespace s3 {
namespace {

constexpr size_t kIdDigits = 32;

[[noreturn]] void fail(std::string_view what, const std::string& where) {
    int code = errno;
    if (code == ENOSPC || code == EDQUOT) throw storage_full(where);
    throw aws::Error(500, "InternalError",
                     std::string(what) + " " + where + ": " + std::strerror(code));
}

// The id of a blob file, from its fan-out directory and its name; "" for anything else.
std::string id_of(const std::filesystem::path& file) {
    std::string id = file.parent_path().filename().string() + file.filename().string();
    bool is_id =
        id.size() == kIdDigits && id.find_first_not_of("0123456789abcdef") == std::string::npos;
    return is_id ? id : std::string();
}

}  // namespace

Blobs::Blobs(std::string directory, state::Durability durability, const faults::Faults* faults)
    : directory_(std::move(directory)), durability_(durability), faults_(faults) {}

std::string Blobs::path_of(std::string_view id) const {
    return directory_ + "/" + std::string(id.substr(0, 2)) + "/" + std::string(id.substr(2));
}

Blobs::Writer Blobs::create() {
    std::string id = base::random_hex(kIdDigits);
    std::string path = directory_ + "/tmp/" + id;
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    int descriptor = ::open(path.c_str(), flags, 0600);
    if (descriptor < 0 && errno == ENOENT) {
        std::error_code problem;
        std::filesystem::create_directories(directory_ + "/tmp", problem);
        descriptor = ::open(path.c_str(), flags, 0600);
    }
    if (descriptor < 0) fail("cannot create a file in", directory_);
    return Writer(*this, descriptor, std::move(id), std::move(path));
}

Blobs::Writer::Writer(Blobs& blobs, int descriptor, std::string id, std::string path)
    : blobs_(&blobs), descriptor_(descriptor), id_(std::move(id)), path_(std::move(path)) {}

Blobs::Writer::Writer(Writer&& other) noexcept
    : blobs_(other.blobs_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      id_(std::move(other.id_)),
      path_(std::move(other.path_)) {}

Blobs::Writer::~Writer() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    ::unlink(path_.c_str());
}

void Blobs::Writer::write(std::string_view bytes) {
    if (const auto fault = blobs_->faults_ ? blobs_->faults_->active("disk") : std::nullopt) {
        if (fault->kind == faults::Kind::Full) throw storage_full(blobs_->directory_);
        blobs_->faults_->hold(*fault,
                              base::milliseconds(bytes.size() * 1000 / fault->bytes_per_second));
    }
    while (!bytes.empty()) {
        ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("cannot write to", blobs_->directory_);
        bytes.remove_prefix(static_cast<size_t>(count));
    }
}

std::string Blobs::Writer::keep() {
    if (blobs_->durability_ == state::Durability::Power && ::fsync(descriptor_) != 0)
        fail("cannot flush to", blobs_->directory_);
    std::string to = blobs_->path_of(id_);
    if (::rename(path_.c_str(), to.c_str()) != 0) {
        if (errno != ENOENT ||
            (::mkdir((blobs_->directory_ + "/" + id_.substr(0, 2)).c_str(), 0700) != 0 &&
             errno != EEXIST) ||
            ::rename(path_.c_str(), to.c_str()) != 0)
            fail("cannot store a file in", blobs_->directory_);
    }
    ::close(std::exchange(descriptor_, -1));
    return id_;
}

Blobs::Reader::Reader(Reader&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

Blobs::Reader::~Reader() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

size_t Blobs::Reader::read_at(uint64_t offset, std::span<char> into) const {
    for (;;) {
        ssize_t count = ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
        if (count >= 0) return static_cast<size_t>(count);
        if (errno != EINTR) fail("cannot read", "an object's bytes");
    }
}

std::optional<Blobs::Reader> Blobs::open(std::string_view id) const {
    int descriptor = ::open(path_of(id).c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) return Reader(descriptor);
    if (errno == ENOENT) return std::nullopt;
    fail("cannot open", "an object's bytes");
}

void Blobs::remove(std::string_view id) {
    ::unlink(path_of(id).c_str());
}

void Blobs::sweep(const std::function<bool(const std::string&)>& is_referenced) {
    std::error_code problem;
    std::filesystem::remove_all(directory_ + "/tmp", problem);
    std::vector<std::string> leftovers;
    for (auto it = std::filesystem::recursive_directory_iterator(directory_, problem);
         !problem && it != std::filesystem::recursive_directory_iterator(); it.increment(problem)) {
        if (!it->is_regular_file(problem)) continue;
        std::string id = id_of(it->path());
        if (!id.empty() && !is_referenced(id)) leftovers.push_back(std::move(id));
    }
    for (const std::string& id : leftovers)
        remove(id);
    if (!leftovers.empty())
        base::log_info("s3",
                       "removed " + std::to_string(leftovers.size()) + " unfinished object files");
}

}  // namespace s3

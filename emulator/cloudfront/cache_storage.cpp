// See cache_storage.h.
#include "cloudfront/cache_storage.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "base/result.h"
#include "cloudfront/limits.h"
#include "net/loop.h"

namespace cloudfront {

namespace {

class MemoryStorage final : public CacheStorage {
  public:
    explicit MemoryStorage(std::string bytes) : bytes_(std::move(bytes)) {}
    bool append(std::string_view bytes) override {
        bytes_ += bytes;
        return true;
    }
    size_t read(uint64_t offset, std::span<char> into) const override {
        if (offset >= bytes_.size()) return 0;
        size_t take = std::min<size_t>(into.size(), bytes_.size() - offset);
        std::memcpy(into.data(), bytes_.data() + offset, take);
        return take;
    }
    std::string_view view() const override { return bytes_; }
    uint64_t size_bytes() const override { return bytes_.size(); }
    void seal() override { bytes_.shrink_to_fit(); }

  private:
    std::string bytes_;
};

// A sealed body in pages of its own. A viewer who is still receiving them keeps them from going,
// whatever becomes of this.
class PageStorage final : public CacheStorage {
  public:
    // nullptr when there is no memory.
    static std::unique_ptr<PageStorage> make(std::string_view bytes) {
        void* pages = ::mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (pages == MAP_FAILED) return nullptr;
        std::memcpy(pages, bytes.data(), bytes.size());
        ::mprotect(pages, bytes.size(), PROT_READ);
        return std::unique_ptr<PageStorage>(
            new PageStorage({static_cast<const char*>(pages), bytes.size()}));
    }
    ~PageStorage() override { ::munmap(const_cast<char*>(bytes_.data()), bytes_.size()); }
    bool append(std::string_view) override { return false; }
    size_t read(uint64_t offset, std::span<char> into) const override {
        if (offset >= bytes_.size()) return 0;
        return bytes_.copy(into.data(), into.size(), offset);
    }
    std::string_view view() const override { return bytes_; }
    uint64_t lent_id() const override { return id_; }
    uint64_t size_bytes() const override { return bytes_.size(); }
    void seal() override {}

  private:
    explicit PageStorage(std::string_view bytes) : bytes_(bytes) {}
    std::string_view bytes_;
    uint64_t id_ = net::next_lent_id();
};

class DiskStorage final : public CacheStorage {
  public:
    explicit DiskStorage(int descriptor) : descriptor_(descriptor) {}
    ~DiskStorage() override { ::close(descriptor_); }

    bool append(std::string_view bytes) override {
        while (!bytes.empty()) {
            ssize_t wrote =
                ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
            if (wrote < 0 && errno == EINTR) continue;
            if (wrote <= 0) return false;
            size_ += static_cast<uint64_t>(wrote);
            bytes.remove_prefix(static_cast<size_t>(wrote));
        }
        return true;
    }
    size_t read(uint64_t offset, std::span<char> into) const override {
        for (;;) {
            ssize_t got =
                ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
            if (got >= 0) return static_cast<size_t>(got);
            if (errno != EINTR) return 0;
        }
    }
    std::string_view view() const override { return {}; }
    uint64_t size_bytes() const override { return size_; }
    void seal() override {}

  private:
    int descriptor_;
    uint64_t size_ = 0;
};

}  // namespace

std::unique_ptr<CacheStorage> make_memory_storage(std::string bytes) {
    return std::make_unique<MemoryStorage>(std::move(bytes));
}

std::unique_ptr<CacheStorage> make_disk_storage(const std::string& directory) {
    std::string path = directory + "/body-XXXXXX";
    int descriptor = ::mkostemp(path.data(), O_CLOEXEC);
    if (descriptor < 0 && errno == ENOENT && ::mkdir(directory.c_str(), 0700) == 0) {
        path = directory + "/body-XXXXXX";  // the first large body of this instance
        descriptor = ::mkostemp(path.data(), O_CLOEXEC);
    }
    if (descriptor < 0) {
        base::log_warning("cloudfront", "no file in " + directory +
                                            " for a large cached body: " + std::strerror(errno));
        return nullptr;
    }
    ::unlink(path.c_str());
    return std::make_unique<DiskStorage>(descriptor);
}

StoredBody::StoredBody(std::string directory)
    : directory_(std::move(directory)), storage_(make_memory_storage()) {}

std::shared_ptr<StoredBody> StoredBody::of(std::string bytes) {
    auto body = std::make_shared<StoredBody>("");
    body->storage_ = make_memory_storage(std::move(bytes));
    body->finish(State::Complete);
    return body;
}

bool StoredBody::append(std::string_view bytes) {
    std::lock_guard lock(mutex_);
    if (!on_disk_ && !directory_.empty() &&
        storage_->size_bytes() + bytes.size() > kMemoryBodyBytes) {
        auto disk = make_disk_storage(directory_);
        if (!disk || !disk->append(storage_->view())) {
            state_ = State::Broken;
            grown_.notify_all();
            return false;
        }
        storage_ = std::move(disk);
        on_disk_ = true;
    }
    bool fits = storage_->append(bytes);
    if (!fits) state_ = State::Broken;
    grown_.notify_all();
    return fits;
}

void StoredBody::finish(State state) {
    std::lock_guard lock(mutex_);
    if (state_ != State::Growing) return;
    state_ = state;
    if (state == State::Complete && !on_disk_ && storage_->size_bytes() >= kLentBodyBytes) {
        if (auto pages = PageStorage::make(storage_->view())) storage_ = std::move(pages);
    }
    storage_->seal();
    if (state == State::Complete) held_ = {storage_->view(), storage_->lent_id()};
    grown_.notify_all();
}

StoredBody::Piece StoredBody::read(uint64_t offset, std::span<char> into,
                                   net::Deadline deadline) const {
    std::unique_lock lock(mutex_);
    if (storage_->size_bytes() <= offset && state_ == State::Growing && net::current_loop() &&
        !deadline.expired()) {
        lock.unlock();
        net::leave_loop();
        lock.lock();
    }
    while (storage_->size_bytes() <= offset && state_ == State::Growing) {
        if (deadline.is_never()) {
            grown_.wait(lock);
        } else {
            if (deadline.expired()) return {};
            grown_.wait_for(lock,
                            std::chrono::milliseconds(std::max(1, deadline.poll_milliseconds())));
        }
    }
    size_t got = storage_->size_bytes() > offset ? storage_->read(offset, into) : 0;
    return {got, state_};
}

uint64_t StoredBody::size_bytes() const {
    std::lock_guard lock(mutex_);
    return storage_->size_bytes();
}

bool StoredBody::on_disk() const {
    std::lock_guard lock(mutex_);
    return on_disk_;
}

bool StoredBody::is_complete() const {
    std::lock_guard lock(mutex_);
    return state_ == State::Complete;
}

}  // namespace cloudfront

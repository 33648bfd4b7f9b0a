// CacheStorage: where one body's bytes live: in memory (from kLentBodyBytes on in pages of its
// own, which the kernel can send without copying them), or in an unlinked file on disk (nothing to
// clean up after a crash). StoredBody: a body that grows while its first viewer receives it, and is
// read by everybody who waits for the same object.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "http/body.h"
#include "net/deadline.h"

namespace cloudfront {

class CacheStorage {
  public:
    virtual ~CacheStorage() = default;
    virtual bool append(std::string_view bytes) = 0;                       // false: no room
    virtual size_t read(uint64_t offset, std::span<char> into) const = 0;  // bytes that are there
    virtual std::string_view view() const = 0;      // all of them, "" when on disk
    virtual uint64_t lent_id() const { return 0; }  // of view(), for Socket::write_lent
    virtual uint64_t size_bytes() const = 0;
    virtual void seal() = 0;  // nothing follows: give spare room back
};

std::unique_ptr<CacheStorage> make_memory_storage(std::string bytes = {});
// nullptr when the directory takes no file.
std::unique_ptr<CacheStorage> make_disk_storage(const std::string& directory);

class StoredBody {
  public:
    enum class State : uint8_t { Growing, Complete, Broken };

    // `directory` "" keeps every size in memory.
    explicit StoredBody(std::string directory);
    // A whole one.
    static std::shared_ptr<StoredBody> of(std::string bytes);

    // False when neither memory nor disk takes the bytes; the body is then Broken.
    bool append(std::string_view bytes);
    void finish(State state);

    struct Piece {
        size_t bytes = 0;
        State state = State::Growing;
    };
    // Waits for bytes beyond `offset` or for the end. Zero bytes: Complete = the end; Growing = the
    // deadline passed.
    Piece read(uint64_t offset, std::span<char> into, net::Deadline deadline) const;

    // Of a complete body in memory; "" otherwise.
    std::string_view view() const { return held_.bytes; }
    const http::HeldBody& held() const { return held_; }
    uint64_t size_bytes() const;
    bool on_disk() const;
    bool is_complete() const;

  private:
    std::string directory_;
    mutable std::mutex mutex_;
    mutable std::condition_variable grown_;
    std::unique_ptr<CacheStorage> storage_;
    http::HeldBody held_;  // set once, before the body is shared as complete
    State state_ = State::Growing;
    bool on_disk_ = false;
};

}  // namespace cloudfront

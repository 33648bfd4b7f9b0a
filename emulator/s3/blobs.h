// Blobs: object bytes on disk. A blob is written once to a temporary file and renamed into place;
// its name is random, never a key. Nothing here knows objects: the store says what is still
// referenced.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "faults/faults.h"
#include "state/database.h"

namespace s3 {

class Blobs {
  public:
    // `directory` is made on the first write. Power durability: a blob is fsynced before its
    // rename.
    explicit Blobs(std::string directory, state::Durability durability = state::Durability::Process,
                   const faults::Faults* faults = nullptr);

    // A blob being written; gone with its writer unless kept.
    class Writer {
      public:
        Writer(Writer&& other) noexcept;
        ~Writer();
        void write(std::string_view bytes);  // throws aws::Error: the disk is full
        std::string keep();                  // the blob's id; throws like write()

      private:
        friend class Blobs;
        Writer(Blobs& blobs, int descriptor, std::string id, std::string path);
        Blobs* blobs_;
        int descriptor_;
        std::string id_, path_;
    };

    class Reader {
      public:
        explicit Reader(int descriptor) : descriptor_(descriptor) {}
        Reader(Reader&& other) noexcept;
        Reader& operator=(Reader&&) = delete;
        ~Reader();
        // Bytes from `offset`; 0 = behind the end. Throws aws::Error when the disk fails.
        size_t read_at(uint64_t offset, std::span<char> into) const;

      private:
        int descriptor_;
    };

    Writer create();
    // Nothing when it is no longer there: a newer version replaced the object meanwhile. A reader
    // keeps its bytes, whatever happens to the blob.
    std::optional<Reader> open(std::string_view id) const;
    void remove(std::string_view id);
    // At start: drops unfinished files and blobs that nothing refers to (killed between rename and
    // commit).
    void sweep(const std::function<bool(const std::string& id)>& is_referenced);

    const std::string& directory() const { return directory_; }

  private:
    std::string path_of(std::string_view id) const;
    std::string directory_;
    state::Durability durability_;
    const faults::Faults* faults_;
};

}  // namespace s3

// Lender: sends pages by reference: into a pipe, and from there to a socket (splice(2)). What is
// asked for again and again stays in a pipe of its own, from which tee(2) takes it: its pages are
// looked up once. One Lender per loop's thread.
#pragma once
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace net {

// Bytes in pages of their own that nobody changes; they may be unmapped when the call is over.
// `id`: of these bytes alone, for ever, from next_lent_id(); 0: they are not lent, but copied.
struct LentBytes {
    std::string_view bytes;
    uint64_t id = 0;
};
uint64_t next_lent_id();

class Lender {
  public:
    // nullptr: not to be had here.
    static Lender* of_this_thread();
    Lender(const Lender&) = delete;

    // As send(2), from byte `from` on, on a socket that does not block.
    ssize_t send(int socket, const LentBytes& lent, size_t from);

  private:
    struct Pipe {
        int out = -1, in = -1;
        bool open(int bytes);  // false, and closed: refused
        void close();
    };
    // Memory that outlives its owner's wish: at most kHeld times kMostHeldBytes in each thread.
    static constexpr size_t kHeld = 4, kMostHeldBytes = 256 << 10;
    struct Held {
        uint64_t id = 0, used = 0;
        Pipe pipe;
    };

    Lender();
    ~Lender();
    ssize_t take_held(const LentBytes& lent);
    void empty(ssize_t left);
    void retire();

    Pipe way_;       // empty between calls
    int null_ = -1;  // where what the socket did not take goes
    std::array<Held, kHeld> held_{};
    uint64_t turns_ = 0, not_held_ = 0;
};

}  // namespace net

// Loops: sessions as green threads on a few event loops. A session is blocking-shaped code, as on a
// thread of its own: where its socket would block, the loop runs another one. Whoever is about to
// wait for anything else (a condition, another process, two sockets at once) says leave_loop()
// first: from there the session goes on, on a thread that may block, until return_to_loop(). Rules
// on a loop: no lock is held across a socket's call, and no reference to a thread_local lives
// across one. Where switching stacks is not built (other processors, sanitizers) sessions are
// threads.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "net/deadline.h"

namespace net {

class Loops {
  public:
    // 0: as many as there are processors that this process may run on, up to four.
    explicit Loops(std::string name, size_t count = 0);
    // All sessions must have ended.
    ~Loops();
    Loops(const Loops&) = delete;

    static bool built();
    // Throws std::system_error when there is no memory for another stack. `session` throws nothing.
    void start(std::function<void()> session);

    struct Inside;

  private:
    std::unique_ptr<Inside> inside_;
};

// Nothing when the caller is on a thread already.
void leave_loop();
void return_to_loop();
// The caller's place in the loop, or null on a thread: tells pools which sockets are watched
// elsewhere.
const void* current_loop();

// What a Socket keeps of the loop that watches it. All below: only on a loop.
struct Watched {
    const void* loop = nullptr;
    uint32_t generation = 0;
};
// Runs others until the descriptor has one of poll(2)'s `events` or has failed; false: the deadline
// passed.
bool park(int descriptor, Watched& watched, short events, Deadline deadline);
// Whether reading is worth a system call: false after drained(), until the loop has heard of more.
bool may_be_readable(int descriptor, const Watched& watched);
void drained(int descriptor, const Watched& watched);
// Lets others run, now and then, in a session that never has to wait.
void breathe();

}  // namespace net

// See loop.h. One epoll per loop, edge-triggered: a descriptor is registered once, at its first
// wait. What is known about it is in a table of the loop's own, by descriptor and generation, so
// that an event for one that was closed meanwhile finds nobody.
#include "net/loop.h"

#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <system_error>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/thread.h"

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__clang__)
#define DODAM_SWITCHES_STACKS 1
#else
#define DODAM_SWITCHES_STACKS 0
#endif

// Saves the caller's registers on its stack and goes on where `to` was saved.
extern "C" void dodam_switch_stack(void** from, void* to);

namespace net {

namespace {

constexpr size_t kStackBytes = base::kThreadStackBytes;
constexpr size_t kKeptStacks = 64;  // ready for the next session
constexpr size_t kEventsAtOnce = 256;
constexpr unsigned kStepsBetweenBreaths = 64;
constexpr std::chrono::microseconds kSlice{200};
constexpr std::chrono::seconds kIdleHelper{5};  // a thread that nobody needs ends

struct Loop;

#if DODAM_SWITCHES_STACKS
// System V ABI, AMD64: the callee-saved registers and the two control words.
asm(R"(
.text
.type dodam_switch_stack, @function
.local dodam_switch_stack
dodam_switch_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size dodam_switch_stack, .-dodam_switch_stack
)");
#endif

struct Fiber {
    std::function<void()> session;
    Loop* loop = nullptr;
    char* stack = nullptr;     // lowest address, a guard page first
    void* saved = nullptr;     // its stack pointer while it does not run
    void** carrier = nullptr;  // where whoever runs it saved his
    bool on_loop = true;
    enum class Wish : uint8_t { Wait, Leave, Return, End } wish = Wish::Wait;
    unsigned steps = 0;
    std::list<Fiber*> place{this};  // its place in the loop's list, empty while it is parked
    const std::list<Fiber*>::iterator node = place.begin();
    // While parked.
    Deadline deadline = Deadline::never();
    int descriptor = -1;
    bool timed_out = false;
};

// The one access to the thread's current session: not inlined, because a session may go on on
// another thread, where the address of this variable is another.
thread_local Fiber* running = nullptr;
__attribute__((noinline)) Fiber* current() {
    asm volatile("");
    return running;
}
__attribute__((noinline)) void set_current(Fiber* fiber) {
    asm volatile("");
    running = fiber;
}

struct Watch {
    uint32_t generation = 0;
    Fiber* waiter = nullptr;
    short events = 0;
    bool readable = false;
    bool ended = false;  // the peer's end, or an error: reading never blocks again
};

struct Loop {
    Loops::Inside* all = nullptr;
    int epoll = -1, wakeup = -1;
    base::Thread thread;

    // The loop's thread alone.
    std::vector<Watch> watches;
    std::list<Fiber*> parked;
    std::deque<Fiber*> ready;
    uint32_t next_generation = 1;
    Deadline next_expiry = Deadline::never();  // not later than the first of those parked

    std::mutex mutex;
    std::vector<Fiber*> mailbox;
    bool woken = false, stopping = false;

    void post(Fiber* fiber);
    void run();
    void take_mail();
    void wait_for_events();
    void expire();
    void resume(Fiber* fiber);
    void wake(Watch& watch);
    Watch* watch_of(int descriptor, const Watched& watched);
};

}  // namespace

struct Loops::Inside {
    std::string name;
    std::vector<std::unique_ptr<Loop>> loops;
    std::atomic<size_t> next{0};

    // Threads for those that left.
    std::mutex mutex;
    std::condition_variable called;
    std::deque<Fiber*> waiting;
    size_t idle = 0;
    bool stopping = false;
    std::list<base::Thread> helpers, finished;

    std::mutex stacks_mutex;
    std::vector<char*> stacks;

    char* take_stack();
    void end(Fiber* fiber);
    void carry(Fiber* fiber);
    void help(std::list<base::Thread>::iterator self);
};

namespace {

#if DODAM_SWITCHES_STACKS
void switch_stack(void** from, void* to) {
    dodam_switch_stack(from, to);
}
#else
void switch_stack(void**, void*) {}
#endif

char* map_stack() {
    void* mapped = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (mapped == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "a stack for a session");
    ::mprotect(mapped, static_cast<size_t>(::sysconf(_SC_PAGESIZE)), PROT_NONE);
    return static_cast<char*>(mapped);
}

// The first frame of a session; it never returns.
void first_frame() {
    Fiber* self = current();
    self->session();
    self = current();
    self->wish = Fiber::Wish::End;
    switch_stack(&self->saved, *self->carrier);
    ASSERT(false);
}

// As dodam_switch_stack leaves one: control words, six registers, where to go on, and nowhere to
// return to.
void prepare_stack(Fiber& fiber) {
    auto* top = reinterpret_cast<uint64_t*>(fiber.stack + kStackBytes);
    uint32_t control[2] = {0x1f80, 0x037f};  // the ABI's initial MXCSR and x87 control word
    *--top = 0;
    *--top = reinterpret_cast<uint64_t>(&first_frame);
    for (int i = 0; i < 6; ++i)
        *--top = 0;
    --top;
    __builtin_memcpy(top, control, sizeof control);
    fiber.saved = top;
}

// Runs the session on this thread until it wishes something else.
Fiber::Wish carry_on(Fiber* fiber) {
    void* here = nullptr;
    fiber->carrier = &here;
    set_current(fiber);
    switch_stack(&here, fiber->saved);
    set_current(nullptr);
    return fiber->wish;
}

void suspend(Fiber* self, Fiber::Wish wish) {
    self->wish = wish;
    switch_stack(&self->saved, *self->carrier);
}

Fiber* on_loop() {
    Fiber* self = current();
    return self && self->on_loop ? self : nullptr;
}

void Loop::post(Fiber* fiber) {
    std::lock_guard lock(mutex);
    mailbox.push_back(fiber);
    if (std::exchange(woken, true)) return;
    const uint64_t one = 1;
    (void)!::write(wakeup, &one, sizeof one);
}

void Loop::take_mail() {
    std::lock_guard lock(mutex);
    woken = false;
    ready.insert(ready.end(), mailbox.begin(), mailbox.end());
    mailbox.clear();
}

Watch* Loop::watch_of(int descriptor, const Watched& watched) {
    if (watched.loop != this || static_cast<size_t>(descriptor) >= watches.size()) return nullptr;
    Watch& watch = watches[static_cast<size_t>(descriptor)];
    return watch.generation == watched.generation ? &watch : nullptr;
}

void Loop::wake(Watch& watch) {
    Fiber* fiber = std::exchange(watch.waiter, nullptr);
    fiber->place.splice(fiber->place.begin(), parked, fiber->node);
    ready.push_back(fiber);
}

void Loop::wait_for_events() {
    std::array<epoll_event, kEventsAtOnce> events;
    int wait = !ready.empty() ? 0 : next_expiry.poll_milliseconds();
    const int count = ::epoll_wait(epoll, events.data(), events.size(), wait);
    for (int i = 0; i < count; ++i) {
        const auto descriptor =
            static_cast<int>(events[static_cast<size_t>(i)].data.u64 & 0xffffffff);
        const auto generation =
            static_cast<uint32_t>(events[static_cast<size_t>(i)].data.u64 >> 32);
        const uint32_t what = events[static_cast<size_t>(i)].events;
        if (descriptor == wakeup) {
            uint64_t number;
            (void)!::read(wakeup, &number, sizeof number);
            continue;
        }
        Watch* watch = watch_of(descriptor, {this, generation});
        if (!watch) continue;
        constexpr uint32_t kEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
        if (what & (EPOLLIN | kEnd)) watch->readable = true;
        if (what & kEnd) watch->ended = true;
        const bool wanted = (what & kEnd) || ((watch->events & POLLIN) && (what & EPOLLIN)) ||
                            ((watch->events & POLLOUT) && (what & EPOLLOUT));
        if (watch->waiter && wanted) wake(*watch);
    }
}

void Loop::expire() {
    if (!next_expiry.expired()) return;
    next_expiry = Deadline::never();
    for (auto at = parked.begin(); at != parked.end();) {
        Fiber* fiber = *at++;
        if (!fiber->deadline.expired()) {
            next_expiry = Deadline::earlier(next_expiry, fiber->deadline);
            continue;
        }
        fiber->timed_out = true;
        wake(watches[static_cast<size_t>(fiber->descriptor)]);
    }
}

void Loop::resume(Fiber* fiber) {
    switch (carry_on(fiber)) {
        case Fiber::Wish::Wait: break;
        case Fiber::Wish::Leave: all->carry(fiber); break;
        case Fiber::Wish::Return: post(fiber); break;  // no helper could be had: it blocked us
        case Fiber::Wish::End: all->end(fiber); break;
    }
}

// The kernel lets a thread run for a slice (3 ms unless asked otherwise) before another that waits
// for the processor; a loop that always finds work would use it whole, and every answer on the
// other side waits. Kernels before 6.12 ignore the wish.
void ask_for_short_slices() {
    struct {  // struct sched_attr, sched_setattr(2)
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } wish{48, SCHED_OTHER,
           0,  0,
           0,  static_cast<uint64_t>(std::chrono::nanoseconds(kSlice).count()),
           0,  0};
    (void)::syscall(SYS_sched_setattr, 0, &wish, 0);
}

void Loop::run() {
    ask_for_short_slices();
    while (true) {
        wait_for_events();
        take_mail();
        expire();
        // Who becomes ready meanwhile waits for the next round of events.
        for (size_t count = ready.size(); count > 0; --count) {
            Fiber* fiber = ready.front();
            ready.pop_front();
            resume(fiber);
        }
        std::lock_guard lock(mutex);
        if (stopping && mailbox.empty() && ready.empty()) return;
    }
}

}  // namespace

char* Loops::Inside::take_stack() {
    {
        std::lock_guard lock(stacks_mutex);
        if (!stacks.empty()) {
            char* stack = stacks.back();
            stacks.pop_back();
            return stack;
        }
    }
    return map_stack();
}

void Loops::Inside::end(Fiber* fiber) {
    char* stack = fiber->stack;
    delete fiber;
    {
        std::lock_guard lock(stacks_mutex);
        if (stacks.size() < kKeptStacks) return stacks.push_back(stack);
    }
    ::munmap(stack, kStackBytes);
}

// A thread for a session that is about to block: an idle one, else a new one, else the loop itself.
void Loops::Inside::carry(Fiber* fiber) {
    std::list<base::Thread> ended;  // joined after the lock
    std::unique_lock lock(mutex);
    ended.swap(finished);
    waiting.push_back(fiber);
    if (idle >= waiting.size()) {
        called.notify_one();
        return;
    }
    helpers.emplace_front();
    const auto self = helpers.begin();
    try {
        *self = base::Thread(name + "-wait", [this, self] { help(self); });
    } catch (const std::system_error& error) {
        base::log_warning(name, std::string("a session blocks its loop: ") + error.what());
        helpers.erase(self);
        waiting.pop_back();
        lock.unlock();
        fiber->loop->resume(fiber);
    }
}

void Loops::Inside::help(std::list<base::Thread>::iterator self) {
    std::unique_lock lock(mutex);
    while (true) {
        if (waiting.empty()) {
            ++idle;
            called.wait_for(lock, kIdleHelper, [this] { return stopping || !waiting.empty(); });
            --idle;
            if (waiting.empty()) break;
        }
        Fiber* fiber = waiting.front();
        waiting.pop_front();
        lock.unlock();
        const auto wish = carry_on(fiber);
        if (wish == Fiber::Wish::End)
            end(fiber);
        else
            fiber->loop->post(fiber);
        lock.lock();
    }
    finished.splice(finished.begin(), helpers, self);
    if (stopping) called.notify_all();
}

bool Loops::built() {
    return DODAM_SWITCHES_STACKS;
}

// Those it may run on (sched_setaffinity(2): taskset, a container's cpuset), which may be fewer
// than the machine's: two loops that share one wait for each other's time slices.
static size_t processors_of_this_process() {
    constexpr size_t kMost = 4;
    cpu_set_t allowed;
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
    return std::clamp<size_t>(static_cast<size_t>(CPU_COUNT(&allowed)), 1, kMost);
}

Loops::Loops(std::string name, size_t count) : inside_(std::make_unique<Inside>()) {
    inside_->name = name;
    if (count == 0) count = processors_of_this_process();
    for (size_t i = 0; i < (built() ? count : 0); ++i) {
        auto loop = std::make_unique<Loop>();
        loop->all = inside_.get();
        loop->epoll = ::epoll_create1(EPOLL_CLOEXEC);
        loop->wakeup = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        epoll_event event{EPOLLIN, {}};
        event.data.u64 = static_cast<uint32_t>(loop->wakeup);
        if (loop->epoll < 0 || loop->wakeup < 0 ||
            ::epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wakeup, &event) != 0)
            throw std::system_error(errno, std::generic_category(), "an event loop");
        loop->thread = base::Thread(name, [raw = loop.get()] { raw->run(); });
        inside_->loops.push_back(std::move(loop));
    }
}

Loops::~Loops() {
    for (auto& loop : inside_->loops) {
        {
            std::lock_guard lock(loop->mutex);
            loop->stopping = true;
            const uint64_t one = 1;
            (void)!::write(loop->wakeup, &one, sizeof one);
        }
        loop->thread.join();
        ::close(loop->epoll);
        ::close(loop->wakeup);
    }
    std::list<base::Thread> last;
    {
        std::lock_guard lock(inside_->mutex);
        inside_->stopping = true;
        inside_->called.notify_all();
    }
    {
        // Helpers move themselves to `finished` as they end.
        std::unique_lock lock(inside_->mutex);
        inside_->called.wait(lock, [this] { return inside_->helpers.empty(); });
        last.swap(inside_->finished);
    }
    last.clear();
    for (char* stack : inside_->stacks)
        ::munmap(stack, kStackBytes);
}

void Loops::start(std::function<void()> session) {
    auto fiber = std::make_unique<Fiber>();
    fiber->session = std::move(session);
    Loop* loop =
        inside_
            ->loops[inside_->next.fetch_add(1, std::memory_order_relaxed) % inside_->loops.size()]
            .get();
    fiber->loop = loop;
    fiber->stack = inside_->take_stack();
    prepare_stack(*fiber);
    loop->post(fiber.release());
}

void leave_loop() {
    Fiber* self = on_loop();
    if (!self) return;
    self->on_loop = false;
    suspend(self, Fiber::Wish::Leave);
}

void return_to_loop() {
    Fiber* self = current();
    if (!self || self->on_loop) return;
    self->on_loop = true;
    suspend(self, Fiber::Wish::Return);
}

const void* current_loop() {
    const Fiber* self = on_loop();
    return self ? self->loop : nullptr;
}

bool park(int descriptor, Watched& watched, short events, Deadline deadline) {
    Fiber* self = on_loop();
    Loop& loop = *self->loop;
    Watch* watch = loop.watch_of(descriptor, watched);
    if (!watch) {
        if (static_cast<size_t>(descriptor) >= loop.watches.size())
            loop.watches.resize(static_cast<size_t>(descriptor) + 64);
        watch = &loop.watches[static_cast<size_t>(descriptor)];
        *watch = {};
        watch->generation = loop.next_generation++;
        watched = {&loop, watch->generation};
        epoll_event event{EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {}};
        event.data.u64 =
            static_cast<uint64_t>(watch->generation) << 32 | static_cast<uint32_t>(descriptor);
        if (::epoll_ctl(loop.epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) {
            if (errno != EEXIST || ::epoll_ctl(loop.epoll, EPOLL_CTL_MOD, descriptor, &event) != 0)
                return false;
        }
    }
    self->deadline = deadline;
    self->descriptor = descriptor;
    self->timed_out = false;
    watch->waiter = self;
    watch->events = events;
    loop.next_expiry = Deadline::earlier(loop.next_expiry, deadline);
    loop.parked.splice(loop.parked.end(), self->place);
    suspend(self, Fiber::Wish::Wait);
    return !self->timed_out;
}

bool may_be_readable(int descriptor, const Watched& watched) {
    Fiber* self = on_loop();
    const Watch* watch = self->loop->watch_of(descriptor, watched);
    return !watch || watch->readable || watch->ended;
}

void drained(int descriptor, const Watched& watched) {
    Fiber* self = on_loop();
    if (Watch* watch = self->loop->watch_of(descriptor, watched)) watch->readable = false;
}

void breathe() {
    Fiber* self = on_loop();
    if (++self->steps % kStepsBetweenBreaths != 0) return;
    self->loop->ready.push_back(self);
    suspend(self, Fiber::Wish::Wait);
}

}  // namespace net

// See lender.h.
#include "net/lender.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

namespace net {

namespace {

constexpr int kWayBytes = 1 << 20;  // 256 pages: what an ordinary user may have
// Pages that a pipe holds may be begun ones at both ends.
constexpr size_t kPageBytes = 4096;
constexpr size_t kMostBytes = kWayBytes - kPageBytes;
// Of so many answers that are not held one is held from then on: what is asked for most is, soon.
constexpr uint64_t kTurnsToHold = 64;

ssize_t lend(int into, std::string_view bytes) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    return ::vmsplice(into, &part, 1, SPLICE_F_NONBLOCK);
}

}  // namespace

uint64_t next_lent_id() {
    static std::atomic<uint64_t> last{0};
    return ++last;
}

bool Lender::Pipe::open(int bytes) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return false;
    out = ends[0];
    in = ends[1];
    if (::fcntl(in, F_SETPIPE_SZ, bytes) >= bytes) return true;
    close();
    return false;
}

void Lender::Pipe::close() {
    for (int* end : {&out, &in})
        if (*end >= 0) ::close(std::exchange(*end, -1));
}

Lender* Lender::of_this_thread() {
    thread_local Lender lender;
    return lender.null_ >= 0 ? &lender : nullptr;
}

Lender::Lender() {
    if (way_.open(kWayBytes)) null_ = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
}

Lender::~Lender() {
    retire();
}

void Lender::retire() {
    way_.close();
    for (Held& held : held_) {
        held.pipe.close();
        held.id = 0;
    }
    if (null_ >= 0) ::close(std::exchange(null_, -1));
}

ssize_t Lender::send(int socket, const LentBytes& lent, size_t from) {
    ssize_t inside = from == 0 ? take_held(lent) : 0;
    if (inside <= 0) inside = lend(way_.in, lent.bytes.substr(from, kMostBytes));
    if (inside <= 0)
        return ::send(socket, lent.bytes.data() + from, lent.bytes.size() - from,
                      MSG_NOSIGNAL | MSG_DONTWAIT);
    const bool more = from + static_cast<size_t>(inside) < lent.bytes.size();
    const ssize_t sent = ::splice(way_.out, nullptr, socket, nullptr, static_cast<size_t>(inside),
                                  SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0));
    const int problem = sent == 0 ? EIO : errno;
    empty(inside - std::max<ssize_t>(sent, 0));
    errno = problem;
    return sent > 0 ? sent : -1;
}

// So many bytes of it are in the way now; 0: it is not held.
ssize_t Lender::take_held(const LentBytes& lent) {
    if (lent.id == 0 || lent.bytes.size() > kMostHeldBytes) return 0;
    auto place = std::ranges::find(held_, lent.id, &Held::id);
    if (place == held_.end()) {
        if (++not_held_ % kTurnsToHold != 0) return 0;
        place = std::ranges::min_element(held_, {}, &Held::used);
        place->pipe.close();
        place->id = 0;
        if (!place->pipe.open(2 * static_cast<int>(kMostHeldBytes))) return 0;
        if (lend(place->pipe.in, lent.bytes) != static_cast<ssize_t>(lent.bytes.size())) {
            place->pipe.close();
            return 0;
        }
        place->id = lent.id;
    }
    place->used = ++turns_;
    return ::tee(place->pipe.out, way_.in, lent.bytes.size(), SPLICE_F_NONBLOCK);
}

// What the socket did not take must not reach the next one.
void Lender::empty(ssize_t left) {
    while (left > 0) {
        const ssize_t gone =
            ::splice(way_.out, nullptr, null_, nullptr, static_cast<size_t>(left), 0);
        if (gone <= 0 && errno != EINTR) return retire();
        left -= std::max<ssize_t>(gone, 0);
    }
}

}  // namespace net

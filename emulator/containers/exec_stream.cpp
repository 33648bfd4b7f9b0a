// Carrying a session (see exec_stream.h): one thread for what goes in, the caller's for what comes
// out.
#include "containers/exec_stream.h"

#include "base/thread.h"
#include "containers/exec_frames.h"

namespace containers {
namespace {

constexpr std::chrono::hours kInputWait{24};  // somebody may look at a prompt for long
constexpr std::chrono::seconds kOutputWait{60};
constexpr std::chrono::milliseconds kTurn{500};

void act_on(Session& session, const ExecFrame& frame) {
    switch (frame.kind) {
        case FrameKind::Input: session.write(frame.bytes); break;
        case FrameKind::EndOfInput: session.finish_input(); break;
        case FrameKind::Resize: session.resize(read_window(frame.bytes)); break;
        default: break;  // ours, not the peer's
    }
}

void take_input(Session& session, net::Socket& peer, const std::string& early) {
    ExecFrameReader frames;
    frames.feed(early);
    char bytes[16 * 1024];
    while (!frames.is_broken()) {
        while (auto frame = frames.next())
            act_on(session, *frame);
        auto got = peer.read_some(bytes, net::Deadline::after(kInputWait));
        if (!got || *got == 0) break;
        frames.feed({bytes, *got});
    }
    session.end();
}

}  // namespace

void carry_session(Session& session, net::Socket& peer, std::string early) {
    base::Thread input("exec-input", [&] { take_input(session, peer, early); });
    bool there = true;
    while (auto chunk = session.read(kTurn)) {
        if (chunk->bytes.empty() || !there) continue;
        const FrameKind kind =
            chunk->stream == Stream::Error ? FrameKind::Error : FrameKind::Output;
        there = peer.write_all(exec_frame(kind, chunk->bytes), net::Deadline::after(kOutputWait))
                    .has_value();
        if (!there) session.end();
    }
    if (there)
        (void)peer.write_all(exec_frame(FrameKind::Exit, std::to_string(session.exit_code())),
                             net::Deadline::after(kOutputWait));
    peer.shut();
    input.join();
}

}  // namespace containers

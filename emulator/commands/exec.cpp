// dodam exec: a program in a running container, with the streams of this terminal.
#include <errno.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>

#include "base/result.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "containers/exec_frames.h"
#include "net/socket.h"

namespace commands {
namespace {

using base::Node;
using containers::FrameKind;

constexpr std::chrono::seconds kWait{60};
constexpr size_t kMaxHeadBytes = 64 * 1024;
constexpr int kConnectionLost = kNotStarted;

containers::Window window_of_terminal() {
    winsize size{};
    if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0) return {};
    return {size.ws_row, size.ws_col};
}

// Every key goes to the program as it is, until the end of the scope.
class RawTerminal {
  public:
    explicit RawTerminal(bool wanted) {
        if (!wanted || ::tcgetattr(STDIN_FILENO, &before_) < 0) return;
        termios raw = before_;
        ::cfmakeraw(&raw);
        changed_ = ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
    }
    ~RawTerminal() {
        if (changed_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
    }
    RawTerminal(const RawTerminal&) = delete;

  private:
    termios before_{};
    bool changed_ = false;
};

struct Connection {
    net::Socket socket;
    std::string early;  // frames that came with the head
};

// The control API's answer is 101, or a sentence.
std::expected<Connection, Refusal> connect(const Client& client, const Node& wish) {
    const std::string host = client.info().aws_endpoint.substr(std::string_view("http://").size());
    auto lost = [&](const std::string& why) {
        return std::unexpected(Refusal{fmt::format("the emulator at {} does not answer ({})",
                                                   client.info().aws_endpoint, why)});
    };
    const auto [ip, port] = base::cut(host, ':');
    auto address = net::Address::tcp(std::string(ip),
                                     static_cast<uint16_t>(base::parse_unsigned(port).value_or(0)));
    if (!address) return lost(address.error());
    const net::Deadline deadline = net::Deadline::after(kWait);
    auto socket = net::Socket::connect(*address, deadline);
    if (!socket) return lost(socket.error().text);
    const std::string body = base::to_json(wish);
    auto sent = socket->write_all(
        fmt::format("POST /_dodam/v1/exec HTTP/1.1\r\nHost: {}\r\nX-Dodam-Token: {}\r\n"
                    "Connection: Upgrade\r\nUpgrade: dodam-exec\r\n"
                    "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                    host, client.info().token, body.size()),
        body, deadline);
    if (!sent) return lost(sent.error().text);
    std::string head;
    size_t end;
    char bytes[8192];
    while ((end = head.find("\r\n\r\n")) == std::string::npos) {
        auto got = socket->read_some(bytes, deadline);
        if (!got || *got == 0 || head.size() > kMaxHeadBytes)
            return lost(got ? "it closed the connection" : got.error().text);
        head.append(bytes, *got);
    }
    std::string rest = head.substr(end + 4);
    if (head.starts_with("HTTP/1.1 101")) return Connection{std::move(*socket), std::move(rest)};
    // An answer of a few lines: what has not come with its head comes at once.
    while (!base::parse_json(rest)) {
        auto got = socket->read_some(bytes, deadline);
        if (!got || *got == 0) return lost("its answer breaks off");
        rest.append(bytes, *got);
    }
    return std::unexpected(
        Refusal{base::parse_json(rest).value()["message"].as_string(), kWrongInput});
}

void write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t wrote = ::write(descriptor, bytes.data(), bytes.size());
        if (wrote > 0)
            bytes.remove_prefix(static_cast<size_t>(wrote));
        else if (errno != EINTR)
            return;
    }
}

bool send(net::Socket& socket, FrameKind kind, std::string_view bytes = {}) {
    return socket.write_all(containers::exec_frame(kind, bytes), net::Deadline::after(kWait))
        .has_value();
}

// Until the program's exit code comes.
int carry(Connection& connection, bool terminal) {
    sigset_t resized;
    sigemptyset(&resized);
    sigaddset(&resized, SIGWINCH);
    sigprocmask(SIG_BLOCK, &resized, nullptr);
    const int resizes = ::signalfd(-1, &resized, SFD_CLOEXEC);
    containers::ExecFrameReader frames;
    frames.feed(connection.early);
    pollfd waits[] = {{connection.socket.descriptor(), POLLIN, 0},
                      {STDIN_FILENO, POLLIN, 0},
                      {terminal ? resizes : -1, POLLIN, 0}};
    char bytes[16 * 1024];
    for (;;) {
        while (auto frame = frames.next()) {
            if (frame->kind == FrameKind::Exit)
                return static_cast<int>(base::parse_signed(frame->bytes).value_or(kConnectionLost));
            write_all(frame->kind == FrameKind::Error ? STDERR_FILENO : STDOUT_FILENO,
                      frame->bytes);
        }
        if (::poll(waits, std::size(waits), -1) < 0) continue;
        if (waits[0].revents) {
            auto got = connection.socket.read_some(bytes, net::Deadline::after(kWait));
            if (!got || *got == 0 || frames.is_broken())
                return fail(kConnectionLost, "the connection to the emulator broke off");
            frames.feed({bytes, *got});
        }
        if (waits[1].revents) {
            const ssize_t got = ::read(STDIN_FILENO, bytes, sizeof bytes);
            if (got > 0) {
                send(connection.socket, FrameKind::Input, {bytes, static_cast<size_t>(got)});
            } else if (got == 0 || errno != EINTR) {
                send(connection.socket, FrameKind::EndOfInput);
                waits[1].fd = -1;
            }
        }
        if (waits[2].revents) {
            signalfd_siginfo information;
            (void)!::read(resizes, &information, sizeof information);
            send(connection.socket, FrameKind::Resize,
                 containers::show_window(window_of_terminal()));
        }
    }
}

int exec(const Arguments& arguments) {
    if (arguments.rest.empty())
        return fail(kWrongInput, "name the program after --, as in `dodam exec backend -- sh`");
    auto client = Client::find(arguments);
    if (!client) return client.error();
    const bool terminal = ::isatty(STDIN_FILENO);
    Node command = Node::array();
    for (const std::string& word : arguments.rest)
        command.push_back(word);
    const char* term = std::getenv("TERM");
    Node wish =
        Node::object({{"target", arguments.positional.empty() ? "" : arguments.positional[0]},
                      {"container", arguments.get("container")},
                      {"command", std::move(command)},
                      {"terminal", terminal},
                      {"window", terminal ? containers::show_window(window_of_terminal()) : ""},
                      {"term", term ? term : "xterm"}});
    auto connection = connect(*client, wish);
    if (!connection) return fail(connection.error());
    RawTerminal raw(terminal);
    return carry(*connection, terminal);
}

constexpr Flag kFlags[] = {{"-c,--container", "NAME", "which container, when the task has several"},
                           {"-f,--file", "FILE", "the stack file whose instance is meant"},
                           kStateFlag};

}  // namespace

const Command kExec{
    "exec",
    "Run a program in a running container, as the container's user",
    "[SERVICE|TASK]",
    kFlags,
    "  dodam exec backend -- sh                    a shell in the newest task of a service\n"
    "  dodam exec 3f9c2a -c app -- env             in a task, by the beginning of its id\n"
    "  dodam exec backend -- cat /etc/hosts > hosts   a program of its own\n"
    "\n  The exit code is the program's. A terminal is made when stdin is one.\n",
    exec};

}  // namespace commands

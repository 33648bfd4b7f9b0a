// origin and raw, for cases about the emulator itself: how a scripted origin replies, and bytes on
// a socket.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/result.h"
#include "base/text.h"
#include "scenarios/runner/context.h"
#include "scenarios/runner/scripted_origin.h"
#include "scenarios/runner/steps/steps.h"

namespace scenarios {
namespace {

using base::Node;

constexpr size_t kMaxAnswerBytes = 16 << 20;
constexpr auto kQuiet =
    base::milliseconds(300);  // after the last byte, a connection that says nothing more is open

std::expected<Answer, StepError> origin(Context& context, const Node& step) {
    if (!context.origin)
        return std::unexpected(StepError{"there is no scripted origin here",
                                         "dodam run --origin PORT plays one, where the stack "
                                         "expects its origin or target"});
    context.origin->reply(step["origin"].as_string(), step["reply"]);
    return Answer();
}

struct Descriptor {
    int fd = -1;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

std::expected<Answer, StepError> raw(Context& context, const Node& step) {
    auto target = resolve(context.world, step["raw"].as_string());
    if (!target) return std::unexpected(StepError{target.error(), ""});
    Descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(target->port));
    if (inet_pton(AF_INET, target->address.c_str(), &address.sin_addr) != 1 ||
        ::connect(socket.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        return std::unexpected(
            StepError{fmt::format("nothing answers at {}:{}", target->address, target->port), "",
                      StepError::Cause::Stack});
    const std::string& bytes = step["send"].as_string();
    if (::send(socket.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size()))
        return std::unexpected(StepError{"the peer takes no bytes", ""});
    if (step["shutdown"].as_bool()) ::shutdown(socket.fd, SHUT_WR);

    // Until the peer closes, says nothing more, or the step's time is over.
    std::string text;
    bool closed = false;
    while (!closed && text.size() < kMaxAnswerBytes &&
           context.clock.real_now() < context.deadline) {
        pollfd wait{socket.fd, POLLIN, 0};
        const auto limit =
            text.empty() ? context.left() : std::min<base::microseconds>(context.left(), kQuiet);
        if (::poll(&wait, 1, static_cast<int>(limit.count() / 1000)) <= 0) break;
        char block[16384];
        const ssize_t got = ::recv(socket.fd, block, sizeof block, 0);
        if (got <= 0)
            closed = true;
        else
            text.append(block, static_cast<size_t>(got));
    }
    Answer answer;
    answer.set("closed", closed);
    answer.set("bytes", static_cast<int64_t>(text.size()));
    // The first answer's status line and headers, where there are any; "body" is all that came.
    if (text.starts_with("HTTP/")) {
        const auto [version, rest] = base::cut(text, ' ');
        answer.set("http", version.substr(5));
        if (auto status = base::parse_signed(base::trim(rest.substr(0, 3))))
            answer.set("status", *status);
        const std::string head = text.substr(0, text.find("\r\n\r\n"));
        bool first = true;
        for (std::string_view line : base::split(head, '\n')) {
            const auto [name, value] = base::cut(base::trim(line), ':');
            if (!first) answer.headers.emplace_back(name, base::trim(value));
            first = false;
        }
    }
    answer.body = std::move(text);
    if (context.origin) context.origin->tell(answer);
    return answer;
}

constexpr Key kOriginKeys[] = {{"reply", Shape::Reply, "What the origin answers."}};
constexpr Key kRawKeys[] = {{"send", Shape::Text, "The bytes, as they are."},
                            {"shutdown", Shape::Bool, "true: say that nothing more will come."}};
constexpr std::string_view kRawExpects[] = {"status",   "header.",  "body",      "regex ",
                                            "bytes",    "closed",   "http",      "saw.method",
                                            "saw.path", "saw.body", "saw.count", "saw.header."};

constexpr Verb kVerbs[] = {
    {{"origin", Shape::RequestLine, "Tells the scripted origin how to answer: \"GET /a\"."},
     kOriginKeys,
     {},
     true,
     origin},
    {{"raw", Shape::Target, "Bytes on a socket; \"body\" is everything that came back."},
     kRawKeys,
     kRawExpects,
     false,
     raw},
};

}  // namespace

const std::span<const Verb> own_verbs = kVerbs;

}  // namespace scenarios

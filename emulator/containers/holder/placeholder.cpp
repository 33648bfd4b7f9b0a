// The built-in placeholder image's program: what a service without an image runs until the first
// deploy. 200 on the health path, 503 "nothing deployed yet" elsewhere. One connection at a time is
// enough for health checks.
// Its command may name steps that come first, so that scenarios can show deployments that go wrong
// without an image of their own:
//   say TEXT    a line of output                exit CODE   the end
//   wait SECONDS                                deaf        SIGTERM is not heard
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "containers/holder/roles.h"

namespace holder {
namespace {

volatile sig_atomic_t stopped = 0;
bool deaf = false;
void on_stop(int) {
    stopped = !deaf;
}

// A wait that a stop signal ends, and the program with it.
void rest(int seconds) {
    if (poll(nullptr, 0, seconds * 1000) < 0 && stopped) _exit(0);
}

void answer(int connection, const std::string& health_path) {
    std::string head;
    char bytes[2048];
    while (head.find("\r\n\r\n") == std::string::npos && head.size() < 16 * 1024) {
        pollfd wait{connection, POLLIN, 0};
        if (poll(&wait, 1, 2000) <= 0) return;
        ssize_t got = read(connection, bytes, sizeof bytes);
        if (got <= 0) return;
        head.append(bytes, static_cast<size_t>(got));
    }
    size_t start = head.find(' ');
    size_t end = start == std::string::npos ? start : head.find_first_of(" ?\r", start + 1);
    std::string path = end == std::string::npos ? "" : head.substr(start + 1, end - start - 1);
    bool healthy = path == health_path;
    const char* body = healthy ? "ok\n" : "nothing deployed yet\n";
    char text[256];
    int size = snprintf(text, sizeof text,
                        "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: "
                        "%zu\r\nConnection: close\r\n\r\n%s",
                        healthy ? "200 OK" : "503 Service Unavailable", strlen(body),
                        head.starts_with("HEAD ") ? "" : body);
    (void)!write(connection, text, static_cast<size_t>(size));
    shutdown(connection, SHUT_WR);
}

// False: the words mean nothing.
bool run_steps(char** words, int count) {
    for (int i = 0; i < count; ++i) {
        const std::string word = words[i];
        if (word == "deaf") {
            deaf = true;
            continue;
        }
        if (i + 1 == count) return false;
        const char* value = words[++i];
        if (word == "say")
            dprintf(1, "%s\n", value);
        else if (word == "exit")
            _exit(atoi(value));
        else if (word == "wait")
            rest(atoi(value));
        else
            return false;
    }
    return true;
}

}  // namespace

int run_placeholder(char** words, int count) {
    struct sigaction action{};
    action.sa_handler = on_stop;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    signal(SIGPIPE, SIG_IGN);
    if (!run_steps(words, count)) {
        dprintf(2, "placeholder: its steps are say TEXT, wait SECONDS, exit CODE and deaf\n");
        return 2;
    }
    const char* port = getenv("PORT");
    const char* health = getenv("DODAM_HEALTH_PATH");
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<uint16_t>(port ? atoi(port) : 80));
    if (bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) < 0 ||
        listen(listener, 64) < 0) {
        dprintf(2, "placeholder: port %s cannot be listened on: %s\n", port ? port : "80",
                strerror(errno));
        return 1;
    }
    // Stop signals arrive only inside ppoll, so none is missed between the look at `stopped` and
    // the wait.
    sigset_t stops, before;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    sigprocmask(SIG_BLOCK, &stops, &before);
    dprintf(1, "placeholder: nothing deployed yet, listening on port %d\n", ntohs(at.sin_port));
    while (!stopped) {
        pollfd wait{listener, POLLIN, 0};
        if (ppoll(&wait, 1, nullptr, &before) <= 0) continue;
        int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) continue;
        answer(connection, health ? health : "/");
        close(connection);
    }
    return 0;
}

}  // namespace holder

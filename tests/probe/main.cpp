// The program of the test image: one static file that does what a test's command line says, step by
// step.
//   probe STEP [ARGUMENT…] [-- STEP …]
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

namespace {

char** words;
int left;

const char* next() {
    if (left == 0 || !strcmp(*words, "--")) return "";
    --left;
    return *words++;
}

void say(const char* text) {
    dprintf(1, "%s\n", text);
}
const char* outcome(int result) {
    return result < 0 ? strerrorname_np(errno) : "ok";
}

int term_code = 0;
void on_term(int) {
    _exit(term_code);
}

sockaddr_in address(const char* ip, const char* port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<uint16_t>(atoi(port)));
    inet_pton(AF_INET, ip, &at.sin_addr);
    return at;
}

// Answers every connection with the address of its peer.
void listen_on(const char* ip, const char* port) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in at = address(ip, port);
    int result = bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at);
    if (result == 0) result = listen(listener, 16);
    say(result < 0 ? outcome(result) : "listening");
    if (result < 0) _exit(1);
    for (;;) {
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        int connection = accept(listener, reinterpret_cast<sockaddr*>(&peer), &size);
        if (connection < 0) continue;
        dprintf(connection, "%s", inet_ntoa(peer.sin_addr));
        close(connection);
    }
}

enum class Refused { Say, TryAgain };
void connect_to(const char* ip, const char* port, Refused refused) {
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at = address(ip, port);
    while (connect(connection, reinterpret_cast<sockaddr*>(&at), sizeof at) < 0) {
        if (refused == Refused::Say) return say(outcome(-1));
        poll(nullptr, 0, 10);
    }
    char text[256] = {};
    ssize_t got = read(connection, text, sizeof text - 1);
    say(got > 0 ? text : "connected");
    close(connection);
}

// HTTP: every request is answered with `status` and a word as the body.
void serve_on(const char* port, const char* status) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in at = address("0.0.0.0", port);
    if (bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) < 0 ||
        listen(listener, 64) < 0) {
        say(outcome(-1));
        _exit(1);
    }
    say("serving");
    for (;;) {
        int connection = accept(listener, nullptr, nullptr);
        if (connection < 0) continue;
        char head[4096];
        (void)!read(connection, head, sizeof head);
        dprintf(connection,
                "HTTP/1.1 %s Told\r\nContent-Length: 5\r\nConnection: close\r\n\r\nprobe", status);
        shutdown(connection, SHUT_WR);
        close(connection);
    }
}

// The body of http://169.254.170.2, at the address that a variable of the environment has (with or
// without the host) and what follows it: the first one that has `awaited` in it.
void fetch(const char* variable, const char* rest, const char* awaited = "") {
    const char *base = getenv(variable), *host = "http://169.254.170.2";
    if (!base) return say("(unset)");
    if (!strncmp(base, host, strlen(host))) base += strlen(host);
    for (;; poll(nullptr, 0, 50)) {
        int connection = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in at = address("169.254.170.2", "80");
        if (int result = connect(connection, reinterpret_cast<sockaddr*>(&at), sizeof at);
            result < 0)
            return say(outcome(result));
        dprintf(connection, "GET %s%s HTTP/1.0\r\nHost: 169.254.170.2\r\n\r\n", base, rest);
        static char text[64 * 1024];
        size_t size = 0;
        for (ssize_t got; size < sizeof text - 1 &&
                          (got = read(connection, text + size, sizeof text - 1 - size)) > 0;)
            size += static_cast<size_t>(got);
        text[size] = 0;
        close(connection);
        const char* head_end = strstr(text, "\r\n\r\n");
        const char* body = head_end ? head_end + 4 : text;
        if (strstr(body, awaited)) return say(body);
    }
}

// Until this process has used so much of a processor.
void burn(long milliseconds) {
    for (timespec used{}; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used),
                          used.tv_sec * 1000 + used.tv_nsec / 1'000'000 < milliseconds;)
        continue;
}

void show(const char* path) {
    int file = open(path, O_RDONLY);
    if (file < 0) return say(outcome(file));
    char bytes[4096];
    for (ssize_t got; (got = read(file, bytes, sizeof bytes)) > 0;)
        (void)!write(1, bytes, static_cast<size_t>(got));
    close(file);
}

void whoami() {
    gid_t groups[32];
    int count = getgroups(32, groups);
    char directory[512];
    dprintf(1, "uid %d gid %d groups", getuid(), getgid());
    for (int i = 0; i < count; ++i)
        dprintf(1, " %d", groups[i]);
    dprintf(1, " in %s home %s pid %d\n", getcwd(directory, sizeof directory), getenv("HOME"),
            getpid());
}

void eat(size_t megabytes) {
    for (size_t i = 0; i < megabytes; ++i) {
        void* block =
            mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(block, 1, 1 << 20);
    }
    dprintf(1, "ate %zu\n", megabytes);
}

void long_line(size_t count) {
    for (size_t i = 0; i < count; ++i)
        (void)!write(1, "x", 1);
    say("");
}

void copy_input() {
    char bytes[4096];
    for (ssize_t got; (got = read(0, bytes, sizeof bytes)) > 0;)
        (void)!write(1, bytes, static_cast<size_t>(got));
}

// Once it has so many rows; without a terminal at once.
void show_terminal(int rows) {
    for (winsize size{};; poll(nullptr, 0, 10)) {
        if (ioctl(0, TIOCGWINSZ, &size) < 0) return say("no terminal");
        if (size.ws_row != rows) continue;
        dprintf(1, "%dx%d\n", size.ws_row, size.ws_col);
        return;
    }
}

void wait_for_ever() {
    for (;;)
        pause();
}

bool step(const char* name) {
    if (!strcmp(name, "exit")) _exit(atoi(next()));
    if (!strcmp(name, "say"))
        say(next());
    else if (!strcmp(name, "cry"))
        dprintf(2, "%s\n", next());
    else if (!strcmp(name, "wait"))
        wait_for_ever();
    else if (!strcmp(name, "stay-if"))
        access(next(), F_OK) == 0 ? wait_for_ever() : void();
    else if (!strcmp(name, "on-term"))
        term_code = atoi(next()), signal(SIGTERM, on_term);
    else if (!strcmp(name, "abort"))
        abort();
    else if (!strcmp(name, "fork"))
        fork() == 0 ? wait_for_ever() : void();
    else if (!strcmp(name, "listen")) {
        const char* ip = next();
        listen_on(ip, next());
    } else if (!strcmp(name, "connect")) {
        const char* ip = next();
        connect_to(ip, next(), Refused::Say);
    } else if (!strcmp(name, "dial")) {
        const char* ip = next();
        connect_to(ip, next(), Refused::TryAgain);
    } else if (!strcmp(name, "show"))
        show(next());
    else if (!strcmp(name, "copy"))
        copy_input();
    else if (!strcmp(name, "terminal"))
        show_terminal(atoi(next()));
    else if (!strcmp(name, "serve")) {
        const char* port = next();
        serve_on(port, next());
    } else if (!strcmp(name, "fetch")) {
        const char* variable = next();
        fetch(variable, next());
    } else if (!strcmp(name, "fetch-until")) {
        const char *variable = next(), *path = next();
        fetch(variable, path, next());
    } else if (!strcmp(name, "burn")) {
        burn(atol(next()));
    } else if (!strcmp(name, "need")) {
        if (access(next(), F_OK) != 0) _exit(1);
    } else if (!strcmp(name, "await")) {
        for (const char* path = next(); access(path, F_OK) != 0;)
            poll(nullptr, 0, 10);
    } else if (!strcmp(name, "touch")) {
        int file = open(next(), O_CREAT | O_WRONLY, 0644);
        say(outcome(file));
        close(file);
    } else if (!strcmp(name, "chown")) {
        const char* path = next();
        say(outcome(chown(path, static_cast<uid_t>(atoi(next())), 7)));
    } else if (!strcmp(name, "append")) {
        const char* path = next();
        int file = open(path, O_WRONLY | O_APPEND);
        say(outcome(file));
        dprintf(file, "%s\n", next());
    } else if (!strcmp(name, "exists"))
        say(access(next(), F_OK) == 0 ? "yes" : "no");
    else if (!strcmp(name, "env")) {
        const char* value = getenv(next());
        say(value ? value : "(unset)");
    } else if (!strcmp(name, "whoami"))
        whoami();
    else if (!strcmp(name, "eat"))
        eat(static_cast<size_t>(atoi(next())));
    else if (!strcmp(name, "long"))
        long_line(static_cast<size_t>(atoi(next())));
    else
        return false;
    return true;
}

}  // namespace

int main(int count, char** arguments) {
    words = arguments + 1;
    left = count - 1;
    while (left > 0) {
        if (!strcmp(*words, "--")) {
            ++words, --left;
            continue;
        }
        const char* name = next();
        if (step(name)) continue;
        dprintf(2, "probe: unknown step %s\n", name);
        return 2;
    }
    return 0;
}

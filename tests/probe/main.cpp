// The program of the test image: one static file that does what a test's command line says, step by
// step.
//   probe STEP [ARGUMENT…] [-- STEP …]
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
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

void connect_to(const char* ip, const char* port) {
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at = address(ip, port);
    if (int result = connect(connection, reinterpret_cast<sockaddr*>(&at), sizeof at); result < 0)
        return say(outcome(result));
    char text[256] = {};
    ssize_t got = read(connection, text, sizeof text - 1);
    say(got > 0 ? text : "connected");
    close(connection);
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
        connect_to(ip, next());
    } else if (!strcmp(name, "show"))
        show(next());
    else if (!strcmp(name, "touch")) {
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

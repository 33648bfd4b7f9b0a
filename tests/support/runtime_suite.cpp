#include "support/runtime_suite.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "base/ids.h"
#include "support/temporary_directory.h"

namespace support {
namespace {

using namespace containers;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kPatience{20};

// What a container printed, waited for.
class Recorder final : public LogSink {
  public:
    void line(Stream stream, std::string_view text) override {
        std::lock_guard lock(mutex_);
        lines_.push_back((stream == Stream::Error ? "! " : "") + std::string(text));
        arrived_.notify_all();
    }
    std::vector<std::string> lines() {
        std::lock_guard lock(mutex_);
        return lines_;
    }
    bool wait_for(const std::string& text) {
        std::unique_lock lock(mutex_);
        return arrived_.wait_for(lock, kPatience,
                                 [&] { return std::ranges::find(lines_, text) != lines_.end(); });
    }

  private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::vector<std::string> lines_;
};

// One task with containers of the probe; removed at the end.
class Bench {
  public:
    explicit Bench(RuntimeUnderTest& under_test, TaskOptions task = {})
        : runtime(under_test.runtime) {
        auto pulled = runtime.pull(under_test.reference, under_test.images);
        if (!pulled) FAIL(pulled.error().text);
        image = *pulled;
        task.id = id;
        if (task.address.empty()) task.address = "10.0.1.23";
        auto made = runtime.create_task(task);
        if (!made) FAIL(made.error().text);
        network = *made;
    }
    ~Bench() { runtime.remove_task(id); }

    ContainerOptions options(std::vector<std::string> command, const std::string& name = "app") {
        ContainerOptions out;
        out.name = name;
        out.image = image;
        out.command = std::move(command);
        out.log = log;
        return out;
    }
    Result<void> try_start(ContainerOptions wanted) {
        std::string name = wanted.name;
        if (auto created = runtime.create(id, std::move(wanted)); !created) return created;
        return runtime.start(id, name);
    }
    void start_again() {
        auto started = runtime.start(id, "app");
        if (!started) FAIL(started.error().text);
    }
    void start(ContainerOptions wanted) {
        auto started = try_start(std::move(wanted));
        if (!started) FAIL(started.error().text);
    }
    ContainerState await_exit(const std::string& name = "app") {
        auto until = std::chrono::steady_clock::now() + kPatience;
        for (;;) {
            for (Event& event : exits_)
                if (event.container == name) return event.state;
            if (std::chrono::steady_clock::now() > until) FAIL("no exit of " << name);
            for (Event& event : runtime.take_events(milliseconds(200))) {
                if (event.task != id) continue;
                order.push_back((event.kind == Event::Kind::Started ? "started " : "exited ") +
                                event.container);
                if (event.kind == Event::Kind::Exited) exits_.push_back(event);
            }
        }
    }
    // The exits of the lives until now are no answer any more.
    void forget_exits() { exits_.clear(); }
    // Runs the steps to their end and gives what was printed.
    std::vector<std::string> output_of(std::vector<std::string> command) {
        start(options(std::move(command)));
        await_exit();
        return log->lines();
    }

    Runtime& runtime;
    std::string id = "t" + base::random_hex(12);
    Image image;
    std::shared_ptr<TaskNetwork> network;
    std::shared_ptr<Recorder> log = std::make_shared<Recorder>();
    std::vector<std::string> order;

  private:
    std::vector<Event> exits_;
};

std::string read_all(net::Socket& socket) {
    std::string out;
    char bytes[256];
    for (;;) {
        auto got = socket.read_some(bytes, net::Deadline::after(seconds(5)));
        if (!got || *got == 0) return out;
        out.append(bytes, *got);
    }
}

using Lines = std::vector<std::string>;

// ecs-ecr.md §7: exit codes are Docker's.
void exit_codes(RuntimeUnderTest& under_test) {
    struct Row {
        std::vector<std::string> steps;
        int code;
    };
    for (const Row& row :
         {Row{{"exit", "0"}, 0}, Row{{"exit", "3"}, 3}, Row{{"exit", "255"}, 255}}) {
        Bench bench(under_test);
        bench.start(bench.options(row.steps));
        ContainerState state = bench.await_exit();
        CHECK(state.exit_code == row.code);
        CHECK(state.status == ContainerStatus::Exited);
        CHECK_FALSE(state.out_of_memory);
        CHECK(bench.order == Lines{"started app", "exited app"});
        CHECK(bench.runtime.inspect(bench.id, "app")->exit_code == row.code);
    }
}

// ecs-ecr.md §7: SIGTERM goes to PID 1, which ignores it without a handler; SIGKILL after
// stopTimeout is 137.
void stop_sequence(RuntimeUnderTest& under_test) {
    SECTION("a handler ends it with its own code") {
        Bench bench(under_test);
        bench.start(bench.options({"on-term", "5", "--", "say", "up", "--", "wait"}));
        REQUIRE(bench.log->wait_for("up"));
        auto before = std::chrono::steady_clock::now();
        REQUIRE(bench.runtime.stop(bench.id, "app", seconds(10)));
        CHECK(bench.await_exit().exit_code == 5);
        CHECK(std::chrono::steady_clock::now() - before < seconds(8));
    }
    SECTION("PID 1 without a handler is killed when the grace is over") {
        Bench bench(under_test);
        bench.start(bench.options({"say", "up", "--", "wait"}));
        REQUIRE(bench.log->wait_for("up"));
        auto before = std::chrono::steady_clock::now();
        REQUIRE(bench.runtime.stop(bench.id, "app", milliseconds(1000)));
        ContainerState state = bench.await_exit();
        CHECK(state.exit_code == 137);
        CHECK_FALSE(state.out_of_memory);
        CHECK(std::chrono::steady_clock::now() - before >= milliseconds(900));
    }
    SECTION("behind an init the default action ends it") {
        Bench bench(under_test);
        ContainerOptions options = bench.options({"say", "up", "--", "wait"});
        options.init_process = true;
        bench.start(options);
        REQUIRE(bench.log->wait_for("up"));
        REQUIRE(bench.runtime.stop(bench.id, "app", seconds(10)));
        CHECK(bench.await_exit().exit_code == 143);
    }
    SECTION("stopping what has exited is fine") {
        Bench bench(under_test);
        bench.start(bench.options({"exit", "1"}));
        bench.await_exit();
        CHECK(bench.runtime.stop(bench.id, "app", seconds(1)));
    }
}

// API reference, "ContainerRestartPolicy": a container that has exited is restarted, the same one.
void another_life(RuntimeUnderTest& under_test) {
    SECTION("what it wrote is there, and both lives are told and logged") {
        Bench bench(under_test);
        bench.start(bench.options({"exists", "/mark", "touch", "/mark", "exit", "3"}));
        const std::string runtime_id = bench.await_exit().runtime_id;
        bench.forget_exits();
        bench.start_again();
        ContainerState state = bench.await_exit();
        CHECK(state.exit_code == 3);
        CHECK(state.runtime_id == runtime_id);
        CHECK(bench.log->lines() == Lines{"no", "ok", "yes", "ok"});
        CHECK(bench.order == Lines{"started app", "exited app", "started app", "exited app"});
    }
    SECTION("it is stopped as in its first, and what ended that one is forgotten") {
        Bench bench(under_test);
        ContainerOptions options =
            bench.options({"exists", "/mark", "touch", "/mark", "say", "up", "wait"});
        bench.start(options);
        REQUIRE(bench.log->wait_for("up"));
        CHECK_FALSE(bench.runtime.start(bench.id, "app"));  // it runs
        REQUIRE(bench.runtime.stop(bench.id, "app", milliseconds(100)));
        CHECK(bench.await_exit().exit_code == 137);
        bench.forget_exits();
        bench.start_again();
        REQUIRE(bench.log->wait_for("yes"));
        CHECK(bench.runtime.inspect(bench.id, "app")->status == ContainerStatus::Running);
        CHECK_FALSE(bench.runtime.inspect(bench.id, "app")->exit_code);
        auto inside = bench.runtime.exec(bench.id, "app",
                                         {.command = {"/probe", "exists", "/mark"}, .user = ""});
        REQUIRE(inside);
        CHECK(inside->output == "yes\n");
        REQUIRE(bench.runtime.stop(bench.id, "app", milliseconds(100)));
        CHECK(bench.await_exit().exit_code == 137);
    }
}

void logs(RuntimeUnderTest& under_test) {
    SECTION("both streams, complete before the exit") {
        Bench bench(under_test);
        Lines lines = bench.output_of({"say", "one", "--", "cry", "two", "--", "say", "three"});
        std::ranges::sort(lines);
        CHECK(lines == Lines{"! two", "one", "three"});
    }
    SECTION("a line that is too long comes in pieces") {
        Bench bench(under_test);
        Lines lines = bench.output_of({"long", "20000"});
        REQUIRE(lines.size() == 2);
        CHECK(lines[0].size() == kMaxLogLineBytes);
        CHECK(lines[1].size() == 20000 - kMaxLogLineBytes);
    }
    SECTION("the program may open its own output") {
        Bench bench(under_test);
        ContainerOptions options = bench.options({"append", "/dev/stdout", "again"});
        options.user = "app";
        bench.start(options);
        bench.await_exit();
        CHECK(bench.log->lines() == Lines{"ok", "again"});
    }
}

void surroundings(RuntimeUnderTest& under_test) {
    // A plain user without a range of ids has one user to give: the image's root.
    bool one_user = under_test.runtime.facilities().identities == "one id";
    if (!one_user) SECTION("user, groups, directory and PID 1") {
            Bench bench(under_test);
            ContainerOptions options = bench.options({"whoami"});
            options.user = "app";
            options.working_directory = "/srv/new";
            bench.start(options);
            bench.await_exit();
            CHECK(bench.log->lines() ==
                  Lines{"uid 1000 gid 1000 groups 1000 2000 in /srv/new home /home/app pid 1"});
        }
    if (!one_user) SECTION("root in the image") {
            Bench bench(under_test);
            CHECK(bench.output_of({"whoami", "--", "touch", "/new", "--", "chown", "/new", "33"}) ==
                  Lines{"uid 0 gid 0 groups 0 in / home /root pid 1", "ok", "ok"});
        }
    SECTION("an unknown user") {
        Bench bench(under_test);
        ContainerOptions options = bench.options({"whoami"});
        options.user = "nobody-here";
        auto started = bench.try_start(options);
        REQUIRE_FALSE(started);
        CHECK(started.error().text.find("nobody-here") != std::string::npos);
    }
    SECTION("environment: the image's, overlaid") {
        Bench bench(under_test);
        ContainerOptions options =
            bench.options({"env", "FROM_IMAGE", "--", "env", "GIVEN", "--", "env", "REPLACED"});
        options.environment = {{"GIVEN", "two words"}, {"REPLACED", "ours"}};
        bench.start(options);
        bench.await_exit();
        CHECK(bench.log->lines() == Lines{"yes", "two words", "ours"});
    }
    SECTION("files laid over the image, and names") {
        TaskOptions task;
        task.hosts = "198.18.0.7 db.example.test\n";
        Bench bench(under_test, task);
        ContainerOptions options =
            bench.options({"show", "/etc/added/file", "--", "show", "/etc/hosts"});
        options.files = {{"/etc/added/file", std::make_shared<const std::string>("content\n")}};
        bench.start(options);
        bench.await_exit();
        Lines lines = bench.log->lines();
        CHECK(std::ranges::find(lines, "content") != lines.end());
        CHECK(std::ranges::find(lines, "198.18.0.7 db.example.test") != lines.end());
    }
    SECTION("nothing of the host") {
        Bench bench(under_test);
        CHECK(bench.output_of({"exists", "/etc/debian_version", "--", "exists", "/usr/bin/env",
                               "--", "exists", "/work", "--", "exists", "/probe"}) ==
              Lines{"no", "no", "no", "yes"});
    }
    SECTION("a read-only root") {
        Bench bench(under_test);
        ContainerOptions options = bench.options({"touch", "/new"});
        options.read_only_root = true;
        bench.start(options);
        bench.await_exit();
        CHECK(bench.log->lines() == Lines{"EROFS"});
    }
    SECTION("a volume is shared by the task's containers") {
        Bench bench(under_test);
        ContainerOptions first = bench.options({"touch", "/data/file"}, "first");
        first.volumes = {{"scratch", "/data"}};
        bench.start(first);
        bench.await_exit("first");
        ContainerOptions second = bench.options({"exists", "/other/file"}, "second");
        second.volumes = {{"scratch", "/other"}};
        bench.start(second);
        bench.await_exit("second");
        CHECK(bench.log->lines() == Lines{"ok", "yes"});
    }
    SECTION("what one container writes, another of the same image does not see") {
        Bench bench(under_test);
        bench.start(bench.options({"touch", "/mark"}, "first"));
        bench.await_exit("first");
        bench.start(bench.options({"exists", "/mark"}, "second"));
        bench.await_exit("second");
        CHECK(bench.log->lines() == Lines{"ok", "no"});
    }
}

// ecs-ecr.md §8: CannotStartContainerError has a cause to show.
void cannot_start(RuntimeUnderTest& under_test) {
    Bench bench(under_test);
    ContainerOptions options = bench.options({});
    options.entrypoint = {"/no/such/program"};
    auto started = bench.try_start(options);
    REQUIRE_FALSE(started);
    CHECK(started.error().kind == Error::Kind::CannotStart);
    CHECK(started.error().text.find("/no/such/program") != std::string::npos);

    CHECK(bench.runtime.start(bench.id, "unknown").error().kind == Error::Kind::NoSuchContainer);
    CHECK(bench.runtime.start("unknown", "app").error().kind == Error::Kind::NoSuchTask);
    ContainerOptions hostile = bench.options({"exit", "0"}, "../../etc");
    CHECK(bench.runtime.create(bench.id, hostile).error().kind == Error::Kind::CannotCreate);
}

// ecs-ecr.md §8: what is found and cannot be executed is no failure to start: the container runs,
// says why and ends, as runc has it.
void cannot_execute(RuntimeUnderTest& under_test) {
    struct Row {
        const char *program, *said;
    };
    for (const Row& row : {Row{"/srv/foreign", "! exec /srv/foreign: exec format error"},
                           Row{"foreign", "! exec /srv/foreign: exec format error"},
                           // The shell that its first line names is not there.
                           Row{"/srv/script", "! exec /srv/script: no such file or directory"}}) {
        INFO(row.program);
        Bench bench(under_test);
        ContainerOptions options = bench.options({});
        options.entrypoint = {row.program};
        options.environment = {{"PATH", "/nowhere:/srv"}};
        bench.start(options);
        ContainerState state = bench.await_exit();
        CHECK((state.exit_code == 1 || state.exit_code == 255));  // an older and a newer runc
        CHECK(bench.log->lines() == Lines{row.said});
        CHECK(bench.order == Lines{"started app", "exited app"});
    }
    Bench bench(under_test);
    ContainerOptions options = bench.options({});
    options.entrypoint = {"/srv/data"};
    auto started = bench.try_start(options);
    REQUIRE_FALSE(started);
    CHECK(started.error().kind == Error::Kind::CannotStart);
    CHECK(started.error().text.find("permission denied") != std::string::npos);
}

// task-runtime.md §2: dial the task's own address, not loopback.
void dialling(RuntimeUnderTest& under_test) {
    SECTION("an app that listens everywhere answers, and sees who calls") {
        Bench bench(under_test);
        bench.start(bench.options({"listen", "0.0.0.0", "3000"}));
        REQUIRE(bench.log->wait_for("listening"));
        auto plain = bench.network->dial(3000, net::Deadline::after(seconds(5)));
        REQUIRE(plain);
        CHECK(read_all(*plain) == "10.0.0.1");
        auto balancer = bench.network->dial(3000, net::Deadline::after(seconds(5)),
                                            *net::Address::tcp("10.0.7.8", 0));
        REQUIRE(balancer);
        CHECK(read_all(*balancer) == "10.0.7.8");
    }
    SECTION("an app on loopback refuses, as on Fargate") {
        Bench bench(under_test);
        bench.start(bench.options({"listen", "127.0.0.1", "3000"}));
        REQUIRE(bench.log->wait_for("listening"));
        auto refused = bench.network->dial(3000, net::Deadline::after(seconds(5)));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind == net::ErrorKind::Refused);
    }
    SECTION("nothing listens") {
        Bench bench(under_test);
        auto refused = bench.network->dial(3000, net::Deadline::after(seconds(5)));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind == net::ErrorKind::Refused);
    }
    SECTION("a low port for a user that is not root") {
        Bench bench(under_test);
        ContainerOptions options = bench.options({"listen", "0.0.0.0", "80"});
        options.user = "app";
        bench.start(options);
        REQUIRE(bench.log->wait_for("listening"));
        CHECK(bench.network->dial(80, net::Deadline::after(seconds(5))));
    }
}

// Accepts one connection and says something.
std::string answer_once(int listener, const std::string& text) {
    pollfd wait{listener, POLLIN, 0};
    if (::poll(&wait, 1, 20'000) != 1) return "nobody came";
    int connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    (void)!::write(connection, text.data(), text.size());
    ::close(connection);
    return "";
}

void listening(RuntimeUnderTest& under_test) {
    SECTION("a service behind the gateway, on a port that the app uses itself") {
        Bench bench(under_test);
        auto listener = bench.network->listen(*net::Address::tcp("198.18.0.7", 3306));
        REQUIRE(listener);
        bench.start(bench.options(
            {"fork", "--", "connect", "198.18.0.7", "3306", "--", "listen", "0.0.0.0", "3306"}));
        CHECK(answer_once(*listener, "hello") == "");
        CHECK(bench.log->wait_for("hello"));
        CHECK(bench.log->wait_for("listening"));
        ::close(*listener);
    }
    SECTION("metadata and loopback addresses") {
        for (const char* ip : {"169.254.170.2", "127.0.0.2", "10.0.0.77"}) {
            Bench bench(under_test);
            auto listener = bench.network->listen(*net::Address::tcp(ip, 80));
            REQUIRE(listener);
            bench.start(bench.options({"connect", ip, "80"}));
            CHECK(answer_once(*listener, ip) == "");
            bench.await_exit();
            CHECK(bench.log->lines() == Lines{ip});
            ::close(*listener);
        }
    }
    SECTION("datagrams, for names") {
        Bench bench(under_test);
        auto socket = bench.network->udp(*net::Address::tcp("169.254.169.253", 53));
        REQUIRE(socket);
        ::close(*socket);
    }
    SECTION("a closed door refuses at once, the world is unreachable at once") {
        Bench bench(under_test);
        auto before = std::chrono::steady_clock::now();
        CHECK(bench.output_of({"connect", "198.18.0.9", "443", "--", "connect", "10.0.9.9", "80",
                               "--", "connect", "93.184.216.34", "80", "--", "connect", "127.0.0.1",
                               "4566"}) ==
              Lines{"ECONNREFUSED", "ECONNREFUSED", "ENETUNREACH", "ECONNREFUSED"});
        CHECK(std::chrono::steady_clock::now() - before < seconds(10));
    }
}

// ecs-ecr.md §7: the containers of a task share its network and nothing else.
void two_containers(RuntimeUnderTest& under_test) {
    Bench bench(under_test);
    bench.start(bench.options({"listen", "127.0.0.1", "9000"}, "side"));
    REQUIRE(bench.log->wait_for("listening"));
    bench.start(bench.options({"connect", "127.0.0.1", "9000", "--", "whoami"}, "app"));
    bench.await_exit("app");
    CHECK(bench.log->wait_for("127.0.0.1"));
    CHECK(bench.runtime.inspect(bench.id, "side")->status == ContainerStatus::Running);
}

void exec(RuntimeUnderTest& under_test) {
    Bench bench(under_test);
    bench.start(bench.options({"say", "up", "--", "wait"}));
    REQUIRE(bench.log->wait_for("up"));
    auto result = bench.runtime.exec(
        bench.id, "app", {.command = {"/probe", "say", "inside", "--", "exit", "7"}, .user = ""});
    REQUIRE(result);
    CHECK(result->exit_code == 7);
    CHECK(result->output == "inside\n");
    auto slow = bench.runtime.exec(
        bench.id, "app", {.command = {"/probe", "wait"}, .timeout = milliseconds(300), .user = ""});
    REQUIRE(slow);
    CHECK(slow->timed_out);
    CHECK(slow->exit_code == -1);
    auto missing = bench.runtime.exec(bench.id, "app", {.command = {"/no/such"}, .user = ""});
    CHECK((!missing || missing->exit_code == 126 || missing->exit_code == 127));
    // What ran inside leaves the app alone.
    CHECK(bench.runtime.inspect(bench.id, "app")->status == ContainerStatus::Running);
}

// All that a session's program writes, to its end.
std::string read_to_end(Session& session, Stream stream = Stream::Output) {
    std::string out;
    auto until = std::chrono::steady_clock::now() + kPatience;
    while (auto chunk = session.read(milliseconds(200))) {
        if (chunk->stream == stream) out += chunk->bytes;
        if (std::chrono::steady_clock::now() > until) FAIL("the session does not end: " << out);
    }
    return out;
}

void session(RuntimeUnderTest& under_test) {
    Bench bench(under_test);
    ContainerOptions options = bench.options({"say", "up", "--", "wait"});
    options.user = "app";
    bench.start(options);
    REQUIRE(bench.log->wait_for("up"));
    auto open = [&](std::vector<std::string> command, SessionStreams streams) {
        auto made = bench.runtime.open_session(
            bench.id, "app",
            {.command = std::move(command), .streams = streams, .window = {33, 101}});
        if (!made) FAIL(made.error().text);
        return std::move(*made);
    };
    auto piped = open({"/probe", "whoami", "copy", "terminal", "1", "cry", "no", "exit", "7"},
                      SessionStreams::Pipes);
    piped->write("what was written\n");
    piped->finish_input();
    const std::string said = read_to_end(*piped);
    CHECK(said.starts_with("uid 1000 gid 1000"));
    CHECK(said.ends_with("what was written\nno terminal\n"));
    CHECK(piped->exit_code() == 7);

    auto terminal = open({"/probe", "terminal", "33", "terminal", "20", "copy", "exit", "3"},
                         SessionStreams::Terminal);
    std::string seen;
    auto wait_for = [&](std::string_view text) {
        auto until = std::chrono::steady_clock::now() + kPatience;
        while (seen.find(text) == seen.npos && std::chrono::steady_clock::now() < until)
            if (auto chunk = terminal->read(milliseconds(200))) seen += chunk->bytes;
        if (seen.find(text) == seen.npos) FAIL("never saw " << text << " in " << seen);
    };
    wait_for("33x101");
    terminal->resize({20, 55});
    wait_for("20x55");
    terminal->write("typed\n");
    wait_for("typed\r\ntyped\r\n");  // its echo, and what the program made of it
    terminal->finish_input();
    (void)read_to_end(*terminal);
    CHECK(terminal->exit_code() == 3);

    auto left = open({"/probe", "wait"}, SessionStreams::Pipes);
    left->end();
    (void)read_to_end(*left);
    left.reset();
    // What ran inside leaves the app alone.
    CHECK(bench.runtime.inspect(bench.id, "app")->status == ContainerStatus::Running);
    auto missing = bench.runtime.open_session(bench.id, "app", {.command = {"/no/such"}});
    if (missing) {  // an engine says so in the stream
        (void)read_to_end(**missing);
        const int code = (*missing)->exit_code();
        CHECK((code == 126 || code == 127));
    }
}

// ECS guide, "Task metadata endpoint version 4": Docker's statistics of a container. Docker Engine
// API, "Get container stats based on resource usage": counters since its start, what it may use.
void statistics(RuntimeUnderTest& under_test) {
    auto of = [](Bench& bench, const std::string& name) {
        auto stats = bench.runtime.stats(bench.id, name);
        if (!stats) FAIL(stats.error().text);
        return *stats;
    };
    SECTION("the one that burns, and the one that sleeps") {
        TaskOptions task;
        task.memory_bytes = 512 << 20;
        Bench bench(under_test, task);
        bench.start(bench.options({"say", "up", "--", "wait"}, "sleeper"));
        REQUIRE(bench.log->wait_for("up"));
        ContainerOptions options =
            bench.options({"burn", "300", "--", "eat", "30", "--", "say", "burnt", "--", "wait"});
        options.memory_bytes = 256 << 20;
        const ContainerStats before = of(bench, "sleeper");
        bench.start(options);
        REQUIRE(bench.log->wait_for("burnt"));
        const ContainerStats burner = of(bench, "app"), sleeper = of(bench, "sleeper");

        CHECK(burner.cpu >= milliseconds(290));  // the kernel's own count is of ticks, in places
        CHECK(burner.cpu < burner.running_for * burner.online_cpus);
        CHECK(burner.user_cpu + burner.kernel_cpu > milliseconds(200));
        CHECK(sleeper.cpu < burner.cpu - milliseconds(200));
        CHECK(sleeper.running_for > burner.running_for);
        CHECK(burner.online_cpus >= 1);
        // All that the machine's processors did meanwhile, idling included.
        const auto passed = sleeper.running_for - before.running_for;
        CHECK(passed >= milliseconds(290));
        const auto machine = (sleeper.machine_cpu - before.machine_cpu) / sleeper.online_cpus;
        CHECK(machine > passed / 2);
        CHECK(machine < passed * 2);

        // At any time of the second: nobody waits for a sample.
        const auto begun = std::chrono::steady_clock::now();
        for (int i = 0; i < 20; ++i)
            (void)of(bench, "app");
        CHECK(std::chrono::steady_clock::now() - begun < seconds(5));

        CHECK(burner.memory_bytes >= 30 << 20);
        CHECK(burner.memory_bytes < 200 << 20);
        CHECK(burner.memory_limit_bytes == 256 << 20);
        CHECK(sleeper.memory_bytes > 0);
        CHECK(sleeper.memory_bytes < 30 << 20);
        CHECK(sleeper.memory_limit_bytes == 512 << 20);  // the task's, having none of its own
    }
    SECTION("processes, and the network that the task's containers share") {
        Bench bench(under_test);
        bench.start(bench.options({"listen", "0.0.0.0", "3000"}, "alone"));
        REQUIRE(bench.log->wait_for("listening"));
        bench.start(bench.options({"fork", "--", "fork", "--", "say", "three", "--", "wait"}));
        REQUIRE(bench.log->wait_for("three"));
        CHECK(of(bench, "app").processes == of(bench, "alone").processes + 2);
        auto received = [&] {
            const ContainerStats stats = of(bench, "app");
            REQUIRE(stats.interfaces.size() == 1);
            CHECK(stats.interfaces[0].name == "eth0");
            return stats.interfaces[0].received.bytes;
        };
        const uint64_t before = received();
        auto connection = bench.network->dial(3000, net::Deadline::after(seconds(5)));
        REQUIRE(connection);
        CHECK(read_all(*connection) == "10.0.0.1");
        CHECK(received() > before);
        CHECK(of(bench, "app").interfaces[0].sent.packets > 0);
    }
    SECTION("of one that runs, and of the life that it has now") {
        Bench bench(under_test);
        REQUIRE(bench.runtime.create(bench.id, bench.options({"exit", "0"})));
        CHECK_FALSE(bench.runtime.stats(bench.id, "app"));
        REQUIRE(bench.runtime.start(bench.id, "app"));
        bench.await_exit();
        CHECK_FALSE(bench.runtime.stats(bench.id, "app"));
        CHECK(bench.runtime.stats(bench.id, "unknown").error().kind ==
              Error::Kind::NoSuchContainer);
        CHECK(bench.runtime.stats("unknown", "app").error().kind == Error::Kind::NoSuchTask);

        bench.start(bench.options({"exists", "/mark", "stay-if", "/mark", "touch", "/mark", "burn",
                                   "300", "say", "burnt", "wait"},
                                  "twice"));
        REQUIRE(bench.log->wait_for("burnt"));
        const ContainerStats first = of(bench, "twice");
        REQUIRE(bench.runtime.stop(bench.id, "twice", milliseconds(100)));
        bench.await_exit("twice");
        REQUIRE(bench.runtime.start(bench.id, "twice"));
        REQUIRE(bench.log->wait_for("yes"));
        CHECK(of(bench, "twice").cpu < first.cpu - milliseconds(100));
    }
}

// ecs-ecr.md §7: OOM is 137 with its own reason; any other SIGKILL is not.
void memory(RuntimeUnderTest& under_test) {
    Bench bench(under_test);
    ContainerOptions options = bench.options({"eat", "20", "--", "eat", "400", "--", "wait"});
    options.memory_bytes = 64 << 20;
    bench.start(options);
    ContainerState state = bench.await_exit();
    CHECK(state.exit_code == 137);
    CHECK(state.out_of_memory);
    CHECK(state.reason == "OutOfMemoryError: Container killed due to memory usage");
    CHECK(bench.log->lines() == Lines{"ate 20"});
}

void teardown(RuntimeUnderTest& under_test) {
    Bench bench(under_test);
    bench.start(bench.options({"fork", "--", "fork", "--", "listen", "0.0.0.0", "3000"}));
    REQUIRE(bench.log->wait_for("listening"));
    auto network = bench.network;
    bench.runtime.remove_task(bench.id);
    bench.runtime.remove_task(bench.id);
    CHECK_FALSE(network->dial(3000, net::Deadline::after(seconds(2))));
    CHECK(bench.runtime.inspect(bench.id, "app").error().kind == Error::Kind::NoSuchTask);
    // The id is free again.
    TaskOptions again;
    again.id = bench.id;
    again.address = "10.0.1.24";
    CHECK(bench.runtime.create_task(again));
}

void pulling(RuntimeUnderTest& under_test) {
    auto image = under_test.runtime.pull(under_test.reference, under_test.images);
    REQUIRE(image);
    CHECK(image->digest.starts_with("sha256:"));
    CHECK(image->reference == under_test.reference.written);
    CHECK(image->config.env.size() == 2);
    auto by_digest = under_test.runtime.pull(*oci::Reference::parse("probe@" + image->digest),
                                             under_test.images);
    REQUIRE(by_digest);
    CHECK(by_digest->image_id == image->image_id);
    auto missing =
        under_test.runtime.pull(*oci::Reference::parse("probe:nothing"), under_test.images);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind == Error::Kind::ImageNotFound);
}

constexpr RuntimeCase kCases[] = {
    {"pull by tag and digest", pulling},
    {"exit codes", exit_codes},
    {"the stop sequence", stop_sequence},
    {"another life", another_life},
    {"logs", logs},
    {"what a container sees", surroundings},
    {"what cannot be started", cannot_start},
    {"what cannot be executed", cannot_execute},
    {"dialling a task", dialling},
    {"services for a task", listening},
    {"two containers of a task", two_containers},
    {"exec", exec},
    {"a session", session},
    {"memory limit", memory},
    {"statistics", statistics},
    {"removing a task", teardown},
};

}  // namespace

std::span<const RuntimeCase> runtime_suite() {
    return kCases;
}

}  // namespace support

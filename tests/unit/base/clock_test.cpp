// Clock and Thread, Published, and the log's masking.
#include "base/clock.h"

#include <catch2/catch.hpp>

#include "base/encoding.h"
#include "base/log.h"
#include "base/published.h"
#include "base/thread.h"

using namespace std::chrono_literals;

TEST_CASE("a clock's jump wakes who waits, and stop ends every wait") {
    base::ManualClock manual;
    base::SystemClock system;
    base::Clock* clock =
        GENERATE_REF(static_cast<base::Clock*>(&manual), static_cast<base::Clock*>(&system));
    base::Time start = clock->now();
    CHECK(clock->wait_until(start));
    bool woken = false;
    {
        base::Thread waiter("waiter", [&] { woken = clock->wait_until(start + 24h); });
        clock->advance(25h);
    }
    CHECK(woken);
    CHECK(clock->now() >= start + 25h);
    clock->advance(-48h);
    CHECK(clock->now() >= start + 25h);
    bool stopped = false;
    {
        base::Thread waiter("waiter", [&] { stopped = !clock->wait_until(base::Time::max()); });
        clock->stop();
    }
    CHECK(stopped);
    CHECK(!clock->wait_until(start));
}

TEST_CASE("speed divides durations of control loops, never below one") {
    base::ManualClock clock;
    clock.set_speed(20);
    CHECK(clock.scaled(10s) == 500ms);
    clock.set_speed(0);
    CHECK(clock.scaled(10s) == 10s);
}

TEST_CASE("a thread that throws ends alone") {
    base::set_log_level(static_cast<base::LogLevel>(9));
    base::Thread thread("thrower-with-a-long-name", [] { throw std::runtime_error("x"); });
    CHECK(thread.joinable());
    thread.join();
    CHECK(!thread.joinable());
    base::Thread moved([] { return base::Thread("a", [] {}); }());
    moved = base::Thread("b", [] {});
    base::set_log_level(base::LogLevel::Info);
}

TEST_CASE("readers of a snapshot keep what they took") {
    base::Published<int> published;
    auto before = published.get();
    published.set(std::make_shared<const int>(7));
    CHECK(*before == 0);
    CHECK(*published.get() == 7);
}

TEST_CASE("secrets are masked in clear, percent-encoded and base64 at any offset") {
    std::string secret = "s3cret/+value";
    base::mask(secret);
    base::mask("tiny");
    CHECK(base::masked("a " + secret + " b") == "a *** b");
    CHECK(base::masked(base::percent_encode(secret)) == "***");
    for (std::string before : {"", "u", "us", "user:"}) {
        std::string text = base::masked(base::to_base64(before + secret + "tail"));
        CAPTURE(before);
        CHECK(text.find("***") != std::string::npos);
    }
    CHECK(base::masked("tiny") == "tiny");
}

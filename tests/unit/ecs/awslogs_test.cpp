// ecs-ecr.md §21: the awslogs driver's options, and what makes one event.
#include "ecs/awslogs.h"

#include <catch2/catch.hpp>

#include "ecs/limits.h"
#include "ecs/live_task.h"

using base::Node;

namespace {

using Options = std::map<std::string, std::string>;

Options with(Options more) {
    more.insert({{"awslogs-group", "/ecs/web"}, {"awslogs-region", "us-east-1"}});
    return more;
}

struct Sink final : ecs::LogSink {
    std::vector<std::string> lines;
    std::expected<void, std::string> open(const std::string&, const std::string&,
                                          ecs::CreateGroup) override {
        return {};
    }
    void append(const std::string&, const std::string&, base::Time,
                std::string_view line) override {
        lines.emplace_back(line);
    }
    void flush() override {}
};

}  // namespace

TEST_CASE("what Fargate asks of a logConfiguration") {
    struct Row {
        const char* configuration;
        std::string refusal;
    };
    const Row rows[] = {
        {"{}", ""},
        {R"({"logDriver":"awsfirelens","options":{"Name":"x"}})", ""},
        {R"({"logDriver":"awslogs"})",
         "Log driver awslogs requires options: awslogs-region, awslogs-group"},
        {R"({"logDriver":"awslogs","options":{"awslogs-region":"r"}})",
         "Log driver awslogs requires options: awslogs-group"},
        {R"({"logDriver":"awslogs","options":{"awslogs-region":"r","awslogs-group":"g"}})",
         "Fargate requires log configuration options to include awslogs-stream-prefix to support "
         "log driver awslogs."},
        {R"({"logDriver":"awslogs","options":{"awslogs-region":"r","awslogs-group":"g","awslogs-stream-prefix":"p","log_key":"x"}})",
         "Log driver awslogs disallows options: log_key"},
        {R"({"logDriver":"awslogs","options":{"awslogs-region":"r","awslogs-group":"g","awslogs-stream-prefix":"p","mode":"blocking","awslogs-create-group":"true"}})",
         ""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.configuration);
        CHECK(ecs::refused_log_configuration(base::parse_json(row.configuration).value())
                  .value_or("") == row.refusal);
    }
}

TEST_CASE("the options as the driver reads them") {
    auto plain = ecs::read_awslogs(with({{"awslogs-stream-prefix", "ecs"}}));
    REQUIRE(plain);
    CHECK(plain->group == "/ecs/web");
    CHECK(plain->stream_prefix == "ecs");
    CHECK_FALSE(plain->create_group);
    CHECK_FALSE(plain->blocking);
    CHECK(plain->buffer_bytes == 10 * 1024 * 1024);
    CHECK_FALSE(plain->first_line);

    struct Row {
        Options options;
        uint64_t buffer_bytes;
    };
    for (const Row& row :
         {Row{{{"max-buffer-size", "25m"}}, 25u << 20}, Row{{{"max-buffer-size", "4K"}}, 4096},
          Row{{{"mode", "non-blocking"}, {"max-buffer-size", "1gb"}}, 1u << 30},
          Row{{{"max-buffer-size", "100"}}, 100}}) {
        auto read = ecs::read_awslogs(with(row.options));
        REQUIRE(read);
        CHECK(read->buffer_bytes == row.buffer_bytes);
    }
    CHECK(ecs::read_awslogs(with({{"mode", "blocking"}}))->blocking);
    CHECK(ecs::read_awslogs(with({{"awslogs-create-group", "true"}}))->create_group);

    struct Refused {
        Options options;
        const char* why;
    };
    for (const Refused& row : {
             Refused{{{"awslogs-region", "r"}}, "missing value for awslogs log option"},
             Refused{with({{"awslogs-create-group", "yes"}}), "must specify valid value"},
             Refused{with({{"mode", "sometimes"}}), "logging mode not supported: sometimes"},
             Refused{with({{"mode", "blocking"}, {"max-buffer-size", "1m"}}),
                     "only supported with 'mode=non-blocking'"},
             Refused{with({{"max-buffer-size", "many"}}), "invalid size: 'many'"},
             Refused{with({{"max-buffer-size", "99999999999g"}}), "invalid size"},
             Refused{with({{"max-buffer-size", "m"}}), "invalid size"},
             Refused{with({{"awslogs-multiline-pattern", "("}}), "could not parse multiline"},
             Refused{with({{"awslogs-datetime-format", "%Q"}}), "could not parse datetime format"},
             Refused{with({{"awslogs-datetime-format", "%Y"}, {"awslogs-multiline-pattern", "x"}}),
                     "at the same time"},
         }) {
        auto read = ecs::read_awslogs(row.options);
        REQUIRE_FALSE(read);
        CHECK_THAT(read.error(), Catch::Contains(row.why));
    }
}

TEST_CASE("a date's format becomes a pattern") {
    struct Row {
        const char *format, *line;
        bool matches;
    };
    for (const Row& row : {Row{"%Y-%m-%d %H:%M:%S", "2026-11-24 22:10:59 started", true},
                           Row{"%Y-%m-%d %H:%M:%S", "  at main (app.js:1)", false},
                           Row{"%Y-%m-%d", "2026-13-24", false},
                           Row{"[%b %d, %Y %I:%M%p]", "[Nov 24, 2026 10:10PM] x", true},
                           Row{"[%b %d, %Y %I:%M%p]", "Nov 24, 2026 10:10PM x", false},
                           Row{"%H:%M:%S%L", "at 10:00:00.123", true},
                           Row{"%d/%b/%Y:%H:%M:%S %z", "24/Nov/2026:10:00:00 +0900", true},
                           Row{"100%%", "100%", true}}) {
        CAPTURE(row.format, row.line);
        auto text = ecs::datetime_pattern(row.format);
        REQUIRE(text);
        CHECK(base::Pattern::compile(*text)->find(row.line)->has_value() == row.matches);
    }
    CHECK_FALSE(ecs::datetime_pattern("%"));
    CHECK_FALSE(ecs::datetime_pattern("%Q"));
}

TEST_CASE("lines of one event are joined, until the next begins, it is full, or five seconds old") {
    const base::Time start{base::seconds(1000)};
    ecs::EventJoiner joiner(*base::Pattern::compile("^ERROR"));
    CHECK(joiner.add("ERROR one", start).empty());
    CHECK(joiner.add("  at a", start).empty());
    CHECK_FALSE(joiner.take(start + base::seconds(4), ecs::kLogEventAge));
    auto done = joiner.add("ERROR two", start + base::seconds(1));
    REQUIRE(done.size() == 1);
    CHECK(done[0].text == "ERROR one\n  at a\n");
    CHECK(done[0].at == start);
    auto old = joiner.take(start + base::seconds(6), ecs::kLogEventAge);
    REQUIRE(old);
    CHECK(old->text == "ERROR two\n");
    CHECK_FALSE(joiner.take(base::Time::max(), base::seconds(0)));

    // Full: the largest event of CloudWatch Logs.
    const std::string line(16 * 1024, 'x');
    size_t events = 0;
    for (int i = 0; i < 40; ++i)
        for (const auto& event : joiner.add(line, start)) {
            ++events;
            CHECK(event.text.size() <= ecs::kMaxLogEventBytes);
        }
    CHECK(events == 2);
}

TEST_CASE("non-blocking loses lines only when the buffer is full, blocking none") {
    base::ManualClock clock;
    const std::string line(100, 'x');
    auto write = [&](const Options& options, int lines, int deliver_every) {
        Sink sink;
        ecs::ContainerLog log(sink, clock, "s", *ecs::read_awslogs(with(options)));
        for (int i = 1; i <= lines; ++i) {
            log.line(containers::Stream::Output, std::to_string(i) + line);
            if (i % deliver_every == 0) log.deliver(clock.now());
        }
        log.finish();
        log.deliver(clock.now());
        // In order, whatever is lost.
        std::vector<int> numbers;
        for (const auto& text : sink.lines)
            numbers.push_back(std::stoi(text));
        CHECK(std::ranges::is_sorted(numbers));
        return sink.lines.size();
    };
    CHECK(write({}, 10'000, 1000) == 10'000);
    CHECK(write({{"max-buffer-size", "1k"}}, 1000, 5) == 1000);
    CHECK(write({{"max-buffer-size", "1k"}}, 1000, 1000) == 10);
    CHECK(write({{"max-buffer-size", "1k"}}, 1000, 100) == 91);
    CHECK(write({{"max-buffer-size", "1"}}, 10, 100) == 1);
    CHECK(write({{"mode", "blocking"}}, 1000, 1000) == 1000);
    CHECK(write({{"mode", "blocking"}}, 1000, 7) == 1000);

    // Blocking: a line is there when the program goes on.
    Sink sink;
    ecs::ContainerLog log(sink, clock, "s", *ecs::read_awslogs(with({{"mode", "blocking"}})));
    log.line(containers::Stream::Error, "now");
    CHECK(sink.lines == std::vector<std::string>{"now"});
    log.line(containers::Stream::Error, "");
    CHECK(sink.lines.size() == 1);
}

// RESP beside the bytes: commands and answers in order, whatever the cuts; faults speak for the
// server.
#include "taps/redis.h"

#include <catch2/catch.hpp>

TEST_CASE("a Redis command and its answer become one span, however the bytes are cut") {
    const std::string command =
        "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
    const std::string answer = "+OK\r\n$5\r\nhello\r\n";
    for (size_t cut = 1; cut < command.size(); ++cut) {
        auto protocol = taps::redis_protocol();
        std::string reply;
        std::string on = protocol->from_client(command.substr(0, cut), {}, reply);
        on += protocol->from_client(command.substr(cut), {}, reply);
        CHECK(on == command);
        CHECK(reply.empty());
        const size_t answer_cut = cut % answer.size();
        std::string back = protocol->from_server(answer.substr(0, answer_cut));
        back += protocol->from_server(answer.substr(answer_cut));
        CHECK(back == answer);
        auto commands = protocol->take_commands();
        REQUIRE(commands.size() == 2);
        CHECK(commands[0].verb == "SET");
        CHECK(commands[0].text == "k hello");
        CHECK(commands[0].outcome == "OK");
        CHECK(commands[1].outcome == "5 bytes");
    }
}

TEST_CASE("passwords do not enter a span") {
    auto protocol = taps::redis_protocol();
    std::string reply;
    protocol->from_client("*3\r\n$4\r\nAUTH\r\n$3\r\napp\r\n$6\r\nsecret\r\n", {}, reply);
    protocol->from_server("+OK\r\n");
    auto commands = protocol->take_commands();
    REQUIRE(commands.size() == 1);
    CHECK(commands[0].text == "*** ***");
}

TEST_CASE("a read-only fault answers writes as a replica does, and lets reads pass") {
    auto protocol = taps::redis_protocol();
    faults::Fault fault;
    fault.kind = faults::Kind::ReadOnly;
    std::string reply;
    std::string on = protocol->from_client(
        "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", fault, reply);
    CHECK(reply == "-READONLY You can't write against a read only replica.\r\n");
    CHECK(on == "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
}

TEST_CASE("hostile bytes pass unobserved") {
    for (std::string bytes :
         {"hello\r\n", "*-5\r\n", "$99999999999999999999\r\n", "*1000000\r\n"}) {
        auto protocol = taps::redis_protocol();
        std::string reply;
        std::string on = protocol->from_client(bytes, {}, reply);
        CHECK(bytes.starts_with(on));
        CHECK(reply.empty());
    }
}

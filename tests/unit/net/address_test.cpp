// Addresses: what is read, what is refused, and sockaddrs both ways.
#include "net/address.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

using net::Address;

TEST_CASE("Addresses are read, written and compared") {
    struct Row {
        const char* input;
        const char* written;
    };  // written "" = refused
    const Row rows[] = {
        {"127.0.0.1:80", "127.0.0.1:80"},
        {"[::1]:8080", "[::1]:8080"},
        {"[0:0::0001]:1", "[::1]:1"},
        {"unix:/tmp/x", "unix:/tmp/x"},
        {"127.0.0.1", ""},
        {"127.0.0.1:65536", ""},
        {"127.0.0.1:-1", ""},
        {"localhost:80", ""},
        {"::1:80", ""},
        {"127.0.0.1:", ""},
        {"unix:", ""},
        {"", ""},
    };
    for (const auto& row : rows) {
        INFO(row.input);
        const auto address = Address::parse(row.input);
        CHECK(address.has_value() == (*row.written != 0));
        if (!address) continue;
        CHECK(address->to_string() == row.written);
        sockaddr_storage storage;
        const auto size = address->to_sockaddr(&storage);
        CHECK(Address::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), size) == *address);
    }
}

TEST_CASE("A UNIX path has at most 107 bytes") {
    CHECK(Address::unix_path(std::string(107, 'a')));
    CHECK_FALSE(Address::unix_path(std::string(108, 'a')));
    CHECK_FALSE(Address::unix_path(std::string_view("a\0b", 3)));
}

TEST_CASE("Loopback is known in all families") {
    CHECK(Address::parse("127.9.9.9:1")->is_loopback());
    CHECK(Address::parse("[::1]:1")->is_loopback());
    CHECK(Address::parse("unix:/x")->is_loopback());
    CHECK_FALSE(Address::parse("10.0.0.1:1")->is_loopback());
}

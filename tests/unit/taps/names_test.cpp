// The resolver's answers, byte for byte where it matters (RFC 1035 §4).
#include "taps/names.h"

#include <catch2/catch.hpp>

namespace {

std::string query(const std::string& name, char type) {
    std::string bytes("\x12\x34\x01\0\0\x01\0\0\0\0\0\0", 12);
    size_t begin = 0;
    while (begin < name.size()) {
        size_t dot = std::min(name.find('.', begin), name.size());
        bytes += static_cast<char>(dot - begin);
        bytes += name.substr(begin, dot - begin);
        begin = dot + 1;
    }
    return bytes + std::string("\0\0", 2) + type + std::string("\0\x01", 2);
}

}  // namespace

TEST_CASE("known names have one address, unknown ones do not exist and are told") {
    taps::NameTable names;
    names.set("db.example.com", "198.18.0.10");
    names.set("*.s3.eu-west-1.amazonaws.com", "198.18.0.12");
    std::vector<std::string> unknown;
    auto answer = [&](const std::string& name, char type) {
        return taps::answer_dns(query(name, type), names,
                                [&](std::string_view n) { unknown.emplace_back(n); });
    };

    std::string a = answer("DB.example.com", 1);
    CHECK(a.substr(0, 2) == "\x12\x34");
    CHECK((a[3] & 0x0f) == 0);
    CHECK(a.substr(a.size() - 4) == std::string("\xc6\x12\x00\x0a", 4));
    CHECK(answer("b.s3.eu-west-1.amazonaws.com", 1).ends_with(std::string("\xc6\x12\x00\x0c", 4)));

    std::string aaaa = answer("db.example.com", 28);
    CHECK((aaaa[3] & 0x0f) == 0);
    CHECK(aaaa[7] == 0);
    CHECK(unknown.empty());

    CHECK((answer("example.org", 1)[3] & 0x0f) == 3);
    CHECK(unknown == std::vector<std::string>{"example.org"});
}

TEST_CASE("what is no query gets no answer") {
    taps::NameTable names;
    auto nobody = [](std::string_view) {};
    std::string good = query("a.b", 1);
    CHECK(taps::answer_dns("", names, nobody).empty());
    for (size_t size = 0; size < good.size() - 1; ++size)
        CHECK(taps::answer_dns(std::string_view(good).substr(0, size), names, nobody).empty());
    std::string pointer = good;
    pointer[12] = '\xc0';  // a compression pointer in a question
    CHECK(taps::answer_dns(pointer, names, nobody).empty());
    std::string response = good;
    response[2] = '\x81';
    CHECK(taps::answer_dns(response, names, nobody).empty());
}

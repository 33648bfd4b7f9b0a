// JSON: positions, dialects, refusals, and writing what was read.
#include "base/json.h"

#include <catch2/catch.hpp>

#include "base/result.h"

using base::JsonDialect;
using base::Node;
using base::parse_json;
using base::Position;

namespace {

std::string show(Position position) {
    return std::to_string(position.line) + ":" + std::to_string(position.column);
}

std::string error_of(std::string_view text, JsonDialect dialect = JsonDialect::Strict) {
    auto node = parse_json(text, dialect);
    return node ? "no error" : show(node.error().position) + " " + node.error().message;
}

std::string round_trip(std::string_view text, JsonDialect dialect = JsonDialect::Strict) {
    auto node = parse_json(text, dialect);
    return node ? base::to_json(*node) : "error " + node.error().message;
}

}  // namespace

TEST_CASE("JSON comes out as it went in") {
    auto text = GENERATE(as<std::string>(), "null", "true", "[]", "{}",
                         R"({"b":1,"a":[1,2.50,-0,1e5,12345678901234567890123]})",
                         R"("\"\\\n\u0001é😀/")", R"([[[]],{"x":{}}])", "-0.0", "1E+2");
    CHECK(round_trip(text) == text);
}

TEST_CASE("every value and key knows its line and column") {
    auto node = parse_json(
        "{\n  \"a\": 12,\n  // über\n  \"bé\" : [ true,\n    \"x\" /* c */, {\"k\":null} ]\n}",
        JsonDialect::WithComments);
    REQUIRE(node);
    CHECK(show(node->position()) == "1:1");
    CHECK(show(node->key_position("a")) == "2:3");
    CHECK(show((*node)["a"].position()) == "2:8");
    CHECK(show(node->key_position("bé")) == "4:3");
    const Node& list = (*node)["bé"];
    CHECK(show(list.position()) == "4:10");
    CHECK(show(list.items()[0].position()) == "4:12");
    CHECK(show(list.items()[1].position()) == "5:5");
    CHECK(show(list.items()[2].position()) == "5:18");
    CHECK(show(list.items()[2].key_position("k")) == "5:19");
    CHECK(show(list.items()[2]["k"].position()) == "5:23");
    CHECK(show(node->key_position("absent")) == "0:0");
}

TEST_CASE("JSON errors point at the place") {
    struct Row {
        std::string_view text, expected;
    };
    auto row = GENERATE(values<Row>({
        {"{\"a\": 1,\n \"a\": 2}", "2:2 duplicate key \"a\""},
        {"{\"a\": }", "1:7 unexpected '}'; expected '[', '{', or a literal"},
        {"{\"a\": 1 \"b\": 2}", "1:9 unexpected string literal; expected '}'"},
        {"[1,]", "1:4 unexpected ']'; expected '[', '{', or a literal"},
        {"[1", "1:3 unexpected end of input; expected ']'"},
        {"", "1:1 unexpected end of input; expected '[', '{', or a literal"},
        {"[1] x", "1:5 invalid literal; last read: '] x'; expected end of input"},
        {"// c\n1", "1:1 invalid literal; last read: '/'"},
        {"[nul]", "1:2 invalid literal; last read: '[nul]'"},
    }));
    CAPTURE(row.text);
    std::string error = error_of(row.text);
    CHECK(error.substr(0, error.find(' ')) == row.expected.substr(0, row.expected.find(' ')));
    if (row.expected.find("last read") == std::string_view::npos) CHECK(error == row.expected);
}

TEST_CASE("comments and trailing commas are read in the friendly dialect alone") {
    struct Row {
        std::string_view text, expected;
    };
    auto row = GENERATE(values<Row>({
        {"[1,]", "[1]"},
        {"{\"a\":[1 , /* x */ ] , // y\n}", "{\"a\":[1]}"},
        {"[\",]\",\"\\\",]\",]", "[\",]\",\"\\\",]\"]"},
        {"/*,]*/[1]//,", "[1]"},
        {"// c\r[1,]", "[1]"},
    }));
    CAPTURE(row.text);
    CHECK(round_trip(row.text, JsonDialect::WithComments) == row.expected);
    CHECK(!parse_json(row.text));
    for (std::string_view wrong : {"[,]", "[1,,]", "{,}", "{\"a\":,}", ",", "[1,", "/*", "\""})
        CHECK(!parse_json(wrong, JsonDialect::WithComments));
}

TEST_CASE("hostile JSON is refused") {
    CHECK(error_of(std::string(1'000'000, '[')).find("nested deeper than 128 levels") !=
          std::string::npos);
    CHECK(parse_json(std::string(128, '[') + std::string(128, ']')));
    CHECK(!parse_json(std::string(129, '[') + std::string(129, ']')));
    CHECK(!parse_json("\"\xff\""));
    CHECK(!parse_json("\"\\ud800\""));
    CHECK(!parse_json("\"a\nb\""));
    CHECK(!parse_json("01"));
    CHECK(!parse_json("1e999"));
    CHECK(!parse_json("NaN"));
    CHECK(error_of(std::string_view("1\0", 2)) == "1:2 a NUL character");
    CHECK(parse_json("\xEF\xBB\xBF{}"));
    std::string many = "{";
    for (int i = 0; i < 50'000; ++i)
        many += "\"k" + std::to_string(i) + "\":1,";
    CHECK(!parse_json(many + "\"k7\":1}"));
    CHECK(parse_json(many + "\"z\":1}"));
}

TEST_CASE("numbers keep their text and compare by value") {
    CHECK(Node(1.5).number_text() == "1.5");
    CHECK(Node(1790000000.0).number_text() == "1790000000");
    CHECK(Node(0.0 / 0.0 * 1).is_null());
    CHECK(Node(int64_t{-5}).as_int() == -5);
    CHECK(Node::number("1e3").as_int() == 1000);
    CHECK(Node::number("1e300").as_int(7) == 7);
    CHECK(Node("5").as_int(7) == 7);
    CHECK(Node::number("1.0") == Node(1));
    CHECK(Node::number("1.0") != Node(2));
    CHECK(*parse_json(R"({"a":1,"b":[2]})") == *parse_json(R"({ "b": [2.0], "a": 1 })"));
    CHECK(*parse_json(R"([1,2])") != *parse_json(R"([2,1])"));
}

TEST_CASE("objects: set replaces, erase removes, absent is null") {
    Node node;
    node.set("a", 1);
    node.set("b", "x");
    node.set("a", 2);
    CHECK(base::to_json(node) == R"({"a":2,"b":"x"})");
    CHECK(node.erase("a"));
    CHECK(!node.erase("a"));
    CHECK(node["nope"]["deeper"].is_null());
    CHECK(node["b"]["deeper"].is_null());
    CHECK(base::to_json(Node::object({{"x", Node::array({1, Node()})}, {"y", Node::object()}}),
                        2) == "{\n  \"x\": [\n    1,\n    null\n  ],\n  \"y\": {}\n}");
    CHECK(base::quote_json("\xff<\x7f>") == "\"\\ufffd<\x7f>\"");
}

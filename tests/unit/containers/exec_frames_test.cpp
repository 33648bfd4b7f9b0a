// Frames of `dodam exec`: what arrives in pieces, and what keeps to no format.
#include "containers/exec_frames.h"

#include <catch2/catch.hpp>

using namespace containers;

TEST_CASE("a frame comes out as it went in, however it is cut") {
    const std::string bytes = exec_frame(FrameKind::Input, std::string("a\0b", 3)) +
                              exec_frame(FrameKind::EndOfInput, "") +
                              exec_frame(FrameKind::Exit, "137");
    for (size_t size = 1; size <= bytes.size(); ++size) {
        ExecFrameReader reader;
        std::vector<ExecFrame> frames;
        for (size_t at = 0; at < bytes.size(); at += size) {
            reader.feed(bytes.substr(at, size));
            while (auto frame = reader.next())
                frames.push_back(*frame);
        }
        REQUIRE(frames.size() == 3);
        CHECK(frames[0].kind == FrameKind::Input);
        CHECK(frames[0].bytes == std::string("a\0b", 3));
        CHECK(frames[1].kind == FrameKind::EndOfInput);
        CHECK(frames[2].bytes == "137");
        CHECK_FALSE(reader.is_broken());
    }
}

TEST_CASE("an unknown kind and a frame over the limit end the conversation") {
    for (const std::string& bytes :
         {std::string("GET / HTTP/1.1\r\n"), std::string("i\x7f\xff\xff\xff", 5)}) {
        ExecFrameReader reader;
        reader.feed(bytes);
        CHECK_FALSE(reader.next());
        CHECK(reader.is_broken());
    }
}

TEST_CASE("a window is rows and columns, 24 by 80 where it says nothing") {
    struct Row {
        std::string_view text;
        int rows, columns;
    };
    for (const Row& row : {Row{"33 101", 33, 101}, Row{"", 24, 80}, Row{"0 0", 24, 80},
                           Row{"x 70", 24, 70}, Row{"99999 1", 24, 1}}) {
        const Window window = read_window(row.text);
        CHECK(window.rows == row.rows);
        CHECK(window.columns == row.columns);
    }
    CHECK(show_window({33, 101}) == "33 101");
}

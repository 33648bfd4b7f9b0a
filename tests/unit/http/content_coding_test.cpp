// Content codings: which one the client takes, and what compressing gives.
#include "http/content_coding.h"

#include <zlib.h>

#include <catch2/catch.hpp>

using namespace http;

namespace {

std::string gunzip(std::string_view bytes, size_t room) {
    std::string out(room, 0);
    z_stream stream{};
    REQUIRE(inflateInit2(&stream, MAX_WBITS + 16) == Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(room);
    const int result = inflate(&stream, Z_FINISH);
    out.resize(room - stream.avail_out);
    inflateEnd(&stream);
    CHECK(result == Z_STREAM_END);
    return out;
}

std::string sample() {
    std::string text;
    for (int i = 0; i < 20'000; ++i)
        text += std::to_string(i * 7919 % 1000);
    return text;
}

}  // namespace

TEST_CASE("gzip round trip, whole and streamed in pieces") {
    for (const std::string& text : {std::string(), std::string("a"), sample()}) {
        CHECK(gunzip(encode_all(ContentCoding::Gzip, text), text.size() + 1) == text);
        StringBody body(text);
        EncodedBody encoded(body, ContentCoding::Gzip);
        std::string streamed;
        char piece[777];
        while (true) {
            const auto got = encoded.read(piece, net::Deadline::never());
            REQUIRE(got);
            if (*got == 0) break;
            streamed.append(piece, *got);
        }
        CHECK(gunzip(streamed, text.size() + 1) == text);
    }
}

TEST_CASE("Brotli makes a repetitive text small, in pieces as in one") {
    const std::string text = sample();
    std::string pieces;
    const auto encoder = make_encoder(ContentCoding::Brotli);
    for (size_t at = 0; at < text.size(); at += 1000)
        encoder->encode(std::string_view(text).substr(at, 1000), pieces);
    encoder->finish(pieces);
    CHECK(pieces.size() < text.size() / 4);
    CHECK_FALSE(encode_all(ContentCoding::Brotli, "").empty());
    CHECK(name_of(ContentCoding::Brotli) == "br");
}

// Fuzz target: signatures, in the header and presigned, of a request whose first line is the target
// and whose other lines are headers. Nothing but an AWS error comes of it, and no random signature
// is ever right; what we sign ourselves is.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "aws/error.h"
#include "aws/sigv4.h"
#include "base/text.h"

namespace {

void must(bool condition) {
    if (!condition) std::abort();
}

const base::Time kNow{base::seconds(1'790'000'000)};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    http::RequestHead head;
    head.method = "GET";
    bool first = true;
    for (std::string_view line : base::split(text, '\n')) {
        if (first)
            head.target = line;
        else
            head.headers.add(base::cut(line, ':').first, base::trim(base::cut(line, ':').second));
        first = false;
    }
    const aws::Verification verification{
        [](std::string_view) { return std::optional<std::string>("a secret nobody guesses"); },
        kNow, kNow, "s3"};
    for (auto encoding : {aws::PathEncoding::Once, aws::PathEncoding::Twice}) {
        try {
            if (aws::parse_signature(head)) {
                (void)aws::verify_signature(head, verification, encoding);
                std::abort();
            }
        } catch (const aws::Error& error) {
            must(error.status >= 400 && error.status < 500);
        }
    }
    if (head.target.empty() || head.target.find_first_of(" \r\n#") != std::string::npos ||
        head.target.front() != '/')
        return 0;
    http::RequestHead own;
    own.method = "GET";
    own.target = head.target;
    own.headers.add("Host", "bucket.s3.amazonaws.com");
    try {
        if (aws::parse_signature(own)) return 0;  // presigned by its query
        aws::sign(own, {"AKIAFUZZ", "a secret nobody guesses", ""}, "us-east-1", "s3",
                  "UNSIGNED-PAYLOAD", kNow, aws::PathEncoding::Once);
        must(aws::verify_signature(own, verification, aws::PathEncoding::Once).access_key ==
             "AKIAFUZZ");
    } catch (const aws::Error&) {
        // A query that looks presigned beside our header.
    }
    return 0;
}

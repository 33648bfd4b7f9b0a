// An S3 of its own for a test: database in memory, blobs in a temporary directory, a clock that
// stands still, and requests that are signed (or not) and answered without sockets.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "aws/access_keys.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/ids.h"
#include "s3/endpoint.h"
#include "s3/xml.h"
#include "state/database.h"
#include "support/recorded_exchange.h"
#include "support/temporary_directory.h"

namespace s3_test {

inline constexpr std::string_view kAccount = "000000000000";
inline constexpr std::string_view kDistribution =
    "arn:aws:cloudfront::000000000000:distribution/E1";

struct Answer {
    int status = 0;
    http::HeaderList headers;
    std::string body;
    std::string header(std::string_view name) const { return std::string(headers.get(name)); }
    // The text of the first element of that name, anywhere.
    std::string element(std::string_view name) const;
    std::vector<std::string> elements(std::string_view name) const;
    std::string code() const { return element("Code"); }
};

// Who signs: an access key, nobody, or CloudFront for a distribution.
enum class As : uint8_t { Owner, Anonymous, Distribution, OtherDistribution };

struct Ask {
    std::string method, target, body = {};
    http::HeaderList headers = {};
    As as = As::Owner;
    std::string host = "127.0.0.1:4566";
    std::string region = "us-east-1";
    bool unsigned_payload = false;
    // Instead of the body's real hash: STREAMING-…, or a wrong one.
    std::string payload_hash = {};
    // Content-Length is added unless one of the headers frames the body.
    bool framed = true;
};

class Stack {
  public:
    Stack();
    Answer send(Ask ask);
    Answer get(std::string target) { return send({"GET", std::move(target)}); }
    Answer head(std::string target) { return send({"HEAD", std::move(target)}); }
    Answer put(std::string target, std::string body = {}, http::HeaderList headers = {}) {
        return send({"PUT", std::move(target), std::move(body), std::move(headers)});
    }
    Answer remove(std::string target) { return send({"DELETE", std::move(target)}); }
    Answer post(std::string target, std::string body = {}, http::HeaderList headers = {}) {
        return send({"POST", std::move(target), std::move(body), std::move(headers)});
    }
    // The head as a client would send it, signed.
    http::RequestHead signed_head(const Ask& ask) const;
    Answer send_head(http::RequestHead head, std::string body);

    // What the last request's trace says under a key.
    std::string decision(std::string_view key) const;
    size_t blob_count() const;
    void open_to_the_public(std::string_view bucket);  // block public access off, everyone may read

    support::TemporaryDirectory directory;
    base::ManualClock clock;
    base::Ids ids{std::string(kAccount), "us-east-1"};
    std::unique_ptr<state::Database> database;
    s3::Blobs blobs;
    aws::AccessKeys keys;
    base::TraceRing traces;
    s3::ControlPlane s3;
    s3::Endpoint endpoint;
};

std::string list_of_parts(
    const std::vector<std::pair<int, std::string>>& parts);  // for CompleteMultipartUpload

}  // namespace s3_test

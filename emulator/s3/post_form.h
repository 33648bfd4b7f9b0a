// POST form uploads from browsers: the fields before the file, the signed policy and its
// conditions. S3 API reference, "Browser-Based Uploads Using POST"; s3.md §3.13.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "s3/payload.h"

namespace s3 {

struct FormFields {
    std::vector<std::pair<std::string, std::string>> fields;  // names in lower case, in order
    std::string file_name;                                    // of the file part
    const std::string* find(std::string_view name) const;
};

// multipart/form-data as a stream: the fields, then the file's bytes; later fields are ignored.
class FormReader final : public http::BodyReader {
  public:
    FormReader(Payload& body, std::string boundary)
        : body_(body), delimiter_("\r\n--" + std::move(boundary)) {}
    FormFields
    read_fields();  // throws aws::Error MalformedPOSTRequest …; leaves off where the file begins

    // The file. 0 = its end.
    http::Result<size_t> read(std::span<char> into, net::Deadline deadline) override;
    std::optional<uint64_t> length() const override { return std::nullopt; }
    const http::HeaderList& trailers() const override { return trailers_; }

  private:
    bool fill();
    std::string take_until(std::string_view mark, size_t limit);
    Payload& body_;
    std::string delimiter_;
    std::string buffer_ = "\r\n";  // so that the first delimiter looks like the others
    bool ended_ = false;
    http::HeaderList trailers_;
};

// The boundary of a multipart/form-data content type; nothing for any other type.
std::optional<std::string> form_boundary(std::string_view content_type);

struct SizeRange {
    uint64_t min = 0, max = UINT64_MAX;
};
// Checks a decoded policy document against the fields; throws AccessDenied and
// InvalidPolicyDocument.
SizeRange check_form_policy(std::string_view policy_json, const FormFields& form,
                            std::string_view bucket, base::Time now);

}  // namespace s3

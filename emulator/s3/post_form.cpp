// See post_form.h.
#include "s3/post_form.h"

#include <algorithm>
#include <cstring>

#include "base/date.h"
#include "base/json.h"
#include "base/text.h"
#include "s3/errors.h"

namespace s3 {
namespace {

constexpr size_t kMaxPreData = 20 * 1024;  // all fields before the file
constexpr size_t kReadBytes = 64 * 1024;

aws::Error malformed() {
    return aws::Error(400, "MalformedPOSTRequest",
                      "The body of your POST request is not well-formed multipart/form-data.");
}

aws::Error invalid_policy(const std::string& what) {
    return aws::Error(400, "InvalidPolicyDocument", "Invalid Policy: " + what);
}

aws::Error against_policy(const std::string& what) {
    return access_denied("Invalid according to Policy: " + what);
}

// A parameter of a header: name="…" or name=….
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
    for (std::string_view part : base::split(header, ';')) {
        auto [key, value] = base::cut(base::trim(part), '=');
        if (!base::equals_ignoring_case(key, name)) continue;
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
            value = value.substr(1, value.size() - 2);
        return std::string(value);
    }
    return std::nullopt;
}

// Printed as S3 prints a failed condition: ["eq", "$key", "x"].
std::string print_condition(const std::string& operation, const std::string& field,
                            const std::string& value) {
    return "[" + base::quote_json(operation) + ", " + base::quote_json("$" + field) + ", " +
           base::quote_json(value) + "]";
}

struct Condition {
    std::string operation, field, value;
};

Condition read_condition(const base::Node& node, SizeRange& sizes) {
    if (node.is_object()) {
        if (node.members().size() != 1)
            throw invalid_policy(
                "Invalid Simple-Condition: Simple-Conditions must have exactly one property "
                "specified.");
        const auto& [field, value] = node.members()[0];
        return {"eq", base::lower(field), value.as_string()};
    }
    if (!node.is_array() || node.items().size() != 3)
        throw invalid_policy(
            "Invalid Condition: conditions must be a list of three values or an object.");
    const std::string operation = base::lower(node.items()[0].as_string());
    if (operation == "content-length-range") {
        auto number = [](const base::Node& item) {
            return item.is_string() ? base::parse_unsigned(item.as_string()).value_or(0)
                                    : static_cast<uint64_t>(item.as_int());
        };
        sizes = {number(node.items()[1]), number(node.items()[2])};
        return {operation, "", ""};
    }
    if (operation != "eq" && operation != "starts-with")
        throw invalid_policy("Invalid Condition: unknown operation '" +
                             node.items()[0].as_string() + "'.");
    std::string field = base::lower(node.items()[1].as_string());
    if (!field.starts_with('$'))
        throw invalid_policy("Invalid Condition: the field name must start with '$'.");
    return {operation, field.substr(1), node.items()[2].as_string()};
}

bool needs_no_condition(std::string_view field) {
    return field == "x-amz-signature" || field == "file" || field == "policy" ||
           field.starts_with("x-ignore-") || field == "signature" || field == "awsaccesskeyid";
}

}  // namespace

const std::string* FormFields::find(std::string_view name) const {
    auto found = std::ranges::find(fields, name, &std::pair<std::string, std::string>::first);
    return found == fields.end() ? nullptr : &found->second;
}

std::optional<std::string> form_boundary(std::string_view content_type) {
    if (!base::equals_ignoring_case(base::trim(base::cut(content_type, ';').first),
                                    "multipart/form-data"))
        return std::nullopt;
    auto boundary = parameter(content_type, "boundary");
    return boundary && !boundary->empty() ? boundary : std::nullopt;
}

bool FormReader::fill() {
    size_t before = buffer_.size();
    buffer_.resize(before + kReadBytes);
    size_t count = body_.read(buffer_.data() + before, kReadBytes);
    buffer_.resize(before + count);
    return count > 0;
}

// Everything before the mark, which is consumed.
std::string FormReader::take_until(std::string_view mark, size_t limit) {
    for (;;) {
        size_t found = buffer_.find(mark);
        if (found != std::string::npos) {
            std::string text = buffer_.substr(0, found);
            buffer_.erase(0, found + mark.size());
            return text;
        }
        if (buffer_.size() > limit)
            throw aws::Error(400, "MaxPostPreDataLengthExceeded",
                             "Your POST request fields preceding the upload file were too large.");
        if (!fill()) throw malformed();
    }
}

FormFields FormReader::read_fields() {
    FormFields form;
    size_t used = 0;
    take_until(delimiter_, kMaxPreData);
    for (;;) {
        while (buffer_.size() < 2)
            if (!fill()) throw malformed();
        if (buffer_.starts_with("--"))
            throw invalid_argument("POST requires exactly one file upload per request.", "file",
                                   "0");
        std::string head = take_until("\r\n\r\n", kMaxPreData);
        std::string disposition, type;
        for (std::string_view line : base::split(head, '\n')) {
            auto [name, value] = base::cut(base::trim(line), ':');
            if (base::equals_ignoring_case(name, "Content-Disposition")) disposition = value;
            if (base::equals_ignoring_case(name, "Content-Type")) type = base::trim(value);
        }
        auto name = parameter(disposition, "name");
        if (!name) throw malformed();
        std::string lower = base::lower(*name);
        if (lower == "file") {
            // GUESS: the file part's own type counts only when no Content-Type field was sent, as
            // browsers' forms expect.
            form.file_name = parameter(disposition, "filename").value_or("");
            form.file_name = form.file_name.substr(form.file_name.find_last_of("/\\") + 1);
            return form;
        }
        std::string value = take_until(delimiter_, kMaxPreData);
        used += lower.size() + value.size();
        if (used > kMaxPreData)
            throw aws::Error(400, "MaxPostPreDataLengthExceeded",
                             "Your POST request fields preceding the upload file were too large.");
        form.fields.emplace_back(std::move(lower), std::move(value));
    }
}

http::Result<size_t> FormReader::read(std::span<char> into, net::Deadline) {
    if (ended_) return 0;
    for (;;) {
        size_t found = buffer_.find(delimiter_);
        // Bytes that can no longer be the beginning of the delimiter.
        size_t safe = found != std::string::npos
                          ? found
                          : buffer_.size() - std::min(buffer_.size(), delimiter_.size() - 1);
        if (safe > 0) {
            size_t count = std::min(safe, into.size());
            std::memcpy(into.data(), buffer_.data(), count);
            buffer_.erase(0, count);
            return count;
        }
        if (found == 0) {
            ended_ = true;
            return 0;
        }
        if (!fill()) throw malformed();
    }
}

SizeRange check_form_policy(std::string_view policy_json, const FormFields& form,
                            std::string_view bucket, base::Time now) {
    auto policy = base::parse_json(policy_json);
    if (!policy || !policy->is_object()) throw invalid_policy("Invalid JSON.");
    if ((*policy)["expiration"].is_null()) throw invalid_policy("Policy missing expiration.");
    auto expiration = base::parse_iso_date((*policy)["expiration"].as_string());
    if (!expiration)
        throw invalid_policy("Invalid 'expiration' value: '" + (*policy)["expiration"].as_string() +
                             "'");
    if (*expiration < now) throw against_policy("Policy expired.");
    if (!(*policy)["conditions"].is_array()) throw invalid_policy("Policy missing conditions.");

    SizeRange sizes;
    std::vector<std::string> covered = {"bucket"};
    for (const base::Node& node : (*policy)["conditions"].items()) {
        Condition condition = read_condition(node, sizes);
        if (condition.field.empty()) continue;
        covered.push_back(condition.field);
        const std::string* sent = form.find(condition.field);
        std::string actual = condition.field == "bucket" ? std::string(bucket)
                             : sent                      ? *sent
                                                         : std::string();
        bool holds = condition.operation == "eq" ? actual == condition.value
                                                 : actual.starts_with(condition.value);
        if (!holds)
            throw against_policy("Policy Condition failed: " + print_condition(condition.operation,
                                                                               condition.field,
                                                                               condition.value));
    }
    for (const auto& [name, value] : form.fields)
        if (!needs_no_condition(name) && std::ranges::find(covered, name) == covered.end())
            throw against_policy("Extra input fields: " + name);
    return sizes;
}

}  // namespace s3

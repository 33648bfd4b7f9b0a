// aws::Error: what a control-plane operation throws, from any depth; the gateway renders it once in
// the protocol's shape.
#pragma once
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace aws {

struct Error : std::exception {
    Error(int status, std::string code, std::string message)
        : status(status), code(std::move(code)), message(std::move(message)) {}
    const char* what() const noexcept override { return message.c_str(); }
    Error& with(std::string name, std::string value) {
        fields.emplace_back(std::move(name), std::move(value));
        return *this;
    }

    int status;
    std::string code;
    std::string message;
    std::vector<std::pair<std::string, std::string>>
        fields;  // further elements of the error document (S3: BucketName, Key …)
};

}  // namespace aws

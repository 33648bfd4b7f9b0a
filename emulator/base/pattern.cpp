// Pattern over PCRE2's 8-bit library, texts taken as UTF-8 where they are valid.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/pattern.h"

#include <pcre2.h>

namespace base {
namespace {
constexpr uint32_t kMatchLimit = 1'000'000;
}

std::expected<Pattern, Pattern::Error> Pattern::compile(std::string_view text) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    const uint32_t options = PCRE2_MATCH_INVALID_UTF | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
    pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                     options, &error, &offset, nullptr);
    if (code == nullptr) {
        PCRE2_UCHAR message[256];
        pcre2_get_error_message(error, message, sizeof message);
        return std::unexpected(Error{reinterpret_cast<const char*>(message), offset});
    }
    Pattern pattern;
    pattern.code_ = std::shared_ptr<void>(
        code, [](void* raw) { pcre2_code_free(static_cast<pcre2_code*>(raw)); });
    return pattern;
}

std::expected<std::optional<std::string>, std::string> Pattern::find(std::string_view text) const {
    auto* code = static_cast<pcre2_code*>(code_.get());
    std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> data(
        pcre2_match_data_create_from_pattern(code, nullptr), pcre2_match_data_free);
    std::unique_ptr<pcre2_match_context, void (*)(pcre2_match_context*)> context(
        pcre2_match_context_create(nullptr), pcre2_match_context_free);
    pcre2_set_match_limit(context.get(), kMatchLimit);
    const int count = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0,
                                  0, data.get(), context.get());
    if (count == PCRE2_ERROR_NOMATCH) return std::optional<std::string>();
    if (count < 0) return std::unexpected("the pattern needs too much work on this text");
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
    const bool grouped = count > 1 && ends[2] != PCRE2_UNSET;
    const size_t from = grouped ? ends[2] : ends[0], to = grouped ? ends[3] : ends[1];
    return std::optional<std::string>(text.substr(from, to - from));
}

}  // namespace base

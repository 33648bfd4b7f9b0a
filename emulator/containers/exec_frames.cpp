// Frames of `dodam exec` (see exec_frames.h).
#include "containers/exec_frames.h"

#include "base/text.h"

namespace containers {
namespace {

constexpr size_t kHeadBytes = 5;
constexpr std::string_view kKinds = "iewrox";

uint16_t size_of(std::string_view text, uint16_t fallback) {
    auto number = base::parse_unsigned(text);
    return number && *number > 0 && *number < 10'000 ? static_cast<uint16_t>(*number) : fallback;
}

}  // namespace

std::string exec_frame(FrameKind kind, std::string_view bytes) {
    const auto size = static_cast<uint32_t>(bytes.size());
    std::string frame(1, static_cast<char>(kind));
    for (int shift : {24, 16, 8, 0})
        frame += static_cast<char>(size >> shift & 0xff);
    frame += bytes;
    return frame;
}

std::string show_window(Window window) {
    return std::to_string(window.rows) + " " + std::to_string(window.columns);
}

Window read_window(std::string_view text) {
    const auto [rows, columns] = base::cut(text, ' ');
    const Window fallback;
    return {size_of(rows, fallback.rows), size_of(columns, fallback.columns)};
}

std::optional<ExecFrame> ExecFrameReader::next() {
    if (broken_ || buffer_.size() < kHeadBytes) return std::nullopt;
    size_t size = 0;
    for (size_t i = 1; i < kHeadBytes; ++i)
        size = size << 8 | static_cast<unsigned char>(buffer_[i]);
    if (kKinds.find(buffer_[0]) == std::string_view::npos || size > kMaxExecFrameBytes) {
        broken_ = true;
        return std::nullopt;
    }
    if (buffer_.size() < kHeadBytes + size) return std::nullopt;
    ExecFrame frame{static_cast<FrameKind>(buffer_[0]), buffer_.substr(kHeadBytes, size)};
    buffer_.erase(0, kHeadBytes + size);
    return frame;
}

}  // namespace containers

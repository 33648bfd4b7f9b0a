// Frames of `dodam exec`, both ways over the connection that the control API handed over: a kind,
// a length of four bytes (most significant first), the bytes.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "containers/runtime.h"

namespace containers {

enum class FrameKind : char {
    Input = 'i',       // to the program
    EndOfInput = 'e',  // to the program: nothing more comes
    Resize = 'w',      // to the program: "ROWS COLUMNS"
    Output = 'o',      // from the program; a terminal has this one alone
    Error = 'r',       // from the program
    Exit = 'x',        // from the program, the last one: its exit code
};

struct ExecFrame {
    FrameKind kind;
    std::string bytes;
};

inline constexpr size_t kMaxExecFrameBytes = 64 * 1024;

std::string exec_frame(FrameKind kind, std::string_view bytes);
std::string show_window(Window window);
Window read_window(std::string_view text);  // what is no number, or none at all, is 24 by 80

class ExecFrameReader {
  public:
    void feed(std::string_view bytes) { buffer_.append(bytes); }
    // Nothing: more bytes are needed, or the peer does not keep to the format (is_broken()).
    std::optional<ExecFrame> next();
    bool is_broken() const { return broken_; }

  private:
    std::string buffer_;
    bool broken_ = false;
};

}  // namespace containers

// LineSplitter: a container's output, cut into lines without end marks. A line longer than
// kMaxLogLineBytes comes in pieces, as Docker's awslogs driver sends it.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace containers {

class LineSplitter {
  public:
    // The lines that became complete; valid until the next call.
    const std::vector<std::string>& feed(std::string_view bytes);
    // What the program left without an end mark.
    const std::vector<std::string>& finish();

  private:
    std::string rest_;
    std::vector<std::string> lines_;
};

}  // namespace containers

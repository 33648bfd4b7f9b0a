#include "containers/line_splitter.h"

#include "containers/runtime.h"

namespace containers {

const std::vector<std::string>& LineSplitter::feed(std::string_view bytes) {
    lines_.clear();
    while (!bytes.empty()) {
        size_t end = bytes.find('\n');
        std::string_view part = bytes.substr(0, end);
        bytes.remove_prefix(end == bytes.npos ? bytes.size() : end + 1);
        while (rest_.size() + part.size() > kMaxLogLineBytes) {
            size_t room = kMaxLogLineBytes - rest_.size();
            lines_.push_back(std::exchange(rest_, {}) + std::string(part.substr(0, room)));
            part.remove_prefix(room);
        }
        rest_.append(part);
        if (end == std::string_view::npos) break;
        if (rest_.ends_with('\r')) rest_.pop_back();
        lines_.push_back(std::exchange(rest_, {}));
    }
    return lines_;
}

const std::vector<std::string>& LineSplitter::finish() {
    lines_.clear();
    if (!rest_.empty()) lines_.push_back(std::exchange(rest_, {}));
    return lines_;
}

}  // namespace containers

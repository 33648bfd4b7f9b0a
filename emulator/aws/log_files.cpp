// See log_files.h.
#include "aws/log_files.h"

#include <fmt/format.h>

#include "base/log.h"
#include "http/content_coding.h"

namespace aws {

namespace {

constexpr size_t kMaxFileBytes = 8 << 20;

}  // namespace

void LogFiles::add(const std::string& name, std::string_view line,
                   const std::function<File()>& begin) {
    std::lock_guard lock(mutex_);
    auto at = files_.find(name);
    if (at == files_.end()) at = files_.emplace(name, Gathered{begin(), {}}).first;
    std::string& lines = at->second.lines;
    if (lines.size() < kMaxFileBytes) lines += line;
}

void LogFiles::step(base::Time now) {
    std::map<std::string, Gathered> due;
    {
        std::lock_guard lock(mutex_);
        for (auto at = files_.begin(); at != files_.end();) {
            const auto next = std::next(at);
            if (now >= at->second.file.due) due.insert(files_.extract(at));
            at = next;
        }
    }
    deliver(due);
}

void LogFiles::flush() {
    std::map<std::string, Gathered> due;
    {
        std::lock_guard lock(mutex_);
        due.swap(files_);
    }
    deliver(due);
}

void LogFiles::deliver(std::map<std::string, Gathered>& due) {
    for (const auto& [name, gathered] : due) {
        const File& file = gathered.file;
        if (deliver_ &&
            deliver_(file.bucket, file.key,
                     http::encode_all(http::ContentCoding::Gzip, file.head + gathered.lines)))
            continue;
        base::log_warning(service_, fmt::format("the access log {} could not be put into bucket {}",
                                                file.key, file.bucket));
    }
}

}  // namespace aws

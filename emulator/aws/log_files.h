// LogFiles: access log lines of a service, gathered and put as gzip objects into a bucket, as
// CloudFront and load balancers do. The service says which file a line belongs to and when that
// file is due.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace aws {

class LogFiles {
  public:
    // Puts one object; false: it could not, and its lines are lost. May wait.
    using Deliver =
        std::function<bool(const std::string& bucket, const std::string& key, std::string bytes)>;

    struct File {
        std::string bucket, key;
        std::string head;  // before the first line
        base::Time due;
    };

    LogFiles(std::string service, Deliver deliver)
        : service_(std::move(service)), deliver_(std::move(deliver)) {}

    // `name` is the file of the line; the first line under a name makes the file. Beyond 8 MiB
    // lines are dropped: nobody takes the files, and memory is worth more.
    void add(const std::string& name, std::string_view line, const std::function<File()>& begin);
    // Delivers what is due.
    void step(base::Time now);
    // Delivers everything.
    void flush();

  private:
    struct Gathered {
        File file;
        std::string lines;
    };
    void deliver(std::map<std::string, Gathered>& due);

    std::string service_;
    Deliver deliver_;
    std::mutex mutex_;
    std::map<std::string, Gathered> files_;
};

}  // namespace aws

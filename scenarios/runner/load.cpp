// Viewers on threads of their own, and the arithmetic of what they saw.
#include "scenarios/runner/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace scenarios {
namespace {

using base::microseconds;
using base::Node;
using std::chrono::steady_clock;

constexpr size_t kMaxSamples = 1'000'000;
constexpr auto kWatchPause = std::chrono::milliseconds(250);
constexpr auto kAfterRefusal = std::chrono::milliseconds(10);  // nobody listens: do not spin
constexpr int kSpansPerLook = 1000;

microseconds since(steady_clock::time_point start) {
    return std::chrono::duration_cast<microseconds>(steady_clock::now() - start);
}

double in_ms(microseconds time) {
    return static_cast<double>(time.count()) / 1000.0;
}

// Nearest rank: the smallest value that so many percent do not exceed.
double percentile(const std::vector<microseconds>& sorted, double percent) {
    const auto rank =
        static_cast<size_t>(std::ceil(percent / 100.0 * static_cast<double>(sorted.size())));
    return in_ms(sorted[std::min(sorted.size(), std::max<size_t>(1, rank)) - 1]);
}

}  // namespace

void summarize(std::vector<LoadSample> samples, microseconds warmup, Answer& answer) {
    std::erase_if(samples, [&](const LoadSample& each) { return each.due < warmup; });
    std::sort(samples.begin(), samples.end(),
              [](const LoadSample& a, const LoadSample& b) { return a.ended < b.ended; });
    std::map<std::string, int64_t> statuses;
    std::vector<microseconds> took;
    int64_t failed = 0;
    const LoadSample *first_failed = nullptr, *last_failed = nullptr, *after = nullptr;
    microseconds end{0};
    for (const LoadSample& each : samples) {
        ++statuses[fmt::format("status.{}", each.status)];
        ++statuses[fmt::format("status.{}xx", each.status / 100)];
        took.push_back(each.ended - each.due);
        end = std::max(end, each.ended);
        if (each.failed()) {
            ++failed;
            if (first_failed == nullptr) first_failed = &each;
            last_failed = &each;
            after = nullptr;
        } else if (last_failed != nullptr && after == nullptr) {
            after = &each;
        }
    }
    const auto count = static_cast<int64_t>(samples.size());
    answer.set("requests", count);
    answer.set("failed", failed);
    for (const auto& [name, value] : statuses)
        answer.set(name, value);
    if (samples.empty()) return;
    answer.set("failedRate", 100.0 * static_cast<double>(failed) / static_cast<double>(count));
    std::sort(took.begin(), took.end());
    answer.set("p50", percentile(took, 50));
    answer.set("p95", percentile(took, 95));
    answer.set("p99", percentile(took, 99));
    const microseconds lasted = end - warmup;
    if (lasted.count() > 0)
        answer.set("rps", static_cast<double>(count) * 1e6 / static_cast<double>(lasted.count()));
    if (first_failed == nullptr)
        answer.set("recovers", 0);
    else if (after != nullptr)
        answer.set("recovers", in_ms(after->ended - first_failed->ended));
}

Load::Load(const World& world, LoadPlan plan) : world_(world), plan_(std::move(plan)) {}

void Load::start() {
    begun_ = steady_clock::now();
    for (int i = 0; i < plan_.viewers; ++i)
        threads_.emplace_back("load", [this] { ask(); });
    if (plan_.watch_tasks) threads_.emplace_back("load-tasks", [this] { watch(); });
}

void Load::stop() {
    {
        std::lock_guard lock(mutex_);
        stopped_ = true;
    }
    changed_.notify_all();
    for (base::Thread& thread : threads_)
        thread.join();
}

bool Load::wait_until(steady_clock::time_point time) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_until(lock, time, [this] { return stopped_; });
}

void Load::ask() {
    Viewer viewer(world_.ca_file);
    while (true) {
        microseconds due = since(begun_);
        if (plan_.rate > 0)
            due = microseconds(
                static_cast<int64_t>(static_cast<double>(next_.fetch_add(1)) * 1e6 / plan_.rate));
        if (!wait_until(begun_ + due)) return;
        auto response = viewer.send(plan_.request);
        const LoadSample sample{due, since(begun_), response ? response->status : 0};
        {
            std::lock_guard lock(mutex_);
            if (samples_.size() >= kMaxSamples) return;
            samples_.push_back(sample);
        }
        if (!response && plan_.rate == 0 && !wait_until(steady_clock::now() + kAfterRefusal))
            return;
    }
}

// The tasks behind the answers, from the balancers' spans.
void Load::watch() {
    Viewer viewer(world_.ca_file);
    Control control(world_, viewer);
    auto newest = control.get("/traces?n=1");
    int64_t last = newest ? (*newest)["last"].as_int() : 0;
    for (bool going = true; going;) {
        going = wait_until(steady_clock::now() + kWatchPause);
        auto found = control.get(fmt::format("/traces?since={}&n={}", last, kSpansPerLook));
        if (!found) continue;
        std::lock_guard lock(mutex_);
        for (const Node& span : (*found)["spans"].items()) {
            last = std::max(last, span["sequence"].as_int());
            if (span["hop"].as_string() != "alb" ||
                span["target"].as_string() != plan_.request.target.path)
                continue;
            for (const Node& decision : span["decisions"].items())
                if (decision["key"].as_string() == "target")
                    tasks_.insert(decision["text"].as_string());
        }
    }
}

Answer Load::answer() const {
    std::lock_guard lock(mutex_);
    Answer answer;
    summarize(samples_, plan_.warmup, answer);
    answer.set("tasks", static_cast<int64_t>(tasks_.size()));
    answer.set("ms", in_ms(since(begun_)));
    return answer;
}

}  // namespace scenarios

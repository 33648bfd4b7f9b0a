#include "backing/served.h"

#include <fmt/format.h>

#include "base/clock.h"

namespace backing {
namespace {

constexpr base::milliseconds kBetweenAttempts{50};
constexpr base::seconds kBetweenNews{3};

}  // namespace

std::optional<std::string> Served::wait_for(
    const std::function<std::optional<std::string>()>& attempt) const {
    base::SystemClock clock;
    const base::Time begun = clock.now();
    base::Time news = begun + kBetweenNews;
    for (;;) {
        auto problem = attempt();
        if (!problem) return std::nullopt;
        if (interrupted()) return kInterrupted;
        if (auto why = gone()) return why;
        const base::Time now = clock.now();
        if (now >= begun + patience) return problem;
        if (now >= news) {
            const auto seconds = std::chrono::duration_cast<base::seconds>(now - begun).count();
            progress(fmt::format("waiting     {} {} ({} s): {}", name, place, seconds, *problem));
            news = now + kBetweenNews;
        }
        clock.wait_until(now + kBetweenAttempts);
    }
}

std::string kept_as_it_is(const Served& served) {
    return fmt::format(
        "the {} {} was given to dodam, which empties only what it started itself; empty it by your "
        "own means",
        served.name, served.place);
}

}  // namespace backing

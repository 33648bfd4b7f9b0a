// Context: what a step works with while a scenario runs, and what it leaves behind for the report.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "scenarios/runner/answer.h"
#include "scenarios/runner/format.h"
#include "scenarios/runner/viewer.h"
#include "scenarios/runner/world.h"

namespace scenarios {

// One request and its answer, kept for the report.
struct Exchange {
    ViewerRequest request;
    std::optional<ViewerResponse> response;
    std::string failure;  // when there was none
    std::string peer;
    int64_t started_ms = 0;         // real time
    std::vector<base::Node> spans;  // what the stack did with it, by hop
};

// The control API, over the wire.
class Control {
  public:
    Control(const World& world, Viewer& viewer) : world_(world), viewer_(viewer) {}
    std::expected<base::Node, StepError> get(const std::string& path) {
        return call("GET", path, base::Node());
    }
    std::expected<base::Node, StepError> post(const std::string& path, const base::Node& input) {
        return call("POST", path, input);
    }

  private:
    std::expected<base::Node, StepError> call(const std::string& method, const std::string& path,
                                              const base::Node& input);
    const World& world_;
    Viewer& viewer_;
};

}  // namespace scenarios
namespace base {
class Spawner;
}
namespace scenarios {

class ScriptedOrigin;
struct Clients;  // of MariaDB and Redis

class Context {
  public:
    Context(const World& world, base::Clock& clock, std::string directory);
    ~Context();

    const World& world;
    base::Clock& clock;
    std::string directory;  // files are relative to it: the scenario's, or the used file's
    Viewer viewer;          // calls to the AWS port and the control API
    Control control;

    // Of the step that runs.
    base::Time deadline;
    std::set<std::string, std::less<>> asked;  // words of its "expect" and "save"
    std::optional<Exchange> exchange;

    std::function<bool()> ended = [] { return false; };  // the run was interrupted: wait no longer
    void sleep(base::microseconds duration);             // real time, at most until `ended`
    bool cut_short = false;                              // a sleep was

    bool asks(std::string_view word) const { return asked.contains(word); }
    base::microseconds left() const;  // until the deadline, 1 ms at least
    std::string path(const std::string& name) const;

    // The named session's connections and cookies; "" is a visitor without a memory.
    struct Session {
        Viewer viewer;
        std::map<std::string, std::map<std::string, std::string>> cookies;  // host → name → value
    };
    Session& session(const std::string& name);
    // Steps at the same time have connections of their own and see the same cookies.
    void take_cookies(const Context& other);

    int64_t scenario_started_ms = 0, step_started_ms = 0;  // stack time, for logs
    std::shared_ptr<ScriptedOrigin> origin;
    bool commands_allowed = false;  // "run" may start programs
    std::string program;            // our own: it runs workflows
    base::Spawner& spawner();       // made on first use
    std::unique_ptr<Clients> clients;

  private:
    std::map<std::string, Session> sessions_;
    std::unique_ptr<base::Spawner> spawner_;
};

// The file, looked for from the directory upwards, as a path; "" when there is none.
std::string find_upwards(const std::string& directory, const std::string& name);

// The answer's own id at the first hop, "" when it has none.
std::string request_id(const Exchange& exchange);
// Everything that the stack did since, oldest first, as far as it is kept.
std::vector<base::Node> spans_since(Context& context, int64_t sequence);
// The hops of the exchange's request, viewer's side first; waits a moment for them to be written.
void fetch_trace(Context& context, Exchange& exchange);
// origin, attempts, hops, task of the trace.
void answer_from_trace(const Exchange& exchange, Answer& answer);

}  // namespace scenarios

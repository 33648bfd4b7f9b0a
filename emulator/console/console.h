// The control API and the console's page, below /_dodam/ on the AWS port. Rules of the port: a Host
// that is not ours and a foreign Origin are refused, and every call that changes state needs the
// instance's token (a web page that registers a task definition would be code execution), as
// X-Dodam-Token or as `Authorization: bearer TOKEN`.
//
// One path speaks another's protocol: GET or POST /_dodam/v1/oidc/token?audience=sts.amazonaws.com
// is what ACTIONS_ID_TOKEN_REQUEST_URL names in a GitHub job (ACTIONS_ID_TOKEN_REQUEST_TOKEN is the
// instance's token). Clients append `&audience=…`, so the URL given to them has a query already:
// repository=OWNER/NAME, ref, sha, workflow, actor, event, environment, all optional.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/trace.h"
#include "http/server.h"

namespace console {

// What a view or an action answers: a status other than 200 carries {"message": …}.
struct Answer {
    int status = 200;
    base::Node body;
    static Answer error(int status, std::string message);
};

// The parts the console reads and steers. Views take the query string's values.
struct Parts {
    using View = std::function<Answer(const base::Node& input)>;

    std::string token;
    base::Clock& clock;
    base::TraceRing& traces;
    std::function<void(base::Span&)> expand;  // makes a span that was kept short tell all it can
    View status;                              // everything `dodam status` shows
    View logs;                                // group, since_ms, grep, limit
    View cache;                               // ls, show, why: {"action", "url"}
    View credentials;                         // sql, redis, aws keys (token needed)
    View deployments;     // what is deployed, by service, with the report of its last deploy
    View faults;          // list, set {"target","kind",…,"lease_ms"}, clear {"id"}
    View reset;           // what was asked to be emptied
    View baseline;        // {"mark": true}: as now; else back to it, and what could not go back
    View snapshots;       // {"save" | "load": DIRECTORY}: database, cache, buckets, edge
    View recording;       // what viewers ask and are answered: recorder/recorder.h
    View identity_token;  // {"value": a signed token} for a job: audience, repository, ref, sha, …
    std::function<void()> stop;
    // A program in a running container, over the upgraded connection: {"target", "container",
    // "command", "terminal", "window", "term"}. Nothing: the exchange was answered.
    std::function<std::optional<Answer>(http::Exchange& exchange, const base::Node& input)> exec;
};

class Console final : public http::Handler {
  public:
    explicit Console(Parts parts) : parts_(std::move(parts)) {}
    void handle(http::Exchange& exchange) override;

  private:
    std::optional<Answer> route(http::Exchange& exchange, const base::Node& input);
    Parts parts_;
};

}  // namespace console

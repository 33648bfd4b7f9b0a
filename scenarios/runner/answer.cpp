// Queries and the answers they are put to.
#include "scenarios/runner/answer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "base/text.h"
#include "scenarios/runner/markup.h"

namespace scenarios {
namespace {

using base::Node;

constexpr QueryWord kWords[] = {
    {"$", Flavor::Json,
     "JSONPath (RFC 9535) into the JSON answer; a path that can mean several places gives a list."},
    {"header.", Flavor::Text, "A response header, as text; repeated ones joined by \", \"."},
    {"cookie.", Flavor::Text,
     "A cookie that the answer sets; cookie.NAME.ATTRIBUTE for its attributes."},
    {"trailer.", Flavor::Text, "A trailer after a chunked body."},
    {"saw.header.", Flavor::Text, "A header that the scripted origin received."},
    {"hop.", Flavor::Json, "What the trace says of one hop."},
    {"xpath ", Flavor::Json, "XPath 1.0 over an HTML or XML body: xpath string(//div/@id)."},
    {"regex ", Flavor::Json, "The first group, or the whole match, in the body."},
    {"status", Flavor::Status, "The status code: 200, \"2xx\"."},
    {"status.", Flavor::Number, "Answers with this status: status.503, status.5xx."},
    {"body", Flavor::Text, "The body as text."},
    {"bytes", Flavor::Number, "The body's length."},
    {"sha256", Flavor::Text, "The body's SHA-256 in hexadecimal."},
    {"ms", Flavor::Milliseconds, "How long the step took: \"< 300ms\"."},
    {"ttfb", Flavor::Milliseconds, "Until the first byte of the answer."},
    {"cache", Flavor::Text, "First word of X-Cache: hit, miss, refreshhit, error, redirect."},
    {"origin", Flavor::Text, "Who was really asked: s3, alb, custom or none."},
    {"attempts", Flavor::Number, "How often the origin was asked."},
    {"hops", Flavor::Json, "The hops of the request, in order."},
    {"task", Flavor::Text, "The target that answered."},
    {"http", Flavor::Text, "The version of the answer: 1.0, 1.1."},
    {"url", Flavor::Text, "The address that answered, after redirects."},
    {"redirects", Flavor::Number, "How many redirects were followed."},
    {"closed", Flavor::Json, "true: the peer closed the connection."},
    {"saw.method", Flavor::Text, "Method that the scripted origin received."},
    {"saw.path", Flavor::Text, "Path and query that the scripted origin received."},
    {"saw.body", Flavor::Text, "Body that the scripted origin received."},
    {"saw.count", Flavor::Number, "Requests that the scripted origin received during the step."},
    {"rows", Flavor::Number, "Rows of the result."},
    {"affected", Flavor::Number, "Rows that the statement changed."},
    {"value", Flavor::Json, "Redis' answer."},
    {"ttl", Flavor::Number, "Seconds until the key expires; -1 never, -2 no such key."},
    {"type", Flavor::Text, "Type of the key."},
    {"error", Flavor::Text, "The error's code or message; without it an error fails the step."},
    {"message", Flavor::Text, "What an API said beside its error's code."},
    {"count", Flavor::Number, "How many were found or came: lines, messages, events, tasks."},
    {"code", Flavor::Number, "The code with which the peer closed a WebSocket."},
    {"line", Flavor::Text, "The last line found."},
    {"rollout", Flavor::Text, "COMPLETED or FAILED, of this very deployment."},
    {"rolledBack", Flavor::Json, "true: the circuit breaker went back."},
    {"failedTasks", Flavor::Number, "Tasks that this deployment could not start."},
    {"revision", Flavor::Text, "ARN of the task definition that the service ends on."},
    {"requests", Flavor::Number, "Requests that were made."},
    {"failed", Flavor::Number, "Requests without an answer, or with a status from 400 on."},
    {"failedRate", Flavor::Number, "The same in percent: \"<= 2%\"."},
    {"p50", Flavor::Milliseconds, "Half of the answers came within: \"< 100ms\"."},
    {"p95", Flavor::Milliseconds, "95 percent of the answers came within."},
    {"p99", Flavor::Milliseconds, "99 percent of the answers came within."},
    {"rps", Flavor::Number, "Requests per second that were answered."},
    {"tasks", Flavor::Number, "How many tasks answered."},
    {"recovers", Flavor::Milliseconds,
     "From the first failure to the first answer after the last one; 0 without failures."},
    {"result", Flavor::Text,
     "How the workflow ended: success, failure, cancelled; unasked, anything but success fails."},
    {"jobs.", Flavor::Text, "How a job ended: jobs.deploy; skipped where it did not run."},
    {"failedStep", Flavor::Text, "The workflow's first step that failed it."},
    {"exit", Flavor::Number, "The command's exit code; without it anything but 0 fails the step."},
    {"stdout", Flavor::Text, "What the command wrote."},
    {"stderr", Flavor::Text, "What the command wrote to its standard error."},
    {"console", Flavor::Json, "Errors that the browser's console showed, as a list."},
    {"uploaded", Flavor::Number, "Objects written by a deploy to a bucket."},
    {"deleted", Flavor::Number, "Objects removed by a deploy to a bucket."},
};

bool is_prefix(const QueryWord& word) {
    return word.name == "$" || word.name.ends_with('.') || word.name.ends_with(' ');
}

std::optional<Node> joined(const std::vector<std::pair<std::string, std::string>>& headers,
                           std::string_view name) {
    std::optional<std::string> out;
    for (const auto& [key, value] : headers)
        if (base::equals_ignoring_case(key, name)) out = out ? *out + ", " + value : value;
    return out ? std::optional<Node>(*out) : std::nullopt;
}

}  // namespace

std::span<const QueryWord> query_words() {
    return kWords;
}

std::expected<Query, QueryError> Query::parse(std::string_view text) {
    Query query;
    query.text_ = text;
    for (const QueryWord& word : kWords) {
        if (is_prefix(word) ? !text.starts_with(word.name) : text != word.name) continue;
        if (query.word_ == nullptr || word.name.size() > query.word_->name.size())
            query.word_ = &word;
    }
    if (query.word_ == nullptr) {
        std::vector<std::string> names;
        for (const QueryWord& word : kWords)
            names.emplace_back(base::trim(word.name));
        // "headers.age" and "Status" are near too.
        const std::string near = base::closest(text.substr(0, text.find_first_of(". [")), names);
        return std::unexpected(QueryError{
            fmt::format("nothing can be asked by \"{}\"", text),
            near.empty() ? "a path into the JSON starts with \"$\", a header with \"header.\""
                         : fmt::format("did you mean \"{}\"?", near)});
    }
    const std::string rest(query.rest());
    if (is_prefix(*query.word_) && rest.empty())
        return std::unexpected(
            QueryError{fmt::format("\"{}\" needs something after it", text), ""});
    if (query.word_->name == "$") {
        auto path = JsonPath::parse(text);
        if (!path)
            return std::unexpected(
                QueryError{fmt::format("the path does not parse: {} (at character {})",
                                       path.error().message, path.error().offset + 1),
                           "", path.error().offset});
        query.path_ = std::move(*path);
    } else if (query.word_->name == "xpath ") {
        if (const std::string problem = xpath_problem(rest); !problem.empty())
            return std::unexpected(QueryError{"the XPath does not parse: " + problem, ""});
    } else if (query.word_->name == "regex ") {
        auto pattern = base::Pattern::compile(rest);
        if (!pattern)
            return std::unexpected(
                QueryError{fmt::format("the pattern does not compile: {} (at character {})",
                                       pattern.error().message, pattern.error().offset + 1),
                           ""});
        query.pattern_ = std::move(*pattern);
    }
    return query;
}

const Node* Answer::get(std::string_view word) const {
    auto found = words_.find(word);
    return found == words_.end() ? nullptr : &found->second;
}

// "name" or "name.attribute" (RFC 6265 §4.1): attributes without a value are true.
std::optional<Node> Answer::cookie(std::string_view wanted) const {
    for (const auto& [key, line] : headers) {
        if (!base::equals_ignoring_case(key, "set-cookie")) continue;
        auto parts = base::split(line, ';');
        const auto [name, value] = base::cut(base::trim(parts[0]), '=');
        if (wanted == name) return Node(value);
        if (!wanted.starts_with(name) || wanted.size() <= name.size() || wanted[name.size()] != '.')
            continue;
        const std::string_view attribute = wanted.substr(name.size() + 1);
        for (size_t i = 1; i < parts.size(); ++i) {
            const auto [word, text] = base::cut(base::trim(parts[i]), '=');
            if (!base::equals_ignoring_case(word, attribute)) continue;
            return parts[i].find('=') == std::string_view::npos ? Node(true) : Node(text);
        }
    }
    return std::nullopt;
}

std::expected<Actual, std::string> Answer::ask(const Query& query) const {
    const QueryWord& word = query.word();
    const Flavor flavor = word.flavor;
    if (word.name == "$") {
        if (json) return Actual{query.path_->value(*json), flavor};
        if (!body) return std::unexpected("the answer has no body");
        auto parsed = base::parse_json(*body);
        if (!parsed)
            return std::unexpected(
                body->empty() ? "the body is empty"
                              : fmt::format("the body is not JSON ({})", parsed.error().message));
        return Actual{query.path_->value(*parsed), flavor};
    }
    if (word.name == "header.") return Actual{joined(headers, query.rest()), flavor};
    if (word.name == "trailer.") return Actual{joined(trailers, query.rest()), flavor};
    if (word.name == "saw.header.") return Actual{joined(saw_headers, query.rest()), flavor};
    if (word.name == "cookie.") return Actual{cookie(query.rest()), flavor};
    if (word.name == "xpath " || word.name == "regex ") {
        if (!body) return std::unexpected("the answer has no body");
        if (word.name == "xpath ")
            return Actual{Markup::parse(*body).xpath(std::string(query.rest())), flavor};
        auto found = query.pattern_->find(*body);
        if (!found) return std::unexpected(found.error());
        return Actual{*found ? std::optional<Node>(**found) : std::nullopt, flavor};
    }
    const bool named = word.name == "hop." || word.name == "status." || word.name == "jobs.";
    if (const Node* value = get(named ? std::string_view(query.text()) : word.name))
        return Actual{*value, flavor};
    if (word.name == "status.") return Actual{Node(0), flavor};
    if (body && word.name == "body") return Actual{Node(*body), flavor};
    if (body && word.name == "bytes")
        return Actual{Node(static_cast<int64_t>(body->size())), flavor};
    if (body && word.name == "sha256") return Actual{Node(base::sha256_hex(*body)), flavor};
    return Actual{std::nullopt, flavor};
}

}  // namespace scenarios

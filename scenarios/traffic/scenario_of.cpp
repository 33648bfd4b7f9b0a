// See scenario_of.h.
#include "scenarios/traffic/scenario_of.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

#include "base/encoding.h"
#include "base/text.h"
#include "scenarios/traffic/correlation.h"

namespace traffic {
namespace {

using base::Node;
using Jar = std::map<std::string, std::string>;

constexpr size_t kMaxTypes = 5;  // members of an answer of which something is expected
constexpr const char* kSession = "visitor";
constexpr size_t kLineWidth = 120;

struct Url {
    std::string scheme, host, path;  // host without its port; path with its query
};

std::optional<Url> split_url(const std::string& url) {
    const size_t scheme = url.find("://");
    if (scheme == std::string::npos) return std::nullopt;
    const size_t slash = std::min(url.find_first_of("/?", scheme + 3), url.size());
    std::string host = base::lower(url.substr(scheme + 3, slash - scheme - 3));
    if (!host.ends_with(']')) host = host.substr(0, host.rfind(':'));
    std::string path = url.substr(slash);
    if (!path.starts_with('/')) path = "/" + path;
    return Url{base::lower(url.substr(0, scheme)), host, path};
}

// The stack's name for a host and the name that production has for it.
std::pair<std::string, std::string> named(const std::string& host, const Node& stack) {
    for (const auto& [kind, attribute] :
         {std::pair{"distributions", "domain"}, std::pair{"loadBalancers", "dnsName"},
          std::pair{"buckets", "domain"}})
        for (const auto& [name, thing] : stack[kind].members())
            if (const std::string domain = base::lower(thing[attribute].as_string());
                domain == host || host == name + ".localhost")
                return {name, domain};
    return {};
}

// A distribution is asked in https by its name: what it said of http must be asked in http.
bool is_about_scheme(const Exchange& exchange, const Url& url) {
    const std::string location = exchange.answer_header("location");
    return url.scheme == "http" && (exchange.status == 403 || location.starts_with("https://"));
}

// Its two parts: what comes before the path, and the path with its query.
std::pair<std::string, std::string> split_target(const Exchange& exchange, const Node& stack) {
    const auto url = split_url(exchange.url);
    if (!url) {
        const size_t colon = exchange.url.find(":/");  // "front:/a" already
        return colon == std::string::npos
                   ? std::pair{std::string(), exchange.url}
                   : std::pair{exchange.url.substr(0, colon + 1), exchange.url.substr(colon + 1)};
    }
    const auto [name, domain] = named(url->host, stack);
    if (name.empty())
        return {
            exchange.url.substr(0, exchange.url.find_first_of("/?", exchange.url.find("://") + 3)),
            url->path};
    if (is_about_scheme(exchange, *url)) return {fmt::format("http://{}", domain), url->path};
    return {name + ":", url->path};
}

// What a request is, whoever made it: its method and path without what looks like a value.
std::string shape_of(const Exchange& exchange) {
    const auto url = split_url(exchange.url);
    const std::string path = url ? url->path : exchange.url;
    std::string out = exchange.method + " " + (url ? url->host : "");
    for (std::string_view part : base::split(base::cut(path, '?').first, '/')) {
        const bool is_value = part.size() >= 24 || std::ranges::any_of(part, [](unsigned char c) {
                                  return std::isdigit(c) != 0;
                              });
        out += "/";
        out += is_value && part.find('.') == std::string_view::npos ? "*" : part;
    }
    for (std::string_view pair : base::split(base::cut(path, '?').second, '&'))
        out += fmt::format("&{}", base::cut(pair, '=').first);
    return out;
}

std::vector<std::pair<std::string, std::string>> fields_of(std::string_view body) {
    std::vector<std::pair<std::string, std::string>> out;
    for (std::string_view field : base::split(body, '&')) {
        if (field.empty()) continue;
        const auto [name, value] = base::cut(field, '=');
        out.emplace_back(base::percent_decode(name, base::Plus::IsSpace),
                         base::percent_decode(value, base::Plus::IsSpace));
    }
    return out;
}

Jar cookies_of(const std::string& header) {
    Jar out;
    for (std::string_view pair : base::split(header, ';')) {
        const auto [name, value] = base::cut(base::trim(pair), '=');
        if (!name.empty()) out.insert_or_assign(std::string(name), std::string(value));
    }
    return out;
}

bool is_sent(std::string_view name) {
    if (name.starts_with("x-"))
        return !name.starts_with("x-forwarded") && !name.starts_with("x-amz-cf") &&
               !name.starts_with("x-dodam") && !name.starts_with("x-client-data");
    return name == "origin" || name == "range" || name.starts_with("if-") ||
           name.starts_with("access-control-request-");
}

class Maker {
  public:
    Maker(const Wishes& wishes, Made& made) : wishes_(wishes), made_(made) {}

    Node step(size_t number, const Exchange& exchange, const Exchange* again) {
        Node step = Node::object();
        step.set(exchange.method, target(exchange, again));
        Node headers = Node::object();
        session(exchange, step, headers);
        for (const auto& [name, value] : exchange.headers) {
            const std::string other = again ? again->header(name) : "";
            const std::string* second = again && !other.empty() ? &other : nullptr;
            if (name == "authorization")
                step.set("auth", authorization(value, second));
            else if (is_sent(name))
                headers.set(name,
                            known_.text(name, value, second,
                                        is_secret_name(name) ? Place::Credential : Place::Text));
        }
        body(number, exchange, again, step, headers);
        if (headers.size() > 0) step.set("headers", std::move(headers));
        if (Node expected = expect(exchange, again); expected.size() > 0)
            step.set("expect", std::move(expected));
        known_.learn(number, exchange, again);
        return step;
    }
    const Correlation& known() const { return known_; }

  private:
    using Place = Correlation::Place;

    std::string target(const Exchange& exchange, const Exchange* again) {
        const auto [before, whole] = split_target(exchange, wishes_.stack);
        const std::string whole_again = again ? split_target(*again, wishes_.stack).second : "";
        const auto [path, query] = base::cut(whole, '?');
        const auto segments = base::split(path, '/');
        const auto others = base::split(base::cut(whole_again, '?').first, '/');
        const bool pairs = again && others.size() == segments.size();
        std::string out;
        for (size_t i = 0; i < segments.size(); ++i)
            out += (i == 0 ? "" : "/") + encoded(i < 2 ? "" : std::string(segments[i - 1]),
                                                 segments[i], pairs ? &others[i] : nullptr,
                                                 Place::Path);
        // An answer's Location is asked as it is.
        if (out.find("{{") == std::string::npos)
            if (std::string location = known_.whole(std::string(path)); !location.empty())
                out = std::move(location);
        if (whole.find('?') == std::string::npos) return before + out;
        const auto fields = base::split(query, '&');
        const std::string query_again(base::cut(whole_again, '?').second);
        const auto other_fields = base::split(query_again, '&');
        for (size_t i = 0; i < fields.size(); ++i) {
            const auto [name, value] = base::cut(fields[i], '=');
            const bool same =
                again && i < other_fields.size() && base::cut(other_fields[i], '=').first == name;
            const std::string_view other =
                same ? base::cut(other_fields[i], '=').second : std::string_view();
            out += fmt::format("{}{}", i == 0 ? '?' : '&', name);
            if (fields[i].find('=') != std::string_view::npos)
                out +=
                    "=" + encoded(std::string(name), value, same ? &other : nullptr, Place::Text);
        }
        return before + out;
    }

    // A part of a URL: values are known as they were before they were encoded.
    std::string encoded(const std::string& key, std::string_view part,
                        const std::string_view* again, Place place) {
        const auto plus = place == Place::Path ? base::Plus::IsPlus : base::Plus::IsSpace;
        const std::string plain = base::percent_decode(part, plus);
        std::string other = again ? base::percent_decode(*again, plus) : "";
        const std::string shown = known_.text(key, plain, again ? &other : nullptr, place);
        if (shown == plain) return std::string(part);
        if (plain == part) return shown;
        // One reference, with what it needs to stand in a URL.
        if (shown.starts_with("{{") && shown.find("}}") == shown.size() - 2)
            return shown.substr(0, shown.size() - 2) + " | urlencode}}";
        return std::string(part);
    }

    std::string authorization(const std::string& value, const std::string* again) {
        const auto [scheme, rest] = base::cut(value, ' ');
        if (rest.empty()) return known_.text("authorization", value, again, Place::Credential);
        const std::string other(again ? base::cut(*again, ' ').second : std::string_view());
        return fmt::format(
            "{} {}", scheme,
            known_.text("token", std::string(rest), again ? &other : nullptr, Place::Credential));
    }

    // Cookies that answers set are the session's business; others stand in the file.
    void session(const Exchange& exchange, Node& step, Node& headers) {
        Jar& jar = jars_[split_target(exchange, wishes_.stack).first];
        const std::string line = exchange.header("cookie");
        const Jar sent = cookies_of(line);
        const bool is_jar =
            std::ranges::equal(sent, jar, {}, &Jar::value_type::first, &Jar::value_type::first);
        const bool sets = std::ranges::any_of(exchange.answer_headers, [](const auto& header) {
            return header.first == "set-cookie";
        });
        if (!is_jar && !line.empty()) {
            std::string shown;
            for (const auto& [name, value] : sent)
                shown += fmt::format(
                    "{}{}={}", shown.empty() ? "" : "; ", name,
                    known_.text(name, value, nullptr,
                                is_secret_name(name) || value.size() >= 2 * kShortestToken
                                    ? Place::Credential
                                    : Place::Text));
            headers.set("cookie", shown);
        }
        if (sets || (is_jar && !jar.empty())) step.set("as", kSession);
        for (const auto& [name, value] : exchange.answer_headers) {
            if (name != "set-cookie") continue;
            const auto [pair, attributes] = base::cut(value, ';');
            const auto [cookie, text] = base::cut(base::trim(pair), '=');
            const std::string lower = base::lower(attributes);
            if (lower.find("max-age=0") != std::string::npos ||
                lower.find("01 jan 1970") != std::string::npos)
                jar.erase(std::string(cookie));
            else
                jar.insert_or_assign(std::string(cookie), std::string(text));
        }
    }

    void body(size_t number, const Exchange& exchange, const Exchange* again, Node& step,
              Node& headers) {
        if (exchange.is_request_cut) {
            made_.notes.push_back(fmt::format(
                "step {}: its body was too long to be recorded; add it as \"file\"", number + 1));
            return;
        }
        if (exchange.body.empty()) return;
        const std::string type = base::lower(exchange.header("content-type"));
        const auto json = base::parse_json(exchange.body);
        if (json && type.find("json") != std::string::npos) {
            const auto other =
                again ? base::parse_json(again->body) : std::unexpected(base::JsonError{});
            step.set("json", known_.value("value", *json, other ? &*other : nullptr));
            if (!type.starts_with("application/json")) headers.set("content-type", type);
            return;
        }
        if (type.starts_with("application/x-www-form-urlencoded")) {
            step.set("form", form(exchange, again));
            return;
        }
        if (!type.empty()) headers.set("content-type", exchange.header("content-type"));
        if (base::is_valid_utf8(exchange.body)) {
            step.set("body", known_.text("body", exchange.body, again ? &again->body : nullptr));
            return;
        }
        const std::string name = fmt::format("{}body-{}.bin", wishes_.files, number + 1);
        made_.files.emplace_back(name, exchange.body);
        step.set("file", name);
    }

    Node form(const Exchange& exchange, const Exchange* again) {
        const auto fields = fields_of(exchange.body);
        const auto others = again ? fields_of(again->body) : decltype(fields){};
        Node out = Node::object();
        for (size_t i = 0; i < fields.size(); ++i) {
            const auto& [name, value] = fields[i];
            const bool same = i < others.size() && others[i].first == name;
            Node shown = known_.text(name, value, same ? &others[i].second : nullptr);
            Node* before = out.find(name);
            if (!before)
                out.set(name, std::move(shown));
            else if (before->is_array())
                before->push_back(std::move(shown));
            else
                *before = Node::array({*before, std::move(shown)});
        }
        return out;
    }

    // The status, and of a JSON object's members the types; with a second recording the values
    // that are the same in both.
    static Node expect(const Exchange& exchange, const Exchange* again) {
        Node out = Node::object();
        if (exchange.status > 0) {
            if (again && again->status > 0 && again->status != exchange.status)
                out.set("status",
                        Node::object({{"in", Node::array({exchange.status, again->status})}}));
            else
                out.set("status", exchange.status);
        }
        const auto answer = base::parse_json(exchange.answer);
        if (!answer || !answer->is_object() || exchange.method == "HEAD") return out;
        const auto other =
            again ? base::parse_json(again->answer) : std::unexpected(base::JsonError{});
        size_t count = 0;
        for (const auto& [name, value] : answer->members()) {
            const Node* second = other ? other->find(name) : nullptr;
            if (!is_name(name) || (other && !second)) continue;
            if (++count > kMaxTypes) break;
            // Numbers count what is there: another visit finds more of it.
            const bool is_same =
                second && *second == value &&
                (value.is_bool() ||
                 (value.is_string() && value.as_string().find("{{") == std::string::npos));
            const char* type = value.is_string()   ? "string"
                               : value.is_number() ? "number"
                               : value.is_bool()   ? "boolean"
                               : value.is_array()  ? "array"
                               : value.is_object() ? "object"
                                                   : "null";
            if (second && second->kind() != value.kind()) continue;
            out.set("$." + name,
                    is_same ? Node::object({{"eq", value}}) : Node::object({{"type", type}}));
        }
        return out;
    }

    const Wishes& wishes_;
    Made& made_;
    Correlation known_;
    std::map<std::string, Jar> jars_;  // by what stands before the path
};

// The second recording's request for each of the first's: the next of its shape.
std::vector<const Exchange*> paired(const std::vector<Exchange>& visit,
                                    const std::vector<Exchange>& again) {
    std::vector<const Exchange*> pairs;
    size_t cursor = 0;
    for (const Exchange& exchange : visit) {
        const std::string shape = shape_of(exchange);
        size_t at = cursor;
        while (at < again.size() && shape_of(again[at]) != shape)
            ++at;
        pairs.push_back(at < again.size() ? &again[at] : nullptr);
        if (at < again.size()) cursor = at + 1;
    }
    return pairs;
}

std::string one_line(const Node& node) {
    if (!node.is_array() && !node.is_object()) return base::to_json(node);
    std::string out;
    for (const Node& item : node.items())
        out += (out.empty() ? "" : ", ") + one_line(item);
    for (const auto& [name, value] : node.members())
        out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", base::quote_json(name),
                           one_line(value));
    if (node.is_array()) return "[" + out + "]";
    return out.empty() ? "{}" : "{ " + out + " }";
}

std::string laid_out(const Node& node, size_t indent, size_t column) {
    std::string line = one_line(node);
    if (column + line.size() <= kLineWidth || node.size() == 0) return line;
    const std::string begin = "\n" + std::string(indent + 2, ' ');
    std::string out;
    for (const Node& item : node.items())
        out += (out.empty() ? "" : ",") + begin + laid_out(item, indent + 2, indent + 2);
    for (const auto& [name, value] : node.members()) {
        const std::string key = base::quote_json(name) + ": ";
        out += (out.empty() ? "" : ",") + begin + key +
               laid_out(value, indent + 2, indent + 2 + key.size());
    }
    return (node.is_array() ? "[" : "{") + out + "\n" + std::string(indent, ' ') +
           (node.is_array() ? "]" : "}");
}

std::string step_text(const Node& step) {
    std::string out;
    for (const auto& [name, value] : step.members()) {
        const std::string key = base::quote_json(name) + ": ";
        out += (out.empty() ? "    { " : ",\n      ") + key + laid_out(value, 6, 6 + key.size());
    }
    return out + " }";
}

}  // namespace

std::string text_of(const Node& scenario) {
    std::string out;
    for (const auto& [name, value] : scenario.members()) {
        const std::string key = "  " + base::quote_json(name) + ": ";
        out += out.empty() ? "{\n" : ",\n";
        if (name != "steps") {
            out += key + laid_out(value, 2, key.size());
            continue;
        }
        std::string steps;
        for (const Node& step : value.items())
            steps += (steps.empty() ? "" : ",\n") + step_text(step);
        out += key + "[\n" + steps + "\n  ]";
    }
    return out + "\n}\n";
}

std::string target_of(const Exchange& exchange, const Node& stack) {
    const auto [before, path] = split_target(exchange, stack);
    return before + path;
}

std::expected<Made, std::string> scenario_of(std::vector<Exchange> visit,
                                             std::vector<Exchange> again, const Wishes& wishes) {
    // Answers come in another order than requests where several are under way.
    for (auto* all : {&visit, &again})
        std::ranges::stable_sort(*all, {}, &Exchange::number);
    Made made;
    const auto pairs = paired(visit, again);
    if (!again.empty()) {
        const auto alone = std::ranges::count(pairs, nullptr);
        if (static_cast<size_t>(alone) == visit.size())
            return std::unexpected(
                "the two recordings have no request in common: record the same visit twice");
        if (alone > 0)
            made.notes.push_back(fmt::format(
                "{} of {} requests were made in the first recording only", alone, visit.size()));
    }
    Maker maker(wishes, made);
    std::vector<Node> steps;
    for (size_t i = 0; i < visit.size() && steps.size() < kMaxSteps; ++i)
        steps.push_back(maker.step(i, visit[i], pairs[i]));
    for (size_t i = 0; i < steps.size(); ++i)
        if (Node saves = maker.known().saves(i); saves.size() > 0)
            steps[i].set("save", std::move(saves));
    made.steps = steps.size();
    made.left_out = visit.size() - steps.size();
    made.to_be_given = maker.known().to_be_given();
    made.scenario = Node::object({{"version", 1}, {"scenario", wishes.sentence}});
    if (!wishes.world.empty()) made.scenario.set("world", wishes.world);
    if (maker.known().vars().size() > 0) made.scenario.set("vars", maker.known().vars());
    if (Node secrets = maker.known().secrets(); secrets.size() > 0)
        made.scenario.set("secrets", std::move(secrets));
    made.scenario.set("steps", Node::array(std::move(steps)));
    return made;
}

}  // namespace traffic

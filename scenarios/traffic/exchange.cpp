// See exchange.h.
#include "scenarios/traffic/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/encoding.h"
#include "base/result.h"
#include "base/text.h"

namespace traffic {

using base::Node;

namespace {

std::string find(const std::vector<std::pair<std::string, std::string>>& headers,
                 std::string_view name) {
    for (const auto& [each, value] : headers)
        if (each == name) return value;
    return {};
}

std::vector<std::pair<std::string, std::string>> headers_of(const Node& list) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const Node& header : list.items())
        // HTTP/2's own (":authority") are no headers.
        if (!header["name"].as_string().starts_with(':'))
            out.emplace_back(base::lower(header["name"].as_string()), header["value"].as_string());
    return out;
}

std::string text_of(const Node& node, std::string_view encoding) {
    return node[encoding].as_string() == "base64"
               ? base::from_base64(node["text"].as_string()).value_or("")
               : node["text"].as_string();
}

// As a POSIX shell splits a line: quotes and backslashes, nothing expanded.
std::vector<std::string> shell_words(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool started = false;
    char quote = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
            if (text[++i] != '\n') {
                // Inside double quotes a backslash stands for itself before other characters.
                if (quote == '"' &&
                    std::string_view("\"\\$`").find(text[i]) == std::string_view::npos)
                    word += '\\';
                word += text[i];
                started = true;
            }
        } else if (quote != 0) {
            if (c == quote)
                quote = 0;
            else
                word += c;
        } else if (c == '\'' || c == '"') {
            quote = c;
            started = true;
        } else if (std::isspace(static_cast<unsigned char>(c))) {
            if (started) words.push_back(std::exchange(word, {}));
            started = false;
        } else {
            word += c;
            started = true;
        }
    }
    if (started) words.push_back(word);
    return words;
}

// "GET /a HTTP/1.1" 200: the common part of the usual formats. Nothing for other lines.
std::optional<Exchange> of_log_line(std::string_view line, const std::string& target) {
    const size_t open = line.find('"');
    const size_t close = open == std::string_view::npos ? open : line.find('"', open + 1);
    if (close == std::string_view::npos) return std::nullopt;
    const auto words = base::split(line.substr(open + 1, close - open - 1), ' ');
    if (words.size() != 3 || !words[2].starts_with("HTTP/")) return std::nullopt;
    Exchange out;
    out.method = words[0];
    // An ALB writes the whole URL.
    out.url =
        words[1].starts_with('/') ? target + ":" + std::string(words[1]) : std::string(words[1]);
    const auto rest = base::split(base::trim(line.substr(close + 1)), ' ');
    if (const auto status = base::parse_unsigned(rest.front()))
        out.status = static_cast<int>(*status);
    return out;
}

}  // namespace

std::string Exchange::header(std::string_view name) const {
    return find(headers, name);
}
std::string Exchange::answer_header(std::string_view name) const {
    return find(answer_headers, name);
}

Exchange of_har(const Node& entry) {
    Exchange out;
    const Node &request = entry["request"], &response = entry["response"];
    out.method = base::upper(request["method"].as_string());
    out.url = request["url"].as_string();
    out.url = out.url.substr(0, out.url.find('#'));
    out.headers = headers_of(request["headers"]);
    out.body = text_of(request["postData"], "_encoding");
    // A form is told by its fields alone by some.
    if (out.body.empty())
        for (const Node& field : request["postData"]["params"].items())
            out.body += fmt::format("{}{}={}", out.body.empty() ? "" : "&",
                                    base::percent_encode(field["name"].as_string()),
                                    base::percent_encode(field["value"].as_string()));
    const std::string& type = request["postData"]["mimeType"].as_string();
    if (!type.empty() && out.header("content-type").empty())
        out.headers.emplace_back("content-type", type);
    out.status = static_cast<int>(response["status"].as_int());
    out.answer_headers = headers_of(response["headers"]);
    if (const std::string& mime = response["content"]["mimeType"].as_string();
        !mime.empty() && out.answer_header("content-type").empty())
        out.answer_headers.emplace_back("content-type", mime);
    out.answer = text_of(response["content"], "encoding");
    if (!base::is_valid_utf8(out.answer)) out.answer.clear();
    for (const Node& part : entry["_cut"].items())
        if (part.as_string() == "request")
            out.is_request_cut = true;
        else
            out.answer.clear();
    out.number = static_cast<uint64_t>(entry["_number"].as_int());
    return out;
}

Node to_har(std::vector<Node> entries) {
    return Node::object(
        {{"log", Node::object({{"version", "1.2"},
                               {"creator", Node::object({{"name", "dodam"}, {"version", "1"}})},
                               {"entries", Node::array(std::move(entries))}})}});
}

std::expected<Exchange, std::string> of_curl(std::string_view text) {
    const auto words = shell_words(text);
    Exchange out;
    std::string method;
    for (size_t i = 1; i < words.size(); ++i) {
        const std::string& word = words[i];
        auto value = [&] { return i + 1 < words.size() ? words[++i] : std::string(); };
        if (word == "-X" || word == "--request") {
            method = value();
        } else if (word == "-H" || word == "--header") {
            const std::string header = value();
            const auto [name, rest] = base::cut(header, ':');
            out.headers.emplace_back(base::lower(name), base::trim(rest));
        } else if (word == "-d" || word.starts_with("--data")) {
            out.body += (out.body.empty() ? "" : "&") + value();
        } else if (word == "-u" || word == "--user") {
            out.headers.emplace_back("authorization", "Basic " + base::to_base64(value()));
        } else if (word == "--url") {
            out.url = value();
        } else if (word == "--connect-to" || word == "--resolve" || word == "--cacert" ||
                   word == "-o" || word == "--interface" || word == "-m") {
            (void)value();
        } else if (word == "-b" || word == "--cookie") {
            out.headers.emplace_back("cookie", value());
        } else if (word == "-I" || word == "--head") {
            method = "HEAD";
        } else if (!word.starts_with('-')) {
            out.url = word;
        }
    }
    if (out.url.empty()) return std::unexpected("the curl line names no URL");
    if (out.header("content-type").empty() && !out.body.empty())
        out.headers.emplace_back("content-type", base::parse_json(out.body)
                                                     ? "application/json"
                                                     : "application/x-www-form-urlencoded");
    out.method = !method.empty() ? base::upper(method) : out.body.empty() ? "GET" : "POST";
    return out;
}

std::expected<std::vector<Exchange>, std::string> read_traffic(const std::string& source,
                                                               const std::string& text,
                                                               const std::string& target) {
    std::vector<Exchange> out;
    if (auto har = base::parse_json(text); har && har->find("log")) {
        for (const Node& entry : (*har)["log"]["entries"].items())
            out.push_back(of_har(entry));
    } else if (base::trim(text).starts_with("curl ")) {
        // A line each; a backslash goes on with the next.
        const std::string joined = base::replace_all(text, "\\\n", " ");
        for (std::string_view line : base::split(joined, '\n'))
            if (base::trim(line).starts_with("curl "))
                out.push_back(TRY(of_curl(base::trim(line))));
    } else {
        for (std::string_view line : base::split(text, '\n'))
            if (auto exchange = of_log_line(line, target)) out.push_back(std::move(*exchange));
    }
    if (out.empty())
        return std::unexpected(fmt::format(
            "{} holds no traffic: a HAR file, curl lines, or an access log with \"GET /path "
            "HTTP/1.1\" in its lines",
            source));
    return out;
}

}  // namespace traffic

// See recorder.h.
#include "recorder/recorder.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/date.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/text.h"

namespace recorder {

using base::Node;

namespace {

size_t size_of(const Passed& passed) {
    return sizeof(Passed) + passed.request.target.size() +
           2 * (passed.request.headers.wire_bytes() + passed.response.headers.wire_bytes()) +
           passed.request_body.bytes.size() + passed.response_body.bytes.size();
}

Node headers_of(const http::HeaderList& headers) {
    Node out = Node::array();
    for (const http::Header& header : headers)
        if (base::is_valid_utf8(header.value) && base::is_valid_utf8(header.name))
            out.push_back(Node::object({{"name", header.name}, {"value", header.value}}));
    return out;
}

// What a terminal would act on, and what is no text, percent-encoded.
std::string printable(std::string_view text) {
    std::string out;
    for (char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        out += byte > 0x20 && byte < 0x7f ? std::string(1, c) : fmt::format("%{:02X}", byte);
    }
    return out;
}

void set_text(Node& node, const std::string& bytes, const char* encoding) {
    const bool is_text = base::is_valid_utf8(bytes);
    node.set("text", is_text ? bytes : base::to_base64(bytes));
    if (!is_text) node.set(encoding, "base64");
}

}  // namespace

void Body::add(std::string_view more) {
    const size_t room = kMaxBodyBytes - bytes.size();
    is_cut = is_cut || more.size() > room;
    bytes += more.substr(0, room);
}

void Recorder::add(Passed passed) {
    const auto shared = std::make_shared<const Passed>(std::move(passed));
    const size_t bytes = size_of(*shared);
    std::lock_guard lock(mutex_);
    drop_ended_locked();
    for (Recording& recording : recordings_) {
        if (recording.held_bytes + bytes > kMaxHeldBytes) {
            ++recording.missed;
            continue;
        }
        recording.held_bytes += bytes;
        recording.held.push_back(shared);
    }
}

std::expected<Node, std::string> Recorder::ask(const Node& input) {
    std::deque<std::shared_ptr<const Passed>> news;
    Node answer = Node::object();
    {
        std::lock_guard lock(mutex_);
        drop_ended_locked();
        const std::string& id = input["id"].as_string();
        if (id.empty()) {
            if (recordings_.size() >= kMaxRecordings)
                return std::unexpected(
                    fmt::format("{} recordings are under way already; each ends with its recorder",
                                kMaxRecordings));
            recordings_.push_back({base::random_hex(8), clock_.real_now() + kLease, {}, 0, 0});
            active_ = true;
            answer.set("id", recordings_.back().id);
            answer.set("leaseMs",
                       static_cast<int64_t>(
                           std::chrono::duration_cast<base::milliseconds>(kLease).count()));
            return answer;
        }
        const auto found = std::ranges::find(recordings_, id, &Recording::id);
        if (found == recordings_.end())
            return std::unexpected(fmt::format(
                "there is no such recording (any more): it ends when nobody looks at it for {} s",
                kLease.count()));
        found->ends = clock_.real_now() + kLease;
        news.swap(found->held);
        found->held_bytes = 0;
        answer.set("missed", found->missed);
        if (input["end"].as_bool()) {
            recordings_.erase(found);
            active_ = !recordings_.empty();
        }
    }
    Node entries = Node::array();
    for (const auto& passed : news)
        entries.push_back(to_har(*passed));
    answer.set("entries", std::move(entries));
    return answer;
}

void Recorder::step() {
    if (!is_active()) return;
    std::lock_guard lock(mutex_);
    drop_ended_locked();
}

size_t Recorder::recordings() const {
    std::lock_guard lock(mutex_);
    return recordings_.size();
}

void Recorder::drop_ended_locked() {
    const base::Time now = clock_.real_now();
    std::erase_if(recordings_, [&](const Recording& each) { return now >= each.ends; });
    active_ = !recordings_.empty();
}

Node to_har(const Passed& passed) {
    const http::RequestHead& request = passed.request;
    Node sent = Node::object(
        {{"method", printable(request.method)},
         {"url", fmt::format("{}://{}{}", passed.tls ? "https" : "http",
                             printable(request.headers.get("host")), printable(request.target))},
         {"httpVersion", fmt::format("HTTP/{}.{}", request.major, request.minor)},
         {"cookies", Node::array()},
         {"headers", headers_of(request.headers)},
         {"queryString", Node::array()},
         {"headersSize", -1},
         {"bodySize", passed.request_body.bytes.size()}});
    if (!passed.request_body.bytes.empty()) {
        Node data = Node::object({{"mimeType", request.headers.get("content-type")}});
        set_text(data, passed.request_body.bytes, "_encoding");
        sent.set("postData", std::move(data));
    }
    Node content = Node::object({{"size", passed.response_body.bytes.size()},
                                 {"mimeType", passed.response.headers.get("content-type")}});
    set_text(content, passed.response_body.bytes, "encoding");
    const double took_ms = static_cast<double>(passed.took.count()) / 1000;
    Node entry = Node::object(
        {{"startedDateTime", base::iso_date_millis(passed.started)},
         {"time", took_ms},
         {"request", std::move(sent)},
         {"response", Node::object({{"status", passed.response.status},
                                    {"statusText", ""},
                                    {"httpVersion", "HTTP/1.1"},
                                    {"cookies", Node::array()},
                                    {"headers", headers_of(passed.response.headers)},
                                    {"content", std::move(content)},
                                    {"redirectURL", passed.response.headers.get("location")},
                                    {"headersSize", -1},
                                    {"bodySize", -1}})},
         {"cache", Node::object()},
         {"timings", Node::object({{"send", 0}, {"wait", took_ms}, {"receive", 0}})},
         {"_number", passed.number}});
    if (passed.request_body.is_cut || passed.response_body.is_cut) {
        Node cut = Node::array();
        if (passed.request_body.is_cut) cut.push_back("request");
        if (passed.response_body.is_cut) cut.push_back("response");
        entry.set("_cut", std::move(cut));
    }
    return entry;
}

}  // namespace recorder

#include "support/scripted_origin.h"

#include <algorithm>
#include <cstdlib>

namespace test {

namespace {

net::Deadline soon() {
    return net::Deadline::after(std::chrono::seconds(5));
}

bool fill(net::Socket& socket, std::string& buffered) {
    char bytes[16 * 1024];
    const auto got = socket.read_some(bytes, soon());
    if (!got || *got == 0) return false;
    buffered.append(bytes, *got);
    return true;
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

}  // namespace

std::string SeenRequest::header(std::string_view name) const {
    const std::string wanted = "\r\n" + lower(std::string(name)) + ": ";
    const size_t at = lower(head).find(wanted);
    if (at == head.npos) return "";
    const size_t begin = at + wanted.size();
    return head.substr(begin, head.find("\r\n", begin) - begin);
}

std::string reply_of(int status, std::string_view body, std::string_view headers) {
    return "HTTP/1.1 " + std::to_string(status) + " Told\r\n" + std::string(headers) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

ScriptedOrigin::ScriptedOrigin() {
    listener_ = *net::Listener::open(net::Address::loopback(0), "origin",
                                     [this](net::Socket& socket) { serve(socket); });
    listener_->start();
}

ScriptedOrigin::~ScriptedOrigin() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    stopped_.notify_all();
    listener_->stop();
}

void ScriptedOrigin::will(Script script) {
    std::lock_guard lock(mutex_);
    scripts_.push_back(std::move(script));
}

std::vector<SeenRequest> ScriptedOrigin::seen() const {
    std::lock_guard lock(mutex_);
    return seen_;
}

size_t ScriptedOrigin::connections() const {
    std::lock_guard lock(mutex_);
    return connections_;
}

bool ScriptedOrigin::read_body(net::Socket& socket, std::string& buffered, SeenRequest& request) {
    if (lower(request.header("transfer-encoding")) == "chunked") {
        while (true) {
            size_t line_end;
            while ((line_end = buffered.find("\r\n")) == buffered.npos) {
                if (!fill(socket, buffered)) return false;
            }
            const size_t size = std::strtoul(buffered.c_str(), nullptr, 16);
            while (buffered.size() < line_end + 2 + size + 2) {
                if (!fill(socket, buffered)) return false;
            }
            request.body += buffered.substr(line_end + 2, size);
            buffered.erase(0, line_end + 2 + size + 2);
            if (size == 0) return true;
        }
    }
    const size_t size = std::strtoul(request.header("content-length").c_str(), nullptr, 10);
    while (buffered.size() < size) {
        if (!fill(socket, buffered)) return false;
    }
    request.body = buffered.substr(0, size);
    buffered.erase(0, size);
    return true;
}

void ScriptedOrigin::serve(net::Socket& socket) {
    size_t number;
    {
        std::lock_guard lock(mutex_);
        number = ++connections_;
    }
    std::string buffered;
    while (true) {
        while (buffered.find("\r\n\r\n") == buffered.npos) {
            if (!fill(socket, buffered)) return;
        }
        const size_t size = buffered.find("\r\n\r\n") + 4;
        SeenRequest request{buffered.substr(0, size), "", number};
        buffered.erase(0, size);
        Script script{reply_of(200, "default")};
        {
            std::lock_guard lock(mutex_);
            if (!scripts_.empty()) {
                script = std::move(scripts_.front());
                scripts_.pop_front();
            }
        }
        const bool complete = !script.reads_body || read_body(socket, buffered, request);
        {
            std::lock_guard lock(mutex_);
            seen_.push_back(std::move(request));
        }
        if (!complete) return;
        if (!script.reply.empty() && !socket.write_all(script.reply, soon())) return;
        for (const auto& piece : script.further) {
            if (!socket.write_all(piece, soon())) return;
        }
        switch (script.then) {
            case Script::Then::KeepAlive: break;
            case Script::Then::Close: return;
            case Script::Then::Reset: socket.reset(); return;
            case Script::Then::Silence: {
                std::unique_lock lock(mutex_);
                stopped_.wait(lock, [this] { return stopping_; });
                return;
            }
        }
    }
}

}  // namespace test

// A task's resolver and listeners.
#include "taps/task_services.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace taps {
namespace {

constexpr size_t kMaxDatagram = 1500;
constexpr size_t kMaxToldNames = 200;

}  // namespace

std::expected<std::unique_ptr<TaskServices>, std::string> TaskServices::open(
    containers::TaskNetwork& network, const std::string& task, const std::vector<Reachable>& parts,
    std::function<void(const std::string&, std::string_view)> unknown_name) {
    std::unique_ptr<TaskServices> services(new TaskServices);
    services->task_ = task;
    services->unknown_name_ = std::move(unknown_name);

    auto resolver = network.udp(*net::Address::tcp(kResolverAddress, 53));
    if (!resolver)
        return std::unexpected("the task's resolver could not be made: " + resolver.error().text);
    services->resolver_ = *resolver;
    services->wake_ = ::eventfd(0, EFD_CLOEXEC);

    for (const Reachable& part : parts) {
        for (const auto& name : part.names)
            services->names_.set(name, part.address);
        for (uint16_t port : part.ports) {
            auto listening = network.listen(*net::Address::tcp(part.address, port));
            if (!listening)
                return std::unexpected(fmt::format("{}:{} could not be made for the task: {}",
                                                   part.address, port, listening.error().text));
            auto listener = net::Listener::adopt(
                *listening, "tap", [serve = part.serve, port, task](net::Socket& socket) {
                    serve(socket, port, task);
                });
            listener->start();
            services->listeners_.push_back(std::move(listener));
        }
    }
    services->resolver_thread_ =
        base::Thread("resolver", [self = services.get()] { self->resolve(); });
    return services;
}

TaskServices::~TaskServices() {
    const uint64_t one = 1;
    if (wake_ >= 0) (void)!::write(wake_, &one, sizeof one);
    resolver_thread_.join();
    for (auto& listener : listeners_)
        listener->stop();
    if (resolver_ >= 0) ::close(resolver_);
    if (wake_ >= 0) ::close(wake_);
}

void TaskServices::resolve() {
    std::array<char, kMaxDatagram> buffer;
    while (true) {
        std::array<pollfd, 2> polls{{{resolver_, POLLIN, 0}, {wake_, POLLIN, 0}}};
        if (::poll(polls.data(), polls.size(), -1) < 0 && errno != EINTR) return;
        if (polls[1].revents) return;
        if (!polls[0].revents) continue;
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        const ssize_t count = ::recvfrom(resolver_, buffer.data(), buffer.size(), 0,
                                         reinterpret_cast<sockaddr*>(&from), &size);
        if (count < 0) {
            if (errno == EINTR || errno == EAGAIN) continue;
            return;
        }
        const std::string answer = answer_dns(
            {buffer.data(), static_cast<size_t>(count)}, names_, [this](std::string_view name) {
                if (told_.size() < kMaxToldNames && told_.insert(std::string(name)).second)
                    unknown_name_(task_, name);
            });
        if (!answer.empty())
            (void)!::sendto(resolver_, answer.data(), answer.size(), 0,
                            reinterpret_cast<sockaddr*>(&from), size);
    }
}

}  // namespace taps

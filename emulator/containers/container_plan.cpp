#include "containers/container_plan.h"

#include <signal.h>

#include <algorithm>

#include "base/text.h"

namespace containers {
namespace {

// Docker's default set, which Fargate keeps (ecs-ecr.md §4: add only SYS_PTRACE, drop any).
constexpr const char* kDefaultCapabilities[] = {
    "CHOWN",   "DAC_OVERRIDE",     "FOWNER",  "FSETID",     "KILL",  "SETGID",      "SETUID",
    "SETPCAP", "NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP"};

struct SignalName {
    std::string_view name;
    int number;
};
constexpr SignalName kSignals[] = {
    {"HUP", SIGHUP},   {"INT", SIGINT},     {"QUIT", SIGQUIT}, {"KILL", SIGKILL}, {"USR1", SIGUSR1},
    {"USR2", SIGUSR2}, {"ALRM", SIGALRM},   {"TERM", SIGTERM}, {"CONT", SIGCONT}, {"STOP", SIGSTOP},
    {"TSTP", SIGTSTP}, {"WINCH", SIGWINCH}, {"ABRT", SIGABRT}};

void set_variable(std::vector<std::string>& environment, const std::string& name,
                  const std::string& value) {
    std::string entry = name + "=" + value;
    for (std::string& existing : environment)
        if (base::cut(existing, '=').first == name) {
            existing = std::move(entry);
            return;
        }
    environment.push_back(std::move(entry));
}

std::string without_prefix(const std::string& capability) {
    std::string name = base::upper(capability);
    return name.starts_with("CAP_") ? name.substr(4) : name;
}

}  // namespace

int signal_number(std::string_view text) {
    if (auto number = base::parse_unsigned(text))
        return *number > 0 && *number < 65 ? static_cast<int>(*number) : 0;
    std::string name = base::upper(text);
    if (name.starts_with("SIG")) name.erase(0, 3);
    for (const SignalName& signal : kSignals)
        if (signal.name == name) return signal.number;
    return 0;
}

bool is_container_name(std::string_view name) {
    return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
}

std::string default_hostname(const std::string& address) {
    return "ip-" + base::replace_all(address, ".", "-") + ".ec2.internal";
}

uint64_t memory_limit_bytes(const TaskOptions& task, const ContainerOptions& container) {
    return container.memory_bytes ? container.memory_bytes
           : task.memory_bytes    ? task.memory_bytes
                                  : machine_memory_bytes();
}

std::string hosts_file(const TaskOptions& task) {
    std::string name = task.hostname.empty() ? default_hostname(task.address) : task.hostname;
    return "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n" + task.address + " " +
           name + "\n" + task.hosts;
}

std::string resolv_conf(const TaskOptions& task) {
    return task.resolv_conf.empty() ? "nameserver 169.254.169.253\noptions timeout:2 attempts:1\n"
                                    : task.resolv_conf;
}

Result<ContainerPlan> plan_container(const ContainerOptions& options) {
    auto refuse = [&](const std::string& text) {
        return std::unexpected(Error{Error::Kind::CannotCreate, text});
    };
    if (!is_container_name(options.name))
        return refuse("\"" + options.name + "\" cannot be a container's name");
    const oci::ImageConfig& image = options.image.config;
    ContainerPlan plan;
    plan.arguments = options.entrypoint ? *options.entrypoint : image.entrypoint;
    // Setting the entry point alone clears the image's command (ecs-ecr.md §4, the Docker rule).
    const std::vector<std::string> none;
    const auto& command = options.command      ? *options.command
                          : options.entrypoint ? none
                                               : image.command;
    plan.arguments.insert(plan.arguments.end(), command.begin(), command.end());
    if (plan.arguments.empty())
        return refuse("no command specified: neither the container nor its image has one");
    if (plan.arguments[0].empty()) return refuse("the command's first word is empty");

    plan.environment = image.env;
    for (const auto& [name, value] : options.environment)
        set_variable(plan.environment, name, value);
    plan.working_directory = !options.working_directory.empty() ? options.working_directory
                             : !image.working_directory.empty() ? image.working_directory
                                                                : "/";
    if (plan.working_directory[0] != '/') plan.working_directory = "/" + plan.working_directory;
    plan.user = options.user.empty() ? image.user : options.user;
    std::string stop = !options.stop_signal.empty() ? options.stop_signal : image.stop_signal;
    plan.stop_signal = stop.empty() ? SIGTERM : signal_number(stop);
    if (!plan.stop_signal) return refuse("\"" + stop + "\" is not a stop signal");

    auto drops = [&](const std::string& name) {
        return std::ranges::any_of(options.drop_capabilities, [&](const std::string& drop) {
            return base::upper(drop) == "ALL" || without_prefix(drop) == name;
        });
    };
    for (const char* name : kDefaultCapabilities)
        if (!drops(name)) plan.capabilities.emplace_back(name);
    for (const std::string& name : options.add_capabilities)
        plan.capabilities.push_back(without_prefix(name));
    for (const std::vector<std::string>* words : {&plan.arguments, &plan.environment})
        for (const std::string& word : *words)
            if (word.find('\0') != word.npos)
                return refuse("a NUL character cannot be part of a command or of the environment");
    return plan;
}

}  // namespace containers

// dodam docker -- WORDS…: the words of docker that a deploy uses. The others are refused by name.
#include "commands/docker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <httplib.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "base/encoding.h"
#include "base/json.h"
#include "base/result.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "commands/engine_bases.h"
#include "commands/images.h"
#include "containers/built_images.h"
#include "oci/registry_client.h"
#include "state/instance.h"

namespace commands {
namespace {

namespace fs = std::filesystem;
using base::Node;
using Words = std::vector<std::string>;

constexpr size_t kMaxRequestBytes = 256 * 1024;
constexpr auto kBuildLimit = std::chrono::hours(2);
constexpr auto kEnginePatience = std::chrono::seconds(2);

int refuse(const std::string& sentence, int code = 1) {
    fmt::print(stderr, "{}\n", sentence);
    return code;
}

// ---- logins, kept where docker keeps them

std::string configuration_file() {
    const char* given = std::getenv("DOCKER_CONFIG");
    const char* home = std::getenv("HOME");
    return (given && *given ? std::string(given) : std::string(home ? home : "/tmp") + "/.docker") +
           "/config.json";
}

Node read_configuration() {
    auto parsed = base::parse_json(state::read_file(configuration_file()).value_or("{}"));
    return parsed && parsed->is_object() ? *parsed : Node::object();
}

bool write_configuration(const Node& configuration) {
    std::error_code ignored;
    fs::create_directories(fs::path(configuration_file()).parent_path(), ignored);
    return state::write_file(configuration_file(), base::to_json(configuration, 2), 0600)
        .has_value();
}

std::string without_scheme(std::string_view registry) {
    if (const size_t at = registry.find("://"); at != registry.npos) registry.remove_prefix(at + 3);
    while (registry.ends_with('/'))
        registry.remove_suffix(1);
    return std::string(registry);
}

// Where the registry really answers: every spelling of our own is the instance's AWS port.
std::expected<std::string, std::string> address_of(const std::string& registry) {
    oci::Reference reference;
    reference.registry = registry;
    if (!reference.is_ecr()) return registry;
    Arguments none;
    auto info = state::StateDirectory::running(state_directory(none));
    if (!info)
        return std::unexpected("no emulator is running, so there is no registry " + registry);
    return info->aws_endpoint.substr(std::string_view("http://").size());
}

int login(const Words& words) {
    std::string user, password, registry;
    bool from_input = false;
    for (size_t i = 0; i < words.size(); ++i) {
        auto value = [&](std::string_view flag) -> std::string {
            if (words[i].starts_with(std::string(flag) + "="))
                return words[i].substr(flag.size() + 1);
            return i + 1 < words.size() ? words[++i] : "";
        };
        if (words[i] == "-u" || words[i].starts_with("--username"))
            user = value("--username");
        else if (words[i] == "--password-stdin")
            from_input = true;
        else if (words[i] == "-p" || words[i].starts_with("--password"))
            password = value("--password");
        else if (words[i].starts_with('-'))
            return refuse("unknown flag: " + words[i], 125);
        else
            registry = without_scheme(words[i]);
    }
    if (from_input) {
        std::getline(std::cin, password, '\0');
        password = base::trim(password);
    }
    if (user.empty() || password.empty())
        return refuse("Error: Cannot perform an interactive login from a non TTY device");
    if (registry.empty())
        return refuse(
            "Error: Docker Hub is not reachable from here; name the registry to log in to");
    auto address = address_of(registry);
    if (!address) return refuse("Error response from daemon: " + address.error());
    httplib::Client client("http://" + *address);
    client.set_basic_auth(user, password);
    auto answer = client.Get("/v2/");
    if (!answer)
        return refuse(fmt::format("Error response from daemon: Get \"https://{}/v2/\": {}",
                                  registry, httplib::to_string(answer.error())));
    if (answer->status >= 300)
        return refuse(fmt::format(
            "Error response from daemon: login attempt to https://{}/v2/ failed with status: {}",
            registry, answer->status));
    Node configuration = read_configuration();
    if (!configuration.find("auths")) configuration.set("auths", Node::object());
    configuration.find("auths")->set(
        registry, Node::object({{"auth", base::to_base64(user + ":" + password)}}));
    if (!write_configuration(configuration))
        return refuse("Error saving credentials: " + configuration_file());
    fmt::print("Login Succeeded\n");
    return 0;
}

int logout(const Words& words) {
    const std::string registry =
        words.empty() ? "https://index.docker.io/v1/" : without_scheme(words.back());
    Node configuration = read_configuration();
    Node* auths = configuration.find("auths");
    if (!auths || !auths->erase(registry)) {
        fmt::print("Not logged in to {}\n", registry);
        return 0;
    }
    (void)write_configuration(configuration);
    fmt::print("Removing login credentials for {}\n", registry);
    return 0;
}

// The login for a registry; another spelling of our own registry is the same place, but not the
// same login.
std::optional<oci::Credentials> credentials_for(const std::string& registry) {
    const Node configuration = read_configuration();
    const Node& entry = configuration["auths"][registry];
    const auto decoded = base::from_base64(entry["auth"].as_string());
    if (!decoded || decoded->empty()) return {};
    const auto [user, password] = base::cut(*decoded, ':');
    return oci::Credentials{std::string(user), std::string(password)};
}

// ---- images

int push(const Words& words) {
    std::string name;
    for (const std::string& word : words) {
        if (word == "-q" || word == "--quiet") continue;
        if (word.starts_with('-')) return refuse("unknown flag: " + word, 125);
        name = word;
    }
    auto reference = oci::Reference::parse(name);
    if (!reference) return refuse(reference.error());
    if (reference->registry.empty())
        return refuse(fmt::format(
            "{} would go to Docker Hub, which is not reachable from here; tag it with the "
            "registry's name before it",
            name));
    oci::ImageLayout images(image_cache_directory() + "/built");
    auto manifest = images.manifest(*reference);
    if (!manifest)
        return refuse(fmt::format("An image does not exist locally with the tag: {}",
                                  name.substr(0, name.rfind(':'))));
    auto address = address_of(reference->registry);
    if (!address) return refuse(address.error());
    const auto credentials = credentials_for(reference->registry);
    if (!credentials) return refuse("no basic auth credentials");
    const std::string scratch = image_cache_directory() + "/scratch";
    std::error_code ignored;
    fs::create_directories(scratch, ignored);
    fmt::print("The push refers to repository [{}/{}]\n", reference->registry,
               reference->repository);
    oci::RegistryClient registry(*address, *credentials, scratch);
    auto pushed = registry.push(*reference, images, *manifest);
    if (!pushed) return refuse(pushed.error().text);
    fmt::print("{}: digest: {} size: {}\n", reference->tag, pushed->to_string(),
               manifest->bytes.size());
    return 0;
}

int tag(const Words& words) {
    if (words.size() != 2) return refuse("\"docker tag\" requires exactly 2 arguments.");
    oci::ImageLayout images(image_cache_directory() + "/built");
    auto from = oci::Reference::parse(words[0]);
    if (!from) return refuse(from.error());
    if (auto to = oci::Reference::parse(words[1]); !to) return refuse(to.error());
    auto manifest = images.manifest(*from);
    if (!manifest) return refuse("Error response from daemon: No such image: " + words[0]);
    auto named = images.set_name(words[1], {.media_type = manifest->media_type,
                                            .digest = manifest->digest,
                                            .size_bytes = manifest->bytes.size()});
    return named ? 0 : refuse(named.error());
}

int list(const Words& words) {
    const bool quiet = !words.empty() && (words[0] == "-q" || words[0] == "--quiet");
    oci::ImageLayout images(image_cache_directory() + "/built");
    auto names = images.names();
    if (!names) return refuse(names.error());
    if (!quiet) fmt::print("{:<60} {:<20} IMAGE ID\n", "REPOSITORY", "TAG");
    for (const auto& [name, manifest] : *names) {
        auto reference = oci::Reference::parse(name);
        const std::string id = manifest.digest.hex().substr(0, 12);
        if (quiet)
            fmt::print("{}\n", id);
        else if (reference)
            fmt::print("{:<60} {:<20} {}\n",
                       (reference->registry.empty() ? "" : reference->registry + "/") +
                           reference->repository,
                       reference->tag, id);
    }
    return 0;
}

// What is built, or a base image of this machine.
std::expected<oci::ManifestBytes, std::string> find_image(const std::string& name) {
    auto reference = oci::Reference::parse(name);
    if (!reference) return std::unexpected(reference.error());
    oci::ImageLayout images(image_cache_directory() + "/built");
    if (auto manifest = images.manifest(*reference)) return *manifest;
    oci::OfflineImages bases;
    if (auto manifest = bases.manifest(*reference)) return *manifest;
    return std::unexpected("Error: No such object: " + name);
}

int inspect(const Words& words) {
    std::string format, name;
    for (size_t i = 0; i < words.size(); ++i) {
        if ((words[i] == "-f" || words[i] == "--format") && i + 1 < words.size())
            format = words[++i];
        else if (words[i].starts_with("--format="))
            format = words[i].substr(9);
        else if (!words[i].starts_with('-'))
            name = words[i];
    }
    auto manifest = find_image(name);
    if (!manifest) return refuse(manifest.error());
    const std::string digest = manifest->digest.to_string();
    auto reference = oci::Reference::parse(name);
    const std::string repository =
        (reference->registry.empty() ? "" : reference->registry + "/") + reference->repository;
    const std::string plain = base::replace_all(format, " ", "");
    if (plain == "{{.Id}}" || plain == "{{.ID}}") {
        fmt::print("{}\n", digest);
    } else if (plain == "{{index.RepoDigests0}}") {
        fmt::print("{}@{}\n", repository, digest);
    } else if (!format.empty()) {
        return refuse(
            fmt::format("--format {} needs a Docker engine; {{{{.Id}}}} and {{{{index .RepoDigests "
                        "0}}}} do not",
                        format));
    } else {
        Node image = Node::object({{"Id", digest}});
        image.set("RepoTags", Node::array({Node(name)}));
        image.set("RepoDigests", Node::array({Node(repository + "@" + digest)}));
        fmt::print("{}\n", base::to_json(Node::array({image}), 4));
    }
    return 0;
}

int pull(const Words& words) {
    const std::string name = words.empty() ? "" : words.back();
    auto reference = oci::Reference::parse(name);
    if (!reference) return refuse(reference.error());
    if (auto here = find_image(name)) {
        fmt::print("{}: Pulling from {}\nDigest: {}\nStatus: Image is up to date for {}\n",
                   reference->tag, reference->repository, here->digest.to_string(), name);
        return 0;
    }
    return refuse(
        fmt::format("Error response from daemon: {} is not among the base images of this machine "
                    "(script/offline-images makes them)",
                    name));
}

// What `docker build` is asked for.
struct BuildWords {
    scenarios::BuildOptions options;
    scenarios::BaseImageOptions bases;
    Words names, others;  // -t; flags that are no flags of the builder here
    bool pushes = false;
    unsigned contexts = 0;
};

// Flags of `docker build` and `docker buildx build` without a value (Docker's CLI reference). Every
// other has one.
constexpr std::string_view kSwitches[] = {
    "--check",    "--compress", "--debug", "-D",         "--disable-content-trust",
    "--force-rm", "--help",     "--load",  "--no-cache", "--pull",
    "--push",     "--quiet",    "-q",      "--rm",       "--squash"};
// Flags on which no deploy depends.
constexpr std::string_view kIgnored[] = {
    "--cache-from", "--cache-to", "--force-rm",   "--label", "--load", "--no-cache", "--progress",
    "--pull",       "-q",         "--provenance", "--quiet", "--rm",   "--sbom"};

BuildWords read_build(const Words& words) {
    BuildWords out;
    for (size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (!word.starts_with('-') || word == "-") {
            if (++out.contexts == 1) out.options.context = word;
            continue;
        }
        const auto [flag, given] = base::cut(word, '=');
        std::string value;
        if (word.starts_with("--") && word.find('=') != std::string::npos)
            value = given;
        else if (std::ranges::find(kSwitches, flag) == std::end(kSwitches) && i + 1 < words.size())
            value = words[++i];
        const auto [name, text] = base::cut(value, '=');
        if (flag == "-t" || flag == "--tag") {
            out.names.push_back(value);
        } else if (flag == "-f" || flag == "--file") {
            out.options.dockerfile = value;
        } else if (flag == "--target") {
            out.options.target = out.bases.target = value;
        } else if (flag == "--build-arg") {
            const char* inherited = std::getenv(std::string(name).c_str());
            out.options.arguments[std::string(name)] = value.find('=') != std::string::npos
                                                           ? std::string(text)
                                                       : inherited ? inherited
                                                                   : "";
        } else if (flag == "--platform") {
            out.bases.platform = value;
        } else if (flag == "--push") {
            out.pushes = true;
        } else if (std::ranges::find(kIgnored, flag) == std::end(kIgnored)) {
            out.others.push_back(word);
            if (flag == "--build-context") out.bases.contexts.emplace(name);
        }
    }
    // BuildKit takes `dockerfile`, too.
    const std::string capital = out.options.context + "/Dockerfile",
                      small = out.options.context + "/dockerfile";
    if (out.options.dockerfile.empty())
        out.options.dockerfile = fs::exists(capital) || !fs::exists(small) ? capital : small;
    out.bases.arguments = out.options.arguments;
    return out;
}

int build(const Words& words) {
    const auto [options, bases, names, others, pushes, contexts] = read_build(words);
    if (!bases.platform.empty() && !bases.platform.ends_with(oci::native_architecture()))
        return refuse(fmt::format("--platform {}: this machine builds linux/{} only",
                                  bases.platform, oci::native_architecture()));
    if (!others.empty())
        return refuse(
            fmt::format("unknown flag: {} (the builder without an engine does not have it)",
                        others.front()),
            125);
    if (contexts != 1) return refuse("\"docker build\" requires exactly 1 argument.");
    if (options.context == "-" || options.context.find("://") != std::string::npos)
        return refuse(fmt::format(
            "the build context {} needs a Docker engine; a directory does not", options.context));
    if (!fs::is_directory(options.context))
        return refuse(
            fmt::format("unable to prepare context: path \"{}\" not found", options.context));
    for (const std::string& name : names)
        if (auto reference = oci::Reference::parse(name); !reference)
            return refuse(fmt::format("invalid argument \"{}\" for \"-t, --tag\" flag: {}", name,
                                      reference.error()),
                          125);
    if (int code = build_image(options, names); code != kOk) return 1;
    for (const std::string& name : names)
        if (int code = pushes ? push({name}) : 0) return code;
    return 0;
}

int nothing(const Words&) {
    return 0;
}

int version(const Words&) {
    fmt::print("Docker version 0.0.0, build dodam (an image builder without an engine)\n");
    return 0;
}

struct Row {
    std::string_view word;
    int (*run)(const Words&);
};
constexpr Row kRows[] = {
    {"build", build},   {"images", list},     {"inspect", inspect},   {"login", login},
    {"logout", logout}, {"pull", pull},       {"push", push},         {"rmi", nothing},
    {"tag", tag},       {"version", version}, {"--version", version}, {"-v", version},
};

// docker image build, docker buildx build …
Words without_group(Words words) {
    if (words.size() > 1 && (words[0] == "image" || words[0] == "buildx" || words[0] == "builder"))
        words.erase(words.begin());
    return words;
}

int here(const Words& given) {
    Words words = without_group(given);
    if (!words.empty() && words[0] == "ls") words[0] = "images";
    const std::string word = words.empty() ? "" : words[0];
    for (const Row& row : kRows)
        if (row.word == word) return row.run({words.begin() + 1, words.end()});
    return refuse(
        fmt::format("docker {}: there is no Docker engine here, and the builder in its place knows "
                    "build, tag, "
                    "push, pull, login, logout, images, inspect; start an engine for the others",
                    word),
        125);
}

// ---- in front of an engine

// Becomes `client`, docker's own, once it is sure that a build does not wait for a base image. What
// it builds is marked as the stack's.
int with_engine(const std::string& client, const std::string& label, Words words) {
    const Words known = without_group(words);
    const std::string socket = containers::DockerEngine().socket_path();
    if (!known.empty() && known[0] == "build") {
        if (auto facts = containers::DockerEngine::ask(socket, kEnginePatience)) {
            containers::DockerEngine engine(socket, facts->api_version);
            const BuildWords asked = read_build({known.begin() + 1, known.end()});
            if (auto missing = unreached_base_image(engine, asked.options.dockerfile, asked.bases))
                return refuse("dodam: " + missing->to_string());
        }
        words.insert(words.end() - static_cast<ptrdiff_t>(known.size()) + 1, "--label=" + label);
    }
    std::vector<char*> arguments{const_cast<char*>(client.c_str())};
    for (const std::string& word : words)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execv(client.c_str(), arguments.data());
    return refuse(fmt::format("docker: {}: {}", client, strerror(errno)), 127);
}

// ---- the way out of a closed step

sockaddr_un address_at(const std::string& path) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    strncpy(at.sun_path, path.c_str(), sizeof at.sun_path - 1);
    return at;
}

int ask_desk(const std::string& path, const Words& words) {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un at = address_at(path);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at) < 0)
        return refuse(fmt::format("docker: {}: {}", path, strerror(errno)));
    Node request = Node::object();
    Node list = Node::array();
    for (const std::string& word : words)
        list.push_back(word);
    request.set("words", std::move(list));
    request.set("directory", fs::current_path().string());
    Node environment = Node::object();
    for (char** entry = environ; *entry; ++entry) {
        const auto [name, value] = base::cut(*entry, '=');
        environment.set(std::string(name), std::string(value));
    }
    request.set("environment", std::move(environment));
    const std::string bytes = base::to_json(request) + "\n";
    int streams[3] = {0, 1, 2};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof streams)]{};
    iovec vector{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof streams);
    memcpy(CMSG_DATA(rights), streams, sizeof streams);
    ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    for (size_t at_byte = sent < 0 ? bytes.size() : static_cast<size_t>(sent);
         at_byte < bytes.size();) {
        const ssize_t more =
            ::send(socket, bytes.data() + at_byte, bytes.size() - at_byte, MSG_NOSIGNAL);
        if (more <= 0) break;
        at_byte += static_cast<size_t>(more);
    }
    char code[16] = {};
    const ssize_t got = sent < 0 ? -1 : ::read(socket, code, sizeof code - 1);
    ::close(socket);
    if (got <= 0) return refuse("docker: the desk outside the step is gone");
    return static_cast<int>(base::parse_signed(code).value_or(1));
}

int docker(const Arguments& arguments) {
    if (const char* desk = std::getenv(kDockerDeskVariable); desk && *desk)
        return ask_desk(desk, arguments.rest);
    if (arguments.has("engine-client"))
        return with_engine(arguments.get("engine-client"), arguments.get("label"), arguments.rest);
    return here(arguments.rest);
}

std::string host_name() {
    char name[256] = {};
    ::gethostname(name, sizeof name - 1);
    return name;
}

// Its state directory is ours to see, and nobody answers for it.
bool was_killed(const containers::BuiltFor& stack) {
    std::error_code hidden;
    const bool there = fs::exists(stack.state, hidden);
    return stack.host == host_name() && !hidden &&
           (!there || ::access(stack.state.c_str(), R_OK | X_OK) == 0) &&
           !state::StateDirectory::running(stack.state);
}

bool write_shim(const std::string& directory, const std::string& flags) {
    std::error_code ignored;
    fs::create_directories(directory, ignored);
    return state::write_file(directory + "/docker",
                             fmt::format("#!/bin/sh\nexec '{}' docker{} -- \"$@\"\n",
                                         fs::read_symlink("/proc/self/exe").string(), flags),
                             0755)
        .has_value();
}

constexpr Flag kFlags[] = {
    kStateFlag,
    {"--engine-client", "PROGRAM",
     "docker's own client does it, for an engine; a build first looks for its base images"},
    {"--label", "TEXT", "what marks an image that is built in the engine"}};

}  // namespace

bool write_docker_shim(const std::string& directory) {
    return write_shim(directory, "");
}

bool write_docker_shim(const std::string& directory, const std::string& engine_client,
                       const Client& stack) {
    containers::DockerEngine engine;
    containers::remove_built_images(engine, was_killed);
    return write_shim(
        directory,
        fmt::format(" --engine-client '{}' --label '{}'", engine_client,
                    containers::label_of({stack.info().id, host_name(),
                                          fs::absolute(stack.directory()).lexically_normal()})));
}

DockerDesk::DockerDesk(base::Spawner& spawner, std::string path,
                       std::map<std::string, std::string> environment)
    : spawner_(spawner), path_(std::move(path)), environment_(std::move(environment)) {
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un at = address_at(path_);
    ::unlink(path_.c_str());
    if (path_.size() >= sizeof at.sun_path ||
        ::bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof at) < 0 ||
        ::listen(listener_, 8) < 0) {
        ::close(listener_);
        listener_ = -1;
        return;
    }
    ::chmod(path_.c_str(), 0600);
    thread_ = base::Thread("docker-desk", [this] { serve(); });
}

DockerDesk::~DockerDesk() {
    stopping_ = true;
    if (listener_ >= 0) ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    answers_.clear();
    if (listener_ >= 0) ::close(listener_);
    ::unlink(path_.c_str());
}

void DockerDesk::serve() {
    while (!stopping_) {
        pollfd wait{listener_, POLLIN, 0};
        if (::poll(&wait, 1, 200) <= 0) continue;
        const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) continue;
        answers_.emplace_back("docker", [this, connection] {
            answer(connection);
            ::close(connection);
        });
    }
}

void DockerDesk::answer(int connection) {
    std::string bytes;
    std::vector<int> streams;
    while (bytes.size() < kMaxRequestBytes && !bytes.ends_with('\n')) {
        char part[16 * 1024];
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 3)];
        iovec vector{part, sizeof part};
        msghdr message{};
        message.msg_iov = &vector;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const ssize_t got = ::recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
        if (got <= 0) break;
        bytes.append(part, static_cast<size_t>(got));
        for (cmsghdr* each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each)) {
            if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
            const size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (size_t i = 0; i < count; ++i) {
                int stream = -1;
                memcpy(&stream, CMSG_DATA(each) + i * sizeof(int), sizeof stream);
                streams.push_back(stream);
            }
        }
    }
    int code = 1;
    auto request = base::parse_json(bytes);
    if (request && streams.size() == 3) {
        base::ProcessOptions options;
        options.command = {fs::read_symlink("/proc/self/exe").string(), "docker", "--"};
        for (const Node& word : (*request)["words"].items())
            options.command.push_back(word.as_string());
        options.directory = (*request)["directory"].as_string();
        // The step's own settings decide what --build-arg NAME takes and where logins are; ours
        // where images are.
        std::map<std::string, std::string> environment;
        for (const auto& [name, value] : (*request)["environment"].members())
            environment[name] = value.as_string();
        if (!environment.contains("DOCKER_CONFIG"))
            environment["DOCKER_CONFIG"] = environment["HOME"] + "/.docker";
        for (const auto& [name, value] : environment_)
            environment[name] = value;
        environment.erase(kDockerDeskVariable);
        options.environment = std::move(environment);
        options.standard_input = streams[0];
        options.standard_output = streams[1];
        options.standard_error = streams[2];
        if (auto process = spawner_.spawn(std::move(options))) {
            const auto limit = std::chrono::steady_clock::now() + kBuildLimit;
            std::optional<int> ended;
            while (!(ended = (*process)->wait(std::chrono::milliseconds(200)))) {
                // The step gave up, or we are going.
                pollfd gone{connection, POLLRDHUP, 0};
                const bool left = ::poll(&gone, 1, 0) > 0 && (gone.revents & (POLLRDHUP | POLLHUP));
                if (stopping_ || left || std::chrono::steady_clock::now() > limit)
                    (*process)->signal(SIGKILL);
            }
            code = *ended;
        }
    }
    for (int stream : streams)
        ::close(stream);
    const std::string reply = std::to_string(code);
    (void)!::send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
}

const Command kDocker{"docker",
                      "Docker's words for building and pushing, without an engine or before one",
                      "",
                      kFlags,
                      "  dodam docker -- build -t 127.0.0.1:4566/backend:1 backend\n"
                      "  dodam docker -- push 127.0.0.1:4566/backend:1\n",
                      docker};

}  // namespace commands

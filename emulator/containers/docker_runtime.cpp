#include "containers/docker_runtime.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/text.h"
#include "base/thread.h"
#include "containers/built_images.h"
#include "containers/container_plan.h"
#include "containers/docker_engine.h"
#include "containers/holder_client.h"
#include "containers/line_splitter.h"
#include "containers/own_container.h"
#include "oci/layer.h"
#include "oci/layout.h"

namespace containers {
namespace {

namespace fs = std::filesystem;
using base::Node;
using std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr const char* kInstanceLabel = "dodam.instance";
constexpr milliseconds kTick{100};
constexpr milliseconds kEnginePatience{5'000};
constexpr milliseconds kProbe{2'000};
constexpr milliseconds kPauseStart{20'000};
constexpr size_t kMaxExecOutputBytes = 1 << 20;
constexpr size_t kMaxUnremoved = 1000;
constexpr const char* kOutOfMemory = "OutOfMemoryError: Container killed due to memory usage";

std::unexpected<Error> fail(Error::Kind kind, const std::string& text) {
    return std::unexpected(Error{kind, text});
}

Node strings(const std::vector<std::string>& texts) {
    Node out = Node::array();
    for (const std::string& text : texts)
        out.push_back(text);
    return out;
}

// ---- images for the engine
// -------------------------------------------------------------------------------------

struct WriterFree {
    void operator()(archive* a) const { archive_write_free(a); }
};
using Writer = std::unique_ptr<archive, WriterFree>;

Writer open_tar(int file) {
    Writer tar(archive_write_new());
    archive_write_set_format_pax_restricted(tar.get());
    archive_write_open_fd(tar.get(), file);
    return tar;
}

bool add_header(archive* tar, const std::string& name, uint64_t size, mode_t mode = 0644) {
    std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                        archive_entry_free);
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), mode);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    return archive_write_header(tar, entry.get()) >= ARCHIVE_WARN;
}

bool add_text(archive* tar, const std::string& name, const std::string& text) {
    return add_header(tar, name, text.size()) &&
           archive_write_data(tar, text.data(), text.size()) ==
               static_cast<la_ssize_t>(text.size());
}

bool add_file(archive* tar, const std::string& name, int file, mode_t mode = 0644) {
    struct stat facts{};
    if (::fstat(file, &facts) < 0 ||
        !add_header(tar, name, static_cast<uint64_t>(facts.st_size), mode))
        return false;
    std::vector<char> chunk(256 * 1024);
    for (off_t at = 0; at < facts.st_size;) {
        ssize_t got = ::pread(file, chunk.data(), chunk.size(), at);
        if (got <= 0 || archive_write_data(tar, chunk.data(), static_cast<size_t>(got)) != got)
            return false;
        at += got;
    }
    return true;
}

Error of_source(const oci::SourceError& error) {
    using From = oci::SourceError::Kind;
    auto kind = error.kind == From::NotFound      ? Error::Kind::ImageNotFound
                : error.kind == From::Denied      ? Error::Kind::ImageDenied
                : error.kind == From::Unreachable ? Error::Kind::ImageUnreachable
                                                  : Error::Kind::ImageMalformed;
    return {kind, error.text};
}

// ---- tasks
// -----------------------------------------------------------------------------------------------------

struct Container {
    ContainerOptions options;
    ContainerPlan plan;
    ContainerState state;
    std::string id;  // the engine's
    SteadyTime started{};
    std::optional<SteadyTime> kill_at;
    bool starting = false;
    base::Thread follower;  // reads the outputs, then reports the exit
};

struct Task {
    TaskOptions options;
    std::string directory, mounted;  // the same directory: here, and as the engine names it
    std::string pause;               // the engine's id of the pause container
    std::shared_ptr<HolderClient> holder;
    base::Thread hearing;  // takes the holder's replies
    std::atomic<bool> over{false};
    std::map<std::string, std::unique_ptr<Container>> containers;
};

class DockerRuntime final : public Runtime {
  public:
    DockerRuntime(DockerRuntimeOptions options, const DockerEngine::Facts& facts)
        : options_(std::move(options)),
          engine_(options_.socket_path, facts.api_version),
          version_(facts.version) {}

    std::expected<void, std::string> open() {
        std::error_code failed;
        fs::create_directories(options_.run_directory, failed);
        if (failed)
            return std::unexpected(options_.run_directory + " cannot be made: " + failed.message());
        ::chmod(options_.run_directory.c_str(), 0700);
        TRY(find_ourselves());
        if (!options_.mark.empty()) std::ofstream(options_.mark) << engine_.socket_path() << "\n";
        TRY(remove_leftovers());
        return make_pause_image();
    }
    // In a container of the engine's own: its view of our directory, and a name that differs from
    // that of an emulator with the same state directory in another project.
    std::expected<void, std::string> find_ourselves() {
        engine_directory_ = options_.run_directory;
        auto own = TRY(find_own_container(engine_));
        if (!own) return {};
        engine_directory_ = own->seen_by_engine(options_.run_directory);
        if (engine_directory_.empty())
            return std::unexpected("dodam runs in a container, and " + options_.run_directory +
                                   " is in no volume of it, so the Docker engine cannot mount it "
                                   "into tasks; docker-compose.yml shows how");
        if (!own->project.empty())
            options_.instance += "-" + oci::Digest::of(own->project).hex().substr(0, 8);
        shares_processes_ = false;
        return {};
    }
    // Tasks and loaded images of this instance, whoever made them.
    std::expected<void, std::string> remove_leftovers();

    ~DockerRuntime() override {
        std::vector<std::string> names;
        {
            std::lock_guard lock(mutex_);
            for (const auto& [name, task] : tasks_)
                names.push_back(name);
        }
        for (const std::string& name : names)
            remove_task(name);
        remove_unremoved();
        const bool clean = remove_images().has_value();
        std::error_code ignored;
        if (clean && !options_.mark.empty()) fs::remove(options_.mark, ignored);
        stopping_ = true;
        arrived_.notify_all();
    }

    Facilities facilities() const override {
        return {"docker " + version_, "the engine's cgroups", "the engine's"};
    }

    Result<Image> pull(const oci::Reference& reference, oci::ImageSource& source) override;
    Result<std::shared_ptr<TaskNetwork>> create_task(const TaskOptions& options) override;
    Result<void> create(const std::string& task_id, ContainerOptions options) override;
    Result<void> start(const std::string& task_id, const std::string& name) override;
    Result<void> stop(const std::string& task_id, const std::string& name,
                      milliseconds grace) override;
    Result<void> kill(const std::string& task_id, const std::string& name, int signal) override;
    Result<ContainerState> inspect(const std::string& task_id, const std::string& name) override;
    Result<ContainerStats> stats(const std::string& task_id, const std::string& name) override;
    Result<ExecResult> exec(const std::string& task_id, const std::string& name,
                            const ExecOptions& options) override;
    Result<std::unique_ptr<Session>> open_session(const std::string& task_id,
                                                  const std::string& name,
                                                  const SessionOptions& options) override;
    void remove_task(const std::string& task_id) override;
    std::vector<Event> take_events(milliseconds at_most) override;

  private:
    std::expected<void, std::string> remove_images();
    // Images that we loaded carry the instance's name, by which a later start finds and removes
    // them.
    std::string image_repository() const { return "dodam-" + options_.instance; }
    std::expected<void, std::string> make_pause_image();
    Result<void> load(const std::string& tag, const oci::Reference& reference,
                      oci::ImageSource& source, const oci::Manifest& manifest,
                      const std::string& config);
    Result<std::shared_ptr<HolderClient>> meet_pause(const std::string& socket_path,
                                                     const std::string& address);
    Node describe(const Task& task, const ContainerOptions& options, const ContainerPlan& plan);
    void remove_container(const std::string& id);
    void remove_unremoved();
    void follow(std::string task_id, std::string name, Container* container,
                std::shared_ptr<DockerEngine::Stream> stream);
    void finish(const std::string& task_id, const std::string& name, Container& container);

    Result<Container*> find(const std::string& task_id, const std::string& name) {
        auto task = tasks_.find(task_id);
        if (task == tasks_.end())
            return fail(Error::Kind::NoSuchTask, "there is no task " + task_id);
        auto found = task->second->containers.find(name);
        if (found == task->second->containers.end())
            return fail(Error::Kind::NoSuchContainer,
                        "there is no container " + name + " in task " + task_id);
        return found->second.get();
    }
    std::string engine_name(const Image& image) {
        std::lock_guard lock(mutex_);
        auto found = engine_names_.find(image.image_id);
        return found == engine_names_.end() ? image.image_id : found->second;
    }
    Node labels(const std::string& task_id) const {
        return Node::object({{kInstanceLabel, options_.instance}, {"dodam.task", task_id}});
    }
    void push(Event event) {
        events_.push_back(std::move(event));
        arrived_.notify_all();
    }
    Result<DockerEngine::Answer> ask(std::string_view method, const std::string& path,
                                     const Node& body = {}) {
        auto answer = engine_.call(method, path, body);
        if (!answer) return fail(Error::Kind::RuntimeUnavailable, answer.error());
        return std::move(*answer);
    }

    DockerRuntimeOptions options_;
    DockerEngine engine_;
    std::string version_, pause_image_;
    std::string engine_directory_;  // run_directory, as the engine names it
    bool shares_processes_ = true;  // the engine's process numbers are ours
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::map<std::string, std::string> engine_names_;  // of images, by image id
    std::map<std::string, std::shared_ptr<Task>> tasks_;
    std::deque<Event> events_;
    std::vector<std::string> unremoved_;  // containers of an engine that did not answer
};

std::expected<void, std::string> DockerRuntime::remove_leftovers() {
    Node filter =
        Node::object({{"label", strings({std::string(kInstanceLabel) + "=" + options_.instance})}});
    auto list = TRY(engine_.call(
        "GET", "/containers/json?all=true&filters=" + base::percent_encode(base::to_json(filter))));
    Node found = list.json();
    for (const Node& one : found.items())
        if (one["Labels"]["dodam.part"].as_string() !=
            "backing")  // the database and cache are another's to start and end
            (void)engine_.call("DELETE",
                               "/containers/" + one["Id"].as_string() + "?force=true&v=true");
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(options_.run_directory, ignored))
        oci::remove_tree(entry.path());
    return remove_images();
}

std::expected<void, std::string> DockerRuntime::remove_images() {
    Node filter = Node::object({{"reference", strings({image_repository() + ":*"})}});
    auto list = TRY(
        engine_.call("GET", "/images/json?filters=" + base::percent_encode(base::to_json(filter))));
    Node found = list.json();
    for (const Node& one : found.items())
        for (const Node& tag : one["RepoTags"].items())
            if (tag.as_string().starts_with(image_repository() + ":"))
                (void)engine_.call("DELETE", "/images/" + tag.as_string());
    remove_built_images(engine_,
                        [&](const BuiltFor& stack) { return stack.instance == options_.instance; });
    return {};
}

// Imported, not built: one file, no pull. Named by its content, so that an emulator of another
// version makes its own.
std::expected<void, std::string> DockerRuntime::make_pause_image() {
    int program = ::open(options_.holder.c_str(), O_RDONLY | O_CLOEXEC);
    if (program < 0)
        return std::unexpected(options_.holder + " cannot be read: " + strerror(errno));
    auto digest = oci::digest_of_file(program);
    pause_image_ = "dodam/pause:" + (digest ? digest->hex().substr(0, 16) : std::string("latest"));
    auto there = engine_.call("GET", "/images/" + pause_image_ + "/json");
    std::expected<void, std::string> result;
    if (!there || !there->ok()) {
        int file = oci::open_scratch(options_.run_directory);
        Writer tar = open_tar(file);
        bool written = add_file(tar.get(), "holder", program, 0755) &&
                       archive_write_close(tar.get()) == ARCHIVE_OK;
        struct stat facts{};
        ::fstat(file, &facts);
        auto [repository, tag] = base::cut(pause_image_, ':');
        auto answer =
            engine_.upload(fmt::format("/images/create?fromSrc=-&repo={}&tag={}", repository, tag),
                           file, static_cast<uint64_t>(facts.st_size));
        ::close(file);
        if (!written)
            result = std::unexpected("the pause image cannot be written");
        else if (!answer)
            result = std::unexpected(answer.error());
        else if (!answer->ok())
            result = std::unexpected("the pause image cannot be imported: " + answer->message());
    }
    ::close(program);
    return result;
}

// The engine gets the image from us, so registry, credentials and TLS are nothing it has to know.
// The configuration's digest is the engine's own id of the image.
Result<Image> DockerRuntime::pull(const oci::Reference& reference, oci::ImageSource& source) {
    auto bytes = source.manifest(reference);
    if (!bytes) return std::unexpected(of_source(bytes.error()));
    oci::ManifestBytes own = *bytes;
    if (oci::is_index_type(own.media_type)) {
        auto index = oci::parse_index(own.bytes);
        const oci::Descriptor* entry =
            index ? index->for_platform(oci::native_architecture()) : nullptr;
        if (!entry)
            return fail(
                Error::Kind::ImageMalformed,
                reference.written +
                    ": image Manifest does not contain descriptor matching platform 'linux/" +
                    std::string(oci::native_architecture()) + "'");
        oci::Reference by_digest = reference;
        by_digest.digest = entry->digest;
        auto found = source.manifest(by_digest);
        if (!found) return std::unexpected(of_source(found.error()));
        own = std::move(*found);
    }
    auto manifest = oci::parse_manifest(own.bytes);
    if (!manifest || oci::Digest::of(own.bytes) != own.digest)
        return fail(Error::Kind::ImageMalformed,
                    reference.written + ": " +
                        (manifest ? "the manifest has another digest" : manifest.error()));
    auto file = source.open_blob(reference, manifest->config.digest);
    if (!file) return std::unexpected(of_source(file.error()));
    std::string config_bytes;
    char chunk[16 * 1024];
    for (ssize_t got;
         config_bytes.size() < (8 << 20) && (got = ::read(*file, chunk, sizeof chunk)) > 0;)
        config_bytes.append(chunk, static_cast<size_t>(got));
    ::close(*file);
    auto config = oci::parse_config(config_bytes);
    if (!config || oci::Digest::of(config_bytes) != manifest->config.digest)
        return fail(Error::Kind::ImageMalformed,
                    reference.written + ": the configuration has another digest");
    Image image{reference.written, bytes->digest.to_string(), own.digest.to_string(),
                manifest->config.digest.to_string(), std::move(*config)};
    for (const oci::Descriptor& layer : manifest->layers)
        image.size_bytes += layer.size_bytes;
    // What `docker push` brought here is in the engine already.
    auto there = TRY(ask("GET", "/images/" + image.image_id + "/json"));
    const std::string ours = image_repository() + ":" + manifest->config.digest.hex();
    if (!there.ok()) {
        auto loaded = TRY(ask("GET", "/images/" + ours + "/json"));
        if (!loaded.ok()) TRY(load(ours, reference, source, *manifest, config_bytes));
    }
    // An engine that names images by their manifest knows ours by the tag alone.
    std::lock_guard lock(mutex_);
    engine_names_[image.image_id] = there.ok() ? image.image_id : ours;
    return image;
}

Result<void> DockerRuntime::load(const std::string& tag, const oci::Reference& reference,
                                 oci::ImageSource& source, const oci::Manifest& manifest,
                                 const std::string& config) {
    int file = oci::open_scratch(options_.run_directory);
    if (file < 0)
        return fail(Error::Kind::ImageUnreachable,
                    options_.run_directory + " cannot take an image: " + strerror(errno));
    Writer tar = open_tar(file);
    std::string config_name = manifest.config.digest.hex() + ".json";
    bool written = add_text(tar.get(), config_name, config);
    Node layers = Node::array();
    std::optional<Error> problem;
    for (const oci::Descriptor& layer : manifest.layers) {
        std::string name = layer.digest.hex() + ".tar";
        layers.push_back(name);
        auto blob = source.open_blob(reference, layer.digest);
        if (!blob) {
            problem = of_source(blob.error());
            break;
        }
        written = written && add_file(tar.get(), name, *blob);
        ::close(*blob);
    }
    Node list = Node::array({Node::object(
        {{"Config", config_name}, {"RepoTags", strings({tag})}, {"Layers", std::move(layers)}})});
    written = written && add_text(tar.get(), "manifest.json", base::to_json(list)) &&
              archive_write_close(tar.get()) == ARCHIVE_OK;
    struct stat facts{};
    ::fstat(file, &facts);
    if (!problem && !written)
        problem = Error{Error::Kind::ImageUnreachable,
                        std::string("an image cannot be written: ") + strerror(errno)};
    if (!problem) {
        auto answer =
            engine_.upload("/images/load?quiet=true", file, static_cast<uint64_t>(facts.st_size));
        if (!answer) problem = Error{Error::Kind::RuntimeUnavailable, answer.error()};
        // The engine checks layers against the configuration; it reports inside a 200.
        else if (!answer->ok() || answer->body.find("\"error\"") != std::string::npos)
            problem = Error{Error::Kind::ImageMalformed,
                            reference.written +
                                ": the engine refuses the image: " + answer->body.substr(0, 300)};
    }
    ::close(file);
    if (problem) return std::unexpected(std::move(*problem));
    return {};
}

Result<std::shared_ptr<HolderClient>> DockerRuntime::meet_pause(const std::string& socket_path,
                                                                const std::string& address) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    if (socket_path.size() >= sizeof at.sun_path)
        return fail(Error::Kind::CannotCreate, socket_path + " is too long for a socket");
    ::memcpy(at.sun_path, socket_path.c_str(), socket_path.size() + 1);
    int control = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    auto until = std::chrono::steady_clock::now() + kPauseStart;
    while (::connect(control, reinterpret_cast<sockaddr*>(&at), sizeof at) < 0) {
        if (std::chrono::steady_clock::now() > until) {
            ::close(control);
            return fail(Error::Kind::RuntimeUnavailable,
                        "the task's pause container did not start within 20 seconds");
        }
        // Nothing can be waited for until the container has made its socket.
        ::poll(nullptr, 0, 5);
    }
    auto holder = HolderClient::adopt(control, address);
    if (!holder) return fail(Error::Kind::RuntimeUnavailable, holder.error());
    return std::move(*holder);
}

Result<std::shared_ptr<TaskNetwork>> DockerRuntime::create_task(const TaskOptions& options) {
    if (!is_container_name(options.id))
        return fail(Error::Kind::CannotCreate, "\"" + options.id + "\" cannot be a task's id");
    {
        std::lock_guard lock(mutex_);
        if (tasks_.contains(options.id))
            return fail(Error::Kind::AlreadyExists, "task " + options.id + " exists already");
    }
    auto task = std::make_shared<Task>();
    task->options = options;
    // Short whatever the id's length: the socket's path may have 107 bytes.
    const std::string name = "/" + base::random_hex(8);
    task->directory = options_.run_directory + name;
    task->mounted = engine_directory_ + name;
    std::string hostname =
        options.hostname.empty() ? default_hostname(options.address) : options.hostname;
    std::error_code failed;
    fs::create_directories(task->directory + "/s", failed);
    // The pause container's root has no capability to write where another user may; who gets here
    // at all is decided above.
    ::chmod((task->directory + "/s").c_str(), 0777);
    std::ofstream(task->directory + "/hosts") << hosts_file(options);
    std::ofstream(task->directory + "/resolv.conf") << resolv_conf(options);
    std::ofstream(task->directory + "/hostname") << hostname << "\n";
    for (const char* file : {"/hosts", "/resolv.conf", "/hostname"})
        ::chmod((task->directory + file).c_str(), 0644);

    Node pause = Node::object(
        {{"Image", pause_image_},
         {"Entrypoint", strings({"/holder", "pause", options.address, "/s/control"})},
         {"Hostname", hostname.substr(0, 63)},
         {"Labels", labels(options.id)},
         {"HostConfig",
          Node::object(
              {{"NetworkMode", "none"},
               {"Binds", strings({task->mounted + "/s:/s"})},
               {"CapDrop", strings({"ALL"})},
               // Addresses and routes; the second namespace (the gateway) and the way into it; port
               // 53 there.
               {"CapAdd", strings({"NET_ADMIN", "SYS_ADMIN", "NET_BIND_SERVICE"})},
               {"SecurityOpt", strings({"apparmor=unconfined"})},
               {"ReadonlyRootfs", true},
               {"PidsLimit", 8},
               {"Sysctls", Node::object({{"net.ipv4.ip_unprivileged_port_start", "0"}})}})}});
    remove_unremoved();
    auto abandon = [&] {
        if (!task->pause.empty()) remove_container(task->pause);
        oci::remove_tree(task->directory);
    };
    auto created = ask(
        "POST", "/containers/create?name=dodam-" + options_.instance + "-" + options.id + "-pause",
        pause);
    if (!created || !created->ok()) {
        abandon();
        return created ? fail(Error::Kind::CannotCreate, created->message())
                       : std::unexpected(created.error());
    }
    task->pause = created->json()["Id"].as_string();
    auto started = ask("POST", "/containers/" + task->pause + "/start");
    if (!started || !started->ok()) {
        abandon();
        return fail(Error::Kind::CannotCreate, started ? started->message() : started.error().text);
    }
    auto holder = meet_pause(task->directory + "/s/control", options.address);
    if (!holder) {
        abandon();
        return std::unexpected(holder.error());
    }
    task->holder = *holder;
    task->hearing = base::Thread("pause", [task = task.get()] {
        while (!task->over) {
            pollfd wait{task->holder->descriptor(), POLLIN, 0};
            if (::poll(&wait, 1, 1000) <= 0) continue;
            auto event = task->holder->receive();
            if (event && event->kind == HolderEvent::Kind::Gone) return;
        }
    });
    std::shared_ptr<TaskNetwork> network = task->holder;
    std::lock_guard lock(mutex_);
    tasks_[options.id] = std::move(task);
    return network;
}

Node DockerRuntime::describe(const Task& task, const ContainerOptions& options,
                             const ContainerPlan& plan) {
    std::vector<std::string> binds = {task.mounted + "/hosts:/etc/hosts",
                                      task.mounted + "/resolv.conf:/etc/resolv.conf",
                                      task.mounted + "/hostname:/etc/hostname"};
    size_t number = 0;
    for (const MountedFile& file : options.files) {
        const std::string name = "/" + options.name + ".file" + std::to_string(number++),
                          at = task.directory + name;
        std::ofstream(at, std::ios::binary) << *file.content;
        ::chmod(at.c_str(), file.mode);
        binds.push_back(task.mounted + name + ":" + file.path + ":ro");
    }
    for (const Volume& volume : options.volumes) {
        const std::string name = "/volume." + volume.name;
        ::mkdir((task.directory + name).c_str(), 0755);
        binds.push_back(task.mounted + name + ":" + volume.path + (volume.read_only ? ":ro" : ""));
    }
    Node labels_of = labels(task.options.id);
    for (const auto& [name, value] : options.labels)
        labels_of.set(name, value);
    uint64_t memory = options.memory_bytes ? options.memory_bytes : task.options.memory_bytes;
    // An engine that may not raise its own limit refuses to start the container; ours is the best
    // guess at it.
    rlimit own{};
    ::getrlimit(RLIMIT_NOFILE, &own);
    auto possible = [&](uint64_t wanted) {
        return Node(static_cast<int64_t>(std::min<uint64_t>(wanted, own.rlim_max)));
    };
    Node limits = Node::array({Node::object({{"Name", "nofile"},
                                             {"Soft", possible(options.open_files)},
                                             {"Hard", possible(options.most_open_files)}})});
    // Everything is ours: the plan has merged the image's part already, and its entry point must
    // not come back.
    return Node::object(
        {{"Image", engine_name(options.image)},
         {"Entrypoint", strings({plan.arguments.begin(), plan.arguments.begin() + 1})},
         {"Cmd", strings({plan.arguments.begin() + 1, plan.arguments.end()})},
         {"Env", strings(plan.environment)},
         {"WorkingDir", plan.working_directory},
         {"User", plan.user},
         {"Labels", std::move(labels_of)},
         {"Healthcheck", Node::object({{"Test", strings({"NONE"})}})},
         {"HostConfig", Node::object({{"NetworkMode", "container:" + task.pause},
                                      {"Binds", strings(binds)},
                                      {"Memory", Node(static_cast<int64_t>(memory))},
                                      {"MemorySwap", Node(static_cast<int64_t>(memory))},
                                      {"CpuShares", Node(static_cast<int64_t>(options.cpu_shares))},
                                      {"ReadonlyRootfs", options.read_only_root},
                                      {"Init", options.init_process},
                                      {"CapAdd", strings(options.add_capabilities)},
                                      {"CapDrop", strings(options.drop_capabilities)},
                                      {"Ulimits", std::move(limits)},
                                      {"LogConfig", Node::object({{"Type", "none"}})}})}});
}

Result<void> DockerRuntime::create(const std::string& task_id, ContainerOptions options) {
    ContainerPlan plan = TRY(plan_container(options));
    for (const Volume& volume : options.volumes)
        if (!is_container_name(volume.name))
            return fail(Error::Kind::CannotCreate,
                        "\"" + volume.name + "\" cannot be a volume's name");
    std::shared_ptr<Task> task;
    {
        std::lock_guard lock(mutex_);
        auto found = tasks_.find(task_id);
        if (found == tasks_.end())
            return fail(Error::Kind::NoSuchTask, "there is no task " + task_id);
        task = found->second;
        if (task->containers.contains(options.name))
            return fail(Error::Kind::AlreadyExists,
                        "container " + options.name + " exists already");
    }
    std::string name = "dodam-" + options_.instance + "-" + task_id + "-" + options.name;
    auto created =
        TRY(ask("POST", "/containers/create?name=" + name, describe(*task, options, plan)));
    if (!created.ok())
        return fail(created.status == 409 ? Error::Kind::AlreadyExists : Error::Kind::CannotCreate,
                    created.message());
    auto container = std::make_unique<Container>();
    container->id = created.json()["Id"].as_string();
    container->plan = std::move(plan);
    container->state.runtime_id = container->id;
    std::string key = options.name;
    container->options = std::move(options);
    std::lock_guard lock(mutex_);
    task->containers[key] = std::move(container);
    return {};
}

Result<void> DockerRuntime::start(const std::string& task_id, const std::string& name) {
    std::string id;
    Container* container = nullptr;
    {
        std::lock_guard lock(mutex_);
        container = TRY(find(task_id, name));
        if (container->state.status == ContainerStatus::Running || container->starting)
            return fail(Error::Kind::AlreadyExists, "container " + name + " runs already");
        container->starting = true;
        container->follower.join();  // of its former life: it said so last
        id = container->id;
    }
    // Attached before the start, so that the first line is not missed.
    auto stream = engine_.open_stream("/containers/" + id + "/attach?stream=1&stdout=1&stderr=1");
    Result<DockerEngine::Answer> started =
        fail(Error::Kind::RuntimeUnavailable, stream ? "" : stream.error());
    if (stream) started = ask("POST", "/containers/" + id + "/start");
    std::lock_guard lock(mutex_);
    auto again = find(task_id, name);
    if (!again) return std::unexpected(again.error());
    container->starting = false;
    if (!started || !started->ok()) {
        Error error =
            started ? Error{Error::Kind::CannotStart, started->message()} : started.error();
        container->state.reason = error.text;
        return std::unexpected(std::move(error));
    }
    container->state = {.status = ContainerStatus::Running,
                        .runtime_id = container->state.runtime_id};
    container->started = std::chrono::steady_clock::now();
    container->kill_at.reset();
    push({Event::Kind::Started, task_id, name, container->state});
    auto shared = std::make_shared<DockerEngine::Stream>(std::move(*stream));
    container->follower = base::Thread("container", [this, task_id, name, container, shared] {
        follow(task_id, name, container, shared);
    });
    return {};
}

// Until the outputs end; in between, the end of a grace period.
void DockerRuntime::follow(std::string task_id, std::string name, Container* container,
                           std::shared_ptr<DockerEngine::Stream> stream) {
    FrameReader frames;
    LineSplitter lines[2];
    LogSink* sink = container->options.log.get();
    auto deliver = [&] {
        for (FrameReader::Frame frame; frames.next(frame);)
            for (const std::string& line : lines[frame.error_stream].feed(frame.bytes))
                if (sink) sink->line(frame.error_stream ? Stream::Error : Stream::Output, line);
    };
    frames.feed(stream->first);
    deliver();
    char bytes[32 * 1024];
    for (;;) {
        auto ready = stream->socket.wait_readable(net::Deadline::after(kTick));
        bool kill_now = false;
        {
            std::lock_guard lock(mutex_);
            kill_now =
                container->kill_at && *container->kill_at <= std::chrono::steady_clock::now();
            if (kill_now) container->kill_at.reset();
        }
        if (kill_now)
            (void)engine_.call("POST", "/containers/" + container->id + "/kill?signal=SIGKILL");
        if (!ready && ready.error().kind == net::ErrorKind::Timeout) continue;
        auto got = stream->socket.read_some(bytes, net::Deadline::after(kTick));
        if (!got && got.error().kind == net::ErrorKind::Timeout) continue;
        if (!got || *got == 0) break;
        frames.feed({bytes, *got});
        deliver();
    }
    for (int i = 0; i < 2; ++i)
        for (const std::string& line : lines[i].finish())
            if (sink) sink->line(i ? Stream::Error : Stream::Output, line);
    finish(task_id, name, *container);
}

// The engine's word on how it ended. Outputs may end before the program does.
void DockerRuntime::finish(const std::string& task_id, const std::string& name,
                           Container& container) {
    Node state;
    for (;;) {
        auto answer = engine_.call("GET", "/containers/" + container.id + "/json");
        if (!answer || !answer->ok()) break;
        state = answer->json()["State"];
        if (!state["Running"].as_bool()) break;
        std::optional<SteadyTime> kill_at;
        {
            std::lock_guard lock(mutex_);
            kill_at = container.kill_at;
        }
        if (kill_at && *kill_at <= std::chrono::steady_clock::now())
            (void)engine_.call("POST", "/containers/" + container.id + "/kill?signal=SIGKILL");
        (void)engine_.call("POST", "/containers/" + container.id + "/wait", {}, milliseconds(500));
    }
    std::lock_guard lock(mutex_);
    container.state.status = ContainerStatus::Exited;
    container.state.exit_code = static_cast<int>(state["ExitCode"].as_int(137));
    container.state.out_of_memory = state["OOMKilled"].as_bool();
    if (container.state.out_of_memory) container.state.reason = kOutOfMemory;
    if (tasks_.contains(task_id)) push({Event::Kind::Exited, task_id, name, container.state});
}

Result<void> DockerRuntime::stop(const std::string& task_id, const std::string& name,
                                 milliseconds grace) {
    std::string id;
    int signal = SIGTERM;
    {
        std::lock_guard lock(mutex_);
        Container* container = TRY(find(task_id, name));
        if (container->state.status != ContainerStatus::Running) return {};
        auto at = std::chrono::steady_clock::now() + grace;
        if (!container->kill_at || at < *container->kill_at) container->kill_at = at;
        id = container->id;
        signal = container->plan.stop_signal;
    }
    TRY(ask("POST", "/containers/" + id + "/kill?signal=" + std::to_string(signal)));
    return {};
}

Result<void> DockerRuntime::kill(const std::string& task_id, const std::string& name, int signal) {
    std::string id;
    {
        std::lock_guard lock(mutex_);
        Container* container = TRY(find(task_id, name));
        if (container->state.status != ContainerStatus::Running) return {};
        id = container->id;
    }
    TRY(ask("POST", "/containers/" + id + "/kill?signal=" + std::to_string(signal)));
    return {};
}

Result<ContainerState> DockerRuntime::inspect(const std::string& task_id, const std::string& name) {
    std::lock_guard lock(mutex_);
    return TRY(find(task_id, name))->state;
}

std::vector<BlockDeviceCount> block_counts(const Node& list) {
    std::vector<BlockDeviceCount> out;
    for (const Node& one : list.items())
        out.push_back({static_cast<uint64_t>(one["major"].as_int()),
                       static_cast<uint64_t>(one["minor"].as_int()), one["op"].as_string(),
                       static_cast<uint64_t>(one["value"].as_int())});
    return out;
}

// Engine API, "Get container stats based on resource usage". The interfaces are not the engine's:
// it knows of none in a network that containers share.
void take_engine_stats(const Node& node, ContainerStats& stats) {
    using std::chrono::nanoseconds;
    const Node& cpu = node["cpu_stats"];
    const Node& usage = cpu["cpu_usage"];
    stats.cpu = nanoseconds(usage["total_usage"].as_int());
    stats.kernel_cpu = nanoseconds(usage["usage_in_kernelmode"].as_int());
    stats.user_cpu = nanoseconds(usage["usage_in_usermode"].as_int());
    for (const Node& each : usage["percpu_usage"].items())
        stats.cpu_of_each.emplace_back(each.as_int());
    stats.machine_cpu = nanoseconds(cpu["system_cpu_usage"].as_int());
    stats.online_cpus = static_cast<int>(cpu["online_cpus"].as_int());
    const Node& throttling = cpu["throttling_data"];
    stats.periods = static_cast<uint64_t>(throttling["periods"].as_int());
    stats.throttled_periods = static_cast<uint64_t>(throttling["throttled_periods"].as_int());
    stats.throttled = nanoseconds(throttling["throttled_time"].as_int());
    const Node& memory = node["memory_stats"];
    stats.memory_bytes = static_cast<uint64_t>(memory["usage"].as_int());
    stats.memory_limit_bytes = static_cast<uint64_t>(memory["limit"].as_int());
    if (const Node* peak = memory.find("max_usage"))
        stats.memory_peak_bytes = static_cast<uint64_t>(peak->as_int());
    for (const auto& [name, value] : memory["stats"].members())
        stats.memory_details.emplace_back(name, static_cast<uint64_t>(value.as_int()));
    stats.processes = static_cast<uint64_t>(node["pids_stats"]["current"].as_int());
    stats.block_bytes = block_counts(node["blkio_stats"]["io_service_bytes_recursive"]);
    stats.block_operations = block_counts(node["blkio_stats"]["io_serviced_recursive"]);
}

// GAP: as under the process runtime, devices' reads and writes are counted by the engine alone.
Result<ContainerStats> DockerRuntime::stats(const std::string& task_id, const std::string& name) {
    ContainerStats stats;
    std::string id;
    SteadyTime started;
    std::shared_ptr<HolderClient> holder;
    {
        std::lock_guard lock(mutex_);
        const Container* container = TRY(find(task_id, name));
        if (container->state.status != ContainerStatus::Running)
            return fail(Error::Kind::CannotStart, "container " + name + " does not run");
        id = container->id;
        started = container->started;
        const Task& task = *tasks_.find(task_id)->second;
        holder = task.holder;
        stats.memory_limit_bytes = memory_limit_bytes(task.options, container->options);
    }
    // The engine takes its samples once a second and lets everybody wait for the next (measured:
    // 0.99 s, two containers 2 s), so its cgroups are read where they are ours to see.
    auto inspected = TRY(ask("GET", "/containers/" + id + "/json"));
    const auto pid = static_cast<pid_t>(inspected.json()["State"]["Pid"].as_int());
    if (auto place = shares_processes_ && pid > 1 ? cgroup_of(pid, id) : std::nullopt) {
        read_proc(pid, stats);
        stats.running_for = std::chrono::steady_clock::now() - started;
        read_cgroup(*place, stats);
    } else {
        // Without one-shot it would wait for two.
        auto answer = TRY(ask("GET", "/containers/" + id + "/stats?stream=false&one-shot=true"));
        stats.running_for = std::chrono::steady_clock::now() - started;
        if (!answer.ok()) return fail(Error::Kind::RuntimeUnavailable, answer.message());
        take_engine_stats(answer.json(), stats);
    }
    stats.interfaces = parse_interfaces(holder->interfaces());
    return stats;
}

Result<ExecResult> DockerRuntime::exec(const std::string& task_id, const std::string& name,
                                       const ExecOptions& options) {
    if (options.command.empty() || options.command[0].empty())
        return fail(Error::Kind::CannotStart, "there is no command to execute");
    net::Deadline until = net::Deadline::after(options.timeout);
    std::string id, user;
    {
        std::lock_guard lock(mutex_);
        Container* container = TRY(find(task_id, name));
        if (container->state.status != ContainerStatus::Running)
            return fail(Error::Kind::CannotStart, "container " + name + " does not run");
        id = container->id;
        user = options.user.empty() ? container->plan.user : options.user;
    }
    auto created = TRY(ask("POST", "/containers/" + id + "/exec",
                           Node::object({{"AttachStdout", true},
                                         {"AttachStderr", true},
                                         {"User", user},
                                         {"Cmd", strings(options.command)}})));
    if (!created.ok()) return fail(Error::Kind::CannotStart, created.message());
    std::string exec_id = created.json()["Id"].as_string();
    auto stream = engine_.open_stream("/exec/" + exec_id + "/start",
                                      Node::object({{"Detach", false}, {"Tty", false}}));
    if (!stream) return fail(Error::Kind::CannotStart, stream.error());
    ExecResult result;
    FrameReader frames;
    frames.feed(stream->first);
    char bytes[16 * 1024];
    for (;;) {
        for (FrameReader::Frame frame; frames.next(frame);)
            result.output.append(
                frame.bytes, 0,
                kMaxExecOutputBytes - std::min(kMaxExecOutputBytes, result.output.size()));
        auto got = stream->socket.read_some(bytes, until);
        if (!got) {
            result.timed_out = true;
            break;
        }
        if (*got == 0) break;
        frames.feed({bytes, *got});
    }
    auto inspected = TRY(ask("GET", "/exec/" + exec_id + "/json"));
    Node facts = inspected.json();
    // The engine has no call to end an exec; its process number is the host's. Without the right to
    // signal it the program goes on until its container ends.
    if (result.timed_out && shares_processes_ && facts["Pid"].as_int() > 1)
        ::kill(static_cast<pid_t>(facts["Pid"].as_int()), SIGKILL);
    if (!result.timed_out) result.exit_code = static_cast<int>(facts["ExitCode"].as_int(-1));
    return result;
}

// The engine's stream of an exec: raw for a terminal, frames otherwise.
class DockerSession final : public Session {
  public:
    struct Facts {
        std::string id;  // the exec's
        bool terminal = false;
        bool shares_processes = false;
    };
    DockerSession(DockerEngine& engine, Facts facts, DockerEngine::Stream stream)
        : engine_(engine), facts_(std::move(facts)), socket_(std::move(stream.socket)) {
        take(stream.first);
    }
    ~DockerSession() override { end(); }

    std::optional<Chunk> read(milliseconds at_most) override {
        if (auto chunk = next()) return chunk;
        char bytes[16 * 1024];
        auto got = socket_.read_some(bytes, net::Deadline::after(at_most));
        if (!got && got.error().kind == net::ErrorKind::Timeout) return Chunk{};
        if (!got || *got == 0) return std::nullopt;
        take({bytes, *got});
        return next().value_or(Chunk{});
    }
    void write(std::string_view bytes) override {
        (void)socket_.write_all(bytes, net::Deadline::after(std::chrono::hours(24)));
    }
    void finish_input() override {
        if (facts_.terminal)
            write("\x04");
        else
            socket_.finish_writing();
    }
    void resize(Window window) override {
        if (facts_.terminal)
            (void)engine_.call("POST", fmt::format("/exec/{}/resize?h={}&w={}", facts_.id,
                                                   window.rows, window.columns));
    }
    // The engine has no call to end an exec: its process number is the host's, and a closed
    // terminal hangs up.
    void end() override {
        socket_.shut();
        if (!facts_.shares_processes) return;
        const Node facts = inspect();
        if (facts["Running"].as_bool() && facts["Pid"].as_int() > 1)
            ::kill(static_cast<pid_t>(facts["Pid"].as_int()), SIGKILL);
    }
    int exit_code() override {
        // The stream ends a little before the engine has heard of the exit.
        for (int turn = 0; turn < 50; ++turn) {
            const Node facts = inspect();
            if (!facts["Running"].as_bool()) return static_cast<int>(facts["ExitCode"].as_int(-1));
            ::poll(nullptr, 0, 20);
        }
        return -1;
    }

  private:
    Node inspect() {
        auto answer = engine_.call("GET", "/exec/" + facts_.id + "/json");
        return answer ? answer->json() : Node();
    }
    void take(std::string_view bytes) {
        if (facts_.terminal)
            raw_ += bytes;
        else
            frames_.feed(bytes);
    }
    std::optional<Chunk> next() {
        if (!raw_.empty()) return Chunk{Stream::Output, std::exchange(raw_, {})};
        FrameReader::Frame frame;
        if (facts_.terminal || !frames_.next(frame)) return std::nullopt;
        return Chunk{frame.error_stream ? Stream::Error : Stream::Output, std::move(frame.bytes)};
    }

    DockerEngine& engine_;
    Facts facts_;
    net::Socket socket_;
    FrameReader frames_;
    std::string raw_;
};

Result<std::unique_ptr<Session>> DockerRuntime::open_session(const std::string& task_id,
                                                             const std::string& name,
                                                             const SessionOptions& options) {
    if (options.command.empty() || options.command[0].empty())
        return fail(Error::Kind::CannotStart, "there is no command to execute");
    std::string id, user;
    {
        std::lock_guard lock(mutex_);
        Container* container = TRY(find(task_id, name));
        if (container->state.status != ContainerStatus::Running)
            return fail(Error::Kind::CannotStart, "container " + name + " does not run");
        id = container->id;
        user = options.user.empty() ? container->plan.user : options.user;
    }
    const bool terminal = options.streams == SessionStreams::Terminal;
    std::vector<std::string> environment;
    for (const auto& [variable, value] : options.environment)
        environment.push_back(variable + "=" + value);
    auto created = TRY(ask("POST", "/containers/" + id + "/exec",
                           Node::object({{"AttachStdin", true},
                                         {"AttachStdout", true},
                                         {"AttachStderr", true},
                                         {"Tty", terminal},
                                         {"User", user},
                                         {"Env", strings(environment)},
                                         {"Cmd", strings(options.command)}})));
    if (!created.ok()) return fail(Error::Kind::CannotStart, created.message());
    const std::string exec_id = created.json()["Id"].as_string();
    auto stream = engine_.open_stream("/exec/" + exec_id + "/start",
                                      Node::object({{"Detach", false}, {"Tty", terminal}}));
    if (!stream) return fail(Error::Kind::CannotStart, stream.error());
    auto session = std::make_unique<DockerSession>(
        engine_, DockerSession::Facts{exec_id, terminal, shares_processes_}, std::move(*stream));
    session->resize(options.window);
    return session;
}

void DockerRuntime::remove_task(const std::string& task_id) {
    std::shared_ptr<Task> task;
    {
        std::lock_guard lock(mutex_);
        auto found = tasks_.find(task_id);
        if (found == tasks_.end()) return;
        task = std::move(found->second);
        tasks_.erase(found);
    }
    for (auto& [name, container] : task->containers)
        remove_container(container->id);
    for (auto& [name, container] : task->containers)
        container->follower.join();
    task->over = true;
    task->holder->close();
    task->hearing.join();
    remove_container(task->pause);
    oci::remove_tree(task->directory);
}

// An engine that is gone still has the container once it is back: then it is removed.
void DockerRuntime::remove_container(const std::string& id) {
    if (engine_.call("DELETE", "/containers/" + id + "?force=true&v=true")) return;
    std::lock_guard lock(mutex_);
    if (unremoved_.size() < kMaxUnremoved) unremoved_.push_back(id);
}

void DockerRuntime::remove_unremoved() {
    std::vector<std::string> ids;
    {
        std::lock_guard lock(mutex_);
        ids.swap(unremoved_);
    }
    for (const std::string& id : ids)
        remove_container(id);
}

std::vector<Event> DockerRuntime::take_events(milliseconds at_most) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, at_most, [&] { return !events_.empty() || stopping_; });
    std::vector<Event> out(std::make_move_iterator(events_.begin()),
                           std::make_move_iterator(events_.end()));
    events_.clear();
    return out;
}

}  // namespace

std::string docker_engine_version(const std::string& socket_path) {
    auto facts = DockerEngine::ask(socket_path, kProbe);
    return facts ? facts->version : "";
}

void remove_docker_leftovers(const DockerRuntimeOptions& options) {
    if (options.mark.empty() || !fs::exists(options.mark)) return;
    auto facts = DockerEngine::ask(options.socket_path, kProbe);
    if (!facts) return;
    DockerRuntime runtime(options, *facts);
    if (runtime.find_ourselves() && runtime.remove_leftovers()) fs::remove(options.mark);
}

std::expected<std::unique_ptr<Runtime>, std::string> make_docker_runtime(
    const DockerRuntimeOptions& options) {
    DockerRuntimeOptions complete = options;
    if (complete.holder.empty()) complete.holder = find_holder();
    if (complete.holder.empty())
        return std::unexpected("dodam-holder is missing: it belongs beside dodam");
    auto facts = DockerEngine::ask(complete.socket_path, kEnginePatience);
    if (!facts) return std::unexpected(facts.error() + "; start one, or use --runtime process");
    auto runtime = std::make_unique<DockerRuntime>(complete, *facts);
    TRY(runtime->open());
    return runtime;
}

}  // namespace containers

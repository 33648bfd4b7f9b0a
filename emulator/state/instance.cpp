// The state directory: layout, format, lock, instance.json, secrets.
#include "state/instance.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/digest.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"

namespace state {
namespace {

namespace fs = std::filesystem;

constexpr size_t kGeneratedSecretCharacters = 24;

std::string error_text(int code) {
    return std::strerror(code);
}

std::expected<void, std::string> make_directory(const std::string& path, unsigned mode) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error)
        return std::unexpected(
            fmt::format("cannot make the directory {}: {}", path, error.message()));
    ::chmod(path.c_str(), mode);
    return {};
}

std::string sockets_root() {
    if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime && *runtime)
        return std::string(runtime) + "/dodam";
    if (::access("/run", W_OK) == 0) return "/run/dodam";
    return fmt::format("/tmp/dodam-{}", ::getuid());
}

std::optional<InstanceInfo> read_instance(const std::string& path) {
    auto text = read_file(path + "/instance.json");
    if (!text) return std::nullopt;
    auto node = base::parse_json(*text);
    if (!node) return std::nullopt;
    InstanceInfo info;
    info.pid = static_cast<int>((*node)["pid"].as_int());
    info.id = (*node)["id"].as_string();
    info.token = (*node)["token"].as_string();
    info.aws_endpoint = (*node)["aws_endpoint"].as_string();
    info.viewer_endpoint = (*node)["viewer_endpoint"].as_string();
    info.viewer_tls_endpoint = (*node)["viewer_tls_endpoint"].as_string();
    info.stack_file = (*node)["stack_file"].as_string();
    info.started_ms = (*node)["started_ms"].as_int();
    return info;
}

// True while some process holds the lock.
bool is_locked(const std::string& path) {
    int descriptor = ::open((path + "/lock").c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return false;
    bool locked = ::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ::close(descriptor);
    return locked;
}

std::expected<void, Problem> check_format(const std::string& path) {
    const std::string file = path + "/FORMAT";
    auto text = read_file(file);
    if (!text) {
        auto written = write_file(file, fmt::format("{}\n", kFormat));
        if (!written) return std::unexpected(Problem{written.error()});
        return {};
    }
    auto format = base::parse_unsigned(base::trim(*text));
    if (!format)
        return std::unexpected(Problem{fmt::format(
            "{} is not a dodam state directory: FORMAT reads \"{}\"; name another with --state",
            path, base::trim(*text))});
    if (*format > kFormat)
        return std::unexpected(Problem{fmt::format(
            "{} was written by a newer dodam (format {}, this one knows {}); use that one, or "
            "name another directory with --state",
            path, *format, kFormat)});
    return {};
}

bool is_secret_name(std::string_view name) {
    if (name.empty() || name.size() > 256) return false;
    for (char c : name)
        if (!std::isalnum(static_cast<unsigned char>(c)) && !std::strchr("_-/.", c)) return false;
    return true;
}

}  // namespace

std::expected<void, std::string> keep_out_of_git(const std::string& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error)
        return std::unexpected(
            fmt::format("cannot make the directory {}: {}", path, error.message()));
    if (fs::exists(path + "/.gitignore")) return {};
    return write_file(path + "/.gitignore", "/*\n!/actions/\n");
}

std::expected<std::string, std::string> read_file(const std::string& path) {
    int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return std::unexpected(fmt::format("cannot read {}: {}", path, error_text(errno)));
    std::string bytes;
    char buffer[16384];
    ssize_t count;
    while ((count = ::read(descriptor, buffer, sizeof buffer)) > 0)
        bytes.append(buffer, static_cast<size_t>(count));
    int code = errno;
    ::close(descriptor);
    if (count < 0)
        return std::unexpected(fmt::format("cannot read {}: {}", path, error_text(code)));
    return bytes;
}

std::expected<void, std::string> write_file(const std::string& path, std::string_view bytes,
                                            unsigned mode) {
    const std::string temporary = fmt::format("{}.{}.tmp", path, base::random_hex(8));
    int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor < 0)
        return std::unexpected(fmt::format("cannot write {}: {}", path, error_text(errno)));
    int code = 0;
    while (!bytes.empty()) {
        ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            code = errno;
            break;
        }
        bytes.remove_prefix(static_cast<size_t>(count));
    }
    ::close(descriptor);
    if (code == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) code = errno;
    if (code == 0) return {};
    ::unlink(temporary.c_str());
    return std::unexpected(fmt::format("cannot write {}: {}", path, error_text(code)));
}

std::string StateDirectory::choose(const std::string& state_option, const std::string& stack_file) {
    std::error_code error;
    auto absolute = [&](const fs::path& path) {
        return fs::weakly_canonical(fs::absolute(path), error).string();
    };
    if (!state_option.empty()) return absolute(state_option);
    if (!stack_file.empty()) return absolute(fs::absolute(stack_file).parent_path() / ".dodam");
    if (const char* home = std::getenv("XDG_STATE_HOME"); home && *home)
        return absolute(fs::path(home) / "dodam/default");
    const char* home = std::getenv("HOME");
    return absolute(fs::path(home ? home : "/tmp") / ".local/state/dodam/default");
}

std::expected<StateDirectory, Problem> StateDirectory::open(const std::string& path) {
    StateDirectory directory;
    directory.path_ = path;
    directory.id_ = base::sha256_hex(path).substr(0, 8);
    if (auto made = make_directory(path, 0700); !made)
        return std::unexpected(Problem{made.error()});

    directory.lock_ = ::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (directory.lock_ < 0)
        return std::unexpected(
            Problem{fmt::format("cannot write in {}: {}", path, error_text(errno))});
    if (::flock(directory.lock_, LOCK_EX | LOCK_NB) != 0) {
        ::close(std::exchange(directory.lock_, -1));  // another's: what it published stays
        auto other = read_instance(path);
        return std::unexpected(Problem{fmt::format(
            "an emulator is already running for {}{}; stop it with `dodam down --state {}`, or "
            "name another directory with --state",
            path, other ? fmt::format(" (pid {}, {})", other->pid, other->aws_endpoint) : "",
            path)});
    }
    if (auto checked = check_format(path); !checked) return std::unexpected(checked.error());
    if (auto kept_out = keep_out_of_git(path); !kept_out)
        return std::unexpected(Problem{kept_out.error()});

    directory.sockets_ = sockets_root() + "/" + directory.id_;
    std::error_code ignored;
    fs::remove_all(directory.sockets_, ignored);
    if (auto made = make_directory(directory.sockets_, 0700); !made)
        return std::unexpected(Problem{made.error()});
    directory.withdraw();  // a leftover of a process that was killed
    return directory;
}

std::optional<InstanceInfo> StateDirectory::running(const std::string& path) {
    if (!is_locked(path)) return std::nullopt;
    return read_instance(path);
}

StateDirectory::StateDirectory(StateDirectory&& other) noexcept
    : path_(std::move(other.path_)),
      id_(std::move(other.id_)),
      sockets_(std::move(other.sockets_)),
      lock_(std::exchange(other.lock_, -1)) {}

StateDirectory::~StateDirectory() {
    if (lock_ < 0) return;
    withdraw();
    std::error_code ignored;
    fs::remove_all(sockets_, ignored);
    ::close(lock_);
}

std::expected<void, Problem> StateDirectory::publish(const InstanceInfo& info) const {
    base::Node node = base::Node::object();
    node.set("format", kFormat);
    node.set("pid", info.pid);
    node.set("id", info.id);
    node.set("token", info.token);
    node.set("aws_endpoint", info.aws_endpoint);
    node.set("viewer_endpoint", info.viewer_endpoint);
    node.set("viewer_tls_endpoint", info.viewer_tls_endpoint);
    node.set("stack_file", info.stack_file);
    node.set("started_ms", info.started_ms);
    auto written = write_file(file("instance.json"), base::to_json(node, 2) + "\n", 0600);
    if (!written) return std::unexpected(Problem{written.error()});
    return {};
}

void StateDirectory::withdraw() const {
    ::unlink(file("instance.json").c_str());
}

std::expected<std::string, std::string> Secrets::value(const std::string& name) {
    if (auto found = known_.find(name); found != known_.end()) return found->second;
    if (!is_secret_name(name))
        return std::unexpected(fmt::format(
            "\"{}\" is no name for a secret: letters, digits, '_', '-', '/' and '.' only", name));

    std::string variable = "DODAM_SECRET_" + name;
    for (char& c : variable)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
    std::string text;
    if (const char* given = std::getenv(variable.c_str())) {
        text = given;
    } else {
        std::string lines = read_file(file_).value_or("");
        for (std::string_view line : base::split(lines, '\n')) {
            auto [key, rest] = base::cut(line, '=');
            if (base::trim(key) == name) text = std::string(base::trim(rest));
        }
        if (text.empty()) {
            text = base::random_base64url(kGeneratedSecretCharacters);
            if (!lines.empty() && lines.back() != '\n') lines += '\n';
            auto written = write_file(file_, lines + name + "=" + text + "\n", 0600);
            if (!written) return std::unexpected(written.error());
        }
    }
    if (text.size() < base::kMaskedMinimum)
        return std::unexpected(
            fmt::format("the secret \"{}\" has {} characters; at least {} are needed so that it "
                        "can be masked in logs",
                        name, text.size(), base::kMaskedMinimum));
    base::mask(text);
    known_.emplace(name, text);
    return text;
}

}  // namespace state

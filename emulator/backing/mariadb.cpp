// MariaDB as a child process. Settings keep a copy of its data small and its start quick;
// durability is "survives the death of the process", as everywhere in an instance.
#include "backing/mariadb.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "backing/sql_connection.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/text.h"

namespace backing {
namespace {

namespace fs = std::filesystem;

constexpr auto kConnectWait = std::chrono::seconds(5);
constexpr auto kInstallWait = std::chrono::seconds(120);
constexpr auto kStartWait = std::chrono::seconds(30);
constexpr auto kStopWait = std::chrono::seconds(10);
constexpr const char* kServer = "/usr/sbin/mariadbd";
constexpr const char* kInstaller = "/usr/bin/mariadb-install-db";

// Sizes: a template is 19 MB instead of 114, nearly all of which would be redo log.
constexpr const char* kSettings[] = {
    "--innodb-log-file-size=4M",
    "--innodb-data-file-path=ibdata1:5M:autoextend",
    "--innodb-autoextend-increment=1",
    "--innodb-buffer-pool-size=32M",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-flush-method=nosync",
    "--skip-innodb-doublewrite",
    "--skip-log-bin",
    "--performance-schema=OFF",
    "--character-set-server=utf8mb4",
    "--skip-name-resolve",
    "--skip-networking",
    "--max-connections=300",
};

std::string last_lines(const std::string& file) {
    auto text = state::read_file(file).value_or("");
    std::string out;
    for (auto line : base::split(text, '\n'))
        if (line.find("[ERROR]") != std::string_view::npos) out = std::string(line);
    return out;
}

}  // namespace

std::string mariadb_program() {
    for (const char* program : {kServer, kInstaller})
        if (::access(program, X_OK) != 0) return {};
    return kServer;
}

MariaDb::MariaDb(base::Spawner& spawner, std::string directory, std::string sockets)
    : spawner_(spawner), directory_(std::move(directory)), sockets_(std::move(sockets)) {}

std::string MariaDb::template_path() const {
    return directory_ + "/template-" + key_;
}

std::string MariaDb::socket() const {
    std::lock_guard lock(mutex_);
    return socket_;
}

net::Result<net::Socket> MariaDb::connect() {
    auto path = net::Address::unix_path(socket());
    return net::Socket::connect(*path, net::Deadline::after(kConnectWait));
}

bool MariaDb::is_running() const {
    std::lock_guard lock(mutex_);
    return server_ && !server_->wait(std::chrono::milliseconds(0));
}

std::expected<std::unique_ptr<base::Process>, state::Problem> MariaDb::launch(
    const std::string& data, const std::string& socket) {
    base::ProcessOptions options;
    options.command = {kServer,
                       "--no-defaults",
                       "--datadir=" + data,
                       "--socket=" + socket,
                       "--pid-file=" + data + "/pid",
                       "--tmpdir=" + directory_,
                       "--log-error=" + data + "/error.log"};
    options.command.insert(options.command.end(), std::begin(kSettings), std::end(kSettings));
    if (::getuid() == 0) options.command.emplace_back("--user=root");
    auto process = spawner_.spawn(std::move(options));
    if (!process)
        return std::unexpected(state::Problem{"MariaDB could not be started: " + process.error()});

    base::SystemClock clock;
    const base::Time end = clock.now() + kStartWait;
    while (clock.now() < end) {
        if (SqlConnection connection; connection.open(socket, "")) return std::move(*process);
        if (auto code = (*process)->wait(std::chrono::milliseconds(10)))
            return std::unexpected(state::Problem{
                fmt::format("MariaDB ended at once with {}: {} (its log is {}/error.log)", *code,
                            last_lines(data + "/error.log"), data)});
    }
    return std::unexpected(state::Problem{fmt::format(
        "MariaDB did not answer within {} s; its log is {}/error.log", kStartWait.count(), data)});
}

std::expected<void, state::Problem> MariaDb::make_template(const DatabaseSpec& spec) {
    std::error_code error;
    for (const auto& entry :
         fs::directory_iterator(directory_, error))  // templates of earlier scripts
        if (entry.path().filename().string().starts_with("template-"))
            fs::remove_all(entry.path(), error);
    const std::string making = directory_ + "/making";
    fs::remove_all(making, error);

    base::log_info("database", "installing MariaDB's system tables (once)");
    base::ProcessOptions install;
    install.command = {kInstaller, "--no-defaults", "--datadir=" + making,
                       // Its temporary tables are named by the process id alone: in /tmp they meet
                       // those of a server in another pid namespace.
                       "--tmpdir=" + directory_, "--auth-root-authentication-method=normal",
                       "--skip-test-db", "--innodb-log-file-size=4M",
                       "--innodb-data-file-path=ibdata1:5M:autoextend",
                       "--innodb-autoextend-increment=1", "--innodb-flush-method=nosync"};
    if (::getuid() == 0) install.command.emplace_back("--user=root");
    auto installed = base::run(spawner_, install, kInstallWait);
    if (!installed)
        return std::unexpected(
            state::Problem{"MariaDB could not be installed: " + installed.error()});
    if (installed->exit_code != 0)
        return std::unexpected(state::Problem{
            fmt::format("mariadb-install-db failed with {}: {}", installed->exit_code,
                        base::trim(installed->error).substr(0, 500))});

    const std::string socket = sockets_ + "/making.sock";
    auto server = launch(making, socket);
    if (!server) return std::unexpected(server.error());
    SqlConnection connection;
    if (!connection.open(socket, ""))
        return std::unexpected(state::Problem{"MariaDB: " + connection.error()});
    for (const char* sql : {"DELETE FROM mysql.global_priv WHERE User = ''", "FLUSH PRIVILEGES"})
        (void)connection.run(sql);
    if (auto made = make_schema(socket, spec); !made)
        return std::unexpected(state::Problem{made.error()});
    if (auto loaded = load_init(socket, spec); !loaded) return loaded;
    (*server)->signal(SIGTERM);
    if (!(*server)->wait(kStopWait))
        return std::unexpected(state::Problem{"MariaDB did not stop after its installation"});
    fs::rename(making, template_path(), error);
    if (error)
        return std::unexpected(
            state::Problem{fmt::format("cannot keep MariaDB's template: {}", error.message())});
    return {};
}

std::expected<void, state::Problem> MariaDb::start(const DatabaseSpec& spec) {
    for (const char* program : {kServer, kInstaller})
        if (::access(program, X_OK) != 0)
            return std::unexpected(state::Problem{fmt::format(
                "{} is missing: apt-get install mariadb-server-core mariadb-client, or use "
                "--backing compose",
                program)});
    spec_ = spec;
    version_ = client_library_version();
    std::error_code error;
    fs::create_directories(directory_, error);
    if (error)
        return std::unexpected(
            state::Problem{fmt::format("cannot make {}: {}", directory_, error.message())});
    std::string script =
        spec.init_file.empty() ? "" : state::read_file(spec.init_file).value_or("");
    std::string key = spec.schema + '\0' + spec.user + '\0' + spec.password + '\0' + script;
    for (const char* setting : kSettings)
        key += setting;
    key_ = base::sha256_hex(key).substr(0, 16);

    const std::string data = directory_ + "/data";
    if (!fs::exists(data)) {
        if (!fs::exists(template_path()))
            if (auto made = make_template(spec); !made) return made;
        fs::copy(template_path(), data + ".new", fs::copy_options::recursive, error);
        if (!error) fs::rename(data + ".new", data, error);
        if (error)
            return std::unexpected(
                state::Problem{fmt::format("cannot copy MariaDB's template: {}", error.message())});
    }
    const std::string socket = sockets_ + "/db-0.sock";
    auto server = launch(data, socket);
    if (!server) return std::unexpected(server.error());
    std::lock_guard lock(mutex_);
    server_ = std::move(*server);
    data_ = data;
    socket_ = socket;
    return {};
}

std::expected<void, std::string> MariaDb::reset() {
    if (!fs::exists(template_path()))
        if (auto made = make_template(spec_); !made) return std::unexpected(made.error().text);
    return load(template_path());
}

// Copied while nobody writes: the server is stopped for the time of a copy. Its door stays.
std::expected<void, std::string> MariaDb::save(const std::string& directory) {
    std::lock_guard lock(mutex_);
    if (!server_) return std::unexpected(std::string("MariaDB does not run"));
    server_->signal(SIGTERM);
    if (!server_->wait(kStopWait))
        return std::unexpected(std::string("MariaDB did not stop for being saved"));
    std::error_code error;
    fs::remove_all(directory, error);
    fs::create_directories(fs::path(directory).parent_path(), error);
    fs::copy(data_, directory, fs::copy_options::recursive, error);
    const std::string problem = error ? error.message() : "";
    auto server = launch(data_, socket_);
    if (!server) return std::unexpected(server.error().text);
    server_ = std::move(*server);
    if (!problem.empty())
        return std::unexpected(fmt::format("cannot copy MariaDB's data: {}", problem));
    return {};
}

// The log's end: it moves with every change.
std::string MariaDb::position() {
    SqlConnection connection;
    if (!connection.open(door(), "")) return {};
    return connection
        .value(
            "SELECT variable_value FROM information_schema.global_status WHERE variable_name = "
            "'INNODB_LSN_CURRENT'")
        .value_or("");
}

std::expected<void, std::string> MariaDb::load(const std::string& directory) {
    const std::string data = fmt::format("{}/data-{}", directory_, ++generation_);
    const std::string socket = fmt::format("{}/db-{}.sock", sockets_, generation_);
    std::error_code error;
    fs::remove_all(data, error);
    fs::copy(directory, data, fs::copy_options::recursive, error);
    if (error)
        return std::unexpected(
            fmt::format("cannot copy MariaDB's data from {}: {}", directory, error.message()));
    auto server = launch(data, socket);
    if (!server) return std::unexpected(server.error().text);

    std::unique_ptr<base::Process> old;
    std::string old_data;
    {
        std::lock_guard lock(mutex_);
        old = std::exchange(server_, std::move(*server));
        old_data = std::exchange(data_, directory_ + "/data");
        socket_ = socket;
    }
    if (old) {
        old->signal(SIGKILL);
        (void)old->wait(kStopWait);
    }
    // The running server keeps its files through the rename: it opened its directory by relative
    // paths after a change of directory, so only the name that the next start uses moves.
    fs::remove_all(old_data, error);
    fs::rename(data, directory_ + "/data", error);
    if (error)
        return std::unexpected(fmt::format("cannot keep the fresh database: {}", error.message()));
    return {};
}

void MariaDb::stop() {
    std::unique_ptr<base::Process> server;
    {
        std::lock_guard lock(mutex_);
        server = std::move(server_);
    }
    if (!server) return;
    server->signal(SIGTERM);
    if (!server->wait(kStopWait)) {
        server->signal(SIGKILL);
        (void)server->wait(kStopWait);
    }
}

}  // namespace backing

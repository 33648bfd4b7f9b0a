// ECS guide, "Task metadata endpoint version 4 for tasks on Fargate"; Docker Engine API, "Get
// container stats based on resource usage".
#include "ecs/task_stats.h"

#include "base/date.h"
#include "ecs/task_metadata.h"
#include "fixture.h"

using namespace ecs_test;
using containers::ContainerStats;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

ContainerStats sample(milliseconds running_for, milliseconds cpu, uint64_t received = 0) {
    ContainerStats stats;
    stats.running_for = running_for;
    stats.cpu = stats.user_cpu = cpu;
    stats.online_cpus = 2;
    stats.machine_cpu = seconds(1000) + running_for * 2;
    stats.memory_bytes = 7 << 20;
    stats.memory_limit_bytes = 512 << 20;
    stats.memory_details = {{"rss", 98304}, {"cache", 32768}};
    stats.processes = 3;
    stats.block_bytes = {{202, 26368, "Read", 638976}};
    stats.interfaces = {{"eth1", {received, 2, 0, 1}, {received / 2, 1, 0, 0}}};
    return stats;
}

std::vector<std::string> names(const Node& node) {
    std::vector<std::string> out;
    for (const auto& [name, value] : node.members())
        out.push_back(name);
    return out;
}

// What clients make of it, `docker stats` for one: how many processors the container kept busy.
double processors_used(const Node& stats) {
    const double used =
        static_cast<double>(stats["cpu_stats"]["cpu_usage"]["total_usage"].as_int() -
                            stats["precpu_stats"]["cpu_usage"]["total_usage"].as_int());
    const double machine = static_cast<double>(stats["cpu_stats"]["system_cpu_usage"].as_int() -
                                               stats["precpu_stats"]["system_cpu_usage"].as_int());
    return used / machine * stats["cpu_stats"]["online_cpus"].as_double();
}

struct Reader {
    Fixture f;
    std::string id;
    std::unique_ptr<ecs::TaskMetadata> metadata;

    explicit Reader(const std::string& second = {}) {
        f.call(
            "RegisterTaskDefinition",
            R"({"family":"web","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"cpu":"256","memory":"512","containerDefinitions":[{"name":"app","image":"app:1"})" +
                second + "]}");
        f.call("RunTask", R"({"cluster":"demo","taskDefinition":"web","launchType":"FARGATE",)" +
                              Fixture::network() + "}");
        f.run(5);
        id = f.tasks()[0]->id;
        metadata = std::make_unique<ecs::TaskMetadata>(*f.ecs, f.runtime, id);
    }
    std::optional<std::string> body(const std::string& rest, const std::string& version = "v4") {
        return metadata->answer("/" + version + "/" + f.ecs->state().tasks.at(id).metadata_id +
                                rest);
    }
    Node get(const std::string& rest, const std::string& version = "v4") {
        auto text = body(rest, version);
        if (!text) FAIL("404");
        return base::parse_json(*text).value();
    }
};

}  // namespace

TEST_CASE("statistics have Docker's shape, and AWS's addition in version 4") {
    Reader reader;
    reader.f.runtime.used["app"] = sample(seconds(10), seconds(5), 4000);
    Node stats = reader.get("/app/stats");
    CHECK(names(stats) == std::vector<std::string>{"read", "preread", "pids_stats", "blkio_stats",
                                                   "num_procs", "storage_stats", "cpu_stats",
                                                   "precpu_stats", "memory_stats", "name", "id",
                                                   "networks", "network_rate_stats"});
    CHECK(stats["read"].as_string() == base::iso_date_micros(reader.f.clock.now()));
    CHECK(stats["preread"].as_string() ==
          base::iso_date_micros(reader.f.clock.now() - seconds(10)));
    CHECK(stats["pids_stats"]["current"].as_int() == 3);
    CHECK(stats["num_procs"].as_int(-1) == 0);
    CHECK(base::to_json(stats["blkio_stats"]["io_service_bytes_recursive"]) ==
          R"([{"major":202,"minor":26368,"op":"Read","value":638976}])");
    CHECK(names(stats["blkio_stats"]).size() == 8);
    CHECK(
        base::to_json(stats["cpu_stats"]) ==
        R"({"cpu_usage":{"total_usage":5000000000,"usage_in_kernelmode":0,"usage_in_usermode":5000000000},"system_cpu_usage":1020000000000,"online_cpus":2,"throttling_data":{"periods":0,"throttled_periods":0,"throttled_time":0}})");
    CHECK(base::to_json(stats["memory_stats"]) ==
          R"({"usage":7340032,"stats":{"rss":98304,"cache":32768},"limit":536870912})");
    CHECK(
        base::to_json(stats["networks"]) ==
        R"({"eth1":{"rx_bytes":4000,"rx_packets":2,"rx_errors":0,"rx_dropped":1,"tx_bytes":2000,"tx_packets":1,"tx_errors":0,"tx_dropped":0}})");
    CHECK(stats["network_rate_stats"]["rx_bytes_per_sec"].as_double() == 400);
    CHECK(stats["network_rate_stats"]["tx_bytes_per_sec"].as_double() == 200);

    Node described = reader.get("/app");
    CHECK(stats["id"].as_string() == described["DockerId"].as_string());
    CHECK(stats["name"].as_string() == described["DockerName"].as_string());
    CHECK_FALSE(reader.get("/app/stats", "v3").find("network_rate_stats"));
    CHECK_FALSE(reader.body("/app/stats/more"));
    CHECK_FALSE(reader.body("/nobody/stats"));
}

TEST_CASE("precpu_stats is a second or more before: the last one read, else the start") {
    Reader reader;
    auto read = [&](milliseconds running_for, milliseconds cpu, uint64_t received = 0) {
        reader.f.runtime.used["app"] = sample(running_for, cpu, received);
        return reader.get("/app/stats");
    };
    CHECK(processors_used(read(seconds(10), seconds(5))) == Approx(0.5));
    CHECK(processors_used(read(seconds(20), seconds(15), 1000)) == Approx(1.0));
    // Too soon for a sample of its own: compared with the one before.
    CHECK(processors_used(read(milliseconds(20'500), seconds(15), 1000)) == Approx(10 / 10.5));
    Node later = read(seconds(25), seconds(15), 6000);
    CHECK(processors_used(later) == Approx(0));
    CHECK(later["network_rate_stats"]["rx_bytes_per_sec"].as_double() == 1000);
    CHECK(later["preread"].as_string() == base::iso_date_micros(reader.f.clock.now() - seconds(5)));
    // It was restarted; the network is the task's.
    Node restarted = read(seconds(2), seconds(1), 6500);
    CHECK(processors_used(restarted) == Approx(0.5));
    CHECK(restarted["network_rate_stats"]["rx_bytes_per_sec"].as_double() == 250);
}

TEST_CASE("a task's statistics stand under its containers' ids, null where there are none yet") {
    Reader reader(R"(,{"name":"side","image":"sidecar:1","essential":false})");
    reader.f.runtime.used["app"] = sample(seconds(10), seconds(5));
    reader.f.runtime.used["side"] = sample(milliseconds(999), seconds(0));
    const std::string app = reader.get("/app")["DockerId"].as_string(),
                      side = reader.get("/side")["DockerId"].as_string();
    Node all = reader.get("/app/task/stats");
    CHECK(names(all) == std::vector{app, side});
    CHECK(all[app]["id"].as_string() == app);
    CHECK(all[side].is_null());
    CHECK(reader.body("/side/stats") == "null");

    reader.f.runtime.used["side"] = sample(milliseconds(1000), seconds(0));
    CHECK(reader.get("/app/task/stats")[side]["id"].as_string() == side);
    reader.f.runtime.exit(reader.id, "side", 0);
    CHECK(reader.get("/app/task/stats")[side].is_null());
}

TEST_CASE("a container that waits for another has no id for its statistics to stand under") {
    Reader reader(
        R"(,{"name":"first","image":"sidecar:1","essential":false},{"name":"side","image":"sidecar:1","dependsOn":[{"containerName":"first","condition":"SUCCESS"}]})");
    reader.f.runtime.used["app"] = sample(seconds(10), seconds(5));
    CHECK(names(reader.get("/app/task/stats")) ==
          std::vector{reader.get("/app")["DockerId"].as_string(),
                      reader.get("/first")["DockerId"].as_string()});
    CHECK(reader.body("/side/stats") == "null");
}

// HolderClient: the emulator's end of the conversation with one task's holder
// (containers/holder/wire.h). Requests may come from any thread; what the holder says is read by
// whoever calls `receive`, the runtime's one thread.
#pragma once
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/process.h"
#include "containers/task_network.h"

namespace containers {

struct HolderOptions {
    std::string program;    // path of dodam-holder
    std::string directory;  // the layers; its working directory
    std::string address;    // the task's
    bool one_identity = false;
};

// What the holder says unasked.
struct HolderEvent {
    enum class Kind { Exited, Gone };
    Kind kind = Kind::Gone;
    std::string name;
    int wait_status = 0;
};

class HolderClient final : public TaskNetwork {
  public:
    struct Reply {
        int code = 0;  // errno, 0 = done
        std::string text;
        std::vector<int> descriptors;
    };

    // Starts the holder; its network stands when this returns. An error is one sentence.
    static std::expected<std::shared_ptr<HolderClient>, std::string> start(
        base::Spawner& spawner, const HolderOptions& options);
    // A holder that somebody else started (the pause container), on a connected socket.
    static std::expected<std::shared_ptr<HolderClient>, std::string> adopt(
        int control, const std::string& address);
    ~HolderClient() override;

    const std::string& address() const override { return address_; }
    net::Result<int> listen(const net::Address& at) override;
    net::Result<int> udp(const net::Address& at) override;
    net::Result<int> socket(const net::Address& from) override;

    // The text of the task's /proc/net/dev; "" when the task is gone.
    std::string interfaces();

    // `description` is a list of fields as wire.h has it.
    Reply run(const std::string& name, const std::string& description,
              const std::vector<int>& cgroups);
    Reply run_inside(const std::string& name, const std::string& container,
                     const std::string& description, const std::vector<int>& cgroups);

    int descriptor() const { return control_; }
    // One datagram, called when the descriptor is readable: wakes a waiting request, or gives an
    // event.
    std::optional<HolderEvent> receive();
    // Ends the conversation, and with it everything in the task. Waits for the holder's end.
    void close();

  private:
    HolderClient(int control, std::string address)
        : control_(control), address_(std::move(address)) {}
    Reply request(std::vector<std::string> fields, const std::vector<int>& descriptors = {});
    Reply start_program(std::vector<std::string> fields, const std::string& description,
                        const std::vector<int>& cgroups);
    net::Result<int> ask_socket(const char* verb, const net::Address& at);

    int control_;
    std::string address_;
    std::unique_ptr<base::Process> process_;
    std::mutex mutex_;
    std::condition_variable answered_;
    uint64_t next_ = 1;
    bool gone_ = false;
    std::map<std::string, std::optional<Reply>> waiting_;
};

// dodam-holder: beside this program, else in PATH. "" if it is nowhere.
std::string find_holder();

}  // namespace containers

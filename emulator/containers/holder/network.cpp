#include "containers/holder/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

namespace holder {
namespace {

// The router of the VPC, as the first address of every subnet is; what a socket without an address
// of its own has.
constexpr const char* kRouter = "10.0.0.1";

struct Destination {
    const char* address;
    unsigned char prefix;
};
// What lies behind the gateway: the VPC, the addresses given to names, link-local services
// (metadata, DNS).
constexpr Destination kDestinations[] = {{"10.0.0.0", 16}, {"198.18.0.0", 15}, {"169.254.0.0", 16}};

// One netlink request, built in place.
class Request {
  public:
    Request(unsigned short type, unsigned short flags) {
        memset(buffer_, 0, sizeof buffer_);
        header()->nlmsg_len = NLMSG_LENGTH(0);
        header()->nlmsg_type = type;
        header()->nlmsg_flags = static_cast<unsigned short>(NLM_F_REQUEST | NLM_F_ACK | flags);
    }

    template <class T>
    T* body() {
        T* at = reinterpret_cast<T*>(end());
        header()->nlmsg_len += NLMSG_ALIGN(sizeof(T));
        return at;
    }
    void attribute(unsigned short type, const void* data, size_t size) {
        auto* at = reinterpret_cast<rtattr*>(end());
        at->rta_type = type;
        at->rta_len = static_cast<unsigned short>(RTA_LENGTH(size));
        memcpy(RTA_DATA(at), data, size);
        header()->nlmsg_len += RTA_ALIGN(at->rta_len);
    }
    void attribute(unsigned short type, const char* text) {
        attribute(type, text, strlen(text) + 1);
    }
    void attribute(unsigned short type, uint32_t value) { attribute(type, &value, sizeof value); }
    void address(unsigned short type, const char* text) {
        in_addr value{};
        inet_pton(AF_INET, text, &value);
        attribute(type, &value, sizeof value);
    }
    rtattr* open(unsigned short type) {
        auto* at = reinterpret_cast<rtattr*>(end());
        at->rta_type = type;
        header()->nlmsg_len += RTA_LENGTH(0);
        return at;
    }
    void close(rtattr* at) {
        at->rta_len = static_cast<unsigned short>(end() - reinterpret_cast<char*>(at));
    }

    // 0 or errno.
    int send(int socket) {
        if (::send(socket, buffer_, header()->nlmsg_len, 0) < 0) return errno;
        char answer[4096];
        ssize_t size = recv(socket, answer, sizeof answer, 0);
        if (size < 0) return errno;
        auto* reply = reinterpret_cast<nlmsghdr*>(answer);
        if (size < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr))) ||
            reply->nlmsg_type != NLMSG_ERROR)
            return EPROTO;
        return -reinterpret_cast<nlmsgerr*>(NLMSG_DATA(reply))->error;
    }

  private:
    nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(buffer_); }
    char* end() { return buffer_ + NLMSG_ALIGN(header()->nlmsg_len); }
    alignas(nlmsghdr) char buffer_[1024];
};

int open_netlink() {
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

int link_up(int netlink, const char* name) {
    Request request(RTM_NEWLINK, 0);
    auto* link = request.body<ifinfomsg>();
    link->ifi_family = AF_UNSPEC;
    link->ifi_index = static_cast<int>(if_nametoindex(name));
    link->ifi_flags = IFF_UP;
    link->ifi_change = IFF_UP;
    return request.send(netlink);
}

// The cable: eth0 here, gw0 in the gateway's namespace.
int add_cable(int netlink, int gateway) {
    Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    request.body<ifinfomsg>()->ifi_family = AF_UNSPEC;
    request.attribute(IFLA_IFNAME, "eth0");
    rtattr* information = request.open(IFLA_LINKINFO);
    request.attribute(IFLA_INFO_KIND, "veth", 4);
    rtattr* data = request.open(IFLA_INFO_DATA);
    rtattr* peer = request.open(VETH_INFO_PEER);
    request.body<ifinfomsg>();
    request.attribute(IFLA_IFNAME, "gw0");
    request.attribute(IFLA_NET_NS_FD, static_cast<uint32_t>(gateway));
    request.close(peer);
    request.close(data);
    request.close(information);
    return request.send(netlink);
}

int add_address(int netlink, const char* device, const char* address, unsigned char prefix) {
    Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    auto* body = request.body<ifaddrmsg>();
    body->ifa_family = AF_INET;
    body->ifa_prefixlen = prefix;
    body->ifa_index = if_nametoindex(device);
    request.address(IFA_LOCAL, address);
    request.address(IFA_ADDRESS, address);
    // Routes are added by hand, below.
    request.attribute(IFA_FLAGS, static_cast<uint32_t>(IFA_F_NOPREFIXROUTE));
    return request.send(netlink);
}

struct Route {
    const char* to;
    unsigned char prefix;
    const char* device;
    unsigned char type = RTN_UNICAST, table = RT_TABLE_MAIN, scope = RT_SCOPE_UNIVERSE;
    const char* via = nullptr;
};

int add_route(int netlink, const Route& route) {
    Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
    auto* body = request.body<rtmsg>();
    body->rtm_family = AF_INET;
    body->rtm_dst_len = route.prefix;
    body->rtm_table = route.table;
    body->rtm_protocol = RTPROT_STATIC;
    body->rtm_scope = route.scope;
    body->rtm_type = route.type;
    if (route.via) body->rtm_flags = RTNH_F_ONLINK;
    request.address(RTA_DST, route.to);
    request.attribute(RTA_OIF, if_nametoindex(route.device));
    if (route.via) request.address(RTA_GATEWAY, route.via);
    return request.send(netlink);
}

std::string failed(const char* what, int error) {
    return std::string(what) + ": " + strerror(error);
}

}  // namespace

std::string make_network(Network& network, const std::string& task_address, Here here) {
    auto open_here = [](int& name) {
        return name = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    };
    int& first = here == Here::Gateway ? network.gateway : network.task;
    int& second = here == Here::Gateway ? network.task : network.gateway;
    int netlink[2];
    if (open_here(first) < 0 || (netlink[0] = open_netlink()) < 0)
        return failed("the network namespace cannot be opened", errno);
    if (unshare(CLONE_NEWNET) < 0) return failed("a network namespace is refused", errno);
    if (open_here(second) < 0 || (netlink[1] = open_netlink()) < 0)
        return failed("the new network namespace cannot be opened", errno);
    int gateway = netlink[here == Here::Gateway ? 0 : 1],
        task = netlink[here == Here::Gateway ? 1 : 0];
    if (setns(network.task, CLONE_NEWNET) < 0)
        return failed("the task's namespace cannot be entered", errno);

    int error = add_cable(task, network.gateway);
    if (error) return failed("a veth pair is refused", error);
    if (!error) error = link_up(task, "lo");
    if (!error) error = add_address(task, "eth0", task_address.c_str(), 16);
    if (!error) error = link_up(task, "eth0");
    for (const auto& [address, prefix] : kDestinations)
        if (!error)
            error = add_route(task,
                              {.to = address, .prefix = prefix, .device = "eth0", .via = kRouter});
    if (error) return failed("the task's network cannot be set up", error);

    // An app that is not root listens on port 80 on Fargate and under Docker alike.
    int limit = open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_WRONLY | O_CLOEXEC);
    if (limit >= 0) {
        (void)!write(limit, "0", 1);
        close(limit);
    }

    if (setns(network.gateway, CLONE_NEWNET) < 0)
        return failed("the gateway's namespace cannot be entered", errno);
    if (!error) error = link_up(gateway, "lo");
    if (!error) error = add_address(gateway, "gw0", kRouter, 32);
    if (!error) error = link_up(gateway, "gw0");
    for (const auto& [address, prefix] : kDestinations)
        if (!error)
            error = add_route(gateway, {.to = address,
                                        .prefix = prefix,
                                        .device = "lo",
                                        .type = RTN_LOCAL,
                                        .table = RT_TABLE_LOCAL,
                                        .scope = RT_SCOPE_HOST});
    // In the same table, where the longer prefix wins over the VPC's.
    if (!error)
        error = add_route(gateway, {.to = task_address.c_str(),
                                    .prefix = 32,
                                    .device = "gw0",
                                    .table = RT_TABLE_LOCAL,
                                    .scope = RT_SCOPE_LINK});
    if (setns(network.task, CLONE_NEWNET) < 0)
        return failed("the task's namespace cannot be entered", errno);
    if (error) return failed("the gateway cannot be set up", error);
    close(gateway);
    close(task);
    return "";
}

int make_socket(const Network& network, SocketKind kind, const std::string& address, int port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<uint16_t>(port));
    if (!address.empty() && inet_pton(AF_INET, address.c_str(), &at.sin_addr) != 1) return -EINVAL;
    bool in_task = (ntohl(at.sin_addr.s_addr) >> 24) == 127;

    if (setns(in_task ? network.task : network.gateway, CLONE_NEWNET) < 0) return -errno;
    int made = socket(AF_INET,
                      (kind == SocketKind::Datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    int error = made < 0 ? errno : 0;
    int yes = 1;
    if (!error && kind == SocketKind::Listener)
        setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (!error && !address.empty() && bind(made, reinterpret_cast<sockaddr*>(&at), sizeof at) < 0)
        error = errno;
    if (!error && kind == SocketKind::Listener && listen(made, 1024) < 0) error = errno;
    setns(network.task, CLONE_NEWNET);
    if (!error) return made;
    if (made >= 0) close(made);
    return -error;
}

}  // namespace holder

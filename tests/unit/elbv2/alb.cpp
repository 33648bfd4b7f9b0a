// See alb.h.
#include "unit/elbv2/alb.h"

#include "base/text.h"
#include "elbv2/limits.h"
#include "http/query.h"

namespace alb {
namespace {

net::Deadline soon() {
    return net::Deadline::after(std::chrono::seconds(5));
}

size_t declared_length(const std::string& head) {
    std::string lower = base::lower(head);
    size_t at = lower.find("\r\ncontent-length:");
    return at == std::string::npos ? 0 : std::strtoul(lower.c_str() + at + 17, nullptr, 10);
}

bool is_chunked(const std::string& head) {
    return base::lower(head).find("transfer-encoding: chunked") != std::string::npos;
}

}  // namespace

Target::Target(Answer answer) : answer_(std::move(answer)) {
    if (!answer_) answer_ = [](const std::string&) { return ok(); };
    auto opened = net::Listener::open(net::Address::loopback(0), "target",
                                      [this](net::Socket& s) { serve(s); });
    REQUIRE(opened);
    listener_ = std::move(*opened);
    listener_->start();
}

void Target::serve(net::Socket& socket) {
    {
        std::lock_guard lock(mutex_);
        ++connections_;
    }
    std::string buffer;
    char chunk[8192];
    auto more = [&] {
        auto got = socket.read_some(chunk, net::Deadline::after(std::chrono::seconds(20)));
        if (!got || *got == 0) return false;
        buffer.append(chunk, *got);
        return true;
    };
    while (true) {
        size_t end;
        while ((end = buffer.find("\r\n\r\n")) == std::string::npos)
            if (!more()) return;
        std::string head = buffer.substr(0, end + 4);
        size_t size = head.size() + declared_length(head);
        if (is_chunked(head)) {
            while ((end = buffer.find("0\r\n\r\n", head.size())) == std::string::npos)
                if (!more()) return;
            size = end + 5;
        }
        while (buffer.size() < size)
            if (!more()) return;
        std::string request = buffer.substr(0, size);
        buffer.erase(0, size);
        Answer answer;
        {
            std::lock_guard lock(mutex_);
            requests_.push_back(request);
            answer = answer_;
        }
        std::string bytes = answer(request);
        if (bytes.empty() || !socket.write_all(bytes, soon())) return;
        if (base::lower(bytes).find("connection: close") != std::string::npos) return;
    }
}

std::vector<std::string> Target::requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
}
std::string Target::last() const {
    std::lock_guard lock(mutex_);
    return requests_.empty() ? std::string() : requests_.back();
}
size_t Target::connections() const {
    std::lock_guard lock(mutex_);
    return connections_;
}
void Target::set_answer(Answer answer) {
    std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
}

std::string ok(std::string_view body, std::string_view headers) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(headers) + "\r\n" + std::string(body);
}

std::string Response::header(std::string_view name) const {
    std::string found;
    for (std::string_view line : base::split(head, '\n')) {
        auto [key, value] = base::cut(line, ':');
        if (!base::equals_ignoring_case(key, name)) continue;
        if (!found.empty()) found += " | ";
        found += base::trim(value);
    }
    return found;
}

Client::Client(const net::Address& to) {
    auto socket = net::Socket::connect(to, soon());
    REQUIRE(socket);
    socket_ = std::move(*socket);
}

void Client::send(std::string_view bytes) {
    (void)socket_.write_all(bytes, soon());
}

bool Client::fill() {
    char chunk[16384];
    auto got = socket_.read_some(chunk, soon());
    if (!got || *got == 0) return false;
    buffer_.append(chunk, *got);
    return true;
}

Response Client::read(bool is_head) {
    Response response;
    size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
        if (!fill()) return response;
    response.head = buffer_.substr(0, end + 4);
    buffer_.erase(0, end + 4);
    bool bodiless =
        is_head || response.status() == 204 || response.status() == 304 || response.status() < 200;
    if (bodiless) return response;
    if (is_chunked(response.head)) {
        while ((end = buffer_.find("0\r\n\r\n")) == std::string::npos)
            if (!fill()) return response;
        response.body = buffer_.substr(0, end + 5);
        buffer_.erase(0, end + 5);
        return response;
    }
    size_t length = declared_length(response.head);
    while (buffer_.size() < length)
        if (!fill()) break;
    response.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return response;
}

std::string Client::read_to_end() {
    while (fill()) {
    }
    return std::move(buffer_);
}

bool Client::is_closed(std::chrono::milliseconds within) {
    char byte;
    auto got = socket_.read_some({&byte, 1}, net::Deadline::after(within));
    return got ? *got == 0 : got.error().kind != net::ErrorKind::Timeout;
}

Alb::Alb() : upstream(resolver, {.max_response_head_bytes = elbv2::kMaxResponseHeadBytes}) {
    database = std::move(*state::Database::open(":memory:"));
    control_plane = std::make_unique<elbv2::ControlPlane>(*database, clock, ids);
    balancer = std::make_unique<elbv2::Balancer>(elbv2::BalancerParts{
        clock, traces, control_plane->snapshot(), upstream,
        [this](const elbv2::LoadBalancerSettings& settings, const elbv2::AccessRecord& record) {
            std::lock_guard lock(log_mutex_);
            log_lines.push_back(elbv2::access_log_line(record));
            elbv2::add_to_access_log(log_files, record, {"123456789012", "us-east-1", "10.0.0.1"},
                                     settings.access_log_bucket, settings.access_log_prefix);
        }});
    listeners = std::make_unique<elbv2::Listeners>(
        elbv2::ListenersParts{*balancer, resolver, &tls, "127.0.77.", &loops});
    control_plane->on_publish(
        [this](const elbv2::RoutingSnapshot& snapshot) { listeners->open(snapshot); });
    health_loop =
        std::make_unique<elbv2::Health>(elbv2::HealthParts{clock, *control_plane, resolver});
}

Alb::~Alb() {
    listeners->stop();
}

Node Alb::call(const std::string& operation, const Node& input) {
    aws::Call call;
    call.service = "elbv2";
    call.operation = operation;
    call.input = input;
    auto reply = control_plane->serve(call);
    REQUIRE(reply);
    return reply->output;
}

Node Alb::call(const std::string& operation, const std::string& json) {
    auto input = base::parse_json(json);
    INFO(json);
    REQUIRE(input);
    return call(operation, *input);
}

std::string Alb::error_of(const std::string& operation, const std::string& json) {
    try {
        call(operation, json);
    } catch (const aws::Error& error) {
        return error.code + ": " + error.message;
    }
    return {};
}

std::string Alb::make_group(const std::string& name, const std::string& more) {
    Node made = call(
        "CreateTargetGroup",
        R"({"Name":")" + name + R"(","Protocol":"HTTP","Port":80,"TargetType":"ip")" + more + "}");
    return made["TargetGroups"].items()[0]["TargetGroupArn"].as_string();
}

std::string Alb::make_listener(uint16_t port, const std::string& actions) {
    Node made = call("CreateListener", R"({"LoadBalancerArn":")" + lb_arn +
                                           R"(","Protocol":"HTTP","Port":)" + std::to_string(port) +
                                           R"(,"DefaultActions":)" + actions + "}");
    return made["Listeners"].items()[0]["ListenerArn"].as_string();
}

std::string Alb::make_rule(int priority, const std::string& conditions,
                           const std::string& actions) {
    Node made = call("CreateRule", R"({"ListenerArn":")" + listener_arn + R"(","Priority":)" +
                                       std::to_string(priority) + R"(,"Conditions":)" + conditions +
                                       R"(,"Actions":)" + actions + "}");
    return made["Rules"].items()[0]["RuleArn"].as_string();
}

void Alb::set_up(uint16_t port) {
    Node made = call("CreateLoadBalancer",
                     std::string(R"({"Name":"app","Subnets":["subnet-1","subnet-2"]})"));
    lb_arn = made["LoadBalancers"].items()[0]["LoadBalancerArn"].as_string();
    group_arn = make_group("tg");
    listener_arn =
        make_listener(port, R"([{"Type":"forward","TargetGroupArn":")" + group_arn + R"("}])");
}

void Alb::register_target(const Target& target, const std::string& arn) {
    control_plane->register_targets(arn.empty() ? group_arn : arn, {{"127.0.0.1", target.port()}});
}

void Alb::set_lb(const std::string& key, const std::string& value) {
    call("ModifyLoadBalancerAttributes", R"({"LoadBalancerArn":")" + lb_arn +
                                             R"(","Attributes":[{"Key":")" + key +
                                             R"(","Value":")" + value + R"("}]})");
}
void Alb::set_group(const std::string& key, const std::string& value) {
    call("ModifyTargetGroupAttributes", R"({"TargetGroupArn":")" + group_arn +
                                            R"(","Attributes":[{"Key":")" + key + R"(","Value":")" +
                                            value + R"("}]})");
}
void Alb::set_listener(const std::string& key, const std::string& value) {
    call("ModifyListenerAttributes", R"({"ListenerArn":")" + listener_arn +
                                         R"(","Attributes":[{"Key":")" + key + R"(","Value":")" +
                                         value + R"("}]})");
}

void Alb::probe() {
    health_loop->step(clock.now());
    health_loop->wait();
}

std::string Alb::health(const std::string& arn) {
    Node found = call("DescribeTargetHealth",
                      R"({"TargetGroupArn":")" + (arn.empty() ? group_arn : arn) + R"("})");
    if (found["TargetHealthDescriptions"].items().empty()) return "none";
    const Node& shown = found["TargetHealthDescriptions"].items()[0]["TargetHealth"];
    std::string text = shown["State"].as_string();
    if (shown.find("Reason")) text += " " + shown["Reason"].as_string();
    if (shown.find("Description")) text += " " + shown["Description"].as_string();
    return text;
}

net::Address Alb::at(uint16_t port) const {
    for (const elbv2::OpenListener& open : listeners->status())
        if (open.port == port) return open.address;
    return {};
}

std::string Alb::get(std::string_view path, std::string_view headers) const {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: app.test\r\n" + std::string(headers) +
           "\r\n";
}

Response Alb::ask(std::string_view path, std::string_view headers) {
    return Client(at()).ask(get(path, headers));
}

base::Span Alb::span_of(std::string_view target) {
    listeners->stop();
    listeners->open(*control_plane->snapshot().get());
    for (base::Span& span : traces.latest(100))
        if (span.target == target) return std::move(span);
    FAIL("no span of " << target);
    return {};
}

}  // namespace alb

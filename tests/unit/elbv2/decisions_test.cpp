// The pure decisions as tables: rules, desync, choice, trace header, redirect, stickiness, log.
#include <map>

#include "elbv2/access_log.h"
#include "elbv2/actions.h"
#include "elbv2/desync.h"
#include "elbv2/generated_answer.h"
#include "elbv2/rule_match.h"
#include "elbv2/stickiness.h"
#include "elbv2/target_choice.h"
#include "elbv2/target_request.h"
#include "elbv2/trace_header.h"
#include "unit/elbv2/alb.h"

using namespace std::chrono_literals;
using namespace elbv2;

TEST_CASE("globs (#38, #39)") {
    struct Row {
        std::string_view pattern, text;
        Letters letters;
        bool match;
    };
    const Row rows[] = {
        {"/a/*", "/a/b", Letters::Exact, true},
        {"/a/*", "/a", Letters::Exact, false},
        {"/a/*", "/A/b", Letters::Exact, false},
        {"/img/??.png", "/img/ab.png", Letters::Exact, true},
        {"/img/??.png", "/img/abc.png", Letters::Exact, false},
        {"*", "", Letters::Exact, true},
        {"*.example.com", "X.EXAMPLE.com", Letters::AnyCase, true},
        {"*.example.com", "example.com", Letters::AnyCase, false},
        {"*.com", "a.b.com", Letters::AnyCase, true},
        {"*Chrome*", "x chrome/1", Letters::AnyCase, true},
        {"a\\*b", "a*b", Letters::Exact, true},
        {"a\\*b", "axb", Letters::Exact, false},
        {"a*b*c", "aXXbYYbZc", Letters::Exact, true},
        {"", "", Letters::Exact, true},
        {"", "a", Letters::Exact, false},
    };
    for (const Row& row : rows) {
        INFO(row.pattern << " " << row.text);
        CHECK(glob_match(row.pattern, row.text, row.letters) == row.match);
    }
}

TEST_CASE("paths are normalised for matching") {
    struct Row {
        std::string_view raw, wanted;
    };
    for (const Row& row : {Row{"", "/"}, Row{"/a//b", "/a/b"}, Row{"/a/./b", "/a/b"},
                           Row{"/a/../b", "/b"}, Row{"/../..", "/"}, Row{"/a/", "/a/"},
                           Row{"/a/..", "/"}, Row{"/.well-known/x", "/.well-known/x"}})
        CHECK(normalise_path(row.raw) == row.wanted);
}

TEST_CASE("address ranges (#43)") {
    struct Row {
        std::string_view range, ip;
        bool inside;
    };
    for (const Row& row :
         {Row{"10.0.0.0/8", "10.255.0.1", true}, Row{"10.0.0.0/8", "11.0.0.1", false},
          Row{"192.0.2.64/26", "192.0.2.127", true}, Row{"192.0.2.64/26", "192.0.2.128", false},
          Row{"0.0.0.0/0", "8.8.8.8", true}, Row{"0.0.0.0/0", "2001:db8::1", false},
          Row{"2001:db8::/32", "2001:db8:1::1", true}}) {
        Cidr range;
        REQUIRE(parse_cidr(row.range, range));
        CHECK(contains(range, row.ip) == row.inside);
    }
    Cidr range;
    for (std::string_view bad : {"10.0.0.0/33", "10.0.0/8", "x", "10.0.0.0/-1", ""})
        CHECK_FALSE(parse_cidr(bad, range));
}

TEST_CASE("regular expressions in conditions") {
    RuleCondition condition;
    condition.regex_values = {"^/v\\d+/(?:a|b)$"};
    CompiledCondition compiled;
    REQUIRE(compile(condition, compiled));
    RequestFacts facts;
    facts.path = "/v12/b";
    CHECK(matches(compiled, facts));
    facts.path = "/v/b";
    CHECK_FALSE(matches(compiled, facts));
    condition.regex_values = {"("};
    CHECK_FALSE(compile(condition, compiled));
}

TEST_CASE("desync tiers and verdicts (§11)") {
    using http::Anomaly;
    struct Row {
        std::vector<Anomaly> anomalies;
        http::HeaderList headers;
        Tier tier;
        std::string_view reason;
    };
    const Row rows[] = {
        {{}, {}, Tier::Compliant, ""},
        {{Anomaly::BareLf}, {}, Tier::Acceptable, "NonCrLfLineTermination"},
        {{Anomaly::GetOrHeadZeroContentLength},
         {{"Content-Length", "0"}},
         Tier::Acceptable,
         "GetHeadZeroContentLength"},
        {{Anomaly::GetOrHeadWithBody},
         {{"Content-Length", "1"}},
         Tier::Ambiguous,
         "UndefinedContentLengthSemantics"},
        {{Anomaly::GetOrHeadWithBody},
         {{"Transfer-Encoding", "chunked"}},
         Tier::Ambiguous,
         "UndefinedTransferEncodingSemantics"},
        {{Anomaly::ContentLengthAndTransferEncoding},
         {{"Content-Length", "1"}, {"Transfer-Encoding", "chunked"}},
         Tier::Ambiguous,
         "BothTeClPresent"},
        {{Anomaly::BareLf, Anomaly::MultipleContentLength},
         {{"Content-Length", "1"}, {"Content-Length", "1"}},
         Tier::Ambiguous,
         "DuplicateContentLength"},
        {{Anomaly::ConflictingContentLength},
         {{"Content-Length", "1"}, {"Content-Length", "2"}},
         Tier::Severe,
         "MultipleContentLength"},
        {{Anomaly::BadTransferEncoding},
         {{"Transfer-Encoding", "foo"}},
         Tier::Severe,
         "BadTransferEncoding"},
        {{Anomaly::BadTransferEncoding},
         {{"Transfer-Encoding", "gzip, chunked"}},
         Tier::Compliant,
         ""},
        {{Anomaly::MultipleTransferEncoding, Anomaly::BadTransferEncoding},
         {{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
         Tier::Severe,
         "MultipleTransferEncodingChunked"},
        {{Anomaly::BadHeaderName}, {{"bad(name", "1"}}, Tier::Acceptable, "NonCompliantHeader"},
        {{Anomaly::BadHeaderName}, {{"Content_Length", "1"}}, Tier::Ambiguous, "SuspiciousHeader"},
        {{Anomaly::BadHeaderName},
         {{"Transfer-Encod\xc4\xb1ng", "chunked"}, {"Content-Length", "3"}},
         Tier::Severe,
         "SuspiciousTeClPresent"},
        {{Anomaly::BadHeaderValue}, {{"X", std::string("a\0b", 3)}}, Tier::Severe, "BadHeader"},
        {{Anomaly::BadHeaderValue},
         {{"X",
           "a\x01"
           "b"}},
         Tier::Acceptable,
         "NonCompliantHeader"},
        {{}, {{"X", "caf\xc3\xa9"}}, Tier::Acceptable, "NonCompliantHeader"},
        {{Anomaly::ObsFold}, {}, Tier::Ambiguous, "MultilineHeader"},
    };
    for (const Row& row : rows) {
        http::RequestHead head;
        head.method = "GET";
        head.target = "/";
        head.headers = row.headers;
        head.anomalies = row.anomalies;
        Classification found = classify(head);
        INFO(row.reason);
        CHECK(found.tier == row.tier);
        CHECK(found.reason == row.reason);
    }
    CHECK(verdict(DesyncMode::Monitor, Tier::Severe) == Verdict::Forward);
    CHECK(verdict(DesyncMode::Defensive, Tier::Acceptable) == Verdict::Forward);
    CHECK(verdict(DesyncMode::Defensive, Tier::Ambiguous) == Verdict::ForwardThenClose);
    CHECK(verdict(DesyncMode::Defensive, Tier::Severe) == Verdict::Refuse);
    CHECK(verdict(DesyncMode::Strictest, Tier::Acceptable) == Verdict::Refuse);
}

TEST_CASE("trace header table (#20, #21, #22)") {
    base::Time now(base::seconds(0x67891233));
    struct Row {
        std::string incoming, outgoing;
    };
    const std::string id = "1-67891233-0123456789abcdef01234567";
    const Row rows[] = {
        {"", "Root=" + id},
        {"Root=1-a-b", "Self=" + id + ";Root=1-a-b"},
        {"Self=1-x-y;Root=1-a-b;C=d", "Self=" + id + ";Root=1-a-b;C=d"},
        {"C=d;E=f", "Root=" + id + ";C=d;E=f"},
        {"Root=1-a-b;" + std::string(8000, 'x'), "Root=" + id},
    };
    for (const Row& row : rows)
        CHECK(next_trace_header(row.incoming, now, "0123456789abcdef01234567") == row.outgoing);
}

TEST_CASE("redirect templates (#45, #46)") {
    RedirectFacts facts{Protocol::Http, "a.test", 80, "/p/q", "x=1"};
    RedirectAction action;
    action.protocol = "HTTPS";
    action.port = "443";
    CHECK(redirect_location(action, facts) == "https://a.test:443/p/q?x=1");
    action.host = "www.#{host}";
    action.path = "/new/#{path}/#{port}";
    action.query = "#{query}&y=2";
    CHECK(redirect_location(action, facts) == "https://www.a.test:443/new/p/q/80?x=1&y=2");
    // What the client wrote is not expanded.
    facts.path = "/#{query}";
    action.path = "/#{path}";
    action.query = "";
    CHECK(redirect_location(action, facts) == "https://www.a.test:443/#{query}");
}

TEST_CASE("pages have the lengths of the table (§9)") {
    struct Row {
        int status;
        size_t length;
    };
    for (const Row& row :
         {Row{400, 122}, Row{401, 144}, Row{403, 118}, Row{405, 122}, Row{408, 132}, Row{413, 148},
          Row{414, 142}, Row{500, 142}, Row{501, 130}, Row{502, 122}, Row{503, 162}, Row{504, 132},
          Row{505, 152}, Row{507, 140}, Row{463, 0}, Row{464, 0}})
        CHECK(error_answer(row.status, "curl", {}).body.size() == row.length);
    CHECK(error_answer(502, "Mozilla/4.0 (compatible; MSIE 6.0)", {}).body.size() == 524);
    CHECK(redirect_answer(302, "x", {}).body.size() == 110);
}

namespace {

// A group with targets in given states: h healthy, u unhealthy, i initial, d draining.
RoutedGroup group_of(std::string_view states) {
    RoutedGroup group;
    group.group.name = "tg";
    group.live = std::make_shared<LiveGroup>();
    for (size_t i = 0; i < states.size(); ++i) {
        RoutedTarget target;
        target.address = std::string(1, static_cast<char>('a' + i));
        target.live = std::make_shared<LiveTarget>();
        if (states[i] == 'd') target.target.draining_since = base::Time(base::seconds(1));
        target.live->update([&](HealthRecord& record) {
            record.shown.state = states[i] == 'h'   ? HealthState::Healthy
                                 : states[i] == 'u' ? HealthState::Unhealthy
                                                    : HealthState::Initial;
        });
        group.targets.push_back(std::move(target));
    }
    return group;
}

std::string four_choices(const RoutedGroup& group, std::string_view sticky = {}) {
    std::string out;
    for (int i = 0; i < 4; ++i) {
        TargetChoice choice =
            choose_target(group, {sticky, base::Time(base::seconds(100)), 0.5, 1});
        out += choice.target ? choice.target->address : "-";
    }
    return out;
}

}  // namespace

TEST_CASE("which target (#53, #62, #63)") {
    struct Row {
        std::string_view states, sticky, chosen;
    };
    const Row rows[] = {
        {"hh", "", "abab"},
        {"huh", "", "acac"},
        {"hih", "", "acac"},  // initial ones wait while a
                              // healthy one exists
        {"uu", "", "abab"},
        {"ui", "", "abab"},
        {"i", "", "aaaa"},  // fail open
        {"hd", "", "aaaa"},
        {"dd", "", "----"},
        {"", "", "----"},
        {"hh", "b", "bbbb"},
        {"hu", "b", "aaaa"},
        {"hd", "b", "aaaa"},
        {"uu", "b", "bbbb"},
    };
    for (const Row& row : rows) {
        INFO(row.states);
        CHECK(four_choices(group_of(row.states), row.sticky) == row.chosen);
    }
}

TEST_CASE("minimum healthy targets") {
    RoutedGroup group = group_of("hhu");
    group.settings.minimum_healthy = 3;
    CHECK(choose_target(group, {}).failed_open);
    group.settings.minimum_healthy = 1;
    group.settings.minimum_healthy_percent = 66;
    CHECK_FALSE(choose_target(group, {}).failed_open);
    group.settings.minimum_healthy_percent = 67;
    CHECK(choose_target(group, {}).failed_open);
}

TEST_CASE("least outstanding requests (#54)") {
    RoutedGroup group = group_of("hh");
    group.settings.algorithm = Algorithm::LeastOutstandingRequests;
    LiveTarget::Claim busy(*group.targets[0].live);
    CHECK(four_choices(group) == "bbbb");
}

TEST_CASE("slow start grows linearly") {
    base::Time start(base::seconds(100));
    CHECK(slow_start_share(start, start + 50s, 100s) == Approx(0.5));
    CHECK(slow_start_share(start, start + 200s, 100s) == 1);
    RoutedGroup group = group_of("hh");
    group.settings.slow_start = 100s;
    group.targets[1].live->update([&](HealthRecord& record) { record.slow_start_since = start; });
    // 30 of 100 seconds: the new target gets a turn when the roll is below 0.3.
    auto choose = [&](double roll) {
        group.live->cursor = 1;
        return choose_target(group, {"", start + 30s, roll, 1}).target->address;
    };
    CHECK(choose(0.2) == "b");
    CHECK(choose(0.4) == "a");
}

TEST_CASE("weights (#48)") {
    RoutedRule rule;
    for (int weight : {80, 20, 0}) {
        auto group = std::make_shared<RoutedGroup>();
        group->group.arn = std::to_string(weight);
        rule.forwards.push_back({group, weight});
    }
    std::map<std::string, int> counts;
    for (uint64_t roll = 0; roll < 1000; ++roll)
        ++counts[choose_group(rule, "", roll).forward->group->group.arn];
    CHECK(counts["80"] == 800);
    CHECK(counts["20"] == 200);
    CHECK(counts["0"] == 0);
    CHECK(choose_group(rule, "20", 0).forward->group->group.arn == "20");
    for (RoutedForward& forward : rule.forwards)
        forward.weight = 0;
    CHECK(choose_group(rule, "", 0).forward == nullptr);
}

TEST_CASE("sticky values are bound to scope and time") {
    base::Time now(base::seconds(1000));
    std::string value = make_sticky_value("arn:1", "10.0.0.1:80", now + 60s);
    CHECK(value.size() == 128);
    CHECK(read_sticky_value("arn:1", value, now) == "10.0.0.1:80");
    CHECK_FALSE(read_sticky_value("arn:2", value, now));
    CHECK_FALSE(read_sticky_value("arn:1", value, now + 60s));
    value[3] = value[3] == 'A' ? 'B' : 'A';
    CHECK_FALSE(read_sticky_value("arn:1", value, now));
    CHECK_FALSE(read_sticky_value("arn:1", "", now));
    CHECK_FALSE(read_sticky_value("arn:1", "%41%42", now));
    http::HeaderList headers{{"Cookie", "a=1; AWSALB=xyz; b=2"}};
    CHECK(find_cookie(headers, "AWSALB") == "xyz");
    CHECK(find_cookie(headers, "AWS").empty());
}

TEST_CASE("Host by listener port (§5)") {
    struct Row {
        std::string_view host;
        uint16_t port;
        std::string_view wanted;
    };
    for (const Row& row : {Row{"A.test", 80, "a.test"}, Row{"a.test:99", 443, "a.test"},
                           Row{"a.test", 8080, "a.test:8080"}, Row{"a.test:9", 8080, "a.test:9"},
                           Row{"[::1]:9", 80, "[::1]"}, Row{"[::1]", 81, "[::1]:81"}})
        CHECK(target_host(row.host, row.port) == row.wanted);
}

TEST_CASE("a log line without a target") {
    AccessRecord record;
    record.load_balancer = "app/a/1";
    record.client = "127.0.0.1:1";
    record.status = 400;
    record.connection_trace_id = "TID_0";
    std::string line = access_log_line(record);
    CHECK(line.find(" app/a/1 127.0.0.1:1 - -1 -1 -1 400 - 0 0 \"- http://-:80- -\" \"-\" - - - "
                    "\"-\" \"-\" \"-\" - ") != std::string::npos);
    CHECK(
        access_log_key("p", "1", "r", "app/a/1", base::Time(base::seconds(0)), "127.0.0.1", "x") ==
        "p/AWSLogs/1/elasticloadbalancing/r/1970/01/01/"
        "1_elasticloadbalancing_r_app.a.1_19700101T0000Z_127.0.0.1_x.log.gz");
}

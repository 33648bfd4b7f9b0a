// dodam trace: what happened to a request, hop by hop, each decision with its reason.
#include <fmt/format.h>

#include <cstdio>

#include "base/encoding.h"
#include "commands/client.h"
#include "commands/commands.h"

namespace commands {
namespace {

using base::Node;

std::string milliseconds(int64_t us) {
    return fmt::format("{:.1f} ms", static_cast<double>(us) / 1000);
}

void print_hop(const Node& span, const std::string& indent) {
    fmt::print("{}{:<6} {} {}{} → {}   {}   {}\n", indent, span["hop"].as_string(),
               span["method"].as_string(), span["host"].as_string(), span["target"].as_string(),
               span["status"].as_int(), milliseconds(span["took_us"].as_int()),
               span["resource"].as_string());
    for (const Node& decision : span["decisions"].items())
        fmt::print("{}       {:<14} {}\n", indent, decision["key"].as_string(),
                   decision["text"].as_string());
}

// A hop stands below the one whose id it carries as its parent.
void print_tree(const std::vector<Node>& spans, const std::string& parent,
                const std::string& indent) {
    for (const Node& span : spans) {
        if (span["parent"].as_string() != parent) continue;
        print_hop(span, indent);
        if (const std::string& id = span["id"].as_string(); !id.empty() && id != parent)
            print_tree(spans, id, indent + "  ");
    }
}

int trace(const Arguments& arguments) {
    auto count = count_of(arguments, "number", 20);
    if (!count) return count.error();
    auto client = Client::find(arguments);
    if (!client) return client.error();
    const bool one = !arguments.positional.empty();
    auto answer = client->get(one ? "/traces?id=" + base::percent_encode(arguments.positional[0])
                                  : fmt::format("/traces?n={}", *count));
    if (!answer) return fail(answer.error());
    const auto& spans = (*answer)["spans"].items();
    if (arguments.has("json")) {
        fmt::print("{}\n", base::to_json((*answer)["spans"], 2));
        return kOk;
    }
    if (spans.empty())
        return fail(kWrongInput,
                    one ? fmt::format("no request carries the id {}; it is the answer's "
                                      "x-amz-cf-id, x-amzn-trace-id or "
                                      "x-amz-request-id, and only recent requests are kept",
                                      arguments.positional[0])
                        : "no request has been served yet");
    if (one) {
        // Roots: spans whose parent is not among those shown.
        for (const Node& span : spans) {
            bool has_parent = false;
            for (const Node& other : spans)
                has_parent = has_parent || (!span["parent"].as_string().empty() &&
                                            other["id"].as_string() == span["parent"].as_string());
            if (has_parent) continue;
            print_hop(span, "");
            if (!span["id"].as_string().empty()) print_tree(spans, span["id"].as_string(), "  ");
        }
        return kOk;
    }
    for (auto span = spans.rbegin(); span != spans.rend(); ++span)
        fmt::print("{:<6} {:>3} {:>9}  {} {}{}  {}\n", (*span)["hop"].as_string(),
                   (*span)["status"].as_int(), milliseconds((*span)["took_us"].as_int()),
                   (*span)["method"].as_string(), (*span)["host"].as_string(),
                   (*span)["target"].as_string(), (*span)["id"].as_string());
    return kOk;
}

constexpr Flag kFlags[] = {{"-f,--file", "FILE", "the stack file whose instance is meant"},
                           kStateFlag,
                           kJsonFlag,
                           {"-n,--number", "N", "how many of the last requests to list", "20"}};

}  // namespace

const Command kTrace{
    "trace",
    "Explain a request hop by hop, or list the last ones",
    "[ID]",
    kFlags,
    "  dodam trace                      the last requests, with their ids\n"
    "  dodam trace Yk3f…                one of them: what each hop decided, and why\n",
    trace};

}  // namespace commands

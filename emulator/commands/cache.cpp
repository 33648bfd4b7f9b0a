// dodam cache: what the edge holds, why a URL would hit or miss, and what invalidations removed.
#include <fmt/format.h>

#include <cstdio>

#include "base/encoding.h"
#include "commands/client.h"
#include "commands/commands.h"

namespace commands {
namespace {

using base::Node;

int cache(const Arguments& arguments) {
    auto client = Client::find(arguments);
    if (!client) return client.error();
    std::string query =
        "/cache?action=" +
        base::percent_encode(arguments.positional.empty() ? "ls" : arguments.positional[0]);
    if (arguments.positional.size() > 1)
        query += "&url=" + base::percent_encode(arguments.positional[1]);
    if (arguments.has("header"))
        query += "&headers=" + base::percent_encode(arguments.get("header"));
    auto answer = client->get(query);
    if (!answer) return fail(answer.error());
    if (arguments.has("json"))
        fmt::print("{}\n", base::to_json(*answer, 2));
    else
        for (const Node& line : (*answer)["lines"].items())
            fmt::print("{}\n", line.as_string());
    return kOk;
}

constexpr Flag kFlags[] = {
    {"-f,--file", "FILE", "the stack file whose instance is meant"},
    kStateFlag,
    kJsonFlag,
    {"-H,--header", "NAME: VALUE", "a header of the request that why asks about; repeats"}};

}  // namespace

const Command kCache{
    "cache",
    "List or explain what the edge holds",
    "[ls|show|why|invalidations] [URL or DISTRIBUTION]",
    kFlags,
    "  dodam cache ls front                     what is held of one distribution\n"
    "  dodam cache show front:/app.js           each variant held of a URL, with its headers\n"
    "  dodam cache why front:/app.js -H 'Accept-Encoding: br'\n"
    "                                           behavior, key, and what its next request would "
    "get\n"
    "  dodam cache invalidations front          what each path removed\n",
    cache};

}  // namespace commands

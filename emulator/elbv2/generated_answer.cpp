// See generated_answer.h. alb.md §9. Header order: Server, Date, Content-Type, Content-Length,
// Connection, then Location. `Connection` stands in its place; the server writes its value.
#include "elbv2/generated_answer.h"

#include "base/date.h"

namespace elbv2 {
namespace {

struct Phrase {
    int status;
    std::string_view text;
};
constexpr Phrase kPhrases[] = {
    {301, "Moved Permanently"},
    {302, "Found"},
    {400, "Bad Request"},
    {401, "Authorization Required"},
    {403, "Forbidden"},
    {405, "Not Allowed"},
    {408, "Request Time-out"},
    {413, "Request Entity Too Large"},
    {414, "Request-URI Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Temporarily Unavailable"},
    {504, "Gateway Time-out"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

constexpr std::string_view kPaddingLine =
    "<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n";
constexpr int kPaddingLines = 6;

std::string page(std::string_view title) {
    std::string out;
    out.append("<html>\r\n<head><title>")
        .append(title)
        .append("</title></head>\r\n<body>\r\n<center><h1>");
    return out.append(title).append("</h1></center>\r\n</body>\r\n</html>\r\n");
}

bool shows_friendly_pages(std::string_view user_agent) {
    return user_agent.find("MSIE ") != std::string_view::npos ||
           user_agent.find("Chrome/") != std::string_view::npos;
}

GeneratedAnswer answer(int status, std::string_view content_type, std::string body,
                       base::Time now) {
    GeneratedAnswer answer;
    answer.head.status = status;
    answer.head.reason = phrase_of(status);
    answer.head.headers.add("Server", "awselb/2.0");
    answer.head.headers.add("Date", base::http_date(now));
    if (!content_type.empty()) answer.head.headers.add("Content-Type", content_type);
    answer.head.headers.add("Content-Length", std::to_string(body.size()));
    answer.head.headers.add("Connection", "keep-alive");
    answer.body = std::move(body);
    return answer;
}

}  // namespace

std::string_view phrase_of(int status) {
    for (const Phrase& phrase : kPhrases)
        if (phrase.status == status) return phrase.text;
    return {};
}

GeneratedAnswer error_answer(int status, std::string_view user_agent, base::Time now) {
    std::string_view phrase = phrase_of(status);
    // GUESS: codes of the balancer's own (463, 464) have an empty phrase and no body.
    if (phrase.empty()) return answer(status, "", "", now);
    std::string body = page(std::to_string(status) + " " + std::string(phrase));
    if (shows_friendly_pages(user_agent))
        for (int i = 0; i < kPaddingLines; ++i)
            body += kPaddingLine;
    return answer(status, "text/html", std::move(body), now);
}

GeneratedAnswer redirect_answer(int status, std::string_view location, base::Time now) {
    GeneratedAnswer redirect =
        answer(status, "text/html",
               page(std::to_string(status) + " " + std::string(phrase_of(status))), now);
    redirect.head.headers.add("Location", location);
    return redirect;
}

GeneratedAnswer fixed_answer(const FixedResponseAction& action, base::Time now) {
    // GUESS: the type carries a charset; no page around the body and no padding.
    std::string type = action.content_type.empty() ? "text/plain" : action.content_type;
    return answer(action.status, type + "; charset=utf-8", action.body, now);
}

}  // namespace elbv2

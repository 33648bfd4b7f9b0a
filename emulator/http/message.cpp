#include "http/message.h"

#include <algorithm>

#include "base/text.h"

namespace http {

namespace {

bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && base::equals_ignoring_case(a, b);
}

}  // namespace

const std::string* HeaderList::find(std::string_view name) const {
    for (const auto& header : headers_) {
        if (same(header.name, name)) return &header.value;
    }
    return nullptr;
}

std::string_view HeaderList::get(std::string_view name) const {
    const std::string* value = find(name);
    return value ? std::string_view(*value) : std::string_view();
}

std::vector<std::string_view> HeaderList::all(std::string_view name) const {
    std::vector<std::string_view> values;
    for (const auto& header : headers_) {
        if (same(header.name, name)) values.push_back(header.value);
    }
    return values;
}

std::string HeaderList::joined(std::string_view name) const {
    std::string text;
    bool first = true;
    for (const auto& header : headers_) {
        if (!same(header.name, name)) continue;
        if (!first) text += ", ";
        text += header.value;
        first = false;
    }
    return text;
}

void HeaderList::add(std::string_view name, std::string_view value) {
    headers_.emplace_back(std::string(name), std::string(value));
}

void HeaderList::set(std::string_view name, std::string_view value) {
    const auto first = std::ranges::find_if(
        headers_, [&](const Header& header) { return same(header.name, name); });
    if (first == headers_.end()) return add(name, value);
    first->value = value;
    headers_.erase(std::remove_if(first + 1, headers_.end(),
                                  [&](const Header& header) { return same(header.name, name); }),
                   headers_.end());
}

size_t HeaderList::remove(std::string_view name) {
    return std::erase_if(headers_, [&](const Header& header) { return same(header.name, name); });
}

size_t HeaderList::wire_bytes() const {
    size_t bytes = 0;
    for (const auto& header : headers_)
        bytes += header.name.size() + header.value.size() + 4;
    return bytes;
}

std::string_view name_of(Anomaly anomaly) {
    switch (anomaly) {
        case Anomaly::BareLf: return "BareLf";
        case Anomaly::BareCr: return "BareCr";
        case Anomaly::ObsFold: return "ObsFold";
        case Anomaly::SpaceBeforeColon: return "SpaceBeforeColon";
        case Anomaly::EmptyHeaderName: return "EmptyHeaderName";
        case Anomaly::BadHeaderName: return "BadHeaderName";
        case Anomaly::BadHeaderValue: return "BadHeaderValue";
        case Anomaly::HeaderWithoutColon: return "HeaderWithoutColon";
        case Anomaly::BadMethod: return "BadMethod";
        case Anomaly::BadTarget: return "BadTarget";
        case Anomaly::NonAsciiTarget: return "NonAsciiTarget";
        case Anomaly::Http09: return "Http09";
        case Anomaly::BadVersion: return "BadVersion";
        case Anomaly::BadStatusLine: return "BadStatusLine";
        case Anomaly::MultipleHosts: return "MultipleHosts";
        case Anomaly::MissingHost: return "MissingHost";
        case Anomaly::BadHost: return "BadHost";
        case Anomaly::MultipleContentLength: return "MultipleContentLength";
        case Anomaly::ConflictingContentLength: return "ConflictingContentLength";
        case Anomaly::BadContentLength: return "BadContentLength";
        case Anomaly::ContentLengthAndTransferEncoding: return "ContentLengthAndTransferEncoding";
        case Anomaly::BadTransferEncoding: return "BadTransferEncoding";
        case Anomaly::MultipleTransferEncoding: return "MultipleTransferEncoding";
        case Anomaly::TransferEncodingInHttp10: return "TransferEncodingInHttp10";
        case Anomaly::GetOrHeadWithBody: return "GetOrHeadWithBody";
        case Anomaly::GetOrHeadZeroContentLength: return "GetOrHeadZeroContentLength";
        case Anomaly::UndefinedContentLength: return "UndefinedContentLength";
        case Anomaly::HeaderTooLarge: return "HeaderTooLarge";
        case Anomaly::HeadTooLarge: return "HeadTooLarge";
        case Anomaly::TargetTooLong: return "TargetTooLong";
    }
    return "";
}

std::string_view RequestHead::query() const {
    const size_t mark = target.find('?');
    return mark == target.npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

bool RequestHead::has(Anomaly anomaly) const {
    return std::ranges::find(anomalies, anomaly) != anomalies.end();
}

std::string_view standard_reason(int status) {
    switch (status) {
        case 100: return "Continue";
        case 101: return "Switching Protocols";
        case 103: return "Early Hints";
        case 200: return "OK";
        case 201: return "Created";
        case 202: return "Accepted";
        case 203: return "Non-Authoritative Information";
        case 204: return "No Content";
        case 205: return "Reset Content";
        case 206: return "Partial Content";
        case 300: return "Multiple Choices";
        case 301: return "Moved Permanently";
        case 302: return "Found";
        case 303: return "See Other";
        case 304: return "Not Modified";
        case 305: return "Use Proxy";
        case 307: return "Temporary Redirect";
        case 308: return "Permanent Redirect";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 402: return "Payment Required";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 406: return "Not Acceptable";
        case 407: return "Proxy Authentication Required";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 410: return "Gone";
        case 411: return "Length Required";
        case 412: return "Precondition Failed";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 415: return "Unsupported Media Type";
        case 416: return "Range Not Satisfiable";
        case 417: return "Expectation Failed";
        case 418: return "I'm a teapot";
        case 421: return "Misdirected Request";
        case 422: return "Unprocessable Content";
        case 425: return "Too Early";
        case 426: return "Upgrade Required";
        case 428: return "Precondition Required";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 451: return "Unavailable For Legal Reasons";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        case 505: return "HTTP Version Not Supported";
        case 507: return "Insufficient Storage";
        case 511: return "Network Authentication Required";
        default: return "";
    }
}

}  // namespace http

// The file: a line with the format's version; entries, each after a byte 1; a byte 0 and the number
// of entries; the SHA-256 of everything before it. Numbers are 8 bytes, the least significant
// first; texts have their length before them.
#include "cloudfront/cache_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "base/digest.h"
#include "base/result.h"
#include "base/text.h"
#include "cloudfront/limits.h"
#include "cloudfront/viewer_response.h"
#include "http/http1.h"

namespace cloudfront {
namespace {

constexpr std::string_view kFormat = "dodam edge cache ";
constexpr std::string_view kVersion = "1";
constexpr size_t kDigestBytes = 32;
constexpr size_t kMaxTextBytes = 1 << 20;
constexpr uint64_t kMaxHeaders = 1000;
constexpr size_t kBufferBytes = 256 << 10;
constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
// A hundred years either way: what is further from now is no time that an edge had in mind.
constexpr int64_t kMaxDistance = 100LL * 366 * 86'400 * 1'000'000;

int64_t distance(Time time, Time now) {
    return time == Time::max() ? kForever : (time - now).count();
}

// Why no edge would hold this; "" = it might. What is served from memory must be what the parser of
// an origin's answer lets through, or a file could split the answers of a connection.
std::string why_not(const CacheEntry& entry) {
    const std::string_view key = entry.key.text;
    if (entry.key.path_begin < 2 || entry.key.path_end <= entry.key.path_begin ||
        key[entry.key.path_begin] != '/')
        return "its key has no distribution and path";
    if (entry.status < 200 || entry.status > 599)
        return fmt::format("its status is {}", entry.status);
    for (const http::Header& header : entry.headers)
        if (!http::http1::is_token(header.name) || std::ranges::any_of(header.value, [](char c) {
                return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
            }))
            return "a header is none";
    if (entry.headers.has("Transfer-Encoding")) return "it has a Transfer-Encoding";
    if (!entry.range.empty() && !parse_content_range(entry.range)) return "it is part of no range";
    if (entry.range.empty() != (entry.status != 206))
        return "a part's status is 206, only a part's";
    for (std::string_view length : entry.headers.all("Content-Length"))
        if (!entry.body || base::parse_unsigned(length) != entry.body->size_bytes())
            return "its Content-Length is not its body's";
    return {};
}

class Writer {
  public:
    explicit Writer(int descriptor) : descriptor_(descriptor) {}
    ~Writer() { ::close(descriptor_); }
    void bytes(std::string_view bytes) {
        buffer_ += bytes;
        if (buffer_.size() >= kBufferBytes) flush();
    }
    void number(uint64_t value) {
        std::array<char, 8> out;
        for (char& byte : out) {
            byte = static_cast<char>(value & 0xff);
            value >>= 8;
        }
        bytes({out.data(), out.size()});
    }
    void text(std::string_view text) {
        number(text.size());
        bytes(text);
    }
    bool finish() {
        flush();
        buffer_ = digest_.finish();
        write_out();
        return good_;
    }

  private:
    void flush() {
        digest_.update(buffer_);
        write_out();
    }
    void write_out() {
        std::string_view rest = buffer_;
        while (good_ && !rest.empty()) {
            const ssize_t wrote = ::write(descriptor_, rest.data(), rest.size());
            if (wrote < 0 && errno == EINTR) continue;
            good_ = wrote > 0;
            if (good_) rest.remove_prefix(static_cast<size_t>(wrote));
        }
        buffer_.clear();
    }
    int descriptor_;
    std::string buffer_;
    base::Digest digest_{base::DigestKind::Sha256};
    bool good_ = true;
};

// Fails once and for all at the end of what the file may hold.
class Reader {
  public:
    Reader(int descriptor, uint64_t end) : descriptor_(descriptor), end_(end) {}

    bool bytes(char* into, size_t count) {
        if (count > end_ - at_) return good_ = false;
        while (good_ && count > 0) {
            const ssize_t got = ::pread(descriptor_, into, count, static_cast<off_t>(at_));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return good_ = false;
            at_ += static_cast<uint64_t>(got);
            into += got;
            count -= static_cast<size_t>(got);
        }
        return good_;
    }
    uint64_t number() {
        std::array<char, 8> in{};
        bytes(in.data(), in.size());
        uint64_t value = 0;
        for (size_t i = in.size(); i-- > 0;)
            value = value << 8 | static_cast<unsigned char>(in[i]);
        return value;
    }
    std::string text() {
        const uint64_t size = number();
        if (size > kMaxTextBytes || size > left()) good_ = false;
        std::string out(good_ ? size : 0, '\0');
        bytes(out.data(), out.size());
        return out;
    }
    bool flag() {
        char byte = 0;
        bytes(&byte, 1);
        return byte != 0;
    }
    uint64_t left() const { return end_ - at_; }
    uint64_t at() const { return at_; }
    bool good() const { return good_; }

  private:
    int descriptor_;
    uint64_t at_ = 0, end_;
    bool good_ = true;
};

struct Descriptor {
    int number;
    ~Descriptor() {
        if (number >= 0) ::close(number);
    }
};

void write_entry(Writer& out, const CacheEntry& entry, Time now) {
    for (std::string_view text : {std::string_view(entry.key.text), std::string_view(entry.pattern),
                                  std::string_view(entry.range), std::string_view(entry.etag),
                                  std::string_view(entry.last_modified),
                                  std::string_view(entry.why), std::string_view(entry.origin)})
        out.text(text);
    out.number(static_cast<uint64_t>(entry.status));
    out.number(entry.headers.size());
    for (const http::Header& header : entry.headers) {
        out.text(header.name);
        out.text(header.value);
    }
    for (Time time : {entry.fetched, entry.fresh_until, entry.stale_while_revalidate_until,
                      entry.stale_if_error_until, entry.usable_until,
                      Time(base::microseconds(entry.retry_after.load()))})
        out.number(static_cast<uint64_t>(distance(time, now)));
    out.number(entry.hits.load());
    out.bytes({entry.body ? "\1" : "\0", 1});
}

bool write_body(Writer& out, const StoredBody& body) {
    uint64_t left = body.size_bytes();
    out.number(left);
    std::string buffer(std::min<uint64_t>(left, kBufferBytes), '\0');
    for (uint64_t at = 0; left > 0;) {
        const auto piece = body.read(at, {buffer.data(), std::min<uint64_t>(left, buffer.size())},
                                     net::Deadline::after(std::chrono::milliseconds(0)));
        if (piece.bytes == 0) return false;
        out.bytes({buffer.data(), piece.bytes});
        at += piece.bytes;
        left -= piece.bytes;
    }
    return true;
}

std::expected<EntryPtr, std::string> read_entry(Reader& in, const std::string& directory,
                                                Time now) {
    auto entry = std::make_shared<CacheEntry>();
    for (std::string* text : {&entry->key.text, &entry->pattern, &entry->range, &entry->etag,
                              &entry->last_modified, &entry->why, &entry->origin})
        *text = in.text();
    const size_t first = entry->key.text.find('\n'),
                 second =
                     entry->key.text.find('\n', first == std::string::npos ? first : first + 1);
    if (second != std::string::npos) {
        entry->key.path_begin = first + 1;
        entry->key.path_end = second;
    }
    entry->status = static_cast<int>(std::min<uint64_t>(in.number(), 1000));
    const uint64_t headers = in.number();
    if (headers > kMaxHeaders) return std::unexpected("it has too many headers");
    for (uint64_t i = 0; in.good() && i < headers; ++i) {
        const std::string name = in.text();
        entry->headers.add(name, in.text());
    }
    Time retry_after;
    for (Time* time : {&entry->fetched, &entry->fresh_until, &entry->stale_while_revalidate_until,
                       &entry->stale_if_error_until, &entry->usable_until, &retry_after}) {
        const auto far = static_cast<int64_t>(in.number());
        if (far != kForever && (far > kMaxDistance || far < -kMaxDistance))
            return std::unexpected("one of its times is out of range");
        *time = far == kForever ? Time::max() : now + base::microseconds(far);
    }
    entry->retry_after = retry_after.time_since_epoch().count();
    entry->hits = in.number();
    if (in.flag()) {
        uint64_t left = in.number();
        if (left > in.left()) return std::unexpected("its body is longer than the file");
        entry->body = std::make_shared<StoredBody>(directory);
        std::string buffer(std::min<uint64_t>(left, kBufferBytes), '\0');
        while (in.good() && left > 0) {
            const size_t take = std::min<uint64_t>(left, buffer.size());
            if (!in.bytes(buffer.data(), take)) break;
            if (!entry->body->append({buffer.data(), take}))
                return std::unexpected(
                    fmt::format("there is no room in {} for its body", directory));
            left -= take;
        }
        entry->body->finish(StoredBody::State::Complete);
    }
    if (!in.good()) return std::unexpected("it is cut short");
    if (std::string problem = why_not(*entry); !problem.empty()) return std::unexpected(problem);
    return entry;
}

// The version first, so that a later format is called one; then every byte.
std::expected<void, std::string> check_whole(int descriptor, uint64_t size,
                                             const std::string& file) {
    const size_t line = kFormat.size() + kVersion.size() + 1;
    std::string head(std::min<uint64_t>(size, line + 16), '\0');
    Reader(descriptor, size).bytes(head.data(), head.size());
    if (!head.starts_with(kFormat) || head.find('\n') == std::string::npos)
        return std::unexpected(fmt::format("{} is no edge cache that dodam saved", file));
    const std::string version = head.substr(kFormat.size(), head.find('\n') - kFormat.size());
    if (version != kVersion)
        return std::unexpected(fmt::format(
            "{} has format {}, this dodam reads {}: load it with the dodam that saved it", file,
            version, kVersion));
    const std::string damaged = fmt::format(
        "{} is damaged or was changed: its checksum is another; save the snapshot again", file);
    if (size < line + 1 + 8 + kDigestBytes) return std::unexpected(damaged);
    base::Digest digest(base::DigestKind::Sha256);
    Reader in(descriptor, size);
    std::string buffer(kBufferBytes, '\0');
    while (in.left() > kDigestBytes) {
        const size_t take = std::min<uint64_t>(in.left() - kDigestBytes, buffer.size());
        if (!in.bytes(buffer.data(), take)) return std::unexpected(damaged);
        digest.update({buffer.data(), take});
    }
    std::string stated(kDigestBytes, '\0');
    if (!in.bytes(stated.data(), stated.size()) || digest.finish() != stated)
        return std::unexpected(damaged);
    return {};
}

}  // namespace

std::expected<size_t, std::string> write_cache_file(const std::string& file,
                                                    const std::vector<EntryPtr>& entries,
                                                    Time now) {
    const int descriptor =
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0)
        return std::unexpected(fmt::format("cannot write {}: {}", file, std::strerror(errno)));
    Writer out(descriptor);
    out.bytes(fmt::format("{}{}\n", kFormat, kVersion));
    size_t count = 0;
    for (const EntryPtr& entry : entries) {
        if (entry->body && !entry->body->is_complete()) continue;
        if (!why_not(*entry).empty()) continue;
        out.bytes("\1");
        write_entry(out, *entry, now);
        if (entry->body && !write_body(out, *entry->body))
            return std::unexpected(fmt::format("a body of {} cannot be read", entry->key.path()));
        ++count;
    }
    out.bytes({"\0", 1});
    out.number(count);
    if (!out.finish())
        return std::unexpected(fmt::format("cannot write {}: {}", file, std::strerror(errno)));
    return count;
}

std::expected<void, std::string> read_cache_file(const std::string& file, Cache& into, Time now) {
    const Descriptor opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    struct stat about{};
    if (opened.number < 0 || ::fstat(opened.number, &about) != 0)
        return std::unexpected(fmt::format("cannot read {}: {}", file, std::strerror(errno)));
    if (!S_ISREG(about.st_mode))
        return std::unexpected(fmt::format("{} is no edge cache that dodam saved", file));
    const auto size = static_cast<uint64_t>(about.st_size);
    TRY(check_whole(opened.number, size, file));
    Reader in(opened.number, size - kDigestBytes);
    std::string head(kFormat.size() + kVersion.size() + 1, '\0');
    in.bytes(head.data(), head.size());
    uint64_t count = 0;
    while (in.flag()) {
        auto entry = read_entry(in, into.budget().directory, now);
        if (!entry)
            return std::unexpected(
                fmt::format("{} cannot be loaded: entry {}: {}", file, count + 1, entry.error()));
        into.store(*entry, into.epoch());
        ++count;
    }
    if (const uint64_t stated = in.number(); !in.good() || stated != count || in.left() > 0)
        return std::unexpected(fmt::format(
            "{} cannot be loaded: it holds {} entries and says otherwise", file, count));
    return {};
}

}  // namespace cloudfront

// Spans packed into a circular buffer, and read back. A record: its size, the fixed numbers, the
// texts (each a 32-bit length and its bytes), the decisions.
#include "base/trace.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/date.h"

namespace base {

namespace {

struct Fixed {
    uint32_t size_bytes;
    int32_t status;
    uint64_t sequence;
    uint64_t sent_bytes;
    int64_t started;
    int64_t took;
    uint32_t decisions;
};

// The texts in their order within a record: the ids first, which searches look at.
template <class SpanType>
auto texts_of(SpanType& span) {
    return std::array{&span.id,       &span.parent, &span.peer, &span.hop,
                      &span.resource, &span.method, &span.host, &span.target};
}

std::string_view cut_text(std::string_view text) {
    return text.substr(0, kMaxTraceText);
}

size_t packed_text(std::string_view text) {
    return sizeof(uint32_t) + cut_text(text).size();
}

size_t decisions_kept(const Span& span) {
    return std::min(span.decisions.size(), kMaxTraceDecisions);
}

size_t packed_size(const Span& span) {
    size_t size = sizeof(Fixed);
    for (const std::string* text : texts_of(span))
        size += packed_text(*text);
    for (size_t i = 0; i < decisions_kept(span); ++i)
        size += packed_text(span.decisions[i].key) + packed_text(span.decisions[i].text) +
                sizeof(int64_t);
    return size;
}

class Packer {
  public:
    explicit Packer(char* at) : at_(at) {}
    template <class T>
    void number(const T& value) {
        std::memcpy(at_, &value, sizeof value);
        at_ += sizeof value;
    }
    void text(std::string_view text) {
        text = cut_text(text);
        number(static_cast<uint32_t>(text.size()));
        std::memcpy(at_, text.data(), text.size());
        at_ += text.size();
    }

  private:
    char* at_;
};

class Unpacker {
  public:
    explicit Unpacker(const char* at) : at_(at) {}
    template <class T>
    T number() {
        T value;
        std::memcpy(&value, at_, sizeof value);
        at_ += sizeof value;
        return value;
    }
    std::string_view text() {
        auto size = number<uint32_t>();
        std::string_view text(at_, size);
        at_ += size;
        return text;
    }

  private:
    const char* at_;
};

void pack(const Span& span, uint64_t sequence, size_t size_bytes, char* into) {
    Packer out(into);
    out.number(Fixed{static_cast<uint32_t>(size_bytes), span.status, sequence, span.sent_bytes,
                     span.started.time_since_epoch().count(), span.took.count(),
                     static_cast<uint32_t>(decisions_kept(span))});
    for (const std::string* text : texts_of(span))
        out.text(*text);
    for (size_t i = 0; i < decisions_kept(span); ++i) {
        out.text(span.decisions[i].key);
        out.text(span.decisions[i].text);
        out.number(span.decisions[i].at.count());
    }
}

Span unpack(const char* from) {
    Unpacker in(from);
    auto fixed = in.number<Fixed>();
    Span span;
    span.sequence = fixed.sequence;
    span.status = fixed.status;
    span.sent_bytes = fixed.sent_bytes;
    span.started = Time(microseconds(fixed.started));
    span.took = microseconds(fixed.took);
    for (std::string* text : texts_of(span))
        *text = in.text();
    span.decisions.reserve(fixed.decisions);
    for (uint32_t i = 0; i < fixed.decisions; ++i) {
        Decision decision;
        decision.key = in.text();
        decision.text = in.text();
        decision.at = microseconds(in.number<int64_t>());
        span.decisions.push_back(std::move(decision));
    }
    return span;
}

bool id_matches(std::string_view id, std::string_view wanted) {
    constexpr size_t kShortestPrefix = 6;
    return id == wanted || (wanted.size() >= kShortestPrefix && id.starts_with(wanted));
}

}  // namespace

size_t Span::size_bytes() const {
    return packed_size(*this);
}

// Where the next record goes: behind the newest, or at the front when it would not fit before the
// end. The oldest spans in the way are dropped.
size_t TraceRing::make_room(size_t size_bytes) {
    if (!bytes_) bytes_ = std::make_unique_for_overwrite<char[]>(budget_bytes_);
    size_t start = end_;
    if (start + size_bytes > budget_bytes_) {
        // Whatever lies between here and the end of the buffer is older than what lies at its
        // front.
        while (!offsets_.empty() && offsets_.front() >= start)
            offsets_.pop_front();
        start = 0;
    }
    while (!offsets_.empty() && offsets_.front() >= start && offsets_.front() < start + size_bytes)
        offsets_.pop_front();
    return start;
}

uint64_t TraceRing::add(Span span) {
    size_t size = packed_size(span);
    std::lock_guard lock(mutex_);
    // A span larger than the whole budget leaves no trace but its number.
    if (size > budget_bytes_) {
        offsets_.clear();
        end_ = 0;
        return next_++;
    }
    size_t start = make_room(size);
    pack(span, next_, size, bytes_.get() + start);
    offsets_.push_back(start);
    end_ = start + size;
    return next_++;
}

std::vector<Span> TraceRing::latest(size_t count) const {
    std::lock_guard lock(mutex_);
    std::vector<Span> spans;
    for (size_t i = offsets_.size(); i > 0 && spans.size() < count; --i)
        spans.push_back(unpack(bytes_.get() + offsets_[i - 1]));
    return spans;
}

std::vector<Span> TraceRing::by_id(std::string_view id) const {
    std::lock_guard lock(mutex_);
    std::vector<Span> spans;
    for (size_t offset : offsets_) {
        Unpacker in(bytes_.get() + offset);
        in.number<Fixed>();
        std::string_view own = in.text(), parent = in.text();
        if (id_matches(own, id) || id_matches(parent, id))
            spans.push_back(unpack(bytes_.get() + offset));
    }
    return spans;
}

std::vector<Span> TraceRing::by_peer(std::string_view peer, size_t count) const {
    std::lock_guard lock(mutex_);
    std::vector<Span> spans;
    for (size_t i = offsets_.size(); i > 0 && spans.size() < count; --i) {
        const char* record = bytes_.get() + offsets_[i - 1];
        Unpacker in(record);
        in.number<Fixed>();
        in.text();
        in.text();
        if (in.text() == peer) spans.push_back(unpack(record));
    }
    return spans;
}

std::vector<Span> TraceRing::since(uint64_t sequence, size_t count) const {
    std::lock_guard lock(mutex_);
    std::vector<Span> spans;
    uint64_t oldest = next_ - offsets_.size();
    size_t first = sequence < oldest ? 0 : static_cast<size_t>(sequence - oldest) + 1;
    for (size_t i = first; i < offsets_.size() && spans.size() < count; ++i)
        spans.push_back(unpack(bytes_.get() + offsets_[i]));
    return spans;
}

uint64_t TraceRing::last_sequence() const {
    std::lock_guard lock(mutex_);
    return next_ - 1;
}

Node to_node(const Span& span) {
    Node decisions = Node::array();
    for (const Decision& decision : span.decisions)
        decisions.push_back(Node::object(
            {{"key", decision.key}, {"text", decision.text}, {"at_us", decision.at.count()}}));
    return Node::object({{"sequence", span.sequence},
                         {"hop", span.hop},
                         {"resource", span.resource},
                         {"id", span.id},
                         {"parent", span.parent},
                         {"peer", span.peer},
                         {"method", span.method},
                         {"host", span.host},
                         {"target", span.target},
                         {"status", span.status},
                         {"sent_bytes", span.sent_bytes},
                         {"started", iso_date_micros(span.started)},
                         {"took_us", span.took.count()},
                         {"decisions", std::move(decisions)}});
}

}  // namespace base

// Lookup: cache, then the fill under way, then the origin; what is stored and what is served stale.
// Everything between the cache key and the answer, apart from writing it.
#pragma once
#include "cloudfront/inquiry.h"
#include "cloudfront/origin_fetch.h"
#include "http/conditional.h"

namespace cloudfront {

struct LookupParts {
    base::Clock& clock;
    Cache& cache;
    FetchParts fetch;
    std::string via_id;
};

// Why an entry may (or may not) be served at this moment without asking anybody.
enum class Usable : uint8_t { Fresh, StaleWhileRevalidating, StaleAfterError, Expired };
Usable usable(const CacheEntry& entry, Time now);
// What a viewer's conditions are compared with.
http::Validators validators_of(const CacheEntry& entry);

class Lookup {
  public:
    explicit Lookup(LookupParts parts) : parts_(std::move(parts)) {}

    // What the cache alone can answer; nothing when the origin must be asked. `refresh` is set when
    // the caller should see to a background refresh.
    std::optional<Answer> from_cache(const Inquiry& inquiry, bool& refresh) const;
    // May wait for another request's fill or for the origin. `refresh` as above.
    Answer obtain(Inquiry& inquiry, bool& refresh);
    // Asks the origin for a new copy of what is held, whatever its age.
    Answer refresh(Inquiry& inquiry, const EntryPtr& held) { return ask_for_itself(inquiry, held); }
    // Reads the origin's answer to its end into the cache, for nobody.
    void drain(Answer& answer);
    // The page for a failure, as an answer.
    Answer generated(int status, std::string_view sentence, std::string_view log_type,
                     std::string_view request_id) const;
    // Puts a whole entry into the cache, unless an invalidation came in between; says which.
    bool store(Answer& answer, base::Span* span);

    const std::string& via_id() const { return parts_.via_id; }
    static bool may_be_cached(const Inquiry& inquiry);

  private:
    Answer ask_for_itself(Inquiry& inquiry, const EntryPtr& stale);
    Answer ask(Inquiry& inquiry, const EntryPtr& stale, const std::shared_ptr<Fill>& fill,
               uint64_t epoch);
    Answer from_stored(const EntryPtr& entry, CacheStatus status, const Inquiry& inquiry) const;
    EntryPtr stale_instead(const Inquiry& inquiry, const EntryPtr& stale, int status) const;
    Answer refreshed(const Inquiry& inquiry, const EntryPtr& stale, const http::HeaderList& headers,
                     const Origin& origin, uint64_t epoch);
    Answer failed(const Inquiry& inquiry, const FetchAnswer& fetched,
                  const std::shared_ptr<Fill>& fill, uint64_t epoch);
    void keep(const Inquiry& inquiry, Answer& answer, const Origin& origin,
              const http::HeaderList& from_origin);
    void compress_if_due(const Inquiry& inquiry, Answer& answer,
                         const http::HeaderList& from_origin);
    void read_small_body(Answer& answer);
    void read_whole(Answer& answer, uint64_t length, std::string& bytes) const;
    std::shared_ptr<const PreparedHead> prepare(const Inquiry& inquiry,
                                                const CacheEntry& entry) const;
    void prepare_again(const Inquiry& inquiry, const EntryPtr& entry) const;
    EntryPtr covering_part(const Inquiry& inquiry) const;

    LookupParts parts_;
};

// The bytes that start every answer made from this entry.
std::string response_head_text(int status, const http::HeaderList& headers);

}  // namespace cloudfront

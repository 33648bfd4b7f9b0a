// Edge: the viewer port's handler for distributions. A table of contents: each step is a pure file
// or the lookup; here they are put in order and their outcome is written to the viewer.
#pragma once
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/published.h"
#include "base/request_records.h"
#include "base/thread.h"
#include "base/trace.h"
#include "cloudfront/access_log.h"
#include "cloudfront/lookup.h"
#include "cloudfront/snapshot.h"
#include "http/server.h"

namespace cloudfront {

struct EdgeParts {
    base::Clock& clock;
    base::TraceRing& traces;
    const base::Published<EdgeSnapshot>& snapshot;
    http::Upstream& upstream;
    Cache& cache;
    net::TlsClient* origin_tls = nullptr;  // verifies https origins
    std::function<aws::Credentials(const Distribution&, const Origin&)>
        signing_credentials;                                     // origin access control
    std::function<std::string(std::string_view ip)> country_of;  // "" = unknown
    aws::LogFiles::Deliver deliver_log;
    base::RequestFailures* failures = nullptr;  // learns of the errors that the edge itself gives
    const faults::Faults* faults = nullptr;
};

struct Visit;

class Edge final : public http::Handler {
  public:
    explicit Edge(EdgeParts parts);
    ~Edge() override;

    void handle(http::Exchange& exchange) override;
    // The same in two halves, for servers that keep waiting apart: what can be answered without
    // waiting (hit, redirect, generated page) is; false = call answer() on a thread that may wait.
    bool try_answer_now(http::Exchange& exchange);
    void answer(http::Exchange& exchange);

    bool owns(std::string_view host) const { return parts_.snapshot.get()->hosts.owns(host); }

    // For console and CLI: what is held, and what would happen to a GET of this URL at this moment.
    base::Node list_cache(std::string_view distribution_id, size_t limit) const;
    base::Node explain_url(std::string_view url, const http::HeaderList& headers) const;
    base::Node cache_figures() const;
    // Requests that were answered from the cache: no origin heard of them.
    uint64_t hits() const { return hits_.load(std::memory_order_relaxed); }
    // A hit's span is kept short on the way; this makes its decisions as full as a miss's.
    void expand(base::Span& span) const;

    // The port of this machine that viewers reach by https, for redirects of those who came to
    // another one; told once it is open.
    void tell_https_port(uint16_t port) { https_port_ = port; }
    // Delivers access logs that are due; joins refreshes that ended.
    void step(base::Time now);
    // Delivers every access log now, while the bucket can still be reached.
    void flush_logs() { access_logs_.flush(); }

  private:
    bool answer_now(Visit& visit);
    void answer_waiting(Visit& visit);
    bool send_hit(Visit& visit);

    bool is_well_formed(Visit& visit);
    bool find_distribution(Visit& visit);
    bool admit(Visit& visit);
    bool ends_chain(Visit& visit);
    std::string https_host(std::string_view host) const;
    Answer with_error_page(Visit& visit, Answer answer);

    void send(Visit& visit, Answer& answer);
    void send_page(Visit& visit, Answer& answer);
    void send_refusal(Visit& visit, Answer refused);
    void send_stored(Visit& visit, Answer& answer);
    void send_ranges(Visit& visit, Answer& answer, const std::vector<http::ByteRange>& ranges,
                     uint64_t size);
    void send_growing(Visit& visit, Answer& answer);
    void send_filling(Visit& visit, Answer& answer);
    void send_relayed(Visit& visit, Answer& answer);
    void send_upgrade(Visit& visit, Answer& answer);
    void stamp(Visit& visit, Answer& answer);
    void record(Visit& visit);
    void note_failure(const Visit& visit);
    void refresh_in_background(const Inquiry& from);
    void reap_refreshes();

    EdgeParts parts_;
    Lookup lookup_;
    aws::LogFiles access_logs_;
    struct Refresh;
    std::mutex refreshes_mutex_;
    std::list<std::unique_ptr<Refresh>> refreshes_;
    bool stopping_ = false;
    std::atomic<uint64_t> hits_{0};
    std::atomic<uint16_t> https_port_{443};
};

}  // namespace cloudfront

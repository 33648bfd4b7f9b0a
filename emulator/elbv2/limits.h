// The data plane's limits. Guide: "Quotas for your Application Load Balancers" and "HTTP headers
// and Application Load Balancers".
#pragma once
#include <chrono>
#include <cstddef>

namespace elbv2 {

inline constexpr size_t kMaxRequestLineBytes = 16 * 1024;
inline constexpr size_t kMaxHeaderLineBytes = 16 * 1024;  // refused from this size on
inline constexpr size_t kMaxRequestHeadBytes = 64 * 1024;
inline constexpr size_t kMaxResponseHeadBytes = 32 * 1024;
inline constexpr size_t kMaxForwardedForEntries = 30;
inline constexpr size_t kMaxTraceHeaderBytes = 7 * 1024;
inline constexpr size_t kMaxLocationBytes = 8 * 1024;
inline constexpr std::chrono::seconds kConnectTimeout{10};
inline constexpr std::chrono::seconds kTlsHandshakeTimeout{10};
// Probes that may be under way at once; further ones wait for the next step.
inline constexpr size_t kMaxProbesInFlight = 32;
// Earlier rules that a trace explains one by one.
inline constexpr size_t kMaxExplainedRules = 8;

}  // namespace elbv2

// What becomes of every exchange, for metrics, the log and the request log.
// Threads: safe; called on the I/O threads, so an implementation never waits.
#pragma once
#include <cstdint>
#include <string_view>

#include "assay/gateway/exchange.h"

namespace assay::gateway {

// A finished exchange in views, so that a hit need not allocate to be seen.
struct ExchangeSummary {
  Endpoint endpoint = Endpoint::kChat;
  int status = 0;
  CacheOutcome outcome = CacheOutcome::kBypass;
  CacheTier tier = CacheTier::kNone;
  bool stream = false;
  bool coalesced = false;
  bool cancelled = false;
  std::string_view request_id;
  std::string_view trace_id;
  std::string_view key_id;
  std::string_view key_name;
  std::string_view tenant;
  std::string_view route;
  std::string_view model;
  std::string_view upstream;
  std::string_view variants;
  std::string_view error_code;
  std::string_view error;
  std::string_view question;  // the request's body, for where texts are wished
  std::string_view answer;
  Usage usage;
  std::uint32_t attempts = 0;
  std::int64_t cost_nanousd = 0;  // of the call, or what a hit saved
  std::int64_t start_wall_ns = 0;
  std::int64_t total_ns = 0;
  std::int64_t upstream_ns = 0;
  std::int64_t first_byte_ns = 0;
  std::uint64_t request_bytes = 0;
  std::uint64_t answer_bytes = 0;
  const Exchange* exchange = nullptr;  // spans and verdicts; null for hits and refusals
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void OnExchange(const ExchangeSummary& summary) = 0;
  // An endpoint of Assay's own, by the pattern of its route.
  virtual void OnEndpoint(std::string_view pattern, int status, std::int64_t total_ns) = 0;
  // A request that never became one (a limit, bad HTTP).
  virtual void OnRefused(std::string_view code) = 0;
  // An entry was asked again before it expires, for no client.
  virtual void OnRefresh(bool stored, const Usage& usage, std::int64_t cost_nanousd) = 0;
};

}  // namespace assay::gateway

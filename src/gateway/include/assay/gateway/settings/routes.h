// assay/gateway/settings/routes.h: what assay.yaml says of upstreams, experts and routes.
// Room: gateway (uses core).  Threads: plain values. See settings.h for how they are read.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace assay::gateway {

// Where a secret is found; settings never hold the secret itself (settings_load.h: ReadSecret).
struct SecretSource {
  std::string env;   // name of an environment variable
  std::string file;  // path of a file with mode 0600 or stricter
  [[nodiscard]] bool empty() const { return env.empty() && file.empty(); }
  friend bool operator==(const SecretSource&, const SecretSource&) = default;
};

struct RateSettings {  // token buckets; 0: no limit
  std::int64_t requests_per_minute = 0;
  std::int64_t tokens_per_minute = 0;
  std::int64_t queue_length = 256;      // calls that may wait for their turn
  std::int64_t queue_time_ms = 30'000;  // a call that would wait longer is refused at once
  friend bool operator==(const RateSettings&, const RateSettings&) = default;
};

struct PriceSettings {  // US dollars for a million tokens; 0: free
  double prompt_usd = 0;
  double completion_usd = 0;
  friend bool operator==(const PriceSettings&, const PriceSettings&) = default;
};

struct RetrySettings {
  std::int64_t attempts = 2;  // after the first
  std::int64_t base_ms = 100;
  std::int64_t max_ms = 5'000;  // also the longest retry-after that is waited for
  friend bool operator==(const RetrySettings&, const RetrySettings&) = default;
};

struct BreakerSettings {
  bool enabled = true;
  double failure_share = 0.5;  // of the calls in the window: then no calls, in (0, 1]
  std::int64_t min_calls = 5;  // in the window, at least
  std::int64_t window_ms = 30'000;
  std::int64_t open_ms = 10'000;  // doubles while the probes fail, up to 8 times
  std::int64_t probes = 2;        // at once, and so many good ones in a row close it
  friend bool operator==(const BreakerSettings&, const BreakerSettings&) = default;
};

struct HealthSettings {          // looks from outside, whether it can be reached
  std::int64_t interval_ms = 0;  // 0: never
  std::int64_t timeout_ms = 1'000;
  std::int64_t down_after = 2;  // looks in a row
  friend bool operator==(const HealthSettings&, const HealthSettings&) = default;
};

struct UpstreamSettings {
  std::string name;  // the key under `upstreams`
  std::string url;   // http(s)://host[:port][/prefix], usually ending in /v1
  SecretSource key;  // sent as `authorization: Bearer ...`
  double weight = 1;
  std::int64_t max_in_flight = 1024;   // calls at once; 0: no limit
  std::int64_t idle_connections = 64;  // kept open by each I/O thread
  std::int64_t connect_time_ms = 3'000;
  std::int64_t first_byte_time_ms = 120'000;
  std::int64_t idle_time_ms = 60'000;  // between two pieces of an answer
  std::int64_t keep_alive_ms = 60'000;
  std::int64_t connection_age_ms = 600'000;    // then a connection is not used again
  std::int64_t max_answer_bytes = 16'000'000;  // of one that is no stream
  std::int64_t dns_refresh_ms = 30'000;
  bool verify_tls = true;
  std::string ca_file;  // empty: the system's
  RateSettings rate;
  PriceSettings price;
  RetrySettings retry;
  BreakerSettings breaker;
  HealthSettings health;
  friend bool operator==(const UpstreamSettings&, const UpstreamSettings&) = default;
};

enum class RoutePolicy : std::uint8_t {
  kFailover,  // the first that works
  kBalance,   // one, by weight
  kFanout,    // all at once, merged
  kCascade,   // one after the other, until the answer is good enough
  kBestOf,    // all at once; the answer that the documents support best
};

// Whether it may ask more than one for an answer.
[[nodiscard]] constexpr bool AsksSeveral(RoutePolicy policy) {
  return policy >= RoutePolicy::kFanout;
}
inline constexpr std::size_t kMaxCircle = 16;  // experts of a route that asks several

// One who is asked: an upstream, and how it is asked.
struct ExpertSettings {
  std::string upstream;     // name under `upstreams`
  std::string model;        // sent in the request; empty: the name that the client asked for
  std::string name;         // under `experts`; empty: written as upstream/model
  std::string system;       // put before the client's system prompt
  double temperature = -1;  // sent instead of the client's; negative: the client's
  double weight = 1;        // of its vote
};

enum class MergeMethod : std::uint8_t { kAuto, kMajority, kWeighted, kMedoid, kClaims };

struct ConsensusSettings {  // of the policies that ask several
  MergeMethod method = MergeMethod::kAuto;
  double quorum = 0.5;           // share of all weight that a claim needs
  double same_threshold = 0.75;  // agreement from which two answers count as one
  double min_supported = 0.7;    // of an answer's claims: else a cascade goes on
};

enum class SemanticEncoder : std::uint8_t { kTransformer, kStatic };

struct SemanticSettings {
  bool enabled = false;
  double budget = 0.01;       // wrong hits of all requests
  double shadow_share = 0.2;  // of the hits whose answer is asked for again and compared
  std::int64_t max_candidates = 8;
  std::int64_t max_entries = 20'000;  // cached questions; the oldest goes first
  SemanticEncoder encoder = SemanticEncoder::kTransformer;
  bool pair_model = true;  // ask the model of `claims.checker` too, where it compares questions
  friend bool operator==(const SemanticSettings&, const SemanticSettings&) = default;
};

struct RouteCacheSettings {
  bool enabled = true;
  std::int64_t ttl_ms = 0;  // 0: that of `cache.ttl`
  bool streams = true;      // store finished streams, answer streams from the cache
  SemanticSettings semantic;
};

struct RouteClaimSettings {
  bool enabled = true;        // on a route with documents
  bool stream_events = true;  // `assay.verdict` SSE events while the answer streams
};

struct RouteSettings {
  std::string name;  // the model name that clients ask for; "*" takes every other name
  std::vector<ExpertSettings> experts;  // empty: every upstream, in file order
  ConsensusSettings consensus;
  RoutePolicy policy = RoutePolicy::kFailover;
  std::int64_t deadline_ms = 0;        // 0: limits.request_time
  double hedge_quantile = 0;           // of the route's latencies, in (0, 1); 0: never
  std::vector<std::string> documents;  // folders or files; empty: answers are not checked
  RouteCacheSettings cache;
  RouteClaimSettings claims;
};

}  // namespace assay::gateway

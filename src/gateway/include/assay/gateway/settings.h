// assay/gateway/settings.h: everything that assay.yaml and ASSAY_... can say, as plain values.
// Room: gateway (uses config, core).  Threads: plain values; share them as `shared_ptr<const
// Settings>`.
//
// The values here are the defaults. Names, ranges and texts of all keys stand in one table
// (settings/table_*.cc), from which the reader, the environment, `assay config show|schema` and
// docs/configuration.md are made. 0 means "no limit" only where the comment says so.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::gateway {

// Where a secret is found; settings never hold the secret itself (settings_load.h: ReadSecret).
struct SecretSource {
  std::string env;   // name of an environment variable
  std::string file;  // path of a file with mode 0600 or stricter
  [[nodiscard]] bool empty() const { return env.empty() && file.empty(); }
  friend bool operator==(const SecretSource&, const SecretSource&) = default;
};

enum class TlsVersion : std::uint8_t { k12, k13 };

struct TlsSettings {  // TLS is on when both files are set
  std::string cert_file;
  std::string key_file;
  TlsVersion min_version = TlsVersion::k12;
  [[nodiscard]] bool enabled() const { return !cert_file.empty(); }
};

struct LimitSettings {
  std::int64_t body_bytes = 4'000'000;
  std::int64_t header_bytes = 16'384;
  std::int64_t json_depth = 64;
  std::int64_t connections = 20'000;
  std::int64_t header_time_ms = 10'000;    // from the first byte of a request to its last header
  std::int64_t body_time_ms = 60'000;      // from the last header to the last byte of the body
  std::int64_t idle_time_ms = 75'000;      // keep-alive without a request
  std::int64_t write_time_ms = 60'000;     // a client that does not read
  std::int64_t request_time_ms = 300'000;  // of a whole exchange
  std::int64_t drain_time_ms = 30'000;     // after SIGTERM, for exchanges in flight
};

struct ComputeSettings {
  std::int64_t threads = 0;          // 0: as many as the machine has cores
  std::int64_t queue_length = 1024;  // full: 429 with retry-after
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

struct UpstreamSettings {
  std::string name;  // the key under `upstreams`
  std::string url;   // http(s)://host[:port][/prefix], usually ending in /v1
  SecretSource key;  // sent as `authorization: Bearer ...`
  double weight = 1;
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
  SemanticEncoder encoder = SemanticEncoder::kTransformer;
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

struct MemoryTierSettings {
  std::int64_t size_bytes = 512'000'000;
  std::int64_t max_entries = 0;  // 0: bound by bytes only
};

struct CompressedTierSettings {
  bool enabled = false;
  std::int64_t size_bytes = 256'000'000;
  std::int64_t level = 3;  // zstd
};

struct DiskTierSettings {
  std::string folder;  // empty: off
  std::int64_t size_bytes = 10'000'000'000;
  bool sync = false;  // flush to the disk before an entry counts as stored
  [[nodiscard]] bool enabled() const { return !folder.empty(); }
};

struct RedisTierSettings {
  std::string url;  // redis://host:port/database; empty: off
  SecretSource password;
  std::string prefix = "assay:";
  std::int64_t time_ms = 5;             // of one answer; then Redis counts as dead
  std::int64_t retry_after_ms = 1'000;  // until a dead one is tried again
  [[nodiscard]] bool enabled() const { return !url.empty(); }
};

struct CacheSettings {
  bool enabled = true;
  std::int64_t ttl_ms = 3'600'000;
  double ttl_jitter = 0.1;  // share of the lifetime that is drawn by chance, 0 to 0.5
  std::int64_t max_entry_bytes = 1'000'000;
  bool coalesce = true;                  // equal requests in flight are asked once
  std::int64_t refresh_ahead_count = 0;  // asked again before they expire, so many at once
  MemoryTierSettings memory;
  CompressedTierSettings compressed;
  DiskTierSettings disk;
  RedisTierSettings redis;
  std::string sealing_key_file;  // entries outside memory are sealed when set
};

enum class KeyMode : std::uint8_t { kAuto, kRequired, kOff };

struct KeySettings {
  KeyMode mode = KeyMode::kAuto;  // kAuto: required unless only loopback is listened on
  std::string database;           // SQLite file; empty: `keys.db` in the data folder
  SecretSource passphrase;        // of `secret.keys` beside the database, where it is locked by one
};

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError, kOff };

struct LogSettings {
  LogLevel level = LogLevel::kInfo;
  std::string file;                      // empty: standard error
  bool access = true;                    // one line an exchange
  bool texts = false;                    // questions and answers; else never
  std::int64_t queue_bytes = 4'000'000;  // full: lines are dropped and counted
};

struct RequestLogSettings {
  bool enabled = true;  // loading turns it off where there is neither a file nor a data folder
  std::string file;     // SQLite; empty: `requests.db` in the data folder
  bool texts = false;   // questions and answers; else never
  std::int64_t queue_length = 10'000;          // full: records are dropped and counted
  std::int64_t max_age_ms = 7LL * 86'400'000;  // 0: no limit
  std::int64_t max_bytes = 1'000'000'000;      // 0: no limit
};

struct TelemetrySettings {
  bool metrics = true;        // GET /metrics
  bool metrics_open = true;   // without a key; else scope `admin`
  bool accept_trace = true;   // go on with the client's `traceparent`
  bool forward_trace = true;  // send `traceparent` to upstreams
};

struct DashboardSettings {
  bool enabled = true;    // served only when a password is set
  SecretSource password;  // plain, or an Argon2id string ($argon2id$...)
  std::int64_t session_ms = 12LL * 3'600'000;
};

struct ClaimSettings {
  bool enabled = true;
  std::int64_t batch_window_ms = 0;  // 0 to 50, of POST /v1/claims/verify
  std::int64_t max_claims = 256;     // of one answer
};

struct Settings {
  std::vector<std::string> listen = {"127.0.0.1:9000"};  // host:port, [::1]:port
  std::int64_t threads = 0;  // of I/O; 0: as many as the machine has cores
  std::string data_folder;   // for files without a path of their own; empty: nothing on disk
  TlsSettings tls;
  LimitSettings limits;
  ComputeSettings compute;
  std::vector<UpstreamSettings> upstreams;  // in file order
  std::vector<ExpertSettings> experts;      // those with a name, in file order
  std::vector<RouteSettings> routes;        // never empty once loaded
  CacheSettings cache;
  KeySettings keys;
  TelemetrySettings telemetry;
  LogSettings log;
  RequestLogSettings request_log;
  DashboardSettings dashboard;
  ClaimSettings claims;
};

}  // namespace assay::gateway

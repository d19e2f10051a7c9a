// assay/gateway/settings.h: everything that assay.yaml and ASSAY_... can say, as plain values.
// Room: gateway (uses config, core, crypto).  Threads: plain values; share them as
// `shared_ptr<const Settings>`.
//
// The values here are the defaults. Names, ranges and texts of all keys stand in one table
// (settings/table_*.cc), from which the reader, the environment, `assay config show|schema` and
// docs/configuration.md are made. 0 means "no limit" only where the comment says so.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "assay/crypto/grant.h"
#include "assay/gateway/settings/experiments.h"
#include "assay/gateway/settings/routes.h"

namespace assay::gateway {

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
  bool share_locks = true;              // equal questions of several gateways are asked once
  bool share_rates = true;              // `upstreams.NAME.rate` holds for all gateways together
  bool share_budgets = true;            // so do the budgets of keys
  bool share_experiments = true;        // experiments are counted over all gateways
  std::int64_t lock_lease_ms = 3'000;   // until the lock of a gateway that died is free
  std::int64_t lock_wait_ms = 30'000;   // for another gateway's answer
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

struct JudgeBudgetSettings {  // as the budgets of keys; 0: no limit
  crypto::Period period = crypto::Period::kDay;
  std::int64_t requests = 1'000;
  std::int64_t tokens = 0;
  double usd = 0;
};

struct JudgeSettings {   // an upstream is asked about uncertain claims
  std::string upstream;  // empty: nobody is asked
  std::string model;
  double low = 0.3;  // support from `low` to `high` is uncertain
  double high = 0.7;
  std::int64_t max_claims = 8;  // of one answer
  std::int64_t timeout_ms = 10'000;
  JudgeBudgetSettings budget;
};

struct ClaimSettings {
  bool enabled = true;
  std::int64_t batch_window_ms = 0;  // 0 to 50, of POST /v1/claims/verify
  std::int64_t max_claims = 256;     // of one answer
  // "auto": the model checker* among the installed ones, if there is one; "off"; or its folder.
  std::string checker = "auto";
  JudgeSettings judge;
};

struct Settings {
  std::vector<std::string> listen = {"127.0.0.1:9000"};  // host:port, [::1]:port
  std::int64_t threads = 0;  // of I/O; 0: as many as the machine has cores
  std::string data_folder;   // for files without a path of their own; empty: nothing on disk
  TlsSettings tls;
  LimitSettings limits;
  ComputeSettings compute;
  std::vector<UpstreamSettings> upstreams;      // in file order
  std::vector<ExpertSettings> experts;          // those with a name, in file order
  std::vector<RouteSettings> routes;            // never empty once loaded
  std::vector<ExperimentSettings> experiments;  // in file order
  CacheSettings cache;
  KeySettings keys;
  TelemetrySettings telemetry;
  LogSettings log;
  RequestLogSettings request_log;
  DashboardSettings dashboard;
  ClaimSettings claims;
};

}  // namespace assay::gateway

// The keys outside `upstreams` and `routes`.
#include <array>

#include "assay/claims/judge.h"

#include "table.h"

namespace assay::gateway::settings {
namespace {

using enum Reload;

constexpr std::array<std::string_view, 2> kTlsVersions = {"1.2", "1.3"};
constexpr std::array<std::string_view, 3> kKeyModes = {"auto", "required", "off"};
constexpr std::array<std::string_view, 5> kLogLevels = {"debug", "info", "warn", "error", "off"};

Key TlsKey(TlsSettings& tls) {
  return Section(
      "tls", "TLS towards clients; on when both files are set.",
      {String("cert_file", tls.cert_file, kLive, "PEM file of the certificate and its chain."),
       String("key_file", tls.key_file, kLive, "PEM file of the private key."),
       Choice("min_version", tls.min_version, kTlsVersions, kLive, "The oldest version.")});
}

Key LimitsKey(LimitSettings& s) {
  return Section(
      "limits", "What one client may ask of the server; each limit answers with its own error.",
      {Size("body", s.body_bytes, {1'024, 1e9}, kLive, "Largest request body."),
       Size("header", s.header_bytes, {1'024, kMegabyte}, kLive, "Largest request head."),
       Integer("json_depth", s.json_depth, {4, 1'024}, kLive,
               "Lists and objects inside each other in a body."),
       Integer("connections", s.connections, {1, 1'000'000}, kLive, "Connections open at once."),
       Duration("header_time", s.header_time_ms, {100, kHourMs}, kLive,
                "From the first byte of a request to its last header."),
       Duration("body_time", s.body_time_ms, {100, kHourMs}, kLive,
                "From the last header to the last byte of the body."),
       Duration("idle_time", s.idle_time_ms, {100, kDayMs}, kLive,
                "How long a connection stays open without a request."),
       Duration("write_time", s.write_time_ms, {100, kHourMs}, kLive,
                "How long a client may take no bytes of its answer."),
       Duration("request_time", s.request_time_ms, {100, kDayMs}, kLive,
                "Limit of a whole exchange."),
       Duration("drain_time", s.drain_time_ms, {0, kHourMs}, kLive,
                "After SIGTERM: how long exchanges in flight may go on.")});
}

Key ComputeKey(ComputeSettings& s) {
  return Section(
      "compute", "The threads that check claims and do whatever would hold up I/O.",
      {Integer("threads", s.threads, {0, 1'024}, kRestart, "0: as many as the machine has cores."),
       Integer("queue_length", s.queue_length, {1, 1'000'000}, kRestart,
               "Jobs that wait; when it is full the answer is 429 with `retry-after`.")});
}

Key CacheKey(CacheSettings& s) {
  return Section(
      "cache", "Answers to repeated questions.",
      {Bool("enabled", s.enabled, kRestart, "Answer from the cache and store answers."),
       Duration("ttl", s.ttl_ms, {kSecondMs, 3'650 * kDayMs}, kLive, "Lifetime of an answer."),
       Number(
           "ttl_jitter", s.ttl_jitter, {0, 0.5}, kLive,
           "Share of the lifetime that is drawn by chance, so that entries stored together do not "
           "expire together."),
       Size("max_entry_size", s.max_entry_bytes, {1'024, 1e9}, kLive,
            "Larger answers are not stored."),
       Bool("coalesce", s.coalesce, kLive, "Ask equal requests in flight once."),
       Integer("refresh_ahead", s.refresh_ahead_count, {0, 100'000}, kRestart,
               "Entries that were asked for three times or more are asked again before they "
               "expire, the "
               "most asked first, so many at once. 0: none."),
       Section("memory", "The tier in front, lock-free.",
               {Size("size", s.memory.size_bytes, {kMegabyte, kTerabyte}, kRestart,
                     "Bytes of entries, with their overhead."),
                Integer("max_entries", s.memory.max_entries, {0, 1e9}, kRestart,
                        "0: bound by bytes only.")}),
       Section("compressed", "Entries that left the memory tier, compressed with zstd.",
               {Bool("enabled", s.compressed.enabled, kRestart, "Use it."),
                Size("size", s.compressed.size_bytes, {kMegabyte, kTerabyte}, kRestart,
                     "Bytes after compression."),
                Integer("level", s.compressed.level, {1, 19}, kRestart, "Level of zstd.")}),
       Section("disk", "An append-only log that a restart warms up from.",
               {String("folder", s.disk.folder, kRestart, "Where it lies. Empty: no disk tier."),
                Size("size", s.disk.size_bytes, {kMegabyte, 100 * kTerabyte}, kRestart,
                     "Bytes on the disk."),
                Bool("sync", s.disk.sync, kRestart,
                     "Flush to the disk before an entry counts as stored.")}),
       Section("redis", "A tier that several gateways share.",
               {String("url", s.redis.url, kRestart,
                       "`redis://host[:port][/database]`; of a cluster some of its servers: "
                       "`redis://host:port,host:port`. Empty: no Redis tier."),
                Secret("password", s.redis.password, kRestart, "Sent with AUTH."),
                String("prefix", s.redis.prefix, kRestart, "Before every key."),
                Duration("time", s.redis.time_ms, {1, kMinuteMs}, kRestart,
                         "Limit of one answer; then Redis counts as dead and is not waited for."),
                Duration("retry_after", s.redis.retry_after_ms, {10, kHourMs}, kRestart,
                         "When a dead one is tried again."),
                Bool("share_locks", s.redis.share_locks, kRestart,
                     "Ask a question that several gateways get at once only once (with "
                     "`cache.coalesce`)."),
                Bool("share_rates", s.redis.share_rates, kRestart,
                     "`upstreams.NAME.rate` is for all gateways together."),
                Bool("share_budgets", s.redis.share_budgets, kRestart,
                     "Budgets of API keys are for all gateways together."),
                Bool("share_experiments", s.redis.share_experiments, kRestart,
                     "Experiments are counted and reported over all gateways together."),
                Duration("lock_lease", s.redis.lock_lease_ms, {100, kMinuteMs}, kRestart,
                         "How long the lock of a gateway that died keeps the others waiting."),
                Duration("lock_wait", s.redis.lock_wait_ms, {0, kHourMs}, kLive,
                         "How long a gateway waits at most for the answer to a question that "
                         "another one asks; then it asks as well.")}),
       String("sealing_key_file", s.sealing_key_file, kRestart,
              "Key file with mode 0600; entries on disk and in Redis are then sealed with "
              "AES-256-GCM.")});
}

Key KeysKey(KeySettings& s) {
  return Section(
      "keys", "API keys of clients.",
      {Choice(
           "mode", s.mode, kKeyModes, kRestart,
           "`auto`: required unless only loopback addresses are listened on. `off` is refused on "
           "other addresses."),
       String("database", s.database, kRestart, "SQLite file. Empty: `keys.db` in `data_folder`."),
       Secret("passphrase", s.passphrase, kRestart,
              "Opens `secret.keys` beside the database, where that is locked by a passphrase.")});
}

Key TelemetryKey(TelemetrySettings& s) {
  return Section(
      "telemetry", "Metrics and traces.",
      {Bool("metrics", s.metrics, kRestart, "Serve `GET /metrics`."),
       Bool("metrics_open", s.metrics_open, kRestart,
            "Serve them without a key. Else the scope `admin` is needed."),
       Bool("accept_trace", s.accept_trace, kLive, "Go on with a client's `traceparent`."),
       Bool("forward_trace", s.forward_trace, kLive, "Send `traceparent` to upstreams.")});
}

Key LogKey(LogSettings& s) {
  return Section(
      "log", "JSON lines.",
      {Choice("level", s.level, kLogLevels, kLive, "The least important lines that are written."),
       String("file", s.file, kRestart,
              "Appended to, opened again on SIGHUP. Empty: standard error."),
       Bool("access", s.access, kRestart, "One line for each exchange."),
       Bool("texts", s.texts, kLive, "Also log questions and answers."),
       Size("queue_size", s.queue_bytes, {65'536, 1e9}, kRestart,
            "Lines that wait for the disk; further ones are dropped and counted.")});
}

Key RequestLogKey(RequestLogSettings& s) {
  return Section(
      "request_log", "Every exchange as a row in SQLite, for the dashboard.",
      {Bool("enabled", s.enabled, kRestart, "Write it, provided that there is a file for it."),
       String("file", s.file, kRestart, "SQLite file. Empty: `requests.db` in `data_folder`."),
       Bool("texts", s.texts, kRestart, "Also store questions and answers."),
       Integer("queue_length", s.queue_length, {16, 1'000'000}, kRestart,
               "Records that wait for the disk; further ones are dropped and counted."),
       Duration("max_age", s.max_age_ms, {0, 3'650 * kDayMs}, kRestart,
                "Older records are removed. 0 s: no limit."),
       Size("max_size", s.max_bytes, {0, 100 * kTerabyte}, kRestart,
            "The oldest records are removed above it. 0: no limit.")});
}

Key DashboardKey(DashboardSettings& s) {
  return Section(
      "dashboard", "The page at `/dashboard`.",
      {Bool("enabled", s.enabled, kRestart, "Serve it, provided that a password is set."),
       Secret("password", s.password, kRestart, "The password, or its Argon2id string."),
       Duration("session", s.session_ms, {kMinuteMs, 365 * kDayMs}, kRestart,
                "How long a login lasts.")});
}

Key JudgeKey(JudgeSettings& s) {
  JudgeBudgetSettings& budget = s.budget;
  return Section(
      "judge",
      "A language model that is asked about the claims whose verdict is uncertain; what it says "
      "counts with a true quote of the evidence.",
      {String("upstream", s.upstream, kRestart, "Name under `upstreams`. Empty: nobody is asked."),
       String("model", s.model, kRestart, "The model that is asked for there."),
       Section("between", "Which probability of support is uncertain.",
               {Number("low", s.low, {0, 1}, kRestart, "From this one on."),
                Number("high", s.high, {0, 1}, kRestart, "Up to this one.")}),
       Integer("max_claims", s.max_claims, {1, claims::kMaxJudgedClaims}, kRestart,
               "Claims of one answer, the most uncertain first; all in one request."),
       Duration("timeout", s.timeout_ms, {10, 10 * kMinuteMs}, kRestart,
                "Limit of one request; then the own verdicts stand."),
       Section("budget",
               "What may be used in a period, by this process; counted as the budgets of keys are.",
               {Choice("period", budget.period, crypto::kPeriodNames, kRestart,
                       "When it starts anew, in UTC."),
                Integer("requests", budget.requests, {0, 1e9}, kRestart, "0: no limit."),
                Integer("tokens", budget.tokens, {0, 1e15}, kRestart,
                        "Of prompts and answers. 0: no limit."),
                Number("usd", budget.usd, {0, 1e6}, kRestart,
                       "US dollars, by the upstream's `price`. 0: no limit.")})});
}

Key ClaimsKey(ClaimSettings& s) {
  return Section(
      "claims", "`POST /v1/claims/...` and `POST /v1/check`.",
      {Bool("enabled", s.enabled, kRestart, "Serve them and check answers."),
       Duration("batch_window", s.batch_window_ms, {0, 50}, kRestart,
                "How long a verification waits for company."),
       Integer("max_claims", s.max_claims, {1, 100'000}, kRestart, "Claims of one answer."),
       String("checker", s.checker, kRestart,
              "The cross-encoder that judges what facts leave open: its folder, `off`, or `auto`: "
              "`checker*` among the installed models, if there is one."),
       JudgeKey(s.judge)});
}

}  // namespace

Key RootKey(Settings& s) {
  return Section(
      "", "",
      {List("listen", s.listen, kRestart, "Addresses as `host:port` or `[IPv6]:port`."),
       Integer("threads", s.threads, {0, 1'024}, kRestart,
               "Threads of I/O. 0: as many as the machine has cores."),
       String("data_folder", s.data_folder, kRestart,
              "For files that have no path of their own. Empty: nothing is kept on disk."),
       UpstreamsKey(s.upstreams), ExpertsKey(s.experts), RoutesKey(s.routes),
       ExperimentsKey(s.experiments), TlsKey(s.tls), LimitsKey(s.limits), ComputeKey(s.compute),
       CacheKey(s.cache), KeysKey(s.keys), TelemetryKey(s.telemetry), LogKey(s.log),
       RequestLogKey(s.request_log), DashboardKey(s.dashboard), ClaimsKey(s.claims)});
}

}  // namespace assay::gateway::settings

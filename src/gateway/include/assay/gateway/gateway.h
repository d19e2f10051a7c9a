// assay/gateway/gateway.h: the whole gateway in one object: server, stages, cache, upstreams.
// Room: gateway (uses core, config, telemetry, cache, crypto).  Threads: one thread makes, starts
// and stops it; Reload and the getters may be called from any thread.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cache/tiered_cache.h"
#include "assay/core/result.h"
#include "assay/gateway/dashboard/sources.h"
#include "assay/gateway/router.h"
#include "assay/gateway/settings.h"
#include "assay/gateway/settings_load.h"
#include "assay/gateway/shared/claims.h"

namespace assay::crypto {
class KeyStore;
}
namespace assay::telemetry {
class Log;
class Metrics;
class RequestLog;
}  // namespace assay::telemetry

namespace assay::gateway {

// What the program opened; all may be null (then: no keys, nothing logged) and must outlive the
// gateway.
struct GatewayParts {
  crypto::KeyStore* keys = nullptr;
  telemetry::Log* log = nullptr;
  telemetry::RequestLog* request_log = nullptr;
  std::vector<std::string> model_folders;  // where the word vectors for claim checks are looked for
};

class Gateway {
 public:
  // Opens cache and upstreams and sets the endpoints up; listens on nothing yet. `environment`
  // holds the secrets that the settings name. Errors: kInvalidArgument for settings that do not
  // fit together; kFailedPrecondition when it would listen beyond this machine without keys; those
  // of the cache's tiers, of the upstreams and of the TLS files.
  [[nodiscard]] static Result<std::unique_ptr<Gateway>> Make(const Settings& settings,
                                                             const Environment& environment,
                                                             const GatewayParts& parts);
  ~Gateway();

  // For further endpoints; before Start only.
  [[nodiscard]] Router& router();
  [[nodiscard]] telemetry::Metrics& metrics();
  [[nodiscard]] cache::TieredCache* cache();  // null when it is off
  // The upstreams as they are now; from any thread.
  [[nodiscard]] std::vector<dashboard::UpstreamView> Upstreams() const;
  // The semantic caches of the routes as they are now; from any thread.
  [[nodiscard]] std::vector<dashboard::SemanticView> Semantic() const;

  // As GET /v1/experiments, GET /v1/experiments/{id} and POST .../stop or .../start answer; from
  // any thread. Errors: kNotFound; those of the disk.
  [[nodiscard]] std::string ExperimentsJson() const;
  [[nodiscard]] Result<std::string> ExperimentJson(std::string_view id) const;
  [[nodiscard]] Result<void> StopExperiment(std::string_view id, bool stopped);

  // Listens and starts the threads. Errors: as Server: address in use, not allowed.
  [[nodiscard]] Result<void> Start();
  // "127.0.0.1:9000", with the real ports, after Start.
  [[nodiscard]] const std::vector<std::string>& addresses() const;

  // Takes new settings over without dropping a request: routes, upstreams, limits of a request,
  // cache policy, TLS files. What needs a restart (addresses, threads, cache sizes) stays as it
  // was. Holds for every request that arrives after the return; not from a thread of the gateway.
  // Errors: as Make; everything then stays as it was.
  [[nodiscard]] Result<void> Reload(const Settings& settings, const Environment& environment);

  // Verifies claims through shared memory too; before Start, at most once. Errors: those of
  // SharedClaims::Start.
  [[nodiscard]] Result<void> ServeShared(std::string_view name, const SharedClaimsOptions& options);

  // Accepts nothing new, waits until the exchanges in flight are answered, at most drain_time_ms,
  // then stops and writes what waits to be written. Returns how many connections were cut.
  [[nodiscard]] std::size_t Drain();

 private:
  struct Impl;
  explicit Gateway(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::gateway

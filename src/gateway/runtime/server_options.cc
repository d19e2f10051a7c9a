#include <algorithm>
#include <thread>
#include <utility>

#include "runtime/server_options_internal.h"

namespace assay::gateway {

std::size_t ThreadsOr(std::int64_t wanted) {
  if (wanted > 0) return static_cast<std::size_t>(wanted);
  return std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

Result<std::shared_ptr<TlsContext>> LoadTls(const TlsSettings& tls) {
  if (!tls.enabled()) return std::shared_ptr<TlsContext>();
  return TlsContext::Load(tls.cert_file, tls.key_file, tls.min_version == TlsVersion::k13);
}

ServerLimits LimitsOf(const LimitSettings& settings) {
  ServerLimits limits;
  limits.parse.head_bytes = static_cast<std::size_t>(settings.header_bytes);
  limits.parse.body_bytes = static_cast<std::size_t>(settings.body_bytes);
  limits.header_time_ms = settings.header_time_ms;
  limits.body_time_ms = settings.body_time_ms;
  limits.idle_time_ms = settings.idle_time_ms;
  limits.write_time_ms = settings.write_time_ms;
  limits.max_connections = static_cast<std::size_t>(settings.connections);
  return limits;
}

ServerOptions OptionsOf(const Settings& settings, std::shared_ptr<TlsContext> tls) {
  ServerOptions options;
  options.listen = settings.listen;
  options.threads = ThreadsOr(settings.threads);
  options.limits = LimitsOf(settings.limits);
  options.tls = std::move(tls);
  return options;
}

}  // namespace assay::gateway

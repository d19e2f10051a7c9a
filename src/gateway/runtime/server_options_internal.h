// What of the settings is the server's, in its own terms.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "assay/core/result.h"
#include "assay/gateway/settings.h"

#include "server/server_internal.h"

namespace assay::gateway {

// `wanted` threads; 0: one for each core.
[[nodiscard]] std::size_t ThreadsOr(std::int64_t wanted);

// Null where TLS is off. Errors: those of TlsContext::Load.
[[nodiscard]] Result<std::shared_ptr<TlsContext>> LoadTls(const TlsSettings& tls);

[[nodiscard]] ServerLimits LimitsOf(const LimitSettings& settings);
[[nodiscard]] ServerOptions OptionsOf(const Settings& settings, std::shared_ptr<TlsContext> tls);

}  // namespace assay::gateway

// What `assay serve` opens beside the gateway: keys and logs.
#pragma once
#include <memory>
#include <string>

#include "assay/core/result.h"
#include "assay/crypto/key_store.h"
#include "assay/gateway/dashboard/dashboard.h"
#include "assay/gateway/dashboard/live_sources.h"
#include "assay/gateway/gateway.h"
#include "assay/gateway/settings_load.h"
#include "assay/telemetry/log.h"
#include "assay/telemetry/request_log.h"

#include "commands/key_options.h"
#include "encoders.h"

namespace assay::cli {

struct OpenedParts {
  std::unique_ptr<telemetry::Log> log;
  std::unique_ptr<telemetry::RequestLog> request_log;  // null: off
  std::unique_ptr<crypto::KeyStore> keys;              // null: not needed

  [[nodiscard]] gateway::GatewayParts parts() const {
    return {.keys = keys.get(),
            .log = log.get(),
            .request_log = request_log.get(),
            .model_folders = ModelFolders()};
  }
};

// Errors: those of opening each; kFailedPrecondition when keys are needed and none were made.
[[nodiscard]] Result<OpenedParts> OpenParts(const gateway::Settings& settings,
                                            const gateway::Environment& environment,
                                            const StateOptions& state);

// The dashboard with what it reads; must be torn down before the gateway.
struct OpenedDashboard {
  std::unique_ptr<gateway::dashboard::LiveSources> sources;
  std::unique_ptr<gateway::dashboard::Dashboard> dashboard;
};

// Adds the dashboard where it is on; else both are null. Without a password it says how to set one.
[[nodiscard]] Result<OpenedDashboard> AddDashboard(const gateway::Settings& settings,
                                                   const gateway::Environment& environment,
                                                   const OpenedParts& parts,
                                                   gateway::Gateway& gateway);

}  // namespace assay::cli

// What `assay serve` opens beside the gateway: keys, logs, and the documents of routes.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "assay/core/result.h"
#include "assay/crypto/key_store.h"
#include "assay/embed/encoder.h"
#include "assay/gateway/answer_checker.h"
#include "assay/gateway/dashboard/dashboard.h"
#include "assay/gateway/dashboard/live_sources.h"
#include "assay/gateway/gateway.h"
#include "assay/gateway/settings_load.h"
#include "assay/telemetry/log.h"
#include "assay/telemetry/request_log.h"

#include "commands/key_options.h"

namespace assay::cli {

struct OpenedParts {
  std::unique_ptr<telemetry::Log> log;
  std::unique_ptr<telemetry::RequestLog> request_log;  // null: off
  std::unique_ptr<crypto::KeyStore> keys;              // null: not needed
  std::unique_ptr<embed::Encoder> encoder;             // null: no route has documents
  // By the documents' paths, so that routes with the same documents share a checker.
  std::map<std::vector<std::string>, std::unique_ptr<gateway::AnswerChecker>> checkers;
  std::map<std::string, const gateway::AnswerChecker*, std::less<>> checker_of_route;

  [[nodiscard]] gateway::GatewayParts parts() const {
    return {.keys = keys.get(), .log = log.get(), .request_log = request_log.get()};
  }
};

// Errors: those of opening each; kFailedPrecondition when keys are needed and none were made.
[[nodiscard]] Result<OpenedParts> OpenParts(const gateway::Settings& settings,
                                            const StateOptions& state);

// The endpoints about claims. `parts` must outlive the router.
[[nodiscard]] Result<void> AddClaimEndpoints(const gateway::Settings& settings,
                                             const OpenedParts& parts, gateway::Router& router);

// The dashboard with what it reads; must be torn down before the gateway.
struct OpenedDashboard {
  std::unique_ptr<gateway::dashboard::LiveSources> sources;
  std::unique_ptr<gateway::dashboard::Dashboard> dashboard;
};

// Adds the dashboard where it is on and a password is set; else both are null.
[[nodiscard]] Result<OpenedDashboard> AddDashboard(const gateway::Settings& settings,
                                                   const gateway::Environment& environment,
                                                   const OpenedParts& parts,
                                                   gateway::Gateway& gateway);

}  // namespace assay::cli

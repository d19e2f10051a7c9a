// Endpoints of the experiments that run.
// Threads: the handlers run on the compute pool.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "assay/core/result.h"
#include "assay/gateway/router.h"

#include "experiments/live_set_internal.h"

namespace assay::gateway {

class SharedExperiments;  // cluster/shared_experiments_internal.h

struct ExperimentsApiParts {
  std::function<std::shared_ptr<const LiveSet>()> live;  // null: there are no experiments
  // For the audit log, when an administrator stops or starts one.
  std::function<void(std::string_view action, std::string_view experiment, std::string_view key_id)>
      note;
  // What other gateways know of outcomes; null: there are no others. Outlives the router.
  const SharedExperiments* shared = nullptr;
};

// What the first two endpoints below answer; `set` may be null.
[[nodiscard]] std::string ListExperiments(const LiveSet* set);
[[nodiscard]] Result<std::string> ReportExperiment(const LiveSet* set, std::string_view id);

// GET /v1/experiments, GET /v1/experiments/{id}, POST /v1/experiments/{id}/start and .../stop for
// administrators; POST /v1/experiments/{id}/outcome for who may ask models.
// Errors: those of Router::Add.
[[nodiscard]] Result<void> AddExperimentsApi(Router& router, const ExperimentsApiParts& parts);

}  // namespace assay::gateway

// assay/gateway/claims_api.h: POST /v1/claims/extract, /v1/claims/verify and /v1/check.
// Room: gateway (uses core, claims).
// Bodies and answers: docs/openapi.yaml. Every error has the OpenAI form and names the field.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "assay/core/result.h"
#include "assay/gateway/answer_checker.h"
#include "assay/gateway/router.h"

namespace assay::gateway {

struct ClaimsApiOptions {
  std::int64_t batch_window_ms = 0;  // 0 to 50: how long a verification waits for others
  std::size_t max_texts = 1024;      // texts or claims in one request
};

// The checker of a route, by the name that clients ask for; the only one when `route` is empty.
// Null: that route has no documents. What it returns lives as long as the router.
using CheckerOfRoute = std::function<const AnswerChecker*(std::string_view route)>;

// Adds the three endpoints, scope kClaims. Without a checker, extraction works and the others
// answer 412 and say how to name documents. Errors: those of Router::Add.
[[nodiscard]] Result<void> AddClaimsApi(Router& router, CheckerOfRoute checker_of_route,
                                        const ClaimsApiOptions& options);

}  // namespace assay::gateway

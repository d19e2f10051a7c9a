// POST /v1/consensus: answers that the client has already, merged.
#pragma once
#include <functional>

#include "assay/core/result.h"
#include "assay/embed/encoder.h"
#include "assay/gateway/router.h"

namespace assay::gateway {

// Gives the encoder that compares texts; called by many threads.
using EncoderSource = std::function<Result<const embed::Encoder*>()>;

// Scope kClaims; bodies and answers: docs/openapi.yaml. Errors: those of Router::Add.
[[nodiscard]] Result<void> AddConsensusApi(Router& router, EncoderSource encoder);

}  // namespace assay::gateway

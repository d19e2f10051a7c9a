// The part of the accuracy section that asks no model.
#pragma once
#include "assay/core/result.h"

#include "validate/sections.h"

namespace assay::cli::validate {

// Consensus and claim check on the data sets, which hold answers of other models with their truth.
[[nodiscard]] Result<void> MeasureAccuracyOnData(Session& session);

}  // namespace assay::cli::validate

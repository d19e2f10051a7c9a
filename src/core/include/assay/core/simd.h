// assay/core/simd.h: which SIMD target the kernels run on.
// Room: core.  Threads: ActiveSimdTarget may be asked by many; forcing is for start-up and tests,
// while no kernel runs.
#pragma once
#include <string_view>
#include <vector>

#include "assay/core/result.h"

namespace assay::core {

// Names of the targets that this processor and this build have, best first: "AVX3", "AVX2", "SSE4",
// ... as Highway calls them. The last one always works.
[[nodiscard]] std::vector<std::string_view> SimdTargets();

// The target that kernels run on now.
[[nodiscard]] std::string_view ActiveSimdTarget();

// Lets every kernel of the process run on the named target from its next call on. The apps hand
// over the value of ASSAY_SIMD here. Errors: kInvalidArgument when this machine or build lacks it.
[[nodiscard]] Result<void> ForceSimdTarget(std::string_view name);

// Back to the best target.
void ResetSimdTarget();

}  // namespace assay::core

// From patterns to a ScanProgram.
#pragma once
#include <span>

#include "assay/core/result.h"
#include "assay/text/pattern_set.h"

#include "patterns/program_internal.h"

namespace assay::text::patterns {

// Errors as PatternSet::Compile.
[[nodiscard]] Result<ScanProgram> CompileProgram(std::span<const Pattern> patterns,
                                                 const PatternSetOptions& options);

}  // namespace assay::text::patterns

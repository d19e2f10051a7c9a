// assay eval semantic-cache
#pragma once
#include "command.h"

namespace assay::cli {

void AddSemanticCacheEval(CLI::App& eval, Invocation& invocation);

}  // namespace assay::cli

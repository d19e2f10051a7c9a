// assay eval consensus
#pragma once
#include "command.h"

namespace assay::cli {

void AddConsensusEval(CLI::App& eval, Invocation& invocation);

}  // namespace assay::cli

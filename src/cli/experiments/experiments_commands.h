// The subcommands of `assay experiments`.
#pragma once
#include "command.h"

namespace assay::cli {

void AddExperimentsAnalyze(CLI::App& group, Invocation& invocation);
void AddExperimentsPlan(CLI::App& group, Invocation& invocation);
void AddExperimentsOpportunities(CLI::App& group, Invocation& invocation);

}  // namespace assay::cli

// The subcommands of `assay logs`.
#pragma once
#include <CLI/CLI.hpp>

#include "command.h"

namespace assay::cli {

void AddLogsAnalyzeCommand(CLI::App& logs, Invocation& invocation);
void AddLogsSearchCommand(CLI::App& logs, Invocation& invocation);
void AddLogsTailCommand(CLI::App& logs, Invocation& invocation);
void AddLogsTemplatesCommand(CLI::App& logs, Invocation& invocation);

}  // namespace assay::cli

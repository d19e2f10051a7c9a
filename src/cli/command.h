// The form of every subcommand.
#pragma once
#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "assay/core/result.h"

#include "terminal.h"

namespace assay::cli {

inline constexpr int kExitSuccess = 0;
inline constexpr int kExitFindings =
    1;  // `--fail-on` was met; errors use the codes of core::kCodeTable

// Filled while the command line is parsed; main() then calls `run`, which returns the exit code.
struct Invocation {
  ColorMode color = ColorMode::kAuto;
  std::function<Result<int>()> run;
};

// Each adds its subcommand to `app` and, when that is chosen, sets `invocation.run`.
void AddAuditCommand(CLI::App& app, Invocation& invocation);
void AddBenchCommand(CLI::App& app, Invocation& invocation);
void AddCacheCommand(CLI::App& app, Invocation& invocation);
void AddCheckCommand(CLI::App& app, Invocation& invocation);
void AddConfigCommand(CLI::App& app, Invocation& invocation);
void AddConsensusCommand(CLI::App& app, Invocation& invocation);
void AddDashboardCommand(CLI::App& app, Invocation& invocation);
void AddEmbedCommand(CLI::App& app, Invocation& invocation);
void AddEvalCommand(CLI::App& app, Invocation& invocation);
void AddExperimentsCommand(CLI::App& app, Invocation& invocation);
void AddExtractCommand(CLI::App& app, Invocation& invocation);
void AddIndexCommand(CLI::App& app, Invocation& invocation);
void AddKeyFileCommand(CLI::App& keys, Invocation& invocation);  // of the subcommand `keys`
void AddKeysCommand(CLI::App& app, Invocation& invocation);
void AddLogsCommand(CLI::App& app, Invocation& invocation);
void AddScanCommand(CLI::App& app, Invocation& invocation);
void AddSearchCommand(CLI::App& app, Invocation& invocation);
void AddServeCommand(CLI::App& app, Invocation& invocation);
void AddTuneCommand(CLI::App& app, Invocation& invocation);
void AddVectorCommand(CLI::App& app, Invocation& invocation);
void AddVersionCommand(CLI::App& app, Invocation& invocation);

}  // namespace assay::cli

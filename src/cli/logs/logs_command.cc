// assay logs
#include "logs/logs_commands.h"

namespace assay::cli {

void AddLogsCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("logs", "Read logs of any format, plain or compressed");
  command->require_subcommand(1);
  AddLogsAnalyzeCommand(*command, invocation);
  AddLogsSearchCommand(*command, invocation);
  AddLogsTailCommand(*command, invocation);
  AddLogsTemplatesCommand(*command, invocation);
}

}  // namespace assay::cli

// The program `assay`: parses the command line, runs one subcommand, reports errors.
#include <csignal>
#include <cstdlib>
#include <exception>

#include <fmt/format.h>
#include <unistd.h>

#include "assay/core/simd.h"

#include "command.h"
#include "validate/validate_command.h"

namespace assay::cli {
namespace {

constexpr std::string_view kDescription =
    "Assay proves what a language model says: it checks every claim of an answer against your "
    "documents.";

constexpr std::string_view kFooter = R"(Examples:
  assay check answer.md --against docs/            what do my documents say about this answer?
  some-model | assay check - --against docs/ --follow
  assay check answer.md --against docs/ --fail-on contradicted --html report.html
  assay search "notice period" --in docs/

Exit codes: 0 success, 1 --fail-on was met or a row of `assay validate` fell short, 2 wrong arguments or
input, 3 not found, 4 exists already, 5 permission denied, 6 not in the right state, 7 disk or memory
full, 8 unavailable or too slow, 9 damaged data, 70 a bug in Assay.
Environment: NO_COLOR turns colours off, ASSAY_MODELS is the folder of the models, ASSAY_SIMD forces a
SIMD target by name, ASSAY_CONFIG is the gateway's file; every key of that is a variable too (docs/configuration.md).)";

int Report(const Error& error, const Invocation& invocation) {
  const Painter paint(invocation.color, STDERR_FILENO);
  fmt::print(stderr, "{} {}\n", paint.Red("assay:"), error.message);
  return core::InfoOf(error.code).exit_code;
}

Result<void> ApplyEnvironment() {
  if (const char* target = std::getenv("ASSAY_SIMD"); target != nullptr && *target != '\0') {
    return core::ForceSimdTarget(target);
  }
  return {};
}

int Main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_DFL);
  Invocation invocation;
  CLI::App app{std::string(kDescription), "assay"};
  app.footer(std::string(kFooter));
  app.require_subcommand(1);
  app.fallthrough();
  const std::map<std::string, ColorMode> modes = {
      {"auto", ColorMode::kAuto}, {"always", ColorMode::kAlways}, {"never", ColorMode::kNever}};
  app.add_option("--color", invocation.color, "Colours in the output: auto, always or never")
      ->transform(CLI::CheckedTransformer(modes, CLI::ignore_case).description(""))
      ->option_text("WHEN");
  AddCheckCommand(app, invocation);
  AddExtractCommand(app, invocation);
  AddConsensusCommand(app, invocation);
  AddIndexCommand(app, invocation);
  AddScanCommand(app, invocation);
  AddLogsCommand(app, invocation);
  AddSearchCommand(app, invocation);
  AddEmbedCommand(app, invocation);
  AddEvalCommand(app, invocation);
  AddBenchCommand(app, invocation);
  AddExperimentsCommand(app, invocation);
  AddConfigCommand(app, invocation);
  AddServeCommand(app, invocation);
  AddDashboardCommand(app, invocation);
  AddCacheCommand(app, invocation);
  AddKeysCommand(app, invocation);
  AddAuditCommand(app, invocation);
  AddTuneCommand(app, invocation);
  AddValidateCommand(app, invocation);
  AddVectorCommand(app, invocation);
  AddVersionCommand(app, invocation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked_for_help = error.get_exit_code() == 0;
    app.exit(error);
    return asked_for_help ? kExitSuccess : core::InfoOf(Code::kInvalidArgument).exit_code;
  }
  if (const auto applied = ApplyEnvironment(); !applied) return Report(applied.error(), invocation);
  const Result<int> code = invocation.run();
  return code ? *code : Report(code.error(), invocation);
}

}  // namespace
}  // namespace assay::cli

int main(int argc, char** argv) {
  try {
    return assay::cli::Main(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "assay: a bug: {}\n", error.what());
    return assay::core::InfoOf(assay::Code::kInternal).exit_code;
  }
}

// assay audit verify|show
#include <algorithm>
#include <deque>
#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "assay/crypto/audit_log.h"

#include "command.h"
#include "commands/key_options.h"
#include "json_output.h"

namespace assay::cli {
namespace {

struct Options {
  StateOptions state;
  std::string action;
  std::size_t last = 0;
  bool json = false;
};

Result<crypto::AuditOptions> LogOf(const Options& options) {
  ASSAY_ASSIGN(const std::string directory, StateDirectory(options.state.directory));
  return crypto::AuditOptions{.path = directory + "/audit.log", .files = nullptr, .clock = nullptr};
}

Result<int> RunVerify(const Options& options, const Painter& paint) {
  ASSAY_ASSIGN(const crypto::AuditOptions log, LogOf(options));
  ASSAY_ASSIGN(const std::string directory, StateDirectory(options.state.directory));
  ASSAY_ASSIGN(const crypto::SecretString passphrase,
               ReadPassphrase(options.state.passphrase_file));
  ASSAY_ASSIGN(const crypto::KeyRing ring,
               crypto::KeyRing::Load(directory + "/secret.keys", passphrase.view()));
  ASSAY_ASSIGN(const crypto::AuditReport report, crypto::AuditLog::Verify(log, ring));
  const int code = report.broken ? core::InfoOf(Code::kDataLoss).exit_code : kExitSuccess;
  if (options.json) {
    const auto broken =
        report.broken ? boost::json::value(*report.broken) : boost::json::value(nullptr);
    fmt::print("{}", PrettyJson({{"file", log.path},
                                 {"records", report.records},
                                 {"broken", broken},
                                 {"reason", report.reason}}));
    return code;
  }
  if (report.broken) {
    fmt::print("{} record {} of {}: {}; the {} records before it are genuine\n",
               paint.Red("broken"), *report.broken, log.path, report.reason, report.records);
  } else {
    fmt::print("{} {} records of {}{}{}\n", paint.Green("genuine"), report.records, log.path,
               report.reason.empty() ? "" : "; note: ", report.reason);
  }
  return code;
}

std::string LineOf(const crypto::AuditRecord& record) {
  const crypto::AuditEvent& event = record.event;
  std::string line =
      fmt::format("{:>6}  {}  {:<14} {:<18} {}", record.sequence, ShortTime(record.time_ms),
                  event.action, event.actor, event.subject);
  for (const auto& [name, value] : event.details) line += fmt::format(" {}={}", name, value);
  // What a client sent must not steer the terminal.
  std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, '?');
  return line;
}

Result<int> RunShow(const Options& options, const Painter&) {
  ASSAY_ASSIGN(const crypto::AuditOptions log, LogOf(options));
  std::deque<std::string> lines;
  ASSAY_TRY(crypto::AuditLog::ForEach(log, [&](const crypto::AuditRecord& record) {
    if (!options.action.empty() && !record.event.action.starts_with(options.action)) return true;
    lines.push_back(options.json ? record.json : LineOf(record));
    if (options.last != 0 && lines.size() > options.last) lines.pop_front();
    return true;
  }));
  for (const std::string& line : lines) fmt::print("{}\n", line);
  return kExitSuccess;
}

}  // namespace

void AddAuditCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* audit =
      app.add_subcommand("audit", "Read and check the log of who changed keys and settings");
  audit->require_subcommand(1);
  audit->footer("Example:\n  assay audit verify");
  const auto add = [&](const std::string& name, const std::string& what,
                       Result<int> (*run)(const Options&, const Painter&)) {
    CLI::App* command = audit->add_subcommand(name, what);
    AddStateOptions(*command, options->state);
    command->callback([&invocation, options, run] {
      invocation.run = [&invocation, options, run] {
        return run(*options, Painter(invocation.color, STDOUT_FILENO));
      };
    });
    return command;
  };
  CLI::App* verify =
      add("verify", "Is every record genuine and in its place? Exit code 9 if not", RunVerify);
  verify->add_flag("--json", options->json, "Print one JSON object");
  verify->footer("Examples:\n  assay audit verify\n  assay audit verify --state /srv/assay --json");
  CLI::App* show = add("show", "Print the records, oldest first", RunShow);
  show->add_option("--last", options->last, "Only the last N")->option_text("N");
  show->add_option("--action", options->action, "Only actions that begin so, such as key.")
      ->option_text("PREFIX");
  show->add_flag("--json", options->json, "Print the records as stored, one JSON object a line");
  show->footer("Examples:\n  assay audit show --last 20\n  assay audit show --action key. --json");
}

}  // namespace assay::cli

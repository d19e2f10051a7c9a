// assay dashboard password
#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include "assay/core/file_system.h"
#include "assay/crypto/secret.h"
#include "assay/gateway/dashboard/dashboard.h"
#include "assay/gateway/settings_load.h"

#include "command.h"
#include "process_environment.h"

namespace assay::cli {
namespace {

namespace dashboard = gateway::dashboard;

struct DashboardCommandOptions {
  std::string config;
  std::string folder;
};

// Turns the terminal's echo off while it lives.
class QuietTerminal {
 public:
  QuietTerminal() : on_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!on_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~QuietTerminal() {
    if (on_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

 private:
  termios before_ = {};
  bool on_;
};

// One line of standard input, without its end. Errors: kInvalidArgument when there is none.
Result<std::string> ReadLine() {
  std::string line;
  char byte = 0;
  while (line.size() <= dashboard::kMaxPasswordBytes && ::read(STDIN_FILENO, &byte, 1) == 1) {
    if (byte == '\n') return line;
    line += byte;
  }
  if (line.empty()) return Fail(Code::kInvalidArgument, "no password came on standard input");
  return line;
}

Result<std::string> AskPassword() {
  if (::isatty(STDIN_FILENO) == 0) return ReadLine();
  const QuietTerminal quiet;
  fmt::print(stderr, "New dashboard password: ");
  ASSAY_ASSIGN(std::string first, ReadLine());
  fmt::print(stderr, "\nOnce more: ");
  ASSAY_ASSIGN(std::string second, ReadLine());
  fmt::print(stderr, "\n");
  const bool equal = crypto::ConstantTimeEqual(first, second);
  crypto::Wipe(second);
  if (!equal) return Fail(Code::kInvalidArgument, "the two passwords differ; nothing was changed");
  return first;
}

Result<std::string> FolderOf(const DashboardCommandOptions& options) {
  if (!options.folder.empty()) return options.folder;
  ASSAY_ASSIGN(
      const gateway::LoadedSettings loaded,
      gateway::LoadSettings(core::FileSystem::Real(), options.config, ProcessEnvironment()));
  if (!loaded.settings.data_folder.empty()) return loaded.settings.data_folder;
  return Fail(Code::kFailedPrecondition,
              "there is no folder to keep the password in: name one with --data-folder, or set "
              "data_folder in assay.yaml or ASSAY_DATA_FOLDER");
}

Result<int> RunPassword(const DashboardCommandOptions& options) {
  ASSAY_ASSIGN(const std::string folder, FolderOf(options));
  ASSAY_ASSIGN(std::string password, AskPassword());
  ASSAY_TRY(core::FileSystem::Real().MakeDirectories(folder));
  const std::string path = fmt::format("{}/{}", folder, dashboard::kPasswordFile);
  const Result<void> set = dashboard::SetPassword(path, password);
  crypto::Wipe(password);
  ASSAY_TRY(set);
  fmt::print("The dashboard's password is set in {}. All sessions are over.\n", path);
  return kExitSuccess;
}

}  // namespace

void AddDashboardCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<DashboardCommandOptions>();
  CLI::App* command = app.add_subcommand("dashboard", "Set the password of the page /dashboard");
  command->require_subcommand(1);
  CLI::App* password = command->add_subcommand(
      "password",
      "Set the admin password; it is asked for, or read as one line from standard input");
  password->add_option("--config", options->config, "The configuration that `assay serve` uses")
      ->option_text("FILE");
  password
      ->add_option("--data-folder", options->folder, "The folder where `assay serve` keeps data")
      ->option_text("DIR");
  password->callback(
      [options, &invocation] { invocation.run = [options] { return RunPassword(*options); }; });
}

}  // namespace assay::cli

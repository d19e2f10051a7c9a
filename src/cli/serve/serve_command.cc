// assay serve
#include <csignal>
#include <cstdio>

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "assay/core/file_system.h"
#include "assay/gateway/gateway.h"
#include "assay/gateway/settings_load.h"

#include "command.h"
#include "process_environment.h"
#include "serve/opened_parts.h"

namespace assay::cli {
namespace {

struct ServeOptions {
  std::string config;
  std::vector<std::string> upstreams;
  std::vector<std::string> listen;
  std::int64_t threads = 0;
  std::string cache_folder;
  std::vector<std::string> documents;
  std::string shared_name;
  gateway::SharedClaimsOptions shared;
  StateOptions state;
};

// The file and the environment first; the command line wins.
Result<gateway::Settings> ReadServeSettings(const ServeOptions& options,
                                            const gateway::Environment& environment) {
  ASSAY_ASSIGN(gateway::LoadedSettings loaded,
               gateway::LoadSettings(core::FileSystem::Real(), options.config, environment));
  if (loaded.settings.data_folder.empty() && !options.state.directory.empty()) {
    gateway::Environment with_folder = environment;
    with_folder["ASSAY_DATA_FOLDER"] = options.state.directory;
    ASSAY_ASSIGN(loaded,
                 gateway::LoadSettings(core::FileSystem::Real(), options.config, with_folder));
  }
  for (const std::string& warning : loaded.warnings) {
    const bool answered = !options.upstreams.empty() && warning.starts_with("upstreams:");
    if (!answered) fmt::print(stderr, "warning: {}\n", warning);
  }
  gateway::Settings& settings = loaded.settings;
  if (!options.upstreams.empty()) {
    settings.upstreams.clear();
    for (const std::string& url : options.upstreams) {
      gateway::UpstreamSettings upstream;
      upstream.name = fmt::format("upstream-{}", settings.upstreams.size() + 1);
      upstream.url = url;
      settings.upstreams.push_back(std::move(upstream));
    }
    if (options.config.empty()) settings.routes.clear();  // FinishSettings makes the route "*"
  }
  if (!options.listen.empty()) settings.listen = options.listen;
  if (options.threads > 0) settings.threads = options.threads;
  if (KeysRequired(settings) && settings.data_folder.empty() && settings.keys.database.empty()) {
    ASSAY_ASSIGN(const std::string state, StateDirectory({}));
    settings.keys.database = state + "/keys.db";
  }
  if (!options.cache_folder.empty()) settings.cache.disk.folder = options.cache_folder;
  ASSAY_TRY(gateway::FinishSettings(settings));
  if (settings.upstreams.empty()) {
    return Fail(Code::kInvalidArgument,
                "there is no upstream to ask; give one with --upstream http://127.0.0.1:8000/v1, "
                "or in a file with --config assay.yaml");
  }
  for (gateway::RouteSettings& route : settings.routes) {
    if (!options.documents.empty()) route.documents = options.documents;
  }
  return std::move(settings);
}

// Every connection needs a descriptor; the soft limit is often 1,024.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);  // as it was is then good enough
}

// What of a reload is not the gateway's: the log, and word of what needs a restart.
void TakeOver(const gateway::Settings& before, const gateway::Settings& after,
              telemetry::Log& log) {
  log.SetLevel(static_cast<telemetry::Level>(after.log.level));  // the same names in both
  log.SetTexts(after.log.texts);
  if (const auto opened = log.Reopen(); !opened) {
    fmt::print(stderr, "assay: {}\n", opened.error().message);
  }
  fmt::print(stderr, "assay: the settings were read again\n");
  for (const gateway::SettingChange& change : gateway::DiffSettings(before, after)) {
    fmt::print(stderr, "assay: {}: {} -> {}{}\n", change.path, change.before, change.after,
               change.live ? "" : ", after a restart");
  }
}

// SIGTERM and SIGINT end the wait, SIGHUP reloads. Requires: all three are blocked in all threads.
void WaitForEnd(const sigset_t& signals, const ServeOptions& options, gateway::Settings current,
                const OpenedParts& parts, gateway::Gateway& gateway) {
  while (true) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0 || signal != SIGHUP) return;
    const gateway::Environment environment = ProcessEnvironment();
    const auto settings = ReadServeSettings(options, environment);
    const auto reloaded = settings ? gateway.Reload(*settings, environment)
                                   : Result<void>(std::unexpected(settings.error()));
    if (reloaded) {
      TakeOver(current, *settings, *parts.log);
      current = *settings;
    } else {
      fmt::print(stderr, "assay: the settings stay as they were: {}\n", reloaded.error().message);
    }
  }
}

Result<int> Run(const ServeOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);  // a client that went away is an error of its write
  std::signal(SIGXFSZ, SIG_IGN);  // and so is a file that may not grow (ulimit -f)
  RaiseDescriptorLimit();
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread: they inherit it

  const gateway::Environment environment = ProcessEnvironment();
  ASSAY_ASSIGN(const gateway::Settings settings, ReadServeSettings(options, environment));
  ASSAY_ASSIGN(const OpenedParts parts, OpenParts(settings, environment, options.state));
  ASSAY_ASSIGN(const auto gateway, gateway::Gateway::Make(settings, environment, parts.parts()));
  ASSAY_ASSIGN(const OpenedDashboard dashboard,
               AddDashboard(settings, environment, parts, *gateway));
  if (!options.shared_name.empty()) {
    ASSAY_TRY(gateway->ServeShared(options.shared_name, options.shared));
  }
  ASSAY_TRY(gateway->Start());
  for (const std::string& address : gateway->addresses()) {
    fmt::print("assay: listening on {}://{}\n", settings.tls.enabled() ? "https" : "http", address);
  }
  if (!options.shared_name.empty()) {
    fmt::print("assay: verifying claims in the shared memory '{}'\n", options.shared_name);
  }
  std::fflush(stdout);
  WaitForEnd(signals, options, settings, parts, *gateway);
  const std::size_t cut = gateway->Drain();
  if (cut > 0) fmt::print(stderr, "assay: {} connections were cut at the end of the drain\n", cut);
  return kExitSuccess;
}

}  // namespace

void AddServeCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command =
      app.add_subcommand("serve", "Stand between applications and their language models");
  command
      ->add_option("--upstream", options->upstreams,
                   "Base URL of an OpenAI-compatible server, usually ending in /v1; several are "
                   "tried in turn")
      ->option_text("URL");
  command
      ->add_option("--listen", options->listen,
                   "Address to listen on (default: 127.0.0.1:9000); port 0 takes a free one")
      ->option_text("HOST:PORT");
  command->add_option("--threads", options->threads, "I/O threads (default: one a core)")
      ->check(CLI::Range(1, 1024))
      ->option_text("N");
  command->add_option("--cache-dir", options->cache_folder, "Folder of the cache's disk tier")
      ->option_text("DIR");
  command
      ->add_option("--docs", options->documents,
                   "Documents that answers are checked against: a folder, file or index")
      ->option_text("DIR");
  command
      ->add_option("--shm", options->shared_name,
                   "Also verify claims of processes on this machine, of the same user, through "
                   "shared memory of this name")
      ->option_text("NAME");
  command
      ->add_option("--shm-workers", options->shared.workers,
                   "Threads that verify them (default: 1)")
      ->check(CLI::Range(1, 64))
      ->option_text("N");
  command
      ->add_option("--shm-lanes", options->shared.channel.lanes,
                   "Processes that may be connected at once (default: 16)")
      ->check(CLI::Range(1, 256))
      ->option_text("N");
  command->add_option("--config", options->config, "Settings (assay.yaml); see assay config")
      ->option_text("FILE");
  AddStateOptions(*command, options->state);
  command->footer(
      "Without --config it needs no keys while it listens on this machine only.\n"
      "SIGTERM answers what is in flight and ends; SIGHUP reads the settings again.\n"
      "Example:\n  assay serve --upstream http://127.0.0.1:8000/v1 --listen 127.0.0.1:9000");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return Run(*options); }; });
}

}  // namespace assay::cli

#include "serve/opened_parts.h"

#include <filesystem>

#include <fmt/format.h>

#include "assay/core/file_system.h"

#include "encoders.h"

namespace assay::cli {
namespace {

Result<std::unique_ptr<crypto::KeyStore>> OpenKeys(const gateway::Settings& settings,
                                                   const gateway::Environment& environment,
                                                   const StateOptions& state, telemetry::Log& log) {
  StateOptions place = state;
  if (place.directory.empty() && !settings.keys.database.empty()) {
    place.directory = std::filesystem::path(settings.keys.database).parent_path().string();
  }
  if (place.directory.empty()) place.directory = settings.data_folder;
  crypto::KeyStoreOptions options;
  ASSAY_ASSIGN(options.directory, StateDirectory(place.directory));
  options.database = settings.keys.database;
  ASSAY_ASSIGN(options.passphrase, ReadPassphrase(place.passphrase_file));
  if (!settings.keys.passphrase.empty()) {
    ASSAY_ASSIGN(const auto passphrase, gateway::ReadSecret(settings.keys.passphrase, environment));
    if (passphrase) options.passphrase = crypto::SecretString::Copy(*passphrase);
  }
  options.must_exist = true;
  options.on_sync_change = [&log](const Error* why) {
    log.Write(
        why != nullptr ? telemetry::Level::kWarn : telemetry::Level::kInfo, "keys",
        {{"message", why != nullptr
                         ? "usage of keys cannot be written for now, and is kept: " + why->message
                         : "usage of keys is written again"}});
  };
  const std::string directory = options.directory;
  auto keys = crypto::KeyStore::Open(std::move(options));
  if (!keys && keys.error().code == Code::kNotFound) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("this gateway needs API keys, for it would listen beyond this machine "
                            "or the settings say so, and {} holds none: make one with `assay keys "
                            "create`, or listen on 127.0.0.1 only",
                            directory));
  }
  return keys;
}

Result<std::unique_ptr<telemetry::Log>> OpenLog(const gateway::LogSettings& settings) {
  telemetry::LogOptions options;
  options.level = static_cast<telemetry::Level>(settings.level);  // the same names in both
  options.file = settings.file;
  options.texts = settings.texts;
  options.queue_bytes = static_cast<std::size_t>(settings.queue_bytes);
  return telemetry::Log::Open(std::move(options));
}

Result<std::unique_ptr<telemetry::RequestLog>> OpenRequestLog(const gateway::Settings& settings,
                                                              telemetry::Log& log) {
  const gateway::RequestLogSettings& wanted = settings.request_log;
  telemetry::RequestLogOptions options;
  options.file = wanted.file.empty() ? settings.data_folder + "/requests.db" : wanted.file;
  const std::string folder = std::filesystem::path(options.file).parent_path().string();
  if (!folder.empty()) ASSAY_TRY(core::FileSystem::Real().MakeDirectories(folder));
  options.texts = wanted.texts;
  options.queue_length = static_cast<std::size_t>(wanted.queue_length);
  options.max_age_ms = wanted.max_age_ms;
  options.max_bytes = wanted.max_bytes;
  return telemetry::RequestLog::Open(std::move(options), [&log](const std::string& sentence) {
    log.Write(telemetry::Level::kWarn, "request_log", {{"message", sentence}});
  });
}

}  // namespace

Result<OpenedParts> OpenParts(const gateway::Settings& settings,
                              const gateway::Environment& environment, const StateOptions& state) {
  OpenedParts parts;
  ASSAY_ASSIGN(parts.log, OpenLog(settings.log));
  if (gateway::KeysRequired(settings)) {
    ASSAY_ASSIGN(parts.keys, OpenKeys(settings, environment, state, *parts.log));
  }
  if (settings.request_log.enabled) {
    ASSAY_ASSIGN(parts.request_log, OpenRequestLog(settings, *parts.log));
  }
  return parts;
}

Result<OpenedDashboard> AddDashboard(const gateway::Settings& settings,
                                     const gateway::Environment& environment,
                                     const OpenedParts& parts, gateway::Gateway& gateway) {
  OpenedDashboard opened;
  if (!settings.dashboard.enabled) return opened;
  gateway::dashboard::Options options;
  options.version = ASSAY_VERSION;
  options.session_ms = settings.dashboard.session_ms;
  options.secure_cookie = settings.tls.enabled();
  ASSAY_ASSIGN(const auto password, gateway::ReadSecret(settings.dashboard.password, environment));
  if (password) options.password = *password;
  if (!settings.data_folder.empty()) {
    options.password_file =
        settings.data_folder + "/" + std::string(gateway::dashboard::kPasswordFile);
  }
  gateway::dashboard::LiveParts live;
  live.metrics = &gateway.metrics();
  live.request_log = parts.request_log.get();
  live.keys = parts.keys.get();
  live.cache = gateway.cache();
  live.upstreams = [&gateway] { return gateway.Upstreams(); };
  live.experiments = [&gateway] { return gateway.ExperimentsJson(); };
  live.experiment = [&gateway](std::string_view id) { return gateway.ExperimentJson(id); };
  live.stop_experiment = [&gateway](std::string_view id, bool stopped) {
    return gateway.StopExperiment(id, stopped);
  };
  live.semantic = [&gateway] { return gateway.Semantic(); };
  opened.sources = std::make_unique<gateway::dashboard::LiveSources>(std::move(live));
  ASSAY_ASSIGN(opened.dashboard,
               gateway::dashboard::Dashboard::Make(std::move(options), *opened.sources));
  ASSAY_TRY(opened.dashboard->AddRoutes(gateway.router()));
  return opened;
}

}  // namespace assay::cli

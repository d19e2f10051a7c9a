// assay config check|show|schema
#include <cstdlib>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "assay/core/file_system.h"
#include "assay/gateway/settings_load.h"

#include "command.h"
#include "json_output.h"
#include "process_environment.h"

namespace assay::cli {
namespace {

struct ConfigOptions {
  std::string file;
  bool json = false;
  bool markdown = false;
};

Result<gateway::LoadedSettings> LoadFrom(const ConfigOptions& options) {
  return gateway::LoadSettings(core::FileSystem::Real(), options.file, ProcessEnvironment());
}

void PrintWarnings(const gateway::LoadedSettings& loaded) {
  for (const std::string& warning : loaded.warnings) {
    fmt::print(stderr, "warning: {}\n", warning);
  }
}

// Looks for every secret that is named, so that a missing one shows here and not under load.
Result<void> CheckSecrets(const gateway::Settings& settings) {
  const gateway::Environment environment = ProcessEnvironment();
  std::vector<gateway::SecretSource> sources = {
      settings.cache.redis.password, settings.keys.passphrase, settings.dashboard.password};
  for (const gateway::UpstreamSettings& upstream : settings.upstreams) {
    sources.push_back(upstream.key);
  }
  std::string problems;
  for (const gateway::SecretSource& source : sources) {
    if (const auto secret = gateway::ReadSecret(source, environment); !secret) {
      problems += (problems.empty() ? "" : "\n") + secret.error().message;
    }
  }
  if (!problems.empty()) return Fail(Code::kInvalidArgument, std::move(problems));
  return {};
}

Result<int> RunCheck(const ConfigOptions& options) {
  ASSAY_ASSIGN(const gateway::LoadedSettings loaded, LoadFrom(options));
  PrintWarnings(loaded);
  ASSAY_TRY(CheckSecrets(loaded.settings));
  fmt::print("{}: {} upstreams, {} routes\n", options.file.empty() ? "the defaults" : options.file,
             loaded.settings.upstreams.size(), loaded.settings.routes.size());
  return kExitSuccess;
}

std::string_view OriginName(gateway::Origin origin) {
  switch (origin) {
    case gateway::Origin::kDefault:
      return "default";
    case gateway::Origin::kFile:
      return "file";
    case gateway::Origin::kEnvironment:
      return "environment";
  }
  return "default";
}

Result<int> RunShow(const ConfigOptions& options) {
  ASSAY_ASSIGN(const gateway::LoadedSettings loaded, LoadFrom(options));
  PrintWarnings(loaded);
  if (!options.json) {
    fmt::print("{}", gateway::SettingsYaml(loaded));
    return kExitSuccess;
  }
  boost::json::array values;
  for (const gateway::EffectiveValue& value : loaded.values) {
    values.push_back({{"path", boost::json::value_from(value.path)},
                      {"value", value.value},
                      {"origin", OriginName(value.origin)},
                      {"where", value.where}});
  }
  fmt::print("{}", PrettyJson({{"values", std::move(values)}}));
  return kExitSuccess;
}

Result<int> RunSchema(const ConfigOptions& options) {
  if (options.markdown) {
    fmt::print("{}", gateway::SettingsReference());
  } else {
    fmt::print("{}", PrettyJson(boost::json::parse(gateway::SettingsSchema())));
  }
  return kExitSuccess;
}

void AddFile(CLI::App& command, ConfigOptions& options) {
  command
      .add_option("file", options.file, "assay.yaml; without it the defaults and the environment")
      ->envname("ASSAY_CONFIG");
}

}  // namespace

void AddConfigCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("config", "Check and show the gateway's configuration");
  command->require_subcommand(1);
  auto options = std::make_shared<ConfigOptions>();
  const auto runs = [&invocation, options](Result<int> (*run)(const ConfigOptions&)) {
    return
        [&invocation, options, run] { invocation.run = [options, run] { return run(*options); }; };
  };

  CLI::App* check = command->add_subcommand(
      "check", "Is the file valid? Names every problem with its file, line and column");
  AddFile(*check, *options);
  check->footer("Example:\n  assay config check assay.yaml");
  check->callback(runs(RunCheck));

  CLI::App* show = command->add_subcommand(
      "show", "All values in force, with the origin of those that are no defaults");
  AddFile(*show, *options);
  show->add_flag("--json", options->json, "Print one JSON object");
  show->callback(runs(RunShow));

  CLI::App* schema = command->add_subcommand("schema", "JSON Schema of the file, for editors");
  schema->add_flag("--markdown", options->markdown, "The tables of docs/configuration.md instead");
  schema->callback(runs(RunSchema));
}

}  // namespace assay::cli

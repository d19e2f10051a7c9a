// assay/gateway/settings_load.h: assay.yaml + environment -> Settings, with the origin of each
// value. Room: gateway (uses config, core).  Threads: pure functions. A value comes from, last one
// wins: the default, the file, the environment. Every key `a.b_c` is also the variable ASSAY_A_B_C;
// keys of a named upstream or route carry its name in capitals with other characters as '_':
// `upstreams.my-gpu.url` is ASSAY_UPSTREAMS_MY_GPU_URL.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/config/value.h"
#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/gateway/settings.h"

namespace assay::gateway {

using Environment = std::map<std::string, std::string, std::less<>>;

enum class Origin : std::uint8_t { kDefault, kFile, kEnvironment };

// A leaf as `assay config show` prints it.
struct EffectiveValue {
  std::vector<std::string> path;  // {"cache", "memory", "size"}
  std::string value;              // as it would stand in YAML
  Origin origin = Origin::kDefault;
  std::string where;  // "assay.yaml:12:5", the variable's name, or empty
};

struct LoadedSettings {
  Settings settings;
  std::vector<EffectiveValue> values;  // in the order of the table
  std::vector<std::string> warnings;   // such as an ASSAY_ variable that means nothing
};

// Reads a document (or none) and the environment's ASSAY_ variables, checks every value and what
// several values say together. Errors: kInvalidArgument with one line for each problem, each with
// file, line and column or the variable's name.
[[nodiscard]] Result<LoadedSettings> ReadSettings(const config::Document* document,
                                                  const Environment& environment);

// As ReadSettings of a file; an empty path means that there is none.
[[nodiscard]] Result<LoadedSettings> LoadSettings(core::FileSystem& files, const std::string& path,
                                                  const Environment& environment);

// All values as a file that loads to the same settings; where a value is no default, a comment says
// where it comes from. Secrets are never in it, only where they are found.
[[nodiscard]] std::string SettingsYaml(const LoadedSettings& loaded);

// The settings of `assay serve --upstream URL ...` without a file are made by hand; this applies
// what ReadSettings checks beyond single values and fills in the routes.
[[nodiscard]] Result<void> FinishSettings(Settings& settings);

struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;
};
// "127.0.0.1:9000", "[::1]:9000". Errors: kInvalidArgument.
[[nodiscard]] Result<HostPort> ParseHostPort(std::string_view text);
// Whether every address of `listen` is reached from this machine alone.
[[nodiscard]] bool LoopbackOnly(const Settings& settings);
// Whether a request needs a key.
[[nodiscard]] bool KeysRequired(const Settings& settings);

// A value that differs between two loads.
struct SettingChange {
  std::string path;
  std::string before;
  std::string after;
  bool live = false;  // takes effect on reload; else only after a restart
};
[[nodiscard]] std::vector<SettingChange> DiffSettings(const Settings& before,
                                                      const Settings& after);

// JSON Schema (draft 2020-12) of the file, and the tables of docs/configuration.md.
[[nodiscard]] std::string SettingsSchema();
[[nodiscard]] std::string SettingsReference();

// The secret itself, without a final line feed; nothing when the source is empty. Errors: kNotFound
// for an unset variable or a missing file, kPermissionDenied for a file that others may read,
// kInvalidArgument for an empty one. No error names the secret.
[[nodiscard]] Result<std::optional<std::string>> ReadSecret(const SecretSource& source,
                                                            const Environment& environment);

}  // namespace assay::gateway

// Bytes as assay.yaml, its first line as variables: settings that load must show as a file that
// loads to the same settings, and an error must name a place.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "assay/config/parse.h"
#include "assay/gateway/settings_load.h"

namespace assay::gateway {
namespace {

// "NAME=value NAME=value" behind "#env " in the first line.
Environment EnvironmentOf(std::string_view text) {
  Environment environment;
  if (!text.starts_with("#env ")) return environment;
  text = text.substr(5, text.find('\n') - 5);
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(' '));
    const std::size_t equals = one.find('=');
    if (equals != std::string_view::npos)
      environment.emplace(one.substr(0, equals), one.substr(equals + 1));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
  }
  return environment;
}

}  // namespace
}  // namespace assay::gateway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  if (size > 4096) return 0;  // every key fits
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  config::ParseOptions options;
  options.max_values = 10'000;
  const auto document = config::Parse(text, "f", config::Syntax::kYaml, options);
  if (!document) return 0;  // the parsers have targets of their own
  const auto loaded = gateway::ReadSettings(&*document, gateway::EnvironmentOf(text));
  if (!loaded) {
    if (loaded.error().message.empty()) std::abort();
    return 0;
  }
  const std::string shown = gateway::SettingsYaml(*loaded);
  const auto again_document = config::Parse(shown, "shown", config::Syntax::kYaml);
  if (!again_document) std::abort();
  const auto again = gateway::ReadSettings(&*again_document, {});
  // `request_log.enabled: true` of a default is refused as soon as it stands in a file without a
  // path for it; loading has turned it off then.
  if (!again || !gateway::DiffSettings(loaded->settings, again->settings).empty()) std::abort();
  return 0;
}

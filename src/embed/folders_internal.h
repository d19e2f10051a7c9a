// For messages that say where something was looked for.
#pragma once
#include <span>
#include <string>

namespace assay::embed::internal {

[[nodiscard]] inline std::string Listed(std::span<const std::string> folders) {
  std::string text;
  for (const std::string& folder : folders) text += (text.empty() ? "" : ", ") + folder;
  return text.empty() ? "(none)" : text;
}

}  // namespace assay::embed::internal

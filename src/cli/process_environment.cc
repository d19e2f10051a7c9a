#include "process_environment.h"

#include <string_view>

#include <unistd.h>

namespace assay::cli {

gateway::Environment ProcessEnvironment() {
  gateway::Environment variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

}  // namespace assay::cli

// assay version
#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/core/simd.h"

#include "command.h"
#include "json_output.h"

namespace assay::cli {

void AddVersionCommand(CLI::App& app, Invocation& invocation) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("version", "Show the version and the SIMD target in use");
  command->add_flag("--json", *json, "Print one JSON object");
  command->callback([&invocation, json] {
    invocation.run = [json]() -> Result<int> {
      const std::string target(core::ActiveSimdTarget());
      if (*json) {
        fmt::print("{}", PrettyJson({{"version", ASSAY_VERSION}, {"simd", target}}));
      } else {
        fmt::print("assay {} ({})\n", ASSAY_VERSION, target);
      }
      return kExitSuccess;
    };
  });
}

}  // namespace assay::cli

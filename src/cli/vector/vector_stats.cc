// assay vector stats INDEX
#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/core/file_system.h"

#include "json_output.h"
#include "vector_commands.h"

namespace assay::cli {
namespace {

struct Options {
  std::string index;
  bool verify = false;
  bool json = false;
};

Result<int> Run(const Options& options) {
  ASSAY_ASSIGN(const auto index, vector::Index::Open(core::FileSystem::Real(), options.index, "",
                                                     options.verify ? vector::Verify::kContent
                                                                    : vector::Verify::kHeaderOnly));
  const vector::IndexStats stats = index->Stats();
  const boost::json::value out = {{"rows", stats.rows},
                                  {"dim", stats.dim},
                                  {"label", index->options().label},
                                  {"exact", stats.exact},
                                  {"lists", stats.lists},
                                  {"probes", stats.probes},
                                  {"rerank", stats.rerank},
                                  {"code_bytes", stats.code_bytes},
                                  {"wanted_recall", index->options().wanted_recall},
                                  {"calibrated_recall", stats.calibrated_recall},
                                  {"resident_bytes", stats.resident_bytes},
                                  {"mapped_bytes", stats.mapped_bytes}};
  if (options.json) {
    fmt::print("{}", PrettyJson(out));
    return kExitSuccess;
  }
  for (const auto& [name, value] : out.as_object()) {
    fmt::print("{:<18} {}\n", std::string_view(name), boost::json::serialize(value));
  }
  return kExitSuccess;
}

}  // namespace

void AddVectorStats(CLI::App& group, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = group.add_subcommand("stats", "Show what an index holds and costs");
  command->add_option("index", options->index, "An index of `assay vector build`")->required();
  command->add_flag("--verify", options->verify, "Compare the rows with their checksum too");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer(
      "Examples:\n  assay vector stats base.index\n  assay vector stats base.index --verify");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return Run(*options); }; });
}

}  // namespace assay::cli

// assay vector search INDEX --queries Q.npy
#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/core/file_system.h"

#include "json_output.h"
#include "vector_commands.h"

namespace assay::cli {
namespace {

struct Options {
  std::string index;
  std::string queries;
  std::string label;
  std::size_t k = 10;
  bool json = false;
};

Result<int> Run(const Options& options) {
  ASSAY_ASSIGN(const auto index, vector::Index::Open(core::FileSystem::Real(), options.index,
                                                     options.label, vector::Verify::kHeaderOnly));
  ASSAY_ASSIGN(const NpyVectors queries, ReadVectors(options.queries));
  if (queries.dim != index->options().dim) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{}: vectors of {} dimensions, the index has {}", options.queries,
                            queries.dim, index->options().dim));
  }
  ASSAY_ASSIGN(const auto found, index->SearchBatch(queries.values, options.k));
  for (std::size_t q = 0; q < found.size(); ++q) {
    if (options.json) {
      boost::json::array hits;
      for (const vector::Neighbor& hit : found[q]) {
        hits.push_back({{"id", hit.id}, {"score", hit.score}});
      }
      fmt::print("{}", CompactJson({{"query", q}, {"hits", std::move(hits)}}));
      continue;
    }
    fmt::print("query {}\n", q);
    for (const vector::Neighbor& hit : found[q]) fmt::print("  {:.6f}  {}\n", hit.score, hit.id);
  }
  return kExitSuccess;
}

}  // namespace

void AddVectorSearch(CLI::App& group, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = group.add_subcommand("search", "Find the nearest rows of an index");
  command->add_option("index", options->index, "An index of `assay vector build`")->required();
  command->add_option("--queries", options->queries, "Vectors to look for (.npy)")->required();
  command->add_option("-k", options->k, "How many rows each (default 10)");
  command->add_option("--label", options->label, "Refuse an index of other vectors than these");
  command->add_flag("--json", options->json, "Print one JSON object a line and query");
  command->footer(
      "Examples:\n  assay vector search base.index --queries q.npy\n"
      "  assay vector search base.index --queries q.npy -k 3 --json");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return Run(*options); }; });
}

}  // namespace assay::cli

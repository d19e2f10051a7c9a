// assay vector search INDEX|STORE --queries Q.npy
#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/core/file_system.h"

#include "json_output.h"
#include "store_commands.h"
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

using Found = std::vector<std::vector<vector::Neighbor>>;

Result<void> CheckDim(const Options& options, const NpyVectors& queries, std::size_t dim,
                      std::string_view what) {
  if (queries.dim == dim) return {};
  return Fail(Code::kInvalidArgument, fmt::format("{}: vectors of {} dimensions, the {} has {}",
                                                  options.queries, queries.dim, what, dim));
}

Result<Found> SearchStore(const Options& options, const NpyVectors& queries) {
  ASSAY_ASSIGN(const auto store, OpenForReading({.folder = options.index, .json = false}));
  ASSAY_TRY(CheckDim(options, queries, store->dim(), "store"));
  if (!options.label.empty() && options.label != store->encoder()) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("'{}' holds vectors of '{}', not of '{}'", options.index,
                            store->encoder(), options.label));
  }
  return SearchView(*store->View(), queries.values, options.k);
}

Result<Found> SearchIndex(const Options& options, const NpyVectors& queries) {
  ASSAY_ASSIGN(const auto index, vector::Index::Open(core::FileSystem::Real(), options.index,
                                                     options.label, vector::Verify::kHeaderOnly));
  ASSAY_TRY(CheckDim(options, queries, index->options().dim, "index"));
  return index->SearchBatch(queries.values, options.k);
}

Result<int> Run(const Options& options) {
  ASSAY_ASSIGN(const NpyVectors queries, ReadVectors(options.queries));
  const auto file = core::FileSystem::Real().Stat(options.index);
  const bool is_store = file && file->is_directory;
  ASSAY_ASSIGN(const Found found,
               is_store ? SearchStore(options, queries) : SearchIndex(options, queries));
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
  CLI::App* command =
      group.add_subcommand("search", "Find the nearest rows of an index or a store");
  command
      ->add_option(
          "index", options->index,
          "An index of `assay vector build`, or the folder of a vector store, all of whose "
          "vectors are compared")
      ->required();
  command->add_option("--queries", options->queries, "Vectors to look for (.npy)")->required();
  command->add_option("-k", options->k, "How many rows each (default 10)");
  command->add_option("--label", options->label,
                      "Refuse an index or a store of other vectors than these");
  command->add_flag("--json", options->json, "Print one JSON object a line and query");
  command->footer(
      "Examples:\n  assay vector search base.index --queries q.npy\n"
      "  assay vector search base.index --queries q.npy -k 3 --json\n"
      "  assay vector search my-vectors/ --queries q.npy");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return Run(*options); }; });
}

}  // namespace assay::cli

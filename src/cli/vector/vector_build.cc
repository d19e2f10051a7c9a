// assay vector build BASE.npy|STORE --out INDEX
#include <chrono>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/core/file_system.h"

#include "json_output.h"
#include "store_commands.h"
#include "vector_commands.h"

namespace assay::cli {
namespace {

struct Options {
  std::string base;
  std::string out;
  std::string label;
  double recall = 0.99;
  bool json = false;
};

struct Rows {
  std::optional<NpyVectors> file;
  std::vector<float> read;         // of a store
  std::span<const float> values;   // [n * dim], of `file` or `read`
  std::vector<std::uint64_t> ids;  // of a store; else empty
  std::size_t dim = 0;
  std::string label;
};

Result<Rows> ReadStore(const Options& options) {
  ASSAY_ASSIGN(const auto store, OpenForReading({.folder = options.base, .json = false}));
  const auto view = store->View();
  Rows rows;
  rows.dim = view->dim();
  rows.label = options.label.empty() && view->encoder().size() <= vector::kMaxLabelBytes
                   ? std::string(view->encoder())
                   : options.label;
  rows.read.reserve(view->rows() * rows.dim);
  ASSAY_TRY(ForRows(*view, [&rows](std::size_t, std::span<const float> piece) -> Result<void> {
    rows.read.insert(rows.read.end(), piece.begin(), piece.end());
    return {};
  }));
  for (std::size_t row = 0; row < view->rows(); ++row) rows.ids.push_back(view->IdOf(row));
  rows.values = rows.read;
  return rows;
}

Result<Rows> ReadRows(const Options& options) {
  const auto stat = core::FileSystem::Real().Stat(options.base);
  if (stat && stat->is_directory) return ReadStore(options);
  Rows rows;
  ASSAY_ASSIGN(rows.file, ReadVectors(options.base));
  rows.values = rows.file->values;
  rows.dim = rows.file->dim;
  rows.label = options.label;
  return rows;
}

Result<int> Run(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  ASSAY_ASSIGN(const Rows rows, ReadRows(options));
  ASSAY_ASSIGN(const auto index,
               BuildIndex(rows.values, rows.ids,
                          {.dim = rows.dim, .label = rows.label, .wanted_recall = options.recall}));
  ASSAY_TRY(index->Save(core::FileSystem::Real(), options.out));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const vector::IndexStats stats = index->Stats();
  if (options.json) {
    fmt::print("{}", PrettyJson({{"index", options.out},
                                 {"rows", stats.rows},
                                 {"dim", stats.dim},
                                 {"exact", stats.exact},
                                 {"lists", stats.lists},
                                 {"probes", stats.probes},
                                 {"calibrated_recall", stats.calibrated_recall},
                                 {"seconds", seconds}}));
    return kExitSuccess;
  }
  fmt::print("{} rows of {} dimensions in {} ({:.1f} s)\n", stats.rows, stats.dim, options.out,
             seconds);
  if (stats.exact) {
    fmt::print("so few that every row is compared\n");
  } else {
    fmt::print("{} lists, {} looked into, recall of the 10 nearest {:.4f} on rows held back\n",
               stats.lists, stats.probes, stats.calibrated_recall);
  }
  return kExitSuccess;
}

}  // namespace

void AddVectorBuild(CLI::App& group, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = group.add_subcommand(
      "build", "Build an index of the rows of a .npy file or a store and save it");
  command
      ->add_option(
          "base", options->base,
          "Vectors, one a row (float32, float16 or float64), or the folder of a vector store")
      ->required();
  command->add_option("--out,-o", options->out, "The index file to write")->required();
  command->add_option("--label", options->label,
                      "Whose vectors these are, kept in the file (of a store: its encoder)");
  command->add_option("--recall", options->recall, "Wanted share of the 10 nearest (default 0.99)");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer(
      "Examples:\n  assay vector build base.npy --out base.index\n"
      "  assay vector build base.npy --out base.index --label minilm-v2 --recall 0.95\n"
      "  assay vector build my-vectors/ --out my.index");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return Run(*options); }; });
}

}  // namespace assay::cli

// assay vector similar BASE.npy
#include <algorithm>
#include <cmath>
#include <cstdint>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/vector/top_k.h"

#include "embed/write_vectors.h"
#include "json_output.h"
#include "vector_commands.h"

namespace assay::cli {
namespace {

constexpr std::size_t kMostMatrixRows = 40'000;  // 6.4 GB of similarities

struct Options {
  std::string base;
  std::string matrix;
  std::size_t k = 10;
  bool cosine = false;
  bool json = false;
};

// Rows of zeros stay what they are.
std::vector<float> Normalised(const NpyVectors& rows) {
  std::vector<float> values(rows.values.begin(), rows.values.end());
  for (std::size_t first = 0; first < values.size(); first += rows.dim) {
    const std::span<float> row = std::span(values).subspan(first, rows.dim);
    double square = 0;
    for (const float v : row) square += double{v} * v;
    if (square == 0) continue;
    const double factor = 1 / std::sqrt(square);
    for (float& v : row) v = static_cast<float>(v * factor);
  }
  return values;
}

Result<int> WriteMatrix(const Options& options, std::span<const float> values, std::size_t dim) {
  const std::size_t count = values.size() / dim;
  if (count > kMostMatrixRows) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{}: a matrix of {} x {} similarities; {} rows are possible, leave out "
                            "--matrix for the most similar of each",
                            options.base, count, count, kMostMatrixRows));
  }
  if (!options.matrix.ends_with(".npy")) {
    return Fail(Code::kInvalidArgument, options.matrix + ": the matrix is written as NAME.npy");
  }
  std::vector<float> similarities(count * count);
  ASSAY_TRY(vector::SimilarityMatrix(values, dim, similarities));
  ASSAY_TRY(WriteVectors(options.matrix, similarities, count, ""));
  if (options.json) {
    fmt::print("{}", PrettyJson({{"matrix", options.matrix}, {"rows", count}}));
  } else {
    fmt::print("{} x {} similarities in {}\n", count, count, options.matrix);
  }
  return kExitSuccess;
}

Result<int> PrintMostSimilar(const Options& options, std::span<const float> values,
                             std::size_t dim) {
  const std::size_t count = values.size() / dim;
  if (options.k == 0 || options.k > vector::kMaxTopK) {
    return Fail(Code::kOutOfRange,
                fmt::format("-k {}; 1 to {} are possible", options.k, vector::kMaxTopK));
  }
  const std::size_t k = std::min(options.k, std::max<std::size_t>(count, 2) - 1);
  std::vector<std::uint32_t> similar(count * k);
  std::vector<float> scores(count * k);
  ASSAY_TRY(vector::MostSimilarRows(values, dim, k, similar, scores));
  for (std::size_t r = 0; r < count; ++r) {
    boost::json::array hits;
    if (!options.json) fmt::print("row {}\n", r);
    for (std::size_t i = r * k; i < (r + 1) * k && similar[i] != vector::kNoRow; ++i) {
      if (options.json) {
        hits.push_back({{"row", similar[i]}, {"score", scores[i]}});
      } else {
        fmt::print("  {:.6f}  {}\n", scores[i], similar[i]);
      }
    }
    if (options.json) {
      fmt::print("{}", CompactJson({{"row", r}, {"similar", std::move(hits)}}));
    }
  }
  return kExitSuccess;
}

Result<int> Run(const Options& options) {
  ASSAY_ASSIGN(const NpyVectors rows, ReadVectors(options.base));
  std::vector<float> normalised;
  if (options.cosine) normalised = Normalised(rows);
  const std::span<const float> values = options.cosine ? normalised : rows.values;
  return options.matrix.empty() ? PrintMostSimilar(options, values, rows.dim)
                                : WriteMatrix(options, values, rows.dim);
}

}  // namespace

void AddVectorSimilar(CLI::App& group, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = group.add_subcommand(
      "similar", "Compare all rows of a small set with each other (dot products)");
  command->add_option("base", options->base, "Vectors, one a row (.npy)")->required();
  command->add_option("-k", options->k, "How many of the most similar others (default 10)");
  command->add_option("--matrix", options->matrix,
                      "Write all similarities to this .npy file instead");
  command->add_flag("--cosine", options->cosine, "Divide by the lengths");
  command->add_flag("--json", options->json, "Print one JSON object a line and row");
  command->footer(
      "Examples:\n  assay vector similar base.npy -k 3 --json\n"
      "  assay vector similar base.npy --cosine --matrix similarities.npy");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return Run(*options); }; });
}

}  // namespace assay::cli

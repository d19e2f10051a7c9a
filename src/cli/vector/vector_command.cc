// assay vector build|search|stats|bench|codes|similar|put|get|erase|compact|log|diff|rollback
#include <algorithm>

#include <fmt/format.h>

#include "assay/core/file_system.h"

#include "vector/store_commands.h"
#include "vector_commands.h"

namespace assay::cli {

Result<NpyVectors> ReadVectors(const std::string& path) {
  ASSAY_ASSIGN(vector::NpyFile file, vector::NpyFile::Open(core::FileSystem::Real(), path));
  NpyVectors vectors{.file = std::move(file), .converted = {}, .values = {}};
  vectors.rows = vectors.file.rows();
  vectors.dim = vectors.file.dim();
  if (vectors.dim == 0) return Fail(Code::kInvalidArgument, path + ": vectors of no dimensions");
  vectors.values = vectors.file.float_values();
  if (vectors.values.empty()) {
    Result<std::vector<float>> converted = vectors.file.ToFloats();
    if (!converted) return Fail(converted.error().code, path + ": " + converted.error().message);
    vectors.converted = std::move(*converted);
    vectors.values = vectors.converted;
  }
  if (const auto finite = vector::CheckFinite(vectors.values, vectors.dim); !finite) {
    return Fail(finite.error().code, path + ": " + finite.error().message);
  }
  return vectors;
}

Result<TrueRows> ReadTruth(const std::string& path, const NpyVectors& queries, std::size_t rows,
                           std::size_t nearest) {
  ASSAY_ASSIGN(const vector::NpyFile file, vector::NpyFile::Open(core::FileSystem::Real(), path));
  TrueRows truth;
  Result<std::vector<std::int64_t>> values = file.ToIntegers();
  if (!values) return Fail(values.error().code, path + ": " + values.error().message);
  truth.rows = std::move(*values);
  truth.columns = file.dim();
  if (file.rows() != queries.rows || truth.columns < std::min(nearest, rows)) {
    return Fail(
        Code::kInvalidArgument,
        fmt::format("{}: {} x {} row numbers; at least {} for each of {} queries were to be "
                    "there",
                    path, file.rows(), truth.columns, std::min(nearest, rows), queries.rows));
  }
  return truth;
}

Result<std::unique_ptr<vector::Index>> BuildIndex(std::span<const float> rows,
                                                  std::vector<std::uint64_t> ids,
                                                  const vector::IndexOptions& options) {
  ASSAY_ASSIGN(std::unique_ptr<vector::Index> index,
               vector::Index::Over(options, rows, std::move(ids), nullptr));
  ProgressBar progress("building");
  ASSAY_TRY(index->Optimize([&](const vector::IndexProgress& step) {
    progress.Update(step.stage, step.done, step.total);
  }));
  return index;
}

void AddVectorCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* group = app.add_subcommand(
      "vector",
      "Build and search indexes of vectors (.npy files), and keep vectors on disk with versions.");
  group->require_subcommand(1);
  AddVectorBuild(*group, invocation);
  AddVectorSearch(*group, invocation);
  AddVectorStats(*group, invocation);
  AddVectorBench(*group, invocation);
  AddVectorCodes(*group, invocation);
  AddVectorSimilar(*group, invocation);
  AddVectorRowCommands(*group, invocation);
  AddVectorHistoryCommands(*group, invocation);
  group->footer(
      "Examples:\n  assay vector put my-vectors/ vectors.jsonl\n"
      "  assay vector log my-vectors/\n  assay vector rollback my-vectors/ 3");
}

}  // namespace assay::cli

// The subcommands of `assay vector`, one file each.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "assay/core/result.h"
#include "assay/vector/index.h"
#include "assay/vector/npy.h"

#include "command.h"

namespace assay::cli {

void AddVectorBench(CLI::App& group, Invocation& invocation);
void AddVectorBuild(CLI::App& group, Invocation& invocation);
void AddVectorCodes(CLI::App& group, Invocation& invocation);
void AddVectorSearch(CLI::App& group, Invocation& invocation);
void AddVectorSimilar(CLI::App& group, Invocation& invocation);
void AddVectorStats(CLI::App& group, Invocation& invocation);

// The vectors of a .npy file, in place where they are float32; finite.
struct NpyVectors {
  vector::NpyFile file;
  std::vector<float> converted;
  std::span<const float> values;  // [rows * dim]
  std::size_t rows = 0;
  std::size_t dim = 0;
};
[[nodiscard]] Result<NpyVectors> ReadVectors(const std::string& path);

// For each query the numbers of its nearest rows, best first, `columns` of them.
struct TrueRows {
  std::vector<std::int64_t> rows;
  std::size_t columns = 0;
};
// Errors: also where `path` has no `nearest` (or all `rows`, if fewer) numbers for each query.
[[nodiscard]] Result<TrueRows> ReadTruth(const std::string& path, const NpyVectors& queries,
                                         std::size_t rows, std::size_t nearest);

// An index of the rows, ids as given or from 0 on, with lists; progress on a terminal. The rows
// must outlive it.
[[nodiscard]] Result<std::unique_ptr<vector::Index>> BuildIndex(
    std::span<const float> rows, std::vector<std::uint64_t> ids,
    const vector::IndexOptions& options);

}  // namespace assay::cli

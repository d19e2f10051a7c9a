// The parts of `assay vector`.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "assay/vector/index.h"
#include "assay/vector/vector_store.h"

#include "command.h"

namespace assay::cli {

// What every subcommand that uses a vector store has.
struct StoreArguments {
  std::string folder;
  bool json = false;
};
void AddStoreArguments(CLI::App& command, StoreArguments& arguments);

// A subcommand that runs `run` on its options, of which `store` is a StoreArguments.
template <typename Options>
CLI::App* AddStoreCommand(CLI::App& group, Invocation& invocation,
                          const std::shared_ptr<Options>& options, const std::string& name,
                          const std::string& what, Result<int> (*run)(const Options&)) {
  CLI::App* command = group.add_subcommand(name, what);
  AddStoreArguments(*command, options->store);
  command->callback(
      [&invocation, options, run] { invocation.run = [options, run] { return run(*options); }; });
  return command;
}

// Without a thread that compacts; what the store has to tell goes to standard error.
[[nodiscard]] Result<std::unique_ptr<vector::VectorStore>> OpenForReading(
    const StoreArguments& arguments);
[[nodiscard]] Result<std::unique_ptr<vector::VectorStore>> OpenForWriting(
    const StoreArguments& arguments, std::size_t dim, const std::string& encoder);

// The newest rows of a store, read piece by piece; names the row where one is damaged.
using OnRows = std::function<Result<void>(std::size_t first, std::span<const float> rows)>;
[[nodiscard]] Result<void> ForRows(const vector::VectorView& view, const OnRows& on_rows);

// For each query the k nearest vectors of a view, best first; every one is compared, and no more
// than a few thousand are in memory. Shapes: queries [m * view.dim()]. Errors: those of TopKBatch
// and of VectorView::Read.
[[nodiscard]] Result<std::vector<std::vector<vector::Neighbor>>> SearchView(
    const vector::VectorView& view, std::span<const float> queries, std::size_t k);

// Each adds its subcommands of `vector`.
void AddVectorHistoryCommands(CLI::App& group, Invocation& invocation);  // log, diff, rollback
void AddVectorRowCommands(CLI::App& group, Invocation& invocation);      // put, get, erase, compact

}  // namespace assay::cli

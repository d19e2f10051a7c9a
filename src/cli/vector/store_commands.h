// The parts of `assay vector`.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

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

// Each adds its subcommands of `vector`.
void AddVectorHistoryCommands(CLI::App& group, Invocation& invocation);  // log, diff, rollback
void AddVectorRowCommands(CLI::App& group, Invocation& invocation);      // put, get, erase, compact

}  // namespace assay::cli

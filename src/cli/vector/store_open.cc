// Opening the store of a command.
#include <fmt/format.h>

#include "vector/store_commands.h"

namespace assay::cli {

void AddStoreArguments(CLI::App& command, StoreArguments& arguments) {
  command.add_option("store", arguments.folder, "Folder of the vector store")->required();
  command.add_flag("--json", arguments.json, "Print one JSON object");
}

Result<std::unique_ptr<vector::VectorStore>> OpenForReading(const StoreArguments& arguments) {
  vector::StoreOptions options;
  options.folder = arguments.folder;
  options.read_only = true;
  Result<std::unique_ptr<vector::VectorStore>> store =
      vector::VectorStore::Open(core::FileSystem::Real(), std::move(options));
  if (!store && store.error().code == Code::kNotFound) {
    return Fail(Code::kNotFound,
                fmt::format("there is no vector store in '{}' ({}); make one with 'assay vector "
                            "put {} FILE'",
                            arguments.folder, store.error().message, arguments.folder));
  }
  return store;
}

Result<std::unique_ptr<vector::VectorStore>> OpenForWriting(const StoreArguments& arguments,
                                                            std::size_t dim,
                                                            const std::string& encoder) {
  vector::StoreOptions options;
  options.folder = arguments.folder;
  options.dim = dim;
  options.encoder = encoder;
  options.background = false;
  options.on_event = [](const vector::StoreEvent& event) {
    fmt::print(stderr, "assay: note: {}\n", event.message);
  };
  return vector::VectorStore::Open(core::FileSystem::Real(), std::move(options));
}

}  // namespace assay::cli

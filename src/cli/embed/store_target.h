// Vectors that go straight into a vector store.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "assay/core/result.h"
#include "assay/vector/vector_store.h"

#include "embed/jsonl_texts.h"

namespace assay::cli {

// The number of a text in a store: its id where that is a whole number below 2^64 without leading
// zeros, else the 64-bit hash (XXH3) of the id.
[[nodiscard]] std::uint64_t StoreIdOf(const std::string& id);

// One for each text. Errors: kInvalidArgument for a text without an id of its own, or two that have
// the same number, naming the lines.
[[nodiscard]] Result<std::vector<std::uint64_t>> StoreIdsOf(const std::string& file,
                                                            std::span<const TextLine> texts);

// Puts the rows whose bits are not in the store yet; a call is one version, or none where nothing
// differs. Shapes: rows [ids.size() * dim]. Returns how many were put. Errors: those of Commit.
[[nodiscard]] Result<std::size_t> PutChanged(vector::VectorStore& store,
                                             std::span<const std::uint64_t> ids,
                                             std::span<const float> rows);

// {"id": "...", "vector": 7} a line: which vector of the store is which text's.
[[nodiscard]] Result<void> WriteStoreIds(const std::string& path, std::span<const TextLine> texts,
                                         std::span<const std::uint64_t> ids);

}  // namespace assay::cli

// What single pairs and matrices of pairs have in common.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "assay/text/similarity/edit.h"

namespace assay::text::internal {

// The bits of block `block` (64 rows) that belong to a pattern of `length` rows.
[[nodiscard]] std::uint64_t UsedRows(std::size_t length, std::size_t block);

// Similarity of strings of lengths a and b from their Levenshtein distance (kLevenshtein) or the
// length of their longest common subsequence (kIndel, kLcs).
[[nodiscard]] double SimilarityOf(EditMeasure measure, std::size_t value, std::size_t a,
                                  std::size_t b);

[[nodiscard]] double Similarity(std::u32string_view a, std::u32string_view b, EditMeasure measure);

}  // namespace assay::text::internal

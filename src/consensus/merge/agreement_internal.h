// How much answers agree, pair by pair.
#pragma once
#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "assay/consensus/final_answer.h"
#include "assay/core/result.h"
#include "assay/embed/encoder.h"

namespace assay::consensus::internal {

// [n * n] symmetric, in [0, 1]: cosine of the encoder's vectors, or of word counts without one.
[[nodiscard]] Result<std::vector<double>> MeaningMatrix(std::span<const std::string_view> texts,
                                                        const embed::Encoder* encoder,
                                                        bool parallel);

// The kind that at least half of the texts end in; kNone where there is no such kind, or it is
// text.
[[nodiscard]] FinalKind KindOfFinals(std::span<const std::string_view> texts);

// Equal finals agree wholly; unequal numbers, choices and yes/no not at all. The rest keeps its
// value.
void RefineByFinals(std::span<const FinalAnswer> finals, std::vector<double>& agreement);

}  // namespace assay::consensus::internal

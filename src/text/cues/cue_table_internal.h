// The rows of cue phrases that FindCues compiles on first use.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "assay/text/cues.h"

namespace assay::text {

inline constexpr std::uint8_t kNoCue = 255;  // value of a row whose phrases only hide others

struct CueRow {
  CueKind kind;
  std::uint8_t value;
  std::string_view phrases;  // lower case, '|' between phrases
};

[[nodiscard]] std::span<const CueRow> CueRows();

}  // namespace assay::text
